/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What config.json may hold, and what comes of it. What it may not hold is in test_config_refuse.c,
 * how the file is found in test_config_file.c. Reads the config.json of the current folder.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "base/address.h"
#include "base/json.h"
#include "model/config.h"

static struct config *parse(const char *text)
{
	char error[CONFIG_ERROR_TEXT] = "";
	struct config *config = NULL;

	if (config_parse(text, strlen(text), "/srv/gateway", &config, error))
		fail_msg("%s: %s", text, error);
	return config;
}

/* Prints, parses what was printed, prints again: nothing is lost, nothing is added. */
static void check_round_trip(const struct config *config)
{
	char *first = config_print(config), *second;
	struct config *again = parse(first);

	second = config_print(again);
	assert_string_equal(first, second);
	assert_string_equal(config->hash, again->hash);
	free(first);
	free(second);
	config_free(&again);
}

static void test_defaults(void **state)
{
	struct config *config = config_defaults();

	(void)state;
	assert_non_null(config);
	assert_string_equal(config->path, "");
	assert_int_equal(strlen(config->hash), CONFIG_HASH_TEXT - 1);
	assert_int_equal(config->mode, MODE_ENFORCE);
	assert_int_equal(config->sensor.interval_ms, 250);
	assert_int_equal(config->detectors[DETECTOR_PORT_SCAN].limit_count, 2);
	assert_int_equal(config->detectors[DETECTOR_PORT_SCAN].limits[1].count, 60);
	assert_int_equal(config->detectors[DETECTOR_PORT_SCAN].limits[1].seconds, 900);
	assert_int_equal(config->sensitive_port_count, 10);
	assert_int_equal(config->sensitive_ports[9], 5900);
	assert_true(config->response.xdp && config->response.iptables);
	assert_false(config->response.keep_on_exit);
	assert_int_equal(config->storage.database[0], '/');
	check_round_trip(config);
	config_free(&config);
	assert_null(config);
}

static struct json *load_json(const char *path)
{
	char text[65536], error[160];
	struct json *root;
	FILE *file = fopen(path, "re");
	size_t len;

	assert_non_null(file);
	len = fread(text, 1, sizeof(text), file);
	fclose(file);
	root = json_parse(text, len, error, sizeof(error));
	assert_non_null(root);
	return root;
}

/* Whether b has every key of a, at every depth, in a's order. */
static void check_same_keys(const struct json *a, const struct json *b)
{
	const struct json *other = json_first(b);

	assert_int_equal(json_type(a), json_type(b));
	assert_int_equal(json_size(a), json_size(b));
	if (json_type(a) != JSON_OBJECT)
		return;
	json_for_each (item, a) {
		assert_string_equal(json_name(item), json_name(other));
		check_same_keys(item, other);
		other = json_next(other);
	}
}

/* The file that ships is the documentation of the defaults. */
static void test_shipped_file_is_the_defaults(void **state)
{
	struct json *shipped = load_json("config.json"), *built_in;
	char *text = json_print(shipped), *printed, error[CONFIG_ERROR_TEXT];
	struct config *config = NULL, *defaults = config_defaults();

	(void)state;
	assert_int_equal(config_parse(text, strlen(text), NULL, &config, error), 0);
	free(text);
	assert_string_equal(config->hash, defaults->hash);
	text = config_print(config);
	printed = config_print(defaults);
	assert_string_equal(text, printed);
	built_in = json_parse(printed, strlen(printed), error, sizeof(error));
	check_same_keys(built_in, shipped);
	json_free(&shipped);
	json_free(&built_in);
	free(text);
	free(printed);
	config_free(&config);
	config_free(&defaults);
}

