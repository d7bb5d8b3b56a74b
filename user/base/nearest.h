/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef FWGEN_NEAREST_H
#define FWGEN_NEAREST_H

#include <stddef.h>

/* The name that was probably meant, or NULL when none is near. */
const char *nearest_name(const char *text, const char *const *names, size_t count);

#endif
