/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The last of the start that touches the kernel: the memory of what leaves, and the sensors. The
 * kernel takes some tenths of a second to verify a program: a thread waits for it while the rules
 * of the run before are read. The order of all steps is start.c's.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/log.h"
#include "daemon/start.h"
#include "daemon/upkeep.h"

/* The thread's until it is joined. */
struct loading {
	struct daemon *daemon;
	pthread_t thread;
	struct sensor_options options;
	unsigned int count; /* sensors that are open */
	int err;
	char error[512];
};

int start_contacts(struct daemon *daemon, char error[512])
{
	int err = contacts_open(&daemon->contacts);

	if (err)
		snprintf(error, 512, "failed to make the map of what leaves: %s", strerror(-err));
	return err ? start_exit_code(err) : 0;
}

/* An earlier run may have watched more: nobody would read what its programs there count. */
static void release_others(struct daemon *daemon)
{
	const char *names[CONFIG_INTERFACES_MAX];
	int released;

	if (!daemon->pin_dir[0])
		return;
	for (unsigned int i = 0; i < daemon->watch_count; i++)
		names[i] = daemon->watches[i].status.name;
	released = sensor_release_others(daemon->pin_dir, names, daemon->watch_count);
	if (released > 0)
		log_info("took the XDP program of an earlier run off %d other interface%s",
			 released, released == 1 ? "" : "s");
	else if (released < 0)
		log_warning("failed to take the XDP programs of an earlier run off other"
			    " interfaces: %s; fwgen off removes them",
			    strerror(-released));
}

static void *load(void *context)
{
	struct loading *loading = context;
	const struct config *config = loading->options.config;

	for (unsigned int i = 0; !loading->err && i < config->interface_count; i++) {
		loading->options.interface = config->interfaces[i];
		loading->err = sensor_open(&loading->options, &loading->daemon->watches[i].sensor,
					   loading->error);
		loading->count += !loading->err;
	}
	return NULL;
}

int start_loading(struct daemon *daemon, char error[512])
{
	const struct config *config = daemon->config;
	struct loading *loading = calloc(1, sizeof(*loading));
	int err = loading ? 0 : -ENOMEM;

	if (!err) {
		loading->daemon = daemon;
		loading->options = (struct sensor_options){
			.generic = config->sensor.backend == BACKEND_XDP_GENERIC,
			.config = config,
			.memory_mb = config->sensor.memory_mb / config->interface_count,
			.contacts_fd = daemon->contacts.fd,
			.pin_dir = daemon->pin_dir[0] ? daemon->pin_dir : NULL,
		};
		detect_wake_marks(config, &loading->options.marks);
		dropmap_maps(daemon->dropmap, &loading->options.maps);
		err = -pthread_create(&loading->thread, NULL, load, loading);
	}
	if (!err) {
		daemon->loading = loading;
		return 0;
	}
	free(loading);
	snprintf(error, 512, "failed to load the XDP programs: %s", strerror(-err));
	return start_exit_code(err);
}

int start_join(struct daemon *daemon, char error[512])
{
	struct loading *loading = daemon->loading;
	int err;

	if (!loading)
		return 0;
	daemon->loading = NULL;
	pthread_join(loading->thread, NULL);
	for (unsigned int i = 0; i < loading->count; i++) {
		struct watch *watch = &daemon->watches[i];

		snprintf(watch->status.name, sizeof(watch->status.name), "%s",
			 loading->options.config->interfaces[i]);
		snprintf(watch->status.sensor, sizeof(watch->status.sensor), "%s",
			 sensor_kind(watch->sensor));
	}
	daemon->watch_count = loading->count;
	err = loading->err;
	memcpy(error, loading->error, sizeof(loading->error));
	free(loading);
	return err ? start_exit_code(err) : 0;
}

int start_sensors(struct daemon *daemon, char error[512])
{
	char room[256];
	int code = start_join(daemon, error);

	if (code)
		return code;
	for (unsigned int i = 0; i < daemon->watch_count; i++)
		upkeep_direction(daemon, &daemon->watches[i]);
	release_others(daemon);
	if (!sensor_room(daemon->config, room))
		events_say(daemon->events, EVENT_SYSTEM, SEVERITY_WARNING, "%s", room);
	return 0;
}
