/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "host/address_set.h"

#include <stdio.h>
#include <string.h>
#include "base/address.h"

bool address_is_loopback(const struct address *address)
{
	static const struct address loopback6 = { .bytes[15] = 1 };

	return address_is_ipv4(address) ? address->bytes[12] == 127
					: address_equal(address, &loopback6);
}

bool address_is_unspecified(const struct address *address)
{
	static const struct address unspecified6;

	return address_equal(address, &unspecified6) ||
	       (address_is_ipv4(address) && !address->words[3]);
}

void address_set_add(struct address_set *set, const struct address *address)
{
	if (set->count == ADDRESS_SET_MAX || address_is_loopback(address) ||
	    address_is_unspecified(address))
		return;
	for (size_t i = 0; i < set->count; i++) {
		if (address_equal(&set->addresses[i], address))
			return;
	}
	set->addresses[set->count++] = *address;
}

void address_set_add_text(struct address_set *set, const char *text)
{
	char literal[ADDRESS_TEXT];
	struct address address;

	snprintf(literal, sizeof(literal), "%.*s", (int)strcspn(text, "%"), text);
	if (!address_parse(literal, &address))
		address_set_add(set, &address);
}
