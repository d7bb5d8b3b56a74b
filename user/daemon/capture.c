/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A capture needs samples from the drop map's program. */
#include "daemon/capture.h"

#include <errno.h>
#include <stdio.h>

int capturing_begin(void *context, const struct requester *who,
		    const struct capture_request *request, char error[COMMAND_ERROR])
{
	(void)context;
	(void)who;
	(void)request;
	snprintf(error, COMMAND_ERROR, "the XDP program takes no samples");
	return -ENOTSUP;
}

int capturing_fetch(void *context, const struct requester *who, struct capture_lot *out,
		    char error[COMMAND_ERROR])
{
	(void)context;
	(void)who;
	(void)out;
	snprintf(error, COMMAND_ERROR, "nothing is captured");
	return -ENOENT;
}

void capturing_left(void *context, uint64_t client)
{
	(void)context;
	(void)client;
}
