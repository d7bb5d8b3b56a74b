/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is known about an address in plain words. Private to serve/. */
#ifndef FWGEN_SERVE_SENTENCES_H
#define FWGEN_SERVE_SENTENCES_H

struct explanation;
struct json;

/* "blocked", "limited", "denied", "protected", "held", "paused", "observed", "passing", "unseen".
 */
const char *sentences_state(const struct explanation *explanation);
/* A new list of strings, or NULL. */
struct json *sentences_of(const struct explanation *explanation);

#endif
