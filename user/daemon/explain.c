/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Everything known about one address, from those who know it: policy, access.deny, detection, drop
 * map, and the memory of what was. Only gathers; the sentences are serve/'s.
 */
#include "daemon/explain.h"

#include <string.h>
#include "base/address.h"
#include "daemon/deny.h"

void daemon_iptables_status(const struct daemon *daemon, struct enforcer_status *out)
{
	*out = (struct enforcer_status){ .state = ENFORCER_UNENFORCED };
	if (daemon->iptables)
		iptables_enforcer_status(daemon->iptables, out);
}

void daemon_show_rule(const struct daemon *daemon, const struct rule *rule,
		      const struct enforcer_status *iptables, struct rule_status *out)
{
	uint64_t bytes;

	*out = (struct rule_status){ .rule = *rule };
	out->in_xdp = daemon->config->response.xdp &&
		      !dropmap_hits(daemon->dropmap, rule, &out->packets_dropped, &bytes);
	out->in_iptables = iptables->state != ENFORCER_UNENFORCED;
	if (daemon->pause.disarmed) /* it stands there, but stops nothing */
		out->in_xdp = out->in_iptables = false;
}

static struct moment moment_at(int64_t boot_ns, struct moment now)
{
	return boot_ns ? moment_plus(now, boot_ns - now.boot_ns) : (struct moment){ 0 };
}

/* access.deny's rule comes before policy's: it is the one that stays. */
static size_t find_rules(const struct daemon *daemon, const struct prefix *prefix,
			 struct rule rules[RULES_SHOWN], bool *denied)
{
	const struct rule *deny = deny_covering(&daemon->deny, prefix);
	size_t n = 0;

	*denied = deny;
	if (deny)
		rules[n++] = *deny;
	return n + policy_rules_of(daemon->policy, prefix, rules + n, RULES_SHOWN - n);
}

static void take_view(const struct policy_view *view, struct moment now, struct explanation *out)
{
	out->protected = view->protected;
	out->protection = view->protection;
	out->offences = view->offences;
	out->forgiven = moment_at(view->forgiven_ns, now);
	out->held_until = moment_at(view->held_until_ns, now);
	out->paused_until = moment_at(view->paused_until_ns, now);
	out->peer = view->peer;
}

void daemon_explain(struct daemon *daemon, const struct prefix *prefix, struct explanation *out)
{
	const struct config *config = daemon->config;
	struct enforcer_status iptables;
	struct rule rules[RULES_SHOWN];
	struct policy_view view;

	out->prefix = *prefix;
	out->now = moment_now();
	out->mode = config->mode;
	memcpy(out->config_path, config->path, sizeof(out->config_path));
	memcpy(out->config_hash, config->hash, sizeof(out->config_hash));
	out->disarmed = daemon->pause.disarmed;
	daemon_lock(daemon);
	policy_explain(daemon->policy, prefix, out->now, &view);
	out->rule_count = find_rules(daemon, prefix, rules, &out->denied);
	out->seen = detect_source(daemon->detect, prefix, out->now.boot_ns, &out->source);
	recent_explain(daemon->recent, out);
	daemon_unlock(daemon);
	take_view(&view, out->now, out);
	out->local = view.protected && !strncmp(view.protection.reason, "own address", 11);
	daemon_iptables_status(daemon, &iptables);
	for (size_t i = 0; i < out->rule_count; i++)
		daemon_show_rule(daemon, &rules[i], &iptables, &out->rules[i]);
}
