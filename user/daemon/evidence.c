/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a block to the question about it, and from the answer back to policy. The block stands
 * before anybody is asked and while the answer is awaited; what follows from it is decide/'s.
 */
#include "daemon/evidence.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include "base/log.h"
#include "daemon/changes.h"

#define ANSWERS 64 /* for as many the wake thread has to wait */

void evidence_ask(struct daemon *daemon, const struct rule *rule, uint16_t port)
{
	if (daemon->peers && rule->evidence == EVIDENCE_UNPROVEN &&
	    rule->origin == ORIGIN_DETECTOR && !rule->to_destination &&
	    rule->prefix.len == PREFIX_LEN_FULL)
		peers_ask(daemon->peers, &rule->prefix.address, port);
}

static void on_answers(void *context, uint32_t events)
{
	struct daemon *daemon = context;
	struct moment now = moment_now();
	struct peer_answer answers[ANSWERS];
	size_t n = peers_answers(daemon->peers, answers, ANSWERS);
	int err = 0;

	(void)events;
	daemon_lock(daemon);
	for (size_t i = 0; !err && i < n; i++)
		err = policy_peer(daemon->policy, &answers[i], now, &daemon->judgement.changes);
	daemon_carry_out(daemon, &daemon->judgement.changes, now);
	daemon_unlock(daemon);
	if (err)
		log_error("failed to narrow the blocks of real peers: %s", strerror(-err));
}

/* Rules that were restored were put into force before there was anybody to ask. */
static void ask_about_all(struct daemon *daemon)
{
	struct rule *rules = NULL;
	size_t n = 0;
	int err;

	daemon_lock(daemon);
	err = daemon_ruleset(daemon, &rules, &n);
	daemon_unlock(daemon);
	if (err)
		return;
	for (size_t i = 0; i < n; i++)
		evidence_ask(daemon, &rules[i], 0);
	free(rules);
}

int evidence_start(struct daemon *daemon)
{
	char error[256];
	int err = peers_start(&daemon->peers, error);

	if (err) {
		log_error("%s", error);
		return err;
	}
	err = loop_add_fd(daemon->loop, peers_fd(daemon->peers), EPOLLIN, on_answers, daemon,
			  &daemon->peers_source);
	if (!err)
		ask_about_all(daemon);
	return err;
}

void evidence_stop(struct daemon *daemon)
{
	loop_remove(&daemon->peers_source);
	peers_stop(&daemon->peers);
}

const char *evidence_source(const struct daemon *daemon)
{
	return daemon->peers && peers_tracking(daemon->peers) ? "conntrack" : "none";
}
