/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses and prefixes: text to struct and back, and set relations. IPv4 is held as its
 * v4-mapped IPv6 form (RFC 4291, 2.5.5.2), so no caller needs a second code path.
 */
#ifndef FWGEN_ADDRESS_H
#define FWGEN_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "abi.h"

#define ADDRESS_TEXT 46 /* INET6_ADDRSTRLEN */
#define PREFIX_TEXT  50

/* Parses "192.0.2.1", "2001:db8::1" or "::ffff:192.0.2.1". Returns 0, or -EINVAL. */
int address_parse(const char *text, struct address *out);

/* Parses an address with or without "/len". Host bits are cleared. Returns 0, or -EINVAL. */
int prefix_parse(const char *text, struct prefix *out);

/* Writes the canonical text (RFC 5952; IPv4 dotted) into buf and returns buf. */
const char *address_format(const struct address *address, char buf[ADDRESS_TEXT]);

/* As address_format, with "/len" (in the family's own bits) unless the prefix is one address. */
const char *prefix_format(const struct prefix *prefix, char buf[PREFIX_TEXT]);

bool address_is_ipv4(const struct address *address);
bool address_equal(const struct address *a, const struct address *b);
bool prefix_equal(const struct prefix *a, const struct prefix *b);

/* From 4 bytes in network order. */
struct address address_from_ipv4(uint32_t be32);
/* From 16 bytes in network order. */
struct address address_from_ipv6(const void *bytes);
/* The prefix of one address. */
struct prefix prefix_of(const struct address *address);
/* The address with all bits after len cleared. */
struct address address_masked(const struct address *address, uint32_t len);
bool prefix_contains(const struct prefix *prefix, const struct address *address);
/* Whether any address is in both: one contains the other's base. */
bool prefix_overlaps(const struct prefix *a, const struct prefix *b);
/* The length as people write it: IPv4 /24 for 120. */
uint32_t prefix_family_len(const struct prefix *prefix);

/* A hash for tables in memory; seeded once per process from getrandom(2). */
uint64_t address_hash(const struct address *address);

#endif
