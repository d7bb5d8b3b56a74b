/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the last daemon of this network namespace kept its things, for `fwgen off`. Private to
 * daemon/. */
#ifndef FWGEN_DAEMON_FOOTPRINT_H
#define FWGEN_DAEMON_FOOTPRINT_H

#include <limits.h>

struct footprint {
	char database[PATH_MAX + 1]; /* each with its newline, while it is read */
	char socket[110];
};

/* Each returns 0 or -errno. */
int footprint_write(const struct footprint *footprint);
int footprint_read(struct footprint *out); /* -ENOENT: none ran since boot, or it was removed */
int footprint_remove(void);

#endif
