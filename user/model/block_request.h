/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A rule that somebody asks for: a person on the control socket, a list, another fwgen. */
#ifndef FWGEN_MODEL_BLOCK_REQUEST_H
#define FWGEN_MODEL_BLOCK_REQUEST_H

#include <stdbool.h>
#include <stdint.h>
#include "abi.h"
#include "model/detector.h"

struct block_request {
	struct prefix prefix;
	bool to_destination; /* a limit of what is sent there: class and limit_pps must be given */
	uint32_t classes;    /* 0: all */
	uint16_t port;	     /* 0: all */
	uint8_t protocol;    /* with a port */
	uint32_t limit_pps;  /* 0: drop */
	int64_t duration_ns; /* 0: response.block_seconds; at most max_block_seconds */
	enum origin origin;  /* ORIGIN_MANUAL, ORIGIN_IMPORT or ORIGIN_FLEET */
	char reason[192];    /* "": "blocked by hand" */
};

#endif
