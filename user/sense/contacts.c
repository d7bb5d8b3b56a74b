// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Generations: two bit filters in the same lines, programs write one and read both. Nothing is
 * locked: the idle one is emptied before it becomes the one that is written.
 */
#include "sense/contacts.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>
#include "base/log.h"

static void make_keys(struct contacts *notes)
{
	struct {
		struct hash_key remote, local;
		__u64 ports, kind;
	} random = { 0 };

	/* cannot fail for 256 bytes and less once the pool is ready (getrandom(2)) */
	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		log_error("failed to get random numbers: %m");
	notes->remote_key = random.remote;
	notes->local_key = random.local;
	notes->remote_key.finish |= 1;
	notes->local_key.finish |= 1;
	notes->ports_key = random.ports | 1;
	notes->kind_key = random.kind | 1;
}

void contacts_init(struct contacts_memory *memory, struct contacts *notes, bool learning,
		   struct moment now)
{
	memset(notes, 0, sizeof(*notes));
	make_keys(notes);
	notes->learning = learning;
	*memory = (struct contacts_memory){ .notes = notes,
					    .turned = now,
					    .learning_until_ns = now.boot_ns + CONTACTS_LEARNING_NS,
					    .fd = -1 };
}

int contacts_open(struct contacts_memory *out)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE);
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "contact_notes", sizeof(__u32),
				sizeof(struct contacts), 1, &options);
	void *notes;

	if (fd < 0)
		return -errno;
	notes = mmap(NULL, sizeof(struct contacts), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (notes == MAP_FAILED) {
		int err = -errno;

		close(fd);
		return err;
	}
	contacts_init(out, notes, true, moment_now());
	out->fd = fd;
	return 0;
}

static void turn(struct contacts *notes)
{
	__u32 next = notes->generation + 1;

	for (__u32 i = 0; i < CONTACT_LINES; i++)
		for (__u32 word = 0; word < CONTACT_LINE_WORDS; word++)
			notes->lines[i].words[word][next & 1] = 0;
	__atomic_store_n(&notes->generation, next, __ATOMIC_RELEASE);
	__atomic_store_n(&notes->noted, 0, __ATOMIC_RELAXED);
}

void contacts_relearn(struct contacts_memory *memory, struct moment now, int64_t for_ns)
{
	if (!memory->notes->learning || memory->learning_until_ns < now.boot_ns + for_ns)
		memory->learning_until_ns = now.boot_ns + for_ns;
	memory->notes->learning = 1;
}

void contacts_turn(struct contacts_memory *memory, struct moment now)
{
	struct contacts *notes = memory->notes;

	if (notes->learning && now.boot_ns >= memory->learning_until_ns)
		notes->learning = 0;
	if (now.boot_ns - memory->turned.boot_ns < CONTACTS_GENERATION_NS &&
	    __atomic_load_n(&notes->noted, __ATOMIC_RELAXED) <= CONTACT_FULL)
		return;
	turn(notes);
	memory->turned = now;
}

void contacts_close(struct contacts_memory *memory)
{
	if (memory->notes && memory->fd >= 0) {
		munmap(memory->notes, sizeof(*memory->notes));
		close(memory->fd);
	}
	*memory = (struct contacts_memory){ .fd = -1 };
}
