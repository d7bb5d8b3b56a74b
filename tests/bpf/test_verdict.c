// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the drop map says, the program does: addresses, prefixes, classes, deadlines,
 * protection, observing; limits are test_limits's. Each test has a drop map of its own under the
 * loaded program; how the map is kept (many blocks, removal, adoption) is test_dropmap's.
 */
#include "bpf/program_world.h"
#include <linux/bpf.h>
#include <stdio.h>
#include <unistd.h>
#include "base/address.h"

#define SYN 0x02
#define ACK 0x10

static struct world world;
static uint32_t next_id;

static int make_world(void **state)
{
	(void)state;
	next_id = 1;
	world_open(&world, NULL);
	return 0;
}

static int end_world(void **state)
{
	(void)state;
	world_close(&world, false);
	return 0;
}

/* ---- blocks and packets in words ----------------------------------------------------------------
 */

static struct rule rule_for(const char *prefix, uint32_t classes)
{
	struct rule rule = { .id = next_id++,
			     .classes = classes,
			     .expires = moment_plus(moment_now(), 600 * NS_PER_SECOND) };

	assert_int_equal(prefix_parse(prefix, &rule.prefix), 0);
	return rule;
}

static struct rule block(const char *prefix, uint32_t classes)
{
	struct rule rule = rule_for(prefix, classes);

	assert_int_equal(dropmap_put(world.dropmap, &rule, moment_now()), 0);
	return rule;
}

static struct address address_of(const char *text)
{
	struct address address;

	assert_int_equal(address_parse(text, &address), 0);
	return address;
}

/* A TCP packet from the address: dropped? */
static bool drops(const struct address *address, uint8_t flags)
{
	struct frame frame;
	uint32_t action;

	if (address_is_ipv4(address))
		frame_tcp4(&frame, __builtin_bswap32(address->words[3]), 443, flags);
	else
		frame_tcp6(&frame, address->bytes, 443, flags);
	action = world_run(&world, &frame);
	assert_true(action == XDP_DROP || action == XDP_PASS);
	return action == XDP_DROP;
}

static bool drops_text(const char *text, uint8_t flags)
{
	struct address address = address_of(text);

	return drops(&address, flags);
}

static bool drops_frame(const struct frame *frame)
{
	return world_run(&world, frame) == XDP_DROP;
}

/* The address that many above (or below), as a number of 128 bits. */
static struct address beside(const struct address *address, int step)
{
	struct address out = *address;
	int carry = step;

	for (int i = 15; i >= 0 && carry; i--) {
		int sum = out.bytes[i] + carry;

		out.bytes[i] = (uint8_t)sum;
		carry = sum < 0 ? -1 : sum > 255 ? 1 : 0;
	}
	return out;
}

static struct address last_of(const struct prefix *prefix)
{
	struct address last = prefix->address;

	for (uint32_t bit = prefix->len; bit < 128; bit++)
		last.bytes[bit / 8] |= (uint8_t)(0x80 >> (bit % 8));
	return last;
}

/* ---- the tests
 * ------------------------------------------------------------------------------------ */

static void one_address(void **state)
{
	(void)state;
	assert_false(drops_text("192.0.2.7", ACK));
	block("192.0.2.7", CLASS_ALL);
	block("2001:db8::7", CLASS_ALL);
	assert_true(drops_text("192.0.2.7", ACK));
	assert_true(drops_text("192.0.2.7", SYN));
	assert_false(drops_text("192.0.2.6", ACK));
	assert_false(drops_text("192.0.2.8", ACK));
	assert_false(drops_text("7.2.0.192", ACK));
	assert_true(drops_text("2001:db8::7", ACK));
	assert_false(drops_text("2001:db8::6", ACK));
	assert_false(drops_text("2001:db9::7", ACK));
}

/* First and last address are dropped, the neighbours on both sides pass. */
static void check_edges(const char *text)
{
	struct prefix prefix;
	struct address last, below, above;

	assert_int_equal(prefix_parse(text, &prefix), 0);
	last = last_of(&prefix);
	below = beside(&prefix.address, -1);
	above = beside(&last, 1);
	if (!drops(&prefix.address, ACK) || !drops(&last, ACK))
		fail_msg("%s does not drop its first or last address", text);
	if (drops(&below, ACK) || drops(&above, ACK))
		fail_msg("%s drops a neighbour", text);
}

/* A prefix of its own for each length. */
static void prefix_text(char *text, size_t size, bool ipv6, int len)
{
	if (ipv6)
		snprintf(text, size, "2%03x:db8:5aaa:aaaa::/%d", len, len);
	else
		snprintf(text, size, "%d.85.%d.170/%d", len * 4, 2 * len, len);
}

