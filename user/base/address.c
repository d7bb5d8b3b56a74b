/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text to address and back, and what prefixes have in common. A prefix belongs to one family: ::/0
 * holds no IPv4 address, although the mapped form lies inside it, because nobody who writes it
 * means that. Not here: sets of prefixes (enforce/), and names (fwgen never asks a resolver).
 */
#include "base/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

static bool is_ipv4(const struct prefix *prefix)
{
	return prefix->len >= PREFIX_LEN_MAPPED && address_is_ipv4(&prefix->address);
}

struct address address_from_ipv4(uint32_t be32)
{
	struct address out;

	memcpy(out.bytes, mapped, sizeof(mapped));
	out.words[3] = be32;
	return out;
}

struct address address_from_ipv6(const void *bytes)
{
	struct address out;

	memcpy(out.bytes, bytes, sizeof(out.bytes));
	return out;
}

bool address_is_ipv4(const struct address *address)
{
	return !memcmp(address->bytes, mapped, sizeof(mapped));
}

bool address_equal(const struct address *a, const struct address *b)
{
	return a->halves[0] == b->halves[0] && a->halves[1] == b->halves[1];
}

bool prefix_equal(const struct prefix *a, const struct prefix *b)
{
	return a->len == b->len && address_equal(&a->address, &b->address);
}

int address_parse(const char *text, struct address *out)
{
	struct in6_addr six;
	struct in_addr four;

	if (inet_pton(AF_INET, text, &four) == 1) {
		*out = address_from_ipv4(four.s_addr);
		return 0;
	}
	if (inet_pton(AF_INET6, text, &six) == 1) {
		*out = address_from_ipv6(&six);
		return 0;
	}
	return -EINVAL;
}

/* One to three digits and nothing else: strtoul would take " +08". */
static int parse_len(const char *text, uint32_t max, uint32_t *out)
{
	size_t digits = strspn(text, "0123456789");
	uint32_t len;

	if (digits < 1 || digits > 3 || text[digits] || (digits > 1 && text[0] == '0'))
		return -EINVAL;
	len = (uint32_t)strtoul(text, NULL, 10);
	if (len > max)
		return -EINVAL;
	*out = len;
	return 0;
}

int prefix_parse(const char *text, struct prefix *out)
{
	const char *slash = strchr(text, '/');
	size_t size = slash ? (size_t)(slash - text) : strlen(text);
	uint32_t len = PREFIX_LEN_FULL;
	char base[ADDRESS_TEXT];
	struct address address;

	if (size >= sizeof(base))
		return -EINVAL;
	memcpy(base, text, size);
	base[size] = '\0';
	if (address_parse(base, &address))
		return -EINVAL;
	if (slash) {
		/* The spelling decides what /len counts: ::ffff:192.0.2.0/120 is 192.0.2.0/24. */
		uint32_t front = strchr(base, ':') ? 0 : PREFIX_LEN_MAPPED;

		if (parse_len(slash + 1, PREFIX_LEN_FULL - front, &len))
			return -EINVAL;
		len += front;
	}
	*out = (struct prefix){ .address = address_masked(&address, len), .len = len };
	return 0;
}

const char *address_format(const struct address *address, char buf[ADDRESS_TEXT])
{
	const char *done;

	if (address_is_ipv4(address))
		done = inet_ntop(AF_INET, &address->words[3], buf, ADDRESS_TEXT);
	else
		done = inet_ntop(AF_INET6, address->bytes, buf, ADDRESS_TEXT);
	if (!done)
		buf[0] = '\0'; /* cannot be: both families fit ADDRESS_TEXT */
	return buf;
}

const char *prefix_format(const struct prefix *prefix, char buf[PREFIX_TEXT])
{
	char base[ADDRESS_TEXT];

	/* A base that looks mapped in a shorter prefix is IPv6 and must not be written dotted. */
	if (prefix->len < PREFIX_LEN_MAPPED && address_is_ipv4(&prefix->address))
		inet_ntop(AF_INET6, prefix->address.bytes, base, sizeof(base));
	else
		address_format(&prefix->address, base);
	if (prefix->len >= PREFIX_LEN_FULL)
		snprintf(buf, PREFIX_TEXT, "%s", base);
	else /* the mask only shows the compiler that it fits */
		snprintf(buf, PREFIX_TEXT, "%s/%u", base, prefix_family_len(prefix) & 0xff);
	return buf;
}

uint32_t prefix_family_len(const struct prefix *prefix)
{
	return is_ipv4(prefix) ? prefix->len - PREFIX_LEN_MAPPED : prefix->len;
}

struct prefix prefix_of(const struct address *address)
{
	return (struct prefix){ .address = *address, .len = PREFIX_LEN_FULL };
}

struct address address_masked(const struct address *address, uint32_t len)
{
	struct address out = { .halves = { 0, 0 } };

	if (len >= PREFIX_LEN_FULL)
		return *address;
	memcpy(out.bytes, address->bytes, len / 8);
	if (len % 8)
		out.bytes[len / 8] = address->bytes[len / 8] & (uint8_t)(0xff00 >> len % 8);
	return out;
}

bool prefix_contains(const struct prefix *prefix, const struct address *address)
{
	struct address base = address_masked(address, prefix->len);

	return is_ipv4(prefix) == address_is_ipv4(address) &&
	       address_equal(&base, &prefix->address);
}

bool prefix_overlaps(const struct prefix *a, const struct prefix *b)
{
	const struct prefix *wide = a->len <= b->len ? a : b;
	const struct prefix *narrow = wide == a ? b : a;
	struct address base = address_masked(&narrow->address, wide->len);

	return is_ipv4(wide) == is_ipv4(narrow) && address_equal(&base, &wide->address);
}

static uint64_t hash_seed[4];

static void fill_seed(void)
{
	size_t have = 0;

	while (have < sizeof(hash_seed)) {
		ssize_t n = getrandom((char *)hash_seed + have, sizeof(hash_seed) - have, 0);

		if (n > 0)
			have += (size_t)n;
		else if (errno != EINTR)
			abort(); /* a table with a known seed is a table an attacker can fill */
	}
}

static uint64_t fold(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

uint64_t address_hash(const struct address *address)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	uint64_t mixed;

	pthread_once(&once, fill_seed);
	mixed = fold(address->halves[0] ^ hash_seed[0], address->halves[1] ^ hash_seed[1]);
	return fold(mixed ^ hash_seed[2], hash_seed[3] | 1);
}