static const char everything[] =
	"{\"interfaces\": [\"eth0\", \"wan.100\"], \"mode\": \"observe\","
	" \"sensor\": {\"backend\": \"xdp-generic\", \"interval_ms\": 100, \"table_buckets\": 64,"
	"  \"memory_mb\": 64, \"wake_packets\": 10},"
	" \"detectors\": {\"udp_flood\": {\"enabled\": false, \"action\": \"alarm\","
	"  \"limits\": [{\"count\": 1000000000000000, \"seconds\": 86400}]}},"
	" \"sensitive_ports\": [65535, 1],"
	" \"groups\": [{\"name\": \"office-nat_1.2\", \"sources\": [\"192.0.2.0/24\"], \"ports\": "
	"[443],"
	"  \"detectors\": {\"unauthorized\": {\"limits\": [{\"count\": 0, \"seconds\": 1}]}}}],"
	" \"access\": {\"allow\": [\"10.0.0.0/8\", \"2001:db8::1\"], \"deny\": [\"10.1.0.0/16\"],"
	"  \"services\": [{\"protocol\": \"udp\", \"port\": 161, \"from\": [\"2001:db8::/64\"]}]},"
	" \"response\": {\"enforcers\": [\"iptables\"], \"block_seconds\": 20,"
	"  \"unproven_block_seconds\": 20, \"escalation\": 1, \"max_block_seconds\": 20,"
	"  \"limit_packets_per_second\": 7, \"max_unproven_blocks\": 3, \"track_connections\": "
	"true,"
	"  \"on_exit\": \"keep\"},"
	" \"storage\": {\"database\": \"data/f.db\", \"event_log\": \"\", \"retention_days\": 1},"
	" \"log\": {\"level\": \"debug\", \"file\": \"/var/log/fwgen.log\"},"
	" \"control\": {\"socket\": \"c.sock\"},"
	" \"web\": {\"enabled\": false, \"listen\": \"[2001:db8::1]:65535\"}, \"fleet\": {}}";

static void check_everything(const struct config *c)
{
	const struct detector_config *udp = &c->detectors[DETECTOR_UDP_FLOOD];

	assert_int_equal(c->interface_count, 2);
	assert_string_equal(c->interfaces[1], "wan.100");
	assert_int_equal(c->mode, MODE_OBSERVE);
	assert_int_equal(c->sensor.backend, BACKEND_XDP_GENERIC);
	assert_int_equal(c->sensor.interval_ms, 100);
	assert_int_equal(c->sensor.table_buckets, 64);
	assert_int_equal(c->sensor.memory_mb, 64);
	assert_int_equal(c->sensor.wake_packets, 10);
	assert_false(udp->enabled);
	assert_int_equal(udp->action, ACTION_ALARM);
	assert_int_equal(udp->limit_count, 1);
	assert_int_equal(udp->limits[0].count, 1000000000000000);
	assert_int_equal(udp->limits[0].seconds, 86400);
	assert_int_equal(c->sensitive_port_count, 2);
	assert_int_equal(c->sensitive_ports[0], 65535);
	assert_false(c->response.xdp);
	assert_true(c->response.iptables);
	assert_int_equal(c->response.block_seconds, 20);
	assert_int_equal(c->response.unproven_block_seconds, 20);
	assert_int_equal(c->response.max_block_seconds, 20);
	assert_int_equal(c->response.escalation, 1);
	assert_int_equal(c->response.limit_packets_per_second, 7);
	assert_int_equal(c->response.max_unproven_blocks, 3);
	assert_true(c->response.track_connections);
	assert_true(c->response.keep_on_exit);
	assert_string_equal(c->storage.database, "/srv/gateway/data/f.db");
	assert_string_equal(c->storage.event_log, "");
	assert_int_equal(c->storage.retention_days, 1);
	assert_int_equal(c->log.level, LOG_LEVEL_DEBUG);
	assert_string_equal(c->log.file, "/var/log/fwgen.log");
	assert_string_equal(c->control.socket, "/srv/gateway/c.sock");
	assert_false(c->web.enabled);
	assert_string_equal(c->web.listen, "[2001:db8::1]:65535");
}

static void test_every_key_is_taken(void **state)
{
	struct config *config = parse(everything);
	char text[PREFIX_TEXT];

	(void)state;
	check_everything(config);
	assert_int_equal(config->access.allow_count, 2);
	assert_string_equal(prefix_format(&config->access.allow[0], text), "10.0.0.0/8");
	assert_string_equal(prefix_format(&config->access.allow[1], text), "2001:db8::1");
	assert_int_equal(config->access.deny_count, 1);
	assert_string_equal(prefix_format(&config->access.deny[0], text), "10.1.0.0/16");
	check_round_trip(config);
	config_free(&config);
}

