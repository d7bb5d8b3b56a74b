/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The DHCP server that this box has its address from, as DHCP clients note it. Private to host/. */
#ifndef FWGEN_HOST_LEASE_H
#define FWGEN_HOST_LEASE_H

/* Each takes one line and adds to a struct address_set: text_line_fn. */

/* dhclient.leases(5): "  option dhcp-server-identifier 192.0.2.1;" */
void lease_dhclient_line(void *set, char *line);
/* systemd-networkd's and NetworkManager's leases: "SERVER_ADDRESS=192.0.2.1" */
void lease_networkd_line(void *set, char *line);

#endif
