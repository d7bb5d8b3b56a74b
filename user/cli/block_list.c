/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lists of addresses as people and others write them: plain ones, with # or ; comments as in
 * Spamhaus's DROP, and the output of `ipset save`. One line at a time; nothing is looked up.
 */
#include "cli/block_list.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/address.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "cli/escape.h"

#define BLANKS	   " \t\r\n\v\f"
#define WORD_SHOWN 60

static int refuse(char error[LIST_ERROR], const char *word, const char *what)
{
	snprintf(error, LIST_ERROR, "\"%.*s\" is no %s; right is ADDR[/LEN] [10m] [# reason]",
		 WORD_SHOWN, word, what);
	return -EINVAL;
}

/* The next word, or NULL; *rest moves on. */
static char *take_word(char **rest)
{
	char *word;

	do
		word = strsep(rest, BLANKS);
	while (word && !*word);
	return word;
}

/* Cut at a whole character, without what could steer a terminal. */
static void take_reason(const char *text, struct list_line *out)
{
	char *safe = escape_text(text + strspn(text, BLANKS));
	size_t len = 0, step;

	while (safe && (step = utf8_sequence(safe + len, strlen(safe + len))) &&
	       len + step < sizeof(out->reason))
		len += step;
	while (len && isspace((unsigned char)safe[len - 1]))
		len--;
	snprintf(out->reason, sizeof(out->reason), "%.*s", (int)len, safe ? safe : "");
	free(safe);
}

static int take_address(const char *word, struct list_line *out, char error[LIST_ERROR])
{
	struct prefix prefix;

	if (prefix_parse(word, &prefix))
		return refuse(error, word, "address or prefix");
	out->address = word;
	return 0;
}

static int take_duration(const char *word, struct list_line *out, char error[LIST_ERROR])
{
	int64_t ns;

	if (duration_parse(word, &ns))
		return refuse(error, word, "time like 10m or 2h");
	out->duration = word;
	return 0;
}

/* add SET ENTRY [timeout N] [packets N] [bytes N] [comment "TEXT"] */
static int parse_ipset(char *rest, struct list_line *out, char error[LIST_ERROR])
{
	char *word, *comment = strstr(rest, " comment \"");
	int err;

	if (comment) {
		char *text = comment + strlen(" comment \""), *quote = strrchr(text, '"');

		if (quote)
			*quote = '\0';
		*comment = '\0';
		take_reason(text, out);
	}
	take_word(&rest); /* the set's name */
	word = take_word(&rest);
	err = take_address(word ? word : "", out, error);
	while (!err && (word = take_word(&rest))) {
		char *value = take_word(&rest);

		/* 0 is for ever there: here, as long as blocks last */
		if (!strcmp(word, "timeout") && value && strcmp(value, "0"))
			err = take_duration(value, out, error);
	}
	return err;
}

int list_parse_line(char *line, struct list_line *out, char error[LIST_ERROR])
{
	char *comment, *word, *rest = line;
	int err;

	*out = (struct list_line){ 0 };
	line[strcspn(line, "\r\n")] = '\0';
	line += strspn(line, BLANKS);
	if (!strncmp(line, "add ", 4))
		return parse_ipset(line + 4, out, error);
	if (!strncmp(line, "create ", 7))
		return 0;
	comment = strpbrk(line, "#;");
	if (comment) {
		*comment = '\0';
		take_reason(comment + 1, out);
	}
	word = take_word(&rest);
	if (!word)
		return 0;
	err = take_address(word, out, error);
	word = take_word(&rest);
	if (!err && word)
		err = take_duration(word, out, error);
	word = take_word(&rest);
	if (!err && word)
		err = refuse(error, word, "comment");
	return err;
}
