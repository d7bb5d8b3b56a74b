/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What config.json may not hold, each with its message whole: the path, the value and what would be
 * right are what somebody with a broken file has to go by. What it may hold is in test_config.c.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "base/json.h"
#include "model/config_keys.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define TEXT	     1024

/* Parses what must be refused; *out must stay what it was. */
static void refuse(const char *text, char error[CONFIG_ERROR_TEXT])
{
	struct config *before = (struct config *)&before, *config = before;
	int r = config_parse(text, strlen(text), "/etc/fwgen", &config, error);

	if (r != -EINVAL || config != before)
		fail_msg("not refused (%d): %s", r, text);
}

#define NO_NAME	   " is not the name of an interface (1 to 15 characters)"
#define NO_NUMBER  " is not a whole number from "
#define INTERFACES "{\"interfaces\": [%s]}"
#define LIMITS	   "{\"detectors\": {\"udp_flood\": {\"limits\": [%s]}}}"
#define NO_GROUP_NAME \
	" is not the name of a group (1 to 31 letters, digits, \"-\", \"_\" and \".\")"
#define GROUPS		"{\"groups\": [%s]}"
#define GROUP_DETECTORS "{\"groups\": [{\"name\": \"a\", \"ports\": [1], \"detectors\": {%s}}]}"
#define SERVICES	"{\"access\": {\"services\": [%s]}}"
#define SSH		"{\"protocol\": \"tcp\", \"port\": 22, \"from\": [\"::1\"]}"
#define TOP                                                                                \
	"interfaces, mode, sensor, detectors, sensitive_ports, groups, access, response, " \
	"storage, log, control, web, fleet"

