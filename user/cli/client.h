/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One request to the daemon and its answer. Private to cli/. */
#ifndef FWGEN_CLI_CLIENT_H
#define FWGEN_CLI_CLIENT_H

#define CLIENT_ERROR_TEXT 512

struct json;

/*
 * Sends the request (a line without its end) and waits for the answer, timeout_ms in all. *data
 * gets the answer's data, for the caller to free. Returns 0, or with a text that says what to do:
 * -ESRCH (no daemon there), -EACCES, -ETIMEDOUT, -EPROTO, -EREMOTEIO (the daemon refused), another
 * -errno.
 */
int client_call(const char *path, const char *request, int timeout_ms, struct json **data,
		char error[CLIENT_ERROR_TEXT]);

#endif
