/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The section "detectors" of config.json, of all and of groups: one object per detector, limits
 * with the shortest window first. The default limits stand here, each with what it was chosen by.
 * Knows nothing of how detectors count.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "model/config_keys.h"

#define COUNT_MAX   1000000000000000 /* exact in JSON */
#define SECONDS_MAX 86400

/*
 * What an honest host of a busy gateway does not reach; a block covers all of a source's packets,
 * so in doubt the limit is the higher one.
 */
static const struct {
	struct limit limits[CONFIG_LIMITS_MAX];
} defaults[DETECTOR_COUNT] = {
	/* unasked ones, and 1 in 256 of the others: 6 Gbit/s of a download in full frames */
	[DETECTOR_PACKET_FLOOD] = { { { 2000, 1 }, { 15000, 10 } } },
	/* 4 Gbit/s from one host, for 10 s; only whoever knows his lines can say less */
	[DETECTOR_BYTE_FLOOD] = { { { 5000000000, 10 } } },
	/* peer-to-peer leaves 52 connection tries unanswered in 10 s */
	[DETECTOR_SYN_FLOOD] = { { { 200, 2 }, { 500, 10 } } },
	/* unasked ones only; a peer-to-peer host sends 360 in its busiest second */
	[DETECTOR_UDP_FLOOD] = { { { 1000, 1 }, { 5000, 10 } } },
	/* 100 a second that go on: more than monitoring sends; routers limit their errors */
	[DETECTOR_ICMP_FLOOD] = { { { 500, 2 }, { 1000, 10 } } },
	/* unasked ones only; NFS sends 1600 a second, which are asked for */
	[DETECTOR_FRAGMENT_FLOOD] = { { { 1000, 1 }, { 3000, 10 } } },
	/* a slow scan tries 12 to 25 ports in 10 s */
	[DETECTOR_PORT_SCAN] = { { { 20, 10 }, { 60, 900 } } },
	/* a browser has 12 at most that fail; a bot of 1 host a second is in the second */
	[DETECTOR_HOST_SWEEP] = { { { 20, 10 }, { 22, 300 } } },
	/* impossible flags are 0 in peace */
	[DETECTOR_STEALTH_SCAN] = { { { 30, 10 }, { 60, 900 } } },
	/* whoever polls each minute stays below; the slowest tool logs in every 6 s. Mail and
	 * databases count one in four */
	[DETECTOR_BRUTE_FORCE] = { { { 10, 120 }, { 70, 3600 } } },
	/* late answers of a busy resolver are a few a second */
	[DETECTOR_REFLECTION] = { { { 200, 1 }, { 500, 10 } } },
	/* a broken card or a bad tunnel brings one now and then */
	[DETECTOR_MALFORMED] = { { { 200, 10 } } },
	/* one is one too many */
	[DETECTOR_UNAUTHORIZED] = { { { 0, 60 } } },
	/* unasked packets from 20 sources and more; a busy server is known by its past */
	[DETECTOR_VICTIM_FLOOD] = { { { 1000, 1 } } },
};

static const char *action_choice(unsigned int index)
{
	return index < ACTION_COUNT ? action_name((enum action)index) : NULL;
}

/* What is being read of a detector. */
struct reading {
	enum detector_id id;
	struct detector_config *detector;
	uint8_t *named; /* enum named, what was there; NULL: not asked for */
	struct limit limit;
};

/* What a group says of a detector, as bits. */
enum named { NAMED_ENABLED = 1, NAMED_ACTION = 2, NAMED_LIMITS = 4 };

/* A try at what is reserved for others needs no second one. */
static int64_t least_count(enum detector_id id)
{
	return id == DETECTOR_UNAUTHORIZED ? 0 : 1;
}

static int read_limit_member(struct config_reader *reader, const char *name,
			     const struct json *value, void *into)
{
	struct reading *reading = into;
	struct limit *limit = &reading->limit;
	bool is_count = !strcmp(name, "count");
	int64_t number;
	int r = config_read_number(reader, value, is_count ? least_count(reading->id) : 1,
				   is_count ? COUNT_MAX : SECONDS_MAX, &number);

	if (r)
		return r;
	if (is_count)
		limit->count = (uint64_t)number;
	else
		limit->seconds = (uint32_t)number;
	return 0;
}

