/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A policy with the default times, a clock, and what the last step has changed. */
#ifndef FWGEN_TESTS_POLICY_BOX_H
#define FWGEN_TESTS_POLICY_BOX_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "base/address.h"
#include "base/clock.h"
#include "decide/policy.h"

#define SECOND NS_PER_SECOND

struct box {
	struct config config;
	struct policy *policy;
	struct moment now;
	struct rule_change_list changes; /* of the last step */
};

static inline struct box *box_new(void)
{
	struct box *box = calloc(1, sizeof(*box));

	assert_non_null(box);
	box->now = (struct moment){ .boot_ns = 5000 * SECOND, .wall_ns = 1700000000 * SECOND };
	strcpy(box->config.hash, "0123456789abcdef");
	box->config.mode = MODE_ENFORCE;
	box->config.response.block_seconds = 600;
	box->config.response.unproven_block_seconds = 60;
	box->config.response.max_block_seconds = 86400;
	box->config.response.escalation = 4;
	box->config.response.limit_packets_per_second = 100;
	box->config.response.max_unproven_blocks = 20000;
	assert_int_equal(policy_new(&box->config, 17, &box->policy), 0);
	return box;
}

static inline void box_free(struct box *box)
{
	policy_free(&box->policy);
	rule_change_list_free(&box->changes);
	free(box);
}

static inline void pass(struct box *box, int64_t seconds)
{
	box->now = moment_plus(box->now, seconds * SECOND);
}

static inline struct prefix prefix_text(const char *text)
{
	struct prefix prefix;

	assert_int_equal(prefix_parse(text, &prefix), 0);
	return prefix;
}

static inline struct finding finding_of(const struct box *box, const char *source)
{
	return (struct finding){
		.at = box->now,
		.source = prefix_text(source),
		.detector = DETECTOR_SYN_FLOOD,
		.evidence = EVIDENCE_UNPROVEN,
		.count = 312,
		.limit = { .count = 200, .seconds = 1 },
		.classes = CLASS_SYN,
		.protocol = 6,
		.port = 80,
		.has_destination = true,
		.destination = prefix_text("198.51.100.7").address,
	};
}

/* Returns the only change, or NULL when there is none. */
static inline const struct rule_change *decide(struct box *box, const struct finding *finding)
{
	box->changes.count = 0;
	assert_int_equal(policy_decide(box->policy, finding, 1, &box->changes), 0);
	assert_in_range(box->changes.count, 0, 1);
	return box->changes.count ? &box->changes.items[0] : NULL;
}

static inline const struct rule_change *decide_source(struct box *box, const char *source)
{
	struct finding finding = finding_of(box, source);

	return decide(box, &finding);
}

static inline size_t expire(struct box *box)
{
	box->changes.count = 0;
	assert_int_equal(policy_expire(box->policy, box->now, &box->changes), 0);
	return box->changes.count;
}

static inline size_t protect(struct box *box, const char *text, const char *reason)
{
	struct protected_list list = { 0 };
	struct prefix prefix;

	if (text) {
		prefix = prefix_text(text);
		assert_int_equal(protected_list_add(&list, &prefix, reason), 0);
	}
	box->changes.count = 0;
	assert_int_equal(policy_protect(box->policy, &list, box->now, &box->changes), 0);
	protected_list_free(&list);
	return box->changes.count;
}

#endif
