/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The event log: what tools that read Suricata's EVE lines can take in as it is (timestamp,
 * event_type, addresses, alert), with fwgen's own facts under "fwgen". Rotation is the
 * administrator's: the file is appended to and opened again when asked. Not the program's own log.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/address.h"
#include "base/json.h"
#include "base/log.h"
#include "record/event_log.h"
#include "record/path.h"

#define REOPEN_NS (5 * NS_PER_SECOND)

struct event_log {
	int fd;		   /* owned, -1: to be opened */
	int64_t reopen_ns; /* not before */
	uint64_t lost;	   /* lines, since the failure began */
	char failing[160];
	char path[PATH_MAX];
};

/* ---- lines ---------------------------------------------------------------------------------- */

static const char *category(enum detector_id detector)
{
	static const struct {
		const char *end, *text;
	} kinds[] = {
		{ "_flood", "Denial of service" },     { "_scan", "Network scan" },
		{ "_sweep", "Network scan" },	       { "brute_force", "Password guessing" },
		{ "reflection", "Denial of service" },
	};
	const char *name = detector == DETECTOR_NONE ? "" : detector_name(detector);
	size_t len = strlen(name);

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		size_t end = strlen(kinds[i].end);

		if (len >= end && !strcmp(name + len - end, kinds[i].end))
			return kinds[i].text;
	}
	return "Attack";
}

/* EVE's order: 1 is the worst. */
static int eve_severity(enum severity severity)
{
	switch (severity) {
	case SEVERITY_CRITICAL:
		return 1;
	case SEVERITY_WARNING:
		return 2;
	case SEVERITY_NOTICE:
		return 3;
	default:
		return 4;
	}
}

static const char *eve_protocol(uint8_t protocol, char buf[16])
{
	char text[8];
	size_t i = 0;

	if (protocol == IPPROTO_ICMPV6)
		return "IPv6-ICMP";
	for (protocol_format(protocol, text); text[i]; i++)
		buf[i] = (char)toupper((unsigned char)text[i]);
	buf[i] = '\0';
	return buf;
}

static const char *detail(const struct json *details, const char *key)
{
	const struct json *item = details ? json_get(details, key) : NULL;
	const char *text = item ? json_to_string(item) : NULL;

	return text ? text : "";
}

/* A rule that is renewed or taken back is news of the rule, not of an attack. */
static bool is_alert(const struct event *event, const struct json *details)
{
	const char *change = detail(details, "change");

	if (event->type == EVENT_ALARM) /* the lesser ones say that something is over */
		return event->severity >= SEVERITY_WARNING;
	if (event->type == EVENT_FINDING)
		return true;
	return event->type == EVENT_RULE && event->detector != DETECTOR_NONE &&
	       strcmp(change, "removed") && strcmp(change, "renewed");
}

static void add_alert(struct json *line, const struct event *event, const struct json *details)
{
	struct json *alert = json_new_object();
	const char *change = detail(details, "change");
	bool blocked = !strcmp(change, "added") || !strcmp(change, "also_found");
	char signature[64];

	snprintf(signature, sizeof(signature), "fwgen %s",
		 event->detector == DETECTOR_NONE ? event_type_name(event->type)
						  : detector_name(event->detector));
	json_add_string(alert, "action", blocked ? "blocked" : "allowed");
	json_add_string(alert, "signature", signature);
	json_add_string(alert, "category", category(event->detector));
	json_add_int(alert, "severity", eve_severity(event->severity));
	json_add(line, "alert", alert);
}

static void add_own(struct json *line, const struct event *event, struct json *details)
{
	struct json *own = json_new_object();
	char source[PREFIX_TEXT];

	json_add_int(own, "id", (int64_t)event->id);
	json_add_string(own, "type", event_type_name(event->type));
	json_add_string(own, "severity", severity_name(event->severity));
	if (event->has_source)
		json_add_string(own, "source", prefix_format(&event->source, source));
	if (event->detector != DETECTOR_NONE)
		json_add_string(own, "detector", detector_name(event->detector));
	json_add_string(own, "message", event->message);
	if (details)
		json_add(own, "details", details);
	else if (event->details[0]) /* not JSON: shown all the same */
		json_add_string(own, "details", event->details);
	json_add(line, "fwgen", own);
}

