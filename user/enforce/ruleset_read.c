/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading what `iptables -t raw -S`, `ipset list -t` and `ipset save` print. Lines of other
 * people's are stepped over; nothing is executed or changed here.
 */
#include "enforce/ruleset.h"
#include <stdlib.h>
#include <string.h>

#define JUMP   " -j " RULESET_CHAIN
#define GOTO   " -g " RULESET_CHAIN
#define HOOK   "-A PREROUTING "
#define APPEND "-A "
#define MEMBER "add "

struct line {
	const char *text; /* not terminated */
	size_t len;
};

static bool next_line(const char **cursor, struct line *out)
{
	if (!**cursor)
		return false;
	out->text = *cursor;
	out->len = strcspn(*cursor, "\n");
	*cursor += out->len + ((*cursor)[out->len] == '\n');
	return true;
}

static bool starts_with(const struct line *line, const char *text)
{
	size_t len = strlen(text);

	return line->len >= len && memcmp(line->text, text, len) == 0;
}

static bool ends_with(const struct line *line, const char *text)
{
	size_t len = strlen(text);

	return line->len >= len && memcmp(line->text + line->len - len, text, len) == 0;
}

/* The target is the end of a listed line, so a comment that quotes it does not count. */
static bool is_jump(const struct line *line)
{
	return starts_with(line, APPEND) && (ends_with(line, JUMP) || ends_with(line, GOTO));
}

static unsigned int interface_of(const struct line *line, const struct ruleset_chain *chain)
{
	char expected[sizeof(HOOK) + IF_NAMESIZE + sizeof(JUMP) + 8];
	unsigned int i;

	for (i = 0; i < chain->interface_count; i++) {
		int len = snprintf(expected, sizeof(expected), HOOK "-i %s" JUMP,
				   chain->interfaces[i]);

		if (line->len == (size_t)len && memcmp(line->text, expected, len) == 0)
			break;
	}
	return i;
}

bool ruleset_jumps_in_place(const char *listing, const struct ruleset_chain *chain)
{
	unsigned int hooked = 0, jumps = 0;
	uint64_t seen = 0;
	struct line line;

	while (next_line(&listing, &line)) {
		jumps += is_jump(&line);
		if (!starts_with(&line, HOOK) || hooked++ >= chain->interface_count)
			continue;
		seen |= 1ULL << interface_of(&line, chain);
	}
	return jumps == chain->interface_count && seen == (1ULL << chain->interface_count) - 1;
}

unsigned int ruleset_copy_rules(FILE *out, const char *listing)
{
	unsigned int rules = 0;
	struct line line;

	while (next_line(&listing, &line)) {
		if (!starts_with(&line, APPEND RULESET_CHAIN " "))
			continue;
		fprintf(out, "%.*s\n", (int)line.len, line.text);
		rules++;
	}
	return rules;
}

static bool has_word(const struct line *line, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = line->text; at + len <= line->text + line->len; at++) {
		if (memcmp(at, word, len) == 0 && (at == line->text || at[-1] == ' ') &&
		    (at + len == line->text + line->len || at[len] == ' '))
			return true;
	}
	return false;
}

/* match: NULL, or words that the jump has. */
static unsigned int write_deletes(FILE *out, const char *listing, const char *match)
{
	unsigned int jumps = 0;
	struct line line;

	while (next_line(&listing, &line)) {
		if (!is_jump(&line) || (match && !has_word(&line, match)))
			continue;
		fprintf(out, "-D %.*s\n", (int)(line.len - strlen(APPEND)),
			line.text + strlen(APPEND));
		jumps++;
	}
	return jumps;
}

unsigned int ruleset_write_jump_deletes(FILE *out, const char *listing)
{
	return write_deletes(out, listing, NULL);
}

unsigned int ruleset_write_interface_deletes(FILE *out, const char *listing, const char *interface)
{
	char match[IF_NAMESIZE + 4];

	snprintf(match, sizeof(match), "-i %.15s", interface);
	return write_deletes(out, listing, match);
}

static bool options_match(const struct line *header, const struct ruleset_set *set)
{
	char maxelem[32];

	snprintf(maxelem, sizeof(maxelem), "maxelem %d", RULESET_MAXELEM);
	return has_word(header, set->ipv6 ? "family inet6" : "family inet") &&
	       has_word(header, maxelem) && has_word(header, "timeout") &&
	       has_word(header, "counters") && has_word(header, "comment") &&
	       !has_word(header, "netmask") && !has_word(header, "forceadd");
}

static bool type_matches(const struct line *line, const struct ruleset_set *set)
{
	char type[24];

	snprintf(type, sizeof(type), " hash:%s%s", set->net ? "net" : "ip",
		 set->kind.classes & RULESET_PORT ? ",port" : "");
	return ends_with(line, type);
}

bool ruleset_read_set(const char **cursor, struct ruleset_listed *out)
{
	bool found = false, type = false, options = false;
	struct line line;

	*out = (struct ruleset_listed){ 0 };
	while (next_line(cursor, &line)) {
		if (starts_with(&line, "Name: ")) {
			snprintf(out->name, sizeof(out->name), "%.*s", (int)line.len - 6,
				 line.text + 6);
			out->ours = ruleset_set_parse(out->name, &out->set) == 0;
			found = true;
		} else if (starts_with(&line, "Type: ")) {
			type = type_matches(&line, &out->set);
		} else if (starts_with(&line, "Header: ")) {
			options = options_match(&line, &out->set);
		} else if (starts_with(&line, "Number of entries: ")) {
			out->members = strtoull(line.text + 19, NULL, 10);
		} else if (found && line.len == 0) {
			break;
		}
	}
	out->compatible = out->ours && type && options;
	return found;
}

/* The number that stands behind the word, 0: none does. */
static uint32_t number_behind(const struct line *line, const char *word)
{
	const char *end = line->text + line->len,
		   *at = memmem(line->text, line->len, word, strlen(word));
	uint64_t value = 0;

	if (!at)
		return 0;
	for (at += strlen(word); at < end && *at >= '0' && *at <= '9' && value <= UINT32_MAX; at++)
		value = 10 * value + (uint64_t)(*at - '0');
	return value <= UINT32_MAX ? (uint32_t)value : 0;
}

bool ruleset_read_member(const char **cursor, struct ruleset_standing *out)
{
	struct line line;

	while (next_line(cursor, &line)) {
		char text[RULESET_MEMBER_TEXT];
		const char *at = line.text + strlen(MEMBER);
		const char *end = line.text + line.len;
		size_t len;

		if (!starts_with(&line, MEMBER))
			continue;
		at += strcspn(at, " \n"); /* the set's name */
		while (at < end && *at == ' ')
			at++;
		len = strcspn(at, " \n");
		if (len == 0 || len >= sizeof(text))
			continue;
		memcpy(text, at, len);
		text[len] = '\0';
		if (ruleset_member_parse(text, &out->member))
			continue;
		out->rule_id = number_behind(&line, " comment \"");
		out->timeout_s = number_behind(&line, " timeout ");
		return true;
	}
	return false;
}
