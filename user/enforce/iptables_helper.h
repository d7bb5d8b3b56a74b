/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef FWGEN_ENFORCE_IPTABLES_HELPER_H
#define FWGEN_ENFORCE_IPTABLES_HELPER_H

#include "enforce/netfilter.h"

/*
 * The helper process, from fork to exit: sets netfilter up, says so, and does what the lines of
 * message.h ask for until the other end of the socket is closed (then the rules stay, and the
 * kernel's timeouts end them) or a stop comes. Takes no lock that another thread may have held when
 * the process was forked: it logs nothing, the daemon does.
 */
void iptables_helper_run(int fd, const struct netfilter_options *options) __attribute__((noreturn));

#endif
