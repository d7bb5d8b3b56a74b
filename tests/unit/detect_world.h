/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A box under observation, for tests of detection: a clock, one source's packets, what was found.
 */
#ifndef FWGEN_TESTS_DETECT_WORLD_H
#define FWGEN_TESTS_DETECT_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "base/address.h"
#include "base/clock.h"
#include "detect/detect.h"

#define SECOND NS_PER_SECOND
#define MS     NS_PER_MS

struct world {
	struct config config;
	struct detect *detect;
	struct moment now;
	struct finding_list findings; /* of the last step */
};

static inline void world_limit(struct world *world, enum detector_id id, uint64_t count,
			       uint32_t seconds)
{
	struct detector_config *detector = &world->config.detectors[id];

	detector->enabled = true;
	detector->limits[detector->limit_count++] = (struct limit){ count, seconds };
}

static inline struct world *world_empty(void)
{
	struct world *world = calloc(1, sizeof(*world));

	assert_non_null(world);
	world->now = (struct moment){ .boot_ns = 5000 * SECOND, .wall_ns = 1700000000 * SECOND };
	world->config.sensor.wake_packets = 1000;
	return world;
}

static inline void world_start(struct world *world)
{
	assert_int_equal(detect_new(&world->config, &world->detect), 0);
}

/* Limits that the numbers in these tests are made for. */
static inline struct world *world_new(void)
{
	struct world *world = world_empty();

	world_limit(world, DETECTOR_PACKET_FLOOD, 5000, 1);
	world_limit(world, DETECTOR_BYTE_FLOOD, 50000000, 1);
	world_limit(world, DETECTOR_SYN_FLOOD, 200, 1);
	world_limit(world, DETECTOR_UDP_FLOOD, 2000, 1);
	world_limit(world, DETECTOR_ICMP_FLOOD, 500, 2);
	world_limit(world, DETECTOR_PORT_SCAN, 20, 10);
	world_limit(world, DETECTOR_PORT_SCAN, 60, 900);
	world_limit(world, DETECTOR_HOST_SWEEP, 60, 10);
	world_limit(world, DETECTOR_HOST_SWEEP, 100, 300);
	world_start(world);
	return world;
}

/* The limits that fwgen comes with. */
static inline struct world *world_defaults(void)
{
	struct world *world = world_empty();
	struct config *config = config_defaults();

	assert_non_null(config);
	memcpy(world->config.detectors, config->detectors, sizeof(config->detectors));
	config_free(&config);
	world_start(world);
	return world;
}

static inline void world_free(struct world *world)
{
	detect_free(&world->detect);
	finding_list_free(&world->findings);
	free(world);
}

static inline struct table_entry entry_of(const char *source)
{
	struct table_entry entry = { .prefix_len = 128 };

	assert_int_equal(address_parse(source, &entry.address), 0);
	return entry;
}

/* The data plane's keyed hashes, near enough: spread evenly, the same each time. */
static inline uint32_t mix(uint32_t x)
{
	x = (x ^ x >> 16) * 0x7feb352du;
	x = (x ^ x >> 15) * 0x846ca68bu;
	return x ^ x >> 16;
}

static inline void entry_target(struct table_entry *entry, enum try_kind kind, uint32_t host,
				uint16_t port)
{
	entry->hosts[kind] |= 1ULL << (mix(host + 77) >> 26);
	entry->distinct_hosts = (uint8_t)(__builtin_popcountll(entry->hosts[TRY_TCP]) +
					  __builtin_popcountll(entry->hosts[TRY_OTHER]));
	entry->ports[kind] |= 1U << (mix(port) >> 27);
	entry->targets |= 1ULL << (mix(mix(host + 77) + port) >> 26);
	entry->distinct_targets = (uint8_t)__builtin_popcountll(entry->targets);
	entry->last_address = address_from_ipv4(__builtin_bswap32(0xc6336400u + host));
	entry->last_port = port;
}

static inline void entry_packets(struct table_entry *entry, uint32_t n, uint8_t protocol)
{
	entry->packets += n;
	entry->bytes += 60ull * n;
	entry->last_protocol = protocol;
	if (protocol == 17)
		entry->udp += n;
	else if (protocol == 1)
		entry->icmp += n;
}

static inline void entry_syns(struct table_entry *entry, uint32_t n, uint32_t host, uint16_t port)
{
	entry_packets(entry, n, 6);
	entry->syn += n;
	entry_target(entry, TRY_TCP, host, port);
}

/* Of connections that are established. */
static inline void entry_acks(struct table_entry *entry, uint32_t n)
{
	entry_packets(entry, n, 6);
	entry->answers += n;
}

/* The ACKs that end handshakes. */
static inline void entry_opens(struct table_entry *entry, uint16_t n)
{
	entry_acks(entry, n);
	entry->established += n;
}

/* Unasked. */
static inline void entry_udp(struct table_entry *entry, uint32_t n, uint32_t host, uint16_t port)
{
	entry_packets(entry, n, 17);
	entry_target(entry, TRY_OTHER, host, port);
}

/* Drains an interval of that length in which the entry was counted. Returns the number of findings.
 */
static inline size_t world_drain(struct world *world, int64_t duration_ns,
				 const struct table_entry *entry)
{
	struct sample sample = { 0 };
	struct traffic traffic = { .start = world->now,
				   .end = moment_plus(world->now, duration_ns) };

	if (entry)
		sample.entry = *entry;
	world->now = traffic.end;
	world->findings.count = 0;
	assert_int_equal(
		detect_samples(world->detect, &traffic, &sample, entry ? 1 : 0, &world->findings),
		0);
	return world->findings.count;
}

/* A wake record's copy that many nanoseconds into the running interval. */
static inline size_t world_wake(struct world *world, int64_t after_ns,
				const struct table_entry *entry)
{
	world->findings.count = 0;
	assert_int_equal(detect_provisional(world->detect, entry, moment_plus(world->now, after_ns),
					    &world->findings),
			 0);
	return world->findings.count;
}

static inline const struct finding *world_found(const struct world *world, enum detector_id id)
{
	for (size_t i = 0; i < world->findings.count; i++) {
		if (world->findings.items[i].detector == id)
			return &world->findings.items[i];
	}
	return NULL;
}

#endif
