/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which processes of sshd serve somebody who has logged in: titles as OpenSSH 9.2 and 9.8 write
 * them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "host/ssh.h"

#define PRIVSEP 103

static void test_logged_in(void **state)
{
	static const struct {
		const char *title;
		uint32_t uid, loginuid, parent_loginuid;
		const char *user; /* NULL: nobody has logged in */
	} cases[] = {
		/* before it is known who it is */
		{ "sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups", 0, -1, -1, NULL },
		{ "/usr/sbin/sshd", 0, -1, -1, NULL },
		{ "sshd: [accepted]   ", 0, -1, -1, NULL },
		{ "sshd: [net]", PRIVSEP, -1, -1, NULL },
		{ "sshd: unknown [priv]", 0, -1, -1, NULL },
		{ "sshd: root [priv]", 0, -1, -1, NULL },
		{ "sshd: root [net]", PRIVSEP, -1, -1, NULL },
		{ "sshd: root [pam]", 0, -1, -1, NULL },
		{ "sshd-session: root [priv]", 0, -1, -1, NULL },
		{ "sshd-session: root [session-auth]", PRIVSEP, -1, -1, NULL },
		{ "sshd: ", 1000, -1, -1, NULL },
		{ "sshd:", 1000, -1, -1, NULL },
		{ "sshd: root", 0, -1, -1, NULL },
		{ "sshd: bob", PRIVSEP, -1, -1, NULL },
		/* a listener that somebody has started by hand hands down his login */
		{ "sshd: root [priv]", 0, 0, 0, NULL },
		{ "sshd: [accepted]", 0, 1000, 1000, NULL },
		{ "sshd: [net]", PRIVSEP, 1000, 1000, NULL },
		/* a server that a user runs for himself drops nothing */
		{ "sshd: bob [priv]", 1000, -1, -1, NULL },
		/* after */
		{ "sshd: root@pts/0      ", 0, -1, -1, "root" },
		{ "sshd: root@pts/0,pts/12", 0, -1, -1, "root" },
		{ "sshd: root@notty", 0, -1, -1, "root" },
		{ "sshd-session: root@notty", 0, -1, -1, "root" },
		{ "sshd: bob@example.org@pts/3", 1000, -1, -1, "bob@example.org" },
		{ "sshd: bob [priv]", 0, 1000, -1, "bob" },
		{ "sshd: root", 0, 0, -1, "root" },
		{ "sshd: root", 0, 0, 1000, "root" },
		{ "sshd: bob", 1000, -1, -1, "bob" },
		/* no session, whatever it looks like */
		{ "sshd: root@pts", 0, -1, -1, NULL },
		{ "sshd: root@pts/", 0, -1, -1, NULL },
		{ "sshd: root@pts/x", 0, -1, -1, NULL },
		{ "sshd: root@nottys", 0, -1, -1, NULL },
		{ "nginx: worker@notty", 0, -1, -1, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct ssh_process process = { cases[i].title, cases[i].uid,
						     cases[i].loginuid, cases[i].parent_loginuid,
						     cases[i].uid };
		char user[SSH_USER_TEXT];
		bool logged_in = ssh_logged_in(&process, PRIVSEP, user);

		if (logged_in != (cases[i].user != NULL))
			fail_msg("case %zu, %s: %d", i, cases[i].title, logged_in);
		if (logged_in)
			assert_string_equal(user, cases[i].user);
	}
}

/* exec -a "sshd: root@notty" /usr/sbin/sshd, by somebody who is not root. */
static void test_borrowed_name(void **state)
{
	struct ssh_process process = { "sshd: root@notty", 1000, 1000, 5, false };
	char user[SSH_USER_TEXT];

	(void)state;
	assert_false(ssh_logged_in(&process, PRIVSEP, user));
	process.child_of_root = true;
	assert_true(ssh_logged_in(&process, PRIVSEP, user));
}

/* A box without the user sshd: its children are told by their titles. */
static void test_unknown_privsep_user(void **state)
{
	const struct ssh_process process = { "sshd: root [net]", PRIVSEP, -1, -1, true };
	char user[SSH_USER_TEXT];

	(void)state;
	assert_false(ssh_logged_in(&process, SSH_NO_UID, user));
}

static void test_long_title(void **state)
{
	const struct ssh_process process = {
		"sshd: a-name-that-is-longer-than-what-a-reason-can-hold@pts/0", 0, -1, -1, false
	};
	char user[SSH_USER_TEXT];

	(void)state;
	assert_true(ssh_logged_in(&process, PRIVSEP, user));
	assert_string_equal(user, "a-name-that-is-longer-than-what-");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_logged_in),
		cmocka_unit_test(test_borrowed_name),
		cmocka_unit_test(test_unknown_privsep_user),
		cmocka_unit_test(test_long_title),
	};

	return cmocka_run_group_tests_name("ssh", tests, NULL, NULL);
}
