/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The wake thread: takes the records that the XDP programs send when a source crosses a mark within
 * an interval, and has them judged at once, so that a flood is stopped within milliseconds. What it
 * sees is provisional: the tick counts the same packets once more, in full. It waits for the
 * decision lock and for nothing else.
 */
#include "daemon/wake.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "base/log.h"
#include "daemon/changes.h"

struct wake {
	struct daemon *daemon;
	pthread_t thread;
	bool running;
	int epoll_fd, end_fd;
	struct sensor *reading; /* whose records are being judged */
	struct judgement judgement;
};

static void judge_record(void *context, const struct wake_record *record)
{
	struct wake *wake = context;
	struct daemon *daemon = wake->daemon;
	struct moment now;

	daemon_lock(daemon);
	if (sensor_drained(wake->reading, record->epoch)) {
		daemon_unlock(daemon); /* the tick judges, or has judged, the same packets */
		return;
	}
	now = moment_now(); /* after the lock: never earlier than an interval that it waited for */
	if (detect_provisional(daemon->detect, &record->entry, now, &wake->judgement.findings))
		log_error("failed to judge a wake record: %s", strerror(ENOMEM));
	daemon_judge(daemon, &wake->judgement, now);
	daemon_unlock(daemon);
}

/* A ring that cannot be read is left alone: its sources are found at the interval's end. */
static void drain(struct wake *wake, struct sensor *sensor)
{
	int n;

	wake->reading = sensor;
	n = sensor_wake_consume(sensor, judge_record, wake);

	if (n >= 0 || n == -EINTR || n == -EAGAIN)
		return;
	log_error("failed to read wake records of %s: %s", sensor_interface(sensor), strerror(-n));
	epoll_ctl(wake->epoll_fd, EPOLL_CTL_DEL, sensor_wake_fd(sensor), NULL);
}

static void *run(void *context)
{
	struct wake *wake = context;
	struct epoll_event events[CONFIG_INTERFACES_MAX + 1];

	daemon_go_first();
	for (;;) {
		int n = epoll_wait(wake->epoll_fd, events, CONFIG_INTERFACES_MAX + 1, -1);

		if (n < 0 && errno != EINTR) {
			log_error("failed to wait for wake records: %s", strerror(errno));
			return NULL;
		}
		for (int i = 0; i < n; i++) {
			if (!events[i].data.ptr)
				return NULL;
			drain(wake, events[i].data.ptr);
		}
	}
}

static int watch_fd(const struct wake *wake, int fd, void *sensor)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = sensor };

	return epoll_ctl(wake->epoll_fd, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

/* No signal is this thread's: the loop takes them, by signalfd. */
static int start_thread(struct wake *wake)
{
	sigset_t all, before;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&wake->thread, NULL, run, wake);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (err)
		return -err;
	wake->running = true;
	pthread_setname_np(wake->thread, "wake");
	return 0;
}

int wake_start(struct daemon *daemon)
{
	struct wake *wake = calloc(1, sizeof(*wake));
	int err;

	if (!wake)
		return -ENOMEM;
	wake->daemon = daemon;
	daemon->wake = wake;
	wake->end_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	wake->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	err = wake->end_fd < 0 || wake->epoll_fd < 0 ? -errno : watch_fd(wake, wake->end_fd, NULL);
	for (unsigned int i = 0; !err && i < daemon->watch_count; i++) {
		struct sensor *sensor = daemon->watches[i].sensor;

		err = watch_fd(wake, sensor_wake_fd(sensor), sensor);
	}
	if (!err)
		err = start_thread(wake);
	if (err)
		wake_stop(daemon);
	return err;
}

void wake_stop(struct daemon *daemon)
{
	struct wake *wake = daemon->wake;
	uint64_t one = 1;

	if (!wake)
		return;
	if (wake->running) {
		/* An eventfd that was never written to takes a 1. */
		(void)!write(wake->end_fd, &one, sizeof(one));
		pthread_join(wake->thread, NULL);
	}
	if (wake->epoll_fd >= 0)
		close(wake->epoll_fd);
	if (wake->end_fd >= 0)
		close(wake->end_fd);
	finding_list_free(&wake->judgement.findings);
	rule_change_list_free(&wake->judgement.changes);
	free(wake);
	daemon->wake = NULL;
}
