/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines of help. Private to cli/. */
#ifndef FWGEN_CLI_USAGE_H
#define FWGEN_CLI_USAGE_H

#include <stdio.h>

/* value: what follows the option, or NULL. */
void usage_print_option(FILE *out, const char *name, const char *value, const char *help);

#endif
