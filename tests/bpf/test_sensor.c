// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The sensor on a real interface: frames through a packet socket, the program attached natively.
 * What leaves is test_egress's.
 */
#include "bpf/sensor_world.h"
#include "base/address.h"

/* A SYN from 198.51.100.`host` to 192.0.2.1. */
static void send_syn(struct world *world, int host, uint16_t port)
{
	unsigned char frame[60] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0 };
	unsigned char *ip = frame + 14, *tcp = ip + 20;

	memcpy(ip, (unsigned char[]){ 0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6 }, 10);
	memcpy(ip + 12, (unsigned char[]){ 198, 51, 100, host, 192, 0, 2, 1 }, 8);
	memcpy(tcp, (unsigned char[]){ 0x30, 0x39, port >> 8, port & 0xff }, 4);
	tcp[12] = 0x50;
	tcp[13] = 0x02;
	assert_int_equal(send(world->socket, frame, sizeof(frame), 0), sizeof(frame));
}

static void counts_by_source(void **state)
{
	struct world *world = *state;
	struct interval interval;
	struct sensor *sensor;
	char error[512];

	assert_int_equal(open_sensor(world, &sensor, error), 0);
	assert_string_equal(sensor_kind(sensor), "xdp");
	for (int i = 0; i < 30; i++)
		send_syn(world, 1 + i % 3, 80);
	collect(world, sensor, &interval);
	assert_int_equal(interval.traffic.packets, 30);
	assert_int_equal(interval.traffic.attributed, 30);
	assert_int_equal(interval.traffic.unattributed, 0);
	assert_int_equal(interval.traffic.tcp, 30);
	assert_int_equal(interval.source_count, 3);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(interval.sources[i].entry.packets, 10);
		assert_int_equal(interval.sources[i].entry.syn, 10);
		assert_int_equal(interval.sources[i].entry.distinct_targets, 1);
	}
	/* one packet in eight is counted by destination */
	assert_int_equal(interval.destination_every, 8);
	assert_int_equal(interval.destination_count, 1);
	assert_int_equal(interval.destinations[0].entry.packets, 30 / 8);
	assert_true(interval.destinations[0].entry.distinct_hosts >= 1);

	collect(world, sensor, &interval);
	assert_int_equal(interval.traffic.packets, 0);
	assert_int_equal(interval.source_count, 0);
	assert_int_equal(interval.packet_count, 0);
	sensor_close(&sensor, false);
}

/* Each packet that is counted by destination leaves a sample, of one interval and CPU the newest.
 */
static void samples_come_with_the_interval(void **state)
{
	struct world *world = *state;
	struct interval interval;
	struct sensor *sensor;
	char error[512];
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
	assert_int_equal(open_sensor(world, &sensor, error), 0);
	for (int i = 0; i < 30; i++)
		send_syn(world, 5, (uint16_t)(1000 + i));
	collect(world, sensor, &interval);
	assert_int_equal(interval.packet_count, 30 / 8);
	for (size_t i = 0; i < interval.packet_count; i++) {
		const struct packet_sample *sample = &interval.packets[i];
		char source[ADDRESS_TEXT], destination[ADDRESS_TEXT];

		assert_string_equal(address_format(&sample->source, source), "198.51.100.5");
		assert_string_equal(address_format(&sample->destination, destination), "192.0.2.1");
		assert_true(sample->source_port == 12345 && sample->destination_port > 1000);
		assert_true(sample->bytes == 60 && sample->ttl == 64 && sample->tcp_flags == 2);
		assert_int_equal(sample->protocol, 6);
	}
	for (int i = 0; i < 8 * PACKET_SAMPLES * 4; i++)
		send_syn(world, 6, 80);
	collect(world, sensor, &interval);
	assert_int_equal(interval.packet_count, PACKET_SAMPLES);
	for (size_t i = 0; i < interval.packet_count; i++)
		assert_int_equal(interval.packets[i].source.bytes[15], 6);
	collect(world, sensor, &interval);
	assert_int_equal(interval.packet_count, 0);
	sensor_close(&sensor, false);
}

static void on_wake(void *context, const struct wake_record *record)
{
	struct world *world = context;

	assert_true(record->entry.syn >= 50);
	world->wakes++;
}

