// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What leaves a real interface: the filter on its egress, and what the sensor makes of answers.
 */
#include "bpf/sensor_world.h"
#include <linux/virtio_net.h>
#include "base/address.h"
#include "bpf/frames.h"
#include "contact.h"
#include "parse.h"
#include "sense/egress.h"
#include "sense/program.h"

#define OURS	 0xc0000201 /* 192.0.2.1, behind `near` */
#define FAR	 0xc6336409 /* 198.51.100.9 */
#define STRANGER 0xc633640a

static int packet_socket(const char *interface)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET,
				  .sll_ifindex = (int)if_nametoindex(interface) };
	int fd = socket(AF_PACKET, SOCK_RAW, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (void *)&to, sizeof(to)), 0);
	return fd;
}

static void send_frame(int fd, const struct frame *frame)
{
	assert_int_equal(send(fd, frame->bytes, frame->length, 0), frame->length);
}

static struct frame udp(uint32_t source, uint32_t destination, uint16_t from, uint16_t to)
{
	struct frame frame;

	frame_begin(&frame);
	frame_ethernet(&frame, 0x0800);
	frame_ipv4(&frame, source, destination, PROTOCOL_UDP, 0, 16);
	frame_udp(&frame, from, to, 8);
	frame_pad(&frame, 8);
	return frame;
}

/* A segment with one of its numbers at its place, 4 or 8. */
static struct frame tcp(uint32_t source, uint32_t destination, uint8_t flags, uint32_t at,
			uint32_t number)
{
	uint16_t from = source == OURS ? 443 : 40000, to = source == OURS ? 40000 : 443;
	struct frame frame;

	frame_begin(&frame);
	frame_ethernet(&frame, 0x0800);
	frame_ipv4(&frame, source, destination, PROTOCOL_TCP, 0, 20);
	frame_tcp(&frame, from, to, flags);
	number = __builtin_bswap32(number);
	memcpy(frame.bytes + ETH_HLEN + 20 + at, &number, sizeof(number));
	return frame;
}

static const struct table_entry *source_of(const struct interval *interval, uint32_t address)
{
	for (size_t i = 0; i < interval->source_count; i++) {
		const struct table_entry *entry = &interval->sources[i].entry;

		if (entry->address.words[3] == __builtin_bswap32(address))
			return entry;
	}
	fail_msg("no source %08x", address);
	return NULL;
}

/* Whether the flow of a frame that has left is known. */
static bool is_noted(const struct world *world, const struct frame *frame)
{
	const struct contacts *notes = world->contacts.notes;
	struct packet packet;
	uint64_t ends;

	assert_int_equal(
		packet_parse(frame->bytes, frame->bytes + frame->length, frame->length, &packet),
		PACKET_IP);
	ends = contact_ends(notes, &packet.destination, &packet.source);
	return contact_has(notes, contact_hash(notes, ends, contact_ports_back(&packet),
					       CONTACT_FLOW | packet.protocol));
}

/* ---- what is seen -----------------------------------------------------------------------------
 */

static void answers_are_told_by_what_left(void **state)
{
	struct frame question = udp(OURS, FAR, 5000, 53), answer = udp(FAR, OURS, 53, 5000);
	struct frame unasked = udp(STRANGER, OURS, 53, 5000);
	struct world *world = *state;
	const struct table_entry *far, *stranger;
	struct interval interval;
	struct sensor *sensor;
	char error[512];
	const char *why;
	int near;

	assert_int_equal(open_sensor(world, &sensor, error), 0);
	assert_int_equal(sensor_direction(sensor, &why), DIRECTION_SEEN);
	near = packet_socket("near");
	send_frame(near, &question);
	for (int i = 0; i < 3; i++) {
		send_frame(world->socket, &answer);
		send_frame(world->socket, &unasked);
	}
	collect(world, sensor, &interval);
	far = source_of(&interval, FAR), stranger = source_of(&interval, STRANGER);
	assert_true(far->packets == 3 && far->answers == 3 && far->udp == 0);
	assert_true(stranger->packets == 3 && stranger->answers == 0 && stranger->udp == 3);
	close(near);
	sensor_close(&sensor, false);
}

static void handshakes_are_seen_to_their_end(void **state)
{
	struct frame answer = tcp(OURS, FAR, TCP_SYN | TCP_ACK, 4, 1000);
	struct frame other = tcp(OURS, STRANGER, TCP_SYN | TCP_ACK, 4, 1000);
	struct frame right = tcp(FAR, OURS, TCP_ACK, 8, 1001);
	struct frame wrong = tcp(STRANGER, OURS, TCP_ACK, 8, 1002);
	struct world *world = *state;
	const struct table_entry *far, *stranger;
	struct interval interval;
	struct sensor *sensor;
	char error[512];
	int near;

	assert_int_equal(open_sensor(world, &sensor, error), 0);
	near = packet_socket("near");
	send_frame(near, &answer);
	send_frame(near, &other);
	send_frame(world->socket, &right);
	send_frame(world->socket, &wrong);
	collect(world, sensor, &interval);
	far = source_of(&interval, FAR), stranger = source_of(&interval, STRANGER);
	assert_true(far->established == 1 && !far->assumed && far->stray == 0);
	assert_true(stranger->established == 0 && stranger->stray == 1);
	close(near);
	sensor_close(&sensor, false);
}

/* Sends the frame, padded past a page, as an skb of which only the Ethernet header is linear. */
static void send_spread_out(const char *interface, const struct frame *frame)
{
	static unsigned char bytes[sizeof(struct virtio_net_hdr) + 8000];
	struct virtio_net_hdr header = { .hdr_len = ETH_HLEN };
	int fd = packet_socket(interface), one = 1;

	assert_int_equal(setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &one, sizeof(one)), 0);
	memcpy(bytes, &header, sizeof(header));
	memcpy(bytes + sizeof(header), frame->bytes, frame->length);
	assert_int_equal(send(fd, bytes, sizeof(bytes), 0), sizeof(bytes));
	close(fd);
}

