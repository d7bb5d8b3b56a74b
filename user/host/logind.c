/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "host/logind.h"

#include <stdio.h>
#include <string.h>
#include "base/address.h"
#include "host/text.h"

void logind_line(void *context, char *line)
{
	struct logind_session *session = context;
	const struct {
		const char *key;
		char *value;
		size_t size;
	} keys[] = {
		{ "STATE", session->state, sizeof(session->state) },
		{ "USER", session->user, sizeof(session->user) },
		{ "SERVICE", session->service, sizeof(session->service) },
		{ "REMOTE_HOST", session->remote_host, sizeof(session->remote_host) },
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		const char *value = text_value(line, keys[i].key);

		if (value)
			snprintf(keys[i].value, keys[i].size, "%s", value);
	}
}

bool logind_remote(const struct logind_session *session, struct address *out, char reason[64])
{
	char literal[sizeof(session->remote_host)];

	snprintf(literal, sizeof(literal), "%.*s", (int)strcspn(session->remote_host, "%"),
		 session->remote_host);
	if (!strcmp(session->state, "closing") || address_parse(literal, out))
		return false;
	if (!strcmp(session->service, "sshd"))
		snprintf(reason, 64, "SSH session of %s", session->user);
	else
		snprintf(reason, 64, "login session of %.24s (%.12s)", session->user,
			 session->service);
	return true;
}
