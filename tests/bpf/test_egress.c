// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What leaves a real interface is noted, however the kernel holds it; and the tc filter that does
 * it: attached once, repaired, adopted, taken away, with others' filters as they were.
 */
#include "bpf/sensor_world.h"
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <linux/virtio_net.h>
#include "base/address.h"
#include "bpf/frames.h"
#include "contact.h"
#include "parse.h"
#include "sense/egress.h"
#include "sense/program.h"

#define OURS	0xc0000201 /* 192.0.2.1 */
#define FAR	0xc6336407 /* 198.51.100.7 */
#define FILTERS "tc filter show dev near egress"

/* Runs a shell command; true when it ends with 0. */
static bool holds(const char *command)
{
	return system(command) == 0;
}

static int filter_count(const char *part)
{
	char command[256];
	FILE *pipe;
	int count = -1;

	snprintf(command, sizeof(command), FILTERS " | grep -c '%s'", part);
	pipe = popen(command, "r");
	assert_non_null(pipe);
	if (fscanf(pipe, "%d", &count) != 1)
		fail_msg("failed to run: %s", command);
	pclose(pipe);
	return count;
}

static struct sensor *open_near(struct world *world)
{
	struct sensor *sensor = NULL;
	char error[512];

	if (open_sensor(world, &sensor, error))
		fail_msg("%s", error);
	return sensor;
}

static bool is_seen(struct sensor *sensor)
{
	bool repaired;
	bool seen = !sensor_direction(sensor, &repaired)[0];

	assert_false(repaired);
	return seen;
}

/* ---- what is noted -------------------------------------------------------------------------- */

static uint32_t relation_of(struct world *world, const struct frame *frame)
{
	const unsigned char *end = frame->bytes + frame->length;
	struct packet packet;

	assert_int_equal(packet_parse(frame->bytes, end, frame->length, &packet), PACKET_IP);
	return contact_relation(world->contacts.notes, &packet, frame->bytes, end);
}

static struct frame udp(uint32_t from, uint16_t from_port, uint32_t to, uint16_t to_port,
			uint16_t payload)
{
	struct frame frame;

	frame_begin(&frame);
	frame_ethernet(&frame, ETHERTYPE_IP);
	frame_ipv4(&frame, from, to, IPPROTO_UDP, 0, (uint16_t)(8 + payload));
	frame_udp(&frame, from_port, to_port, payload);
	return frame;
}

static uint32_t answer_on(struct world *world, uint16_t port)
{
	struct frame frame = udp(FAR, 53, OURS, port, 0);

	return relation_of(world, &frame);
}

/* A packet socket on the near end: what it sends leaves there. */
static int near_socket(bool virtio)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET };
	int fd = socket(AF_PACKET, SOCK_RAW, 0), one = virtio;

	to.sll_ifindex = (int)if_nametoindex("near");
	assert_int_equal(bind(fd, (void *)&to, sizeof(to)), 0);
	assert_int_equal(setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &one, sizeof(one)), 0);
	return fd;
}

static void what_leaves_is_noted(void **state)
{
	struct world *world = *state;
	struct sensor *sensor = open_near(world);
	struct frame frame = udp(OURS, 5000, FAR, 53, 0);
	int fd = near_socket(false);

	assert_int_equal(answer_on(world, 5000), RELATION_UNKNOWN);
	assert_int_equal(send(fd, frame.bytes, frame.length, 0), frame.length);
	assert_int_equal(answer_on(world, 5000), RELATION_ANSWER);
	assert_int_equal(answer_on(world, 5001), RELATION_UNASKED);
	close(fd);
	sensor_close(&sensor, false);
}

/* A large frame of which the kernel keeps so many bytes at the front, the rest in pages. */
static void send_paged(int fd, uint16_t port, uint16_t front, uint8_t gso)
{
	static unsigned char bytes[sizeof(struct virtio_net_hdr) + 8042];
	struct virtio_net_hdr *header = (void *)bytes;
	struct frame frame = udp(OURS, port, FAR, 53, 8000);

	*header = (struct virtio_net_hdr){ .hdr_len = front, .gso_type = gso };
	if (gso)
		header->gso_size = 1000;
	memcpy(bytes + sizeof(*header), frame.bytes, frame.length);
	assert_int_equal(send(fd, bytes, sizeof(bytes), 0), sizeof(bytes));
}

static void headers_are_found_in_pages(void **state)
{
	struct world *world = *state;
	struct sensor *sensor;
	int fd;

	run("ip link set near mtu 9000; ip link set far mtu 9000");
	world->generic = true;
	sensor = open_near(world);
	fd = near_socket(true);
	send_paged(fd, 6000, 14, VIRTIO_NET_HDR_GSO_NONE);
	assert_int_equal(answer_on(world, 6000), RELATION_ANSWER);
	send_paged(fd, 6001, 30, VIRTIO_NET_HDR_GSO_NONE);
	assert_int_equal(answer_on(world, 6001), RELATION_ANSWER);
	send_paged(fd, 6002, 42, VIRTIO_NET_HDR_GSO_UDP);
	assert_int_equal(answer_on(world, 6002), RELATION_ANSWER);
	close(fd);
	sensor_close(&sensor, false);
	world->generic = false;
	run("ip link set near mtu 1500; ip link set far mtu 1500");
}

