/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the box itself knows of an address that was blocked on unproven evidence: whether somebody
 * real talks from there. host/peers asks for it after the block, decide/ draws the conclusion.
 */
#ifndef FWGEN_MODEL_PEER_H
#define FWGEN_MODEL_PEER_H

#include <stdbool.h>
#include "abi.h"

struct peer_answer {
	struct address address;
	bool assured; /* has a flow now whose handshake came to its end, or a socket of this host's
		       */
	bool opened;  /* our side opened a flow to it within 5 minutes */
	/*
	 * How many connections it opened to the port that was asked about, of which conntrack has
	 * seen both sides. None by guessing: it was not liberal with them.
	 */
	uint32_t logins;
};

#endif
