/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The record as its callers see it: every call puts a copy into a bounded queue and returns. The
 * thread that takes it from there is writer.c. Nothing here touches the disk but opening and
 * closing; loading is recorder_load.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/log.h"
#include "record/peaks.h"
#include "record/writer.h"

static void read_boot_id(char out[BOOT_ID_TEXT])
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, out, BOOT_ID_TEXT - 1);

	/* "": no boot is taken for the same; the wall clock then decides. */
	out[n == BOOT_ID_TEXT - 1 ? n : 0] = '\0';
	if (fd >= 0)
		close(fd);
}

/* No signal is this thread's: the loops take them, by signalfd. */
static int start_thread(struct recorder *r)
{
	sigset_t all, before;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&r->thread, NULL, writer_run, r);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!err)
		pthread_setname_np(r->thread, "writer");
	return -err;
}

static struct recorder *allocate(const struct recorder_options *options)
{
	struct recorder *r = calloc(1, sizeof(*r));
	pthread_condattr_t attributes;

	if (!r)
		return NULL;
	r->queue.bound = QUEUE_BOUND;
	r->retention_days = options->retention_days;
	r->prune_ns = writer_clock();
	snprintf(r->path, sizeof(r->path), "%s", options->database);
	read_boot_id(r->boot_id);
	pthread_mutex_init(&r->lock, NULL);
	pthread_mutex_init(&r->database_lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&r->wake, &attributes);
	pthread_cond_init(&r->done, &attributes);
	pthread_condattr_destroy(&attributes);
	return r;
}

int recorder_open(const struct recorder_options *options, struct recorder **out, char error[512])
{
	struct recorder *r = allocate(options);
	const char *event_log = options->event_log ? options->event_log : "";
	int err;

	if (!r) {
		snprintf(error, 512, "failed to open database %.200s: %s", options->database,
			 strerror(ENOMEM));
		return -ENOMEM;
	}
	err = database_open(r->path, r->boot_id, &r->db, error);
	if (!err && event_log[0])
		err = event_log_open(event_log, &r->log, error);
	if (!err) {
		/* Without links and relative parts: it may have to be opened again. */
		strcpy(r->path, r->db->path);
		r->next_rule_id = (uint32_t)r->db->last_rule_id + 1;
		r->next_event_id = (uint64_t)r->db->last_event_id + 1;
		err = start_thread(r);
		if (err)
			snprintf(error, 512, "failed to start the writer thread: %s",
				 strerror(-err));
	}
	if (err) {
		writer_free(r);
		return err;
	}
	*out = r;
	return 0;
}

uint32_t recorder_next_rule_id(struct recorder *recorder)
{
	return recorder->next_rule_id;
}

/* ---- calls that queue ------------------------------------------------------------------------ */

static void *new_record(enum record_kind kind, size_t size)
{
	struct record *record = calloc(1, size);

	if (record) {
		record->kind = kind;
		record->weight = 1;
	}
	return record;
}

/* With the lock held; record may be NULL (no memory). */
static void push(struct recorder *r, void *record)
{
	if (record)
		queue_push(&r->queue, record);
	else
		r->queue.lost++;
	pthread_cond_signal(&r->wake);
}

void recorder_rule_change(struct recorder *recorder, const struct rule_change *change,
			  struct moment at)
{
	struct rule_record *record;

	if (change->kind != RULE_ADDED && change->kind != RULE_RENEWED &&
	    change->kind != RULE_REMOVED)
		return;
	record = new_record(RECORD_RULE, sizeof(*record));
	if (record) {
		record->change = *change;
		record->at = at;
	}
	pthread_mutex_lock(&recorder->lock);
	push(recorder, record);
	pthread_mutex_unlock(&recorder->lock);
}

void recorder_event(struct recorder *recorder, struct event *event)
{
	struct event_record *record = new_record(RECORD_EVENT, sizeof(*record));

	pthread_mutex_lock(&recorder->lock);
	event->id = recorder->next_event_id++;
	if (record)
		record->event = *event;
	push(recorder, record);
	pthread_mutex_unlock(&recorder->lock);
}

static void push_traffic(struct recorder *r, struct traffic_row *sum)
{
	struct traffic_record *record = new_record(RECORD_TRAFFIC, sizeof(*record));

	if (record)
		record->row = *sum;
	push(r, record);
	memset(sum, 0, sizeof(*sum));
}

static struct traffic_row *find_sum(struct recorder *r, const struct traffic *traffic)
{
	struct traffic_row *sum = NULL;

	for (int i = 0; i < CONFIG_INTERFACES_MAX; i++) {
		if (!strcmp(r->sums[i].interface, traffic->interface))
			return &r->sums[i];
		if (!sum && !r->sums[i].interface[0])
			sum = &r->sums[i];
	}
	/* An interface more than there may be: its row just becomes shorter. */
	if (!sum) {
		sum = &r->sums[0];
		push_traffic(r, sum);
	}
	snprintf(sum->interface, sizeof(sum->interface), "%s", traffic->interface);
	sum->at = traffic->start;
	return sum;
}

