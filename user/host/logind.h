/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sessions that systemd-logind knows, from the files it keeps in /run/systemd/sessions (logind's
 * session_save()). PAM opens a session after somebody has proven who he is. Private to host/.
 */
#ifndef FWGEN_HOST_LOGIND_H
#define FWGEN_HOST_LOGIND_H

#include <stdbool.h>
#include "abi.h"

struct logind_session {
	char state[16], user[33], service[32], remote_host[64];
};

/* Takes one line of a session's file. A text_line_fn. */
void logind_line(void *session, char *line);
/*
 * Whether it goes on and comes from an address; a host's name is not looked up. The reason is
 * "SSH session of root", "login session of root (cockpit)".
 */
bool logind_remote(const struct logind_session *session, struct address *out, char reason[64]);

#endif
