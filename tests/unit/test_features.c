/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows of features: what is judged, window by window, as CSV. */
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include "base/address.h"
#include "replay/features.h"

#define SECOND	 NS_PER_SECOND
#define INTERVAL (250 * NS_PER_MS)
#define START	 1769860800 /* a multiple of 10 */
#define LINES	 64

struct lab {
	struct config *config;
	struct detect *detect;
	struct features *features;
	struct finding_list findings;
	struct moment now;
	char path[64];
	char *text; /* of the file */
	char *lines[LINES];
	size_t line_count;
};

static int set_up(void **state)
{
	struct lab *lab = calloc(1, sizeof(*lab));
	char error[FEATURES_ERROR];
	int fd;

	*state = lab;
	lab->config = config_defaults();
	for (unsigned int i = 0; i < DETECTOR_COUNT; i++)
		lab->config->detectors[i].enabled =
			i == DETECTOR_SYN_FLOOD || i == DETECTOR_UDP_FLOOD;
	lab->config->detectors[DETECTOR_SYN_FLOOD].limits[0] = (struct limit){ 200, 2 };
	lab->config->detectors[DETECTOR_SYN_FLOOD].limits[1] = (struct limit){ 500, 10 };
	lab->config->detectors[DETECTOR_SYN_FLOOD].limit_count = 2;
	lab->config->detectors[DETECTOR_UDP_FLOOD].limits[0] = (struct limit){ 1000, 1 };
	lab->config->detectors[DETECTOR_UDP_FLOOD].limit_count = 1;
	lab->now = (struct moment){ 5000 * SECOND, START * SECOND };
	strcpy(lab->path, "/tmp/fwgen-features-XXXXXX");
	fd = mkstemp(lab->path);
	close(fd);
	if (fd < 0 || detect_new(lab->config, &lab->detect) ||
	    features_open(lab->path, lab->config, &lab->features, error))
		return -1;
	detect_observe(lab->detect, features_observer(lab->features));
	features_begin(lab->features, "a.pcap");
	return 0;
}

static int tear_down(void **state)
{
	struct lab *lab = *state;
	char error[FEATURES_ERROR];

	features_close(&lab->features, error);
	detect_free(&lab->detect);
	finding_list_free(&lab->findings);
	config_free(&lab->config);
	unlink(lab->path);
	free(lab->text);
	free(lab);
	return 0;
}

static struct sample sample_of(uint32_t n, uint32_t syn, uint32_t udp)
{
	struct sample sample = { 0 };

	sample.entry.address = address_from_ipv4(__builtin_bswap32(0xc6120000 + n));
	sample.entry.prefix_len = PREFIX_LEN_FULL;
	sample.entry.packets = syn + udp + 1;
	sample.entry.bytes = 100ULL * sample.entry.packets;
	sample.entry.syn = syn;
	sample.entry.udp = udp;
	sample.entry.malformed = 3;
	return sample;
}

static void pass(struct lab *lab, const struct sample *samples, size_t n)
{
	struct traffic traffic = { .start = lab->now, .end = moment_plus(lab->now, INTERVAL) };

	lab->now = traffic.end;
	assert_int_equal(detect_samples(lab->detect, &traffic, samples, n, &lab->findings), 0);
}

/* Closes the file and takes it apart. */
static void finish(struct lab *lab)
{
	char error[FEATURES_ERROR] = "", *end;
	size_t size = 0;
	FILE *file;

	if (features_close(&lab->features, error))
		fail_msg("%s", error);
	file = fopen(lab->path, "r");
	assert_non_null(file);
	assert_true(getdelim(&lab->text, &size, EOF, file) > 0);
	fclose(file);
	for (char *at = lab->text; *at && lab->line_count < LINES; at = end + 2) {
		end = strstr(at, "\r\n"); /* RFC 4180 */
		assert_non_null(end);
		*end = '\0';
		lab->lines[lab->line_count++] = at;
	}
}

