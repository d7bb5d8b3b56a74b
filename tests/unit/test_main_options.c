/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line of run, check and off, and the configuration that comes of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "daemon/options.h"
#include "daemon/overrides.h"

static char error[CONFIG_ERROR_TEXT];

static int parse_list(enum options_verb verb, struct options *out, const char *const *words)
{
	int count = 0;

	while (words[count])
		count++;
	error[0] = '\0';
	return options_parse(verb, count, (char *const *)words, out, error);
}

#define parse(verb, out, ...) parse_list(verb, out, (const char *const[]){ __VA_ARGS__, NULL })

static void nothing_given(void **state)
{
	struct options options;

	(void)state;
	assert_int_equal(parse(VERB_RUN, &options, NULL), 0);
	assert_int_equal(options.interface_count, 0);
	assert_null(options.config);
	assert_null(options.database);
	assert_false(options.has_mode || options.has_backend || options.takeover ||
		     options.no_restore || options.help);
}

static void everything_given(void **state)
{
	struct options options;

	(void)state;
	assert_int_equal(parse(VERB_RUN, &options, "--iface", "eth0,eth1", "--config", "a.json",
			       "--db=x.db", "--observe", "--sensor=xdp-generic", "--takeover",
			       "--no-restore", "--iface=wan"),
			 0);
	assert_int_equal(options.interface_count, 3);
	assert_string_equal(options.interfaces[0], "eth0");
	assert_string_equal(options.interfaces[1], "eth1");
	assert_string_equal(options.interfaces[2], "wan");
	assert_string_equal(options.config, "a.json");
	assert_string_equal(options.database, "x.db");
	assert_true(options.has_mode);
	assert_int_equal(options.mode, MODE_OBSERVE);
	assert_true(options.has_backend);
	assert_int_equal(options.backend, BACKEND_XDP_GENERIC);
	assert_true(options.takeover && options.no_restore);
}

/* Each names what is wrong and leaves the result alone. */
static void bad_options(void **state)
{
	static const struct {
		const char *words[4], *named;
	} rows[] = {
		{ { "--nonsense" }, "--nonsense" },
		{ { "eth0" }, "eth0" },
		{ { "--ifac", "eth0" }, "--ifac" },
		{ { "--iface" }, "--iface" },
		{ { "--iface", "" }, "--iface" },
		{ { "--iface=" }, "--iface" },
		{ { "--iface", "--observe" }, "--iface" },
		{ { "--iface", "eth0,,eth1" }, "--iface" },
		{ { "--iface", "eth0," }, "--iface" },
		{ { "--iface", "eth0,eth0" }, "eth0" },
		{ { "--iface", "a-name-that-is-too-long" }, "a-name-that-is-too-long" },
		{ { "--sensor", "pcap" }, "af_packet" },
		{ { "--observe=yes" }, "--observe" },
		{ { "--observe", "--enforce" }, "--enforce" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct options options = { .takeover = true };

		assert_int_equal(parse_list(VERB_RUN, &options, rows[i].words), -EINVAL);
		if (!strstr(error, rows[i].named))
			fail_msg("'%s' does not name %s", error, rows[i].named);
		assert_true(options.takeover);
		assert_int_equal(options.interface_count, 0);
	}
}

static void a_verb_has_its_own_options(void **state)
{
	struct options options;

	(void)state;
	assert_int_equal(parse(VERB_CHECK, &options, "--config", "a.json"), 0);
	assert_int_equal(parse(VERB_CHECK, &options, "--iface", "eth0"), -EINVAL);
	assert_int_equal(parse(VERB_OFF, &options, "--iface", "eth0"), 0);
	assert_int_equal(parse(VERB_OFF, &options, "--observe"), -EINVAL);
	assert_int_equal(parse(VERB_OFF, &options, "--help"), 0);
	assert_true(options.help);
}

static void too_many_interfaces(void **state)
{
	char text[CONFIG_INTERFACES_MAX * 8 + 16] = "eth0";
	struct options options;

	(void)state;
	for (int i = 1; i < CONFIG_INTERFACES_MAX; i++)
		sprintf(text + strlen(text), ",eth%d", i);
	assert_int_equal(parse(VERB_RUN, &options, "--iface", text), 0);
	assert_int_equal(options.interface_count, CONFIG_INTERFACES_MAX);
	strcat(text, ",more");
	assert_int_equal(parse(VERB_RUN, &options, "--iface", text), -EINVAL);
}

/* ---- laid upon the configuration ------------------------------------------------------------- */

static char path[] = "/tmp/fwgen-options-XXXXXX";

static int write_config(void **state)
{
	static const char text[] = "{\"interfaces\": [\"eth7\"], \"mode\": \"enforce\","
				   " \"access\": {\"allow\": [\"192.0.2.0/24\"]},"
				   " \"storage\": {\"database\": \"mine.db\"}}";
	int fd = mkstemp(path);

	(void)state;
	return fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text) || close(fd);
}

