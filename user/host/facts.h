/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What rtnetlink says about this box, reduced to what fwgen needs: a sorted set of addresses with
 * the part they play, the interfaces, the best default routes. A box with a million routes still
 * has a few next hops, so its facts stay small. Private to host/.
 */
#ifndef FWGEN_HOST_FACTS_H
#define FWGEN_HOST_FACTS_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "abi.h"
#include "model/protected.h"

/* In the order in which they explain an address that plays several parts. */
enum fact_kind {
	FACT_OWN,
	FACT_DEFAULT_GATEWAY,
	FACT_NEXT_HOP,
	FACT_PEER,
	FACT_TUNNEL,
	FACT_BROADCAST,
	FACT_ANYCAST,
	FACT_LOCAL_ROUTE,
	FACT_KIND_COUNT
};

/* Compared as bytes: no padding, unused bits zero. */
struct fact {
	uint32_t kind; /* enum fact_kind */
	uint32_t link; /* ifindex, 0: none */
	struct prefix prefix;
};

struct link_fact {
	uint32_t index;
	char name[IF_NAMESIZE];
};

struct default_route {
	uint32_t link; /* 0: there is none */
	uint32_t metric;
	bool main_table; /* preferred to any other table's */
};

struct facts {
	struct fact *items; /* owned; sorted, each once */
	size_t count, capacity;
	struct link_fact *links; /* owned; sorted by index */
	size_t link_count, link_capacity;
	struct default_route default4, default6;
};

/* Both keep the set sorted and without doubles. Return 0 or -ENOMEM, the set unchanged. */
int facts_add(struct facts *facts, const struct fact *fact);
int facts_add_link(struct facts *facts, uint32_t index, const char *name);
/* Keeps the better of the two. */
void facts_offer_default(struct default_route *best, const struct default_route *candidate);

/* Whether every fact and link of part is also in whole; default routes are not looked at. */
bool facts_contain(const struct facts *whole, const struct facts *part);
bool facts_equal(const struct facts *a, const struct facts *b);
/* Whether some fact of this kind names the prefix, on whatever interface. */
bool facts_have(const struct facts *facts, enum fact_kind kind, const struct prefix *prefix);
/* The interface's name, or NULL. */
const char *facts_link_name(const struct facts *facts, uint32_t index);

/* Appends all addresses with their reasons. Returns 0 or -ENOMEM. */
int facts_protect(const struct facts *facts, struct protected_list *out);

void facts_free(struct facts *facts);

#endif
