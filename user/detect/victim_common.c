/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sampled packets, sorted when somebody is flooded and not before. Who is: victim.c. */
#include "detect/victim_common.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include "contact.h"

#define KEPT_MAX   8192
#define LOUD_PARTS 8 /* a source with more than one part in so many is loud */
#define LOUD_LEAST 3 /* packets; more than so many at least */

struct kept_packet {
	struct packet_sample packet;
	int64_t at_ns;
	uint8_t kind; /* enum victim_kind, as sampled */
	bool answered;
};

int victim_packets_init(struct victim_packets *packets)
{
	*packets = (struct victim_packets){ 0 };
	packets->items = calloc(KEPT_MAX, sizeof(*packets->items));
	packets->order = calloc(KEPT_MAX, sizeof(*packets->order));
	if (packets->items && packets->order)
		return 0;
	victim_packets_done(packets);
	return -ENOMEM;
}

void victim_packets_done(struct victim_packets *packets)
{
	free(packets->items);
	free(packets->order);
	*packets = (struct victim_packets){ 0 };
}

uint64_t victim_packets_bytes(void)
{
	return KEPT_MAX * (sizeof(struct kept_packet) + sizeof(struct kept_packet *));
}

/* A service notes the flow when it answers; a host that is flooded does not get to it. */
static bool is_answered(struct contacts *contacts, const struct packet_sample *packet)
{
	uint32_t ports = (uint32_t)packet->source_port << 16 | packet->destination_port;

	if (!contacts || packet->protocol != IPPROTO_UDP)
		return false;
	return contact_has(contacts, contact_hash(contacts,
						  contact_ends(contacts, &packet->source,
							       &packet->destination),
						  ports, CONTACT_FLOW | IPPROTO_UDP));
}

void victim_packets_take(struct victim_packets *packets, const struct interval *interval)
{
	for (size_t i = 0; i < interval->packet_count; i++) {
		const struct packet_sample *packet = &interval->packets[i];
		enum victim_kind kind = victim_kind_of(packet);

		if (kind == VICTIM_KINDS)
			continue;
		packets->items[packets->next] = (struct kept_packet){
			.packet = *packet,
			.at_ns = interval->traffic.end.boot_ns,
			.kind = (uint8_t)kind,
			.answered = is_answered(interval->contacts, packet),
		};
		packets->next = (packets->next + 1) % KEPT_MAX;
		if (packets->count < KEPT_MAX)
			packets->count++;
	}
}

static int compare_place(const struct kept_packet *packet, const struct address *destination,
			 uint8_t kind)
{
	int order = memcmp(&packet->packet.destination, destination, sizeof(*destination));

	return order ? order : packet->kind - kind;
}

static int compare(const void *left, const void *right)
{
	const struct kept_packet *a = *(struct kept_packet *const *)left;
	const struct kept_packet *b = *(struct kept_packet *const *)right;
	int order = compare_place(a, &b->packet.destination, b->kind);

	return order ? order : memcmp(&a->packet.source, &b->packet.source, sizeof(struct address));
}

void victim_packets_sort(struct victim_packets *packets, int64_t since_ns)
{
	packets->ordered = 0;
	for (uint32_t i = 0; i < packets->count; i++) {
		if (packets->items[i].at_ns > since_ns)
			packets->order[packets->ordered++] = &packets->items[i];
	}
	qsort(packets->order, packets->ordered, sizeof(*packets->order), compare);
}

