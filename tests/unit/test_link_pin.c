/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of pins; the folder needs no bpffs to be read. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "sense/link_pin.h"

static char dir[] = "/tmp/fwgen-link-pin-XXXXXX";

static void make(const char *name)
{
	char path[PATH_MAX];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fclose(file);
}

/* bpffs takes no dot, and an interface's name may have one; it may have a minus as well. */
static void names_come_back(void **state)
{
	static const char *const interfaces[] = { "eth0", "eth0.100", "a-b", "-",
						  "fifteen.letters" };
	struct link_pin pin;
	char path[PATH_MAX], longest[PATH_MAX];

	(void)state;
	for (int i = 0; i < 5; i++) {
		assert_int_equal(link_pin_name(dir, 10 + i, interfaces[i], path), 0);
		assert_null(strchr(strrchr(path, '/'), '.'));
		make(strrchr(path, '/') + 1);
		assert_int_equal(link_pin_find(dir, 10 + i, &pin), 0);
		assert_string_equal(pin.path, path);
		assert_string_equal(pin.interface, interfaces[i]);
		assert_int_equal(pin.ifindex, 10 + i);
	}
	memset(longest, 'x', sizeof(longest));
	longest[PATH_MAX - 1] = '\0';
	assert_int_equal(link_pin_name(longest, 1, "eth0", path), -ENAMETOOLONG);
}

static int count(void *context, const struct link_pin *pin)
{
	(void)pin;
	++*(int *)context;
	return 0;
}

static void other_files_are_none(void **state)
{
	static const char *const others[] = { "blocks", "link-", "link-eth0", "link-7",
					      "link-7-longer.than.a.name.may.be" };
	struct link_pin pin;
	int before = 0, after = 0;

	(void)state;
	assert_int_equal(link_pin_each(dir, count, &before), 0);
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		make(others[i]);
	assert_int_equal(link_pin_each(dir, count, &after), 0);
	assert_int_equal(before, after);
	assert_int_equal(link_pin_find(dir, 7, &pin), -ENOENT);
	assert_int_equal(link_pin_find("/nosuch", 7, &pin), -ENOENT);
}

static void an_interface_without_a_name(void **state)
{
	char name[IF_NAMESIZE] = "x";

	(void)state;
	assert_false(link_pin_current_name(0, name));
	assert_string_equal(name, "");
	assert_false(link_pin_current_name(INT_MAX, name));
	assert_true(link_pin_current_name(1, name));
	assert_string_equal(name, "lo");
}

static int make_dir(void **state)
{
	(void)state;
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", dir);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_come_back),
		cmocka_unit_test(other_files_are_none),
		cmocka_unit_test(an_interface_without_a_name),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
