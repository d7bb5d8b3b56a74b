/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One epoll loop. Level-triggered: a callback that leaves something unread is called again. Belongs
 * to the thread that runs it; only loop_stop may come from elsewhere. Not a scheduler: what a
 * callback does, all others wait for.
 */
#include "base/loop.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>
#include "base/clock.h"

#define BATCH 32

enum source_kind { SOURCE_FD, SOURCE_TIMER, SOURCE_SIGNALS };

struct loop_source {
	struct loop *loop;
	struct loop_source *next;
	enum source_kind kind;
	int fd;	   /* owned unless SOURCE_FD */
	bool dead; /* removed, but the batch at hand may still name it */
	uint32_t events;
	union {
		loop_fd_fn fd;
		loop_timer_fn timer;
		loop_signal_fn signal;
	} fn;
	void *context;
};

struct loop {
	int epoll;
	int stop; /* eventfd; in the epoll set with a null pointer for its source */
	bool dispatching;
	struct loop_source *sources;
};

/* ---- sources ------------------------------------------------------------------------------- */

static void release(struct loop_source *source)
{
	if (source->kind != SOURCE_FD && source->fd >= 0)
		close(source->fd);
	free(source);
}

static void sweep(struct loop *loop)
{
	struct loop_source **at = &loop->sources;

	while (*at) {
		struct loop_source *source = *at;

		if (!source->dead) {
			at = &source->next;
			continue;
		}
		*at = source->next;
		free(source);
	}
}

/* Takes fd over unless kind is SOURCE_FD; closes it then on failure too. */
static int watch(struct loop *loop, enum source_kind kind, int fd, uint32_t events, void *context,
		 struct loop_source **out)
{
	struct loop_source *source = malloc(sizeof(*source));
	struct epoll_event event = { .events = events, .data.ptr = source };
	int result;

	if (!source) {
		if (kind != SOURCE_FD)
			close(fd);
		return -ENOMEM;
	}
	*source = (struct loop_source){
		.loop = loop, .kind = kind, .fd = fd, .events = events, .context = context
	};
	if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &event)) {
		result = -errno;
		release(source);
		return result;
	}
	source->next = loop->sources;
	loop->sources = source;
	*out = source;
	return 0;
}

int loop_add_fd(struct loop *loop, int fd, uint32_t events, loop_fd_fn fn, void *context,
		struct loop_source **out)
{
	struct loop_source *source;
	int result = watch(loop, SOURCE_FD, fd, events, context, &source);

	if (result)
		return result;
	source->fn.fd = fn;
	*out = source;
	return 0;
}

int loop_change_fd(struct loop_source *source, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = source };

	if (source->events == events)
		return 0;
	if (epoll_ctl(source->loop->epoll, EPOLL_CTL_MOD, source->fd, &event))
		return -errno;
	source->events = events;
	return 0;
}

static struct timespec to_timespec(int64_t ns)
{
	return (struct timespec){ .tv_sec = ns / NS_PER_SECOND, .tv_nsec = ns % NS_PER_SECOND };
}

static int set_timer(int fd, int64_t first_ns, int64_t interval_ns)
{
	struct itimerspec spec = {
		/* Zero would disarm it; a deadline that has passed is due at once. */
		.it_value = to_timespec(first_ns > 0 ? first_ns : 1),
		.it_interval = to_timespec(interval_ns > 0 ? interval_ns : 0),
	};

	return timerfd_settime(fd, 0, &spec, NULL) ? -errno : 0;
}

int loop_add_timer(struct loop *loop, int64_t first_ns, int64_t interval_ns, loop_timer_fn fn,
		   void *context, struct loop_source **out)
{
	int fd = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
	struct loop_source *source;
	int result;

	if (fd < 0)
		return -errno;
	result = set_timer(fd, first_ns, interval_ns);
	if (result) {
		close(fd);
		return result;
	}
	result = watch(loop, SOURCE_TIMER, fd, EPOLLIN, context, &source);
	if (result)
		return result;
	source->fn.timer = fn;
	*out = source;
	return 0;
}

int loop_change_timer(struct loop_source *source, int64_t first_ns, int64_t interval_ns)
{
	return set_timer(source->fd, first_ns, interval_ns);
}

