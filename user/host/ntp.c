/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "host/ntp.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>
#include "host/address_set.h"
#include "host/text.h"

/* chrony takes its directives in any case. */
static bool names_server(const char *directive)
{
	static const char *const directives[] = { "server", "peer", "pool" };

	for (size_t i = 0; i < sizeof(directives) / sizeof(directives[0]); i++) {
		if (!strcasecmp(directive, directives[i]))
			return true;
	}
	return false;
}

void ntp_line(void *set, char *line)
{
	const char *word = text_word(&line);

	if (!word || !names_server(word))
		return;
	do /* ntpd: "server -4 192.0.2.1" */
		word = text_word(&line);
	while (word && word[0] == '-');
	if (word)
		address_set_add_text(set, word);
}

void ntp_timesyncd_line(void *set, char *line)
{
	char *rest = line;
	const char *word;

	if (!text_value(line, "NTP") && !text_value(line, "FallbackNTP"))
		return;
	rest = strchr(line, '=') + 1;
	while ((word = text_word(&rest)))
		address_set_add_text(set, word);
}
