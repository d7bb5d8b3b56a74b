// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One interface's sensor: the loaded program, its link, its tables, its wake records. What is
 * blocked is not known here: the drop map's maps are handed in.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>
#include "base/log.h"
#include "model/table_memory.h"
#include "sense/attach.h"
#include "sense/egress.h"
#include "sense/hot_prefix.h"
#include "sense/packets.h"
#include "sense/program.h"
#include "sense/restricted.h"
#include "sense/sensor.h"
#include "sense/tables.h"

struct sensor {
	struct fwgen_bpf *bpf;
	struct sensor_control *control; /* in the program's mapped data */
	struct attachment link;
	uint32_t prog_id;
	struct egress egress;
	struct tables sources, destinations;
	struct packets packets;
	struct merge source_merge, destination_merge;
	struct hot_prefixes hot;
	struct ring_buffer *ring;
	void (*wake_fn)(void *context, const struct wake_record *record);
	void *wake_context;

	uint32_t closed_epoch;	/* the one to collect */
	uint32_t drained_epoch; /* the last that was collected; atomic */
	struct moment started;	/* the running interval */
	struct moment closed_start, closed_end;
	uint64_t overflow_seen;
	unsigned int destination_every; /* in the closed interval */
};

/* Protocols whose answers are larger than their questions, and which are forged for that. */
static const uint16_t amplifier_ports[] = { 17,	 19,  53,   69,	  111,	123,  137,   161,  389,
					    427, 520, 1900, 3283, 3702, 5353, 11211, 27015 };

static int wake_record(void *context, void *data, size_t size)
{
	struct sensor *sensor = context;

	if (size == sizeof(struct wake_record))
		sensor->wake_fn(sensor->wake_context, data);
	return 0;
}

static void new_key(struct hash_key *key)
{
	/* cannot fail for 256 bytes and less once the pool is ready (getrandom(2)) */
	if (getrandom(key, sizeof(*key), 0) != sizeof(*key))
		log_error("failed to get random numbers: %m");
	key->finish |= 1;
}

static void set_ports(__u64 *bitmap, const uint16_t *ports, size_t count)
{
	__u64 fresh[SENSITIVE_PORT_MAX / 64] = { 0 };

	for (size_t i = 0; i < count; i++)
		fresh[ports[i] / 64] |= 1ULL << (ports[i] % 64);
	memcpy(bitmap, fresh, sizeof(fresh));
}

void sensor_reconfigure(struct sensor *sensor, const struct config *config,
			const struct wake_marks *marks)
{
	sensor->control->marks = *marks;
	set_ports(sensor->control->sensitive_ports, config->sensitive_ports,
		  config->sensitive_port_count);
	restricted_set(sensor->control, config);
}

/* CPUs that are online get their tables at once; others, and those past the memory, on demand. */
static void assign_slots(struct sensor *sensor)
{
	struct sensor_control *control = sensor->control;
	uint32_t used = 0;

	for (int cpu = 0; cpu < CPUS_MAX; cpu++)
		used += control->cpu_slot[cpu] != SLOT_NONE;
	for (int cpu = 0; cpu < CPUS_MAX && used < sensor->sources.slots; cpu++) {
		if (!control->cpu_wanted[cpu] || control->cpu_slot[cpu] != SLOT_NONE)
			continue;
		__atomic_store_n(&control->cpu_slot[cpu], ++used, __ATOMIC_RELEASE);
	}
}

static void first_slots(struct sensor *sensor)
{
	long online = sysconf(_SC_NPROCESSORS_ONLN), configured = sysconf(_SC_NPROCESSORS_CONF);

	/* ids are dense when none is offline; otherwise let the program tell */
	if (online != configured)
		return;
	for (long cpu = 0; cpu < online && cpu < CPUS_MAX; cpu++)
		sensor->control->cpu_wanted[cpu] = 1;
	assign_slots(sensor);
}

static int map_tables(struct sensor *sensor, uint32_t buckets, uint32_t slots)
{
	struct fwgen_bpf *bpf = sensor->bpf;
	struct tables_fds sources = { bpf_map__fd(bpf->maps.source_headers),
				      bpf_map__fd(bpf->maps.source_entries),
				      bpf_map__fd(bpf->maps.source_totals) };
	struct tables_fds destinations = { bpf_map__fd(bpf->maps.destination_headers),
					   bpf_map__fd(bpf->maps.destination_entries),
					   bpf_map__fd(bpf->maps.destination_totals) };
	int err = tables_map(&sensor->sources, &sources, buckets, slots);

	return err ? err
		   : tables_map(&sensor->destinations, &destinations,
				table_memory_destinations(buckets), slots);
}

