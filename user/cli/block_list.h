/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines of lists of addresses. Private to cli/. */
#ifndef FWGEN_CLI_BLOCK_LIST_H
#define FWGEN_CLI_BLOCK_LIST_H

#define LIST_ERROR  192
#define LIST_REASON 180 /* bytes, the NUL included */

struct list_line {
	const char *address;  /* into the line; NULL: the line says nothing */
	const char *duration; /* into the line, or NULL */
	char reason[LIST_REASON];
};

/*
 * Takes a line apart, which is changed for it: ADDR[/LEN] [10m] [# or ; reason], or what `ipset
 * save` writes. Returns 0, or -EINVAL with a text that says what would be right.
 */
int list_parse_line(char *line, struct list_line *out, char error[LIST_ERROR]);

#endif