static void prefixes_of_every_length(void **state)
{
	static const int ipv6[] = { 19, 20, 29, 32, 33, 36, 40, 44, 47,
				    48, 49, 52, 56, 57, 60, 63, 64 };
	char text[64];

	(void)state;
	for (int pass = 0; pass < 2; pass++) {
		for (int len = 8; len <= 31; len++) {
			prefix_text(text, sizeof(text), false, len);
			if (pass == 0)
				block(text, CLASS_ALL);
			else
				check_edges(text);
		}
		for (size_t i = 0; i < sizeof(ipv6) / sizeof(*ipv6); i++) {
			prefix_text(text, sizeof(text), true, ipv6[i]);
			if (pass == 0)
				block(text, CLASS_ALL);
			else
				check_edges(text);
		}
	}
}

/* One after the other, since they would cover each other; as added, and in the filter built anew.
 */
static void short_prefixes(void **state)
{
	struct moment later = moment_now();
	struct rule rule;
	char text[64];

	(void)state;
	for (int i = 0; i < 2 * 20; i++) {
		int len = 1 + i / 2;
		bool six = i % 2;

		if (!six && len > 12)
			continue;
		snprintf(text, sizeof(text), six ? "8000::/%d" : "128.0.0.0/%d", len);
		rule = block(text, CLASS_ALL);
		check_edges(text);
		assert_false(drops_text(six ? "192.0.2.1" : "c001:db8::1", ACK));
		later = moment_plus(later, NS_PER_SECOND);
		dropmap_maintain(world.dropmap, later);
		check_edges(text);
		assert_int_equal(dropmap_remove(world.dropmap, &rule), 0);
		assert_false(drops(&rule.prefix.address, ACK));
	}
}

/* All of one family, and nothing of the other. */
static void everything(void **state)
{
	struct rule rule = block("0.0.0.0/0", CLASS_ALL);

	(void)state;
	assert_true(drops_text("192.0.2.1", ACK) && drops_text("255.255.255.255", ACK));
	assert_false(drops_text("2001:db8::1", ACK));
	assert_int_equal(dropmap_remove(world.dropmap, &rule), 0);
	block("::/0", CLASS_ALL);
	assert_true(drops_text("2001:db8::1", ACK) && drops_text("ffff::1", ACK));
	assert_false(drops_text("192.0.2.1", ACK));
}

/* Thirty-two lengths are looked at; a block of another is refused, not forgotten. */
static void too_many_lengths_are_refused(void **state)
{
	struct enforcer_status status;
	struct rule rule;
	char text[64];

	(void)state;
	for (int len = 33; len < 33 + SET_LENGTHS; len++) {
		prefix_text(text, sizeof(text), true, len);
		block(text, CLASS_ALL);
	}
	rule = rule_for("2001:db8::/120", CLASS_ALL);
	assert_int_equal(dropmap_put(world.dropmap, &rule, moment_now()), -ENOSPC);
	dropmap_status(world.dropmap, &status);
	assert_int_equal(status.state, ENFORCER_UNENFORCED);
	assert_non_null(strstr(status.reason, "32 lengths"));
	assert_false(drops_text("2001:db8::1", ACK));
	check_edges(text);
	/* of the lengths that are there, and of single addresses, there may be more */
	block("2001:db8::1", CLASS_ALL);
	assert_true(drops_text("2001:db8::1", ACK));
	block("2001:db8::/64", CLASS_ALL);
	assert_true(drops_text("2001:db8::2", ACK));
}

static void classes(void **state)
{
	struct frame udp, ping, fragment, later, gre;

	(void)state;
	frame_udp4(&udp, 0xc0000209, 5000, 53);
	frame_begin(&ping);
	frame_ethernet(&ping, 0x0800);
	frame_ipv4(&ping, 0xc0000209, 0xcb007101, 1, 0, 8);
	frame_put32(&ping, 0x08000000);
	frame_pad(&ping, 4);
	gre = ping;
	gre.bytes[14 + 9] = 47;
	frame_tcp4(&fragment, 0xc0000209, 80, ACK);
	fragment.bytes[14 + 6] = 0x20;
	later = fragment;
	later.bytes[14 + 7] = 9;

	block("192.0.2.9", CLASS_SYN);
	assert_true(drops_text("192.0.2.9", SYN));
	assert_false(drops_text("192.0.2.9", ACK));
	assert_false(drops_text("192.0.2.9", SYN | ACK));
	assert_false(drops_frame(&udp) || drops_frame(&ping) || drops_frame(&fragment));
	block("192.0.2.9", CLASS_UDP | CLASS_OTHER);
	assert_true(drops_frame(&udp) && drops_frame(&gre));
	assert_false(drops_frame(&ping) || drops_text("192.0.2.9", SYN));
	block("192.0.2.9", CLASS_ICMP);
	assert_true(drops_frame(&ping));
	assert_false(drops_frame(&udp));
	block("192.0.2.9", CLASS_FRAGMENT);
	assert_true(drops_frame(&fragment) && drops_frame(&later));
	assert_false(drops_frame(&ping) || drops_text("192.0.2.9", ACK));
	block("192.0.2.9", CLASS_TCP);
	assert_true(drops_frame(&fragment) && drops_frame(&later));
	assert_true(drops_text("192.0.2.9", ACK));
}