static void prepare_control(struct sensor *sensor, const struct sensor_options *options)
{
	struct sensor_control *control = &sensor->bpf->data_sensor->sensor;

	sensor->control = control;
	control->epoch = 2;
	control->bucket_mask = sensor->sources.bucket_count - 1;
	control->destination_bucket_mask = sensor->destinations.bucket_count - 1;
	control->destination_every = 8;
	new_key(&control->keys[0]);
	new_key(&control->keys[1]);
	new_key(&control->bitmap_key);
	set_ports(control->amplifier_ports, amplifier_ports,
		  sizeof(amplifier_ports) / sizeof(*amplifier_ports));
	sensor->hot.map_fd = bpf_map__fd(sensor->bpf->maps.hot_prefixes);
	sensor->hot.control = control;
	sensor_reconfigure(sensor, options->config, &options->marks);
	first_slots(sensor);
}

/* The mappings of tables and samples, and the ring of wake records. */
static int map_memory(struct sensor *sensor, uint32_t buckets, uint32_t slots, char error[512])
{
	int err = map_tables(sensor, buckets, slots);

	if (!err)
		err = packets_map(&sensor->packets, bpf_map__fd(sensor->bpf->maps.packet_samples),
				  slots);
	if (!err) {
		sensor->ring = ring_buffer__new(bpf_map__fd(sensor->bpf->maps.wakes), wake_record,
						sensor, NULL);
		err = sensor->ring ? 0 : -errno;
	}
	if (err)
		snprintf(error, 512, "failed to map the interval tables: %s", strerror(-err));
	return err;
}

static int find_id(struct sensor *sensor, int prog_fd)
{
	struct bpf_prog_info info = { 0 };
	__u32 len = sizeof(info);

	if (bpf_obj_get_info_by_fd(prog_fd, &info, &len))
		return -errno;
	sensor->prog_id = info.id;
	return 0;
}

static void attach_egress(struct sensor *sensor)
{
	egress_attach(&sensor->egress, sensor->link.ifindex,
		      bpf_program__fd(sensor->bpf->progs.fwgen_egress));
}

int sensor_open(const struct sensor_options *options, struct sensor **out, char error[512])
{
	uint32_t buckets = options->config->sensor.table_buckets;
	uint32_t slots = program_slots(buckets, options->memory_mb);
	struct sensor *sensor = calloc(1, sizeof(*sensor));
	int err, prog_fd;

	if (!sensor) {
		snprintf(error, 512, "failed to open the sensor of %s: out of memory",
			 options->interface);
		return -ENOMEM;
	}
	sensor->link.link_fd = -1;
	err = program_load(options, slots, &sensor->bpf, error);
	if (!err)
		err = map_memory(sensor, buckets, slots, error);
	if (err) {
		sensor_close(&sensor, false);
		return err;
	}
	prepare_control(sensor, options);
	sensor->started = moment_now();
	prog_fd = bpf_program__fd(sensor->bpf->progs.fwgen_xdp);
	err = attach_open(options->interface, options->generic, prog_fd, options->pin_dir,
			  &sensor->link, error);
	if (!err)
		err = find_id(sensor, prog_fd);
	if (err) {
		sensor_close(&sensor, false);
		return err;
	}
	attach_egress(sensor);
	*out = sensor;
	return 0;
}

void sensor_close(struct sensor **out, bool keep)
{
	struct sensor *sensor = *out;

	if (!sensor)
		return;
	/* a link without a pin ends with us, and the filter's notes would be read by nobody */
	egress_close(&sensor->egress, keep && sensor->link.pin[0]);
	attach_close(&sensor->link, keep);
	ring_buffer__free(sensor->ring);
	tables_unmap(&sensor->sources);
	tables_unmap(&sensor->destinations);
	packets_unmap(&sensor->packets);
	merge_free(&sensor->source_merge);
	merge_free(&sensor->destination_merge);
	fwgen_bpf__destroy(sensor->bpf);
	free(sensor);
	*out = NULL;
}

void sensor_flip(struct sensor *sensor, struct moment now)
{
	struct sensor_control *control = sensor->control;
	uint32_t next = control->epoch + 1;

	if (next == 0)
		next = 2; /* 0 is what a table that was never used has; the parity stays */
	assign_slots(sensor);
	new_key(&control->keys[next & 1]);
	sensor->closed_epoch = control->epoch;
	sensor->closed_start = sensor->started;
	sensor->closed_end = now;
	sensor->destination_every = control->destination_every;
	sensor->started = now;
	__atomic_store_n(&control->epoch, next, __ATOMIC_RELEASE);
}

static uint64_t overflow_packets(const struct sensor *sensor)
{
	uint64_t sum = 0;

	for (int cpu = 0; cpu < CPUS_MAX; cpu++)
		sum += __atomic_load_n(&sensor->control->overflow_packets[cpu], __ATOMIC_RELAXED);
	return sum;
}

static void fill_traffic(struct sensor *sensor, const struct tables_sum *sum,
			 struct traffic *traffic)
{
	uint64_t overflow = overflow_packets(sensor), here = overflow - sensor->overflow_seen;

