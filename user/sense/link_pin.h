/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The pins of XDP links: link-IFINDEX-NAME in this namespace's folder of bpffs. The number is what
 * the link hangs on, and outlives any renaming; the name is the one it was attached by, for an
 * interface that is gone. Private to sense/.
 */
#ifndef FWGEN_SENSE_LINK_PIN_H
#define FWGEN_SENSE_LINK_PIN_H

#include <limits.h>
#include <net/if.h>
#include <stdbool.h>

struct link_pin {
	char path[PATH_MAX];
	int ifindex;
	char interface[IF_NAMESIZE];
};

/* Returns 0 or -ENAMETOOLONG. */
int link_pin_name(const char *dir, int ifindex, const char *interface, char path[PATH_MAX]);
/* Finds the pin of this interface, whatever it was called. Returns 0, -ENOENT or another -errno. */
int link_pin_find(const char *dir, int ifindex, struct link_pin *out);
/*
 * Calls fn for each pin of a link, until it returns anything but 0. Returns that, 0, or -errno
 * (-ENOENT: no such folder).
 */
int link_pin_each(const char *dir, int (*fn)(void *context, const struct link_pin *pin),
		  void *context);

/* The interface's name in this network namespace now. Returns false, with "", when it has none. */
bool link_pin_current_name(int ifindex, char name[IF_NAMESIZE]);

#endif