static int read_limit(struct config_reader *reader, const struct json *value,
		      struct reading *reading)
{
	static const char *const names[] = { "count", "seconds" };
	int r = config_read_object(reader, value, names, 2, read_limit_member, reading);

	if (r)
		return r;
	for (unsigned int i = 0; i < 2; i++)
		if (!json_get(value, names[i]))
			return config_refuse_value(reader, value,
						   i ? "a limit, since \"seconds\" is missing"
						     : "a limit, since \"count\" is missing");
	return 0;
}

/* A limit that a longer window's is never above would never be the one that fires. */
static int check_order(struct config_reader *reader, const struct limit *before,
		       const struct limit *limit)
{
	const char *key = limit->seconds <= before->seconds ? "seconds" : "count";

	if (limit->seconds > before->seconds && limit->count > before->count)
		return 0;
	config_path_key(reader, key);
	if (*key == 'c')
		return config_refuse(reader,
				     "%llu is not above %llu, the count of the shorter window "
				     "before it",
				     (unsigned long long)limit->count,
				     (unsigned long long)before->count);
	return config_refuse(reader,
			     "%u is not above %u, the window of the limit before it (shortest "
			     "window first, each once)",
			     limit->seconds, before->seconds);
}

static int read_limits(struct config_reader *reader, const struct json *value,
		       struct reading *reading)
{
	struct limit limits[CONFIG_LIMITS_MAX] = { 0 };
	size_t size = json_size(value);
	unsigned int count = 0;

	if (json_type(value) != JSON_ARRAY || !size || size > CONFIG_LIMITS_MAX)
		return config_refuse_value(reader, value,
					   "a list of 1 to 4 limits, like [{ \"count\": 20, "
					   "\"seconds\": 10 }]");
	json_for_each (item, value) {
		size_t mark = config_path_index(reader, count);
		int r = read_limit(reader, item, reading);

		limits[count] = reading->limit;
		if (!r && count)
			r = check_order(reader, &limits[count - 1], &limits[count]);
		if (r)
			return r;
		count++;
		config_path_pop(reader, mark);
	}
	memcpy(reading->detector->limits, limits, sizeof(limits));
	reading->detector->limit_count = count;
	return 0;
}

static int read_detector_member(struct config_reader *reader, const char *name,
				const struct json *value, void *into)
{
	struct reading *reading = into;
	struct detector_config *detector = reading->detector;
	enum named named = NAMED_ACTION;
	unsigned int action = detector->action;
	int r;

	if (!strcmp(name, "enabled")) {
		named = NAMED_ENABLED;
		r = config_read_bool(reader, value, &detector->enabled);
	} else if (!strcmp(name, "limits")) {
		named = NAMED_LIMITS;
		r = read_limits(reader, value, reading);
	} else {
		r = config_read_choice(reader, value, action_choice, &action);
		detector->action = (enum action)action;
	}
	if (reading->named)
		*reading->named |= named;
	return r;
}

static int read_members(struct config_reader *reader, const struct json *value,
			struct reading *reading)
{
	static const char *const names[] = { "enabled", "action", "limits" };

	return config_read_object(reader, value, names, sizeof(names) / sizeof(*names),
				  read_detector_member, reading);
}

static int read_detector(struct config_reader *reader, const char *name, const struct json *value,
			 void *into)
{
	struct config *config = into;
	struct reading reading = { 0 };
	int r;

	if (detector_parse(name, &reading.id))
		return config_refuse(reader, "unknown detector");
	reading.detector = &config->detectors[reading.id];
	r = read_members(reader, value, &reading);
	if (r || reading.id != DETECTOR_VICTIM_FLOOD || reading.detector->action != ACTION_DROP)
		return r;
	config_path_key(reader, "action");
	return config_refuse(reader, "\"drop\" is not possible: a flood from everywhere has no "
				     "source to block, and its victim is not to lose all; "
				     "\"alarm\" and \"limit\" are");
}

