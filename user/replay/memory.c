// SPDX-License-Identifier: GPL-2.0-or-later
#include "replay/memory.h"

#include <stdint.h>
#include <sys/mman.h>

#define HUGE_PAGE ((size_t)2 << 20)

static void *map(size_t bytes)
{
	void *memory =
		mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

static size_t rounded(size_t bytes)
{
	return bytes < HUGE_PAGE ? bytes : (bytes + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1);
}

/* Only what begins at a multiple of its size can be a huge page: the rest is given back. */
void *memory_new(size_t bytes)
{
	size_t size = rounded(bytes), before;
	char *memory;

	if (size < HUGE_PAGE)
		return map(size);
	memory = map(size + HUGE_PAGE);
	if (!memory)
		return NULL;
	before = -(uintptr_t)memory & (HUGE_PAGE - 1);
	if (before)
		munmap(memory, before);
	if (before < HUGE_PAGE)
		munmap(memory + before + size, HUGE_PAGE - before);
	memory += before;
	madvise(memory, size, MADV_HUGEPAGE); /* without it, it is only slower */
	return memory;
}

void memory_free(void *memory, size_t bytes)
{
	if (memory)
		munmap(memory, rounded(bytes));
}
