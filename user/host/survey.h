/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What has to be read again and again because nobody sends notice of it: sessions, sockets, leases,
 * configuration of other programs, IPsec and WireGuard. Every two seconds or less often, on a
 * thread of its own: on a large box a reading takes its time. Private to host/.
 */
#ifndef FWGEN_HOST_SURVEY_H
#define FWGEN_HOST_SURVEY_H

#include <stdbool.h>
#include "model/protected.h"

struct survey;

/* Reads everything once. Returns 0 or -errno. */
int survey_open(struct survey **out);
/* From now on a thread reads. Returns 0 or -errno. */
int survey_start(struct survey *survey);
void survey_close(struct survey **survey);

/* Readable when survey_protect gives something else than before. */
int survey_fd(const struct survey *survey);
/* Takes the notice. Returns whether there was one. */
bool survey_changed(struct survey *survey);
/* Appends whom the last reading found. Returns 0 or -ENOMEM. */
int survey_protect(struct survey *survey, struct protected_list *out);

#endif
