/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef FWGEN_SERVE_REQUESTER_H
#define FWGEN_SERVE_REQUESTER_H

#include "model/command.h"

/* Who is at the other end of a unix socket (SO_PEERCRED); leaves client alone. 0 or -errno. */
int requester_of(int fd, struct requester *out);

#endif
