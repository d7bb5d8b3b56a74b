/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The program's own log. One write(2) a message, so that lines of threads and of the enforcer
 * helper never mix. Not a record of what happened on the network: that is record/.
 */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/clock.h"

#define LINE_BYTES 1024

static const struct {
	const char *name;
	int priority; /* syslog(3)'s, for the journal */
} levels[] = {
	[LOG_LEVEL_ERROR] = { "error", 3 },
	[LOG_LEVEL_WARNING] = { "warning", 4 },
	[LOG_LEVEL_INFO] = { "info", 6 },
	[LOG_LEVEL_DEBUG] = { "debug", 7 },
};
#define LEVELS (sizeof(levels) / sizeof(levels[0]))
_Static_assert(LEVELS == LOG_LEVEL_DEBUG + 1, "each level has a name");

static struct {
	pthread_mutex_t lock;
	enum log_level level;
	int fd; /* owned, or -1: stderr */
	bool journal;
	char path[PATH_MAX];
} state = { .lock = PTHREAD_MUTEX_INITIALIZER, .level = LOG_LEVEL_INFO, .fd = -1 };

int log_level_parse(const char *text, enum log_level *out)
{
	for (size_t i = 0; i < LEVELS; i++) {
		if (!strcmp(text, levels[i].name)) {
			*out = (enum log_level)i;
			return 0;
		}
	}
	return -EINVAL;
}

const char *log_level_name(enum log_level level)
{
	return (size_t)level < LEVELS ? levels[level].name : "?";
}

/* JOURNAL_STREAM is inherited by shells too; only its device and inode tell whether stderr is it.
 */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;

	return stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
	       !fstat(STDERR_FILENO, &st) && st.st_dev == device && st.st_ino == inode;
}

static int open_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);

	return fd < 0 ? -errno : fd;
}

/* Takes fd; -1 is stderr. */
static void replace(int fd)
{
	if (state.fd >= 0)
		close(state.fd);
	state.fd = fd;
	state.journal = fd < 0 && stderr_is_journal();
}

int log_open(enum log_level level, const char *file)
{
	int fd = -1;

	if (file && strlen(file) >= sizeof(state.path))
		return -ENAMETOOLONG;
	if (file && *file) {
		fd = open_file(file);
		if (fd < 0)
			return fd;
	}
	pthread_mutex_lock(&state.lock);
	replace(fd);
	state.level = level;
	snprintf(state.path, sizeof(state.path), "%s", file ? file : "");
	pthread_mutex_unlock(&state.lock);
	return 0;
}

int log_reopen(void)
{
	int result = 0;

	pthread_mutex_lock(&state.lock);
	if (state.fd >= 0) {
		int fd = open_file(state.path);

		if (fd < 0)
			result = fd;
		else
			replace(fd);
	}
	pthread_mutex_unlock(&state.lock);
	return result;
}

void log_close(void)
{
	pthread_mutex_lock(&state.lock);
	replace(-1);
	state.path[0] = '\0';
	pthread_mutex_unlock(&state.lock);
}

/* What somebody else wrote (a file name, a packet's text) must not begin a line of its own. */
static void flatten(char *text)
{
	for (; *text; text++) {
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			*text = ' ';
	}
}

/* The part before the message; returns its length. */
static size_t start_line(char *line, size_t size, enum log_level level)
{
	char at[MOMENT_TEXT];

	if (state.journal) /* the journal has a time of its own */
		return (size_t)snprintf(line, size, "<%d>", levels[level].priority);
	return (size_t)snprintf(line, size, "%s %s: ", moment_format(moment_now(), at),
				levels[level].name);
}

/*
 * A terminal that was stopped (Ctrl-S), or a pipe that nobody reads, must not stop who decides:
 * what has no room there is lost. A pipe that is writable takes a whole line.
 */
static void put_line(const char *line, size_t size)
{
	struct pollfd to = { .fd = state.fd < 0 ? STDERR_FILENO : state.fd, .events = POLLOUT };

	/* A full disk or a closed terminal loses the line; there is nowhere left to say so. */
	if (poll(&to, 1, 0) == 1 && write(to.fd, line, size) < 0)
		return;
}

static void write_line(enum log_level level, const char *format, va_list args)
{
	char line[LINE_BYTES];
	size_t used = start_line(line, sizeof(line), level);
	size_t room = sizeof(line) - used - 1; /* one for the newline */
	int length = vsnprintf(line + used, room, format, args);

	if (length < 0)
		return;
	flatten(line + used);
	if ((size_t)length >= room) {
		memcpy(line + used + room - 4, "...", 4);
		length = (int)room - 1;
	}
	used += (size_t)length;
	line[used++] = '\n';
	put_line(line, used);
}

static void say(enum log_level level, const char *format, va_list args)
{
	int saved = errno; /* callers log before they return -errno */

	pthread_mutex_lock(&state.lock);
	if (level <= state.level)
		write_line(level, format, args);
	pthread_mutex_unlock(&state.lock);
	errno = saved;
}

#define LOG_FUNCTION(name, level)          \
	void name(const char *format, ...) \
	{                                  \
		va_list args;              \
                                           \
		va_start(args, format);    \
		say(level, format, args);  \
		va_end(args);              \
	}

LOG_FUNCTION(log_error, LOG_LEVEL_ERROR)
LOG_FUNCTION(log_warning, LOG_LEVEL_WARNING)
LOG_FUNCTION(log_info, LOG_LEVEL_INFO)
LOG_FUNCTION(log_debug, LOG_LEVEL_DEBUG)
