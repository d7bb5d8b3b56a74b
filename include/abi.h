/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The contract between the two compilers: every structure that the XDP program and the
 * userspace share, each typed once, with its layout asserted. Compiled by clang for BPF and by
 * cc for userspace, so nothing but <linux/types.h> is included.
 *
 * ABI_VERSION is part of the name of the directory that holds the pins: a daemon adopts only
 * maps whose layout it was built with.
 */
#ifndef FWGEN_ABI_H
#define FWGEN_ABI_H

#include <linux/types.h>

#define ABI_VERSION 5

/* One address type everywhere: IPv6, or IPv4 as ::ffff:a.b.c.d (RFC 4291, 2.5.5.2), in network
 * order. */
struct address {
	union {
		__u8 bytes[16];
		__u16 shorts[8];
		__u32 words[4];
		__u64 halves[2];
	};
};

/* A prefix; len counts bits of the 128-bit form, so an IPv4 /24 is 120. Host bits are zero. */
struct prefix {
	struct address address;
	__u32 len;
	__u32 reserved; /* zero: prefixes are map keys, compared as bytes */
};

/*
 * What a block stops: the packets of a prefix, or those of them that go to one port of a protocol;
 * or the packets to one address, all of a class or those to one port. Of a source and with port and
 * protocol zero it is the prefix, byte for byte.
 */
enum block_kind { BLOCK_SOURCE, BLOCK_DESTINATION };

struct block_key {
	struct address address;
	__u32 len;
	__u16 port;
	__u8 protocol;
	__u8 kind; /* enum block_kind */
};

#define PREFIX_LEN_FULL	  128
#define PREFIX_LEN_MAPPED 96 /* bits in front of an IPv4 address */

/*
 * Packet classes: what a block may be restricted to. A packet has one class bit, or two when it is
 * a fragment (its protocol's and CLASS_FRAGMENT).
 */
enum packet_class {
	CLASS_SYN = 1 << 0, /* TCP SYN without ACK: a new connection */
	CLASS_TCP = 1 << 1, /* every other TCP packet */
	CLASS_UDP = 1 << 2,
	CLASS_ICMP = 1 << 3,	 /* ICMP over IPv4, ICMPv6 over IPv6 */
	CLASS_FRAGMENT = 1 << 4, /* a piece of a fragmented datagram, first or later */
	CLASS_OTHER = 1 << 5,	 /* every other protocol */
	CLASS_ALL = (1 << 6) - 1,
};

enum block_action { BLOCK_DROP = 1, BLOCK_LIMIT = 2 };

/* ---- the interval table ------------------------------------------------------------------ */

#define BUCKET_ENTRIES	8
#define TRY_HOST_BITS	64
#define TRY_PORT_BITS	32
#define TRY_TARGET_BITS 64

/* What is tried over TCP is kept apart from the rest: a bot speaks peer-to-peer as well. */
enum try_kind { TRY_TCP, TRY_OTHER, TRY_KINDS };

/*
 * What one interval has counted for one source (or, in the destination table, one destination: then
 * `hosts` are sources). Packets touch the first cache line; the second only when a port or host
 * changes or something rare arrives. Counters of 16 and 8 bits stop at their maximum.
 */