void recorder_traffic(struct recorder *recorder, const struct traffic *traffic)
{
	struct traffic_row *sum;

	if (!traffic->interface[0])
		return;
	pthread_mutex_lock(&recorder->lock);
	sum = find_sum(recorder, traffic);
	sum->duration_ns += traffic->end.boot_ns - traffic->start.boot_ns;
	sum->packets += traffic->packets;
	sum->bytes += traffic->bytes;
	sum->tcp += traffic->tcp;
	sum->udp += traffic->udp;
	sum->icmp += traffic->icmp;
	sum->other += traffic->other;
	sum->dropped += traffic->dropped;
	sum->unattributed += traffic->unattributed;
	if (traffic->sources_estimate > sum->sources)
		sum->sources = traffic->sources_estimate;
	if (traffic->end.boot_ns - sum->at.boot_ns >= TRAFFIC_ROW_NS)
		push_traffic(recorder, sum);
	pthread_mutex_unlock(&recorder->lock);
}

static const char *copy_text(char **to, const char *text)
{
	const char *copy = *to;

	if (!text)
		return NULL;
	*to = stpcpy(*to, text) + 1;
	return copy;
}

void recorder_audit(struct recorder *recorder, struct moment at, int uid, int pid, const char *who,
		    const char *verb, const char *before, const char *after)
{
	const char *const texts[] = { who, verb, before, after };
	struct audit_record *record;
	size_t size = sizeof(*record);
	char *text;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		size += texts[i] ? strlen(texts[i]) + 1 : 0;
	record = new_record(RECORD_AUDIT, size);
	if (record) {
		text = record->text;
		record->row = (struct audit_row){ .at = at, .uid = uid, .pid = pid };
		record->row.who = copy_text(&text, who);
		record->row.verb = copy_text(&text, verb);
		record->row.before = copy_text(&text, before);
		record->row.after = copy_text(&text, after);
	}
	pthread_mutex_lock(&recorder->lock);
	push(recorder, record);
	pthread_mutex_unlock(&recorder->lock);
}

void recorder_allow(struct recorder *recorder, const struct prefix *prefix, struct moment at,
		    const char *who, bool add)
{
	const char *name = who ? who : "";
	struct allowed_record *record =
		new_record(RECORD_ALLOWED, sizeof(*record) + strlen(name) + 1);

	if (record) {
		strcpy(record->text, name);
		record->row = (struct allowed_row){
			.prefix = *prefix, .at = at, .add = add, .who = record->text
		};
	}
	pthread_mutex_lock(&recorder->lock);
	push(recorder, record);
	pthread_mutex_unlock(&recorder->lock);
}

void recorder_peaks(struct recorder *recorder, const struct peak_row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct peaks_record *record = peaks_record_new(&rows[i]);

		pthread_mutex_lock(&recorder->lock);
		if (recorder->queue.count < PEAKS_BOUND) {
			push(recorder, record);
		} else {
			recorder->queue.lost++;
			free(record);
		}
		pthread_mutex_unlock(&recorder->lock);
	}
}

void recorder_reopen_event_log(struct recorder *recorder)
{
	pthread_mutex_lock(&recorder->lock);
	recorder->reopen_log = true;
	pthread_cond_signal(&recorder->wake);
	pthread_mutex_unlock(&recorder->lock);
}

void recorder_stats(struct recorder *recorder, struct recorder_stats *out)
{
	pthread_mutex_lock(&recorder->lock);
	out->queued = recorder->queue.count;
	out->written = recorder->queue.written;
	out->lost = recorder->queue.lost + recorder->log_lost;
	snprintf(out->failing, sizeof(out->failing), "%s",
		 recorder->database_failing[0] ? recorder->database_failing
					       : recorder->log_failing);
	pthread_mutex_unlock(&recorder->lock);
}

/* ---- the end --------------------------------------------------------------------------------- */

/* Returns whether the thread has come to its end in time; if not, r is the thread's from here on.
 */
static bool wait_for_end(struct recorder *r)
{
	int64_t until = writer_clock() + CLOSE_WAIT_NS;
	struct timespec ts = { until / NS_PER_SECOND, until % NS_PER_SECOND };
	bool ended;
	int err = 0;

	pthread_mutex_lock(&r->lock);
	r->stopping = true;
	pthread_cond_signal(&r->wake);
	while (!r->ended && err != ETIMEDOUT)
		err = pthread_cond_timedwait(&r->done, &r->lock, &ts);
	ended = r->ended;
	r->abandoned = !ended;
	if (!ended)
		log_error("database %s: the disk does not answer; what was not written is lost",
			  r->path);
	pthread_mutex_unlock(&r->lock);
	return ended;
}

void recorder_close(struct recorder **recorder)
{
	struct recorder *r = *recorder;
	pthread_t thread;

	if (!r)
		return;
	*recorder = NULL;
	thread = r->thread; /* r may be gone once it is abandoned */
	pthread_mutex_lock(&r->lock);
	for (int i = 0; i < CONFIG_INTERFACES_MAX; i++) {
		if (r->sums[i].interface[0])
			push_traffic(r, &r->sums[i]);
	}
	pthread_mutex_unlock(&r->lock);
	if (wait_for_end(r)) {
		pthread_join(thread, NULL);
		writer_free(r);
	} else {
		pthread_detach(thread);
	}
}
