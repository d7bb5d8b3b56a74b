/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Three memos and what their values mean. When something is forgotten is the caller's to say. */
#include "decide/known.h"

#include <errno.h>
#include "base/address.h"

#define OFFENCES_MAX 65536
#define HELD_MAX     131072 /* as many as there may be rules: all can be unblocked at once */
#define PEERS_MAX    65536

int known_init(struct known *known)
{
	if (!memo_init(&known->offences, OFFENCES_MAX) && !memo_init(&known->held, HELD_MAX) &&
	    !memo_init(&known->peers, PEERS_MAX))
		return 0;
	known_done(known);
	return -ENOMEM;
}

void known_done(struct known *known)
{
	memo_done(&known->offences);
	memo_done(&known->held);
	memo_done(&known->peers);
}

/* ---- offences -------------------------------------------------------------------------------- */

uint32_t known_offences(const struct known *known, const struct prefix *prefix, int64_t now_ns,
			int64_t *forgiven_ns)
{
	if (forgiven_ns)
		*forgiven_ns = memo_until(&known->offences, prefix, 0, now_ns);
	return memo_get(&known->offences, prefix, 0, now_ns);
}

void known_offend(struct known *known, const struct prefix *prefix, int64_t now_ns,
		  int64_t forgiven_ns)
{
	uint32_t offences = memo_get(&known->offences, prefix, 0, now_ns);

	memo_set(&known->offences, prefix, 0, offences + 1, forgiven_ns);
}

void known_forgive_at(struct known *known, const struct prefix *prefix, int64_t forgiven_ns)
{
	uint32_t offences = memo_get(&known->offences, prefix, 0, 0);

	if (offences)
		memo_set(&known->offences, prefix, 0, offences, forgiven_ns);
}

void known_forgive(struct known *known, const struct prefix *prefix)
{
	if (memo_get(&known->offences, prefix, 0, 0))
		memo_set(&known->offences, prefix, 0, 0, 0);
}

/* ---- what was unblocked ---------------------------------------------------------------------- */

void known_hold(struct known *known, const struct prefix *prefix, uint32_t kind, int64_t until_ns)
{
	memo_set(&known->held, prefix, kind, 1, until_ns);
	known->held_lengths[prefix->len] = true;
}

void known_release(struct known *known, const struct prefix *prefix, uint32_t kind)
{
	if (memo_get(&known->held, prefix, kind, 0))
		memo_set(&known->held, prefix, kind, 0, 0);
}

int64_t known_held_until(const struct known *known, const struct prefix *prefix, uint32_t kind,
			 int64_t now_ns)
{
	int64_t latest_ns = 0;

	for (uint32_t len = 0; len <= prefix->len; len++) {
		struct prefix wider = { .len = len };
		int64_t until_ns;

		if (!known->held_lengths[len])
			continue;
		wider.address = address_masked(&prefix->address, len);
		if (!prefix_overlaps(&wider, prefix)) /* no IPv4 address is inside of ::/0 */
			continue;
		until_ns = memo_until(&known->held, &wider, kind, now_ns);
		if (latest_ns < until_ns)
			latest_ns = until_ns;
	}
	if (!latest_ns && prefix->len < PREFIX_LEN_FULL)
		latest_ns = memo_until_inside(&known->held, prefix, kind, now_ns);
	return latest_ns;
}

/* ---- who is there ---------------------------------------------------------------------------- */

void known_peer(struct known *known, const struct prefix *address, int64_t until_ns)
{
	memo_set(&known->peers, address, 0, 1, until_ns);
}

bool known_has_peer(const struct known *known, const struct prefix *prefix, int64_t now_ns)
{
	if (prefix->len == PREFIX_LEN_FULL)
		return memo_get(&known->peers, prefix, 0, now_ns);
	return memo_until_inside(&known->peers, prefix, 0, now_ns);
}
