/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs a program to its end: no shell, a fixed argument vector, text in, text out, a time limit.
 */
#ifndef FWGEN_SUBPROCESS_H
#define FWGEN_SUBPROCESS_H

#include <stddef.h>

struct subprocess_result {
	int status;   /* exit status, or 128 + signal */
	char *output; /* standard output, NUL-terminated; owned by the caller; never NULL on success
		       */
	char errors[512]; /* the end of standard error, trailing newline removed */
};

/*
 * argv[0] is searched in PATH=/usr/sbin:/sbin:/usr/bin:/bin; the environment is that and LC_ALL=C.
 * input may be NULL. Returns 0 when the program ran (look at status), -ENOENT when there is no such
 * program, -ETIMEDOUT (the child was killed and reaped), or another -errno.
 */
int subprocess_run(const char *const argv[], const char *input, size_t input_len, int timeout_ms,
		   struct subprocess_result *out);
void subprocess_result_free(struct subprocess_result *result);

#endif
