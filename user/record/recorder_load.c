/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an earlier run left, read at the start by the caller's own thread: the one part of the
 * recorder that waits for the disk.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "base/log.h"
#include "record/writer.h"

/* One of the four that can be loaded; the others are NULL. */
struct load {
	struct moment now;
	struct rule **rules;
	struct past_rule **past;
	struct past_block **ended;
	size_t max; /* of ended */
	struct protected_prefix **allowed;
	size_t *count;
};

static int load_from(struct database *db, const struct load *load)
{
	if (load->rules)
		return database_load_rules(db, load->now, load->rules, load->count);
	if (load->past)
		return database_load_past(db, load->now, load->past, load->count);
	if (load->ended)
		return database_load_ended(db, load->now, load->max, load->ended, load->count);
	return database_load_allowed(db, load->allowed, load->count);
}

/* With database_lock held. */
static int try_load(struct recorder *r, const struct load *load, char why[DATABASE_ERROR])
{
	int err = writer_ensure_open(r, why);

	if (err)
		return err;
	err = load_from(r->db, load);
	if (err)
		snprintf(why, DATABASE_ERROR, "failed to read database %.200s: %.120s", r->path,
			 database_why(r->db));
	if (err == -EUCLEAN)
		database_set_aside(&r->db, why);
	return err;
}

static int load_all(struct recorder *r, const struct load *load)
{
	char why[DATABASE_ERROR] = "";
	int err;

	pthread_mutex_lock(&r->database_lock);
	err = try_load(r, load, why);
	if (err == -EUCLEAN) /* once more, from the new file */
		err = try_load(r, load, why);
	pthread_mutex_unlock(&r->database_lock);
	if (err)
		log_warning("%s", why);
	return err == -EUCLEAN ? -EIO : err;
}

int recorder_load_rules(struct recorder *recorder, struct moment now, struct rule **rules,
			size_t *count)
{
	const struct load load = { .now = now, .rules = rules, .count = count };

	return load_all(recorder, &load);
}

int recorder_load_past(struct recorder *recorder, struct moment now, struct past_rule **rules,
		       size_t *count)
{
	const struct load load = { .now = now, .past = rules, .count = count };

	return load_all(recorder, &load);
}

int recorder_load_ended(struct recorder *recorder, struct moment now, size_t max,
			struct past_block **blocks, size_t *count)
{
	const struct load load = { .now = now, .ended = blocks, .max = max, .count = count };

	return load_all(recorder, &load);
}

int recorder_load_allowed(struct recorder *recorder, struct protected_prefix **allowed,
			  size_t *count)
{
	const struct load load = { .allowed = allowed, .count = count };

	return load_all(recorder, &load);
}