struct table_entry {
	struct address address;
	__u64 bytes; /* of the frames, Ethernet header included */
	__u32 packets;
	__u32 answers; /* of exchanges that the other side takes part in (contact.h) */
	__u32 udp;     /* that nobody asked for, like icmp */
	__u32 icmp;
	__u32 syn;	       /* SYN without ACK */
	__u16 established;     /* handshakes that came to their end */
	__u16 restricted_port; /* the last one used that is for some only */
	__u32 dropped;	       /* packets that a block stopped */
	__u32 last_peer;       /* folded peer address: the bitmaps are skipped while it repeats */
	__u16 last_port;
	__u8 last_protocol;
	__u8 prefix_len;	   /* 128, or the length of a hot prefix counted as one source */
	__u8 distinct_targets : 7; /* bits set in targets */
	__u8 restricted_udp : 1;   /* restricted_port is UDP's, not TCP's */
	__u8 distinct_hosts : 7;   /* bits set in hosts, 127 at most */
	__u8 assumed : 1;	   /* established holds flows whose SYN-ACK could not be seen */
	__u16 malformed;
	/* second cache line */
	__u64 hosts[TRY_KINDS]; /* peer addresses tried, keyed hash */
	__u64 targets;		/* ports of hosts: both in one hash */
	__u32 ports[TRY_KINDS]; /* destination ports tried */
	union {
		struct address last_address; /* the last peer tried, in full */
		__u64 members; /* of a hot prefix: addresses seen inside, keyed hash */
	};
	__u16 fragments; /* that nobody asked for, like what follows but for sensitive */
	__u16 syn_ack;
	__u16 stray;	       /* flows that begin with an ACK, FIN or RST */
	__u16 odd_flags;       /* NULL, FIN without ACK, XMAS, SYN+FIN, SYN+RST */
	__u8 sensitive;	       /* established connections to sensitive ports */
	__u8 restricted_tries; /* uses of restricted ports: handshakes completed, UDP unasked */
	__u16 amplifier;       /* UDP from amplifier ports */
	__u16 other;	       /* protocols that are not TCP, UDP, ICMP */
	__u16 protocols;       /* which ones, keyed hash */
};

/*
 * A bucket's header: half a cache line that decides. Headers are an array of their own, apart from
 * the entries: what a random-source flood touches, 256 KB for 8,192 buckets, stays in the cache and
 * in few pages. Tags of slots 2i and 2i+1 are lane i of tag word 0 and 1. A slot is empty (votes
 * 0), a first packet only (votes above 0, not valid), or an entry (valid).
 */
struct table_header {
	__u32 epoch; /* of the counts below; an older one means: reset before use */
	__u8 valid;  /* bit per slot */
	__u8 cursor; /* the slot the next miss looks at */
	__u16 reserved;
	__u64 tags[2];
	__u8 votes[BUCKET_ENTRIES];
};

/* The entries behind a header. */
struct table_entries {
	struct table_entry slot[BUCKET_ENTRIES];
};

#define TABLE_BUCKETS_MIN   64
#define TABLE_BUCKETS_MAX   65536
#define ESTIMATOR_REGISTERS 512 /* HyperLogLog: standard error 4.6 % */

/* What all packets of one CPU, interface and interval add up to, and which buckets to read. */
struct table_totals {
	__u32 epoch;
	__u32 relation; /* of the packet in hand: enum relation */
	__u64 packets;
	__u64 bytes;
	__u64 tcp;
	__u64 udp;
	__u64 icmp;
	__u64 other;
	__u64 dropped;
	__u64 dropped_bytes;
	__u64 malformed;
	__u64 not_ip;	  /* frames without an IP header: counted here only, not in packets */
	__u64 misses;	  /* packets whose source was not in its bucket */
	__u64 replaced;	  /* slots taken from a source on its last vote */
	__u64 wakes;	  /* wake records sent */
	__u64 wakes_lost; /* refused by the bound per interval, or the ring was full */
	__u64 reserved2;
	__u8 estimator[ESTIMATOR_REGISTERS]; /* HyperLogLog over the keyed hash */
	__u64 dirty[TABLE_BUCKETS_MAX / 64]; /* bit per bucket reset in this epoch */
};

/* What one of the packets that are counted by destination looked like. */
struct packet_sample {
	struct address source, destination;
	__u16 bytes;
	__u16 source_port, destination_port;
	__u8 protocol;
	__u8 tcp_flags;
	__u8 ttl; /* IPv6: hop limit */
	__u8 icmp_type;
	__u8 relation; /* enum relation (contact.h): what it is to its destination */
	__u8 reserved[5];
};

#define PACKET_SAMPLES 512 /* kept of one CPU and interval: the newest */

