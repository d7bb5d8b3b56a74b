/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The helper's life as the daemon sees it: fork, first answer, orderly stop, and what to do when it
 * is dead or hangs. What the two tell each other meanwhile is iptables.c.
 */
#include "enforce/iptables.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/log.h"
#include "enforce/iptables_helper.h"
#include "enforce/iptables_private.h"

#define SOCKET_BYTES	 (1 << 20)
#define START_TIMEOUT_NS (20 * NS_PER_SECOND)
#define STOP_TIMEOUT_NS	 (10 * NS_PER_SECOND)

static int fork_helper(struct iptables_enforcer *enforcer)
{
	const int size = SOCKET_BYTES;
	int ends[2], err;

	enforcer->full = enforcer->ready = enforcer->stopped = false;
	enforcer->failed = 0;
	enforcer->packets_sent = enforcer->packets_done = enforcer->synced_packets = 0;
	enforcer->heard_ns = moment_now().boot_ns;
	enforcer->repairs_before += enforcer->repairs_now;
	enforcer->repairs_now = 0;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		return -errno;
	if (setsockopt(ends[0], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)))
		setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	enforcer->helper = fork();
	if (enforcer->helper == 0) {
		setpriority(PRIO_PROCESS, 0, 0); /* the tick thread, which restarts it, has more */
		iptables_helper_run(ends[1], &enforcer->options);
	}
	err = enforcer->helper < 0 ? -errno : 0;
	close(ends[1]);
	enforcer->fd = ends[0];
	if (!err)
		err = enforcer_watch(enforcer, EPOLL_CTL_ADD);
	if (err) {
		close(ends[0]); /* which ends the helper, if there is one */
		enforcer->fd = -1;
	}
	return err;
}

/* Takes leave of the helper: it is gone, or is made to go. */
void enforcer_drop_helper(struct iptables_enforcer *enforcer, char why[64])
{
	int status = 0;

	if (enforcer->fd >= 0)
		close(enforcer->fd);
	enforcer->fd = -1;
	enforcer->full = false;
	if (enforcer->helper <= 0)
		return;
	kill(enforcer->helper, SIGKILL); /* nothing, when it has ended */
	while (waitpid(enforcer->helper, &status, 0) < 0 && errno == EINTR)
		;
	enforcer->helper = 0;
	if (WIFSIGNALED(status))
		snprintf(why, 64, "the helper process was ended by signal %d", WTERMSIG(status));
	else
		snprintf(why, 64, "the helper process ended with status %d", WEXITSTATUS(status));
}

static int copy_options(struct iptables_enforcer *enforcer, const struct iptables_options *options,
			char error[512])
{
	struct netfilter_options *to = &enforcer->options;

	to->track_connections = options->track_connections;
	for (unsigned int i = 0; i < options->interface_count; i++) {
		const char *name = options->interfaces[i];
		bool known = false;

		if (!ruleset_interface_valid(name) || i >= NETFILTER_INTERFACES_MAX) {
			snprintf(error, 512, "failed to watch interface %s: %s", name,
				 i < NETFILTER_INTERFACES_MAX ? "iptables cannot name it"
							      : "too many interfaces");
			return -EINVAL;
		}
		for (unsigned int k = 0; k < to->interface_count; k++)
			known |= strcmp(to->interfaces[k], name) == 0;
		if (!known)
			snprintf(to->interfaces[to->interface_count++], IF_NAMESIZE, "%s", name);
	}
	return 0;
}

/* Waits until the socket is ready or the deadline passes. */
static void await(struct iptables_enforcer *enforcer, short events, int64_t deadline_ns)
{
	struct pollfd wait = { .fd = enforcer->fd, .events = events };
	int64_t left_ns = deadline_ns - moment_now().boot_ns;

	if (left_ns > 0)
		poll(&wait, 1, (int)(left_ns / NS_PER_MS) + 1);
}

static void destroy(struct iptables_enforcer **enforcer)
{
	char why[64];

	enforcer_drop_helper(*enforcer, why);
	if ((*enforcer)->epoll_fd >= 0)
		close((*enforcer)->epoll_fd);
	desired_free(&(*enforcer)->desired);
	pthread_mutex_destroy(&(*enforcer)->lock);
	free(*enforcer);
	*enforcer = NULL;
}

static int create(struct iptables_enforcer **out)
{
	struct iptables_enforcer *enforcer = calloc(1, sizeof(*enforcer));
	int err;

	if (!enforcer)
		return -ENOMEM;
	pthread_mutex_init(&enforcer->lock, NULL);
	enforcer->fd = -1;
	enforcer->status = (struct enforcer_status){ .name = "iptables",
						     .state = ENFORCER_UNENFORCED,
						     .reason = "starting" };
	enforcer->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	err = enforcer->epoll_fd < 0 ? -errno : desired_new(&enforcer->desired);
	if (err)
		destroy(&enforcer);
	else
		*out = enforcer;
	return err;
}

