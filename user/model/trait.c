/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Traits as words. What packets share is found in detect/. */
#include "model/trait.h"

#include <stdbool.h>
#include <stdio.h>
#include "packet.h"

#define FLAGS_TEXT 40

static const struct {
	const char *name, *words;
} fields[TRAIT_FIELDS] = {
	[TRAIT_LENGTH] = { "length", "length" },
	[TRAIT_FLAGS] = { "flags", "flags" },
	[TRAIT_TTL] = { "ttl", "TTL" },
	[TRAIT_ICMP_TYPE] = { "icmp_type", "ICMP type" },
	[TRAIT_SOURCE_PORT] = { "source_port", "source port" },
	[TRAIT_DESTINATION_PORT] = { "destination_port", "destination port" },
};

const char *trait_name(enum trait_field field)
{
	return field < TRAIT_FIELDS ? fields[field].name : "?";
}

/* "SYN,ACK", or "none". */
static const char *format_flags(uint16_t flags, char buf[FLAGS_TEXT])
{
	static const char *const names[] = {
		"FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"
	};
	size_t used = 0;

	snprintf(buf, FLAGS_TEXT, "none");
	for (unsigned int i = 0; i < 8; i++) {
		if (flags & 1u << i)
			used += (size_t)snprintf(buf + used, FLAGS_TEXT - used, "%s%s",
						 used ? "," : "", names[i]);
	}
	return buf;
}

static const char *format_value(const struct trait *trait, char buf[FLAGS_TEXT])
{
	if (trait->field == TRAIT_FLAGS)
		return format_flags(trait->value, buf);
	snprintf(buf, FLAGS_TEXT, "%u", trait->value);
	return buf;
}

const char *traits_format(const struct trait traits[TRAIT_FIELDS], char buf[TRAITS_TEXT])
{
	char value[FLAGS_TEXT];
	size_t used = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < TRAIT_FIELDS && traits[i].share && used < TRAITS_TEXT; i++) {
		if (traits[i].field == TRAIT_DESTINATION_PORT)
			continue;
		used += (size_t)snprintf(buf + used, TRAITS_TEXT - used, "%s%s %s (%u %%)",
					 used ? ", " : "", fields[traits[i].field].words,
					 format_value(&traits[i], value), traits[i].share);
	}
	return buf;
}

const char *traits_json(const struct trait traits[TRAIT_FIELDS], char buf[TRAITS_JSON])
{
	size_t used = (size_t)snprintf(buf, TRAITS_JSON, "[");
	char value[FLAGS_TEXT];

	for (size_t i = 0; i < TRAIT_FIELDS && traits[i].share; i++) {
		const char *quote = traits[i].field == TRAIT_FLAGS ? "\"" : "";

		used += (size_t)snprintf(buf + used, TRAITS_JSON - used,
					 "%s{\"field\":\"%s\",\"value\":%s%s%s,\"share\":%u}",
					 i ? "," : "", trait_name(traits[i].field), quote,
					 format_value(&traits[i], value), quote, traits[i].share);
	}
	snprintf(buf + used, TRAITS_JSON - used, "]");
	return buf;
}