int loop_add_signals(struct loop *loop, const int *signals, int count, loop_signal_fn fn,
		     void *context, struct loop_source **out)
{
	struct loop_source *source;
	sigset_t set;
	int fd, result;

	sigemptyset(&set);
	for (int i = 0; i < count; i++)
		sigaddset(&set, signals[i]);
	/* They stay blocked after loop_remove: one that is pending then must not kill the process.
	 */
	result = pthread_sigmask(SIG_BLOCK, &set, NULL);
	if (result)
		return -result;
	fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (fd < 0)
		return -errno;
	result = watch(loop, SOURCE_SIGNALS, fd, EPOLLIN, context, &source);
	if (result)
		return result;
	source->fn.signal = fn;
	*out = source;
	return 0;
}

void loop_remove(struct loop_source **source)
{
	struct loop_source *gone = *source;

	if (!gone)
		return;
	*source = NULL;
	/* Fails when the caller closed the descriptor first, which took it out of the set. */
	epoll_ctl(gone->loop->epoll, EPOLL_CTL_DEL, gone->fd, NULL);
	if (gone->kind != SOURCE_FD)
		close(gone->fd);
	gone->dead = true;
	if (!gone->loop->dispatching)
		sweep(gone->loop);
}

/* ---- the loop ------------------------------------------------------------------------------ */

int loop_new(struct loop **out)
{
	struct loop *loop = malloc(sizeof(*loop));
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = NULL };
	int result;

	if (!loop)
		return -ENOMEM;
	*loop = (struct loop){ .stop = -1 };
	loop->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll >= 0)
		loop->stop = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (loop->stop < 0 || epoll_ctl(loop->epoll, EPOLL_CTL_ADD, loop->stop, &event)) {
		result = -errno;
		loop_free(&loop);
		return result;
	}
	*out = loop;
	return 0;
}

void loop_free(struct loop **loop)
{
	struct loop *gone = *loop;

	if (!gone)
		return;
	*loop = NULL;
	for (struct loop_source *next, *source = gone->sources; source; source = next) {
		next = source->next;
		release(source);
	}
	if (gone->stop >= 0)
		close(gone->stop);
	if (gone->epoll >= 0)
		close(gone->epoll);
	free(gone);
}

static int dispatch_timer(struct loop_source *source)
{
	uint64_t expirations;

	if (read(source->fd, &expirations, sizeof(expirations)) < 0)
		return errno == EAGAIN ? 0 : -errno; /* changed by an earlier callback */
	source->fn.timer(source->context, expirations);
	return 0;
}

static int dispatch_signals(struct loop_source *source)
{
	struct signalfd_siginfo info;

	while (!source->dead) {
		if (read(source->fd, &info, sizeof(info)) < 0)
			return errno == EAGAIN ? 0 : -errno;
		source->fn.signal(source->context, (int)info.ssi_signo);
	}
	return 0;
}

static int dispatch(struct loop_source *source, uint32_t events)
{
	if (source->kind == SOURCE_TIMER)
		return dispatch_timer(source);
	if (source->kind == SOURCE_SIGNALS)
		return dispatch_signals(source);
	/* What an earlier callback of this batch has stopped waiting for is no news. */
	events &= source->events | EPOLLERR | EPOLLHUP;
	if (events)
		source->fn.fd(source->context, events);
	return 0;
}

static bool take_stop(struct loop *loop)
{
	uint64_t count;

	return read(loop->stop, &count, sizeof(count)) == sizeof(count);
}

static int run_batch(struct loop *loop, bool *stopped)
{
	struct epoll_event events[BATCH];
	int count = epoll_wait(loop->epoll, events, BATCH, -1), result = 0;

	if (count < 0)
		return errno == EINTR ? 0 : -errno;
	loop->dispatching = true;
	for (int i = 0; i < count && !result; i++) {
		struct loop_source *source = events[i].data.ptr;

		if (!source)
			*stopped = take_stop(loop);
		else if (!source->dead)
			result = dispatch(source, events[i].events);
	}
	loop->dispatching = false;
	sweep(loop);
	return result;
}

int loop_run(struct loop *loop)
{
	bool stopped = false;
	int result = 0;

	while (!stopped && !result)
		result = run_batch(loop, &stopped);
	return result;
}

void loop_stop(struct loop *loop)
{
	uint64_t one = 1;

	/* Refused only when the counter is full, and then the loop is stopping already. */
	if (write(loop->stop, &one, sizeof(one)) < 0)
		return;
}
