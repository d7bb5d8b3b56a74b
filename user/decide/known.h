/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is remembered of an address beyond its rule: how often it offended, that somebody has
 * unblocked it, that somebody real is there. None of it comes from packets that anybody can forge,
 * so a flood of forged sources pushes nothing of it out.
 */
#ifndef FWGEN_DECIDE_KNOWN_H
#define FWGEN_DECIDE_KNOWN_H

#include <stdbool.h>
#include "decide/memo.h"

struct known {
	struct memo offences, held, peers;
	bool held_lengths[PREFIX_LEN_FULL + 1]; /* that any was ever held of */
};

/* Returns 0 or -ENOMEM. */
int known_init(struct known *known);
void known_done(struct known *known);

/* Rules on proven evidence that are not forgiven yet; *forgiven_ns (or NULL): when they will be. */
uint32_t known_offences(const struct known *known, const struct prefix *prefix, int64_t now_ns,
			int64_t *forgiven_ns);
/* One more; all of them are forgiven then. */
void known_offend(struct known *known, const struct prefix *prefix, int64_t now_ns,
		  int64_t forgiven_ns);
/* They are forgiven at this time instead. */
void known_forgive_at(struct known *known, const struct prefix *prefix, int64_t forgiven_ns);
void known_forgive(struct known *known, const struct prefix *prefix);

/* No findings make a rule of this kind (enum block_kind) for it until then. */
void known_hold(struct known *known, const struct prefix *prefix, uint32_t kind, int64_t until_ns);
void known_release(struct known *known, const struct prefix *prefix, uint32_t kind);
/* Until when anything that overlaps the prefix is held, or 0. */
int64_t known_held_until(const struct known *known, const struct prefix *prefix, uint32_t kind,
			 int64_t now_ns);

/* Somebody real is at this address. */
void known_peer(struct known *known, const struct prefix *address, int64_t until_ns);
/* Whether somebody real is anywhere in the prefix. */
bool known_has_peer(const struct known *known, const struct prefix *prefix, int64_t now_ns);

#endif
