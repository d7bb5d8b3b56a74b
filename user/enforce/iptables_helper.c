/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The helper's main loop: takes the daemon's changes, has them carried out in batches, looks every
 * few seconds (and when nf_tables gives notice) whether all of it still stands, reports. Decides
 * nothing.
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

#define SOCKET_FD	3
#define PACKETS_AT_ONCE 64
#define CHECK_NS	(2 * NS_PER_SECOND)
#define AGAIN_NS	(500 * NS_PER_MS) /* when that failed */
#define NOTICE_NS	(250 * NS_PER_MS) /* from look to look, however many notices come */
#define COUNT_NS	(250 * NS_PER_MS) /* after a batch */

struct helper {
	int fd, notice_fd; /* notice_fd: -1: none */
	struct netfilter netfilter;

	struct changes changes;
	int64_t check_due_ns, count_due_ns, checked_ns;
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

/* Why packets of a blocked source pass, if they do. */
static bool describe(const struct helper *helper, char out[MESSAGE_TEXT])
{
	const struct changes *changes = &helper->changes;
	const char *without = helper->netfilter.without_sets;
	unsigned long long missing = changes->missing, wanted = changes->wanted.count;

	out[0] = '\0';
	if (helper->check_error[0])
		snprintf(out, MESSAGE_TEXT, "%.*s", MESSAGE_TEXT - 1, helper->check_error);
	else if (without[0] && missing)
		snprintf(out, MESSAGE_TEXT,
			 "without ipset (%.60s): %llu of %llu blocks have room, the most important",
			 without, wanted - missing, wanted);
	else if (missing)
		snprintf(out, MESSAGE_TEXT, "%llu of %llu blocks are not in the kernel: %.*s",
			 missing, wanted, MESSAGE_TEXT - 80, changes->refused_why);
	else if (without[0])
		snprintf(out, MESSAGE_TEXT,
			 "without ipset (%.60s): one rule for each block, %d at most%s", without,
			 NETFILTER_SINGLES_MAX, helper->netfilter.no_time ? "; no xt_time" : "");
	return helper->check_error[0] || missing;
}

static void report(const struct helper *helper)
{
	struct message message = {
		.type = MESSAGE_STATE,
		.members = helper->netfilter.members,
		.repairs = helper->repairs,
		.packets = helper->packets,
	};

	message.enforced = !describe(helper, message.text);
	tell(helper, &message);
}

/* ---- what the daemon asks for -------------------------------------------------------------- */

static void apply(struct helper *helper)
{
	if (!helper->changes.pending)
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

/* The daemon starts another helper, and tells it all. */
static void give_up(const struct helper *helper, int error, const char *text)
	__attribute__((noreturn));
static void give_up(const struct helper *helper, int error, const char *text)
{
	tell_text(helper, MESSAGE_FAILED, error, text);
	_exit(1);
}

static void obey(struct helper *helper, const struct message *message)
{
	if (message->type == MESSAGE_STOP)
		stop(helper, message->keep);
	if (changes_take(&helper->changes, message))
		give_up(helper, -ENOMEM, "out of memory");
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

static void note_repairs(struct helper *helper, const struct netfilter_changes *changes,
			 const struct netfilter_difference *members)
{
	char text[MESSAGE_TEXT];

	if (!changes->chains && !changes->sets && !members->missing && !members->strange &&
	    !members->altered)
		return;
	helper->repairs++;
	snprintf(text, sizeof(text),
		 "somebody changed fwgen's rules: %u chains and %u sets made anew, %llu members put"
		 " back, %llu removed, %llu corrected",
		 changes->chains, changes->sets, (unsigned long long)members->missing,
		 (unsigned long long)members->strange, (unsigned long long)members->altered);
	tell_text(helper, MESSAGE_NOTE, 0, text);
}

static void check(struct helper *helper)
{
	struct netfilter_difference members = { 0 };
	struct netfilter_changes changes = { 0 };

	helper->check_error[0] = '\0';
	helper->changes.check_wanted = false;
	if (netfilter_converge(&helper->netfilter, &changes, helper->check_error) == 0) {
		changes_verify(&helper->changes, &members);
		note_repairs(helper, &changes, &members);
	}
	helper->checked_ns = now_ns();
	helper->check_due_ns = helper->checked_ns + (helper->check_error[0] ? AGAIN_NS : CHECK_NS);
	helper->count_due_ns = 0;
	report(helper);
}

static void count(struct helper *helper)
{
	char error[NETFILTER_ERROR];

	helper->count_due_ns = 0;
	if (netfilter_count(&helper->netfilter, error) == 0)
		changes_look(&helper->changes);
	if (helper->changes.missing != helper->changes.accepted || helper->changes.strange)
		check(helper); /* which finds out what is wrong */
	else
		report(helper);
}

static void take_notice(struct helper *helper)
{
	int64_t soon = helper->checked_ns + NOTICE_NS;

	if (netfilter_notice_read(helper->notice_fd) && soon < helper->check_due_ns)
		helper->check_due_ns = soon;
}

/* ---- the process --------------------------------------------------------------------------- */

/*
 * A box whose netfilter has no sets is found out by trying. What others do at this moment is no
 * such thing: it is tried again.
 */
static void converge_first(struct helper *helper)
{
	struct netfilter *netfilter = &helper->netfilter;
	char second[NETFILTER_ERROR];
	struct netfilter_changes changes;
	int err = netfilter_converge(netfilter, &changes, helper->check_error);

	if (!err || err == -EBUSY || err == -ETIMEDOUT || netfilter->without_sets[0])
		return;
	netfilter_do_without_sets(netfilter, helper->check_error);
	if (netfilter_converge(netfilter, &changes, second) == 0)
		helper->check_error[0] = '\0';
	else
		netfilter->without_sets[0] = '\0';
}

static void set_up(struct helper *helper, const struct netfilter_options *options)
{
	char error[NETFILTER_ERROR];
	int err = netfilter_open(&helper->netfilter, options, error);

	if (!err && changes_open(&helper->changes, &helper->netfilter)) {
		snprintf(error, sizeof(error), "out of memory");
		err = -ENOMEM;
	}
	if (err)
		give_up(helper, err, error);
	helper->notice_fd = helper->netfilter.flavour.legacy ? -1 : netfilter_notice_open();
	converge_first(helper);
	if (!helper->check_error[0] && netfilter_remove_others(&helper->netfilter, error) < 0)
		tell_text(helper, MESSAGE_NOTE, 0, error);
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
	if (helper->changes.pending) /* looking and counting come after it */
		return helper->changes.due_ns;
	if (helper->count_due_ns && helper->count_due_ns < helper->check_due_ns)
		return helper->count_due_ns;
	return helper->check_due_ns;
}

void iptables_helper_run(int fd, const struct netfilter_options *options)
{
	static struct helper helper;
	struct pollfd waits[2] = { { .fd = SOCKET_FD, .events = POLLIN }, { .events = POLLIN } };

	become_helper(fd);
	helper.fd = SOCKET_FD;
	set_up(&helper, options);
	waits[1].fd = helper.notice_fd;
	for (;;) {
		int64_t left = next_due_ns(&helper) - now_ns();

		poll(waits, 2, left > 0 ? (int)((left - 1) / NS_PER_MS) + 1 : 0);
		if (waits[0].revents)
			receive(&helper);
		if (waits[1].revents)
			take_notice(&helper);
		if (helper.changes.pending) {
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
