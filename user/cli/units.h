/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers as people read them. Each writes into buf and returns it. Private to cli/. */
#ifndef FWGEN_CLI_UNITS_H
#define FWGEN_CLI_UNITS_H

#include <stdint.h>

#define UNITS_TEXT 32

/* Two units at most: "12s", "4m 12s", "3h 5m", "2d 4h". */
const char *units_duration(int64_t seconds, char buf[UNITS_TEXT]);
/* "512 B", "1.5 KiB", "14.2 MiB". */
const char *units_bytes(double bytes, char buf[UNITS_TEXT]);
/* "0.25", "950", "12.4k", "1.2M": three digits that count. */
const char *units_rate(double per_second, char buf[UNITS_TEXT]);

#endif