static void wakes_at_the_mark(void **state)
{
	struct world *world = *state;
	struct sensor *sensor;
	struct pollfd fd;
	char error[512];

	assert_int_equal(open_sensor(world, &sensor, error), 0);
	fd = (struct pollfd){ .fd = sensor_wake_fd(sensor), .events = POLLIN };
	for (int i = 0; i < 49; i++)
		send_syn(world, 9, 80);
	assert_int_equal(poll(&fd, 1, 0), 0);
	/* 50 is the mark, 64 and 128 the powers of two above it */
	for (int i = 49; i < 130; i++)
		send_syn(world, 9, 80);
	assert_int_equal(poll(&fd, 1, 2000), 1);
	assert_int_equal(sensor_wake_consume(sensor, on_wake, world), 3);
	assert_int_equal(world->wakes, 3);
	sensor_close(&sensor, false);
}

static void blocked_packets_are_dropped_and_counted(void **state)
{
	struct world *world = *state;
	struct rule rule = { .id = 7, .action = ACTION_DROP, .classes = CLASS_ALL };
	struct interval interval;
	struct sensor *sensor;
	uint64_t packets, bytes;
	char error[512];

	assert_int_equal(prefix_parse("198.51.100.7", &rule.prefix), 0);
	rule.expires = moment_plus(moment_now(), 60 * NS_PER_SECOND);
	assert_int_equal(open_sensor(world, &sensor, error), 0);
	assert_int_equal(dropmap_put(world->dropmap, &rule, moment_now()), 0);
	for (int i = 0; i < 20; i++)
		send_syn(world, 7 + i % 2, 80);
	collect(world, sensor, &interval);
	assert_int_equal(interval.traffic.packets, 20);
	assert_int_equal(interval.traffic.dropped, 10);
	assert_int_equal(dropmap_hits(world->dropmap, &rule, &packets, &bytes), 0);
	assert_int_equal(packets, 10);
	assert_int_equal(bytes, 600);
	assert_int_equal(dropmap_remove(world->dropmap, &rule), 0);
	send_syn(world, 7, 80);
	collect(world, sensor, &interval);
	assert_int_equal(interval.traffic.dropped, 0);
	sensor_close(&sensor, false);
}

static void a_kept_link_is_adopted(void **state)
{
	struct world *world = *state;
	struct interval interval;
	struct sensor *sensor, *again;
	char error[512], path[128], why[160];

	assert_int_equal(open_sensor(world, &sensor, error), 0);
	snprintf(path, sizeof(path), "%s/link-%u-near", world->pin_dir, if_nametoindex("near"));
	sensor_close(&sensor, true);
	assert_int_equal(access(path, F_OK), 0);

	assert_int_equal(open_sensor(world, &again, error), 0);
	assert_int_equal(sensor_verify(again, why), 0);
	send_syn(world, 3, 80);
	collect(world, again, &interval);
	assert_int_equal(interval.traffic.packets, 1);

	run("bpftool link | grep -q 'xdp' && bpftool link detach pinned $(find /tmp -path "
	    "'/tmp/fwgen-bpf-*/link-*-near')");
	assert_int_equal(sensor_verify(again, why), -ENODEV);
	sensor_close(&again, false);
	assert_int_not_equal(access(path, F_OK), 0);
}

static void count_one(struct world *world, struct sensor *sensor)
{
	struct interval interval;

	send_syn(world, 4, 80);
	collect(world, sensor, &interval);
	assert_int_equal(interval.traffic.packets, 1);
	assert_int_equal(interval.traffic.ifindex, if_nametoindex("near"));
}

/* The same program with its maps goes on, on a new link with a pin. */
static void a_detached_program_is_attached_anew(void **state)
{
	struct world *world = *state;
	struct sensor *sensor;
	char error[512], command[256], path[128], why[160];

	assert_int_equal(open_sensor(world, &sensor, error), 0);
	snprintf(path, sizeof(path), "%s/link-%u-near", world->pin_dir, if_nametoindex("near"));
	snprintf(command, sizeof(command), "bpftool link detach pinned %s", path);
	run(command);
	assert_int_equal(sensor_verify(sensor, why), -ENODEV);
	assert_int_equal(sensor_reattach(sensor, why), 0);
	assert_int_equal(sensor_verify(sensor, why), 0);
	count_one(world, sensor);
	run(command); /* the pin is the new link's */
	assert_int_equal(sensor_verify(sensor, why), -ENODEV);

	run("ip link set dev near xdp obj build/jiffies.bpf.o sec xdp");
	assert_int_equal(sensor_reattach(sensor, why), -EBUSY);
	assert_non_null(strstr(why, "XDP program \""));
	run("ip link show dev near | grep -q xdp; ip link set dev near xdp off");
	assert_int_equal(sensor_reattach(sensor, why), 0);
	count_one(world, sensor);
	sensor_close(&sensor, false);
}

