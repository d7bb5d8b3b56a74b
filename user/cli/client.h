/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests to the daemon and their answers. Private to cli/. */
#ifndef FWGEN_CLI_CLIENT_H
#define FWGEN_CLI_CLIENT_H

#define CLIENT_ERROR_TEXT 512

struct client;
struct json;

/*
 * Connects. Returns 0, or with a text that says what to do: -ESRCH (no daemon there), -EACCES,
 * another -errno.
 */
int client_open(const char *path, struct client **out, char error[CLIENT_ERROR_TEXT]);
/*
 * Sends the request (a line without its end) and waits for the answer, timeout_ms in all. *data
 * gets the answer's data, for the caller to free. Returns 0, or with a text -ETIMEDOUT, -EPROTO,
 * -EREMOTEIO (the daemon refused), another -errno. After any but -EREMOTEIO there is nothing more
 * to be had of this client.
 */
int client_ask(struct client *client, const char *request, int timeout_ms, struct json **data,
	       char error[CLIENT_ERROR_TEXT]);
void client_close(struct client **client);
/* All three for one request. */
int client_call(const char *path, const char *request, int timeout_ms, struct json **data,
		char error[CLIENT_ERROR_TEXT]);

#endif
