/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verbs that only read: rows asked of the views, for the answer to render as it is sent. */
#include <stdlib.h>
#include "model/explanation.h"
#include "serve/render.h"
#include "serve/verbs.h"

#define SOURCES_DEFAULT 1000
#define SOURCES_MAX	100000
#define EVENTS_DEFAULT	100
#define RULES_SLACK	64 /* rules that may come between counting and copying */

static size_t lesser(size_t a, size_t b)
{
	return a < b ? a : b;
}

static size_t read_limit(const struct request *request, size_t otherwise, size_t max)
{
	int64_t limit = argument_number(request->args, "limit", 0);

	return lesser(limit ? (size_t)limit : otherwise, max);
}

/* Memory for a list's rows. NULL: the answer says why. */
static void *make_rows(const struct request *request, size_t count, size_t row_bytes)
{
	void *rows = NULL;

	if (count <= request->room_bytes / row_bytes)
		rows = calloc(count, row_bytes);
	if (!rows)
		answer_error(request->answer,
			     "no memory for %zu rows beside the lists that other "
			     "clients are reading: ask for fewer, or again later",
			     count);
	return rows;
}

static struct status *make_status(const struct request *request)
{
	struct status *status = calloc(1, sizeof(*status));

	if (status)
		request->ops->views->status(request->ops->context, status);
	else
		answer_error(request->answer, "no memory");
	return status;
}

void answer_status(const struct request *request)
{
	struct status *status = make_status(request);

	if (status)
		answer_data(request->answer, render_status(status));
	free(status);
}

void answer_sources(const struct request *request)
{
	size_t limit = read_limit(request, SOURCES_DEFAULT, SOURCES_MAX);
	struct source_status *rows = make_rows(request, limit, sizeof(*rows));

	if (rows)
		answer_list(request->answer, rows, sizeof(*rows),
			    request->ops->views->sources(request->ops->context, rows, limit),
			    render_source);
}

void answer_rules(const struct request *request)
{
	struct status *status = make_status(request);
	struct rule_status *rows;
	size_t limit;

	if (!status)
		return;
	limit = read_limit(request, SIZE_MAX, status->active_rules + RULES_SLACK);
	free(status);
	rows = make_rows(request, limit, sizeof(*rows));
	if (rows)
		answer_list(request->answer, rows, sizeof(*rows),
			    request->ops->views->rules(request->ops->context, rows, limit),
			    render_rule);
}

void answer_events(const struct request *request)
{
	size_t limit = read_limit(request, EVENTS_DEFAULT, EVENT_RING_SIZE);
	struct event *rows = make_rows(request, limit, sizeof(*rows));

	if (rows)
		answer_list(request->answer, rows, sizeof(*rows),
			    request->ops->views->events(request->ops->context, rows, limit),
			    render_event);
}

void answer_protected(const struct request *request)
{
	struct protected_prefix *rows = NULL;
	size_t count = 0;

	if (request->ops->views->protected(request->ops->context, &rows, &count))
		answer_error(request->answer, "no memory");
	else
		answer_list(request->answer, rows, sizeof(*rows), count, render_protected);
}

void answer_explain(const struct request *request)
{
	struct explanation *explanation = calloc(1, sizeof(*explanation));
	struct prefix prefix;

	if (!explanation || !argument_prefix(request->args, "address", &prefix)) {
		answer_error(request->answer, "no memory");
		free(explanation);
		return;
	}
	request->ops->views->explain(request->ops->context, &prefix, explanation);
	answer_data(request->answer, render_explanation(explanation));
	free(explanation);
}
