/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One epoll loop per thread: descriptors, timers (timerfd, CLOCK_BOOTTIME) and signals (signalfd)
 * all come through here, so no work is done in a signal handler.
 */
#ifndef FWGEN_LOOP_H
#define FWGEN_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct loop;
struct loop_source;

/* events: EPOLLIN, EPOLLOUT, EPOLLERR, EPOLLHUP as epoll reports them. */
typedef void (*loop_fd_fn)(void *context, uint32_t events);
typedef void (*loop_timer_fn)(void *context, uint64_t expirations);
typedef void (*loop_signal_fn)(void *context, int signal);

int loop_new(struct loop **out);    /* 0 or -errno */
void loop_free(struct loop **loop); /* frees its sources; does not close the caller's descriptors */

/* The caller keeps the descriptor and closes it after loop_remove. Returns 0 or -errno. */
int loop_add_fd(struct loop *loop, int fd, uint32_t events, loop_fd_fn fn, void *context,
		struct loop_source **out);
int loop_change_fd(struct loop_source *source, uint32_t events);
/* First expiry after first_ns (at least 1), then every interval_ns (0: once). */
int loop_add_timer(struct loop *loop, int64_t first_ns, int64_t interval_ns, loop_timer_fn fn,
		   void *context, struct loop_source **out);
int loop_change_timer(struct loop_source *source, int64_t first_ns, int64_t interval_ns);
/* Blocks the signals in this thread (call before threads are made) and delivers them here. */
int loop_add_signals(struct loop *loop, const int *signals, int count, loop_signal_fn fn,
		     void *context, struct loop_source **out);
/* Safe from within any callback, the source's own too. Clears the pointer. */
void loop_remove(struct loop_source **source);

int loop_run(struct loop *loop); /* until loop_stop; 0 or -errno */
void loop_stop(struct loop *loop);

#endif
