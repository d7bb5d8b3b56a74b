/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fwgen's own BPF file system, /run/fwgen/bpf, where links and maps stay when the daemon dies. One
 * folder per network namespace and ABI version, since the mount is seen by all of them.
 */
#ifndef FWGEN_BPFFS_H
#define FWGEN_BPFFS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#define FWGEN_RUN_DIR "/run/fwgen"
#define BPFFS_DIR     FWGEN_RUN_DIR "/bpf"

/* Mounts the file system where it is not and makes this namespace's folder. 0, or -errno with a
 * text. */
int bpffs_open(char dir[PATH_MAX], char error[256]);
/* The folder's name, whether it exists or not. Returns 0 or -errno. */
int bpffs_dir(char dir[PATH_MAX]);
/*
 * Takes over what runs of other ABI versions have left: their links come into the folder of
 * bpffs_open, so that another program can be put on them without a gap; their maps, which no other
 * version can read, lose their pins. Under the lock. Returns how many links, or -errno.
 */
int bpffs_inherit(const char *dir);
/* Detaches the links (pins named link-*) and removes all pins in this namespace's folder (of every
 * ABI version) and the folder. Number of pins, or -errno. */
int bpffs_remove(void);
/*
 * One daemon per network namespace: takes the lock file in FWGEN_RUN_DIR, held until close or
 * death. Returns the descriptor, -EADDRINUSE with the holder's pid in *pid, or another -errno.
 */
int bpffs_lock(int *pid);
/* Lets go of it. remove: nothing of ours is left in this namespace, so its file goes too. */
void bpffs_unlock(int *fd, bool remove);

#endif
