/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `fwgen replay FILE...`: what would fwgen have done about this traffic? The same parser, tables,
 * tracker, detectors and policy as live, on a capture's clock.
 */
#ifndef FWGEN_REPLAY_H
#define FWGEN_REPLAY_H

/* argv[0] is the verb. Returns an exit code. */
int replay_run(int argc, char **argv);

#endif
