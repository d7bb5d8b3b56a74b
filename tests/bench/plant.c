// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The daemon's use of the data plane, without detection: the benchmark measures what runs in
 * production, through the same functions, and not a copy of it.
 */
#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/address.h"
#include "bench.h"
#include "contact.h"
#include "detect/detect.h"
#include "enforce/dropmap.h"
#include "parse.h"
#include "sense/grace.h"
#include "sense/sensor.h"

/* Prefixes that a daemon protects on any box: every drop is checked against them. */
static const char *const protected_texts[] = {
	"127.0.0.0/8", "0.0.0.0",	  "169.254.0.0/16", "224.0.0.0/4",
	"192.0.2.1",   "255.255.255.255", "fe80::/10",	    "ff00::/8",
};

static void protect(struct plant *plant)
{
	struct protected_list list = { 0 };
	int err = 0;

	for (size_t i = 0; i < sizeof(protected_texts) / sizeof(*protected_texts) && !err; i++) {
		struct prefix prefix;

		err = prefix_parse(protected_texts[i], &prefix);
		err = err ? err : protected_list_add(&list, &prefix, "bench");
	}
	err = err ? err : dropmap_protect(plant->dropmap, &list);
	if (err)
		die("failed to protect prefixes: %s", strerror(-err));
	protected_list_free(&list);
}

static void block(struct plant *plant, const struct prefix *prefix)
{
	struct moment now = moment_now();
	struct rule rule = {
		.id = ++plant->blocks,
		.prefix = *prefix,
		.action = ACTION_DROP,
		.classes = CLASS_ALL,
		.expires = moment_plus(now, 3600 * NS_PER_SECOND),
	};
	int err = dropmap_put(plant->dropmap, &rule, now);

	if (err)
		die("failed to add block %u: %s", plant->blocks, strerror(-err));
}

/* As a tick does, when it is due: the filter gets the size that it has in the long run. */
static void settle(struct plant *plant)
{
	dropmap_maintain(plant->dropmap, moment_plus(moment_now(), NS_PER_SECOND));
}

void plant_block_row(struct plant *plant, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		struct address address =
			address_from_ipv4(__builtin_bswap32(PLANT_BLOCKED_FIRST + i));
		struct prefix prefix = prefix_of(&address);

		block(plant, &prefix);
	}
	settle(plant);
}

void plant_block_spread(struct plant *plant, uint32_t count, const uint32_t *lengths,
			uint32_t length_count)
{
	uint64_t state = 20260731;

	for (uint32_t i = 0; i < count; i++) {
		uint32_t len = PREFIX_LEN_MAPPED + lengths[i % length_count];
		struct address address;
		struct prefix prefix = { .len = len };

		/* Knuth's MMIX generator; the upper half is good enough */
		state = state * 6364136223846793005ULL + 1442695040888963407ULL;
		address = address_from_ipv4((uint32_t)(state >> 32));
		prefix.address = address_masked(&address, len);
		block(plant, &prefix);
	}
	settle(plant);
}

/* The program that the sensor attached, for the driver's tail call. */
static int attached_program(const char *interface)
{
	__u32 id = 0;
	int err = bpf_xdp_query_id(if_nametoindex(interface), XDP_FLAGS_DRV_MODE, &id), fd;

	fd = err ? err : bpf_prog_get_fd_by_id(id);
	if (fd < 0)
		die("failed to find the program on %s: %s", interface, strerror(-fd));
	return fd;
}

/* The destination of all frames takes part in the world: what arrives there is judged. */
static void note_destination(struct plant *plant)
{
	struct contacts *notes = plant->contacts.notes;
	struct address four, six;

	if (address_parse("192.0.2.1", &four) || address_parse("2001:db8:1::1", &six))
		die("failed to read the frames' destination");
	notes->learning = 0;
	contact_set(notes, contact_host_hash(notes, &four));
	contact_set(notes, contact_host_hash(notes, &six));
}