/* A block of one class on an address does not hide a block of its network. */
static void address_does_not_hide_network(void **state)
{
	struct frame udp;

	(void)state;
	frame_udp4(&udp, 0xc0000209, 5000, 53);
	block("192.0.2.0/24", CLASS_SYN);
	block("192.0.2.9", CLASS_UDP);
	block("192.0.0.0/16", CLASS_TCP);
	assert_true(drops_frame(&udp));
	assert_true(drops_text("192.0.2.9", SYN));
	assert_true(drops_text("192.0.2.9", ACK));
	frame_udp4(&udp, 0xc000020a, 5000, 53);
	assert_false(drops_frame(&udp));
}

/* What one block lets pass, another may stop: a limit hides no drop, of its network or of a port.
 */
static void limit_does_not_hide_drop(void **state)
{
	struct rule limit = rule_for("192.0.2.9", CLASS_ALL);
	struct moment now = moment_now();
	uint64_t packets, bytes;
	struct rule network;

	(void)state;
	limit.action = ACTION_LIMIT; /* that nobody reaches */
	limit.limit_pps = 1000000;
	assert_int_equal(dropmap_put(world.dropmap, &limit, now), 0);
	assert_false(drops_text("192.0.2.9", ACK));
	network = block("192.0.2.0/24", CLASS_SYN);
	assert_true(drops_text("192.0.2.9", SYN));
	assert_false(drops_text("192.0.2.9", ACK));
	block("192.0.0.0/16", CLASS_TCP);
	assert_true(drops_text("192.0.2.9", ACK));
	assert_int_equal(dropmap_hits(world.dropmap, &network, &packets, &bytes), 0);
	assert_int_equal(packets, 1);
}

/* Of two blocks that do the same to a packet the longer prefix decides, whichever came first. */
static void longest_prefix_decides(void **state)
{
	struct rule limits[2], wide, drop, removed;
	struct moment now = moment_now();
	uint64_t packets, bytes;

	(void)state;
	limits[0] = rule_for("192.0.0.0/16", CLASS_ALL);
	limits[1] = rule_for("198.51.100.9", CLASS_ALL);
	for (int i = 0; i < 2; i++) { /* that nobody reaches */
		limits[i].action = ACTION_LIMIT;
		limits[i].limit_pps = 1000000;
	}
	removed = rule_for("198.51.100.1", CLASS_ALL);
	assert_int_equal(dropmap_put(world.dropmap, &removed, now), 0);
	assert_int_equal(dropmap_put(world.dropmap, &limits[0], now), 0);
	wide = block("192.0.0.0/20", CLASS_ALL);
	drop = block("192.0.2.0/24", CLASS_ALL);
	assert_int_equal(dropmap_put(world.dropmap, &limits[1], now), 0);
	assert_int_equal(dropmap_remove(world.dropmap, &removed), 0);
	dropmap_maintain(world.dropmap, moment_plus(now, NS_PER_SECOND)); /* lengths in order */
	assert_false(drops_text("198.51.100.9", ACK));
	assert_true(drops_text("192.0.2.10", ACK));
	assert_true(drops_text("192.0.3.10", ACK));
	assert_false(drops_text("192.0.20.9", ACK));
	assert_int_equal(dropmap_hits(world.dropmap, &drop, &packets, &bytes), 0);
	assert_int_equal(packets, 1);
	assert_int_equal(dropmap_hits(world.dropmap, &wide, &packets, &bytes), 0);
	assert_int_equal(packets, 1);
}

