/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What sources came to, as text and back. Made where it is queued: as text a row is some three
 * kilobytes, as numbers it would be thirty. Where the texts stand is tables.c and history.c.
 */
#include "record/peaks.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/address.h"
#include "base/json.h"

static void print_histogram(FILE *out, const struct peak_histogram *histogram)
{
	const char *comma = "";

	fputc('[', out);
	for (unsigned int i = 0; i < PEAK_BUCKETS; i++) {
		if (!histogram->counts[i])
			continue;
		fprintf(out, "%s[%" PRIu64 ",%" PRIu64 "]", comma, peak_bucket_end(i),
			histogram->counts[i]);
		comma = ",";
	}
	fputs("]", out);
	fputc('\0', out);
}

static void print_top(FILE *out, const struct peak_row *row)
{
	char text[PREFIX_TEXT];

	fputc('[', out);
	for (unsigned int i = 0; i < row->top_count; i++)
		fprintf(out, "%s[\"%s\",%" PRIu64 "%s]", i ? "," : "",
			prefix_format(&row->top[i].source, text), row->top[i].peak,
			row->top[i].found ? ",\"found\"" : "");
	fputs("]", out);
	fputc('\0', out);
}

/* The three texts, each with its end. The caller frees. */
static char *print_texts(const struct peak_row *row, size_t *len)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, len);

	if (!out)
		return NULL;
	print_histogram(out, &row->peace);
	print_histogram(out, &row->found);
	print_top(out, row);
	if (!fclose(out))
		return text;
	free(text);
	return NULL;
}

struct peaks_record *peaks_record_new(const struct peak_row *row)
{
	struct peaks_record *record;
	size_t len;
	char *texts = print_texts(row, &len);

	record = texts ? malloc(sizeof(*record) + len) : NULL;
	if (record) {
		*record = (struct peaks_record){
			.head = { .kind = RECORD_PEAKS, .weight = 1 },
			.line = { .at = row->start,
				  .duration_ns = row->duration_ns,
				  .detector = row->detector,
				  .limit = row->limit,
				  .sources = row->peace.sources,
				  .largest = row->peace.largest,
				  .found = row->found.sources,
				  .found_largest = row->found.largest,
				  .whole_above = row->whole_above },
		};
		strcpy(record->line.config_hash, row->config_hash);
		memcpy(record->text, texts, len);
		record->line.histogram = record->text;
		record->line.found_histogram = strchr(record->text, '\0') + 1;
		record->line.top = strchr(record->line.found_histogram, '\0') + 1;
	}
	free(texts);
	return record;
}

/* ---- the way back ---------------------------------------------------------------------------- */

static bool read_count(const struct json *json, uint64_t *out)
{
	int64_t value;

	if (!json || !json_to_int(json, &value) || value < 0)
		return false;
	*out = (uint64_t)value;
	return true;
}

static struct json *parse(const char *text)
{
	char error[128];

	return text ? json_parse(text, strlen(text), error, sizeof(error)) : NULL;
}

void peaks_read_histogram(const char *text, struct peak_histogram *out)
{
	struct json *list = parse(text);

	json_for_each (pair, list) {
		const struct json *end = json_first(pair);
		uint64_t number, sources;

		if (end && read_count(end, &number) && read_count(json_next(end), &sources)) {
			out->counts[peak_bucket(number)] += sources;
			out->sources += sources;
		}
	}
	json_free(&list);
}

void peaks_read_top(const char *text, struct peak_row *out)
{
	struct json *list = parse(text);

	json_for_each (item, list) {
		struct peak_source *source = &out->top[out->top_count];
		const struct json *address = json_first(item), *peak;

		if (out->top_count == PEAK_TOP || !address || !json_to_string(address) ||
		    prefix_parse(json_to_string(address), &source->source))
			continue;
		peak = json_next(address);
		if (!read_count(peak, &source->peak))
			continue;
		source->found = json_next(peak) != NULL;
		out->top_count++;
	}
	json_free(&list);
}
