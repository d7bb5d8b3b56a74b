/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Helper processes that a dead daemon left. Private to daemon/. */
#ifndef FWGEN_DAEMON_OFF_HELPER_H
#define FWGEN_DAEMON_OFF_HELPER_H

/* Ends every iptables helper of this network namespace, with what it has started, and waits for
 * that. Returns how many processes, or -ETIME when one does not end. */
int off_end_helpers(void);

#endif
