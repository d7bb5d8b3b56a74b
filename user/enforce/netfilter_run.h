/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * iptables and ipset as calls: each runs one program to its end. No knowledge of what fwgen wants
 * in the kernel; that is netfilter.c.
 */
#ifndef FWGEN_ENFORCE_NETFILTER_RUN_H
#define FWGEN_ENFORCE_NETFILTER_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define RUN_ERROR 256

struct text {
	char *bytes; /* NUL-terminated; owned */
	size_t len;
};

void text_free(struct text *text);
/* A stream to write a text with; NULL when memory ran out, which text_close takes and reports. */
FILE *text_open(struct text *text);
/* Returns 0, or -ENOMEM with a text (then *text is empty). */
int text_close(FILE *file, struct text *text, char error[RUN_ERROR]);

/* Whether iptables is there: 0, or -ENOENT with a text that names the package. */
int run_installed(char error[RUN_ERROR]);

/* How many of IPv4 and IPv6 the kernel has: 1 or 2. */
unsigned int run_families(void);

/* One of the two iptables: the one of nf_tables, or the legacy one with tables and lock of its own.
 */
struct run_flavour {
	bool legacy;
	const char *suffix; /* of the program's name: "", "-nft", "-legacy" */
};
/* Which one `iptables` is here. 0, or -errno with a text. */
int run_flavour(struct run_flavour *out, char error[RUN_ERROR]);
/* The other one, if it is installed and has a table raw in this network namespace. */
bool run_other_flavour(const struct run_flavour *flavour, struct run_flavour *out);

/*
 * These return 0, or -errno with a text; -EBUSY: iptables still said after some tries that somebody
 * else is changing the table.
 */
/* `iptables -t raw -S`. The caller frees. */
int run_list_rules(bool ipv6, const struct run_flavour *flavour, struct text *out,
		   char error[RUN_ERROR]);
/* `iptables-restore --noflush`. */
int run_restore_rules(bool ipv6, const struct run_flavour *flavour, const struct text *table,
		      char error[RUN_ERROR]);
/*
 * `ipset list -t`, or `ipset save NAME`. The caller frees. -ENOENT: no ipset is installed;
 * -EOPNOTSUPP: the kernel has none.
 */
int run_list_sets(struct text *out, char error[RUN_ERROR]);
int run_save_set(const char *name, struct text *out, char error[RUN_ERROR]);
/*
 * `ipset restore -exist`. Returns 0; the number (from 1) of the line that was refused, where it
 * stopped; or -errno. With a text.
 */
int run_restore_sets(const char *lines, size_t len, char error[RUN_ERROR]);
/* `ipset destroy NAME`, tried again for a moment while the kernel is letting go of it. */
int run_destroy_set(const char *name, char error[RUN_ERROR]);

#endif
