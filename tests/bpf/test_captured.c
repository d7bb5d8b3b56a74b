// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Samples of what is dropped: whose, how many, how much of a frame; through BPF_PROG_TEST_RUN, and
 * on a veth pair with native and with generic XDP.
 */
#include "bpf/sensor_world.h"
#include <linux/bpf.h>
#include <net/if.h>
#include "base/address.h"
#include "bpf/frames.h"
#include "sense/captured.h"
#include "sense/program.h"

#define BLOCKED	   0xc0000209 /* 192.0.2.9 */
#define WAIT_MS	   2000
#define IDLE_TURNS 3
#define BURST	   150

static struct captured *captured;
static struct captured_frame frames[CAPTURED_FRAMES_MAX];

static struct prefix prefix_text(const char *text)
{
	struct prefix prefix;

	assert_int_equal(prefix_parse(text, &prefix), 0);
	return prefix;
}

static void block(struct world *world, uint32_t id, const char *text)
{
	struct rule rule = { .id = id,
			     .prefix = prefix_text(text),
			     .classes = CLASS_ALL,
			     .expires = moment_plus(moment_now(), 600 * NS_PER_SECOND) };

	assert_int_equal(dropmap_put(world->dropmap, &rule, moment_now()), 0);
}

static void start(struct world *world, const char *text, size_t count)
{
	const struct prefix prefix = prefix_text(text);

	assert_int_equal(captured_start(captured, count, 60, moment_now()), 0);
	dropmap_capture(world->dropmap, &prefix);
}

/* What has come until so many are there, or nothing comes any more. */
static size_t take(size_t count)
{
	size_t n = 0;

	for (int idle = 0; n < count && idle < IDLE_TURNS;) {
		struct pollfd ready = { .fd = captured_fd(captured), .events = POLLIN };

		assert_true(poll(&ready, 1, n ? 50 : WAIT_MS / IDLE_TURNS) >= 0);
		assert_true(captured_read(captured, moment_now()) >= 0);
		n += captured_take(captured, frames + n, CAPTURED_FRAMES_MAX - n);
		idle += !ready.revents;
	}
	return n;
}

/* ---- the program alone
 * --------------------------------------------------------------------------------------- */

static struct fwgen_bpf *load(struct world *world)
{
	struct sensor_options options = { .interface = "none", .config = world->config };
	struct fwgen_bpf *bpf = NULL;
	char error[512] = "";

	options.contacts_fd = world->contacts.fd;
	dropmap_maps(world->dropmap, &options.maps);
	if (program_load(&options, 1, &bpf, error))
		fail_msg("%s", error);
	return bpf;
}

static uint32_t run_once(struct fwgen_bpf *bpf, const struct frame *frame, uint32_t times)
{
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame->bytes,
		    .data_size_in = frame->length, .repeat = times);

	assert_int_equal(bpf_prog_test_run_opts(bpf_program__fd(bpf->progs.fwgen_xdp), &options),
			 0);
	return options.retval;
}

static void frame_and_rule_are_told(void **state)
{
	struct world *world = *state;
	struct fwgen_bpf *bpf = load(world);
	struct moment before = moment_now();
	struct captured_status status;
	struct frame small, large;

	block(world, 77, "192.0.2.0/24");
	frame_tcp4(&small, BLOCKED, 443, 2);
	large = small;
	frame_pad(&large, 1000);
	assert_int_equal(run_once(bpf, &small, 1), XDP_DROP); /* nobody looks */
	start(world, "192.0.2.9", 100);
	assert_int_equal(captured_start(captured, 1, 1, moment_now()), -EBUSY);
	assert_int_equal(run_once(bpf, &small, 1), XDP_DROP);
	assert_int_equal(run_once(bpf, &large, 1), XDP_DROP);
	assert_int_equal(take(2), 2);
	assert_int_equal(frames[0].rule_id, 77);
	assert_int_equal(frames[0].frame_bytes, small.length);
	assert_int_equal(frames[0].captured_bytes, small.length);
	assert_memory_equal(frames[0].bytes, small.bytes, small.length);
	assert_int_equal(frames[1].frame_bytes, large.length);
	assert_int_equal(frames[1].captured_bytes, CAPTURE_BYTES);
	assert_memory_equal(frames[1].bytes, large.bytes, CAPTURE_BYTES);
	assert_in_range(frames[0].at.boot_ns, before.boot_ns, frames[1].at.boot_ns);
	assert_in_range(frames[1].at.wall_ns, before.wall_ns, moment_now().wall_ns);
	captured_status(captured, &status);
	assert_true(status.running && status.taken == 2 && !status.frames && !status.lost);
	/* another's, and what passes, are not taken; what is sent to the prefix is */
	frame_tcp4(&small, 0xc000020a, 443, 2);
	assert_int_equal(run_once(bpf, &small, 1), XDP_DROP);
	frame_tcp4(&small, 0xc6336401, 443, 2);
	assert_int_equal(run_once(bpf, &small, 1), XDP_PASS);
	assert_int_equal(take(1), 0);
	captured_stop(captured);
	start(world, "203.0.113.0/24", 100);
	frame_tcp4(&small, 0xc000020a, 443, 2);
	assert_int_equal(run_once(bpf, &small, 1), XDP_DROP);
	assert_int_equal(take(1), 1);
	fwgen_bpf__destroy(bpf);
}

