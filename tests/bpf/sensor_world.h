/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What tests of the sensor stand on: a veth pair in a network namespace of the test's own, with
 * everything that a sensor is given.
 */
#ifndef FWGEN_TESTS_SENSOR_WORLD_H
#define FWGEN_TESTS_SENSOR_WORLD_H

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>
#include "enforce/dropmap.h"
#include "sense/contacts.h"
#include "sense/grace.h"
#include "sense/sensor.h"

struct world {
	struct dropmap *dropmap;
	struct grace *grace;
	struct contacts_memory contacts;
	struct config *config;
	int socket; /* sends on the far end of the pair */
	int wakes;
	char pin_dir[64];
};

static inline void run(const char *command)
{
	if (system(command))
		fail_msg("failed to run: %s", command);
}

static inline int open_world(void **state)
{
	struct world *world = calloc(1, sizeof(*world));
	struct dropmap_options options = { .max_blocks = 1024 };
	struct sockaddr_ll to = { .sll_family = AF_PACKET };
	char error[512];

	if (geteuid()) {
		print_message("skipped: needs root\n");
		exit(0);
	}
	assert_int_equal(unshare(CLONE_NEWNET | CLONE_NEWNS), 0);
	assert_int_equal(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	run("ip link set lo up; sysctl -qw net.ipv6.conf.all.disable_ipv6=1;"
	    "ip link add far type veth peer name near; ip link set far up; ip link set near up");
	snprintf(world->pin_dir, sizeof(world->pin_dir), "/tmp/fwgen-bpf-XXXXXX");
	assert_non_null(mkdtemp(world->pin_dir));
	assert_int_equal(mount("bpf", world->pin_dir, "bpf", 0, NULL), 0);
	options.pin_dir = world->pin_dir;

	assert_int_equal(dropmap_open(&options, &world->dropmap, error), 0);
	assert_int_equal(grace_start(&world->grace), 0);
	assert_int_equal(contacts_open(&world->contacts), 0);
	world->contacts.notes->learning = 0;
	world->config = config_defaults();
	world->config->sensor.table_buckets = 1024;
	world->socket = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
	to.sll_ifindex = if_nametoindex("far");
	assert_int_equal(bind(world->socket, (void *)&to, sizeof(to)), 0);
	*state = world;
	return 0;
}

static inline int close_world(void **state)
{
	struct world *world = *state;

	close(world->socket);
	grace_stop(&world->grace);
	contacts_close(&world->contacts);
	dropmap_close(&world->dropmap, false);
	config_free(&world->config);
	umount2(world->pin_dir, MNT_DETACH);
	rmdir(world->pin_dir);
	free(world);
	return 0;
}

static inline int open_sensor(struct world *world, struct sensor **out, char error[512])
{
	struct sensor_options options = {
		.interface = "near",
		.config = world->config,
		.memory_mb = 64,
		.marks = { .packets = 1000,
			   .syn = 50,
			   .udp = 1000,
			   .icmp = 1000,
			   .odd_flags = 1000,
			   .targets = 100,
			   .hosts = 100,
			   .per_interval = 64 },
		.contacts_fd = world->contacts.fd,
		.pin_dir = world->pin_dir,
	};

	dropmap_maps(world->dropmap, &options.maps);
	return sensor_open(&options, out, error);
}

/* Turns the tables, waits for the grace period, reads. */
static inline void collect(struct world *world, struct sensor *sensor, struct interval *out)
{
	struct pollfd done = { .fd = grace_fd(world->grace), .events = POLLIN };
	uint64_t count;

	sensor_flip(sensor, moment_now());
	grace_request(world->grace);
	assert_int_equal(poll(&done, 1, 5000), 1);
	assert_int_equal(read(done.fd, &count, sizeof(count)), sizeof(count));
	assert_int_equal(sensor_collect(sensor, out), 0);
}

#endif