/* Each value of a key, in the object or objects that it belongs into. */
static const struct {
	const char *format, *value, *error;
} refusals[] = {
	/* the text itself */
	{ "%s", "[]", "[] is not an object ({ ... })" },
	{ "%s", "{", "line 1, column 2: expected a key in double quotes" },
	{ "%s", "{\"mode\": \"observe\", \"mode\": \"observe\"}",
	  "line 1, column 21: duplicate key" },

	/* unknown keys */
	{ "%s", "{\"interface\": []}", "interface: unknown key; did you mean \"interfaces\"?" },
	{ "%s", "{\"interval_ms\": 250}",
	  "interval_ms: unknown key; did you mean \"sensor.interval_ms\"?" },
	{ "%s", "{\"syn_flood\": {}}",
	  "syn_flood: unknown key; did you mean \"detectors.syn_flood\"?" },
	{ "%s", "{\"limits\": 250}", "limits: unknown key; known here: " TOP },
	{ "%s", "{\"a\\u001bb\": 250, \"mode\": 1}", "a?b: unknown key; known here: " TOP },
	{ "{\"detectors\": {%s}}", "\"port_scna\": {}",
	  "detectors.port_scna: unknown key; did you mean \"port_scan\"?" },
	{ "{\"detectors\": {%s}}", "\"teardrop\": {}",
	  "detectors.teardrop: unknown key; known here: packet_flood, byte_flood, syn_flood, "
	  "udp_flood, icmp_flood, fragment_flood, port_scan, host_sweep, stealth_scan, "
	  "brute_force, reflection, malformed, unauthorized, victim_flood" },
	{ "{\"detectors\": {\"port_scan\": {\"limits\": [%s]}}}", "{\"cuont\": 1, \"seconds\": 1}",
	  "detectors.port_scan.limits[0].cuont: unknown key; did you mean \"count\"?" },

	/* interfaces */
	{ INTERFACES, "\"a234567890123456\"", "interfaces[0]: \"a234567890123456\"" NO_NAME },
	{ INTERFACES, "\"\"", "interfaces[0]: \"\"" NO_NAME },
	{ INTERFACES, "\"eth 0\"", "interfaces[0]: \"eth 0\"" NO_NAME },
	{ INTERFACES, "\"../eth0\"", "interfaces[0]: \"../eth0\"" NO_NAME },
	{ INTERFACES, "\"eth0\", \"eth1\", \"eth0\"",
	  "interfaces[2]: \"eth0\" is in the list already" },
	{ INTERFACES, "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17",
	  "interfaces: a list of 17 items is too long, at most 16" },

	/* choices and numbers */
	{ "{\"mode\": %s}", "\"Enforce\"",
	  "mode: \"Enforce\" is not one of \"observe\", \"enforce\"; did you mean \"enforce\"?" },
	{ "{\"sensor\": {\"backend\": %s}}", "\"dpdk\"",
	  "sensor.backend: \"dpdk\" is not one of \"auto\", \"xdp\", \"xdp-generic\", "
	  "\"af_packet\"" },
	{ "{\"log\": {\"level\": %s}}", "\"warn\"",
	  "log.level: \"warn\" is not one of \"error\", \"warning\", \"info\", \"debug\"; did you "
	  "mean "
	  "\"warning\"?" },
	{ "{\"sensor\": {\"interval_ms\": %s}}", "49",
	  "sensor.interval_ms: 49" NO_NUMBER "50 to 10000" },
	{ "{\"sensor\": {\"interval_ms\": %s}}", "250.5",
	  "sensor.interval_ms: 250.5" NO_NUMBER "50 to 10000" },
	{ "{\"sensor\": {\"interval_ms\": %s}}", "\"250\"",
	  "sensor.interval_ms: \"250\"" NO_NUMBER "50 to 10000" },
	{ "{\"sensor\": {\"wake_packets\": %s}}", "-1",
	  "sensor.wake_packets: -1" NO_NUMBER "10 to 1000000" },
	{ "{\"sensor\": {\"table_buckets\": %s}}", "5000",
	  "sensor.table_buckets: 5000 is not a power of two from 64 to 65536" },
	{ "{\"sensor\": {\"table_buckets\": %s}}", "32",
	  "sensor.table_buckets: 32 is not a power of two from 64 to 65536" },
	{ "{\"sensor\": {\"table_buckets\": %s}}", "131072",
	  "sensor.table_buckets: 131072 is not a power of two from 64 to 65536" },

	/* limits */
	{ "{\"detectors\": {\"udp_flood\": {\"action\": %s}}}", "\"reject\"",
	  "detectors.udp_flood.action: \"reject\" is not one of \"drop\", \"limit\", \"alarm\"" },
	{ "{\"detectors\": {\"udp_flood\": {\"limits\": %s}}}", "[]",
	  "detectors.udp_flood.limits: [] is not a list of 1 to 4 limits, like [{ \"count\": 20, "
	  "\"seconds\": 10 }]" },
	{ LIMITS, "1, 2, 3, 4, 5",
	  "detectors.udp_flood.limits: [1,2,3,4,5] is not a list of 1 to 4 limits, like [{ "
	  "\"count\": "
	  "20, \"seconds\": 10 }]" },
	{ LIMITS, "{\"count\": 0, \"seconds\": 10}",
	  "detectors.udp_flood.limits[0].count: 0" NO_NUMBER "1 to 1000000000000000" },
	{ LIMITS, "{\"count\": 1, \"seconds\": 86401}",
	  "detectors.udp_flood.limits[0].seconds: 86401" NO_NUMBER "1 to 86400" },
	{ LIMITS, "{\"count\": 1}",
	  "detectors.udp_flood.limits[0]: {\"count\":1} is not a limit, since \"seconds\" is "
	  "missing" },
	{ LIMITS, "{\"seconds\": 1}",
	  "detectors.udp_flood.limits[0]: {\"seconds\":1} is not a limit, since \"count\" is "
	  "missing" },
	{ LIMITS, "{\"count\": 1, \"seconds\": 10}, {\"count\": 2, \"seconds\": 10}",
	  "detectors.udp_flood.limits[1].seconds: 10 is not above 10, the window of the limit "
	  "before it "
	  "(shortest window first, each once)" },
	{ LIMITS, "{\"count\": 9, \"seconds\": 10}, {\"count\": 1, \"seconds\": 5}",
	  "detectors.udp_flood.limits[1].seconds: 5 is not above 10, the window of the limit "
	  "before "
	  "it "
	  "(shortest window first, each once)" },
	{ LIMITS, "{\"count\": 9, \"seconds\": 10}, {\"count\": 9, \"seconds\": 60}",
	  "detectors.udp_flood.limits[1].count: 9 is not above 9, the count of the shorter window "
	  "before "
	  "it" },

	/* ports and prefixes */
	{ "{\"sensitive_ports\": [%s]}", "22, 65536",
	  "sensitive_ports[1]: 65536" NO_NUMBER "1 to 65535" },
	{ "{\"sensitive_ports\": [%s]}", "22, 23, 22",
	  "sensitive_ports[2]: 22 is in the list already" },
	{ "{\"access\": {\"allow\": [%s]}}", "\"192.0.2.256\"",
	  "access.allow[0]: \"192.0.2.256\" is not an address or prefix, like \"192.0.2.1\" or "
	  "\"2001:db8::/32\"" },
	{ "{\"access\": {\"deny\": [%s]}}", "\"192.0.2.0/33\"",
	  "access.deny[0]: \"192.0.2.0/33\" is not an address or prefix, like \"192.0.2.1\" or "
	  "\"2001:db8::/32\"" },
	{ "{\"access\": {\"deny\": [%s]}}", "\"192.0.2.1/24\"",
	  "access.deny[0]: \"192.0.2.1/24\" is not a prefix, since bits after its length are set; "
	  "did "
	  "you mean \"192.0.2.0/24\"?" },
	{ "{\"access\": {\"allow\": [%s]}}", "\"192.0.2.1\", \"192.0.2.1/32\"",
	  "access.allow[1]: \"192.0.2.1/32\" is in the list already" },

	/* groups */
	{ "{\"groups\": %s}", "{}", "groups: {} is not a list of groups" },
	{ GROUPS, "{\"ports\": [1]}",
	  "groups[0]: {\"ports\":[1]} is not a group, since \"name\" is missing" },
	{ GROUPS, "{\"name\": \"a b\", \"ports\": [1]}", "groups[0].name: \"a b\"" NO_GROUP_NAME },
	{ GROUPS, "{\"name\": \"\", \"ports\": [1]}", "groups[0].name: \"\"" NO_GROUP_NAME },
	{ GROUPS, "{\"name\": \"a2345678901234567890123456789012\", \"ports\": [1]}",
	  "groups[0].name: \"a2345678901234567890123456789012\"" NO_GROUP_NAME },
	{ GROUPS, "{\"name\": \"a\", \"sources\": []}",
	  "groups[0]: {\"name\":\"a\",\"sources\":[]} is not a group, since it has neither "
	  "\"sources\" nor \"ports\"" },
	{ GROUPS, "{\"name\": \"a\", \"ports\": [1]}, {\"name\": \"a\", \"ports\": [2]}",
	  "groups[1].name: \"a\" is in the list already" },
	{ GROUPS, "{\"name\": \"a\", \"source\": [\"::1\"]}",
	  "groups[0].source: unknown key; did you mean \"sources\"?" },
	{ GROUPS, "{\"name\": \"a\", \"sources\": [\"192.0.2.1/24\"]}",
	  "groups[0].sources[0]: \"192.0.2.1/24\" is not a prefix, since bits after its length are "
	  "set; did you mean \"192.0.2.0/24\"?" },
	{ GROUPS, "{\"name\": \"a\", \"ports\": [0]}",
	  "groups[0].ports[0]: 0" NO_NUMBER "1 to 65535" },
	{ GROUPS, "{\"name\": \"a\", \"ports\": [1, 1]}",
	  "groups[0].ports[1]: 1 is in the list already" },
	{ GROUP_DETECTORS, "\"port_scna\": {}",
	  "groups[0].detectors.port_scna: unknown key; did you mean \"port_scan\"?" },
	{ GROUP_DETECTORS, "\"port_scan\": {\"count\": 1}",
	  "groups[0].detectors.port_scan.count: unknown key; known here: enabled, action, limits" },
	{ GROUP_DETECTORS, "\"port_scan\": {\"limits\": [{\"count\": 0, \"seconds\": 1}]}",
	  "groups[0].detectors.port_scan.limits[0].count: 0" NO_NUMBER "1 to 1000000000000000" },
	{ "{\"detectors\": {\"victim_flood\": {\"action\": %s}}}", "\"drop\"",
	  "detectors.victim_flood.action: \"drop\" is not possible: a flood from everywhere has no "
	  "source to block, and its victim is not to lose all; \"alarm\" and \"limit\" are" },
	{ GROUP_DETECTORS, "\"victim_flood\": {\"enabled\": false}",
	  "groups[0].detectors.victim_flood: it counts by destination, so no group of sources can "
	  "have it otherwise" },
	{ "{\"sensor\": {\"interval_ms\": 2000}, \"detectors\": {\"udp_flood\": {\"limits\": "
	  "[{\"count\": 1, \"seconds\": 2}]}, \"packet_flood\": {\"enabled\": false}, "
	  "\"fragment_flood\": {\"enabled\": false}, \"reflection\": "
	  "{\"enabled\": false}, \"victim_flood\": {\"enabled\": false}}, \"groups\": [{\"name\": "
	  "\"a\", "
	  "\"ports\": [1], \"detectors\": {\"udp_flood\": %s}}]}",
	  "{\"limits\": [{\"count\": 1, \"seconds\": 1}]}",
	  "sensor.interval_ms: 2000 ms is longer than the window of "
	  "groups[0].detectors.udp_flood.limits[0], which is 1 s" },

	/* services */
	{ SERVICES, "22", "access.services[0]: 22 is not an object ({ ... })" },
	{ SERVICES, "{\"port\": 22, \"from\": [\"::1\"]}",
	  "access.services[0]: {\"port\":22,\"from\":[\"::1\"]} is not a service, since "
	  "\"protocol\" is "
	  "missing" },
	{ SERVICES, "{\"protocol\": \"tcp\", \"from\": [\"::1\"]}",
	  "access.services[0]: {\"protocol\":\"tcp\",\"from\":[\"::1\"]} is not a service, since "
	  "\"port\" is missing" },
	{ SERVICES, "{\"protocol\": \"tcp\", \"port\": 22}",
	  "access.services[0]: {\"protocol\":\"tcp\",\"port\":22} is not a service, since \"from\" "
	  "is "
	  "missing" },
	{ SERVICES, "{\"protocol\": \"tcp\", \"port\": 22, \"from\": []}",
	  "access.services[0]: {\"protocol\":\"tcp\",\"port\":22,\"from\":[]} is not a service, "
	  "since "
	  "\"from\" names nobody" },
	{ SERVICES, "{\"protocol\": \"sctp-x\"}",
	  "access.services[0].protocol: \"sctp-x\" is not one of \"tcp\", \"udp\"" },
	{ SERVICES, "{\"port\": \"ssh\"}",
	  "access.services[0].port: \"ssh\"" NO_NUMBER "1 to 65535" },
	{ SERVICES, "{\"form\": []}",
	  "access.services[0].form: unknown key; did you mean \"from\"?" },
	{ SERVICES, SSH ", {\"protocol\": \"udp\", \"port\": 22, \"from\": [\"::1\"]}, " SSH,
	  "access.services[2]: port 22/tcp is reserved by access.services[0] already" },

	/* not in this version */
	{ "{\"fleet\": {%s}}", "\"webhook\": \"\"",
	  "fleet: not supported by this version; it must be an empty object ({})" },

	/* response */
	{ "{\"response\": {\"enforcers\": [%s]}}", "\"xdp\", \"nftables\"",
	  "response.enforcers[1]: \"nftables\" is not one of \"xdp\", \"iptables\"; did you mean "
	  "\"iptables\"?" },
	{ "{\"response\": {\"enforcers\": [%s]}}", "\"xdp\", \"xdp\"",
	  "response.enforcers[1]: \"xdp\" is in the list already" },
	{ "{\"response\": {\"enforcers\": [%s]}}", "",
	  "response.enforcers: [] is not a list of at least one of \"xdp\", \"iptables\" (to block "
	  "nothing, set mode to \"observe\")" },
	{ "{\"response\": {\"on_exit\": %s}}", "true",
	  "response.on_exit: true is not one of \"remove\", \"keep\"" },
	{ "{\"response\": {\"max_block_seconds\": %s}}", "2147484",
	  "response.max_block_seconds: 2147484" NO_NUMBER "1 to 2147483" },

	/* text */
	{ "{\"storage\": {\"database\": %s}}", "\"\"",
	  "storage.database: \"\" is not a file name" },
	{ "{\"storage\": {\"event_log\": %s}}", "\"logs/\"",
	  "storage.event_log: \"logs/\" is not a file name, or \"\" for none" },
	{ "{\"log\": {\"file\": %s}}", "\"a\\nb\"",
	  "log.file: \"a\\nb\" is not a file name, or \"\" for none" },
	{ "{\"web\": {\"listen\": %s}}", "\"8730\"",
	  "web.listen: \"8730\" is not an address and a port, like \"127.0.0.1:8730\" or "
	  "\"[::1]:8730\"" },

	/* values that do not go together */
	{ "{\"sensor\": {\"interval_ms\": %s}}", "1001",
	  "sensor.interval_ms: 1001 ms is longer than the window of "
	  "detectors.packet_flood.limits[0], "
	  "which "
	  "is 1 s" },
	{ "{\"sensor\": {\"table_buckets\": 8192, \"memory_mb\": %s}}", "16",
	  "sensor.memory_mb: 16 MB is too little for one CPU's tables of 8192 buckets on 1 "
	  "interface, which take 19 MB; raise it or lower sensor.table_buckets" },
	{ "{\"interfaces\": [\"a\", \"b\", \"c\"], \"sensor\": {\"memory_mb\": %s}}", "56",
	  "sensor.memory_mb: 56 MB is too little for one CPU's tables of 8192 buckets on 3 "
	  "interfaces, which take 57 MB; raise it or lower sensor.table_buckets" },
	{ "{\"response\": {\"block_seconds\": 10, \"unproven_block_seconds\": %s}}", "11",
	  "response.unproven_block_seconds: 11 is above response.block_seconds, which is 10" },
	{ "{\"response\": {\"max_block_seconds\": %s}}", "599",
	  "response.max_block_seconds: 599 is below response.block_seconds, which is 600" },
	{ "{\"log\": {\"file\": %s}}", "\"/etc/fwgen/network_security.db\"",
	  "log.file: the same file as storage.database" },
	{ "{\"access\": {\"allow\": [\"192.0.2.0/24\"], \"deny\": [%s]}}",
	  "\"192.0.2.1\", \"192.0.2.0/24\"",
	  "access.deny[1]: \"192.0.2.0/24\" is also in access.allow" },
};