/* A field by its column's name. The first field may hold commas, the others do not. */
static const char *field(struct lab *lab, size_t line, const char *name)
{
	static char value[64];
	const char *at = lab->lines[line], *header = lab->lines[0];
	size_t len = strlen(name);

	at = *at == '"' ? strstr(at, "\",") + 1 : at;
	header = strchr(header, ',');
	for (; header && at; header = strchr(header + 1, ','), at = strchr(at + 1, ',')) {
		if (strncmp(header + 1, name, len) || (header[1 + len] && header[1 + len] != ','))
			continue;
		snprintf(value, sizeof(value), "%.*s", (int)strcspn(at + 1, ","), at + 1);
		return value;
	}
	fail_msg("no column %s", name);
	return NULL;
}

static void expect(struct lab *lab, size_t line, const char *name, long long value)
{
	if (atoll(field(lab, line, name)) != value)
		fail_msg("row %zu: %s is %s, not %lld", line, name, field(lab, line, name), value);
}

static void counters_are_added_up(void **state)
{
	struct lab *lab = *state;
	struct sample samples[] = { sample_of(1, 10, 0), sample_of(2, 0, 7) };

	samples[0].entry.ports[TRY_TCP] = 0xf;
	samples[0].entry.hosts[TRY_TCP] = 1;
	for (int i = 0; i < 4; i++)
		pass(lab, samples, i < 3 ? 2 : 1);
	finish(lab);
	assert_int_equal(lab->line_count, 3);
	assert_string_equal(lab->lines[0],
			    "file,time,source,intervals,packets,bytes,answers,syn,established,udp,"
			    "icmp,other,fragments,odd_flags,stray,syn_ack,sensitive,amplifier,"
			    "malformed,dropped,hosts_tcp,hosts_other,ports_tcp,ports_other,"
			    "targets,protocols,syn_flood_2,syn_flood_10,udp_flood_1,found");
	assert_int_equal(strncmp(lab->lines[1], "\"a.pcap\",", 9), 0);
	assert_string_equal(field(lab, 1, "source"), "198.18.0.1");
	expect(lab, 1, "time", START);
	expect(lab, 1, "intervals", 4);
	expect(lab, 1, "packets", 44);
	expect(lab, 1, "bytes", 4400);
	expect(lab, 1, "syn", 40);
	expect(lab, 1, "malformed", 12);
	expect(lab, 1, "ports_tcp", 4);
	expect(lab, 1, "hosts_tcp", 1);
	expect(lab, 1, "syn_flood_2", 40);
	expect(lab, 1, "syn_flood_10", 40);
	expect(lab, 1, "udp_flood_1", 0);
	assert_string_equal(field(lab, 1, "found"), "");
	assert_string_equal(field(lab, 2, "source"), "198.18.0.2");
	expect(lab, 2, "intervals", 3);
	expect(lab, 2, "udp", 21);
	expect(lab, 2, "udp_flood_1", 21);
}

static void windows_are_of_ten_seconds(void **state)
{
	struct lab *lab = *state;
	struct sample sample = sample_of(1, 10, 0);

	lab->now.wall_ns += 7 * SECOND;
	for (int i = 0; i < 60; i++) /* 15 s */
		pass(lab, &sample, 1);
	finish(lab);
	assert_int_equal(lab->line_count, 4);
	expect(lab, 1, "time", START);
	expect(lab, 1, "syn", 120);
	expect(lab, 2, "time", START + 10);
	expect(lab, 2, "syn", 400);
	expect(lab, 3, "time", START + 20);
	expect(lab, 3, "syn", 80);
	/* a running count looks back over the border */
	assert_in_range(atoll(field(lab, 3, "syn_flood_10")), 350, 430);
}

static void what_found_it_is_told(void **state)
{
	struct lab *lab = *state;
	struct sample samples[] = { sample_of(1, 300, 5000), sample_of(2, 150, 5000),
				    sample_of(3, 150, 10) };

	pass(lab, samples, 3);
	finish(lab);
	assert_string_equal(field(lab, 1, "found"), "syn_flood+udp_flood");
	assert_string_equal(field(lab, 2, "found"), "udp_flood");
	assert_string_equal(field(lab, 3, "found"), "");
}

