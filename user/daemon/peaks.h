/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What sources came to, from detection to the record. Private to daemon/. */
#ifndef FWGEN_DAEMON_PEAKS_H
#define FWGEN_DAEMON_PEAKS_H

#include "daemon/state.h"

/* Records them now: a stop or new limits are about to end the period. */
void daemon_record_peaks(struct daemon *daemon);
/* The same, once it is time again. */
void daemon_note_peaks(struct daemon *daemon);

#endif