static int read_group_detector(struct config_reader *reader, const char *name,
			       const struct json *value, void *into)
{
	struct group_config *group = into;
	struct reading reading = { 0 };

	if (detector_parse(name, &reading.id))
		return config_refuse(reader, "unknown detector");
	if (reading.id == DETECTOR_VICTIM_FLOOD)
		return config_refuse(reader, "it counts by destination, so no group of sources can "
					     "have it otherwise");
	reading.detector = &group->detectors[reading.id];
	reading.named = &group->named[reading.id];
	return read_members(reader, value, &reading);
}

static int read_all(struct config_reader *reader, const struct json *value,
		    int (*read)(struct config_reader *, const char *, const struct json *, void *),
		    void *into)
{
	const char *names[DETECTOR_COUNT];

	for (unsigned int i = 0; i < DETECTOR_COUNT; i++)
		names[i] = detector_name((enum detector_id)i);
	return config_read_object(reader, value, names, DETECTOR_COUNT, read, into);
}

static int read_detectors(struct config_reader *reader, const struct config_key *key,
			  const struct json *value, struct config *config)
{
	(void)key;
	return read_all(reader, value, read_detector, config);
}

int config_read_group_detectors(struct config_reader *reader, const struct json *value,
				struct group_config *group)
{
	return read_all(reader, value, read_group_detector, group);
}

static void complete(struct detector_config *detector, enum named named,
		     const struct detector_config *all)
{
	if (!(named & NAMED_ENABLED))
		detector->enabled = all->enabled;
	if (!(named & NAMED_ACTION))
		detector->action = all->action;
	if (!(named & NAMED_LIMITS)) {
		memcpy(detector->limits, all->limits, sizeof(detector->limits));
		detector->limit_count = all->limit_count;
	}
}

void config_complete_groups(struct config *config)
{
	for (unsigned int i = 0; i < config->group_count; i++) {
		struct group_config *group = &config->groups[i];

		for (unsigned int id = 0; id < DETECTOR_COUNT; id++)
			complete(&group->detectors[id], group->named[id], &config->detectors[id]);
	}
}

static struct json *print_limits(const struct detector_config *detector)
{
	struct json *list = json_new_array();

	for (unsigned int i = 0; i < detector->limit_count; i++) {
		struct json *limit = json_new_object();

		json_add_int(limit, "count", (int64_t)detector->limits[i].count);
		json_add_int(limit, "seconds", detector->limits[i].seconds);
		json_append(list, limit);
	}
	return list;
}

static struct json *print_detector(const struct detector_config *detector, unsigned int named)
{
	struct json *object = json_new_object();

	if (named & NAMED_ENABLED)
		json_add_bool(object, "enabled", detector->enabled);
	if (named & NAMED_ACTION)
		json_add_string(object, "action", action_name(detector->action));
	if (named & NAMED_LIMITS)
		json_add(object, "limits", print_limits(detector));
	return object;
}

struct json *config_print_group_detectors(const struct group_config *group)
{
	struct json *all = json_new_object();

	for (unsigned int i = 0; i < DETECTOR_COUNT; i++) {
		if (group->named[i])
			json_add(all, detector_name((enum detector_id)i),
				 print_detector(&group->detectors[i], group->named[i]));
	}
	return all;
}

static void print_detectors(const struct config_key *key, const struct config *config,
			    struct json *object)
{
	struct json *all = json_new_object();

	for (unsigned int i = 0; i < DETECTOR_COUNT; i++)
		json_add(all, detector_name((enum detector_id)i),
			 print_detector(&config->detectors[i],
					NAMED_ENABLED | NAMED_ACTION | NAMED_LIMITS));
	json_add(object, key->name, all);
}

static void initialise_detectors(const struct config_key *key, struct config *config)
{
	(void)key;
	for (unsigned int i = 0; i < DETECTOR_COUNT; i++) {
		struct detector_config *detector = &config->detectors[i];

		detector->enabled = true;
		detector->action = i == DETECTOR_VICTIM_FLOOD ? ACTION_ALARM : ACTION_DROP;
		memcpy(detector->limits, defaults[i].limits, sizeof(detector->limits));
		while (detector->limit_count < CONFIG_LIMITS_MAX &&
		       detector->limits[detector->limit_count].seconds)
			detector->limit_count++;
	}
}

const struct config_kind config_kind_detectors = { read_detectors, print_detectors,
						   initialise_detectors };