static void test_each_refusal_says_path_value_and_remedy(void **state)
{
	char text[TEXT], error[CONFIG_ERROR_TEXT];

	(void)state;
	for (size_t i = 0; i < COUNT(refusals); i++) {
		snprintf(text, sizeof(text), refusals[i].format, refusals[i].value);
		refuse(text, error);
		assert_string_equal(error, refusals[i].error);
	}
}

static void test_listening_addresses(void **state)
{
	static const char *const wrong[] = { ":8730",	    "127.0.0.1",       "127.0.0.1:",
					     "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:+80",
					     "::1:8730",    "[127.0.0.1]:80",  "[::1:80",
					     "[]:80",	    "[::1]80",	       "localhost:80" };
	char text[TEXT], error[CONFIG_ERROR_TEXT];

	(void)state;
	for (size_t i = 0; i < COUNT(wrong); i++) {
		snprintf(text, sizeof(text), "{\"web\": {\"listen\": \"%s\"}}", wrong[i]);
		refuse(text, error);
		assert_non_null(strstr(error, "is not an address and a port"));
	}
}

/* A name that only becomes too long behind the folder of the file. */
static void test_socket_path_must_fit(void **state)
{
	char folder[120], error[CONFIG_ERROR_TEXT];
	static const char text[] = "{\"control\": {\"socket\": \"s\"}}";
	struct config *config = NULL;

	(void)state;
	memset(folder, 'a', sizeof(folder));
	folder[0] = '/';
	folder[sizeof(folder) - 1] = 0;
	assert_int_equal(config_parse(text, strlen(text), folder, &config, error), -EINVAL);
	assert_string_equal(error,
			    "control.socket: with the folder of the configuration in front, the "
			    "file name has 121 bytes, at most 107 are possible");
	assert_null(config);
}

