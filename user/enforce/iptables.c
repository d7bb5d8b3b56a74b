/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon's side of the iptables enforcer: keeps the desired ruleset, tells the helper what
 * changes in it, keeps the state that the helper reports. Runs no program; the helper's life and
 * death are iptables_process.c.
 */
#include "enforce/iptables.h"
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include "base/log.h"
#include "enforce/iptables_private.h"

#define LOG_INTERVAL_NS (60 * NS_PER_SECOND)
#define SILENCE_NS	(6 * NS_PER_SECOND) /* it reports every 2 s */

/* A reason may hold a number that changes with each report: that is not news each time. */
static bool is_news(const struct iptables_enforcer *enforcer, enum enforcer_state state)
{
	if (enforcer->quiet)
		return false;
	return state != enforcer->status.state ||
	       moment_now().boot_ns - enforcer->logged_ns > LOG_INTERVAL_NS;
}

void enforcer_set_state(struct iptables_enforcer *enforcer, enum enforcer_state state,
			const char *reason)
{
	struct enforcer_status *status = &enforcer->status;

	if (status->state == state && strcmp(status->reason, reason) == 0)
		return;
	if (is_news(enforcer, state)) {
		if (state == ENFORCER_UNENFORCED)
			log_error("iptables rules are not enforced: %s", reason);
		else
			log_info("iptables rules are enforced");
		enforcer->logged_ns = moment_now().boot_ns;
	}
	status->state = state;
	snprintf(status->reason, sizeof(status->reason), "%s", reason);
}

/* ---- sending --------------------------------------------------------------------------------- */

int enforcer_watch(struct iptables_enforcer *enforcer, int operation)
{
	struct epoll_event event = { .events = EPOLLIN | (enforcer->full ? EPOLLOUT : 0) };

	return epoll_ctl(enforcer->epoll_fd, operation, enforcer->fd, &event) ? -errno : 0;
}

static int send_some(struct iptables_enforcer *enforcer, size_t len)
{
	if (send(enforcer->fd, enforcer->packet, len, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) {
		enforcer->packets_sent++;
		return 0;
	}
	return errno == ENOBUFS || errno == EINTR ? -EAGAIN : -errno;
}

int enforcer_tell(struct iptables_enforcer *enforcer, const struct message *message)
{
	return send_some(enforcer, message_format(message, enforcer->packet));
}

int enforcer_flush(struct iptables_enforcer *enforcer)
{
	bool syncing;
	int err = 0;

	if (enforcer->fd < 0)
		return -EPIPE;
	while (!err && desired_pending(enforcer->desired)) {
		size_t len = desired_encode(enforcer->desired, enforcer->packet,
					    sizeof(enforcer->packet));

		syncing = desired_syncing(enforcer->desired);
		err = send_some(enforcer, len);
		if (err)
			break;
		desired_sent(enforcer->desired);
		if (syncing && !desired_syncing(enforcer->desired))
			enforcer->synced_packets = enforcer->packets_sent;
	}
	if (err && err != -EAGAIN)
		return err == -ECONNRESET ? -EPIPE : err; /* receiving finds out how it ended */
	if (enforcer->full != (err == -EAGAIN)) {
		enforcer->full = err == -EAGAIN;
		return enforcer_watch(enforcer, EPOLL_CTL_MOD);
	}
	return 0;
}

int iptables_enforcer_flush(struct iptables_enforcer *enforcer)
{
	int err;

	pthread_mutex_lock(&enforcer->lock);
	err = enforcer_flush(enforcer);
	pthread_mutex_unlock(&enforcer->lock);
	return err;
}

bool iptables_enforcer_pending(const struct iptables_enforcer *enforcer)
{
	pthread_mutex_t *lock = (pthread_mutex_t *)&enforcer->lock;
	bool pending;

	pthread_mutex_lock(lock);
	pending = enforcer->fd >= 0 && desired_pending(enforcer->desired);
	pthread_mutex_unlock(lock);
	return pending;
}

int iptables_enforcer_fd(const struct iptables_enforcer *enforcer)
{
	return enforcer->epoll_fd;
}

/* ---- receiving ------------------------------------------------------------------------------- */

static void take(struct iptables_enforcer *enforcer, const struct message *message)
{
	switch (message->type) {
	case MESSAGE_READY:
		enforcer->ready = true;
		break;
	case MESSAGE_FAILED:
		enforcer->failed = message->error < 0 ? message->error : -EIO;
		enforcer_set_state(enforcer, ENFORCER_UNENFORCED, message->text);
		break;
	case MESSAGE_STATE:
		enforcer->status.rules = message->members;
		enforcer->repairs_now = message->repairs;
		enforcer->packets_done = message->packets;
		enforcer_set_state(enforcer,
				   message->enforced ? ENFORCER_ENFORCED : ENFORCER_UNENFORCED,
				   message->text);
		break;
	case MESSAGE_NOTE:
		log_warning("iptables: %s", message->text);
		break;
	case MESSAGE_STOPPED:
		enforcer->stopped = true;
		enforcer->failed = message->error;
		break;
	default:
		break;
	}
}

static int lose_helper(struct iptables_enforcer *enforcer)
{
	char why[64] = "";

	enforcer_drop_helper(enforcer, why);
	/* its own last words say more than how it ended */
	if (!enforcer->failed && !enforcer->stopped)
		enforcer_set_state(enforcer, ENFORCER_UNENFORCED, why);
	return -EPIPE;
}

int enforcer_receive(struct iptables_enforcer *enforcer)
{
	char packet[MESSAGE_LINE_BYTES + 1];

	if (enforcer->fd < 0)
		return -EPIPE;
	for (;;) {
		ssize_t len = recv(enforcer->fd, packet, sizeof(packet) - 1, MSG_DONTWAIT);
		const char *cursor = packet;
		struct message message;

		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0 && errno == EAGAIN)
			return 0;
		if (len <= 0)
			break;
		packet[len] = '\0';
		enforcer->heard_ns = moment_now().boot_ns;
		while (message_next(&cursor, &message) > 0)
			take(enforcer, &message);
	}
	return lose_helper(enforcer);
}

