// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The programs as they are loaded: what they cost the verifier and the memory, and what
 * fwgen_egress does that is not in include/ (test_parity compares the rest).
 */
#include "bpf/program_world.h"
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <stdio.h>
#include "contact.h"
#include "parse.h"

/* fwgen_xdp takes 205,000. A million is refused; another compiler's build may need twice as many.
 */
#define STEPS_MAX 400000

static struct world world;

static int make_world(void **state)
{
	(void)state;
	world_open(&world, NULL);
	return 0;
}

static int end_world(void **state)
{
	(void)state;
	world_close(&world, false);
	return 0;
}

static void programs_verify_in_few_steps(void **state)
{
	struct bpf_program *program;

	(void)state;
	bpf_object__for_each_program(program, world.bpf->obj)
	{
		struct bpf_prog_info info = { 0 };
		__u32 size = sizeof(info);

		assert_int_equal(bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size), 0);
		print_message("%s: %u instructions, verified in %u steps\n",
			      bpf_program__name(program), info.xlated_prog_len / 8,
			      info.verified_insns);
		if (!info.verified_insns)
			skip(); /* kernels before 5.16 do not say */
		assert_in_range(info.verified_insns, 1, STEPS_MAX);
	}
}

/* The memory that config.json is held to is what a CPU's tables and samples take in the kernel. */
static void table_memory_is_what_the_maps_take(void **state)
{
	const struct bpf_map *maps[] = {
		world.bpf->maps.source_headers,	     world.bpf->maps.source_entries,
		world.bpf->maps.source_totals,	     world.bpf->maps.destination_headers,
		world.bpf->maps.destination_entries, world.bpf->maps.destination_totals,
		world.bpf->maps.packet_samples,
	};
	size_t bytes = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(maps) / sizeof(*maps); i++)
		bytes += (size_t)bpf_map__max_entries(maps[i]) * bpf_map__value_size(maps[i]);
	assert_int_equal(bytes, table_memory_slot(WORLD_BUCKETS));
}

/* ---- what leaves ---------------------------------------------------------------------------- */

#define LOOPBACK 1 /* the interface that a test run's packets are on */

static struct frame leaving(uint16_t port)
{
	struct frame frame;

	frame_udp4(&frame, 0xc0000201, port, 53);
	return frame;
}

/* Whether the flow of a frame that has left is known. */
static bool is_noted(const struct frame *frame)
{
	const struct contacts *notes = world.contacts.notes;
	struct packet packet;
	uint64_t ends;

	assert_int_equal(
		packet_parse(frame->bytes, frame->bytes + frame->length, frame->length, &packet),
		PACKET_IP);
	ends = contact_ends(notes, &packet.destination, &packet.source);
	return contact_has(notes, contact_hash(notes, ends, contact_ports_back(&packet),
					       CONTACT_FLOW | packet.protocol));
}

static void leave(const struct frame *frame, struct __sk_buff *skb)
{
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame->bytes,
		    .data_size_in = frame->length, .ctx_in = skb, .ctx_size_in = sizeof(*skb));

	assert_int_equal(
		bpf_prog_test_run_opts(bpf_program__fd(world.bpf->progs.fwgen_egress), &options),
		0);
	assert_int_equal((int)options.retval, TC_ACT_UNSPEC);
}

/* What goes back where it came from: whoever is there could note himself. */
static void what_goes_back_is_not_noted(void **state)
{
	struct __sk_buff routed = { .ifindex = LOOPBACK, .ingress_ifindex = LOOPBACK + 1 };
	struct __sk_buff back = { .ifindex = LOOPBACK, .ingress_ifindex = LOOPBACK };
	struct __sk_buff own = { .ifindex = LOOPBACK };
	struct frame first = leaving(5000), second = leaving(5001), third = leaving(5002);

	(void)state;
	leave(&first, &back);
	leave(&second, &routed);
	leave(&third, &own);
	assert_false(is_noted(&first));
	assert_true(is_noted(&second));
	assert_true(is_noted(&third));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(programs_verify_in_few_steps),
		cmocka_unit_test(table_memory_is_what_the_maps_take),
		cmocka_unit_test(what_goes_back_is_not_noted),
	};

	return cmocka_run_group_tests(tests, make_world, end_world);
}