/* A list of IPv6 prefixes of lengths 20, 21, ..., as many as asked for, behind IPv4's. */
static int load_lengths(const char *key, unsigned int count, char error[CONFIG_ERROR_TEXT])
{
	char text[TEXT * 8];
	struct config *config = NULL;
	int at = snprintf(text, sizeof(text), "{\"access\": {\"%s\": [", key), r;

	for (unsigned int len = 1; len <= 32; len++)
		at += snprintf(text + at, sizeof(text) - at, "\"128.0.0.0/%u\", ", len);
	for (unsigned int i = 0; i < count; i++)
		at += snprintf(text + at, sizeof(text) - at, "%s\"2001::/%u\"", i ? ", " : "",
			       20 + i);
	assert_true(at < (int)sizeof(text) - 4);
	strcat(text, "]}}");
	r = config_parse(text, strlen(text), "/", &config, error);
	config_free(&config);
	return r;
}

/* The drop map has room for 32 lengths; 4 of them, or 3, are in use anyhow. */
static void test_too_many_prefix_lengths(void **state)
{
	char error[CONFIG_ERROR_TEXT];

	(void)state;
	/* 28 lengths from 20 on end before /48, which is one of fwgen's own */
	assert_int_equal(load_lengths("deny", 28, error), 0);
	assert_int_equal(load_lengths("deny", 29, error), 0);
	assert_int_equal(load_lengths("deny", 30, error), -EINVAL);
	assert_string_equal(error, "access.deny[61]: IPv6 prefixes of more than 28 different "
				   "lengths, /49 among them: at most 28 besides fwgen's own are "
				   "possible; write some as longer ones");
	assert_int_equal(load_lengths("allow", 29, error), 0);
	assert_int_equal(load_lengths("allow", 30, error), -EINVAL);
	assert_non_null(strstr(error, "access.allow[61]: "));
}

