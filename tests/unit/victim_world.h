/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A gateway's interface for tests of floods of one host: packets are counted by destination, one in
 * so many, and sampled with the data plane's own functions.
 */
#ifndef FWGEN_TESTS_VICTIM_WORLD_H
#define FWGEN_TESTS_VICTIM_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "base/address.h"
#include "base/clock.h"
#include "bpf/frames.h"
#include "detect/detect.h"
#include "table.h"

#define MS	 NS_PER_MS
#define SECOND	 NS_PER_SECOND
#define INTERVAL (250 * MS)
#define VICTIM	 "198.51.100.7"
#define ANYBODY	 1000000000u /* sources of a flood whose packets are all forged */

/* What is sent to one host: the sources are drawn from so many, from the first one on. */
struct stream {
	struct address to;
	uint32_t first_source, sources;
	uint32_t relation;
	uint16_t source_port, port; /* 0: another one each time */
	uint16_t bytes;
	uint8_t protocol, flags, ttl, icmp_type;
	bool fragments; /* later ones: without ports */
};

struct gate {
	struct config config;
	struct detect *detect;
	struct moment now;
	struct sensor_control control;
	struct frames random;
	struct sample *destinations; /* of the interval that is being filled */
	size_t count, capacity;
	struct packet_sample packets[PACKET_SAMPLES]; /* the newest */
	uint64_t sampled;
	bool no_samples;
	struct contacts *contacts;
	struct finding_list findings; /* of the last interval */
};

static inline struct address address_of(const char *text)
{
	struct address address;

	assert_int_equal(address_parse(text, &address), 0);
	return address;
}

static inline void allow_port(__u64 *ports, uint16_t port)
{
	ports[port / 64] |= 1ULL << port % 64;
}

static inline void gate_limit(struct gate *gate, uint64_t count, uint32_t seconds)
{
	struct detector_config *detector = &gate->config.detectors[DETECTOR_VICTIM_FLOOD];

	*detector = (struct detector_config){ .enabled = true, .action = ACTION_ALARM };
	detector->limits[0] = (struct limit){ count, seconds };
	detector->limit_count = 1;
}

static inline struct gate *gate_new(void)
{
	struct gate *gate = calloc(1, sizeof(*gate));

	assert_non_null(gate);
	gate->now = (struct moment){ .boot_ns = 5000 * SECOND, .wall_ns = 1700000000 * SECOND };
	frames_begin(&gate->random, 7);
	gate->control.destination_every = 8;
	for (int i = 0; i < 4; i++)
		gate->control.bitmap_key.word[i] =
			(uint64_t)frames_random(&gate->random, UINT32_MAX) << 32 |
			frames_random(&gate->random, UINT32_MAX);
	gate->control.bitmap_key.finish = 0x9e3779b97f4a7c15;
	allow_port(gate->control.amplifier_ports, 53);
	allow_port(gate->control.amplifier_ports, 123);
	gate_limit(gate, 1000, 1);
	assert_int_equal(detect_new(&gate->config, &gate->detect), 0);
	return gate;
}

static inline void gate_free(struct gate *gate)
{
	detect_free(&gate->detect);
	finding_list_free(&gate->findings);
	free(gate->destinations);
	free(gate);
}

static inline struct table_entry *gate_entry(struct gate *gate, const struct address *to)
{
	/* who was sent to last is sent to next */
	for (size_t i = gate->count; i-- > 0 && gate->count - i < 64;) {
		if (address_equal(&gate->destinations[i].entry.address, to))
			return &gate->destinations[i].entry;
	}
	if (gate->count == gate->capacity) {
		gate->capacity = gate->capacity ? 2 * gate->capacity : 64;
		gate->destinations = reallocarray(gate->destinations, gate->capacity,
						  sizeof(*gate->destinations));
		assert_non_null(gate->destinations);
	}
	gate->destinations[gate->count] = (struct sample){
		.entry = { .address = *to, .prefix_len = PREFIX_LEN_FULL },
	};
	return &gate->destinations[gate->count++].entry;
}

