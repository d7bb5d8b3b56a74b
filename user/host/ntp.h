/* SPDX-License-Identifier: GPL-2.0-or-later */
/* NTP servers that configuration files name by address. Private to host/. */
#ifndef FWGEN_HOST_NTP_H
#define FWGEN_HOST_NTP_H

/*
 * Each takes one line and adds to a struct address_set: text_line_fn. Names are left out, they are
 * not looked up.
 */

/* chrony.conf(5), chrony's sources files, ntp.conf(5): "server 192.0.2.1 iburst". */
void ntp_line(void *set, char *line);
/* timesyncd.conf(5): "NTP=192.0.2.1 ntp.example.org". */
void ntp_timesyncd_line(void *set, char *line);

#endif