/* Somebody outside sends what seems to come from inside, to himself: he was not asked by that. */
static void what_goes_back_is_not_noted(void **state)
{
	struct world *world = *state;
	struct sensor_options options = { .interface = "near",
					  .config = world->config,
					  .contacts_fd = world->contacts.fd };
	struct frame frame = udp(OURS, 7000, FAR, 53, 0);
	struct __sk_buff skb = { .ingress_ifindex = 1 };
	LIBBPF_OPTS(bpf_test_run_opts, test, .data_in = frame.bytes, .data_size_in = frame.length,
		    .ctx_in = &skb, .ctx_size_in = sizeof(skb));
	struct fwgen_bpf *bpf;
	char error[512];

	dropmap_maps(world->dropmap, &options.maps);
	assert_int_equal(program_load(&options, 1, &bpf, error), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(
			bpf_prog_test_run_opts(bpf_program__fd(bpf->progs.fwgen_egress), &test), 0);
		assert_int_equal(test.retval, (uint32_t)TC_ACT_UNSPEC);
		assert_int_equal(answer_on(world, 7000) == RELATION_ANSWER, i);
		skb.ingress_ifindex = 7; /* it leaves by the loopback, 1 */
	}
	fwgen_bpf__destroy(bpf);
}

/* ---- the filter ----------------------------------------------------------------------------- */

static void nothing_is_left(void **state)
{
	struct world *world = *state;
	struct sensor *sensor = open_near(world);

	assert_int_equal(filter_count("fwgen_egress"), 1);
	assert_true(is_seen(sensor));
	sensor_close(&sensor, false);
	assert_int_equal(filter_count(""), 0);
	assert_true(holds("! tc qdisc show dev near | grep clsact"));
}

/* A discipline and a filter that somebody else made stay, before and after. */
static void others_are_left_alone(void **state)
{
	struct world *world = *state;
	struct sensor *sensor;

	run("tc qdisc add dev near clsact");
	sensor = open_near(world);
	assert_true(is_seen(sensor));
	sensor_close(&sensor, false);
	assert_true(holds("tc qdisc show dev near | grep -q clsact"));
	assert_int_equal(filter_count(""), 0);

	run("tc filter add dev near egress prio 1 handle 7 bpf da obj build/tests/bpf/classifier.o"
	    " sec tc");
	sensor = open_near(world);
	assert_true(is_seen(sensor));
	assert_int_equal(filter_count("others"), 1);
	assert_int_equal(filter_count("fwgen_egress"), 1);
	sensor_close(&sensor, false);
	assert_int_equal(filter_count("others"), 1);
	assert_int_equal(filter_count("fwgen_egress"), 0);
	run("tc qdisc del dev near clsact");

	/* the discipline is ours, but somebody uses it by now, on the other side */
	sensor = open_near(world);
	run("tc filter add dev near ingress bpf da obj build/tests/bpf/classifier.o sec tc");
	sensor_close(&sensor, false);
	assert_int_equal(filter_count("fwgen_egress"), 0);
	assert_true(holds("tc filter show dev near ingress | grep -q others"));
	run("tc qdisc del dev near clsact");
}

/* Whatever another filter says of the packet: ours has seen it before. */
static void it_comes_first(void **state)
{
	struct world *world = *state;
	struct frame frame = udp(OURS, 8000, FAR, 53, 0);
	struct sensor *sensor;
	int fd = near_socket(false);

	run("tc qdisc add dev near clsact;"
	    "tc filter add dev near egress bpf da obj build/tests/bpf/classifier.o sec tc");
	sensor = open_near(world);
	assert_int_equal(send(fd, frame.bytes, frame.length, 0), frame.length);
	assert_int_equal(answer_on(world, 8000), RELATION_ANSWER);
	close(fd);
	sensor_close(&sensor, false);
	run("tc qdisc del dev near clsact");
}

static void expect_unseen(struct world *world, const char *why)
{
	struct sensor *sensor = open_near(world);
	const char *said;
	bool repaired;

	said = sensor_direction(sensor, &repaired);
	assert_false(repaired);
	if (!strstr(said, why))
		fail_msg("%s: said %s", why, said);
	sensor_close(&sensor, false);
}

