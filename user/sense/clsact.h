/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An interface's clsact queueing discipline, the place that tc programs hang on: is it there, does
 * anybody use it? Private to sense/. */
#ifndef FWGEN_SENSE_CLSACT_H
#define FWGEN_SENSE_CLSACT_H

#include <stdbool.h>

enum clsact {
	CLSACT_NONE,
	CLSACT_THERE,
	CLSACT_OTHER, /* another discipline in its place: "ingress", which has no egress side */
};

/* Returns enum clsact or -errno. */
int clsact_find(int ifindex);
/* Whether it holds no filter on either side; false also when that cannot be read. */
bool clsact_is_empty(int ifindex);

#endif