static int await_ready(struct iptables_enforcer *enforcer, char error[512])
{
	int64_t deadline_ns = moment_now().boot_ns + START_TIMEOUT_NS;

	while (!enforcer->ready && enforcer->fd >= 0 && moment_now().boot_ns < deadline_ns) {
		await(enforcer, POLLIN, deadline_ns);
		enforcer_receive(enforcer);
	}
	if (enforcer->ready && enforcer->fd >= 0)
		return 0;
	if (!enforcer->failed && enforcer->fd >= 0)
		snprintf(error, 512, "failed to set up iptables: no answer within %d s",
			 (int)(START_TIMEOUT_NS / NS_PER_SECOND));
	else
		snprintf(error, 512, "failed to set up iptables: %s", enforcer->status.reason);
	return enforcer->failed ? enforcer->failed : enforcer->fd < 0 ? -EIO : -ETIMEDOUT;
}

int iptables_enforcer_start(const struct iptables_options *options, struct iptables_enforcer **out,
			    char error[512])
{
	struct iptables_enforcer *enforcer = NULL;
	int err = create(&enforcer);

	if (err) {
		snprintf(error, 512, "failed to start the iptables helper: %s", strerror(-err));
		return err;
	}
	enforcer->quiet = true;
	err = copy_options(enforcer, options, error);
	if (!err) {
		err = fork_helper(enforcer);
		if (err)
			snprintf(error, 512, "failed to start the iptables helper: %s",
				 strerror(-err));
		else
			err = await_ready(enforcer, error);
	}
	if (err) {
		destroy(&enforcer);
		return err;
	}
	enforcer->quiet = false;
	*out = enforcer;
	return 0;
}

/* With the lock held, and no helper there. */
static int restart(struct iptables_enforcer *enforcer)
{
	int err = fork_helper(enforcer);

	if (!err) {
		desired_resync(enforcer->desired);
		enforcer_flush(enforcer);
	}
	return err;
}

int iptables_enforcer_restart(struct iptables_enforcer *enforcer)
{
	int err = -EBUSY;

	pthread_mutex_lock(&enforcer->lock);
	if (enforcer->fd < 0)
		err = restart(enforcer);
	pthread_mutex_unlock(&enforcer->lock);
	return err;
}

int iptables_enforcer_reconfigure(struct iptables_enforcer *enforcer,
				  const struct iptables_options *options, char error[512])
{
	struct netfilter_options before;
	char why[64];
	int err;

	pthread_mutex_lock(&enforcer->lock);
	before = enforcer->options;
	enforcer->options = (struct netfilter_options){ .interface_count = 0 };
	err = copy_options(enforcer, options, error);
	if (err) {
		enforcer->options = before;
	} else {
		enforcer_drop_helper(enforcer, why);
		err = restart(enforcer);
		if (err)
			snprintf(error, 512, "failed to start the iptables helper: %s",
				 strerror(-err));
	}
	pthread_mutex_unlock(&enforcer->lock);
	return err;
}

/* Sends what is still wanted, then the order, then waits for the helper's end. */
static void order_stop(struct iptables_enforcer *enforcer, bool keep)
{
	const struct message order = { .type = MESSAGE_STOP, .keep = keep };
	int64_t deadline_ns = moment_now().boot_ns + STOP_TIMEOUT_NS;
	bool ordered = false;

	while (enforcer->fd >= 0 && moment_now().boot_ns < deadline_ns) {
		if (!ordered) {
			if (keep)
				enforcer_flush(enforcer);
			if (!keep || !desired_pending(enforcer->desired))
				ordered = enforcer_tell(enforcer, &order) == 0;
		}
		await(enforcer, POLLIN | (ordered ? 0 : POLLOUT), deadline_ns);
		enforcer_receive(enforcer);
	}
}

int iptables_enforcer_stop(struct iptables_enforcer **enforcer, bool keep)
{
	char error[512];
	bool stopped;
	int err;

	pthread_mutex_lock(&(*enforcer)->lock);
	(*enforcer)->quiet = true;
	order_stop(*enforcer, keep);
	stopped = (*enforcer)->stopped;
	err = (*enforcer)->failed;
	pthread_mutex_unlock(&(*enforcer)->lock);
	destroy(enforcer);
	if (stopped || keep)
		return stopped ? err : 0;
	err = iptables_remove_all(error);
	if (err < 0)
		log_error("%s", error);
	return err < 0 ? err : 0;
}

int iptables_remove_all(char error[512])
{
	return netfilter_remove(error);
}

int iptables_jumps(const char *const *interfaces, unsigned int count, bool remove, char error[512])
{
	return netfilter_jumps(interfaces, count, remove, error);
}
