/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The lines between daemon and helper, written and read in one place so that they cannot drift
 * apart. Knows nothing of sockets or of what the lines are for.
 */
#include "enforce/message.h"
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

static const char *const words[] = {
	[MESSAGE_SET] = "set",	       [MESSAGE_UNSET] = "unset", [MESSAGE_SYNC] = "sync",
	[MESSAGE_SYNCED] = "synced",   [MESSAGE_STOP] = "stop",	  [MESSAGE_READY] = "ready",
	[MESSAGE_FAILED] = "failed",   [MESSAGE_STATE] = "state", [MESSAGE_NOTE] = "note",
	[MESSAGE_STOPPED] = "stopped",
};

/* Free text stands at the end of its line and must not start another one. */
static void one_line(const char *text, char out[MESSAGE_TEXT])
{
	size_t i;

	for (i = 0; i < MESSAGE_TEXT - 1 && text[i]; i++)
		out[i] = iscntrl((unsigned char)text[i]) ? ' ' : text[i];
	out[i] = '\0';
}

static int format_arguments(const struct message *m, char *buf, size_t size)
{
	char member[RULESET_MEMBER_TEXT], kind[RULESET_KIND_TEXT], text[MESSAGE_TEXT];

	switch (m->type) {
	case MESSAGE_SET:
		return snprintf(buf, size, " %u %s %s %" PRId64 " %u", m->rule_id,
				ruleset_member_format(&m->member, member),
				ruleset_kind_format(&m->member.kind, kind), m->deadline_ns,
				m->weight);
	case MESSAGE_UNSET:
		return snprintf(buf, size, " %s %s", ruleset_member_format(&m->member, member),
				ruleset_kind_format(&m->member.kind, kind));
	case MESSAGE_STOP:
		return snprintf(buf, size, " %s", m->keep ? "keep" : "remove");
	case MESSAGE_STATE:
		one_line(m->text, text);
		return snprintf(buf, size, " %s %" PRIu64 " %" PRIu64 " %" PRIu64 " %s",
				m->enforced ? "enforced" : "unenforced", m->members, m->repairs,
				m->packets, text);
	case MESSAGE_FAILED:
		one_line(m->text, text);
		return snprintf(buf, size, " %d %s", m->error, text);
	case MESSAGE_NOTE:
		one_line(m->text, text);
		return snprintf(buf, size, " %s", text);
	case MESSAGE_STOPPED:
		return snprintf(buf, size, " %d", m->error);
	default:
		return 0;
	}
}

size_t message_format(const struct message *message, char buf[MESSAGE_LINE_BYTES])
{
	size_t len = snprintf(buf, MESSAGE_LINE_BYTES, "%s", words[message->type]);

	len += format_arguments(message, buf + len, MESSAGE_LINE_BYTES - len - 1);
	buf[len++] = '\n';
	buf[len] = '\0';
	return len;
}

static bool scan_member(const char *member, const char *kind, struct ruleset_member *out)
{
	return ruleset_member_parse(member, out) == 0 && ruleset_kind_parse(kind, &out->kind) == 0;
}

static bool scan_word(const char *arguments, const char *yes, const char *no, bool *out)
{
	char word[16];

	if (sscanf(arguments, "%15s", word) != 1)
		return false;
	*out = strcmp(word, yes) == 0;
	return *out || strcmp(word, no) == 0;
}

static bool scan_arguments(const char *arguments, struct message *m)
{
	char member[RULESET_MEMBER_TEXT], kind[RULESET_KIND_TEXT];
	int text = 0;

	switch (m->type) {
	case MESSAGE_SET:
		return sscanf(arguments, "%u %65s %19s %" SCNd64 " %u", &m->rule_id, member, kind,
			      &m->deadline_ns, &m->weight) == 5 &&
		       scan_member(member, kind, &m->member);
	case MESSAGE_UNSET:
		return sscanf(arguments, "%65s %19s", member, kind) == 2 &&
		       scan_member(member, kind, &m->member);
	case MESSAGE_STOP:
		return scan_word(arguments, "keep", "remove", &m->keep);
	case MESSAGE_STATE:
		if (!scan_word(arguments, "enforced", "unenforced", &m->enforced) ||
		    sscanf(arguments, "%*s %" SCNu64 " %" SCNu64 " %" SCNu64 " %n", &m->members,
			   &m->repairs, &m->packets, &text) != 3)
			return false;
		break;
	case MESSAGE_FAILED:
	case MESSAGE_STOPPED:
		if (sscanf(arguments, "%d %n", &m->error, &text) != 1)
			return false;
		break;
	default:
		break;
	}
	one_line(arguments + text, m->text);
	return true;
}

int message_next(const char **cursor, struct message *out)
{
	struct message m = { 0 };
	char line[MESSAGE_LINE_BYTES];
	size_t len = strcspn(*cursor, "\n"), word;

	if (!**cursor)
		return 0;
	if (len >= sizeof(line) || (*cursor)[len] != '\n')
		return -EBADMSG;
	memcpy(line, *cursor, len);
	line[len] = '\0';
	word = strcspn(line, " ");
	for (m.type = MESSAGE_SET; m.type <= MESSAGE_STOPPED; m.type++) {
		if (strlen(words[m.type]) == word && memcmp(words[m.type], line, word) == 0)
			break;
	}
	if (m.type > MESSAGE_STOPPED || !scan_arguments(line + word + (line[word] == ' '), &m))
		return -EBADMSG;
	*cursor += len + 1;
	*out = m;
	return 1;
}