/* The row is that of the interval in which it was found, also over a border. */
static void what_is_found_at_a_wake_up_is_told(void **state)
{
	struct lab *lab = *state;
	struct sample before = sample_of(1, 100, 0), other = sample_of(2, 1, 0);
	struct sample rest = sample_of(1, 5, 0), after = sample_of(1, 1, 0);
	struct table_entry copy = sample_of(1, 150, 0).entry;

	lab->now.wall_ns += 10 * SECOND - INTERVAL;
	pass(lab, &before, 1);
	assert_int_equal(detect_provisional(lab->detect, &copy, moment_plus(lab->now, INTERVAL / 2),
					    &lab->findings),
			 0);
	assert_int_equal(lab->findings.count, 1);
	pass(lab, (struct sample[]){ other, rest }, 2);
	lab->now.wall_ns += 10 * SECOND;
	lab->now.boot_ns += 10 * SECOND;
	pass(lab, &after, 1);
	finish(lab);
	assert_int_equal(lab->line_count, 5);
	assert_string_equal(field(lab, 1, "found"), "");
	assert_string_equal(field(lab, 2, "source"), "198.18.0.2");
	assert_string_equal(field(lab, 2, "found"), "");
	expect(lab, 3, "time", START + 10);
	assert_string_equal(field(lab, 3, "source"), "198.18.0.1");
	assert_string_equal(field(lab, 3, "found"), "syn_flood");
	assert_string_equal(field(lab, 4, "found"), "");
}

static void file_names_are_quoted(void **state)
{
	struct lab *lab = *state;
	struct sample sample = sample_of(1, 10, 0);

	pass(lab, &sample, 1);
	features_begin(lab->features, "my \"best\", second.pcap");
	pass(lab, &sample, 1); /* the window that began in the first one */
	lab->now.wall_ns += 10 * SECOND;
	pass(lab, &sample, 1);
	finish(lab);
	assert_int_equal(lab->line_count, 3);
	expect(lab, 1, "syn", 20);
	assert_int_equal(strncmp(lab->lines[1], "\"a.pcap\",", 9), 0);
	assert_int_equal(strncmp(lab->lines[2], "\"my \"\"best\"\", second.pcap\",", 26), 0);
}

static void another_time_is_another_row(void **state)
{
	struct lab *lab = *state;
	struct sample sample = sample_of(1, 10, 0);

	pass(lab, &sample, 1);
	features_end(lab->features);
	lab->now.wall_ns -= INTERVAL; /* another capture, of the same time */
	pass(lab, &sample, 1);
	finish(lab);
	assert_int_equal(lab->line_count, 3);
}

static void more_sources_than_fit_come_in_parts(void **state)
{
	struct lab *lab = *state;
	size_t count = FEATURES_SOURCES + 1000, lines = 0;
	struct sample *samples = calloc(count, sizeof(*samples));
	char error[FEATURES_ERROR];
	struct stat st;
	FILE *file;
	int c;

	assert_non_null(samples);
	for (uint32_t i = 0; i < count; i++)
		samples[i] = sample_of(i, 1, 0);
	pass(lab, samples, count);
	assert_int_equal(stat(lab->path, &st), 0);
	assert_true(st.st_size > FEATURES_SOURCES * 60); /* not kept until the window's end */
	assert_int_equal(features_close(&lab->features, error), 0);
	file = fopen(lab->path, "r");
	assert_non_null(file);
	while ((c = getc(file)) != EOF)
		lines += c == '\n';
	fclose(file);
	assert_int_equal(lines, count + 1);
	free(samples);
}

static void full_disk_is_said(void **state)
{
	struct lab *lab = *state;
	struct sample sample = sample_of(1, 10, 0);
	char error[FEATURES_ERROR] = "";

	assert_int_equal(features_close(&lab->features, error), 0);
	assert_int_equal(features_open("/dev/full", lab->config, &lab->features, error), 0);
	detect_observe(lab->detect, features_observer(lab->features));
	pass(lab, &sample, 1);
	assert_int_equal(features_close(&lab->features, error), -ENOSPC);
	assert_non_null(strstr(error, "/dev/full"));
	assert_null(lab->features);
	assert_int_equal(features_open("/nowhere/a.csv", lab->config, &lab->features, error),
			 -ENOENT);
	assert_non_null(strstr(error, "/nowhere/a.csv"));
}

int main(void)
{
#define LAB(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		LAB(counters_are_added_up),
		LAB(windows_are_of_ten_seconds),
		LAB(what_found_it_is_told),
		LAB(what_is_found_at_a_wake_up_is_told),
		LAB(file_names_are_quoted),
		LAB(another_time_is_another_row),
		LAB(more_sources_than_fit_come_in_parts),
		LAB(full_disk_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