/* A list of so many items, each made of its number. */
static void refuse_many(const char *head, const char *item, const char *tail, unsigned int count,
			char error[CONFIG_ERROR_TEXT])
{
	size_t size = TEXT + (size_t)count * TEXT, at;
	char *text = malloc(size);

	assert_non_null(text);
	at = (size_t)snprintf(text, size, "%s", head);
	for (unsigned int i = 0; i < count; i++) {
		at += (size_t)snprintf(text + at, size - at, "%s", i ? ", " : "");
		at += (size_t)snprintf(text + at, size - at, item, i + 1);
	}
	snprintf(text + at, size - at, "%s", tail);
	refuse(text, error);
	free(text);
}

static void test_groups_and_services_are_bounded(void **state)
{
	char error[CONFIG_ERROR_TEXT];

	(void)state;
	refuse_many("{\"groups\": [", "{\"name\": \"g%u\", \"ports\": [1]}", "]}", 33, error);
	assert_string_equal(error, "groups: a list of 33 items is too long, at most 32");
	refuse_many("{\"groups\": [{\"sources\": [", "\"2001:db8::%x\"", "]}]}", 257, error);
	assert_string_equal(error,
			    "groups[0].sources: a list of 257 items is too long, at most 256");
	refuse_many("{\"access\": {\"services\": [",
		    "{\"protocol\": \"tcp\", \"port\": %u, \"from\": [\"::1\"]}", "]}}", 65, error);
	assert_string_equal(error, "access.services: a list of 65 items is too long, at most 64");
}

