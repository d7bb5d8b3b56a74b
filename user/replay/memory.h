/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Large tables that are read at random places: in huge pages where the kernel has them to spare,
 * which a third of replay's time depends on.
 */
#ifndef FWGEN_REPLAY_MEMORY_H
#define FWGEN_REPLAY_MEMORY_H

#include <stddef.h>

/* Zeroed, aligned to a page at least. NULL when memory ran out. */
void *memory_new(size_t bytes);
/* bytes: as it was made. NULL is fine. */
void memory_free(void *memory, size_t bytes);

#endif
