/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Resolvers from files of the test's making: what is read, and which changes are noticed. */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/address.h"
#include "host/resolvers.h"

#define WAIT_MS 5000

static void run(const char *format, ...)
{
	char command[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	if (system(command) != 0)
		fail_msg("command failed: %s", command);
}

struct files {
	char root[32];
	char etc[64], run[64];
	const char *paths[2];
	struct resolvers *resolvers;
};

static void write_file(const char *root, const char *name, const char *text)
{
	char path[160];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", root, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

/* ROOT/etc/resolv.conf and, not there yet, ROOT/run/resolve/resolv.conf. */
static int make_files(void **state)
{
	struct files *files = calloc(1, sizeof(*files));

	strcpy(files->root, "/tmp/fwg-resolv-XXXXXX");
	if (!mkdtemp(files->root))
		return -1;
	snprintf(files->etc, sizeof(files->etc), "%s/etc/resolv.conf", files->root);
	snprintf(files->run, sizeof(files->run), "%s/run/resolve/resolv.conf", files->root);
	files->paths[0] = files->etc;
	files->paths[1] = files->run;
	run("mkdir %s/etc %s/run", files->root, files->root);
	*state = files;
	return 0;
}

static int remove_files(void **state)
{
	struct files *files = *state;

	resolvers_close(&files->resolvers);
	run("rm -r %s", files->root);
	free(files);
	return 0;
}

static bool has(const struct resolvers *resolvers, const char *text)
{
	const struct address_set *set = resolvers_get(resolvers);
	struct address address;

	assert_int_equal(address_parse(text, &address), 0);
	for (size_t i = 0; i < set->count; i++) {
		if (address_equal(&set->addresses[i], &address))
			return true;
	}
	return false;
}

static bool resolvers_change(struct resolvers *resolvers)
{
	struct pollfd pollfd = { .fd = resolvers_fd(resolvers), .events = POLLIN };

	while (poll(&pollfd, 1, WAIT_MS) > 0) {
		if (resolvers_refresh(resolvers))
			return true;
	}
	return false;
}

static void test_resolv_conf_lines(void **state)
{
	struct files *files = *state;
	struct address_set set = { 0 };
	char path[64];

	write_file(files->root, "etc/resolv.conf",
		   "# nameserver 192.0.2.1\nsearch example.org\n\tnameserver 192.0.2.2 \n"
		   "nameserver 192.0.2.2\nnameserver 127.0.0.53\nnameserver ::1\n"
		   "nameserver fe80::5%eth0\nnameserver not-an-address\nnameserver\n"
		   "nameservers 192.0.2.3\nnameserver 2001:db8::53");
	resolver_set_read(&set, files->etc);
	assert_int_equal(set.count, 3);
	/* What is no file adds nothing and holds nobody up. */
	snprintf(path, sizeof(path), "%s/fifo", files->root);
	assert_int_equal(mkfifo(path, 0600), 0);
	resolver_set_read(&set, path);
	resolver_set_read(&set, files->root);
	resolver_set_read(&set, "/nowhere/resolv.conf");
	assert_int_equal(set.count, 3);
}

static void test_replaced_resolv_conf(void **state)
{
	struct files *files = *state;

	write_file(files->root, "etc/resolv.conf", "nameserver 192.0.2.2\n");
	assert_int_equal(resolvers_open(files->paths, 2, &files->resolvers), 0);
	assert_true(has(files->resolvers, "192.0.2.2"));
	write_file(files->root, "etc/unrelated", "nameserver 192.0.2.9\n");
	write_file(files->root, "etc/resolv.new", "nameserver 192.0.2.3\n");
	assert_false(resolvers_refresh(files->resolvers));
	run("mv %s/etc/resolv.new %s", files->root, files->etc);
	assert_true(resolvers_change(files->resolvers));
	assert_true(has(files->resolvers, "192.0.2.3"));
	assert_false(has(files->resolvers, "192.0.2.2"));
	/* and written in place, after the watches were set anew */
	write_file(files->root, "etc/resolv.conf", "nameserver 192.0.2.4\n");
	while (!has(files->resolvers, "192.0.2.4"))
		assert_true(resolvers_change(files->resolvers));
	run("rm %s", files->etc);
	assert_true(resolvers_change(files->resolvers));
	assert_int_equal(resolvers_get(files->resolvers)->count, 0);
}

static void test_resolv_conf_behind_links(void **state)
{
	struct files *files = *state;

	write_file(files->root, "run/real.conf", "nameserver 192.0.2.2\n");
	run("ln -s ../run/middle.conf %s", files->etc);
	run("ln -s %s/run/real.conf %s/run/middle.conf", files->root, files->root);
	assert_int_equal(resolvers_open(files->paths, 1, &files->resolvers), 0);
	assert_true(has(files->resolvers, "192.0.2.2"));
	write_file(files->root, "run/real.conf", "nameserver 192.0.2.3\n");
	while (!has(files->resolvers, "192.0.2.3"))
		assert_true(resolvers_change(files->resolvers));
	write_file(files->root, "run/other.conf", "nameserver 192.0.2.4\n");
	run("ln -sfn other.conf %s/run/middle.conf", files->root);
	while (!has(files->resolvers, "192.0.2.4"))
		assert_true(resolvers_change(files->resolvers));
	/* A loop of links ends. */
	run("ln -sfn ../run/middle.conf %s/run/middle.conf", files->root);
	assert_true(resolvers_change(files->resolvers));
	assert_int_equal(resolvers_get(files->resolvers)->count, 0);
}

/* As at boot: the stub is there, the service's own folder comes later. */
static void test_folder_that_comes_later(void **state)
{
	struct files *files = *state;

	write_file(files->root, "etc/resolv.conf", "nameserver 127.0.0.53\n");
	assert_int_equal(resolvers_open(files->paths, 2, &files->resolvers), 0);
	assert_int_equal(resolvers_get(files->resolvers)->count, 0);
	run("mkdir %s/run/resolve", files->root);
	write_file(files->root, "run/resolve/resolv.conf", "nameserver 192.0.2.2\n");
	assert_true(resolvers_change(files->resolvers));
	assert_true(has(files->resolvers, "192.0.2.2"));
	run("rm -r %s/run/resolve", files->root);
	assert_true(resolvers_change(files->resolvers));
	assert_int_equal(resolvers_get(files->resolvers)->count, 0);
	run("mkdir %s/run/resolve", files->root);
	write_file(files->root, "run/resolve/resolv.conf", "nameserver 2001:db8::53\n");
	assert_true(resolvers_change(files->resolvers));
	assert_true(has(files->resolvers, "2001:db8::53"));
}

int main(void)
{
#define WITH_FILES(test) cmocka_unit_test_setup_teardown(test, make_files, remove_files)
	const struct CMUnitTest tests[] = {
		WITH_FILES(test_resolv_conf_lines),
		WITH_FILES(test_replaced_resolv_conf),
		WITH_FILES(test_resolv_conf_behind_links),
		WITH_FILES(test_folder_that_comes_later),
	};

	return cmocka_run_group_tests_name("resolvers", tests, NULL, NULL);
}
