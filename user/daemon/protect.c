/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The protected set: what the box tells of itself (host/) and what access.allow names, given to
 * policy, which makes no rule for it, and to the drop map, whose program checks it before any drop.
 */
#include "daemon/protect.h"

#include <string.h>
#include "daemon/changes.h"
#include "daemon/deny.h"

int protect_collect(const struct daemon *daemon, struct protected_list *out)
{
	const struct config *config = daemon->config;
	int err = host_protected(daemon->host, out);

	for (size_t i = 0; !err && i < config->access.allow_count; i++)
		err = protected_list_add(out, &config->access.allow[i], "access.allow");
	for (size_t i = 0; !err && i < daemon->allowed.count; i++)
		err = protected_list_add(out, &daemon->allowed.items[i].prefix,
					 daemon->allowed.items[i].reason);
	return err;
}

int daemon_protect(struct daemon *daemon)
{
	struct protected_list list = { 0 };
	struct moment now = moment_now();
	int err = protect_collect(daemon, &list), map_err;

	if (!err) {
		map_err = daemon->dropmap ? dropmap_protect(daemon->dropmap, &list) : 0;
		daemon_lock(daemon);
		err = policy_protect(daemon->policy, &list, now, &daemon->judgement.changes);
		daemon_carry_out(daemon, &daemon->judgement.changes, now);
		if (daemon->running) /* a start restores rules first: no sync may be short of them
				      */
			deny_update(daemon, now);
		daemon_unlock(daemon);
		err = err ? err : map_err;
	}
	protected_list_free(&list);
	if (err)
		events_say(daemon->events, EVENT_ALARM, SEVERITY_CRITICAL,
			   "failed to bring the protected set up to date: %s", strerror(-err));
	return err;
}
