/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Time as a value that is passed along, never asked for in the middle of a decision: replay gives
 * a capture's clock to the same code. CLOCK_BOOTTIME is for durations, the wall clock is for
 * people.
 */
#ifndef FWGEN_CLOCK_H
#define FWGEN_CLOCK_H

#include <stdint.h>

#define NS_PER_SECOND 1000000000LL
#define NS_PER_MS     1000000LL

struct moment {
	int64_t boot_ns; /* CLOCK_BOOTTIME */
	int64_t wall_ns; /* CLOCK_REALTIME, nanoseconds since 1970 */
};

#define MOMENT_TEXT 32

struct moment moment_now(void);
/* The moment that many nanoseconds later (or earlier) on both clocks. */
struct moment moment_plus(struct moment m, int64_t ns);
/* RFC 3339, UTC, milliseconds: 2026-01-31T12:00:00.123Z. Returns buf. */
const char *moment_format(struct moment m, char buf[MOMENT_TEXT]);
/* The reverse, nanoseconds since 1970. Returns 0, or -EINVAL. */
int wall_parse(const char *text, int64_t *wall_ns);
/* "90s", "10m", "2h", "1d" or plain seconds. Returns 0, or -EINVAL (also for 0 and overflow). */
int duration_parse(const char *text, int64_t *ns);

/* For people, two units at most, up to the next whole one: "45 s", "10 min", "1 h 30 min". */
#define SPAN_TEXT 32
const char *span_format(int64_t ns, char buf[SPAN_TEXT]);
/* Local time: "14:03:10", on another day than now's "2026-01-31 14:03:10". Returns buf. */
const char *local_format(struct moment at, struct moment now, char buf[MOMENT_TEXT]);

#endif