static void test_numbers_end_at_their_range(void **state)
{
	char text[TEXT], error[CONFIG_ERROR_TEXT];

	(void)state;
	for (size_t i = 0; i < config_key_count; i++) {
		const struct config_key *key = &config_keys[i];
		const long long values[] = { key->min - 1, key->max + 1 };

		for (size_t j = 0; key->kind == &config_kind_number && j < COUNT(values); j++) {
			snprintf(text, sizeof(text), "{\"%s\": {\"%s\": %lld}}", key->section,
				 key->name, values[j]);
			refuse(text, error);
			assert_non_null(strstr(error, NO_NUMBER));
		}
	}
}

/* ---- a property of every key that there is ------------------------------------------------- */

static unsigned int tried;

/* Every value of another type than the right one, between head and tail, is refused at path. */
static void try_types(const char *head, const char *tail, const char *path, enum json_type right)
{
	static const char *const values[] = {
		[JSON_NULL] = "null",	    [JSON_BOOL] = "true", [JSON_NUMBER] = "7",
		[JSON_STRING] = "\"text\"", [JSON_ARRAY] = "[]",  [JSON_OBJECT] = "{}",
	};
	char text[TEXT], error[CONFIG_ERROR_TEXT];

	for (size_t i = 0; i < COUNT(values); i++) {
		if (i == (size_t)right)
			continue;
		snprintf(text, sizeof(text), "%s%s%s", head, values[i], tail);
		refuse(text, error);
		if (strncmp(error, path, strlen(path)) || error[strlen(path)] != ':' ||
		    !strstr(error, values[i]))
			fail_msg("%s refused as: %s", text, error);
		tried++;
	}
}