static inline uint32_t class_of(const struct stream *stream)
{
	if (stream->protocol == PROTOCOL_TCP)
		return (stream->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN ? CLASS_SYN : CLASS_TCP;
	if (stream->protocol == PROTOCOL_UDP)
		return CLASS_UDP;
	return stream->protocol == PROTOCOL_ICMP || stream->protocol == PROTOCOL_ICMPV6
		       ? CLASS_ICMP
		       : CLASS_OTHER;
}

static inline uint16_t port_or_any(struct gate *gate, uint16_t port)
{
	return port ? port : (uint16_t)(1024 + frames_random(&gate->random, 60000));
}

/* One that is counted, as fwgen_passed does it. */
static inline void gate_packet(struct gate *gate, const struct stream *stream)
{
	uint32_t number = stream->first_source + frames_random(&gate->random, stream->sources);
	struct packet packet = {
		.source = address_from_ipv4(__builtin_bswap32(number)),
		.destination = stream->to,
		.bytes = stream->bytes,
		.classes = class_of(stream),
		.protocol = stream->protocol,
		.tcp_flags = stream->flags,
		.icmp_type = stream->icmp_type,
	};
	struct table_subject subject = { .address = packet.destination,
					 .peer = packet.source,
					 .prefix_len = PREFIX_LEN_FULL,
					 .is_destination = 1 };
	struct packet_sample *sample = &gate->packets[gate->sampled++ % PACKET_SAMPLES];
	uint8_t ip[40] = { [8] = stream->ttl };

	if (stream->fragments) {
		packet.flags = PACKET_FRAGMENT | PACKET_LATER_FRAGMENT;
	} else if (packet.classes & (CLASS_SYN | CLASS_TCP | CLASS_UDP)) {
		packet.source_port = port_or_any(gate, stream->source_port);
		packet.destination_port = port_or_any(gate, stream->port);
	}
	packet_sample_fill(sample, &packet, stream->relation, ip, ip + sizeof(ip));
	table_add(gate_entry(gate, &stream->to), &subject, &packet, &gate->control,
		  stream->relation, 0);
}

/* So many on the wire; of what makes no whole sample, chance decides. */
static inline void gate_send(struct gate *gate, const struct stream *stream, uint32_t packets)
{
	uint32_t every = gate->control.destination_every;

	packets += frames_random(&gate->random, every);
	for (uint32_t i = 0; i < packets / every; i++)
		gate_packet(gate, stream);
}

/* Closes an interval of that length; returns the number of findings. */
static inline size_t gate_drain_after(struct gate *gate, int64_t duration_ns)
{
	size_t packets = gate->sampled < PACKET_SAMPLES ? gate->sampled : PACKET_SAMPLES;
	struct interval interval = {
		.traffic = { .start = gate->now, .end = moment_plus(gate->now, duration_ns) },
		.destinations = gate->destinations,
		.destination_count = gate->count,
		.destination_every = gate->control.destination_every,
		.packets = gate->no_samples ? NULL : gate->packets,
		.packet_count = gate->no_samples ? 0 : packets,
		.contacts = gate->contacts,
	};

	gate->now = interval.traffic.end;
	gate->findings.count = 0;
	assert_int_equal(detect_destinations(gate->detect, &interval, &gate->findings), 0);
	gate->count = 0;
	gate->sampled = 0;
	return gate->findings.count;
}

static inline size_t gate_drain(struct gate *gate)
{
	return gate_drain_after(gate, INTERVAL);
}

/* So many seconds at that rate; returns the number of findings. */
static inline size_t gate_run(struct gate *gate, const struct stream *stream, uint32_t rate,
			      uint32_t seconds)
{
	size_t findings = 0;

	for (uint32_t i = 0; i < 4 * seconds; i++) {
		gate_send(gate, stream, rate / 4);
		findings += gate_drain(gate);
	}
	return findings;
}

#endif
