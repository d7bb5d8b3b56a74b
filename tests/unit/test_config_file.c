/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How config.json is found, trusted and read. What may stand in it is in test_config.c. Each test
 * works in a folder of its own, which is the current one.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include "model/config.h"

static char folder[64];
static int before = -1;

static int enter_folder(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/fwgen-test-XXXXXX");
	before = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return before < 0 || !mkdtemp(folder) || chdir(folder);
}

static int leave_folder(void **state)
{
	int r;

	(void)state;
	if (unlink("config.json") && errno != ENOENT)
		return -1;
	r = fchdir(before);
	close(before);
	return r || rmdir(folder);
}

static void write_file(const char *text, mode_t mode)
{
	FILE *file = fopen("config.json", "we");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	assert_int_equal(chmod("config.json", mode), 0);
}

/* Loads what must fail, and checks that the text names the file. */
static void check_load_fails(const char *path, int result, const char *text)
{
	char error[CONFIG_ERROR_TEXT] = "";
	struct config *untouched = (struct config *)&untouched, *config = untouched;

	assert_int_equal(config_load(path, &config, error), result);
	assert_ptr_equal(config, untouched);
	if (!strstr(error, "config.json") || !strstr(error, text))
		fail_msg("instead of \"%s\": %s", text, error);
}

static void test_file_is_found(void **state)
{
	char error[CONFIG_ERROR_TEXT], path[128];
	const char *const paths[] = { NULL, "config.json", "./config.json", path };
	struct config *config = NULL;

	(void)state;
	write_file("{\"mode\": \"observe\"}", 0640);
	snprintf(path, sizeof(path), "%s/config.json", folder);
	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		assert_int_equal(config_load(paths[i], &config, error), 0);
		assert_int_equal(config->mode, MODE_OBSERVE);
		assert_string_equal(config->path, path);
		assert_memory_equal(config->storage.database, folder, strlen(folder));
		assert_string_equal(config->storage.database + strlen(folder),
				    "/network_security.db");
		config_free(&config);
	}
}

static void test_without_a_file_the_defaults(void **state)
{
	char error[CONFIG_ERROR_TEXT];
	struct config *config = NULL;

	(void)state;
	if (!access("/etc/fwgen/config.json", F_OK))
		skip();
	assert_int_equal(config_load(NULL, &config, error), 0);
	assert_string_equal(config->path, "");
	assert_int_equal(config->mode, MODE_ENFORCE);
	config_free(&config);
}

static void test_file_that_others_may_write(void **state)
{
	(void)state;
	write_file("{}", 0664);
	check_load_fails("config.json", -EPERM, "(mode 0664); run: chmod go-w config.json");
	check_load_fails(NULL, -EPERM, "(mode 0664)");
	write_file("{}", 0602);
	check_load_fails("config.json", -EPERM, "others may write to it (mode 0602)");
}

static void test_file_of_somebody_else(void **state)
{
	struct config *config = NULL;
	char error[CONFIG_ERROR_TEXT];

	(void)state;
	if (geteuid())
		skip();
	write_file("{}", 0644);
	assert_int_equal(chown("config.json", 4711, 4711), 0);
	unsetenv("SUDO_UID");
	check_load_fails("config.json", -EPERM, "belongs to user 4711");
	check_load_fails(NULL, -EPERM, "chown root config.json");
	setenv("SUDO_UID", "4712", 1);
	check_load_fails("config.json", -EPERM, "belongs to user 4711");
	setenv("SUDO_UID", "4711", 1);
	assert_int_equal(config_load("config.json", &config, error), 0);
	config_free(&config);

	/* SUDO_UID is root's word only; the file's owner may always read his own */
	assert_int_equal(chmod(folder, 0755), 0);
	assert_int_equal(seteuid(4712), 0);
	check_load_fails("config.json", -EPERM, "belongs to user 4711");
	assert_int_equal(seteuid(0), 0);
	unsetenv("SUDO_UID");
	assert_int_equal(seteuid(4711), 0);
	assert_int_equal(config_load("config.json", &config, error), 0);
	config_free(&config);
	assert_int_equal(seteuid(0), 0);
}

/* Where others may write they may put another file in its place; not so with the sticky bit. */
static void test_folder_that_others_may_write(void **state)
{
	struct config *config = NULL;
	char error[CONFIG_ERROR_TEXT];

	(void)state;
	write_file("{}", 0644);
	assert_int_equal(chmod(folder, 0757), 0);
	check_load_fails("config.json", -EPERM, "folder . (mode 0757); run: chmod go-w .");
	assert_int_equal(chmod(folder, 0770), 0);
	check_load_fails(NULL, -EPERM, "others may exchange it");
	assert_int_equal(chmod(folder, 01777), 0);
	assert_int_equal(config_load("config.json", &config, error), 0);
	config_free(&config);
}

static void test_file_that_is_none(void **state)
{
	(void)state;
	check_load_fails("config.json", -ENOENT, "failed to read config.json: No such file");
	assert_int_equal(mkdir("config.json", 0700), 0);
	check_load_fails("config.json", -EIO, "not a regular file");
	assert_int_equal(rmdir("config.json"), 0);
	/* Nobody writes to it: reading would wait for ever. */
	assert_int_equal(mkfifo("config.json", 0600), 0);
	check_load_fails("config.json", -EIO, "not a regular file");
}

static void test_file_that_cannot_be_read(void **state)
{
	(void)state;
	write_file("{}", 0000);
	if (!geteuid())
		assert_int_equal(seteuid(65534), 0);
	check_load_fails("./config.json", -EACCES,
			 "failed to read ./config.json: Permission denied");
	if (!getuid())
		assert_int_equal(seteuid(0), 0);
}

static void test_refusal_names_the_file(void **state)
{
	char text[256];

	(void)state;
	write_file("{\"mode\": 1}", 0600);
	snprintf(text, sizeof(text), "%s/config.json: mode: 1 is not one of", folder);
	check_load_fails("config.json", -EINVAL, text);
	write_file("{\n]", 0600);
	snprintf(text, sizeof(text), "%s/config.json: line 2, column 1: ", folder);
	check_load_fails("config.json", -EINVAL, text);
	write_file("", 0600);
	check_load_fails("config.json", -EINVAL, "config.json: line 1, column 1: ");
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, enter_folder, leave_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER(test_file_is_found),
		IN_FOLDER(test_without_a_file_the_defaults),
		IN_FOLDER(test_file_that_others_may_write),
		IN_FOLDER(test_file_of_somebody_else),
		IN_FOLDER(test_folder_that_others_may_write),
		IN_FOLDER(test_file_that_is_none),
		IN_FOLDER(test_file_that_cannot_be_read),
		IN_FOLDER(test_refusal_names_the_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