static void ipv6_and_observed(void **state)
{
	static const unsigned char source[16] = { 0x20, 0x01, 0x0d, 0xb8, [15] = 9 };
	struct world *world = *state;
	struct fwgen_bpf *bpf = load(world);
	struct frame six, four;

	block(world, 5, "2001:db8::/32");
	block(world, 6, "192.0.2.9");
	frame_tcp6(&six, source, 443, 2);
	frame_tcp4(&four, BLOCKED, 443, 2);
	start(world, "::/0", 100);
	assert_int_equal(run_once(bpf, &six, 1), XDP_DROP);
	assert_int_equal(run_once(bpf, &four, 1), XDP_DROP);
	assert_int_equal(take(2), 2);
	assert_int_equal(frames[0].rule_id, 5);
	captured_stop(captured);
	start(world, "0.0.0.0/0", 100);
	dropmap_set_observe(world->dropmap, true);
	assert_int_equal(run_once(bpf, &six, 1), XDP_PASS);
	assert_int_equal(run_once(bpf, &four, 1), XDP_PASS);
	assert_int_equal(take(2), 1);
	assert_int_equal(frames[0].rule_id, 6);
	dropmap_set_observe(world->dropmap, false);
	dropmap_capture(world->dropmap, NULL);
	assert_int_equal(run_once(bpf, &four, 1), XDP_DROP);
	assert_int_equal(take(1), 0);
	fwgen_bpf__destroy(bpf);
}

/* A flood leaves so many samples for each jiffy, and no more than were asked for. */
static void bounded_by_the_program(void **state)
{
	struct world *world = *state;
	struct fwgen_bpf *bpf = load(world);
	struct captured_status status;
	int64_t started;
	struct frame frame;
	size_t most;

	block(world, 1, "192.0.2.9");
	frame_tcp4(&frame, BLOCKED, 443, 2);
	start(world, "192.0.2.9", CAPTURED_FRAMES_MAX);
	started = moment_now().boot_ns;
	/* few enough for the buffer, which would be the bound otherwise */
	assert_int_equal(run_once(bpf, &frame, BURST), XDP_DROP);
	/* 1,000 jiffies a second at the most */
	most = CAPTURE_PER_JIFFY * ((moment_now().boot_ns - started) / NS_PER_MS + 2);
	assert_in_range(take(CAPTURED_FRAMES_MAX), 1, most);
	captured_status(captured, &status);
	assert_int_equal(status.lost, 0);
	captured_stop(captured);

	start(world, "192.0.2.9", 3);
	run_once(bpf, &frame, 200000);
	assert_int_equal(take(3), 3);
	captured_status(captured, &status);
	assert_false(status.running);
	assert_int_equal(captured_fd(captured), -1);
	assert_int_equal(captured_read(captured, moment_now()), 0);
	fwgen_bpf__destroy(bpf);
}

static void time_is_over(void **state)
{
	struct world *world = *state;
	struct captured_status status;
	struct moment now = moment_now();

	(void)world;
	assert_int_equal(captured_start(captured, 0, 1, now), -EINVAL);
	assert_int_equal(captured_start(captured, CAPTURED_FRAMES_MAX + 1, 1, now), -EINVAL);
	assert_int_equal(captured_start(captured, 1, CAPTURED_SECONDS_MAX + 1, now), -EINVAL);
	assert_int_equal(captured_start(captured, 1, 10, now), 0);
	assert_int_equal(captured_read(captured, moment_plus(now, 9 * NS_PER_SECOND)), 0);
	captured_status(captured, &status);
	assert_true(status.running);
	assert_int_equal(captured_read(captured, moment_plus(now, 10 * NS_PER_SECOND)), 0);
	captured_status(captured, &status);
	assert_false(status.running);
}

/* ---- on a wire
 * -----------------------------------------------------------------------------------------------
 */

static void check_wire(struct world *world, bool generic)
{
	struct sensor_options options = { .interface = "near",
					  .generic = generic,
					  .config = world->config,
					  .memory_mb = 64,
					  .contacts_fd = world->contacts.fd };
	struct sensor *sensor;
	struct frame frame;
	char error[512] = "";

	dropmap_maps(world->dropmap, &options.maps);
	if (sensor_open(&options, &sensor, error))
		fail_msg("%s", error);
	block(world, 9, "192.0.2.9");
	start(world, "192.0.2.9", 100);
	frame_tcp4(&frame, BLOCKED, 443, 2);
	frame_pad(&frame, 600);
	assert_int_equal(send(world->socket, frame.bytes, frame.length, 0), frame.length);
	assert_int_equal(take(1), 1);
	assert_int_equal(frames[0].rule_id, 9);
	assert_int_equal(frames[0].ifindex, if_nametoindex("near"));
	assert_int_equal(frames[0].frame_bytes, frame.length);
	assert_int_equal(frames[0].captured_bytes, CAPTURE_BYTES);
	assert_memory_equal(frames[0].bytes, frame.bytes, CAPTURE_BYTES);
	sensor_close(&sensor, false);
}

static void native(void **state)
{
	check_wire(*state, false);
}

static void generic(void **state)
{
	check_wire(*state, true);
}

static int open_captured(void **state)
{
	struct world *world;
	struct verdict_maps maps;

	open_world(state);
	world = *state;
	dropmap_maps(world->dropmap, &maps);
	return captured_open(maps.captured, &captured);
}

static int close_captured(void **state)
{
	captured_close(&captured);
	return close_world(state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_captured, close_captured)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(frame_and_rule_are_told),
		TEST(ipv6_and_observed),
		TEST(bounded_by_the_program),
		TEST(time_is_over),
		TEST(native),
		TEST(generic),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