static void try_misspelled(const char *head, const char *tail, const char *name)
{
	char text[TEXT], error[CONFIG_ERROR_TEXT], meant[64];

	snprintf(text, sizeof(text), "%s{\"%sx\": 1}%s", head, name, tail);
	snprintf(meant, sizeof(meant), "did you mean \"%s\"?", name);
	refuse(text, error);
	if (!strstr(error, meant))
		fail_msg("%s refused as: %s", text, error);
}

static void walk(const struct json *value, const char *head, const char *tail, const char *path)
{
	bool object = json_type(value) == JSON_OBJECT;
	char inner_head[TEXT], inner_tail[TEXT], inner_path[TEXT];

	if (*path)
		try_types(head, tail, path, json_type(value));
	json_for_each (item, value) {
		const char *name = object ? json_name(item) : "[0]";

		if (object)
			try_misspelled(head, tail, name);
		snprintf(inner_head, sizeof(inner_head), object ? "%s{\"%s\": " : "%s[", head,
			 name);
		snprintf(inner_tail, sizeof(inner_tail), "%s%s", object ? "}" : "]", tail);
		snprintf(inner_path, sizeof(inner_path), "%s%s%s", path, *path && object ? "." : "",
			 name);
		walk(item, inner_head, inner_tail, inner_path);
	}
}

static void test_each_key_refuses_each_wrong_type(void **state)
{
	struct config *config = config_defaults();
	char *text = config_print(config), error[160];
	struct json *root = json_parse(text, strlen(text), error, sizeof(error));

	(void)state;
	assert_non_null(root);
	tried = 0;
	walk(root, "", "", "");
	assert_true(tried > 5 * config_key_count);
	json_free(&root);
	free(text);
	config_free(&config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_refusal_says_path_value_and_remedy),
		cmocka_unit_test(test_listening_addresses),
		cmocka_unit_test(test_socket_path_must_fit),
		cmocka_unit_test(test_too_many_prefix_lengths),
		cmocka_unit_test(test_groups_and_services_are_bounded),
		cmocka_unit_test(test_numbers_end_at_their_range),
		cmocka_unit_test(test_each_key_refuses_each_wrong_type),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
