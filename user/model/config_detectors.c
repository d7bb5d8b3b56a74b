/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The section "detectors" of config.json: one object per detector, limits with the shortest window
 * first. The default limits stand here, each with what it was chosen by. Knows nothing of how
 * detectors count.
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
	/* 3 Gbit/s of full frames from one host, for 10 s: three times what a gigabit line carries
	 */
	[DETECTOR_PACKET_FLOOD] = { { { 2500000, 10 } } },
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
	/* peer-to-peer tries as many, on as many ports; a bot 20 new ones in 10 s */
	[DETECTOR_HOST_SWEEP] = { { { 20, 10 }, { 40, 300 } } },
	/* impossible flags are 0 in peace */
	[DETECTOR_STEALTH_SCAN] = { { { 30, 10 }, { 60, 900 } } },
	/* whoever polls each minute stays below; the slowest tool logs in every 6 s */
	[DETECTOR_BRUTE_FORCE] = { { { 10, 120 }, { 70, 3600 } } },
	/* late answers of a busy resolver are a few a second */
	[DETECTOR_REFLECTION] = { { { 200, 1 }, { 500, 10 } } },
	/* a broken card or a bad tunnel brings one now and then */
	[DETECTOR_MALFORMED] = { { { 200, 10 } } },
	/* the first one tells; a second one within a minute is meant */
	[DETECTOR_UNAUTHORIZED] = { { { 1, 60 } } },
	/* of many sources together; measured by the victim's own traffic besides */
	[DETECTOR_VICTIM_FLOOD] = { { { 1000, 1 } } },
};

static const char *action_choice(unsigned int index)
{
	return index < ACTION_COUNT ? action_name((enum action)index) : NULL;
}

static int read_limit_member(struct config_reader *reader, const char *name,
			     const struct json *value, void *into)
{
	struct limit *limit = into;
	bool is_count = !strcmp(name, "count");
	int64_t number;
	int r = config_read_number(reader, value, 1, is_count ? COUNT_MAX : SECONDS_MAX, &number);

	if (r)
		return r;
	if (is_count)
		limit->count = (uint64_t)number;
	else
		limit->seconds = (uint32_t)number;
	return 0;
}

static int read_limit(struct config_reader *reader, const struct json *value, struct limit *limit)
{
	static const char *const names[] = { "count", "seconds" };
	int r = config_read_object(reader, value, names, 2, read_limit_member, limit);

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
		       struct detector_config *detector)
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
		int r = read_limit(reader, item, &limits[count]);

		if (!r && count)
			r = check_order(reader, &limits[count - 1], &limits[count]);
		if (r)
			return r;
		count++;
		config_path_pop(reader, mark);
	}
	memcpy(detector->limits, limits, sizeof(limits));
	detector->limit_count = count;
	return 0;
}

static int read_detector_member(struct config_reader *reader, const char *name,
				const struct json *value, void *into)
{
	struct detector_config *detector = into;
	unsigned int action;
	int r;

	if (!strcmp(name, "enabled"))
		return config_read_bool(reader, value, &detector->enabled);
	if (!strcmp(name, "limits"))
		return read_limits(reader, value, detector);
	r = config_read_choice(reader, value, action_choice, &action);
	if (!r)
		detector->action = (enum action)action;
	return r;
}

static int read_detector(struct config_reader *reader, const char *name, const struct json *value,
			 void *into)
{
	static const char *const names[] = { "enabled", "action", "limits" };
	struct config *config = into;
	enum detector_id id;

	if (detector_parse(name, &id))
		return config_refuse(reader, "unknown detector");
	return config_read_object(reader, value, names, sizeof(names) / sizeof(*names),
				  read_detector_member, &config->detectors[id]);
}

static int read_detectors(struct config_reader *reader, const struct config_key *key,
			  const struct json *value, struct config *config)
{
	const char *names[DETECTOR_COUNT];

	(void)key;
	for (unsigned int i = 0; i < DETECTOR_COUNT; i++)
		names[i] = detector_name((enum detector_id)i);
	return config_read_object(reader, value, names, DETECTOR_COUNT, read_detector, config);
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

static void print_detectors(const struct config_key *key, const struct config *config,
			    struct json *object)
{
	struct json *all = json_new_object();

	for (unsigned int i = 0; i < DETECTOR_COUNT; i++) {
		const struct detector_config *detector = &config->detectors[i];
		struct json *one = json_new_object();

		json_add_bool(one, "enabled", detector->enabled);
		json_add_string(one, "action", action_name(detector->action));
		json_add(one, "limits", print_limits(detector));
		json_add(all, detector_name((enum detector_id)i), one);
	}
	json_add(object, key->name, all);
}

static void initialise_detectors(const struct config_key *key, struct config *config)
{
	(void)key;
	for (unsigned int i = 0; i < DETECTOR_COUNT; i++) {
		struct detector_config *detector = &config->detectors[i];

		detector->enabled = true;
		detector->action = ACTION_DROP;
		memcpy(detector->limits, defaults[i].limits, sizeof(detector->limits));
		while (detector->limit_count < CONFIG_LIMITS_MAX &&
		       detector->limits[detector->limit_count].seconds)
			detector->limit_count++;
	}
}

const struct config_kind config_kind_detectors = { read_detectors, print_detectors,
						   initialise_detectors };
