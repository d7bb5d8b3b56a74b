// SPDX-License-Identifier: GPL-2.0-or-later
/* What a row of features is made of, and how it is written. */
#include <inttypes.h>
#include <stddef.h>
#include <string.h>
#include "base/address.h"
#include "replay/features_private.h"

#define FIELD(name)                                                                                \
	{                                                                                          \
#name, offsetof(struct table_entry, name), sizeof(((struct table_entry *)0)->name) \
	}

static const struct {
	const char *name;
	size_t offset, bytes;
} counters[] = {
	FIELD(packets),	    FIELD(bytes),     FIELD(answers),	FIELD(syn),
	FIELD(established), FIELD(udp),	      FIELD(icmp),	FIELD(other),
	FIELD(fragments),   FIELD(odd_flags), FIELD(stray),	FIELD(syn_ack),
	FIELD(sensitive),   FIELD(amplifier), FIELD(malformed), FIELD(dropped),
};
_Static_assert(sizeof(counters) / sizeof(counters[0]) == FEATURES_COUNTERS, "a sum for each");

/* ---- columns --------------------------------------------------------------------------------- */

static void add_limits(struct features *features, enum detector_id id,
		       const struct detector_config *detector)
{
	for (unsigned int i = 0; detector->enabled && i < detector->limit_count; i++) {
		struct limit_column column = { id, detector->limits[i].seconds };
		unsigned int at = 0;

		while (at < features->limit_count &&
		       (features->limits[at].detector != id ||
			features->limits[at].seconds != column.seconds))
			at++;
		if (at == features->limit_count && at < FEATURES_LIMITS)
			features->limits[features->limit_count++] = column;
	}
}

void features_columns(struct features *features, const struct config *config)
{
	for (unsigned int id = 0; id < DETECTOR_COUNT; id++) {
		if (id == DETECTOR_VICTIM_FLOOD)
			continue;
		add_limits(features, (enum detector_id)id, &config->detectors[id]);
		for (unsigned int i = 0; i < config->group_count; i++)
			add_limits(features, (enum detector_id)id,
				   &config->groups[i].detectors[id]);
	}
	features->row_bytes = sizeof(struct row) + features->limit_count * sizeof(uint64_t);
}

void features_write_header(const struct features *features)
{
	fprintf(features->file, "file,time,source,intervals");
	for (size_t i = 0; i < FEATURES_COUNTERS; i++)
		fprintf(features->file, ",%s", counters[i].name);
	fprintf(features->file, ",hosts_tcp,hosts_other,ports_tcp,ports_other,targets,protocols");
	for (unsigned int i = 0; i < features->limit_count; i++)
		fprintf(features->file, ",%s_%" PRIu32, detector_name(features->limits[i].detector),
			features->limits[i].seconds);
	fprintf(features->file, ",found\r\n");
}

void features_write_row(const struct features *features, const struct row *row)
{
	struct prefix source = { .address = row->address, .len = row->prefix_len };
	struct spread spread = spread_estimate(&row->tried);
	const char *plus = "";
	char text[PREFIX_TEXT];
	FILE *out = features->file;

	fprintf(out, "%s,%" PRId64 ",%s,%" PRIu32, features->file_field ? features->file_field : "",
		features->window * FEATURES_SECONDS, prefix_format(&source, text), row->intervals);
	for (size_t i = 0; i < FEATURES_COUNTERS; i++)
		fprintf(out, ",%" PRIu64, row->sums[i]);
	fprintf(out, ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64,
		spread.hosts[TRY_TCP], spread.hosts[TRY_OTHER], spread.ports[TRY_TCP],
		spread.ports[TRY_OTHER], spread.targets, spread.protocols);
	for (unsigned int i = 0; i < features->limit_count; i++)
		fprintf(out, ",%" PRIu64, row->counts[i]);
	fputc(',', out);
	for (unsigned int id = 0; id < DETECTOR_COUNT; id++) {
		if (!(row->found >> id & 1))
			continue;
		fprintf(out, "%s%s", plus, detector_name((enum detector_id)id));
		plus = "+";
	}
	fputs("\r\n", out);
}

/* ---- what an interval brings ---- */

static uint64_t counter_of(const struct table_entry *entry, size_t i)
{
	const char *at = (const char *)entry + counters[i].offset;
	uint16_t half;
	uint32_t word;
	uint64_t whole;

	switch (counters[i].bytes) {
	case 1:
		return *(const uint8_t *)at;
	case 2:
		memcpy(&half, at, sizeof(half));
		return half;
	case 4:
		memcpy(&word, at, sizeof(word));
		return word;
	default:
		memcpy(&whole, at, sizeof(whole));
		return whole;
	}
}

static void add_tried(struct spread_bits *tried, const struct table_entry *entry)
{
	for (int kind = 0; kind < TRY_KINDS; kind++) {
		tried->hosts[kind] |= entry->hosts[kind];
		tried->ports[kind] |= entry->ports[kind];
	}
	tried->targets |= entry->targets;
	tried->protocols |= entry->protocols;
}

static void add_count(const struct features *features, struct row *row,
		      const struct detect_count *count)
{
	for (unsigned int i = 0; i < features->limit_count; i++) {
		const struct limit_column *column = &features->limits[i];

		if (column->detector == count->detector && column->seconds == count->seconds &&
		    row->counts[i] < count->count)
			row->counts[i] = count->count;
	}
}

void features_add(const struct features *features, struct row *row, const struct table_entry *entry,
		  const struct detect_count *counts, size_t n)
{
	row->intervals++;
	for (size_t i = 0; i < FEATURES_COUNTERS; i++)
		row->sums[i] += counter_of(entry, i);
	add_tried(&row->tried, entry);
	for (size_t i = 0; i < n; i++)
		add_count(features, row, &counts[i]);
}