/* A group has what it names, and everything else as it is for all, wherever that stands. */
static void test_groups_override_what_they_name(void **state)
{
	struct config *config = parse(
		"{\"groups\": ["
		" {\"name\": \"office\", \"sources\": [\"192.0.2.0/24\", \"2001:db8::/64\"],"
		"  \"detectors\": {\"port_scan\": {\"limits\": [{\"count\": 500, \"seconds\": "
		"10}]},"
		"   \"syn_flood\": {\"action\": \"alarm\"}, \"udp_flood\": {\"enabled\": false},"
		"   \"host_sweep\": {}}},"
		" {\"name\": \"web\", \"ports\": [443, 80], \"detectors\": {}}],"
		" \"detectors\": {\"syn_flood\": {\"limits\": [{\"count\": 9, \"seconds\": 3}]}}}");
	const struct group_config *office = &config->groups[0], *web = &config->groups[1];
	const struct detector_config *scan = &office->detectors[DETECTOR_PORT_SCAN];
	const struct detector_config *syn = &office->detectors[DETECTOR_SYN_FLOOD];

	(void)state;
	assert_int_equal(config->group_count, 2);
	assert_string_equal(office->name, "office");
	assert_int_equal(office->source_count, 2);
	assert_int_equal(office->port_count, 0);
	assert_int_equal(scan->limit_count, 1); /* in place of two */
	assert_int_equal(scan->limits[0].count, 500);
	assert_true(scan->enabled && scan->action == ACTION_DROP);
	assert_int_equal(syn->action, ACTION_ALARM);
	assert_int_equal(syn->limits[0].count, 9);
	assert_false(office->detectors[DETECTOR_UDP_FLOOD].enabled);
	assert_int_equal(office->detectors[DETECTOR_UDP_FLOOD].limit_count, 2);
	assert_int_equal(web->source_count, 0);
	assert_int_equal(web->port_count, 2);
	assert_int_equal(web->ports[1], 80);
	assert_memory_equal(web->detectors, config->detectors, sizeof(config->detectors));
	check_round_trip(config);
	config_free(&config);
}

static void test_services(void **state)
{
	struct config *config =
		parse("{\"access\": {\"services\": ["
		      " {\"protocol\": \"tcp\", \"port\": 22, \"from\": [\"10.0.0.0/8\", "
		      "\"2001:db8::1\"]},"
		      " {\"protocol\": \"udp\", \"port\": 22, \"from\": [\"0.0.0.0/0\"]}]}}");
	const struct service_config *services = config->access.services;

	(void)state;
	assert_int_equal(config->access.service_count, 2);
	assert_int_equal(services[0].protocol, 6);
	assert_int_equal(services[0].port, 22);
	assert_int_equal(services[0].from_count, 2);
	assert_int_equal(services[1].protocol, 17);
	assert_int_equal(services[1].from[0].len, 96);
	check_round_trip(config);
	config_free(&config);
}

static void test_what_is_not_given_is_default(void **state)
{
	struct config *config = parse("{\"detectors\": {\"port_scan\": {\"limits\": "
				      "[{\"count\": 5, \"seconds\": 3}]}}}");
	const struct detector_config *scan = &config->detectors[DETECTOR_PORT_SCAN];

	(void)state;
	assert_int_equal(scan->limit_count, 1);
	assert_int_equal(scan->limits[0].count, 5);
	assert_int_equal(scan->limits[1].seconds, 0);
	assert_true(scan->enabled);
	assert_int_equal(scan->action, ACTION_DROP);
	assert_int_equal(config->detectors[DETECTOR_HOST_SWEEP].limit_count, 2);
	assert_string_equal(config->storage.database, "/srv/gateway/network_security.db");
	config_free(&config);
}

/* A short block_seconds alone must not need two more keys to be accepted. */
static void test_default_times_give_way(void **state)
{
	struct config *config = parse("{\"response\": {\"block_seconds\": 5}}");

	(void)state;
	assert_int_equal(config->response.unproven_block_seconds, 5);
	assert_int_equal(config->response.max_block_seconds, 86400);
	config_free(&config);
	config = parse("{\"response\": {\"block_seconds\": 100000}}");
	assert_int_equal(config->response.unproven_block_seconds, 60);
	assert_int_equal(config->response.max_block_seconds, 100000);
	config_free(&config);
}

