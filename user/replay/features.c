// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Rows grow in memory while their window runs, and are written in the order in which their sources
 * came.
 */
#include "replay/features_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "base/address.h"
#include "base/array.h"

#define WINDOW_NS     (FEATURES_SECONDS * NS_PER_SECOND)
#define BUFFER_BYTES  (1 << 20)
#define LAST_OF_CHAIN UINT32_MAX

/* ---- rows ------------------------------------------------------------------------------------ */

static struct row *row_at(const struct features *features, size_t i)
{
	return (struct row *)(features->rows + i * features->row_bytes);
}

static void write_rows(struct features *features)
{
	for (size_t i = 0; i < features->count; i++)
		features_write_row(features, row_at(features, i));
	features->count = 0;
	memset(features->heads, 0xff, sizeof(features->heads));
}

void features_end(struct features *features)
{
	write_rows(features);
	features->early_count = 0;
}

/* The rows of an earlier window are whole once a later one begins. */
static void move_to(struct features *features, struct moment at)
{
	int64_t window = at.wall_ns / WINDOW_NS;

	if (window == features->window && features->count && features->count < FEATURES_SOURCES)
		return;
	write_rows(features);
	features->window = window;
	if (features->next) {
		free(features->file_field);
		features->file_field = features->next;
		features->next = NULL;
	}
}

static uint8_t len_of(const struct table_entry *entry)
{
	return entry->prefix_len ? entry->prefix_len : PREFIX_LEN_FULL;
}

static struct row *new_row(struct features *features)
{
	size_t capacity = features->capacity ? 2 * features->capacity : 1024;
	struct row *row;
	char *grown;

	if (features->count == features->capacity) {
		grown = realloc(features->rows, capacity * features->row_bytes);
		if (!grown) {
			features->no_memory = true;
			return NULL;
		}
		features->rows = grown;
		features->capacity = capacity;
	}
	row = row_at(features, features->count++);
	memset(row, 0, features->row_bytes);
	return row;
}

/* NULL when memory ran out. */
static struct row *find_row(struct features *features, const struct table_entry *entry)
{
	uint8_t len = len_of(entry);
	uint32_t *head =
		&features->heads[(address_hash(&entry->address) + len) & (FEATURES_HEADS - 1)];
	struct row *row;

	for (uint32_t i = *head; i != LAST_OF_CHAIN; i = row->next) {
		row = row_at(features, i);
		if (row->prefix_len == len && address_equal(&row->address, &entry->address))
			return row;
	}
	row = new_row(features);
	if (!row)
		return NULL;
	row->address = entry->address;
	row->prefix_len = len;
	row->next = *head;
	*head = (uint32_t)(features->count - 1);
	return row;
}

/* ---- what is judged -------------------------------------------------------------------------- */

static void found_early(void *context, struct moment at, const struct table_entry *entry,
			uint32_t found)
{
	struct features *features = context;
	struct early *grown = array_room(features->early, features->early_count,
					 &features->early_capacity, sizeof(*features->early));

	(void)at;
	if (!grown) {
		features->no_memory = true;
		return;
	}
	features->early = grown;
	grown[features->early_count++] = (struct early){ .address = entry->address,
							 .prefix_len = len_of(entry),
							 .found = found };
}

/* What was found of the source while its interval ran. */
static uint32_t take_early(struct features *features, const struct table_entry *entry)
{
	struct early *early = features->early;
	uint32_t found = 0;

	for (size_t i = 0; i < features->early_count;) {
		if (early[i].prefix_len == len_of(entry) &&
		    address_equal(&early[i].address, &entry->address)) {
			found |= early[i].found;
			early[i] = early[--features->early_count];
		} else {
			i++;
		}
	}
	return found;
}

static void judged(void *context, const struct traffic *traffic, const struct sample *sample,
		   const struct detect_count *counts, size_t n, uint32_t found)
{
	struct features *features = context;
	struct row *row;

	move_to(features, traffic->start);
	row = find_row(features, &sample->entry);
	if (!row)
		return;
	row->found |= found | take_early(features, &sample->entry);
	features_add(features, row, &sample->entry, counts, n);
}

/* ---- the file -------------------------------------------------------------------------------- */

static int fail(const char *path, int err, char error[FEATURES_ERROR])
{
	snprintf(error, FEATURES_ERROR, "failed to write features to %.300s: %s", path,
		 strerror(-err));
	return err;
}

/* What is there may be overwritten if it is an earlier table of these, or empty: -EEXIST if not. */
static int check_file(const char *path)
{
	static const char first[] = "file,time,source";
	char begin[sizeof(first)] = "";
	struct stat status;
	FILE *file;
	size_t n;

	if (stat(path, &status) || !S_ISREG(status.st_mode))
		return 0; /* opening it says what is wrong with it */
	file = fopen(path, "re");
	if (!file)
		return -errno;
	n = fread(begin, 1, sizeof(first) - 1, file);
	fclose(file);
	return n && strcmp(begin, first) ? -EEXIST : 0;
}

int features_open(const char *path, const struct config *config, struct features **out,
		  char error[FEATURES_ERROR])
{
	struct features *features;
	int err = check_file(path);

	if (err == -EEXIST) {
		snprintf(error, FEATURES_ERROR,
			 "%s is there, and no table of features: name another file; nothing in it "
			 "was touched",
			 path);
		return err;
	}
	features = err ? NULL : calloc(1, sizeof(*features));
	if (!features)
		return fail(path, err ? err : -ENOMEM, error);
	features->file = fopen(path, "we");
	if (!features->file) {
		err = -errno;
		free(features);
		return fail(path, err, error);
	}
	setvbuf(features->file, NULL, _IOFBF, BUFFER_BYTES);
	snprintf(features->path, sizeof(features->path), "%s", path);
	features->observer = (struct detect_observer){ judged, found_early, features };
	features_columns(features, config);
	features_write_header(features);
	memset(features->heads, 0xff, sizeof(features->heads));
	*out = features;
	return 0;
}

/* Between quotes, with those in it doubled: a path may hold anything. */
void features_begin(struct features *features, const char *file)
{
	char *field = malloc(2 * strlen(file) + 3), *to = field;

	if (!field) {
		features->no_memory = true;
		return;
	}
	*to++ = '"';
	for (; *file; file++) {
		if (*file == '"')
			*to++ = '"';
		*to++ = *file;
	}
	strcpy(to, "\"");
	free(features->next);
	features->next = field;
}

int features_close(struct features **out, char error[FEATURES_ERROR])
{
	struct features *features = *out;
	int err = 0;

	if (!features)
		return 0;
	*out = NULL;
	features_end(features);
	errno = 0;
	if (fflush(features->file) || ferror(features->file))
		err = errno ? -errno : -EIO;
	if (fclose(features->file) && !err)
		err = -errno;
	if (features->no_memory)
		err = -ENOMEM;
	if (err)
		fail(features->path, err, error);
	free(features->rows);
	free(features->early);
	free(features->file_field);
	free(features->next);
	free(features);
	return err;
}

const struct detect_observer *features_observer(struct features *features)
{
	return &features->observer;
}
