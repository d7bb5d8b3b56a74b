/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The maps behind the drop map: made, or taken over by their pins, mapped, pinned, removed. */
#ifndef FWGEN_ENFORCE_DROPMAP_MAPS_H
#define FWGEN_ENFORCE_DROPMAP_MAPS_H

#include <limits.h>
#include <stdbool.h>
#include "model/verdict_maps.h"
#include "abi.h"

#define FILTER_LINES_BLOCKS  4096 /* 131,072 blocks at FILTER_PREFIX_BITS */
#define FILTER_LINES_VERSION (FILTER_LINES_BLOCKS + 2 * AREA_LINES)
#define FILTER_LINES	     (2 * FILTER_LINES_VERSION)
#define PROTECTED_MAX	     65536

struct dropmap_maps {
	struct verdict_maps fds;
	struct filter_line *lines;
	struct verdict_control *control;
	char pin_dir[PATH_MAX]; /* "": not pinned */
	bool adopted;		/* contents are an earlier run's */
	unsigned int max_blocks;
};

/* Returns 0, or -errno with a text. pin_dir may be NULL. */
int dropmap_maps_open(struct dropmap_maps *maps, const char *pin_dir, unsigned int max_blocks,
		      char error[512]);
void dropmap_maps_close(struct dropmap_maps *maps, bool keep);

#endif
