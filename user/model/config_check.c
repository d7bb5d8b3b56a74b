/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What no single value of config.json can tell: whether the values go together. Where a value that
 * was not given would contradict one that was, the default gives way.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "base/address.h"
#include "model/config_keys.h"
#include "model/table_memory.h"

/* Asked of the file's own text: the struct cannot tell a default from the same value given. */
static bool given(const struct config_reader *reader, const char *section, const char *name)
{
	const struct json *object = reader->root ? json_get(reader->root, section) : NULL;

	return object && json_get(object, name);
}

static int check_times(struct config_reader *reader, struct config *config)
{
	unsigned int block = config->response.block_seconds;
	unsigned int *unproven = &config->response.unproven_block_seconds;
	unsigned int *most = &config->response.max_block_seconds;

	if (!given(reader, "response", "unproven_block_seconds") && *unproven > block)
		*unproven = block;
	if (!given(reader, "response", "max_block_seconds") && *most < block)
		*most = block;
	if (*unproven > block) {
		config_path_set(reader, "response.unproven_block_seconds");
		return config_refuse(reader, "%u is above response.block_seconds, which is %u",
				     *unproven, block);
	}
	if (*most < block) {
		config_path_set(reader, "response.max_block_seconds");
		return config_refuse(reader, "%u is below response.block_seconds, which is %u",
				     *most, block);
	}
	return 0;
}

/* A window shorter than an interval would hold counts from before it. section: where they stand. */
static int check_windows(struct config_reader *reader, const struct config *config,
			 const struct detector_config *detectors, const char *section)
{
	for (unsigned int i = 0; i < DETECTOR_COUNT; i++) {
		unsigned int seconds = detectors[i].limits[0].seconds;

		if (!detectors[i].enabled || config->sensor.interval_ms <= 1000ULL * seconds)
			continue;
		config_path_set(reader, "sensor.interval_ms");
		return config_refuse(reader,
				     "%u ms is longer than the window of "
				     "%s.%s.limits[0], which is %u s",
				     config->sensor.interval_ms, section,
				     detector_name((enum detector_id)i), seconds);
	}
	return 0;
}

static int check_interval(struct config_reader *reader, const struct config *config)
{
	int r = check_windows(reader, config, config->detectors, "detectors");
	char section[32];

	for (unsigned int i = 0; !r && i < config->group_count; i++) {
		snprintf(section, sizeof(section), "groups[%u].detectors", i);
		r = check_windows(reader, config, config->groups[i].detectors, section);
	}
	return r;
}

/* One CPU's tables on each interface are the least that can count. */
static int check_memory(struct config_reader *reader, const struct config *config)
{
	unsigned int interfaces = config->interface_count ? config->interface_count : 1;
	unsigned int buckets = config->sensor.table_buckets, mb = config->sensor.memory_mb;

	if (table_memory_slot(buckets) <= (size_t)(mb / interfaces) * TABLE_MEMORY_MB)
		return 0;
	config_path_set(reader, "sensor.memory_mb");
	return config_refuse(reader,
			     "%u MB is too little for one CPU's tables of %u buckets on %u "
			     "interface%s, which take %zu MB; raise it or lower "
			     "sensor.table_buckets",
			     mb, buckets, interfaces, interfaces == 1 ? "" : "s",
			     table_memory_needed_mb(buckets, 1, interfaces));
}

static int check_files(struct config_reader *reader, const struct config *config)
{
	for (size_t i = 0; i < config_key_count; i++) {
		const struct config_key *key = &config_keys[i];
		const char *name = (const char *)config + key->offset;

		if (key->kind != &config_kind_file || !*name)
			continue;
		for (size_t j = 0; j < i; j++) {
			const struct config_key *other = &config_keys[j];

			if (other->kind != &config_kind_file ||
			    strcmp((const char *)config + other->offset, name))
				continue;
			config_path_set(reader, key->section);
			config_path_key(reader, key->name);
			return config_refuse(reader, "the same file as %s.%s", other->section,
					     other->name);
		}
	}
	return 0;
}

/* A part of a denied network may be allowed; the same prefix in both has no meaning. */
static int check_access(struct config_reader *reader, const struct config *config)
{
	char text[PREFIX_TEXT];

	for (size_t i = 0; i < config->access.deny_count; i++) {
		const struct prefix *denied = &config->access.deny[i];

		for (size_t j = 0; j < config->access.allow_count; j++) {
			if (!prefix_equal(denied, &config->access.allow[j]))
				continue;
			config_path_set(reader, "access.deny");
			config_path_index(reader, i);
			return config_refuse(reader, "\"%s\" is also in access.allow",
					     prefix_format(denied, text));
		}
	}
	return 0;
}

/* Lengths of this family that fwgen uses by itself: as blocks (prefixes that are counted as one),
 * as protected prefixes (loopback, link-local, multicast); and single addresses. */
static const uint32_t block_lengths[] = { 48, 56, 64, PREFIX_LEN_FULL };
static const uint32_t protected_lengths[] = { 8, 10, PREFIX_LEN_FULL };

/* The program looks once for each length in use, and has room for so many. */
static int check_lengths(struct config_reader *reader, const char *path,
			 const struct prefix *prefixes, size_t count, const uint32_t *used,
			 size_t used_count)
{
	bool seen[PREFIX_LEN_FULL + 1] = { false };
	unsigned int lengths = 0;

	for (size_t i = 0; i < used_count; i++)
		seen[used[i]] = true;
	for (size_t i = 0; i < count; i++) {
		uint32_t len = prefixes[i].len;

		if (address_is_ipv4(&prefixes[i].address) || seen[len])
			continue;
		seen[len] = true;
		if (++lengths + used_count <= SET_LENGTHS)
			continue;
		config_path_set(reader, path);
		config_path_index(reader, i);
		return config_refuse(reader,
				     "IPv6 prefixes of more than %zu different lengths, /%u among "
				     "them: at most %zu besides fwgen's own are possible; write "
				     "some as longer ones",
				     SET_LENGTHS - used_count, len, SET_LENGTHS - used_count);
	}
	return 0;
}

static int check_prefix_lengths(struct config_reader *reader, const struct config *config)
{
	int r = check_lengths(reader, "access.allow", config->access.allow,
			      config->access.allow_count, protected_lengths,
			      sizeof(protected_lengths) / sizeof(*protected_lengths));

	return r ? r
		 : check_lengths(reader, "access.deny", config->access.deny,
				 config->access.deny_count, block_lengths,
				 sizeof(block_lengths) / sizeof(*block_lengths));
}

int config_check(struct config_reader *reader, struct config *config)
{
	int r = check_times(reader, config);

	if (!r)
		r = check_interval(reader, config);
	if (!r)
		r = check_memory(reader, config);
	if (!r)
		r = check_files(reader, config);
	if (!r)
		r = check_access(reader, config);
	if (!r)
		r = check_prefix_lengths(reader, config);
	return r;
}
