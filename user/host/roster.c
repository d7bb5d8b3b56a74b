/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "host/roster.h"

#include <stdio.h>
#include <string.h>
#include "base/address.h"
#include "host/address_set.h"

static const char *const names[] = {
	[ROSTER_SSH] = "login sessions",	   [ROSTER_TIME] = "NTP servers",
	[ROSTER_LEASE] = "DHCP servers",	   [ROSTER_ROUTING] = "routing neighbours",
	[ROSTER_VPN] = "VPN and tunnel endpoints",
};
_Static_assert(sizeof(names) / sizeof(names[0]) == ROSTER_SOURCES, "a name per source");

const char *roster_source_name(enum roster_source source)
{
	return names[source];
}

void roster_begin(struct roster *roster, int64_t now_ns)
{
	roster->reading++;
	roster->now_ns = now_ns;
	roster->changed = false;
	memset(roster->refused, 0, sizeof(roster->refused));
}

static void drop(struct roster *roster, struct roster_entry *entry)
{
	roster->changed |= entry->counts;
	roster->by_source[entry->source]--;
	*entry = roster->items[--roster->count];
}

/* The entry of this source that was seen longest ago, if not in this reading. */
static struct roster_entry *oldest(struct roster *roster, enum roster_source source)
{
	struct roster_entry *found = NULL;

	for (size_t i = 0; i < roster->count; i++) {
		struct roster_entry *entry = &roster->items[i];

		if (entry->source == source && entry->reading != roster->reading &&
		    (!found || entry->seen_ns < found->seen_ns))
			found = entry;
	}
	return found;
}

/* An entry that does not count yet is one connection's. */
static struct roster_entry *find(struct roster *roster, enum roster_source source,
				 const struct address *address, uint32_t token)
{
	for (size_t i = 0; i < roster->count; i++) {
		struct roster_entry *entry = &roster->items[i];

		if (entry->source == source && address_equal(&entry->address, address) &&
		    (entry->counts || !token || entry->token == token))
			return entry;
	}
	return NULL;
}

static struct roster_entry *add(struct roster *roster, enum roster_source source,
				const struct address *address)
{
	struct roster_entry *entry;

	if (roster->by_source[source] == ROSTER_SOURCE_MAX) {
		entry = oldest(roster, source);
		if (!entry) {
			roster->refused[source]++;
			return NULL;
		}
		drop(roster, entry);
	}
	entry = &roster->items[roster->count++];
	*entry = (struct roster_entry){ .address = *address, .source = source };
	roster->by_source[source]++;
	return entry;
}

void roster_see(struct roster *roster, enum roster_source source, const struct address *address,
		uint32_t token, const char *reason)
{
	struct roster_entry *entry;
	bool confirmed, first;

	if (address_is_loopback(address) || address_is_unspecified(address))
		return;
	entry = find(roster, source, address, token);
	if (!entry)
		entry = add(roster, source, address);
	if (!entry)
		return;
	confirmed = !token || entry->counts ||
		    (entry->reading && entry->reading + 1 == roster->reading);
	/* two people's sessions from one address: the first one of a reading names it */
	first = entry->reading != roster->reading;
	if (confirmed && (!entry->counts || (first && strcmp(entry->reason, reason)))) {
		snprintf(entry->reason, sizeof(entry->reason), "%s", reason);
		roster->changed = true;
	}
	entry->counts = confirmed;
	entry->token = token;
	entry->reading = roster->reading;
	entry->seen_ns = roster->now_ns;
}

bool roster_end(struct roster *roster)
{
	for (size_t i = roster->count; i-- > 0;) {
		struct roster_entry *entry = &roster->items[i];
		int64_t grace_ns = entry->counts ? ROSTER_GRACE_NS : 0;

		if (entry->reading != roster->reading && roster->now_ns - entry->seen_ns > grace_ns)
			drop(roster, entry);
	}
	return roster->changed;
}

int roster_protect(const struct roster *roster, struct protected_list *out)
{
	int err = 0;

	for (size_t i = 0; !err && i < roster->count; i++) {
		const struct roster_entry *entry = &roster->items[i];
		const struct prefix prefix = prefix_of(&entry->address);

		if (entry->counts)
			err = protected_list_add(out, &prefix, entry->reason);
	}
	return err;
}