/* A disabled detector's window binds nothing; one interval is the shortest window. */
static void test_interval_and_windows(void **state)
{
	struct config *config = parse("{\"sensor\": {\"interval_ms\": 1000}}");

	(void)state;
	config_free(&config);
	config = parse("{\"sensor\": {\"interval_ms\": 2000}, \"detectors\": {"
		       "\"packet_flood\": {\"limits\": [{\"count\": 15000, \"seconds\": 10}]}, "
		       "\"udp_flood\": {\"enabled\": false}, "
		       "\"fragment_flood\": {\"enabled\": false}, "
		       "\"reflection\": {\"limits\": [{\"count\": 500, \"seconds\": 10}]}, "
		       "\"victim_flood\": {\"enabled\": false}}}");
	config_free(&config);
}

static void test_hash_is_of_values(void **state)
{
	struct config *a = parse("{\"mode\": \"observe\", \"sensor\": {\"interval_ms\": 100}}");
	struct config *b =
		parse("{\"sensor\":{\"interval_ms\":1e2},\"mode\":\"observe\",\"web\":{}}");
	struct config *c = parse("{\"sensor\":{\"interval_ms\":101},\"mode\":\"observe\"}");

	(void)state;
	assert_string_equal(a->hash, b->hash);
	assert_string_not_equal(a->hash, c->hash);
	config_free(&a);
	config_free(&b);
	config_free(&c);
}

/* What a group says and what a service reserves are part of what a rule was made by. */
static void test_hash_covers_groups_and_services(void **state)
{
	static const char *const texts[] = {
		"{}",
		"{\"groups\": [{\"name\": \"a\", \"ports\": [1]}]}",
		"{\"groups\": [{\"name\": \"b\", \"ports\": [1]}]}",
		"{\"groups\": [{\"name\": \"a\", \"ports\": [2]}]}",
		"{\"groups\": [{\"name\": \"a\", \"ports\": [1], \"sources\": [\"::1\"]}]}",
		"{\"groups\": [{\"name\": \"a\", \"ports\": [1], \"detectors\":"
		" {\"udp_flood\": {\"enabled\": true}}}]}",
		"{\"access\": {\"services\": [{\"protocol\": \"tcp\", \"port\": 1, \"from\": "
		"[\"::1\"]}]}}",
		"{\"access\": {\"services\": [{\"protocol\": \"udp\", \"port\": 1, \"from\": "
		"[\"::1\"]}]}}",
		"{\"access\": {\"services\": [{\"protocol\": \"udp\", \"port\": 1, \"from\": "
		"[\"::2\"]}]}}",
	};
	const size_t count = sizeof(texts) / sizeof(*texts);
	struct config *configs[sizeof(texts) / sizeof(*texts)];

	(void)state;
	for (size_t i = 0; i < count; i++)
		configs[i] = parse(texts[i]);
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(configs[i]->hash, configs[j]->hash);
	for (size_t i = 0; i < count; i++)
		config_free(&configs[i]);
}

static void test_names_round_trip(void **state)
{
	enum mode mode;
	enum backend backend = BACKEND_XDP;

	(void)state;
	for (int i = MODE_OBSERVE; i <= MODE_ENFORCE; i++) {
		assert_int_equal(mode_parse(mode_name((enum mode)i), &mode), 0);
		assert_int_equal(mode, i);
	}
	for (int i = BACKEND_AUTO; i <= BACKEND_AF_PACKET; i++) {
		assert_int_equal(backend_parse(backend_name((enum backend)i), &backend), 0);
		assert_int_equal(backend, i);
	}
	assert_int_equal(mode_parse("", &mode), -EINVAL);
	assert_int_equal(backend_parse("XDP", &backend), -EINVAL);
	assert_int_equal(backend, BACKEND_AF_PACKET);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_shipped_file_is_the_defaults),
		cmocka_unit_test(test_every_key_is_taken),
		cmocka_unit_test(test_groups_override_what_they_name),
		cmocka_unit_test(test_services),
		cmocka_unit_test(test_what_is_not_given_is_default),
		cmocka_unit_test(test_default_times_give_way),
		cmocka_unit_test(test_interval_and_windows),
		cmocka_unit_test(test_hash_is_of_values),
		cmocka_unit_test(test_hash_covers_groups_and_services),
		cmocka_unit_test(test_names_round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