/* The first in the order that is not before this destination and kind. */
static size_t lower_bound(const struct victim_packets *packets, const struct address *destination,
			  uint8_t kind)
{
	size_t low = 0, high = packets->ordered;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (compare_place(packets->order[middle], destination, kind) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* ---- sources --------------------------------------------------------------------------------- */

static void add_source(struct crowd *crowd, uint32_t packets)
{
	crowd->sources++;
	crowd->once += packets == 1;
	crowd->twice += packets == 2;
	if (packets > LOUD_LEAST && packets > crowd->packets / LOUD_PARTS)
		crowd->loud += packets;
}

static void count_sources(struct kept_packet *const *items, struct crowd *crowd)
{
	uint32_t run = 0;

	for (uint32_t i = 0; i < crowd->packets; i++) {
		crowd->answered += items[i]->answered;
		if (run && memcmp(&items[i]->packet.source, &items[i - 1]->packet.source,
				  sizeof(struct address))) {
			add_source(crowd, run);
			run = 0;
		}
		run++;
	}
	if (run)
		add_source(crowd, run);
}

/*
 * Chao's estimate for samples that are not put back: those seen once and twice tell how many were
 * not seen at all. When no source came twice, all of the packets may have one of their own.
 */
double crowd_sources(const struct crowd *crowd, double packets)
{
	double n = crowd->packets, once = crowd->once, share, unseen;

	if (n < 2 || packets <= n || !crowd->once)
		return crowd->sources;
	share = n / packets;
	unseen = 2 * crowd->twice * n / (n - 1) + share / (1 - share) * once;
	return crowd->sources + once * once / unseen;
}

/* ---- what they have in common ---------------------------------------------------------------- */

static bool has_field(enum victim_kind kind, enum trait_field field)
{
	uint32_t classes = victim_classes(kind);

	switch (field) {
	case TRAIT_FLAGS:
		return classes & (CLASS_SYN | CLASS_TCP);
	case TRAIT_ICMP_TYPE:
		return classes & CLASS_ICMP;
	case TRAIT_SOURCE_PORT:
	case TRAIT_DESTINATION_PORT:
		return classes & (CLASS_SYN | CLASS_TCP | CLASS_UDP);
	default:
		return true;
	}
}

static uint16_t value_of(const struct packet_sample *packet, enum trait_field field)
{
	switch (field) {
	case TRAIT_LENGTH:
		return packet->bytes;
	case TRAIT_FLAGS:
		return packet->tcp_flags;
	case TRAIT_TTL:
		return packet->ttl;
	case TRAIT_ICMP_TYPE:
		return packet->icmp_type;
	case TRAIT_SOURCE_PORT:
		return packet->source_port;
	default:
		return packet->destination_port;
	}
}

/* The value of more than half of them, if there is one (Boyer and Moore's vote), and its share. */
static struct trait majority(struct kept_packet *const *items, uint32_t n, enum trait_field field)
{
	uint32_t lead = 0, having = 0;
	uint16_t value = 0;

	for (uint32_t i = 0; i < n; i++) {
		uint16_t one = value_of(&items[i]->packet, field);

		if (!lead)
			value = one;
		if (one == value)
			lead++;
		else
			lead--;
	}
	for (uint32_t i = 0; i < n; i++)
		having += value_of(&items[i]->packet, field) == value;
	return (struct trait){ .field = (uint8_t)field,
			       .value = value,
			       .share = (uint8_t)(2 * having > n ? 100ull * having / n : 0) };
}

static void find_traits(struct kept_packet *const *items, enum victim_kind kind,
			struct crowd *crowd)
{
	size_t count = 0;

	for (unsigned int i = 0; i < TRAIT_FIELDS; i++) {
		enum trait_field field = (enum trait_field)i;
		bool port = field == TRAIT_SOURCE_PORT || field == TRAIT_DESTINATION_PORT;
		struct trait trait;

		if (!has_field(kind, field))
			continue;
		trait = majority(items, crowd->packets, field);
		if (!trait.share || (port && !trait.value)) /* fragments have no ports */
			continue;
		crowd->traits[count++] = trait;
		if (field == TRAIT_DESTINATION_PORT)
			crowd->port = trait.value;
	}
}

void victim_packets_crowd(const struct victim_packets *packets, const struct address *destination,
			  enum victim_kind kind, struct crowd *out)
{
	uint8_t sampled = (uint8_t)victim_kind_sampled(kind);
	size_t first = lower_bound(packets, destination, sampled);
	size_t end = lower_bound(packets, destination, sampled + 1);

	*out = (struct crowd){ .packets = (uint32_t)(end - first) };
	if (!out->packets)
		return;
	count_sources(packets->order + first, out);
	find_traits(packets->order + first, kind, out);
}
