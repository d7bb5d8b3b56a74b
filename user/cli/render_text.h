/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon's answers for people. Private to cli/. */
#ifndef FWGEN_CLI_RENDER_TEXT_H
#define FWGEN_CLI_RENDER_TEXT_H

#include <stdbool.h>
#include <stdio.h>
#include "base/clock.h"

struct json;

struct page {
	FILE *out;
	bool colour;
	struct moment now; /* for "4m 12s left" */
};

/* Each takes the data of the verb's answer. 0, -ENOMEM, or -EPROTO when it is of another form. */
int render_text_status(const struct page *page, const struct json *data);
int render_text_sources(const struct page *page, const struct json *data);
int render_text_rules(const struct page *page, const struct json *data);
int render_text_events(const struct page *page, const struct json *data);
int render_text_suggest(const struct page *page, const struct json *data);
int render_text_whatif(const struct page *page, const struct json *data);

#endif
