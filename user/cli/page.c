/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines for people: whatever is in them, they steer no terminal; times are local. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "cli/escape.h"
#include "cli/render_text.h"

void page_say(const struct page *page, enum ink ink, const char *format, ...)
{
	char *text = NULL, *safe = NULL;
	va_list args;
	int n;

	va_start(args, format);
	n = vasprintf(&text, format, args);
	va_end(args);
	if (n >= 0) {
		safe = escape_text(text);
		free(text);
	}
	fprintf(page->out, "%s%s%s\n", ink_on(ink, page->colour), safe ? safe : "no memory",
		ink_off(ink, page->colour));
	free(safe);
}

const char *page_time(const struct page *page, const char *at, char buf[MOMENT_TEXT])
{
	struct moment moment = { 0 };

	if (wall_parse(at, &moment.wall_ns))
		snprintf(buf, MOMENT_TEXT, "%s", at);
	else
		local_format(moment, page->now, buf);
	return buf;
}