int iptables_enforcer_receive(struct iptables_enforcer *enforcer)
{
	int err;

	pthread_mutex_lock(&enforcer->lock);
	err = enforcer_receive(enforcer);
	if (!err)
		err = enforcer_flush(enforcer);
	pthread_mutex_unlock(&enforcer->lock);
	return err;
}

/* ---- the ruleset ----------------------------------------------------------------------------- */

static void set_rule(struct iptables_enforcer *enforcer, const struct rule_change *change)
{
	int err = desired_set(enforcer->desired, &change->rule);
	char prefix[PREFIX_TEXT];

	if (err && change->kind == RULE_ADDED)
		log_error("failed to add %s to the iptables rules: %s",
			  prefix_format(&change->rule.prefix, prefix),
			  err == -EINVAL ? "no set can hold it" : strerror(-err));
}

void iptables_enforcer_change(struct iptables_enforcer *enforcer, const struct rule_change *change,
			      struct moment now)
{
	(void)now; /* deadlines are absolute */
	pthread_mutex_lock(&enforcer->lock);
	if (change->kind == RULE_ADDED || change->kind == RULE_RENEWED)
		set_rule(enforcer, change);
	else if (change->kind == RULE_REMOVED)
		desired_unset(enforcer->desired, &change->rule);
	if (!enforcer->full)
		enforcer_flush(enforcer);
	pthread_mutex_unlock(&enforcer->lock);
}

void iptables_enforcer_sync(struct iptables_enforcer *enforcer, const struct rule *rules, size_t n,
			    struct moment now)
{
	struct desired *fresh = NULL, *old;
	int err = desired_new(&fresh);

	/* made outside the lock: another thread's change must not wait for it */
	for (size_t i = 0; i < n && err != -ENOMEM; i++) {
		if (rules[i].expires.boot_ns > now.boot_ns)
			err = desired_set(fresh, &rules[i]);
	}
	if (err == -ENOMEM) {
		log_error("failed to send all rules to iptables: %s", strerror(ENOMEM));
		desired_free(&fresh);
		return;
	}
	desired_resync(fresh);
	pthread_mutex_lock(&enforcer->lock);
	old = enforcer->desired;
	enforcer->desired = fresh;
	if (!enforcer->full)
		enforcer_flush(enforcer);
	pthread_mutex_unlock(&enforcer->lock);
	desired_free(&old);
}

/* What the helper cannot say of itself: that it hangs, or has not come to an end yet. */
static void correct(const struct iptables_enforcer *enforcer, struct enforcer_status *out)
{
	int64_t silent_ns = moment_now().boot_ns - enforcer->heard_ns;

	if (enforcer->fd < 0 || out->state == ENFORCER_UNENFORCED)
		return;
	if (silent_ns > SILENCE_NS) {
		out->state = ENFORCER_UNENFORCED;
		snprintf(out->reason, sizeof(out->reason),
			 "the helper process has not answered for %lld s",
			 (long long)(silent_ns / NS_PER_SECOND));
	} else if (desired_syncing(enforcer->desired) ||
		   enforcer->packets_done < enforcer->synced_packets) {
		out->state = ENFORCER_UNENFORCED;
		snprintf(out->reason, sizeof(out->reason), "blocks are being put in place");
	}
}

void iptables_enforcer_status(struct iptables_enforcer *enforcer, struct enforcer_status *out)
{
	pthread_mutex_lock(&enforcer->lock);
	*out = enforcer->status;
	out->repairs = enforcer->repairs_before + enforcer->repairs_now;
	correct(enforcer, out);
	pthread_mutex_unlock(&enforcer->lock);
}
