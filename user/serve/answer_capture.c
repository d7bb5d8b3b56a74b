/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A capture of what is dropped: begun by one verb, fetched by another, as often as one likes. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "serve/render.h"
#include "serve/verbs.h"

#define FRAMES_DEFAULT	 100
#define DURATION_DEFAULT (10 * NS_PER_SECOND)

static void refuse(const struct request *request, int err, const char *error)
{
	answer_error(request->answer, "%s", *error ? error : strerror(-err));
}

void answer_capture(const struct request *request)
{
	struct capture_request capture = {
		.frames = (size_t)argument_number(request->args, "count", FRAMES_DEFAULT),
		.duration_ns = argument_duration(request->args, "for", DURATION_DEFAULT),
	};
	const struct capture_lot none = { .running = true };
	char error[COMMAND_ERROR] = "";
	int err;

	argument_prefix(request->args, "address", &capture.prefix);
	err = request->ops->commands->capture(request->ops->context, request->who, &capture, error);
	if (err)
		refuse(request, err, error);
	else
		answer_data(request->answer, render_captured(&none));
}

void answer_captured(const struct request *request)
{
	struct capture_lot *lot = calloc(1, sizeof(*lot));
	char error[COMMAND_ERROR] = "";
	int err = lot ? request->ops->commands->captured(request->ops->context, request->who, lot,
							 error)
		      : -ENOMEM;

	if (err)
		refuse(request, err, error);
	else
		answer_data(request->answer, render_captured(lot));
	free(lot);
}
