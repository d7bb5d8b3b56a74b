/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Setting the daemon up and taking it down. Private to daemon/. */
#ifndef FWGEN_DAEMON_START_H
#define FWGEN_DAEMON_START_H

#include "daemon/state.h"

/*
 * Everything that can fail. Returns 0 with the daemon at work but for its loop, or the exit code,
 * when the reason was printed and what had been set up was undone.
 */
int daemon_start(struct daemon *daemon);

/* start_kernel.c, start_sensors.c: the steps that put something into the kernel. Each 0, or the
 * exit code and a text. */
int start_lock(struct daemon *daemon, char error[512]);
int start_pins(struct daemon *daemon, char error[512]);
int start_iptables(struct daemon *daemon, char error[512]);
int start_dropmap(struct daemon *daemon, char error[512]);
int start_rules(struct daemon *daemon, char error[512]);
int start_contacts(struct daemon *daemon, char error[512]);
int start_loading(struct daemon *daemon, char error[512]);
/* Waits for what start_loading began; also where nothing was. */
int start_join(struct daemon *daemon, char error[512]);
int start_sensors(struct daemon *daemon, char error[512]);
/* The exit code for an -errno of these. */
int start_exit_code(int err);

/* stop.c: ends whatever there is, in the reverse order. daemon->keep: what is in the kernel stays.
 */
void daemon_stop(struct daemon *daemon);

#endif
