/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef FWGEN_DECIDE_REASON_H
#define FWGEN_DECIDE_REASON_H

#include <stddef.h>
#include "model/finding.h"

/* "312 SYNs without an established connection in 1 s (limit 200 in 1 s), last to 198.51.100.7 port
 * 80/tcp". Returns buf. */
const char *reason_format(const struct finding *finding, char *buf, size_t size);

#endif
