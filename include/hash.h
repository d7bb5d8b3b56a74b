/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The keyed hash of addresses. Multilinear hashing (Lemire and Kaser, "Strongly universal string
 * hashing is fast", 2014): the upper half of key.sum + sum(key.word[i] * w[i]) is strongly
 * universal, so nobody who does not know the key can choose addresses that share a bucket or a tag
 * more often than chance. Alone it is linear: on average no worse than chance, but with one key in
 * a hundred addresses in a row crowd into a few buckets, and ports in a row into a few bits.
 * Folding it and multiplying once more by a secret odd number (universal too: Dietzfelbinger et
 * al., 1997) takes that away.
 */
#ifndef FWGEN_HASH_H
#define FWGEN_HASH_H

#include "abi.h"

#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif

static __always_inline __u64 hash_unline(const struct hash_key *key, __u64 h)
{
	return (h ^ (h >> 32)) * key->finish;
}

/* The multilinear part alone, for sums of several. */
static __always_inline __u64 hash_linear(const struct hash_key *key, const struct address *a)
{
	__u64 h = key->sum + key->word[2] * a->words[2] + key->word[3] * a->words[3];

	if (a->halves[0]) /* not IPv4 */
		h += key->word[0] * a->words[0] + key->word[1] * a->words[1];
	return h;
}

/* The upper 32 bits are the hash; hash_finish spreads it to all 64. */
static __always_inline __u64 hash_address(const struct hash_key *key, const struct address *a)
{
	return hash_unline(key, hash_linear(key, a));
}

/* The same without a branch: where the verifier would follow both ways many times over. */
static __always_inline __u64 hash_address_straight(const struct hash_key *key,
						   const struct address *a)
{
	return hash_unline(key, key->sum + key->word[0] * a->words[0] + key->word[1] * a->words[1] +
					key->word[2] * a->words[2] + key->word[3] * a->words[3]);
}

static __always_inline __u64 hash_finish(__u64 h)
{
	h = (h ^ (h >> 32)) * 0x9e3779b97f4a7c15ULL;
	return h ^ (h >> 29);
}

/* A hash of one number (a port), of which the caller takes the top bits. */
static __always_inline __u64 hash_number(const struct hash_key *key, __u32 number)
{
	return hash_unline(key, key->sum + key->word[0] * number);
}

#endif
