/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the answers of suggest and whatif have in common. Private to advise/. */
#ifndef FWGEN_ADVISE_ANSWER_H
#define FWGEN_ADVISE_ANSWER_H

#include "advise/past.h"
#include "base/json.h"

/* A new object that says which database, from when to when, and how much of that was watched. */
struct json *answer_begin(const struct past *past);

#endif
