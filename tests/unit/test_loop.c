/* SPDX-License-Identifier: GPL-2.0-or-later */
/* base/loop: what wakes it, what may be done from within, how it ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/loop.h"

#define GUARD_NS (5 * NS_PER_SECOND)

/* One test's world. */
struct world {
	struct loop *loop;
	struct loop_source *a, *b, *guard;
	int pipe_a[2], pipe_b[2];
	int fd_calls, timer_calls, signal_calls, last_signal;
	uint64_t expirations;
	uint32_t events;
	bool guarded; /* the guard had to end the loop */
};

static void give_up(void *context, uint64_t expirations)
{
	struct world *world = context;

	(void)expirations;
	world->guarded = true;
	loop_stop(world->loop);
}

static int count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = 0;

	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

static int fds_before;

static int set_up(void **state)
{
	static struct world world;

	fds_before = count_fds();
	memset(&world, 0, sizeof(world));
	if (loop_new(&world.loop) || pipe(world.pipe_a) || pipe(world.pipe_b) ||
	    loop_add_timer(world.loop, GUARD_NS, 0, give_up, &world, &world.guard))
		return -1;
	*state = &world;
	return 0;
}

/* What a test leaves in the loop goes with it: no descriptor may be left. */
static int tear_down(void **state)
{
	struct world *world = *state;

	loop_free(&world->loop);
	for (int i = 0; i < 2; i++) {
		close(world->pipe_a[i]);
		close(world->pipe_b[i]);
	}
	return world->loop || world->guarded || count_fds() != fds_before ? -1 : 0;
}

static void write_byte(int fd)
{
	assert_int_equal(write(fd, "x", 1), 1);
}

static void read_and_stop(void *context, uint32_t events)
{
	struct world *world = context;
	char byte;

	world->fd_calls++;
	world->events = events;
	if (events & EPOLLIN)
		assert_int_equal(read(world->pipe_a[0], &byte, 1), 1);
	loop_stop(world->loop);
}

static void count_fd(void *context, uint32_t events)
{
	struct world *world = context;

	world->fd_calls++;
	world->events |= events;
}

static void stop_at_timer(void *context, uint64_t expirations)
{
	struct world *world = context;

	world->timer_calls++;
	world->expirations += expirations;
	loop_stop(world->loop);
}

static void descriptor_wakes(void **state)
{
	struct world *world = *state;

	assert_int_equal(loop_add_fd(world->loop, world->pipe_a[0], EPOLLIN, read_and_stop, world,
				     &world->a),
			 0);
	write_byte(world->pipe_a[1]);
	assert_int_equal(loop_run(world->loop), 0);
	assert_int_equal(world->fd_calls, 1);
	assert_int_equal(world->events, EPOLLIN);
	close(world->pipe_a[1]);
	assert_int_equal(loop_run(world->loop), 0);
	assert_int_equal(world->events, EPOLLHUP);
	world->pipe_a[1] = dup(world->pipe_a[0]);
	loop_remove(&world->a);
	assert_null(world->a);
	loop_remove(&world->a); /* of nothing: nothing */
}

static void descriptor_interest_changes(void **state)
{
	struct world *world = *state;

	assert_int_equal(loop_add_fd(world->loop, world->pipe_a[0], 0, count_fd, world, &world->a),
			 0);
	assert_int_equal(
		loop_add_timer(world->loop, 20 * NS_PER_MS, 0, stop_at_timer, world, &world->b), 0);
	write_byte(world->pipe_a[1]);
	assert_int_equal(loop_run(world->loop), 0);
	assert_int_equal(world->fd_calls, 0);
	assert_int_equal(loop_change_fd(world->a, EPOLLIN), 0);
	assert_int_equal(loop_change_timer(world->b, 20 * NS_PER_MS, 0), 0);
	assert_int_equal(loop_run(world->loop), 0);
	assert_true(world->fd_calls > 0); /* level-triggered: it was never read */
	assert_int_equal(loop_change_fd(world->a, 0), 0);
	world->fd_calls = 0;
	assert_int_equal(loop_change_timer(world->b, 20 * NS_PER_MS, 0), 0);
	assert_int_equal(loop_run(world->loop), 0);
	assert_int_equal(world->fd_calls, 0);
}

static void bad_descriptor_is_refused(void **state)
{
	struct world *world = *state;

	assert_int_equal(loop_add_fd(world->loop, -1, EPOLLIN, count_fd, world, &world->a), -EBADF);
	assert_null(world->a);
}

static void count_three(void *context, uint64_t expirations)
{
	struct world *world = context;

	world->timer_calls++;
	world->expirations += expirations;
	if (world->expirations >= 3)
		loop_stop(world->loop);
}

static void timer_repeats(void **state)
{
	struct world *world = *state;
	int64_t start = moment_now().boot_ns;

	assert_int_equal(loop_add_timer(world->loop, 10 * NS_PER_MS, 5 * NS_PER_MS, count_three,
					world, &world->a),
			 0);
	assert_int_equal(loop_run(world->loop), 0);
	assert_true(world->expirations >= 3);
	assert_true(moment_now().boot_ns - start >= 20 * NS_PER_MS);
}

