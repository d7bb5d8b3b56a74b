/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who is in which group of the configuration, and whose limits are held against whom. */
#include "detect_world.h"
#include <stdio.h>
#include "detect/groups.h"
#include "model/config.h"

#define OFFICE	 "192.0.2.7"   /* in the group of the tests below */
#define STRANGER "203.0.113.9" /* in none */

static struct prefix prefix_text(const char *text)
{
	struct prefix prefix;

	assert_int_equal(prefix_parse(text, &prefix), 0);
	return prefix;
}

/* A configuration whose groups are read from config.json's own text, without global limits. */
static struct config *parse(const char *groups)
{
	char text[4096], error[CONFIG_ERROR_TEXT] = "";
	struct config *config = NULL;

	snprintf(text, sizeof(text), "{\"groups\": [%s]}", groups);
	if (config_parse(text, strlen(text), "/", &config, error))
		fail_msg("%s: %s", text, error);
	return config;
}

/* ---- who is in which ----------------------------------------------------------------------- */

static uint32_t groups_at(const struct groups *groups, const char *prefix)
{
	struct prefix at = prefix_text(prefix);

	return groups_of(groups, &at.address, (uint8_t)at.len);
}

static void test_prefixes_inside_each_other(void **state)
{
	struct config *config =
		parse("{\"name\": \"a\", \"sources\": [\"10.0.0.0/8\", \"10.1.0.0/16\", "
		      "\"2001:db8::/32\"]},"
		      "{\"name\": \"b\", \"sources\": [\"10.1.2.0/24\", \"255.255.255.255\"]},"
		      "{\"name\": \"c\", \"ports\": [80]},"
		      "{\"name\": \"d\", \"sources\": [\"::/0\"]},"
		      "{\"name\": \"e\", \"sources\": [\"ffff::/16\"]}");
	static const struct {
		const char *prefix;
		uint32_t groups;
	} cases[] = {
		{ "9.255.255.255", 4 },	  { "10.0.0.0", 5 },	    { "10.1.1.255", 5 },
		{ "10.1.2.0", 7 },	  { "10.1.2.255", 7 },	    { "10.1.3.0", 5 },
		{ "10.2.0.0", 5 },	  { "10.255.255.255", 5 },  { "11.0.0.0", 4 },
		{ "255.255.255.255", 6 }, { "255.255.255.254", 4 }, { "::", 12 },
		{ "2001:db8::", 13 },	  { "2001:db9::", 12 },	    { "ffff::1", 28 },
		{ "10.1.2.0/23", 5 },	  { "10.1.2.0/25", 7 },	    { "2001:db8::/64", 13 },
		{ "2001:db8::/31", 12 },
	};
	struct groups groups;

	(void)state;
	assert_int_equal(groups_make(config, &groups), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		if (groups_at(&groups, cases[i].prefix) != cases[i].groups)
			fail_msg("%s: %x", cases[i].prefix, groups_at(&groups, cases[i].prefix));
	/* each combination has a place, that of none of them too */
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_int_not_equal(groups_find_set(&groups, cases[i].groups), 0);
	assert_int_equal(groups_find_set(&groups, 0x80), 0);
	groups_free(&groups);
	config_free(&config);
}

/* Against the plain way: every prefix of every group asked. */
static void test_ranges_agree_with_a_plain_search(void **state)
{
	static struct prefix prefixes[CONFIG_GROUPS_MAX][CONFIG_PREFIXES_MAX];
	static struct group_config items[CONFIG_GROUPS_MAX];
	struct config config = { .groups = items, .group_count = CONFIG_GROUPS_MAX };
	struct groups groups;
	uint32_t seed = 7;

	(void)state;
	for (unsigned int g = 0; g < CONFIG_GROUPS_MAX; g++) {
		items[g].sources = prefixes[g];
		items[g].source_count = CONFIG_PREFIXES_MAX;
		for (unsigned int i = 0; i < CONFIG_PREFIXES_MAX; i++) {
			struct address address = address_from_ipv4(mix(seed++) & 0xffff0f0a);
			uint32_t len = 112 + mix(seed++) % 17;

			prefixes[g][i] = (struct prefix){ address_masked(&address, len), len, 0 };
		}
	}
	assert_int_equal(groups_make(&config, &groups), 0);
	for (unsigned int n = 0; n < 2000; n++) {
		struct address address = address_from_ipv4(mix(seed++) & 0xffff0f0a);
		uint32_t wanted = 0;

		for (unsigned int g = 0; g < CONFIG_GROUPS_MAX; g++)
			for (unsigned int i = 0; i < CONFIG_PREFIXES_MAX; i++)
				if (prefix_contains(&prefixes[g][i], &address))
					wanted |= 1u << g;
		assert_int_equal(groups_of(&groups, &address, 128), wanted);
	}
	groups_free(&groups);
}

static void test_the_first_that_fits(void **state)
{
	struct config *config = parse("{\"name\": \"a\", \"ports\": [80, 8080]},"
				      "{\"name\": \"b\", \"sources\": [\"192.0.2.0/24\"]},"
				      "{\"name\": \"c\", \"sources\": [\"192.0.2.7\"]}");
	struct table_entry web = entry_of(OFFICE), wide, nothing = entry_of(OFFICE);
	struct groups groups;
	uint32_t in;

	(void)state;
	assert_int_equal(groups_make(config, &groups), 0);
	in = groups_at(&groups, OFFICE);
	assert_int_equal(in, 7);
	entry_syns(&web, 1, 1, 8080);
	assert_int_equal(groups_choose(&groups, in, &web, 0), 1);
	entry_syns(&web, 1, 1, 80);
	assert_int_equal(groups_choose(&groups, in, &web, 0), 1);
	assert_int_equal(groups_choose(&groups, groups_at(&groups, STRANGER), &web, 0), 1);
	/* a third port, and the two are no longer all that it does */
	wide = web;
	entry_syns(&wide, 1, 1, 25);
	assert_int_equal(groups_choose(&groups, in, &wide, 0), 2);
	entry_syns(&wide, 1, 1, 80);
	assert_int_equal(groups_choose(&groups, in, &wide, 0), 2);
	assert_int_equal(groups_choose(&groups, groups_at(&groups, STRANGER), &wide, 0), 0);
	/* what goes on without a try belongs to what was tried before */
	nothing.packets = 1000;
	assert_int_equal(groups_choose(&groups, in, &nothing, 1), 1);
	assert_int_equal(groups_choose(&groups, in, &nothing, 0), 2);
	groups_free(&groups);
	config_free(&config);
}

/* ---- limits -------------------------------------------------------------------------------- */

static struct group_config *add_group(struct world *world, const char *name, struct prefix *source)
{
	struct group_config *group;

	world->config.groups =
		realloc(world->config.groups, (world->config.group_count + 1) * sizeof(*group));
	group = &world->config.groups[world->config.group_count++];
	*group = (struct group_config){ .sources = source, .source_count = source ? 1 : 0 };
	snprintf(group->name, sizeof(group->name), "%s", name);
	memcpy(group->detectors, world->config.detectors, sizeof(group->detectors));
	return group;
}

/* SYNs: 100 in 10 s for all, another limit for the office; ports: 20 in 10 s. */
static struct world *office_world(struct prefix *office, uint64_t syns)
{
	struct world *world = world_empty();
	struct group_config *group;

	*office = prefix_text("192.0.2.0/24");
	world_limit(world, DETECTOR_SYN_FLOOD, 100, 10);
	world_limit(world, DETECTOR_PORT_SCAN, 20, 10);
	group = add_group(world, "office", office);
	group->detectors[DETECTOR_SYN_FLOOD].limits[0].count = syns;
	world_start(world);
	return world;
}

static void world_end(struct world *world)
{
	free(world->config.groups);
	world_free(world);
}

static struct table_entry syns_from(const char *source, uint32_t n, uint16_t port)
{
	struct table_entry entry = entry_of(source);

	entry_syns(&entry, n, 1, port);
	return entry;
}

static void test_a_higher_limit(void **state)
{
	struct prefix office;
	struct world *world = office_world(&office, 500);
	struct table_entry entry = syns_from(STRANGER, 101, 80);

	(void)state;
	assert_int_equal(world_drain(world, 250 * MS, &entry), 1);
	assert_int_equal(world->findings.items[0].limit.count, 100);
	assert_string_equal(world->findings.items[0].group, "");
	entry = syns_from(OFFICE, 499, 80);
	assert_int_equal(world_drain(world, 250 * MS, &entry), 0);
	entry = syns_from(OFFICE, 2, 80);
	assert_int_equal(world_drain(world, 250 * MS, &entry), 1);
	assert_int_equal(world->findings.items[0].limit.count, 500);
	assert_int_equal(world->findings.items[0].count, 501);
	assert_string_equal(world->findings.items[0].group, "office");
	world_end(world);
}

static void test_a_lower_limit_and_its_wake(void **state)
{
	struct prefix office;
	struct world *world = office_world(&office, 10);
	struct table_entry entry = syns_from(OFFICE, 11, 80);
	struct wake_marks marks;

	(void)state;
	detect_wake_marks(&world->config, &marks);
	assert_int_equal(marks.syn, 11);
	assert_int_equal(world_wake(world, 10 * MS, &entry), 1);
	assert_string_equal(world->findings.items[0].group, "office");
	assert_true(world->findings.items[0].provisional);
	entry = syns_from(STRANGER, 11, 80);
	assert_int_equal(world_wake(world, 10 * MS, &entry), 0);
	assert_int_equal(world_drain(world, 250 * MS, &entry), 0);
	world_end(world);
}

static void test_a_detector_that_is_off_for_some(void **state)
{
	struct prefix office;
	struct world *world = office_world(&office, 500);
	struct table_entry entry = syns_from(OFFICE, 100000, 80);

	(void)state;
	world->config.groups[0].detectors[DETECTOR_SYN_FLOOD].enabled = false;
	assert_int_equal(detect_reconfigure(world->detect, &world->config), 0);
	assert_int_equal(world_drain(world, 250 * MS, &entry), 0);
	entry = syns_from(STRANGER, 101, 80);
	assert_int_equal(world_drain(world, 250 * MS, &entry), 1);
	/* and on for some only */
	world->config.detectors[DETECTOR_SYN_FLOOD].enabled = false;
	world->config.groups[0].detectors[DETECTOR_SYN_FLOOD].enabled = true;
	assert_int_equal(detect_reconfigure(world->detect, &world->config), 0);
	assert_int_equal(world_drain(world, 250 * MS, &entry), 0);
	entry = syns_from(OFFICE, 501, 80);
	assert_int_equal(world_drain(world, 250 * MS, &entry), 1);
	world_end(world);
}

/* Ports and hosts are windows of another kind. */
static void test_a_higher_limit_of_ports(void **state)
{
	struct prefix office;
	struct world *world = office_world(&office, 500);
	size_t found = 0;

	(void)state;
	world->config.groups[0].detectors[DETECTOR_PORT_SCAN].limits[0].count = 60;
	assert_int_equal(detect_reconfigure(world->detect, &world->config), 0);
	for (uint16_t step = 0; step < 8; step++) {
		struct table_entry entry = entry_of(OFFICE), other = entry_of(STRANGER);

		for (uint16_t port = 0; port < 5; port++) {
			entry_syns(&entry, 1, 1, (uint16_t)(1 + step * 5 + port));
			entry_syns(&other, 1, 1, (uint16_t)(1 + step * 5 + port));
		}
		assert_int_equal(world_drain(world, 250 * MS, &entry), 0);
		found += world_drain(world, 250 * MS, &other);
	}
	assert_true(found);
	world_end(world);
}

/* ---- groups by ports ----------------------------------------------------------------------- */

/* SYNs: 100 in 10 s, to ports 80 and 443 500. */
static struct world *web_world(void)
{
	struct world *world = world_empty();
	struct group_config *group;

	world_limit(world, DETECTOR_SYN_FLOOD, 100, 10);
	group = add_group(world, "web", NULL);
	group->ports[0] = 80;
	group->ports[1] = 443;
	group->port_count = 2;
	group->detectors[DETECTOR_SYN_FLOOD].limits[0].count = 500;
	world_start(world);
	return world;
}

/* What the group allows is not held against its source by the limit for all, and the other way. */
static void test_counts_of_ports_stay_apart(void **state)
{
	struct world *world = web_world();
	struct table_entry web = syns_from(STRANGER, 60, 443), ssh = syns_from(STRANGER, 12, 22);

	(void)state;
	for (int i = 0; i < 8; i++) {
		assert_int_equal(world_drain(world, 250 * MS, &web), 0);
		assert_int_equal(world_drain(world, 250 * MS, &ssh), 0);
	}
	/* 96 so far: nobody evades a limit by doing something else in between */
	ssh = syns_from(STRANGER, 5, 22);
	assert_int_equal(world_drain(world, 250 * MS, &ssh), 1);
	assert_int_equal(world->findings.items[0].count, 101);
	assert_string_equal(world->findings.items[0].group, "");
	/* 480 so far */
	assert_int_equal(world_drain(world, 250 * MS, &web), 1);
	assert_int_equal(world->findings.items[0].count, 540);
	assert_string_equal(world->findings.items[0].group, "web");
	world_end(world);
}

/* A window that is not in use grows old like any other. */
static void test_counts_of_ports_grow_old(void **state)
{
	struct world *world = web_world();
	struct table_entry web = syns_from(STRANGER, 10, 443), ssh = syns_from(STRANGER, 90, 22);

	(void)state;
	assert_int_equal(world_drain(world, 250 * MS, &ssh), 0);
	for (int i = 0; i < 180; i++) /* 45 s: the marks of time have gone round once, after 41 s */
		assert_int_equal(world_drain(world, 250 * MS, i % 2 ? &web : NULL), 0);
	assert_int_equal(world_drain(world, 250 * MS, &ssh), 0);
	assert_int_equal(world_drain(world, 250 * MS, &ssh), 1);
	assert_int_equal(world->findings.items[0].count, 180);
	world_end(world);
}

/* ---- a new configuration ------------------------------------------------------------------- */

static void test_counts_follow_into_another_group(void **state)
{
	struct prefix office;
	struct world *world = office_world(&office, 500);
	struct table_entry entry = syns_from(OFFICE, 300, 80), more = syns_from(OFFICE, 1, 80);

	(void)state;
	assert_int_equal(world_drain(world, 250 * MS, &entry), 0);
	office = prefix_text("198.51.100.0/24"); /* it moves out */
	assert_int_equal(detect_reconfigure(world->detect, &world->config), 0);
	assert_int_equal(world_drain(world, 250 * MS, &more), 1);
	assert_int_equal(world->findings.items[0].count, 301);
	assert_string_equal(world->findings.items[0].group, "");
	office = prefix_text("192.0.2.0/24"); /* and in again */
	assert_int_equal(detect_reconfigure(world->detect, &world->config), 0);
	assert_int_equal(world_drain(world, 250 * MS, &more), 0);
	entry = syns_from(OFFICE, 199, 80);
	assert_int_equal(world_drain(world, 250 * MS, &entry), 1);
	assert_int_equal(world->findings.items[0].count, 501);
	assert_string_equal(world->findings.items[0].group, "office");
	/* without any groups */
	world->config.group_count = 0;
	assert_int_equal(detect_reconfigure(world->detect, &world->config), 0);
	assert_int_equal(world_drain(world, 250 * MS, &more), 1);
	assert_int_equal(world->findings.items[0].count, 502);
	world_end(world);
}

static void test_counts_of_ports_stay_with_the_name(void **state)
{
	struct world *world = web_world();
	struct table_entry web = syns_from(STRANGER, 300, 443), more = syns_from(STRANGER, 1, 443);

	(void)state;
	assert_int_equal(world_drain(world, 250 * MS, &web), 0);
	world->config.groups[0].detectors[DETECTOR_SYN_FLOOD].limits[0].count = 300;
	add_group(world, "other", NULL)->ports[0] = 9;
	world->config.groups[1].port_count = 1;
	assert_int_equal(detect_reconfigure(world->detect, &world->config), 0);
	assert_int_equal(world_drain(world, 250 * MS, &more), 1);
	assert_int_equal(world->findings.items[0].count, 301);
	/* with another name it is another group, and its counts are not held against all */
	strcpy(world->config.groups[0].name, "www");
	assert_int_equal(detect_reconfigure(world->detect, &world->config), 0);
	assert_int_equal(world_drain(world, 250 * MS, &more), 0);
	world->config.group_count = 0;
	assert_int_equal(detect_reconfigure(world->detect, &world->config), 0);
	assert_int_equal(world_drain(world, 250 * MS, &more), 0);
	world_end(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_prefixes_inside_each_other),
		cmocka_unit_test(test_ranges_agree_with_a_plain_search),
		cmocka_unit_test(test_the_first_that_fits),
		cmocka_unit_test(test_a_higher_limit),
		cmocka_unit_test(test_a_lower_limit_and_its_wake),
		cmocka_unit_test(test_a_detector_that_is_off_for_some),
		cmocka_unit_test(test_a_higher_limit_of_ports),
		cmocka_unit_test(test_counts_of_ports_stay_apart),
		cmocka_unit_test(test_counts_of_ports_grow_old),
		cmocka_unit_test(test_counts_follow_into_another_group),
		cmocka_unit_test(test_counts_of_ports_stay_with_the_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