char *event_log_line(const struct event *event)
{
	struct json *line = json_new_object(), *details = NULL;
	char time[MOMENT_TEXT], address[ADDRESS_TEXT], protocol[16], error[64], *text;
	const char *interface;

	if (event->details[0])
		details = json_parse(event->details, strlen(event->details), error, sizeof(error));
	interface = detail(details, "interface");
	json_add_string(line, "timestamp", moment_format(event->at, time));
	json_add_string(line, "event_type",
			is_alert(event, details) ? "alert" : event_type_name(event->type));
	if (interface[0])
		json_add_string(line, "in_iface", interface);
	if (event->has_source)
		json_add_string(line, "src_ip", address_format(&event->source.address, address));
	if (event->has_destination)
		json_add_string(line, "dest_ip", address_format(&event->destination, address));
	if (event->port)
		json_add_int(line, "dest_port", event->port);
	if (event->protocol)
		json_add_string(line, "proto", eve_protocol(event->protocol, protocol));
	if (is_alert(event, details))
		add_alert(line, event, details);
	add_own(line, event, details);
	text = json_print(line);
	json_free(&line);
	return text;
}

/* ---- the file ------------------------------------------------------------------------------- */

static int attach(struct event_log *log)
{
	/* O_NONBLOCK: a pipe that nobody reads must not hold the writer up. */
	int fd = path_open(log->path, O_WRONLY | O_APPEND | O_NONBLOCK);

	if (fd < 0)
		return fd;
	log->fd = fd;
	return 0;
}

int event_log_open(const char *path, struct event_log **out, char error[512])
{
	struct event_log *log = calloc(1, sizeof(*log));
	char why[PATH_WHY] = "";
	int err;

	if (!log)
		return -ENOMEM;
	log->fd = -1;
	err = path_resolve(path, log->path, why);
	if (!err)
		err = attach(log);
	if (err) {
		snprintf(error, 512,
			 "failed to open event log %.200s: %s; free or allow it, or name another "
			 "file in storage.event_log",
			 path, why[0] ? why : strerror(-err));
		event_log_close(&log);
		return err;
	}
	*out = log;
	return 0;
}

void event_log_close(struct event_log **log)
{
	if (!*log)
		return;
	if ((*log)->fd >= 0)
		close((*log)->fd);
	free(*log);
	*log = NULL;
}

static int note_failure(struct event_log *log, int err)
{
	if (!log->failing[0]) {
		snprintf(log->failing, sizeof(log->failing),
			 "failed to write event log %.80s: %.40s", log->path, strerror(-err));
		log_warning("%s; lines are lost until it works again", log->failing);
	}
	log->lost++;
	return err;
}

static int write_line(struct event_log *log, const char *line, size_t len)
{
	ssize_t n = write(log->fd, line, len);
	struct stat st;

	if (n == (ssize_t)len)
		return 0;
	if (n < 0)
		return -errno;
	/* Half a line would spoil the next one for every reader. */
	if (!fstat(log->fd, &st) && S_ISREG(st.st_mode) && ftruncate(log->fd, st.st_size - n))
		log_debug("event log %s has half a line", log->path);
	return -ENOSPC;
}

int event_log_reopen(struct event_log *log)
{
	int err;

	if (log->fd >= 0)
		close(log->fd);
	log->fd = -1;
	log->reopen_ns = moment_now().boot_ns + REOPEN_NS;
	err = attach(log);
	if (err)
		log_warning("failed to reopen event log %s: %s", log->path, strerror(-err));
	return err;
}

int event_log_write(struct event_log *log, const struct event *event)
{
	char *line;
	size_t len;
	int err = 0;

	if (log->fd < 0) {
		if (moment_now().boot_ns >= log->reopen_ns)
			err = event_log_reopen(log);
		if (log->fd < 0)
			return note_failure(log, err ? err : -EBADF);
	}
	line = event_log_line(event);
	if (!line)
		return note_failure(log, -ENOMEM);
	len = strlen(line);
	line[len] = '\n'; /* in the place of the terminator: one write, one line */
	err = write_line(log, line, len + 1);
	free(line);
	if (err)
		return note_failure(log, err);
	if (log->failing[0]) {
		log_info("event log %s is written again; %llu lines were lost", log->path,
			 (unsigned long long)log->lost);
		log->failing[0] = '\0';
		log->lost = 0;
	}
	return 0;
}

const char *event_log_failing(const struct event_log *log)
{
	return log->failing;
}
