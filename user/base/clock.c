/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Moments and how people write them. Nothing else in detect/ or decide/ may ask for the time: they
 * are given a moment. Text for programs is UTC.
 */
#include "base/clock.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static int64_t read_clock(clockid_t id)
{
	struct timespec ts = { 0 };

	clock_gettime(id, &ts); /* fails for unknown clocks only; both exist since 2.6.39 */
	return (int64_t)ts.tv_sec * NS_PER_SECOND + ts.tv_nsec;
}

struct moment moment_now(void)
{
	return (struct moment){
		.boot_ns = read_clock(CLOCK_BOOTTIME),
		.wall_ns = read_clock(CLOCK_REALTIME),
	};
}

/* Stops at the ends: "never" is written INT64_MAX, and never plus a minute is still never. */
static int64_t add(int64_t a, int64_t b)
{
	int64_t sum;

	if (__builtin_add_overflow(a, b, &sum))
		return b > 0 ? INT64_MAX : INT64_MIN;
	return sum;
}

struct moment moment_plus(struct moment m, int64_t ns)
{
	return (struct moment){ .boot_ns = add(m.boot_ns, ns), .wall_ns = add(m.wall_ns, ns) };
}

const char *moment_format(struct moment m, char buf[MOMENT_TEXT])
{
	int64_t rest = m.wall_ns % NS_PER_SECOND;
	time_t seconds = m.wall_ns / NS_PER_SECOND;
	struct tm tm;
	size_t used;

	if (rest < 0) { /* before 1970: C rounds towards zero, calendars do not */
		rest += NS_PER_SECOND;
		seconds--;
	}
	buf[0] = '\0';
	if (!gmtime_r(&seconds, &tm))
		return buf;
	used = strftime(buf, MOMENT_TEXT, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(buf + used, MOMENT_TEXT - used, ".%03dZ", (int)(rest / NS_PER_MS));
	return buf;
}

/* Exactly `digits` digits at *at; moves *at behind them. -1 when they are not all there. */
static int take_number(const char **at, int digits)
{
	int value = 0;

	for (; digits > 0; digits--, (*at)++) {
		if (**at < '0' || **at > '9')
			return -1;
		value = value * 10 + (**at - '0');
	}
	return value;
}

static bool take_char(const char **at, char wanted)
{
	if (**at != wanted)
		return false;
	(*at)++;
	return true;
}

/* ".123": one to nine digits. Returns nanoseconds, 0 without a fraction, or -1. */
static int64_t take_fraction(const char **at)
{
	int64_t ns = 0, unit = NS_PER_SECOND;

	if (!take_char(at, '.'))
		return 0;
	while (**at >= '0' && **at <= '9' && unit > 1) {
		unit /= 10;
		ns += (**at - '0') * unit;
		(*at)++;
	}
	return unit == NS_PER_SECOND ? -1 : ns;
}

int wall_parse(const char *text, int64_t *wall_ns)
{
	static const struct {
		int digits;
		char after;
	} shape[6] = { { 4, '-' }, { 2, '-' }, { 2, 'T' }, { 2, ':' }, { 2, ':' }, { 2, '\0' } };
	const char *at = text;
	struct tm tm, check;
	int64_t fraction;
	time_t seconds;
	int field[6];

	for (int i = 0; i < 6; i++) {
		field[i] = take_number(&at, shape[i].digits);
		if (field[i] < 0 || (shape[i].after && !take_char(&at, shape[i].after)))
			return -EINVAL;
	}
	fraction = take_fraction(&at);
	if (fraction < 0 || !take_char(&at, 'Z') || *at)
		return -EINVAL;
	if (field[0] < 1678 || field[0] > 2261) /* the whole years that 64 bits of ns can hold */
		return -EINVAL;
	tm = (struct tm){ .tm_year = field[0] - 1900,
			  .tm_mon = field[1] - 1,
			  .tm_mday = field[2],
			  .tm_hour = field[3],
			  .tm_min = field[4],
			  .tm_sec = field[5] };
	check = tm;
	seconds = timegm(&check); /* turns 31 April into 1 May; that is how it is found out */
	if (check.tm_mon != tm.tm_mon || check.tm_mday != tm.tm_mday ||
	    check.tm_hour != tm.tm_hour || check.tm_min != tm.tm_min || check.tm_sec != tm.tm_sec)
		return -EINVAL;
	*wall_ns = (int64_t)seconds * NS_PER_SECOND + fraction;
	return 0;
}

static int64_t unit_seconds(const char *unit)
{
	static const struct {
		const char *name;
		int64_t seconds;
	} units[] = { { "", 1 }, { "s", 1 }, { "m", 60 }, { "h", 3600 }, { "d", 86400 } };

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (!strcmp(unit, units[i].name))
			return units[i].seconds;
	}
	return 0;
}

int duration_parse(const char *text, int64_t *ns)
{
	size_t digits = strspn(text, "0123456789");
	int64_t unit = unit_seconds(text + digits);
	int64_t value = 0;

	if (!digits || !unit)
		return -EINVAL;
	for (size_t i = 0; i < digits; i++) {
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, text[i] - '0', &value))
			return -EINVAL;
	}
	if (__builtin_mul_overflow(value, unit, &value) ||
	    __builtin_mul_overflow(value, NS_PER_SECOND, &value) || !value)
		return -EINVAL;
	*ns = value;
	return 0;
}

const char *span_format(int64_t ns, char buf[SPAN_TEXT])
{
	static const struct {
		int64_t seconds;
		const char *name;
	} units[] = { { 86400, "d" }, { 3600, "h" }, { 60, "min" }, { 1, "s" } };
	int64_t left = ns > 0 ? (ns - 1) / NS_PER_SECOND + 1 : 0;
	size_t unit = 0, used;

	while (unit < 3 && left < units[unit].seconds)
		unit++;
	used = (size_t)snprintf(buf, SPAN_TEXT, "%lld %s", (long long)(left / units[unit].seconds),
				units[unit].name);
	left %= units[unit].seconds;
	if (unit < 3 && left >= units[unit + 1].seconds)
		snprintf(buf + used, SPAN_TEXT - used, " %lld %s",
			 (long long)(left / units[unit + 1].seconds), units[unit + 1].name);
	return buf;
}

const char *local_format(struct moment at, struct moment now, char buf[MOMENT_TEXT])
{
	time_t then_s = (time_t)(at.wall_ns / NS_PER_SECOND), now_s = now.wall_ns / NS_PER_SECOND;
	struct tm then, today;
	bool same_day;

	if (!localtime_r(&then_s, &then) || !localtime_r(&now_s, &today))
		return moment_format(at, buf);
	same_day = then.tm_year == today.tm_year && then.tm_yday == today.tm_yday;
	strftime(buf, MOMENT_TEXT, same_day ? "%H:%M:%S" : "%Y-%m-%d %H:%M:%S", &then);
	return buf;
}
