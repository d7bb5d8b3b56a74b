/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Units: durations, sizes and rates rounded to what a person takes in at a glance. No parsing. */
#include "cli/units.h"

#include <inttypes.h>
#include <stdio.h>

const char *units_duration(int64_t seconds, char buf[UNITS_TEXT])
{
	static const struct {
		int64_t seconds;
		char name, next_name;
		int64_t next_seconds;
	} units[] = {
		{ 86400, 'd', 'h', 3600 },
		{ 3600, 'h', 'm', 60 },
		{ 60, 'm', 's', 1 },
	};

	if (seconds < 0)
		seconds = 0;
	if (seconds > 999999999)
		seconds = 999999999; /* 31 years: for ever */
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		int64_t rest = seconds % units[i].seconds / units[i].next_seconds;

		if (seconds < units[i].seconds)
			continue;
		snprintf(buf, UNITS_TEXT, "%" PRId64 "%c %" PRId64 "%c", seconds / units[i].seconds,
			 units[i].name, rest, units[i].next_name);
		return buf;
	}
	snprintf(buf, UNITS_TEXT, "%" PRId64 "s", seconds);
	return buf;
}

/* Divides by step while value would be printed as step or more; *names moves to the unit's name. */
static double scale(double value, double step, double printed_as_step, const char *const **names)
{
	while (value >= printed_as_step && (*names)[1]) {
		value /= step;
		(*names)++;
	}
	return value;
}

const char *units_bytes(double bytes, char buf[UNITS_TEXT])
{
	static const char *const names[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", NULL };
	const char *const *name = names;
	double value = scale(bytes, 1024, 1023.95, &name);

	snprintf(buf, UNITS_TEXT, "%.*f %s", name == names ? 0 : 1, value, *name);
	return buf;
}

const char *units_rate(double per_second, char buf[UNITS_TEXT])
{
	static const char *const names[] = { "", "k", "M", "G", "T", NULL };
	const char *const *name = names;
	double value = scale(per_second, 1000, 999.5, &name);

	snprintf(buf, UNITS_TEXT, "%.3g%s", value, *name);
	return buf;
}