/* The sensor goes on without, and takes the place once it is free. */
static void obstacles_are_named(void **state)
{
	struct world *world = *state;
	struct sensor *sensor;

	run("tc qdisc add dev near ingress");
	expect_unseen(world, "ingress discipline");
	assert_true(holds("tc qdisc show dev near | grep -q ingress"));
	assert_int_equal(filter_count("fwgen"), 0);
	run("tc qdisc del dev near ingress; tc qdisc add dev near clsact;"
	    "tc filter add dev near egress protocol ip prio 1 u32 match u32 0 0 flowid 1:1");
	expect_unseen(world, "priority 1");
	assert_int_equal(filter_count("u32"), 3);
	sensor = open_near(world);
	assert_false(is_seen(sensor));
	run("tc filter del dev near egress prio 1");
	assert_true(is_seen(sensor));
	assert_int_equal(filter_count("fwgen_egress"), 1);
	sensor_close(&sensor, false);

	run("tc filter add dev near egress prio 1 handle 0xf36e0000 bpf da obj"
	    " build/tests/bpf/classifier.o sec tc");
	expect_unseen(world, "the place of fwgen's");
	assert_int_equal(filter_count("others"), 1);
	run("tc qdisc del dev near clsact");
}

static void expect_repair(struct sensor *sensor, const char *damage)
{
	bool repaired;

	run(damage);
	assert_string_equal(sensor_direction(sensor, &repaired), "");
	if (!repaired)
		fail_msg("not repaired: %s", damage);
	assert_int_equal(filter_count("fwgen_egress"), 1);
	assert_true(is_seen(sensor));
}

static void a_lost_filter_is_put_back(void **state)
{
	struct world *world = *state;
	struct sensor *sensor = open_near(world);

	expect_repair(sensor, "tc filter del dev near egress");
	expect_repair(sensor, "tc qdisc del dev near clsact");
	expect_repair(sensor,
		      "tc filter del dev near egress prio 1 handle 0xf36e0001 bpf;"
		      "tc filter add dev near egress bpf da obj build/tests/bpf/classifier.o"
		      " sec tc");
	assert_int_equal(filter_count("others"), 1);
	run("tc filter del dev near egress prio 49152");
	sensor_close(&sensor, false);
	assert_true(holds("! tc qdisc show dev near | grep clsact"));

	run("tc qdisc add dev near clsact");
	sensor = open_near(world);
	expect_repair(sensor, "tc filter del dev near egress");
	sensor_close(&sensor, false);
	assert_true(holds("tc qdisc show dev near | grep -q clsact"));
	run("tc qdisc del dev near clsact");
}

/* Kept at the end, or left by who was killed: the next one takes it over, and there is one. */
static void a_kept_filter_is_adopted(void **state)
{
	struct world *world = *state;
	struct sensor *sensor = open_near(world), *again;
	const char *near = "near", *other = "far";

	again = open_near(world); /* as if the first had been killed */
	assert_int_equal(filter_count("fwgen_egress"), 1);
	assert_true(is_seen(again));
	sensor_close(&sensor, true);
	sensor_close(&again, true);
	assert_int_equal(filter_count("fwgen_egress"), 1);

	assert_int_equal(egress_release(&other, 1, false), 0);
	assert_int_equal(egress_release(&near, 1, true), 0);
	assert_int_equal(filter_count("fwgen_egress"), 1);
	assert_int_equal(egress_release(&other, 1, true), 1);
	assert_true(holds("! tc qdisc show dev near | grep clsact"));
	assert_int_equal(egress_release(NULL, 0, true), 0);

	again = open_near(world);
	sensor_close(&again, false);
	assert_true(holds("! tc qdisc show dev near | grep clsact"));
}

/* fwgen off of the interface: a daemon that runs puts nothing back. */
static void what_is_taken_out_stays_out(void **state)
{
	struct world *world = *state;
	struct sensor *sensor = open_near(world);
	const char *near = "near";
	bool repaired;

	assert_int_equal(sensor_release(world->pin_dir, &near, 1), 1);
	assert_int_equal(filter_count("fwgen"), 0);
	sensor_direction(sensor, &repaired);
	assert_false(repaired);
	assert_int_equal(filter_count("fwgen"), 0);
	sensor_close(&sensor, false);
	assert_true(holds("! tc qdisc show dev near | grep clsact"));
}

/* A classifier of somebody else's, that lets everything pass and asks no further. */
static int open_with_classifier(void **state)
{
	FILE *source;

	run("mkdir -p build/tests/bpf");
	source = fopen("build/tests/bpf/classifier.c", "w");
	assert_non_null(source);
	fputs("__attribute__((section(\"tc\"), used)) int others(void *skb) { return 0; }\n",
	      source);
	fclose(source);
	run("clang -O2 -target bpf -c build/tests/bpf/classifier.c -o "
	    "build/tests/bpf/classifier.o");
	return open_world(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_leaves_is_noted),
		cmocka_unit_test(headers_are_found_in_pages),
		cmocka_unit_test(what_goes_back_is_not_noted),
		cmocka_unit_test(nothing_is_left),
		cmocka_unit_test(others_are_left_alone),
		cmocka_unit_test(it_comes_first),
		cmocka_unit_test(obstacles_are_named),
		cmocka_unit_test(a_lost_filter_is_put_back),
		cmocka_unit_test(a_kept_filter_is_adopted),
		cmocka_unit_test(what_is_taken_out_stays_out),
	};

	return cmocka_run_group_tests(tests, open_with_classifier, close_world);
}
