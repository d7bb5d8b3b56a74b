// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A thread that does nothing but wait for grace periods. membarrier(2) may be refused by a seccomp
 * filter; then a map-in-map update, after which the kernel waits for the same (synchronize_rcu in
 * maybe_wait_bpf_programs, kernel/bpf/syscall.c).
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "base/log.h"
#include "sense/grace.h"

struct grace {
	pthread_t thread;
	int request_fd;		/* eventfd, the caller to the thread */
	int done_fd;		/* eventfd, the thread to the caller */
	int outer_fd, inner_fd; /* -1, or the maps of the fallback */
	bool stopping;
};

static int membarrier(int command)
{
	return syscall(__NR_membarrier, command, 0, 0);
}

static int open_fallback(struct grace *grace)
{
	LIBBPF_OPTS(bpf_map_create_opts, options);

	grace->inner_fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "fwgen_inner", 4, 4, 1, NULL);
	if (grace->inner_fd < 0)
		return -errno;
	options.inner_map_fd = grace->inner_fd;
	grace->outer_fd =
		bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "fwgen_grace", 4, 4, 1, &options);
	return grace->outer_fd < 0 ? -errno : 0;
}

static void wait_period(struct grace *grace)
{
	uint32_t zero = 0;

	if (grace->outer_fd < 0)
		membarrier(MEMBARRIER_CMD_GLOBAL);
	else if (bpf_map_update_elem(grace->outer_fd, &zero, &grace->inner_fd, BPF_ANY))
		log_error("failed to wait for a grace period: map-in-map update: %m");
}

static void *run(void *context)
{
	struct grace *grace = context;
	uint64_t count;

	while (read(grace->request_fd, &count, sizeof(count)) == sizeof(count) || errno == EINTR) {
		if (__atomic_load_n(&grace->stopping, __ATOMIC_ACQUIRE))
			break;
		wait_period(grace);
		count = 1;
		if (write(grace->done_fd, &count, sizeof(count)) < 0)
			break;
	}
	return NULL;
}

static void release(struct grace *grace)
{
	int *fds[] = { &grace->request_fd, &grace->done_fd, &grace->outer_fd, &grace->inner_fd };

	for (unsigned int i = 0; i < sizeof(fds) / sizeof(*fds); i++)
		if (*fds[i] >= 0)
			close(*fds[i]);
	free(grace);
}

int grace_start(struct grace **out)
{
	struct grace *grace = calloc(1, sizeof(*grace));
	int err = 0, commands;

	if (!grace)
		return -ENOMEM;
	grace->request_fd = eventfd(0, EFD_CLOEXEC);
	grace->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	grace->outer_fd = grace->inner_fd = -1;
	if (grace->request_fd < 0 || grace->done_fd < 0)
		err = -errno;
	commands = membarrier(MEMBARRIER_CMD_QUERY);
	if (!err && (commands < 0 || !(commands & MEMBARRIER_CMD_GLOBAL)))
		err = open_fallback(grace);
	if (!err)
		err = -pthread_create(&grace->thread, NULL, run, grace);
	if (err) {
		release(grace);
		return err;
	}
	*out = grace;
	return 0;
}

static void signal_thread(struct grace *grace)
{
	uint64_t one = 1;

	if (write(grace->request_fd, &one, sizeof(one)) < 0)
		log_error("failed to ask for a grace period: %m");
}

void grace_request(struct grace *grace)
{
	signal_thread(grace);
}

int grace_fd(const struct grace *grace)
{
	return grace->done_fd;
}

void grace_stop(struct grace **grace)
{
	if (!*grace)
		return;
	__atomic_store_n(&(*grace)->stopping, true, __ATOMIC_RELEASE);
	signal_thread(*grace);
	pthread_join((*grace)->thread, NULL);
	release(*grace);
	*grace = NULL;
}
