/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon's answers for people. Private to cli/. */
#ifndef FWGEN_CLI_RENDER_TEXT_H
#define FWGEN_CLI_RENDER_TEXT_H

#include <stdbool.h>
#include <stdio.h>
#include "base/clock.h"
#include "cli/columns.h"

struct json;

struct page {
	FILE *out;
	bool colour;
	struct moment now; /* for "4m 12s left" */
};

/* As fprintf, a line in one ink, with everything that could steer the terminal made harmless. */
void page_say(const struct page *page, enum ink ink, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* A time of an answer as local time; as it is, when it is none. Returns buf. */
const char *page_time(const struct page *page, const char *at, char buf[MOMENT_TEXT]);

/* Each takes the data of the verb's answer. 0, -ENOMEM, or -EPROTO when it is of another form. */
int render_text_status(const struct page *page, const struct json *data);
int render_text_sources(const struct page *page, const struct json *data);
int render_text_rules(const struct page *page, const struct json *data);
int render_text_events(const struct page *page, const struct json *data);
int render_text_protected(const struct page *page, const struct json *data);
int render_text_explain(const struct page *page, const struct json *data);
int render_text_block(const struct page *page, const struct json *data);
int render_text_unblock(const struct page *page, const struct json *data);
int render_text_allow(const struct page *page, const struct json *data);
int render_text_reload(const struct page *page, const struct json *data);
int render_text_pause(const struct page *page, const struct json *data);
int render_text_suggest(const struct page *page, const struct json *data);
int render_text_whatif(const struct page *page, const struct json *data);

#endif
