/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Private to record/: the recorder as its two sides see it, recorder.c (callers) and writer.c. */
#ifndef FWGEN_RECORD_WRITER_H
#define FWGEN_RECORD_WRITER_H

#include <limits.h>
#include <pthread.h>
#include "model/config.h"
#include "record/event_log.h"
#include "record/queue.h"
#include "record/recorder.h"

#define QUEUE_BOUND	65536
#define PEAKS_BOUND	4096 /* records in the queue past which no peaks are taken */
#define BATCH_MAX	1000
#define TRAFFIC_ROW_NS	(10 * NS_PER_SECOND)
#define CLOSE_WAIT_NS	(5 * NS_PER_SECOND)
#define STOP_RETRY_NS	(2 * NS_PER_SECOND) /* of CLOSE_WAIT_NS, for a locked database */
#define BACKOFF_MIN_NS	(250 * NS_PER_MS)
#define BACKOFF_MAX_NS	(5 * NS_PER_SECOND)
#define REOPEN_FAILURES 4 /* in a row, after which the database is opened anew */
#define PRUNE_NS	(3600 * NS_PER_SECOND)
#define PRUNE_MAX	2000 /* rows of each table in one transaction */

struct recorder {
	pthread_mutex_t lock; /* of what follows; held for a few instructions only */
	pthread_cond_t wake;  /* there is something to do */
	pthread_cond_t done;  /* ended */
	struct queue queue;
	struct traffic_row sums[CONFIG_INTERFACES_MAX]; /* interface "": free */
	uint64_t next_event_id;
	uint64_t log_lost; /* lines of the event log */
	bool stopping, reopen_log;
	bool ended, abandoned; /* who frees: the thread when abandoned before it ended */
	char database_failing[160], log_failing[160];

	pthread_mutex_t database_lock; /* of db; held while the disk is slow; taken without lock */
	struct database *db;	       /* owned; NULL: to be opened again */

	/* the thread's own */
	struct event_log *log; /* owned, or NULL */
	int64_t retry_ns, backoff_ns, prune_ns;
	unsigned int failures;

	/* never changed */
	pthread_t thread;
	uint32_t next_rule_id;
	unsigned int retention_days;
	char path[PATH_MAX];
	char boot_id[BOOT_ID_TEXT];
};

/* The thread; its argument is the recorder. Returns NULL. */
void *writer_run(void *recorder);
/* With database_lock held: opens r->db when it is closed or its file moved. 0 or -errno, with why.
 */
int writer_ensure_open(struct recorder *r, char why[DATABASE_ERROR]);
/* Closes and frees what the recorder owns, and itself. */
void writer_free(struct recorder *recorder);
/* CLOCK_MONOTONIC, which condition variables know. */
int64_t writer_clock(void);

#endif