	sensor->overflow_seen = overflow;
	*traffic = (struct traffic){
		.ifindex = sensor->link.ifindex,
		.start = sensor->closed_start,
		.end = sensor->closed_end,
		.packets = sum->packets + here,
		.bytes = sum->bytes,
		.tcp = sum->tcp,
		.udp = sum->udp,
		.icmp = sum->icmp,
		.other = sum->other,
		.dropped = sum->dropped,
		.dropped_bytes = sum->dropped_bytes,
		.malformed = sum->malformed,
		.not_ip = sum->not_ip,
		.attributed = sum->attributed,
		.unattributed = sum->packets + here - sum->attributed,
		.overflow = here,
		.sources_estimate = sum->sources_estimate,
		.wakes = sum->wakes,
		.wakes_lost = sum->wakes_lost,
		.blind_below_pps = sum->blind_below_pps,
	};
	snprintf(traffic->interface, sizeof(traffic->interface), "%s", sensor->link.name);
}

/* Never every packet: a flood begins at full rate, and this is known at the end of an interval
 * only. */
static void set_destination_rate(struct sensor *sensor, double packets_per_second)
{
	uint32_t every = packets_per_second > 400000 ? 64 : 8;

	__atomic_store_n(&sensor->control->destination_every, every, __ATOMIC_RELAXED);
}

int sensor_collect(struct sensor *sensor, struct interval *out)
{
	double seconds =
		(sensor->closed_end.boot_ns - sensor->closed_start.boot_ns) / (double)NS_PER_SECOND;
	struct tables_sum sum, destinations;
	int err, destination_err;

	__atomic_store_n(&sensor->drained_epoch, sensor->closed_epoch, __ATOMIC_RELEASE);
	err = tables_drain(&sensor->sources, sensor->closed_epoch, seconds, &sensor->source_merge,
			   &sum);
	packets_collect(&sensor->packets, &sensor->destinations, sensor->closed_epoch);
	destination_err = tables_drain(&sensor->destinations, sensor->closed_epoch, seconds,
				       &sensor->destination_merge, &destinations);
	fill_traffic(sensor, &sum, &out->traffic);
	out->sources = sensor->source_merge.samples;
	out->source_count = sensor->source_merge.count;
	out->destinations = sensor->destination_merge.samples;
	out->destination_count = sensor->destination_merge.count;
	out->destination_every = sensor->destination_every;
	out->packets = sensor->packets.copy;
	out->packet_count = sensor->packets.count;
	set_destination_rate(sensor, seconds > 0 ? sum.packets / seconds : 0);
	hot_prefixes_update(&sensor->hot, out->sources, out->source_count);
	return err ? err : destination_err;
}

int sensor_wake_fd(const struct sensor *sensor)
{
	return ring_buffer__epoll_fd(sensor->ring);
}

int sensor_wake_consume(struct sensor *sensor,
			void (*fn)(void *context, const struct wake_record *record), void *context)
{
	sensor->wake_fn = fn;
	sensor->wake_context = context;
	return ring_buffer__consume(sensor->ring);
}

bool sensor_drained(const struct sensor *sensor, uint32_t epoch)
{
	/* epochs wrap: the difference tells which is later */
	return (int32_t)(epoch - __atomic_load_n(&sensor->drained_epoch, __ATOMIC_ACQUIRE)) <= 0;
}

const char *sensor_interface(const struct sensor *sensor)
{
	return sensor->link.name;
}

const char *sensor_kind(const struct sensor *sensor)
{
	return sensor->link.generic ? "xdp-generic" : "xdp";
}

int sensor_verify(struct sensor *sensor, char why[160])
{
	return attach_verify(&sensor->link, sensor->prog_id, why);
}

int sensor_reattach(struct sensor *sensor, char why[160])
{
	return attach_again(&sensor->link, bpf_program__fd(sensor->bpf->progs.fwgen_xdp), why);
}

enum direction sensor_direction(struct sensor *sensor, const char **why)
{
	struct egress *egress = &sensor->egress;
	int before = egress->ifindex, now = sensor->link.ifindex;

	*why = egress->reason;
	if (before == now && egress_holds(egress))
		return DIRECTION_SEEN;
	if (attach_released(&sensor->link))
		return before ? DIRECTION_SEEN : DIRECTION_UNSEEN;
	if (before && before != now) /* its interface is gone, or another one is watched now */
		egress_close(egress, false);
	if (!now)
		return DIRECTION_UNSEEN;
	attach_egress(sensor);
	if (!egress->ifindex)
		return DIRECTION_UNSEEN;
	return before == now ? DIRECTION_BACK : DIRECTION_BEGUN;
}

uint64_t sensor_memory_bytes(const struct sensor *sensor)
{
	const struct tables *s = &sensor->sources, *d = &sensor->destinations;

	return s->headers_bytes + s->entries_bytes + s->totals_bytes + d->headers_bytes +
	       d->entries_bytes + d->totals_bytes + sensor->packets.bytes * 3 / 2 +
	       sensor->source_merge.capacity * (sizeof(struct sample) + 2 * sizeof(uint32_t));
}
