/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fwgen off of single interfaces. Private to daemon/. */
#ifndef FWGEN_DAEMON_OFF_INTERFACE_H
#define FWGEN_DAEMON_OFF_INTERFACE_H

#include <stdbool.h>

struct options;

/* Whether fwgen is on other interfaces than the named ones, which stay as they are. */
bool off_leaves_others(const struct options *options);
/* Takes fwgen off the named interfaces. Returns the exit code, having said why. */
int off_interfaces(const struct options *options);
/* Whether one of them neither exists nor has anything of fwgen's; says which. */
bool off_names_unknown(const struct options *options);

#endif
