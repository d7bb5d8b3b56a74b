// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Making and adopting the maps that all interfaces share. All of them are adopted or none: a set of
 * pins that is incomplete or of another shape is removed and begun anew.
 */
#include "enforce/dropmap_maps.h"
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>
#include "base/log.h"

#define MAPS 6

struct shape {
	const char *name;
	enum bpf_map_type type;
	uint32_t key_size, value_size, entries, flags;
};

static void shapes(unsigned int max_blocks, struct shape out[MAPS])
{
	const struct shape table[MAPS] = {
		{ "blocks", BPF_MAP_TYPE_HASH, sizeof(struct block_key), sizeof(struct block),
		  max_blocks, BPF_F_NO_PREALLOC },
		{ "block_hits", BPF_MAP_TYPE_PERCPU_ARRAY, 4, sizeof(struct block_hits), max_blocks,
		  0 },
		{ "filters", BPF_MAP_TYPE_ARRAY, 4, sizeof(struct filter_line), FILTER_LINES,
		  BPF_F_MMAPABLE },
		{ "protected_set", BPF_MAP_TYPE_LPM_TRIE, sizeof(struct protected_key), 1,
		  PROTECTED_MAX, BPF_F_NO_PREALLOC },
		{ "captured", BPF_MAP_TYPE_PERF_EVENT_ARRAY, 4, 4, libbpf_num_possible_cpus(), 0 },
		{ "verdict_control", BPF_MAP_TYPE_ARRAY, 4, sizeof(struct verdict_control), 1,
		  BPF_F_MMAPABLE },
	};

	memcpy(out, table, sizeof(table));
}

static int *fd_of(struct verdict_maps *fds, int i)
{
	int *all[MAPS] = { &fds->blocks,	&fds->block_hits, &fds->filters,
			   &fds->protected_set, &fds->captured,	  &fds->verdict_control };

	return all[i];
}

static int pin_path(const struct dropmap_maps *maps, const char *name, char path[PATH_MAX])
{
	return snprintf(path, PATH_MAX, "%s/%s", maps->pin_dir, name) < PATH_MAX ? 0
										 : -ENAMETOOLONG;
}

static void close_fds(struct dropmap_maps *maps)
{
	for (int i = 0; i < MAPS; i++) {
		int *fd = fd_of(&maps->fds, i);

		if (*fd >= 0)
			close(*fd);
		*fd = -1;
	}
}

static void unpin(struct dropmap_maps *maps)
{
	struct shape shape[MAPS];
	char path[PATH_MAX];

	shapes(maps->max_blocks, shape);
	for (int i = 0; i < MAPS; i++)
		if (!pin_path(maps, shape[i].name, path))
			unlink(path);
}

static bool has_shape(int fd, const struct shape *shape)
{
	struct bpf_map_info info = { 0 };
	__u32 len = sizeof(info);

	return !bpf_obj_get_info_by_fd(fd, &info, &len) && info.type == shape->type &&
	       info.key_size == shape->key_size && info.value_size == shape->value_size &&
	       info.max_entries == shape->entries && info.map_flags == shape->flags;
}

static bool adopt(struct dropmap_maps *maps)
{
	struct shape shape[MAPS];
	char path[PATH_MAX];

	if (!maps->pin_dir[0])
		return false;
	shapes(maps->max_blocks, shape);
	for (int i = 0; i < MAPS; i++) {
		int *fd = fd_of(&maps->fds, i);

		if (!pin_path(maps, shape[i].name, path))
			*fd = bpf_obj_get(path);
		if (*fd < 0 || !has_shape(*fd, &shape[i])) {
			close_fds(maps);
			unpin(maps);
			return false;
		}
	}
	return true;
}

static int create(struct dropmap_maps *maps, char error[512])
{
	struct shape shape[MAPS];
	char path[PATH_MAX];

	shapes(maps->max_blocks, shape);
	for (int i = 0; i < MAPS; i++) {
		LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = shape[i].flags);
		int *fd = fd_of(&maps->fds, i);

		*fd = bpf_map_create(shape[i].type, shape[i].name, shape[i].key_size,
				     shape[i].value_size, shape[i].entries, &options);
		if (*fd < 0) {
			int err = -errno;

			snprintf(error, 512, "failed to create BPF map %s: %s%s", shape[i].name,
				 strerror(-err),
				 err == -EPERM ? "; it needs root (CAP_BPF, CAP_NET_ADMIN)" : "");
			return err;
		}
		if (!maps->pin_dir[0])
			continue;
		if (pin_path(maps, shape[i].name, path) || bpf_obj_pin(*fd, path)) {
			log_warning(
				"failed to pin BPF map %s in %s: %m; blocks end with this process",
				shape[i].name, maps->pin_dir);
			unpin(maps);
			maps->pin_dir[0] = '\0';
		}
	}
	return 0;
}

static int map_memory(struct dropmap_maps *maps)
{
	void *at = mmap(NULL, FILTER_LINES * sizeof(struct filter_line), PROT_READ | PROT_WRITE,
			MAP_SHARED, maps->fds.filters, 0);

	if (at == MAP_FAILED)
		return -errno;
	maps->lines = at;
	at = mmap(NULL, sizeof(struct verdict_control), PROT_READ | PROT_WRITE, MAP_SHARED,
		  maps->fds.verdict_control, 0);
	if (at == MAP_FAILED)
		return -errno;
	maps->control = at;
	return 0;
}

/* The filter's key stays with the filter: adopted maps keep theirs. */
static int new_filter_key(struct verdict_control *control)
{
	if (getrandom(&control->filter_key, sizeof(control->filter_key), 0) !=
	    sizeof(control->filter_key))
		return -EIO;
	control->filter_key.finish |= 1;
	return 0;
}

int dropmap_maps_open(struct dropmap_maps *maps, const char *pin_dir, unsigned int max_blocks,
		      char error[512])
{
	int err = 0;

	*maps = (struct dropmap_maps){ .fds = { -1, -1, -1, -1, -1, -1 },
				       .max_blocks = max_blocks };
	snprintf(maps->pin_dir, sizeof(maps->pin_dir), "%s", pin_dir ? pin_dir : "");
	maps->adopted = adopt(maps);
	if (!maps->adopted)
		err = create(maps, error);
	if (!err) {
		err = map_memory(maps);
		if (!err && !maps->adopted)
			err = new_filter_key(maps->control);
		if (err)
			snprintf(error, 512, "failed to map the drop map: %s", strerror(-err));
	}
	if (err)
		dropmap_maps_close(maps, false);
	return err;
}

void dropmap_maps_close(struct dropmap_maps *maps, bool keep)
{
	if (!keep && maps->pin_dir[0])
		unpin(maps);
	if (maps->lines)
		munmap(maps->lines, FILTER_LINES * sizeof(struct filter_line));
	if (maps->control)
		munmap(maps->control, sizeof(struct verdict_control));
	maps->lines = NULL;
	maps->control = NULL;
	close_fds(maps);
}
