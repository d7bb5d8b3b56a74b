/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The writer thread: takes what is queued, writes event log lines at once and database rows in one
 * transaction a batch. When the disk fails it keeps the rows queued and tries again, ever less
 * often; nobody waits for it. What is queued, and for whom, is recorder.c.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "base/log.h"
#include "record/writer.h"

int64_t writer_clock(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NS_PER_SECOND + ts.tv_nsec;
}

static bool has_reason(const struct recorder *r, int64_t now)
{
	return r->stopping || r->reopen_log || r->queue.fresh.first || now >= r->prune_ns ||
	       (queue_has_work(&r->queue) && now >= r->retry_ns);
}

static bool wait_for_work(struct recorder *r)
{
	bool stopping;

	pthread_mutex_lock(&r->lock);
	while (!has_reason(r, writer_clock())) {
		int64_t until = r->prune_ns;
		struct timespec ts;

		if (queue_has_work(&r->queue) && r->retry_ns < until)
			until = r->retry_ns;
		ts.tv_sec = until / NS_PER_SECOND;
		ts.tv_nsec = until % NS_PER_SECOND;
		pthread_cond_timedwait(&r->wake, &r->lock, &ts);
	}
	stopping = r->stopping;
	pthread_mutex_unlock(&r->lock);
	return stopping;
}

/* ---- event log ------------------------------------------------------------------------------ */

static void reopen_log(struct recorder *r)
{
	bool wanted;

	pthread_mutex_lock(&r->lock);
	wanted = r->reopen_log;
	r->reopen_log = false;
	pthread_mutex_unlock(&r->lock);
	if (wanted && r->log)
		event_log_reopen(r->log);
}

static uint64_t write_lines(struct recorder *r, const struct record_list *list)
{
	uint64_t lost = 0;

	for (const struct record *it = list->first; r->log && it; it = it->next) {
		if (event_log_write(r->log, &((const struct event_record *)it)->event))
			lost++;
	}
	return lost;
}

/* Returns whether there were any. */
static bool log_events(struct recorder *r)
{
	struct record_list list;
	uint64_t lost;
	bool any;

	pthread_mutex_lock(&r->lock);
	list = queue_take_fresh(&r->queue, BATCH_MAX);
	pthread_mutex_unlock(&r->lock);
	any = list.first != NULL;
	if (!any)
		return false;
	lost = write_lines(r, &list);
	pthread_mutex_lock(&r->lock);
	r->log_lost += lost;
	snprintf(r->log_failing, sizeof(r->log_failing), "%s",
		 r->log ? event_log_failing(r->log) : "");
	queue_logged(&r->queue, &list);
	pthread_mutex_unlock(&r->lock);
	return any;
}

/* ---- database, with database_lock held ------------------------------------------------------ */

int writer_ensure_open(struct recorder *r, char why[DATABASE_ERROR])
{
	if (r->db && database_moved(r->db)) {
		log_warning("database %s was moved or deleted: a new one is begun", r->path);
		database_close(&r->db);
	}
	if (r->db)
		return 0;
	return database_open(r->path, r->boot_id, &r->db, why);
}

static int store_record(struct database *db, const struct record *record)
{
	switch (record->kind) {
	case RECORD_RULE: {
		const struct rule_record *rule = (const struct rule_record *)record;

		return database_put_rule(db, &rule->change, rule->at);
	}
	case RECORD_EVENT:
		return database_put_event(db, &((const struct event_record *)record)->event);
	case RECORD_TRAFFIC:
		return database_put_traffic(db, &((const struct traffic_record *)record)->row);
	case RECORD_AUDIT:
		return database_put_audit(db, &((const struct audit_record *)record)->row);
	case RECORD_ALLOWED:
		return database_put_allowed(db, &((const struct allowed_record *)record)->row);
	case RECORD_PEAKS:
		return database_put_peaks(db, &((const struct peaks_record *)record)->line);
	}
	return -EINVAL;
}

static int store_all(struct database *db, const struct record_list *list)
{
	int err = database_begin(db);

	for (struct record *it = list->first; !err && it; it = it->next) {
		err = store_record(db, it);
		it->refused = err == -EINVAL;
		if (it->refused) {
			log_warning("failed to store a record in database %s: %s", db->path,
				    database_why(db));
			err = 0;
		}
	}
	return err ? err : database_commit(db);
}

/* Leaves the database such that the next try may work. */
static void recover(struct recorder *r, int err, const char *why)
{
	if (!r->db)
		return;
	if (err == -EUCLEAN) {
		database_set_aside(&r->db, why);
		return;
	}
	database_rollback(r->db);
	if (++r->failures >= REOPEN_FAILURES && err != -EBUSY && err != -ENOSPC) {
		database_close(&r->db);
		r->failures = 0;
	}
}

/* list may be empty: then old rows are deleted. */
static int use_database(struct recorder *r, const struct record_list *list, bool *more,
			char why[DATABASE_ERROR])
{
	int err;

	pthread_mutex_lock(&r->database_lock);
	err = writer_ensure_open(r, why);
	if (!err) {
		int64_t keep_ns = r->retention_days * 86400LL * NS_PER_SECOND;

		err = list->first ? store_all(r->db, list)
				  : database_prune(r->db, moment_now().wall_ns - keep_ns, PRUNE_MAX,
						   more);
		if (err)
			snprintf(why, DATABASE_ERROR, "failed to write database %.200s: %.120s",
				 r->path, database_why(r->db));
	}
	if (err)
		recover(r, err, why);
	pthread_mutex_unlock(&r->database_lock);
	return err;
}

