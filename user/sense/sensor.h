/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The XDP sensor of one interface: loads and attaches the program, turns the interval tables, reads
 * them through their mapping. sensor_flip, then the grace period (grace.h), then sensor_collect.
 */
#ifndef FWGEN_SENSE_SENSOR_H
#define FWGEN_SENSE_SENSOR_H

#include "model/config.h"
#include "model/sample.h"
#include "model/verdict_maps.h"

struct sensor;

struct sensor_options {
	const char *interface;
	bool generic;		     /* xdp-generic: never chosen by itself */
	const struct config *config; /* sensor and sensitive_ports; not kept */
	unsigned int memory_mb;	     /* this interface's share */
	struct wake_marks marks;
	struct verdict_maps maps; /* stay the drop map's */
	int contacts_fd;	  /* stays whose contacts_open made it */
	const char *pin_dir;	  /* NULL: not pinned */
};

/*
 * Returns 0, or with a text that says which interface, why and what to do: -ENODEV no such
 * interface, -EBUSY another XDP program is there (named, left alone), -EOPNOTSUPP the driver has no
 * native XDP or the kernel lacks a feature, -EPERM, another -errno. A link that an earlier run
 * pinned is adopted: its program is replaced without a gap.
 */
int sensor_open(const struct sensor_options *options, struct sensor **out, char error[512]);
/* Whether sensor.memory_mb has tables for every possible CPU on every interface; if not, a text
 * that says for how many and what would do. */
bool sensor_room(const struct config *config, char text[256]);
/* keep: link and maps stay pinned and the program goes on with its deadlines. */
void sensor_close(struct sensor **sensor, bool keep);

void sensor_reconfigure(struct sensor *sensor, const struct config *config,
			const struct wake_marks *marks);

/* New key, next epoch: from here on packets go to the other table. */
void sensor_flip(struct sensor *sensor, struct moment now);
/* After the grace period: reads the table that sensor_flip closed. Returns 0 or -ENOMEM (lost,
 * counted). */
int sensor_collect(struct sensor *sensor, struct interval *out);

/* Readable when wake records wait. */
int sensor_wake_fd(const struct sensor *sensor);
/* Calls fn for each record that waits. Returns how many, or -errno. From the wake thread only. */
int sensor_wake_consume(struct sensor *sensor,
			void (*fn)(void *context, const struct wake_record *record), void *context);

/*
 * Whether a wake record of this epoch is out of date: sensor_collect has begun to read that
 * interval, and what the record's copy says comes, or came, with its samples. To be asked under the
 * lock that guards the windows, or the same packets could be counted twice.
 */
bool sensor_drained(const struct sensor *sensor, uint32_t epoch);

const char *sensor_interface(const struct sensor *sensor); /* its name at the last look */
const char *sensor_kind(const struct sensor *sensor);	   /* "xdp", "xdp-generic" */
/* 0: link and program are ours and attached; otherwise -errno and a text. */
int sensor_verify(struct sensor *sensor, char why[160]);
/*
 * After sensor_verify failed: attaches the loaded program, with all it has counted, to the
 * interface that has the configuration's name now, else back to the one that had it; no other keeps
 * it. Returns 0, or -errno and a text: -ENODEV, -EBUSY (somebody else's program), -ECANCELED (fwgen
 * off took the interface out: leave it).
 */
int sensor_reattach(struct sensor *sensor, char why[160]);

/* Are packets that leave the interface seen? */
enum direction {
	DIRECTION_SEEN,
	DIRECTION_BEGUN, /* from now on */
	DIRECTION_BACK,	 /* the tc filter was gone and was put back */
	DIRECTION_UNSEEN /* so nobody knows what arrives as an answer */
};
/* Looks, and attaches the tc filter where it is not. *why is the sensor's, "" but for UNSEEN. */
enum direction sensor_direction(struct sensor *sensor, const char **why);
/*
 * Links of an earlier run on other interfaces than these: detached, with their pins, and
 * the tc filters there. Returns how many links, or the first -errno.
 */
int sensor_release_others(const char *pin_dir, const char *const *interfaces, unsigned int count);
/* How many links are pinned, of these interfaces or of all others. -errno: the folder cannot be
 * read.
 */
int sensor_pinned(const char *pin_dir, const char *const *interfaces, unsigned int count,
		  bool others);
/*
 * fwgen off of single interfaces, by the names that they have or had when they were attached: the
 * links and filters of just these go. Returns how many links, or the first -errno.
 */
int sensor_release(const char *pin_dir, const char *const *interfaces, unsigned int count);
uint64_t sensor_memory_bytes(const struct sensor *sensor);

#endif