static void timer_fires_once(void **state)
{
	struct world *world = *state;

	/* A deadline that has passed is due at once. */
	assert_int_equal(loop_add_timer(world->loop, -5, 0, count_three, world, &world->a), 0);
	assert_int_equal(
		loop_add_timer(world->loop, 30 * NS_PER_MS, 0, stop_at_timer, world, &world->b), 0);
	assert_int_equal(loop_run(world->loop), 0);
	assert_int_equal(world->timer_calls, 2);
	assert_int_equal(world->expirations, 2);
}

static void remove_self_and_stop(void *context, uint64_t expirations)
{
	struct world *world = context;

	(void)expirations;
	world->timer_calls++;
	loop_remove(&world->a);
	loop_stop(world->loop);
}

static void timer_removes_itself(void **state)
{
	struct world *world = *state;

	assert_int_equal(loop_add_timer(world->loop, 1, 1, remove_self_and_stop, world, &world->a),
			 0);
	assert_int_equal(loop_run(world->loop), 0);
	assert_null(world->a);
	assert_int_equal(world->timer_calls, 1);
}

static void remove_both_and_stop(void *context, uint32_t events)
{
	struct world *world = context;

	(void)events;
	world->fd_calls++;
	loop_remove(&world->a);
	loop_remove(&world->b);
	loop_stop(world->loop);
}

/* Both are ready at once; whichever comes first removes both, and the other is not called. */
static void callback_removes_its_neighbour(void **state)
{
	struct world *world = *state;

	assert_int_equal(loop_add_fd(world->loop, world->pipe_a[0], EPOLLIN, remove_both_and_stop,
				     world, &world->a),
			 0);
	assert_int_equal(loop_add_fd(world->loop, world->pipe_b[0], EPOLLIN, remove_both_and_stop,
				     world, &world->b),
			 0);
	write_byte(world->pipe_a[1]);
	write_byte(world->pipe_b[1]);
	assert_int_equal(loop_run(world->loop), 0);
	assert_int_equal(world->fd_calls, 1);
	assert_true(!world->a && !world->b);
}

static void removal_after_close(void **state)
{
	struct world *world = *state;
	int fd = dup(world->pipe_a[0]);

	assert_int_equal(loop_add_fd(world->loop, fd, EPOLLIN, count_fd, world, &world->a), 0);
	loop_change_fd(world->a, 0);
	close(fd);
	loop_remove(&world->a);
	assert_null(world->a);
}

static void note_signal(void *context, int signal)
{
	struct world *world = context;

	world->last_signal = signal;
	if (++world->signal_calls == 2)
		loop_stop(world->loop);
}

static void signals_are_delivered(void **state)
{
	static const int signals[] = { SIGUSR1, SIGHUP };
	struct world *world = *state;

	assert_int_equal(loop_add_signals(world->loop, signals, 2, note_signal, world, &world->a),
			 0);
	raise(SIGUSR1);
	raise(SIGHUP);
	assert_int_equal(loop_run(world->loop), 0);
	assert_int_equal(world->signal_calls, 2);
	assert_true(world->last_signal == SIGUSR1 || world->last_signal == SIGHUP);
	loop_remove(&world->a);
	raise(SIGUSR1); /* still blocked: it does not kill the process */
}

static void remove_at_signal(void *context, int signal)
{
	struct world *world = context;

	(void)signal;
	world->signal_calls++;
	loop_remove(&world->a);
	loop_stop(world->loop);
}

static void signal_source_removes_itself(void **state)
{
	static const int signals[] = { SIGUSR1, SIGUSR2 };
	struct world *world = *state;

	assert_int_equal(
		loop_add_signals(world->loop, signals, 2, remove_at_signal, world, &world->a), 0);
	raise(SIGUSR1);
	raise(SIGUSR2);
	assert_int_equal(loop_run(world->loop), 0);
	assert_int_equal(world->signal_calls, 1);
}

static void stop_before_run_is_kept(void **state)
{
	struct world *world = *state;

	loop_stop(world->loop);
	loop_stop(world->loop);
	assert_int_equal(loop_run(world->loop), 0);
	/* and is used up: the next run waits again */
	assert_int_equal(
		loop_add_timer(world->loop, 5 * NS_PER_MS, 0, stop_at_timer, world, &world->a), 0);
	assert_int_equal(loop_run(world->loop), 0);
	assert_int_equal(world->timer_calls, 1);
}

static void *stop_from_outside(void *loop)
{
	usleep(10000); /* let the loop fall asleep; the result is the same if it has not */
	loop_stop(loop);
	return NULL;
}

static void stop_comes_from_another_thread(void **state)
{
	struct world *world = *state;
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, stop_from_outside, world->loop), 0);
	assert_int_equal(loop_run(world->loop), 0);
	pthread_join(thread, NULL);
}

int main(void)
{
#define LOOP_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		LOOP_TEST(descriptor_wakes),
		LOOP_TEST(descriptor_interest_changes),
		LOOP_TEST(bad_descriptor_is_refused),
		LOOP_TEST(timer_repeats),
		LOOP_TEST(timer_fires_once),
		LOOP_TEST(timer_removes_itself),
		LOOP_TEST(callback_removes_its_neighbour),
		LOOP_TEST(removal_after_close),
		LOOP_TEST(signals_are_delivered),
		LOOP_TEST(signal_source_removes_itself),
		LOOP_TEST(stop_before_run_is_kept),
		LOOP_TEST(stop_comes_from_another_thread),
	};

	return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
