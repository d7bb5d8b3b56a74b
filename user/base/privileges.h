/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Giving up what a process does not need, before it reads what somebody else wrote. */
#ifndef FWGEN_PRIVILEGES_H
#define FWGEN_PRIVILEGES_H

/*
 * From here on no program that this process executes gains anything; when it is root's it becomes
 * nobody's, without groups, for good. All threads. Returns 0 or -errno: then nothing may be read.
 */
int privileges_drop(void);

#endif