static void a_new_interface_of_the_name_is_taken(void **state)
{
	struct world *world = *state;
	struct sockaddr_ll to = { .sll_family = AF_PACKET };
	struct sensor *sensor;
	char error[512], why[160];
	int gone = 0;
	socklen_t len = sizeof(gone);

	assert_int_equal(open_sensor(world, &sensor, error), 0);
	run("ip link del far");
	assert_int_equal(getsockopt(world->socket, SOL_SOCKET, SO_ERROR, &gone, &len), 0);
	assert_int_equal(gone, ENETDOWN); /* told, and with that forgotten */
	assert_int_equal(sensor_verify(sensor, why), -ENODEV);
	assert_int_equal(sensor_reattach(sensor, why), -ENODEV);
	assert_non_null(strstr(why, "near"));
	run("ip link add far type veth peer name near; ip link set far up; ip link set near up");
	to.sll_ifindex = if_nametoindex("far");
	assert_int_equal(bind(world->socket, (void *)&to, sizeof(to)), 0);
	assert_int_equal(sensor_reattach(sensor, why), 0);
	assert_int_equal(sensor_verify(sensor, why), 0);
	count_one(world, sensor);
	sensor_close(&sensor, false);
}

/* What is taken out by name is not put back; other interfaces keep theirs. */
static void links_are_released_by_name(void **state)
{
	struct world *world = *state;
	const char *near = "near", *other = "nea";
	struct sensor *sensor;
	char error[512], why[160];

	assert_int_equal(open_sensor(world, &sensor, error), 0);
	assert_int_equal(sensor_release(world->pin_dir, &other, 1), 0);
	assert_int_equal(sensor_release_others(world->pin_dir, &near, 1), 0);
	assert_int_equal(sensor_verify(sensor, why), 0);
	assert_int_equal(sensor_release_others(world->pin_dir, &other, 1), 1);
	assert_int_equal(sensor_verify(sensor, why), -ENODEV);
	assert_int_equal(sensor_reattach(sensor, why), -ECANCELED);
	run("! ip link show dev near | grep -q xdp");
	sensor_close(&sensor, false);
	assert_int_equal(open_sensor(world, &sensor, error), 0);
	assert_int_equal(sensor_release(world->pin_dir, &near, 1), 1);
	run("! ip link show dev near | grep -q xdp");
	sensor_close(&sensor, false);
	assert_int_equal(sensor_release("/nosuch", &near, 1), -ENOENT);
}

static void another_program_is_named_and_stays(void **state)
{
	struct world *world = *state;
	struct sensor *sensor = NULL;
	char error[512] = "";

	run("ip link set dev near xdp obj build/tests/bench/bench.bpf.o sec xdp 2>/dev/null ||"
	    "ip link set dev near xdp obj build/jiffies.bpf.o sec xdp");
	assert_int_equal(open_sensor(world, &sensor, error), -EBUSY);
	assert_null(sensor);
	assert_non_null(strstr(error, "near"));
	assert_non_null(strstr(error, "XDP program \""));
	run("ip link show dev near | grep -q xdp; ip link set dev near xdp off");
}

static void a_missing_interface_is_named(void **state)
{
	struct world *world = *state;
	struct sensor_options options = { .interface = "nosuch",
					  .config = world->config,
					  .contacts_fd = world->contacts.fd,
					  .memory_mb = 64 };
	struct sensor *sensor = NULL;
	char error[512] = "";

	dropmap_maps(world->dropmap, &options.maps);
	assert_int_equal(sensor_open(&options, &sensor, error), -ENODEV);
	assert_non_null(strstr(error, "nosuch"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_by_source),
		cmocka_unit_test(samples_come_with_the_interval),
		cmocka_unit_test(wakes_at_the_mark),
		cmocka_unit_test(blocked_packets_are_dropped_and_counted),
		cmocka_unit_test(a_kept_link_is_adopted),
		cmocka_unit_test(a_detached_program_is_attached_anew),
		cmocka_unit_test(a_new_interface_of_the_name_is_taken),
		cmocka_unit_test(links_are_released_by_name),
		cmocka_unit_test(another_program_is_named_and_stays),
		cmocka_unit_test(a_missing_interface_is_named),
	};

	return cmocka_run_group_tests(tests, open_world, close_world);
}
