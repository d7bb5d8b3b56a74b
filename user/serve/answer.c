/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Answers: the envelope {"ok":...} round data, an error or the rows of a list, rendered in slices.
 * Knows neither sockets (connection.c) nor what rows mean (render.c).
 */
#include "serve/answer.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/json.h"

#define SLICE_BYTES 16384

/* Appends to the text; on failure the answer is marked so. */
static void append(struct answer *answer, const char *text)
{
	size_t n = text ? strlen(text) : 0;

	if (!text || answer->failed) {
		answer->failed = true;
		return;
	}
	if (answer->len + n > answer->capacity) {
		size_t capacity = answer->len + n + SLICE_BYTES;
		char *grown = realloc(answer->text, capacity);

		if (!grown) {
			answer->failed = true;
			return;
		}
		answer->text = grown;
		answer->capacity = capacity;
	}
	memcpy(answer->text + answer->len, text, n);
	answer->len += n;
}

/* Takes json over. */
static void append_json(struct answer *answer, struct json *json)
{
	char *text = json ? json_print(json) : NULL;

	append(answer, text);
	free(text);
	json_free(&json);
}

void answer_error(struct answer *answer, const char *format, ...)
{
	struct json *envelope = json_new_object();
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (envelope) {
		json_add_bool(envelope, "ok", false);
		json_add_string(envelope, "error", text);
	}
	answer->begun = answer->ended = true;
	append_json(answer, envelope);
	append(answer, "\n");
}

void answer_data(struct answer *answer, struct json *data)
{
	answer->begun = answer->ended = true;
	append(answer, "{\"ok\":true,\"data\":");
	append_json(answer, data);
	append(answer, "}\n");
}

void answer_list(struct answer *answer, void *rows, size_t row_bytes, size_t count,
		 struct json *(*render)(const void *row))
{
	/* Views are asked for more than there is: give the rest back for as long as it is sent. */
	void *shrunk = reallocarray(rows, count ? count : 1, row_bytes);

	answer->begun = true;
	answer->rows = shrunk ? shrunk : rows;
	answer->row_bytes = row_bytes;
	answer->count = count;
	answer->render = render;
	append(answer, "{\"ok\":true,\"data\":[");
}

int answer_fill(struct answer *answer)
{
	if (answer->sent == answer->len)
		answer->sent = answer->len = 0;
	while (!answer->ended && !answer->failed && answer->len - answer->sent < SLICE_BYTES) {
		const char *row = (const char *)answer->rows + answer->next * answer->row_bytes;

		if (answer->next == answer->count) {
			append(answer, "]}\n");
			answer->ended = true;
			break;
		}
		if (answer->next++)
			append(answer, ",");
		append_json(answer, answer->render(row));
	}
	return answer->failed ? -ENOMEM : 0;
}

bool answer_pending(const struct answer *answer)
{
	return answer->begun && (!answer->ended || answer->sent < answer->len);
}

size_t answer_held_bytes(const struct answer *answer)
{
	return answer->capacity + (answer->rows ? answer->count * answer->row_bytes : 0);
}

void answer_clear(struct answer *answer)
{
	free(answer->text);
	free(answer->rows);
	memset(answer, 0, sizeof(*answer));
}