void plant_note_flows(struct plant *plant, uint32_t first_source, uint32_t sources)
{
	struct contacts *notes = plant->contacts.notes;
	unsigned char frame[FRAME_BYTES];
	size_t bytes = frame_build(FRAME_ACK, frame);
	struct packet packet;

	if (packet_parse(frame, frame + bytes, bytes, &packet) != PACKET_IP)
		die("failed to read a frame");
	for (uint32_t i = 0; i <= sources; i++) { /* the only one is number 1 */
		struct address source = address_from_ipv4(__builtin_bswap32(first_source + i));
		uint64_t ends = contact_ends(notes, &source, &packet.destination);

		contact_set(notes, contact_hash(notes, ends, contact_ports(&packet),
						CONTACT_FLOW | PROTOCOL_TCP));
	}
}

void plant_open(struct plant *plant, const char *interface)
{
	struct dropmap_options dropmap = { .max_blocks = 131072 };
	struct sensor_options sensor = { .interface = interface };
	char error[512];

	*plant = (struct plant){ .config = config_defaults(), .prog_fd = -1 };
	if (!plant->config)
		die("failed to make a configuration: out of memory");
	if (dropmap_open(&dropmap, &plant->dropmap, error))
		die("%s", error);
	protect(plant);
	if (contacts_open(&plant->contacts))
		die("failed to make the map of what leaves: %m");
	note_destination(plant);
	sensor.contacts_fd = plant->contacts.fd;
	sensor.config = plant->config;
	sensor.memory_mb = plant->config->sensor.memory_mb;
	dropmap_maps(plant->dropmap, &sensor.maps);
	detect_wake_marks(plant->config, &sensor.marks);
	if (sensor_open(&sensor, &plant->sensor, error))
		die("%s", error);
	if (grace_start(&plant->grace))
		die("failed to start waiting for grace periods: %m");
	plant->prog_fd = attached_program(interface);
	usleep(60000); /* a turned filter is left alone for 50 ms */
	dropmap_maintain(plant->dropmap, moment_now());
}

void plant_close(struct plant *plant)
{
	close(plant->prog_fd);
	grace_stop(&plant->grace);
	sensor_close(&plant->sensor, false);
	contacts_close(&plant->contacts);
	dropmap_close(&plant->dropmap, false);
	config_free(&plant->config);
}

static void ignore_wake(void *context, const struct wake_record *record)
{
	(void)context;
	(void)record;
}

/* What the daemon does at each tick. */
static struct traffic turn(struct plant *plant)
{
	struct pollfd ready = { .fd = grace_fd(plant->grace), .events = POLLIN };
	struct interval interval = { 0 };
	uint64_t count;

	sensor_flip(plant->sensor, moment_now());
	contacts_turn(&plant->contacts, moment_now());
	grace_request(plant->grace);
	if (poll(&ready, 1, 5000) != 1 || read(ready.fd, &count, sizeof(count)) != sizeof(count))
		die("failed to wait for a grace period");
	sensor_wake_consume(plant->sensor, ignore_wake, NULL);
	if (sensor_collect(plant->sensor, &interval))
		die("failed to drain the tables: out of memory");
	return interval.traffic;
}

void plant_begin(struct plant *plant)
{
	note_destination(plant);
	/* what was counted before, nothing, is not collected: it would set the rates to that */
	sensor_flip(plant->sensor, moment_now());
}

uint64_t plant_end(struct plant *plant)
{
	return turn(plant).packets;
}

static void tick(struct plant *plant)
{
	struct traffic traffic = turn(plant);

	plant->packets += traffic.packets;
	plant->dropped += traffic.dropped;
}

static void *run_ticker(void *context)
{
	struct plant *plant = context;

	bench_pin_elsewhere(plant->cpu);
	while (!__atomic_load_n(&plant->stopping, __ATOMIC_ACQUIRE)) {
		usleep(plant->config->sensor.interval_ms * 1000);
		tick(plant);
	}
	return NULL;
}

void plant_start(struct plant *plant, int cpu)
{
	plant_begin(plant);
	plant->packets = plant->dropped = 0;
	plant->cpu = cpu;
	plant->stopping = false;
	if (pthread_create(&plant->ticker, NULL, run_ticker, plant))
		die("failed to start a thread");
}

void plant_stop(struct plant *plant)
{
	__atomic_store_n(&plant->stopping, true, __ATOMIC_RELEASE);
	pthread_join(plant->ticker, NULL);
	tick(plant);
}
