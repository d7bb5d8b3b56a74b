/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs one program to its end while feeding and draining it, so that neither side waits for a full
 * pipe. Blocks its caller: for the enforcer helper and the verbs, never for the daemon's threads.
 */
#include "base/subprocess.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/clock.h"

#define OUTPUT_MAX_BYTES (256u << 20) /* ipset's listing of a million entries is 100 MB */

struct child {
	pid_t pid;
	int exited;	  /* pidfd: readable when the child has ended */
	int in, out, err; /* our ends; -1 when done */
	const char *input;
	size_t input_left;
	struct subprocess_result result;
	size_t output_len, output_capacity;
	size_t errors_len;
};

static void shut(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* ---- starting ------------------------------------------------------------------------------ */

static int open_pipe(int *ours, int *theirs)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	*ours = ends[0];
	*theirs = ends[1];
	return fcntl(*ours, F_SETFL, O_NONBLOCK) ? -errno : 0;
}

/*
 * Input goes through a socket: a program that stops reading gives EPIPE there, where a pipe would
 * raise SIGPIPE in a process that may not ignore it.
 */
static int open_pipes(struct child *child, int theirs[3], bool input)
{
	int ends[2], result;

	if (input) {
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
			return -errno;
		child->in = ends[0];
		theirs[0] = ends[1];
	} else {
		theirs[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
		if (theirs[0] < 0)
			return -errno;
	}
	result = open_pipe(&child->out, &theirs[1]);
	return result ? result : open_pipe(&child->err, &theirs[2]);
}

/* Tries each folder. What is found but cannot be run is the error, unless a later one can. */
static int spawn_in_path(pid_t *pid, const posix_spawn_file_actions_t *actions,
			 const posix_spawnattr_t *attributes, char *const argv[])
{
	static const char *const folders[] = { "/usr/sbin/", "/sbin/", "/usr/bin/", "/bin/" };
	static char *const environment[] = { "PATH=/usr/sbin:/sbin:/usr/bin:/bin", "LC_ALL=C",
					     NULL };
	bool searched = !strchr(argv[0], '/');
	size_t count = searched ? sizeof(folders) / sizeof(folders[0]) : 1;
	int result = ENOENT;
	char path[PATH_MAX];

	for (size_t i = 0; i < count; i++) {
		int failed;

		snprintf(path, sizeof(path), "%s%s", searched ? folders[i] : "", argv[0]);
		failed = posix_spawn(pid, path, actions, attributes, argv, environment);
		if (!failed)
			return 0;
		if (failed != ENOENT)
			result = failed;
	}
	return -result;
}

/* In the child: our pipes, every signal as at login, a process group to be killed by. */
static int set_up(posix_spawn_file_actions_t *actions, posix_spawnattr_t *attributes,
		  const int theirs[3])
{
	sigset_t none, all;
	int result = 0;

	sigemptyset(&none);
	sigfillset(&all);
	for (int fd = 0; fd < 3 && !result; fd++)
		result = posix_spawn_file_actions_adddup2(actions, theirs[fd], fd);
	if (!result)
		result = posix_spawn_file_actions_addclosefrom_np(actions, 3);
	if (!result)
		result = posix_spawnattr_setsigmask(attributes, &none);
	if (!result)
		result = posix_spawnattr_setsigdefault(attributes, &all);
	if (!result)
		result = posix_spawnattr_setpgroup(attributes, 0);
	if (!result)
		result = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK |
								      POSIX_SPAWN_SETSIGDEF |
								      POSIX_SPAWN_SETPGROUP);
	return -result;
}

static int spawn(struct child *child, const char *const argv[], const int theirs[3])
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int result = -posix_spawn_file_actions_init(&actions);

	if (result)
		return result;
	result = -posix_spawnattr_init(&attributes);
	if (!result) {
		result = set_up(&actions, &attributes, theirs);
		if (!result) /* the cast is posix_spawn's fault: it changes no argument */
			result = spawn_in_path(&child->pid, &actions, &attributes,
					       (char *const *)argv);
		posix_spawnattr_destroy(&attributes);
	}
	posix_spawn_file_actions_destroy(&actions);
	return result;
}

static int start(struct child *child, const char *const argv[], bool input)
{
	int theirs[3] = { -1, -1, -1 };
	int result = open_pipes(child, theirs, input);

	if (!result)
		result = spawn(child, argv, theirs);
	for (int i = 0; i < 3; i++)
		shut(&theirs[i]);
	if (result)
		return result;
	child->exited = (int)syscall(SYS_pidfd_open, child->pid, 0);
	return child->exited < 0 ? -errno : 0;
}

/* ---- feeding and draining ------------------------------------------------------------------ */

