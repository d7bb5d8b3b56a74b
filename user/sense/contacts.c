// SPDX-License-Identifier: GPL-2.0-or-later
/* Generations of contacts: the older one is cleared and becomes the running one. */
#include "sense/contacts.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define GENERATION_NS (60 * NS_PER_SECOND)
#define BITS_PER_NOTE 2
#define NOTES_MAX     ((uint64_t)CONTACT_LINES * CONTACT_LINE_BITS / 4 / BITS_PER_NOTE)

/* Cannot fail for 256 bytes and less once the pool is ready (getrandom(2)). */
static void fill(void *out, size_t size)
{
	if (getrandom(out, size, 0) != (ssize_t)size)
		abort();
}

void contacts_init(struct contacts_memory *memory, struct contacts *notes, bool learning,
		   struct moment now)
{
	memset(notes, 0, sizeof(*notes));
	fill(&notes->remote_key, sizeof(notes->remote_key));
	fill(&notes->local_key, sizeof(notes->local_key));
	fill(&notes->ports_key, sizeof(notes->ports_key));
	fill(&notes->kind_key, sizeof(notes->kind_key));
	notes->remote_key.finish |= 1;
	notes->local_key.finish |= 1;
	notes->ports_key |= 1;
	notes->kind_key |= 1;
	notes->learning = learning;
	*memory = (struct contacts_memory){ .notes = notes, .turned = now };
}

void contacts_turn(struct contacts_memory *memory, struct moment now)
{
	struct contacts *notes = memory->notes;
	uint32_t next = notes->generation + 1;

	if (now.boot_ns - memory->turned.boot_ns < GENERATION_NS && notes->noted < NOTES_MAX)
		return;
	for (size_t i = 0; i < CONTACT_LINES; i++)
		memset(notes->lines[i].words[next & 1], 0, sizeof(notes->lines[i].words[0]));
	notes->noted = 0;
	notes->learning = 0;
	__atomic_store_n(&notes->generation, next, __ATOMIC_RELEASE);
	memory->turned = now;
}
