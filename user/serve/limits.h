/* SPDX-License-Identifier: GPL-2.0-or-later */
/* control_open with limits of the caller's choice, for tests. Private to serve/. */
#ifndef FWGEN_SERVE_LIMITS_H
#define FWGEN_SERVE_LIMITS_H

#include "serve/connection.h"
#include "serve/control.h"

/* limits are copied. */
int control_open_limited(struct loop *loop, const char *path, const struct control_ops *ops,
			 const struct control_limits *limits, struct control **out,
			 char error[256]);

#endif