static int remove_config(void **state)
{
	(void)state;
	return unlink(path);
}

static struct config *load(const char *const *words)
{
	struct config *config = NULL;
	struct options options;

	assert_int_equal(parse_list(VERB_RUN, &options, words), 0);
	if (overrides_load(&options, &config, error))
		fail_msg("%s", error);
	return config;
}

static void the_file_counts_where_nothing_is_typed(void **state)
{
	struct config *config = load((const char *const[]){ "--config", path, NULL });

	(void)state;
	assert_int_equal(config->interface_count, 1);
	assert_string_equal(config->interfaces[0], "eth7");
	assert_int_equal(config->mode, MODE_ENFORCE);
	assert_string_equal(config->storage.database, "/tmp/mine.db");
	assert_int_equal(config->access.allow_count, 1);
	assert_string_equal(config->path, path);
	config_free(&config);
}

static void what_is_typed_wins(void **state)
{
	struct config *plain = load((const char *const[]){ "--config", path, NULL });
	struct config *config =
		load((const char *const[]){ "--config", path, "--iface", "lan,wan", "--observe",
					    "--db", "here.db", "--sensor", "xdp", NULL });
	char cwd[PATH_MAX], wanted[PATH_MAX + 16];

	(void)state;
	assert_int_equal(config->interface_count, 2);
	assert_string_equal(config->interfaces[1], "wan");
	assert_int_equal(config->mode, MODE_OBSERVE);
	assert_int_equal(config->sensor.backend, BACKEND_XDP);
	assert_non_null(getcwd(cwd, sizeof(cwd)));
	snprintf(wanted, sizeof(wanted), "%s/here.db", cwd);
	assert_string_equal(config->storage.database, wanted);
	assert_int_equal(config->access.allow_count, 1);
	/* rules name the configuration in force, which is another one */
	assert_string_not_equal(config->hash, plain->hash);
	config_free(&plain);
	config_free(&config);
}

static void a_value_that_the_file_could_not_have_is_refused(void **state)
{
	struct config *config = NULL;
	struct options options;

	(void)state;
	assert_int_equal(parse(VERB_RUN, &options, "--config", path, "--iface", "no/name"), 0);
	assert_int_equal(overrides_load(&options, &config, error), -EINVAL);
	assert_null(config);
	assert_non_null(strstr(error, "no/name"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_given),
		cmocka_unit_test(everything_given),
		cmocka_unit_test(bad_options),
		cmocka_unit_test(a_verb_has_its_own_options),
		cmocka_unit_test(too_many_interfaces),
		cmocka_unit_test(the_file_counts_where_nothing_is_typed),
		cmocka_unit_test(what_is_typed_wins),
		cmocka_unit_test(a_value_that_the_file_could_not_have_is_refused),
	};

	return cmocka_run_group_tests(tests, write_config, remove_config);
}