/* The program ends a block by itself, nobody else looking. */
static void deadline_passes(void **state)
{
	const int64_t tick_ns = 10 * NS_PER_MS; /* HZ is 100 at the least */
	struct rule rule = rule_for("192.0.2.9", CLASS_ALL), network;
	struct address address = address_of("192.0.2.9");
	int64_t last_drop = 0, now;

	(void)state;
	dropmap_maintain(world.dropmap, moment_now());
	rule.expires = moment_plus(moment_now(), 80 * NS_PER_MS);
	assert_int_equal(dropmap_put(world.dropmap, &rule, moment_now()), 0);
	do {
		now = moment_now().boot_ns;
		if (!drops(&address, ACK))
			break;
		last_drop = now;
	} while (now < rule.expires.boot_ns + NS_PER_SECOND);
	assert_true(moment_now().boot_ns >= rule.expires.boot_ns - tick_ns);
	assert_true(last_drop > 0 && last_drop < rule.expires.boot_ns + 2 * tick_ns);

	/* a dead block hides no living one, and lives again when it is renewed */
	network = block("192.0.2.0/24", CLASS_ALL);
	assert_true(drops(&address, ACK));
	assert_int_equal(dropmap_remove(world.dropmap, &network), 0);
	assert_false(drops(&address, ACK));
	rule.expires = moment_plus(moment_now(), 60 * NS_PER_SECOND);
	assert_int_equal(dropmap_put(world.dropmap, &rule, moment_now()), 0);
	assert_true(drops(&address, ACK));
}

static void protect(const char *const *texts, size_t count)
{
	struct protected_list list = { 0 };
	struct prefix prefix;

	for (size_t i = 0; i < count; i++) {
		assert_int_equal(prefix_parse(texts[i], &prefix), 0);
		assert_int_equal(protected_list_add(&list, &prefix, "test"), 0);
	}
	assert_int_equal(dropmap_protect(world.dropmap, &list), 0);
	protected_list_free(&list);
}

static void protected_is_never_dropped(void **state)
{
	static const char *const spared[] = { "192.0.2.1", "198.51.100.0/28", "2001:db8::1",
					      "2001:db8:5::/48" };
	static const char *const everything_six[] = { "::/0" };
	struct moment later = moment_plus(moment_now(), NS_PER_SECOND);
	struct rule rule;
	uint64_t packets, bytes;

	(void)state;
	rule = block("192.0.2.1", CLASS_ALL);
	block("192.0.2.0/24", CLASS_ALL);
	block("198.51.100.0/24", CLASS_ALL);
	block("2001:db8::/32", CLASS_ALL);
	assert_true(drops_text("192.0.2.1", ACK));
	protect(spared, 4);
	for (int turn = 0; turn < 3; turn++) { /* as added, and in both versions of the filter */
		assert_false(drops_text("192.0.2.1", SYN) || drops_text("198.51.100.15", ACK));
		assert_false(drops_text("2001:db8::1", ACK) || drops_text("2001:db8:5:6::7", ACK));
		assert_true(drops_text("192.0.2.2", ACK) && drops_text("198.51.100.16", ACK));
		assert_true(drops_text("2001:db8::2", ACK) && drops_text("2001:db8:6::7", ACK));
		protect(spared, 4);
		later = moment_plus(later, NS_PER_SECOND);
		dropmap_maintain(world.dropmap, later);
	}
	assert_int_equal(dropmap_hits(world.dropmap, &rule, &packets, &bytes), 0);
	assert_int_equal(packets, 1); /* before it was protected */
	protect(spared + 1, 3);
	assert_true(drops_text("192.0.2.1", ACK));
	protect(everything_six, 1); /* is no IPv4, though its mapped form is in there */
	assert_true(drops_text("192.0.2.1", ACK));
	assert_false(drops_text("2001:db8::2", ACK));
}

/* Observing: everything passes, and is counted as what would have been dropped. */
static void observe_drops_nothing(void **state)
{
	struct rule rule = block("192.0.2.9", CLASS_ALL);
	uint64_t packets, bytes;

	(void)state;
	dropmap_set_observe(world.dropmap, true);
	for (int i = 0; i < 5; i++)
		assert_false(drops_text("192.0.2.9", ACK));
	dropmap_set_observe(world.dropmap, false);
	assert_true(drops_text("192.0.2.9", ACK));
	assert_int_equal(dropmap_hits(world.dropmap, &rule, &packets, &bytes), 0);
	assert_int_equal(packets, 6);
	assert_int_equal(bytes, 6 * 54);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_world, end_world)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(one_address),
		TEST(prefixes_of_every_length),
		TEST(short_prefixes),
		TEST(everything),
		TEST(too_many_lengths_are_refused),
		TEST(classes),
		TEST(address_does_not_hide_network),
		TEST(limit_does_not_hide_drop),
		TEST(longest_prefix_decides),
		TEST(deadline_passes),
		TEST(protected_is_never_dropped),
		TEST(observe_drops_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