/* Secret numbers of one hash: h(w) = key[4] + sum of key[i] * w[i] over the address's words. */
struct hash_key {
	__u64 word[4];
	__u64 sum;
	__u64 finish; /* odd */
};

/* ---- direction ---------------------------------------------------------------------------- */

#define CONTACT_LINES	     32768
#define CONTACT_LINE_WORDS   2 /* of a generation */
#define CONTACT_LINE_PENDING 8
/* Notes of two bits each: at an eighth of a generation's bits, and at a quarter. */
#define CONTACT_BITS	    (CONTACT_LINES * CONTACT_LINE_WORDS * 64)
#define CONTACT_ARRIVED_MAX (CONTACT_BITS / 8 / 2)
#define CONTACT_FULL	    (CONTACT_BITS / 4 / 2)

/* Both generations, and the handshakes beside them: a look costs one cache line. */
struct contact_line {
	__u64 words[CONTACT_LINE_WORDS][2];
	__u32 pending[CONTACT_LINE_PENDING]; /* tags of handshakes that wait for their ACK */
};

/* What has left, and to whom: contact.h. Shared by all interfaces; userspace turns the generations.
 */
struct contacts {
	struct hash_key remote_key, local_key; /* per start */
	__u64 ports_key, kind_key;	       /* odd */
	__u64 noted;			       /* about so many notes in the running generation */
	__u32 generation;		       /* low bit: where notes go */
	__u32 learning; /* 1: too little has been seen for a missing note to mean anything */
	struct contact_line lines[CONTACT_LINES];
};

/* ---- the verdict ------------------------------------------------------------------------- */

struct block {
	__u64 deadline_jiffies; /* the program lets packets pass from here on, whoever is dead */
	__u64 limit_time;	/* BLOCK_LIMIT: when the rate allows the next packet, in ticks of
				 * 1/LIMIT_TICKS jiffies; all CPUs share it */
	__u32 classes;		/* enum packet_class */
	__u32 action;		/* enum block_action */
	__u32 rule_id;
	__u32 hits; /* index into the per-CPU hit counters */
	__u32 limit_pps;
	__u32 overlaps_protected; /* 1: look into the protected set before a drop */
};

#define LIMIT_TICKS (1 << 20)

struct block_hits {
	__u64 packets; /* dropped */
	__u64 bytes;
};

#define FILTER_LINE_BITS 512 /* one cache line; all bits of an element are in one line */
struct filter_line {
	__u64 words[8];
};

#define SET_LENGTHS 32 /* shorter than an address, per family: all of IPv4's */
#define AREA_BITS   65536
#define AREA_LINES  (AREA_BITS / FILTER_LINE_BITS)

/*
 * A set of prefixes as the program sees it (filter.h): a filter in front of the hash lookups, one
 * for the address, one for each shorter length. In front of these a bit for each area of addresses,
 * so that most packets ask for none of them.
 */
struct prefix_set {
	__u32 filter_base;  /* first line */
	__u32 filter_mask;  /* lines - 1 */
	__u32 area_base;    /* first of AREA_LINES lines of IPv4; IPv6's follow */
	__u32 addresses[2]; /* 1: full addresses are there; [0] IPv4, [1] IPv6 */
	__u32 count[2];	    /* shorter lengths in use */
	__u32 lengths[2][SET_LENGTHS];
	struct address masks[2][SET_LENGTHS];
};

/* Of a longest-prefix-match trie (linux/bpf.h): asked before a drop, by few blocks. */
struct protected_key {
	__u32 len;
	__u32 words[4];
};

/* Shared by all interfaces. Two versions of the set: the poller fills the idle one, then turns. */
struct verdict_control {
	struct hash_key filter_key;
	__u64 destination_blocks; /* which are there, roughly: filter_destination; 0: none */
	__u32 version;		  /* low bit: the set in force */
	__u32 observe;		  /* 1: count what would be dropped, drop nothing */
	struct prefix_set blocks[2];
	__u32 hz;
	__u32 port_blocks; /* how many blocks of sources are of one port; 0: not looked for */
	__u32 capture;	   /* 1: samples of what is dropped are wanted, of this prefix */
	struct address capture_address, capture_mask;
};