/* ---- batches -------------------------------------------------------------------------------- */

static void note_failure(struct recorder *r, int err, const char *why)
{
	bool news;

	r->backoff_ns = r->backoff_ns ? r->backoff_ns * 2 : BACKOFF_MIN_NS;
	if (r->backoff_ns > BACKOFF_MAX_NS)
		r->backoff_ns = BACKOFF_MAX_NS;
	pthread_mutex_lock(&r->lock);
	/* A corrupt file is out of the way already. */
	r->retry_ns = writer_clock() + (err == -EUCLEAN ? BACKOFF_MIN_NS : r->backoff_ns);
	news = !r->database_failing[0];
	snprintf(r->database_failing, sizeof(r->database_failing), "%s", why);
	pthread_mutex_unlock(&r->lock);
	if (news)
		log_warning("%s; blocking goes on, records wait", why);
}

static void note_success(struct recorder *r)
{
	unsigned long long lost;
	bool news;

	r->backoff_ns = 0;
	r->failures = 0;
	pthread_mutex_lock(&r->lock);
	r->retry_ns = 0;
	news = r->database_failing[0];
	r->database_failing[0] = '\0';
	lost = r->queue.lost;
	pthread_mutex_unlock(&r->lock);
	if (news)
		log_info("database %s is written again; %llu records are lost since the start",
			 r->path, lost);
}

/* Returns 0, 1 when there was nothing to write, or -errno. */
static int write_batch(struct recorder *r)
{
	char why[DATABASE_ERROR] = "";
	struct record_list list;
	bool more = false;
	int err;

	pthread_mutex_lock(&r->lock);
	list = queue_take(&r->queue, BATCH_MAX);
	pthread_mutex_unlock(&r->lock);
	if (!list.first)
		return 1;
	err = use_database(r, &list, &more, why);
	pthread_mutex_lock(&r->lock);
	if (err)
		queue_put_back(&r->queue, &list);
	else
		queue_done(&r->queue, &list);
	pthread_mutex_unlock(&r->lock);
	if (err)
		note_failure(r, err, why);
	else
		note_success(r);
	record_list_free(&list);
	return err;
}

static void prune(struct recorder *r)
{
	const struct record_list none = { 0 };
	char why[DATABASE_ERROR] = "";
	bool more = false;
	int err = 0;

	if (r->retention_days)
		err = use_database(r, &none, &more, why);
	if (err)
		note_failure(r, err, why);
	else if (r->retention_days)
		note_success(r);
	pthread_mutex_lock(&r->lock);
	r->prune_ns = writer_clock() + (err ? BACKOFF_MAX_NS : more ? 0 : PRUNE_NS);
	pthread_mutex_unlock(&r->lock);
}

/* Everything that still can be written; a database that is only locked is waited for a little. */
static void drain(struct recorder *r)
{
	const struct timespec pause = { .tv_nsec = 50 * NS_PER_MS };
	int64_t until = writer_clock() + STOP_RETRY_NS;
	unsigned long long lost;
	int err;

	while (log_events(r))
		;
	while ((err = write_batch(r)) <= 0) {
		bool passing = err == -EBUSY || err == -EUCLEAN;

		if (err && (!passing || writer_clock() >= until))
			break;
		if (err)
			nanosleep(&pause, NULL);
	}
	pthread_mutex_lock(&r->lock);
	lost = queue_clear(&r->queue);
	pthread_mutex_unlock(&r->lock);
	if (lost)
		log_warning("%llu records could not be written before the end: %s", lost,
			    r->database_failing);
}

void writer_free(struct recorder *r)
{
	queue_clear(&r->queue);
	database_close(&r->db);
	if (r->log)
		event_log_close(&r->log);
	pthread_cond_destroy(&r->wake);
	pthread_cond_destroy(&r->done);
	pthread_mutex_destroy(&r->lock);
	pthread_mutex_destroy(&r->database_lock);
	free(r);
}

static void end(struct recorder *r)
{
	bool abandoned;

	/* Here, not in recorder_close: writing the journal back may take a stuck disk's time. */
	pthread_mutex_lock(&r->database_lock);
	database_close(&r->db);
	pthread_mutex_unlock(&r->database_lock);
	pthread_mutex_lock(&r->lock);
	r->ended = true;
	pthread_cond_signal(&r->done);
	abandoned = r->abandoned;
	pthread_mutex_unlock(&r->lock);
	if (abandoned)
		writer_free(r);
}

void *writer_run(void *recorder)
{
	struct recorder *r = recorder;

	while (!wait_for_work(r)) {
		reopen_log(r);
		log_events(r);
		if (writer_clock() >= r->retry_ns)
			write_batch(r);
		if (writer_clock() >= r->prune_ns)
			prune(r);
	}
	drain(r);
	end(r);
	return NULL;
}
