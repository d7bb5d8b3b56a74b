/* SPDX-License-Identifier: GPL-2.0-or-later */
/* VRRP neighbours that keepalived.conf(5) names. Private to host/. */
#ifndef FWGEN_HOST_VRRP_H
#define FWGEN_HOST_VRRP_H

#include <stdbool.h>
#include "host/address_set.h"

struct vrrp_file {
	struct address_set peers;
	bool expected, inside; /* after unicast_peer; between its braces */
};

/* Takes one line: the addresses between the braces of unicast_peer. A text_line_fn. */
void vrrp_line(void *file, char *line);

#endif
