/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon as the control socket shows it. Private to daemon/. */
#ifndef FWGEN_DAEMON_VIEW_H
#define FWGEN_DAEMON_VIEW_H

#include "model/sample.h"
#include "model/status.h"

struct daemon;
struct watch;

/* The context is the struct daemon. */
extern const struct view_ops daemon_view;

/* The enforcers in use, with their states. Returns how many. */
unsigned int view_enforcers(const struct daemon *daemon, struct enforcer_status out[ENFORCERS_MAX]);
/* Adds a drained interval to what is shown of its interface. */
void view_count(struct watch *watch, const struct traffic *traffic);

#endif