/* Headers behind the front of an skb's memory are brought there. */
static void headers_are_pulled(void **state)
{
	struct world *world = *state;
	struct sensor_options options = { .interface = "wide",
					  .config = world->config,
					  .contacts_fd = world->contacts.fd };
	struct frame frame = udp(OURS, FAR, 7000, 53);
	struct egress egress;
	struct fwgen_bpf *bpf;
	char error[512];

	run("ip link add wide mtu 9000 type veth peer name brim mtu 9000;"
	    "ip link set wide up; ip link set brim up");
	dropmap_maps(world->dropmap, &options.maps);
	assert_int_equal(program_load(&options, 1, &bpf, error), 0);
	assert_int_equal(egress_attach(&egress, (int)if_nametoindex("wide"),
				       bpf_program__fd(bpf->progs.fwgen_egress)),
			 0);
	assert_false(is_noted(world, &frame));
	send_spread_out("wide", &frame);
	assert_true(is_noted(world, &frame));
	egress_close(&egress, false);
	fwgen_bpf__destroy(bpf);
	run("ip link del wide");
}

/* ---- the filter's place -----------------------------------------------------------------------
 */

#define HAS_CLSACT "tc qdisc show dev near | grep -q clsact"
#define HAS_FILTER "tc filter show dev near egress | grep -q fwgen_egress"
#define ONE_FILTER "test $(tc filter show dev near egress | grep -c fwgen_egress) = 1"

static void the_filter_goes_with_the_sensor(void **state)
{
	struct world *world = *state;
	struct sensor *sensor;
	char error[512];

	assert_int_equal(open_sensor(world, &sensor, error), 0);
	run(HAS_FILTER);
	sensor_close(&sensor, false);
	run("! " HAS_CLSACT);
	/* one that stays is found by the next run, which takes it away */
	assert_int_equal(open_sensor(world, &sensor, error), 0);
	sensor_close(&sensor, true);
	run(HAS_FILTER);
	assert_int_equal(open_sensor(world, &sensor, error), 0);
	run(ONE_FILTER);
	sensor_close(&sensor, false);
	run("! " HAS_CLSACT);
}

/* What is somebody else's stays, and is not in the way. */
static void others_keep_their_filters(void **state)
{
	struct world *world = *state;
	struct sensor *sensor;
	char error[512];
	const char *why;

	run("tc qdisc add dev near clsact; tc filter add dev near egress prio 7 u32 match u32 0 0");
	assert_int_equal(open_sensor(world, &sensor, error), 0);
	assert_int_equal(sensor_direction(sensor, &why), DIRECTION_SEEN);
	run(HAS_FILTER);
	sensor_close(&sensor, false);
	run("tc filter show dev near egress | grep -q u32; ! " HAS_FILTER);
	run("tc filter del dev near egress");
	/* and a clsact that fwgen has not made stays when it is empty */
	assert_int_equal(open_sensor(world, &sensor, error), 0);
	sensor_close(&sensor, false);
	run(HAS_CLSACT "; tc qdisc del dev near clsact");
}

static void a_lost_filter_is_put_back(void **state)
{
	struct world *world = *state;
	struct sensor *sensor;
	char error[512];
	const char *why;

	assert_int_equal(open_sensor(world, &sensor, error), 0);
	run("tc qdisc del dev near clsact");
	assert_int_equal(sensor_direction(sensor, &why), DIRECTION_BACK);
	run(ONE_FILTER);
	assert_int_equal(sensor_direction(sensor, &why), DIRECTION_SEEN);
	sensor_close(&sensor, false);
}

/* Packets are counted nevertheless; why their direction is not known is said until it is. */
static void a_taken_place_is_named(void **state)
{
	static const struct {
		const char *take, *give, *reason;
	} cases[] = {
		{ "tc qdisc add dev near clsact;"
		  "tc filter add dev near egress prio 1 u32 match u32 0 0",
		  "tc filter del dev near egress", "priority 1" },
		{ "tc qdisc add dev near ingress", "tc qdisc del dev near ingress",
		  "ingress discipline" },
	};
	struct world *world = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct frame frame = udp(STRANGER, OURS, 53, 5000);
		struct interval interval;
		struct sensor *sensor;
		char error[512];
		const char *why;

		run(cases[i].take);
		assert_int_equal(open_sensor(world, &sensor, error), 0);
		assert_int_equal(sensor_direction(sensor, &why), DIRECTION_UNSEEN);
		assert_non_null(strstr(why, cases[i].reason));
		send_frame(world->socket, &frame);
		collect(world, sensor, &interval);
		assert_int_equal(interval.traffic.packets, 1);
		run(cases[i].give);
		assert_int_equal(sensor_direction(sensor, &why), DIRECTION_BEGUN);
		assert_string_equal(why, "");
		run(HAS_FILTER);
		sensor_close(&sensor, false);
		run("tc qdisc del dev near clsact 2>/dev/null; ! " HAS_CLSACT);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_are_told_by_what_left),
		cmocka_unit_test(handshakes_are_seen_to_their_end),
		cmocka_unit_test(headers_are_pulled),
		cmocka_unit_test(the_filter_goes_with_the_sensor),
		cmocka_unit_test(others_keep_their_filters),
		cmocka_unit_test(a_lost_filter_is_put_back),
		cmocka_unit_test(a_taken_place_is_named),
	};

	return cmocka_run_group_tests(tests, open_world, close_world);
}