/* ---- samples of what is dropped -------------------------------------------------------------- */

#define CAPTURE_BYTES	  256 /* of a frame, at most */
#define CAPTURE_PER_JIFFY 8   /* samples, of one CPU and interface */

/* In front of the frame's first bytes. */
struct capture_record {
	__u64 boot_ns; /* CLOCK_BOOTTIME */
	__u32 frame_bytes;
	__u32 captured_bytes;
	__u32 ifindex;
	__u32 rule_id;
};

/* ---- the sensor, one per interface --------------------------------------------------------- */

#define CPUS_MAX	   1024 /* CPU ids, which may be sparse */
#define SLOT_NONE	   0	/* cpu_slot: no tables; its packets are counted as overflow */
#define HOT_PREFIXES_MAX   64
#define SENSITIVE_PORT_MAX 65536

/* Tail calls: what counts a packet's destination, by what became of the packet. */
enum program_index { PROGRAM_PASSED, PROGRAM_DROPPED, PROGRAM_COUNT };

/* Counts within one interval and CPU that wake the poller: at the mark and each power of two above.
 */
struct wake_marks {
	__u32 packets;
	__u32 syn;
	__u32 udp;
	__u32 icmp;
	__u32 odd_flags;
	__u32 targets;
	__u32 hosts;
	__u32 per_interval;  /* records one CPU may send */
	__u32 packets_limit; /* wakes too: the first count of packets that is over a limit */
};

struct sensor_control {
	__u32 epoch; /* low bit: the table in use; never 0 */
	__u32 bucket_mask;
	__u32 destination_bucket_mask;
	__u32 destination_every; /* a power of two: one packet in so many is counted by destination
				  */
	struct hash_key keys[2];
	struct hash_key bitmap_key; /* ports and hosts to bits; per start */
	struct wake_marks marks;
	__u32 hot_lengths; /* number of prefix lengths in hot_length[] */
	__u32 always_zero;
	__u8 hot_length[8];
	__u16 cpu_slot[CPUS_MAX];  /* SLOT_NONE, or slot + 1 */
	__u8 cpu_wanted[CPUS_MAX]; /* set by the program: packets came, no slot */
	__u64 overflow_packets[CPUS_MAX];
	__u32 restricted; /* 1: some ports are for some sources only */
	__u64 restricted_ports[2][SENSITIVE_PORT_MAX / 64]; /* TCP, UDP */
	__u64 sensitive_ports[SENSITIVE_PORT_MAX / 64];
	__u64 amplifier_ports[SENSITIVE_PORT_MAX / 64];
};

struct wake_record {
	__u32 epoch;
	__u32 cpu;
	struct table_entry entry; /* a copy: the drained interval replaces it */
};

#define LAYOUT_ASSERT(type, size) _Static_assert(sizeof(struct type) == (size), "layout of " #type)
LAYOUT_ASSERT(address, 16);
LAYOUT_ASSERT(prefix, 24);
LAYOUT_ASSERT(block_key, 24);
LAYOUT_ASSERT(table_entry, 128);
LAYOUT_ASSERT(table_header, 32);
LAYOUT_ASSERT(table_entries, BUCKET_ENTRIES * 128);
LAYOUT_ASSERT(block, 40);
LAYOUT_ASSERT(block_hits, 16);
LAYOUT_ASSERT(protected_key, 20);
LAYOUT_ASSERT(packet_sample, 48);
LAYOUT_ASSERT(filter_line, 64);
LAYOUT_ASSERT(contact_line, 64);
_Static_assert(__builtin_offsetof(struct contacts, lines) % 64 == 0, "lines are cache lines");
LAYOUT_ASSERT(hash_key, 48);
LAYOUT_ASSERT(wake_record, 136);
LAYOUT_ASSERT(capture_record, 24);
_Static_assert(sizeof(struct table_totals) % 64 == 0, "a table's totals fill cache lines");

#endif
