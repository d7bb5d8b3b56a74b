/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Windows and means of one record. What follows from them: victim.c. */
#include "detect/victim_rate.h"

#include <math.h>
#include <string.h>
#include "base/clock.h"

#define COUNT_RANGE   1024 /* windows hold so many times the limit, and tell 3 % of it */
#define WORTH_PARTS   16   /* a record is made from this part of the first limit's rate on */
#define WORTH_PACKETS 2	   /* and for so many counted ones, where a flood has as many */

#define SETTLED_NS (10 * NS_PER_SECOND)	   /* memory of how many handshakes there are */
#define USUAL_NS   (600 * NS_PER_SECOND)   /* memory of what is usual */
#define LASTING_NS (86400 * NS_PER_SECOND) /* the same, while a flood lasts */
#define MEAN_NS	   (60 * NS_PER_SECOND)	   /* after which a mean from zero means something */

void victim_limits_set(struct victim_limits *out, const struct detector_config *config)
{
	*out = (struct victim_limits){ .count = config->limit_count };
	memcpy(out->limits, config->limits, sizeof(out->limits));
	for (unsigned int i = 0; i < config->limit_count; i++)
		window_shape_init(&out->shapes[i], config->limits[i].count * COUNT_RANGE,
				  config->limits[i].seconds * NS_PER_SECOND);
}

bool victim_is_worth(const struct victim_limits *limits, const struct window_time *time,
		     uint64_t counted, uint32_t every)
{
	double duration = (double)(time->end_ns - time->start_ns);
	double allowed =
		(double)limits->limits[0].count * duration / (double)limits->shapes[0].window_ns;

	if (counted < WORTH_PACKETS && allowed >= WORTH_PACKETS * (double)every)
		return false;
	return (double)counted * every * WORTH_PARTS > allowed;
}

static double fade(int64_t duration_ns, int64_t memory_ns)
{
	return exp(-(double)duration_ns / (double)memory_ns);
}

/* Time that no interval before has covered: another interface's may have the same. */
static int64_t new_time(const struct victim *victim, const struct window_time *time)
{
	int64_t from_ns = victim->last_ns > time->start_ns ? victim->last_ns : time->start_ns;

	return time->end_ns > from_ns ? time->end_ns - from_ns : 0;
}

/* ---- counts ---------------------------------------------------------------------------------- */

static void note_settled(struct victim *victim, const struct window_time *time, double packets)
{
	int64_t passed_ns = time->end_ns - victim->last_ns;
	double left = fade(passed_ns > 0 ? passed_ns : 0, SETTLED_NS);

	victim->settled = (float)((double)victim->settled * left + packets);
	victim->settled_ns =
		(float)((double)victim->settled_ns * left + (double)new_time(victim, time));
}

void victim_add(struct victim *victim, const struct victim_limits *limits,
		const struct window_time *time, const struct victim_count *count, uint32_t every,
		uint64_t counts[CONFIG_LIMITS_MAX])
{
	bool ahead = count->tried > count->settled;
	uint64_t packets = ahead ? (count->tried - count->settled) * every : 0;
	uint64_t late = ahead ? 0 : (count->settled - count->tried) * every;

	for (unsigned int i = 0; i < limits->count; i++) {
		struct window *window = &victim->windows[i];
		const struct window_shape *shape = &limits->shapes[i];
		uint64_t share = window_share(shape, time);

		window_advance(window, shape, time);
		window_take_back(window, shape, late);
		if (share > 1) { /* longer than the window: of the past at the next look */
			counts[i] = (packets + share - 1) / share;
			continue;
		}
		counts[i] = window_past(window, shape) + packets;
		window_add(window, shape, time, packets);
	}
	victim->rate = (float)counts[0] / (float)limits->limits[0].seconds;
	note_settled(victim, time, (double)count->settled * every);
}

/*
 * Of the SYNs and the ACKs of handshakes one in `every` is counted, so that one kind is ahead of
 * the other by chance: hardly by five standard deviations. And when a server gets busier the ACKs
 * are late, but half of them are not.
 */
double victim_chance(const struct victim *victim, uint32_t seconds, uint32_t every)
{
	double settled, chance;

	if (victim->settled_ns <= 0)
		return 0;
	settled = (double)victim->settled / (double)victim->settled_ns * NS_PER_SECOND * seconds;
	chance = 5 * sqrt(2 * settled * every);
	return chance > settled / 2 ? chance : settled / 2;
}

/* ---- what is usual --------------------------------------------------------------------------- */

void victim_learn(struct victim *victim, const struct window_time *time, double rate,
		  enum victim_pace pace)
{
	int64_t memory_ns = pace == PACE_LASTING ? LASTING_NS : USUAL_NS;
	int64_t quiet_ns = time->start_ns - victim->last_ns;
	double mean = (double)victim->mean;

	if (quiet_ns > 0)
		mean *= fade(quiet_ns, memory_ns);
	mean += (rate - mean) * (1 - fade(new_time(victim, time), memory_ns));
	victim->mean = (float)mean;
	if (victim->last_ns < time->end_ns)
		victim->last_ns = time->end_ns;
}

double victim_usual(const struct victim *victim, int64_t known_ns)
{
	if (known_ns < MEAN_NS)
		return (double)victim->mean;
	return (double)victim->mean / (1 - fade(known_ns, USUAL_NS));
}
