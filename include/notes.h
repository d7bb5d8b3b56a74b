/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The notes of what has left: a two-generation bit filter with a secret hash, and beside its bits
 * the handshakes that wait for their ACK. What is noted, and what a note means, is contact.h's
 * matter.
 *
 * Bits are set without atomics: two CPUs that set bits of one word at once may lose one, which the
 * flow's next packet sets again.
 */
#ifndef FWGEN_NOTES_H
#define FWGEN_NOTES_H

#include "hash.h"
#include "packet.h"

enum contact_kind {
	CONTACT_FLOW = 0x100,
	CONTACT_PAIR = 0x200,
	CONTACT_HOST = 0x300,
	CONTACT_STRAY = 0x400, /* a flow that was seen to begin with nothing */
};

/* What the notes of two hosts have in common. remote: who sends what arrives; local: whom it is
 * for.
 */
static __always_inline __u64 contact_ends(const struct contacts *contacts,
					  const struct address *remote, const struct address *local)
{
	return hash_linear(&contacts->remote_key, remote) +
	       hash_linear(&contacts->local_key, local);
}

/* ports: remote's << 16 | local's. */
static __always_inline __u64 contact_hash(const struct contacts *contacts, __u64 ends, __u32 ports,
					  __u32 kind)
{
	return hash_unline(&contacts->local_key,
			   ends + contacts->ports_key * ports + contacts->kind_key * kind);
}

static __always_inline __u64 contact_host_hash(const struct contacts *contacts,
					       const struct address *host)
{
	return hash_unline(&contacts->local_key, hash_linear(&contacts->local_key, host) +
							 contacts->kind_key * CONTACT_HOST);
}

static __always_inline __u32 contact_line_index(__u64 hash)
{
	return (hash >> 49) & (CONTACT_LINES - 1);
}

static __always_inline struct contact_line *contact_line(struct contacts *contacts, __u64 hash)
{
	return &contacts->lines[contact_line_index(hash)];
}

/* Both bits of a note are in one word. */
static __always_inline __u32 contact_word(__u64 hash)
{
	return (hash >> 48) & (CONTACT_LINE_WORDS - 1);
}

static __always_inline __u64 contact_bits(__u64 hash)
{
	return 1ULL << ((hash >> 42) & 63) | 1ULL << ((hash >> 36) & 63);
}

static __always_inline int contact_line_has(const struct contact_line *line, __u64 hash)
{
	const __u64 *words = line->words[contact_word(hash)];
	__u64 bits = contact_bits(hash);

	return !(~words[0] & bits) | !(~words[1] & bits);
}

static __always_inline int contact_has(const struct contacts *contacts, __u64 hash)
{
	return contact_line_has(&contacts->lines[contact_line_index(hash)], hash);
}

/* Into the running generation; written only when it is news. */
static __always_inline void contact_set(struct contacts *contacts, __u64 hash)
{
	__u64 *words = contact_line(contacts, hash)->words[contact_word(hash)];
	__u64 *word = &words[contacts->generation & 1], bits = contact_bits(hash);

	if (packet_likely(!(~*word & bits)))
		return;
	*word |= bits;
	contacts->noted++; /* about: CPUs may overwrite each other's */
}

/* A tag: the interface that the SYN-ACK left by, a bit that is always set, the hash. */
#define CONTACT_TAG_INTERFACE 0xffu
#define CONTACT_TAG_SET	      0x100u
#define CONTACT_TAG_HASH      0xfffffe00u

/*
 * A handshake that waits for its ACK is in the line of its flow, so that looking for it costs
 * nothing: a tag by the acknowledgement number. Asked before the flow's bits: a connection may have
 * had the same ports a moment ago.
 */
static __always_inline __u32 *contact_pending(struct contact_line *line, __u64 flow)
{
	return &line->pending[(flow >> 32) & (CONTACT_LINE_PENDING - 1)];
}

static __always_inline __u32 contact_tag(const struct contacts *contacts, __u64 flow,
					 __u32 acknowledgement, __u32 interface)
{
	__u32 hash = (__u32)hash_finish(flow ^ (contacts->ports_key * acknowledgement));

	return (hash & CONTACT_TAG_HASH) | CONTACT_TAG_SET | (interface & CONTACT_TAG_INTERFACE);
}

/* Whether the tag is of that handshake, whatever interface it names. */
static __always_inline int contact_is_tag(const struct contacts *contacts, __u32 tag, __u64 flow,
					  __u32 acknowledgement)
{
	return tag == contact_tag(contacts, flow, acknowledgement, tag);
}

#endif
