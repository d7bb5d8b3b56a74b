/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The helper's main loop: takes the daemon's changes, has them carried out in batches, looks every
 * few seconds whether all of it still stands, reports. Decides nothing: it has no ruleset of its
 * own and asks for it anew when what is in the kernel got lost.
 */
#include "enforce/iptables_helper.h"
#include "enforce/iptables.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include "enforce/changes.h"

#define SOCKET_FD	   3
#define PACKETS_AT_ONCE	   64
#define CHECK_NS	   (2 * NS_PER_SECOND)
#define COUNT_NS	   (250 * NS_PER_MS) /* after a batch */
#define RESYNC_INTERVAL_NS (30 * NS_PER_SECOND)
#define RESYNC_FULL_NS	   (120 * NS_PER_SECOND) /* takes many seconds then */

struct helper {
	int fd;
	struct netfilter netfilter;

	struct changes changes;
	int64_t check_due_ns, count_due_ns, resync_allowed_ns;
	uint64_t packets, repairs;
	char check_error[NETFILTER_ERROR]; /* "": chain, jumps and sets stand */
};

static int64_t now_ns(void)
{
	return moment_now().boot_ns;
}

/* Never waits: a daemon that does not read gets the next report. */
static void tell(const struct helper *helper, const struct message *message)
{
	char line[MESSAGE_LINE_BYTES];
	size_t len = message_format(message, line);

	(void)!send(helper->fd, line, len, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void tell_text(const struct helper *helper, enum message_type type, int error,
		      const char *text)
{
	struct message message = { .type = type, .error = error };

	snprintf(message.text, sizeof(message.text), "%.*s", MESSAGE_TEXT - 1, text);
	tell(helper, &message);
}

static void report(const struct helper *helper)
{
	uint64_t refused = changes_refused(&helper->changes);
	struct message message = {
		.type = MESSAGE_STATE,
		.enforced = !helper->check_error[0] && !refused,
		.members = helper->netfilter.members,
		.repairs = helper->repairs,
		.packets = helper->packets,
	};

	if (helper->check_error[0])
		snprintf(message.text, sizeof(message.text), "%.*s", MESSAGE_TEXT - 1,
			 helper->check_error);
	else if (refused)
		snprintf(message.text, sizeof(message.text), "%llu changes refused: %.*s",
			 (unsigned long long)refused, MESSAGE_TEXT - 40,
			 helper->changes.refused_why);
	tell(helper, &message);
}

/* ---- what the daemon asks for -------------------------------------------------------------- */

static void apply(struct helper *helper)
{
	if (!helper->changes.batch)
		return;
	changes_apply(&helper->changes);
	if (!helper->count_due_ns)
		helper->count_due_ns = now_ns() + COUNT_NS;
}

static void stop(struct helper *helper, bool keep) __attribute__((noreturn));
static void stop(struct helper *helper, bool keep)
{
	char error[NETFILTER_ERROR];
	int removed = 0;

	if (keep)
		apply(helper);
	else
		removed = netfilter_remove(error);
	if (removed < 0)
		tell_text(helper, MESSAGE_NOTE, 0, error);
	tell_text(helper, MESSAGE_STOPPED, removed < 0 ? removed : 0, "");
	_exit(removed < 0);
}

static void obey(struct helper *helper, const struct message *message)
{
	if (message->type == MESSAGE_STOP)
		stop(helper, message->keep);
	changes_take(&helper->changes, message);
	if (message->type == MESSAGE_SYNCED)
		helper->count_due_ns = now_ns();
}

/* Takes what has come, up to a bound. Ends the process when the daemon is gone. */
static void receive(struct helper *helper)
{
	static char packet[MESSAGE_PACKET_BYTES + 1];

	for (int i = 0; i < PACKETS_AT_ONCE && !changes_are_many(&helper->changes); i++) {
		ssize_t len = recv(helper->fd, packet, sizeof(packet) - 1, MSG_DONTWAIT);
		const char *cursor = packet;
		struct message message;
		int more;

		if (len < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (len <= 0) {
			apply(helper);
			_exit(0);
		}
		packet[len] = '\0';
		while ((more = message_next(&cursor, &message)) > 0)
			obey(helper, &message);
		if (more < 0)
			tell_text(helper, MESSAGE_NOTE, 0, "a request cannot be read");
		helper->packets++;
	}
}

/* ---- the regular look ---------------------------------------------------------------------- */

static void note_repairs(struct helper *helper, const struct netfilter_changes *changes)
{
	char text[MESSAGE_TEXT];

	if (!changes->chains && !changes->sets)
		return;
	helper->repairs++;
	snprintf(text, sizeof(text),
		 "somebody changed fwgen's iptables rules: %u chains and %u sets made anew",
		 changes->chains, changes->sets);
	tell_text(helper, MESSAGE_NOTE, 0, text);
}

static void check(struct helper *helper)
{
	struct netfilter_changes changes = { 0 };
	int64_t now = now_ns();

	helper->check_error[0] = '\0';
	helper->changes.check_wanted = false;
	if (netfilter_converge(&helper->netfilter, &changes, helper->check_error) == 0) {
		note_repairs(helper, &changes);
		if (changes.sets)
			helper->resync_allowed_ns = 0;
		if (!helper->changes.syncing && now >= helper->resync_allowed_ns &&
		    (changes.sets || helper->changes.refused)) {
			tell_text(helper, MESSAGE_RESYNC, 0, "");
			helper->resync_allowed_ns =
				now +
				(helper->netfilter.full ? RESYNC_FULL_NS : RESYNC_INTERVAL_NS);
		}
	}
	helper->check_due_ns = now_ns() + CHECK_NS;
	helper->count_due_ns = 0;
	report(helper);
}

static void count(struct helper *helper)
{
	char error[NETFILTER_ERROR];

	helper->count_due_ns = 0;
	if (netfilter_count(&helper->netfilter, error) == 0)
		report(helper);
}

/* ---- the process --------------------------------------------------------------------------- */

static void set_up(struct helper *helper, const char (*interfaces)[IF_NAMESIZE],
		   unsigned int interface_count)
{
	char error[NETFILTER_ERROR];
	struct netfilter_changes changes;
	int err = netfilter_open(&helper->netfilter, interfaces, interface_count, error);

	if (!err)
		err = netfilter_converge(&helper->netfilter, &changes, error);
	if (err) {
		tell_text(helper, MESSAGE_FAILED, err, error);
		_exit(1);
	}
	tell_text(helper, MESSAGE_READY, 0, "");
	helper->check_due_ns = now_ns() + CHECK_NS;
	report(helper);
}

/* The daemon orders the end, so what a terminal or a service manager sends to all is ignored. */
static void become_helper(int fd)
{
	static const int ignored[] = { SIGINT, SIGTERM, SIGHUP };
	sigset_t none;

	for (int signal_number = 1; signal_number < NSIG; signal_number++)
		signal(signal_number, SIG_DFL);
	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		signal(ignored[i], SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (fd != SOCKET_FD && dup2(fd, SOCKET_FD) < 0)
		_exit(1);
	close_range(SOCKET_FD + 1, ~0U, 0);
	prctl(PR_SET_NAME, IPTABLES_HELPER_NAME);
}

static int64_t next_due_ns(const struct helper *helper)
{
	if (helper->changes.batch) /* looking and counting come after it */
		return helper->changes.due_ns;
	if (helper->count_due_ns && helper->count_due_ns < helper->check_due_ns)
		return helper->count_due_ns;
	return helper->check_due_ns;
}

void iptables_helper_run(int fd, const char (*interfaces)[IF_NAMESIZE],
			 unsigned int interface_count)
{
	static struct helper helper;
	struct pollfd wait = { .fd = SOCKET_FD, .events = POLLIN };

	become_helper(fd);
	helper.fd = SOCKET_FD;
	helper.changes.netfilter = &helper.netfilter;
	set_up(&helper, interfaces, interface_count);
	for (;;) {
		int64_t left = next_due_ns(&helper) - now_ns();

		if (poll(&wait, 1, left > 0 ? (int)((left - 1) / NS_PER_MS) + 1 : 0) > 0)
			receive(&helper);
		if (helper.changes.batch) {
			if (now_ns() < helper.changes.due_ns)
				continue;
			apply(&helper);
		}
		if (helper.changes.check_wanted || now_ns() >= helper.check_due_ns)
			check(&helper);
		else if (helper.count_due_ns && now_ns() >= helper.count_due_ns)
			count(&helper);
	}
}