static int feed(struct child *child)
{
	ssize_t n;

	if (!child->input_left) {
		shut(&child->in);
		return 0;
	}
	n = send(child->in, child->input, child->input_left, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n < 0) {
		if (errno == EAGAIN || errno == EINTR)
			return 0;
		if (errno != EPIPE && errno != ECONNRESET)
			return -errno;
		child->input_left = 0; /* it wants no more; its exit status says why */
		return 0;
	}
	child->input += n;
	child->input_left -= (size_t)n;
	return 0;
}

static int grow_output(struct child *child)
{
	size_t wanted = child->output_capacity * 2;
	char *grown;

	if (child->output_len + 1 < child->output_capacity)
		return 0;
	if (wanted > OUTPUT_MAX_BYTES)
		return -EFBIG;
	grown = realloc(child->result.output, wanted);
	if (!grown)
		return -ENOMEM;
	child->result.output = grown;
	child->output_capacity = wanted;
	return 0;
}

/* Each returns 1 when something was read, 0 when there is nothing (now or ever), or -errno. */
static int drain_output(struct child *child)
{
	int result = grow_output(child);
	ssize_t n;

	if (result)
		return result;
	n = read(child->out, child->result.output + child->output_len,
		 child->output_capacity - child->output_len - 1);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (!n)
		shut(&child->out);
	child->output_len += (size_t)n;
	return n > 0;
}

static int drain_errors(struct child *child)
{
	char *errors = child->result.errors;
	size_t size = sizeof(child->result.errors) - 1, over;
	char chunk[256]; /* less than errors holds */
	ssize_t n = read(child->err, chunk, sizeof(chunk));

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (!n)
		shut(&child->err);
	if (child->errors_len + (size_t)n > size) { /* the end is what counts */
		over = child->errors_len + (size_t)n - size;
		memmove(errors, errors + over, child->errors_len - over);
		child->errors_len -= over;
	}
	memcpy(errors + child->errors_len, chunk, (size_t)n);
	child->errors_len += (size_t)n;
	return n > 0;
}

static int drain_rest(struct child *child)
{
	int result;

	do {
		result = child->out >= 0 ? drain_output(child) : 0;
	} while (result > 0);
	while (!result && child->err >= 0 && drain_errors(child) > 0)
		;
	return result;
}

/* Until the child ends. */
static int attend(struct child *child, int timeout_ms)
{
	int64_t deadline = moment_now().boot_ns + timeout_ms * NS_PER_MS;

	for (;;) {
		struct pollfd fds[] = {
			{ .fd = child->exited, .events = POLLIN },
			{ .fd = child->out, .events = POLLIN },
			{ .fd = child->err, .events = POLLIN },
			{ .fd = child->in, .events = POLLOUT },
		};
		int64_t left = deadline - moment_now().boot_ns;
		int result = 0;

		if (left <= 0)
			return -ETIMEDOUT;
		if (poll(fds, sizeof(fds) / sizeof(fds[0]), (int)(left / NS_PER_MS) + 1) < 0 &&
		    errno != EINTR)
			return -errno;
		if (fds[0].revents) {
			/* What it left running could hold the pipes open for ever. */
			kill(-child->pid, SIGKILL);
			return drain_rest(child);
		}
		if (fds[1].revents)
			result = drain_output(child);
		if (result >= 0 && fds[2].revents)
			result = drain_errors(child);
		if (result >= 0 && fds[3].revents)
			result = feed(child);
		if (result < 0)
			return result;
	}
}

/* ---- the whole ----------------------------------------------------------------------------- */

static int reap(struct child *child)
{
	int status;

	while (waitpid(child->pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	child->pid = 0;
	child->result.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	return 0;
}

static void finish_texts(struct child *child)
{
	char *errors = child->result.errors;

	child->result.output[child->output_len] = '\0';
	while (child->errors_len && errors[child->errors_len - 1] == '\n')
		child->errors_len--;
	errors[child->errors_len] = '\0';
}

int subprocess_run(const char *const argv[], const char *input, size_t input_len, int timeout_ms,
		   struct subprocess_result *out)
{
	struct child child = { .exited = -1, .in = -1, .out = -1, .err = -1 };
	int result;

	child.input = input;
	child.input_left = input ? input_len : 0;
	child.output_capacity = 4096;
	child.result.output = malloc(child.output_capacity);
	if (!child.result.output)
		return -ENOMEM;
	result = start(&child, argv, input);
	if (!result)
		result = attend(&child, timeout_ms);
	if (child.pid > 0) {
		int reaped;

		if (result)
			kill(-child.pid, SIGKILL);
		reaped = reap(&child);
		result = result ? result : reaped;
	}
	shut(&child.exited);
	shut(&child.in);
	shut(&child.out);
	shut(&child.err);
	finish_texts(&child);
	if (!result)
		*out = child.result;
	else
		free(child.result.output);
	return result;
}

void subprocess_result_free(struct subprocess_result *result)
{
	free(result->output);
	*result = (struct subprocess_result){ 0 };
}
