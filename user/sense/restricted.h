/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef FWGEN_SENSE_RESTRICTED_H
#define FWGEN_SENSE_RESTRICTED_H

#include "model/config.h"

/* Has the program note who uses the ports of access.services. */
void restricted_set(struct sensor_control *control, const struct config *config);

#endif
