/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Notices that interfaces or tc's filters on them have changed: no more than that, who gets one
 * looks for himself. Apart from host.h's, which may be put off on a router with many routes.
 */
#ifndef FWGEN_HOST_LINK_NOTICES_H
#define FWGEN_HOST_LINK_NOTICES_H

/* Returns a descriptor of the caller's that is readable when something has changed, or -errno. */
int link_notices_open(void);
/* Takes the waiting notices; lost ones make it readable too. */
void link_notices_drain(int fd);

#endif
