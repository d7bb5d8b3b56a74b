/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The folder that pins live in, and the lock that keeps a second daemon out of a network namespace.
 * What is pinned there, and under which names, is for sense/ and enforce/ to know.
 */
#include "base/bpffs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>
#include "abi.h"
#include "base/clock.h"

/* The namespace of the calling thread; its inode is its name as long as it exists. */
static int netns_inode(unsigned long *inode)
{
	struct stat st;

	if (stat("/proc/thread-self/ns/net", &st))
		return -errno;
	*inode = st.st_ino;
	return 0;
}

static int make_dir(const char *path, mode_t mode)
{
	struct stat st;

	if (!mkdir(path, mode))
		return 0;
	if (errno != EEXIST)
		return -errno;
	if (lstat(path, &st))
		return -errno;
	/* Pins and the lock are as safe as the folder: not a link, not somebody else's. */
	if (!S_ISDIR(st.st_mode))
		return -ENOTDIR;
	return st.st_uid == geteuid() && !(st.st_mode & (S_IWGRP | S_IWOTH)) ? 0 : -EPERM;
}

/* Whoever mounts, unmounts or adds a namespace's folder holds this. Returns a descriptor. */
static int lock_run_dir(void)
{
	int fd = open(FWGEN_RUN_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int result;

	if (fd < 0)
		return -errno;
	while (flock(fd, LOCK_EX)) {
		if (errno == EINTR)
			continue;
		result = -errno;
		close(fd);
		return result;
	}
	return fd;
}

static bool is_mounted(void)
{
	struct statfs fs;

	return !statfs(BPFFS_DIR, &fs) && (unsigned long)fs.f_type == BPF_FS_MAGIC;
}

int bpffs_dir(char dir[PATH_MAX])
{
	unsigned long inode = 0;
	int result = netns_inode(&inode);

	if (!result)
		snprintf(dir, PATH_MAX, "%s/v%d-%lu", BPFFS_DIR, ABI_VERSION, inode);
	return result;
}

static int fail(char error[256], const char *what, const char *path, int result)
{
	snprintf(error, 256, "failed to %s %.160s: %s", what, path, strerror(-result));
	return result;
}

static int mount_bpffs(char error[256])
{
	int result = make_dir(BPFFS_DIR, 0700);

	if (result)
		return fail(error, "make", BPFFS_DIR, result);
	if (is_mounted())
		return 0;
	if (mount("bpf", BPFFS_DIR, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700"))
		return fail(error, "mount a BPF file system on", BPFFS_DIR, -errno);
	return 0;
}

int bpffs_open(char dir[PATH_MAX], char error[256])
{
	char name[PATH_MAX];
	int result = bpffs_dir(name), lock;

	if (result)
		return fail(error, "read", "/proc/thread-self/ns/net", result);
	result = make_dir(FWGEN_RUN_DIR, 0755);
	if (result)
		return fail(error, "make", FWGEN_RUN_DIR, result);
	lock = lock_run_dir();
	if (lock < 0)
		return fail(error, "lock", FWGEN_RUN_DIR, lock);
	result = mount_bpffs(error);
	if (!result) {
		result = make_dir(name, 0700);
		if (result)
			fail(error, "make", name, result);
	}
	close(lock);
	if (!result)
		memcpy(dir, name, sizeof(name));
	return result;
}

/* ---- removing ------------------------------------------------------------------------------ */

/*
 * Detaches a pinned link. Its last reference going away does the same, but later, on a kernel
 * worker, and packets are dropped until then. (The bare system call: base/ has no libbpf.)
 */
static void detach_link(int dir_fd, const char *name)
{
	char path[64 + 256];
	union bpf_attr attr = { .pathname = (uintptr_t)path };
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", dir_fd, name);
	fd = syscall(__NR_bpf, BPF_OBJ_GET, &attr, sizeof(attr));
	if (fd < 0)
		return;
	memset(&attr, 0, sizeof(attr));
	attr.link_detach.link_fd = fd;
	syscall(__NR_bpf, BPF_LINK_DETACH, &attr, sizeof(attr)); /* a map's pin: EINVAL */
	close(fd);
}

/* Everything in the folder, folders too. Takes fd. Returns the number of pins, or -errno. */
static int empty_dir(int fd)
{
	DIR *dir = fdopendir(fd);
	int pins = 0, result = 0;
	struct dirent *entry;

	if (!dir) {
		result = -errno;
		close(fd);
		return result;
	}
	while (result >= 0 && (entry = readdir(dir))) {
		bool is_dir = entry->d_type == DT_DIR;

		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		if (is_dir) {
			int sub = openat(fd, entry->d_name,
					 O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

			result = sub < 0 ? -errno : empty_dir(sub);
			pins += result > 0 ? result : 0;
		}
		if (!strncmp(entry->d_name, "link-", 5))
			detach_link(fd, entry->d_name);
		if (result >= 0 && unlinkat(fd, entry->d_name, is_dir ? AT_REMOVEDIR : 0))
			result = -errno;
		pins += !is_dir && result >= 0;
	}
	closedir(dir);
	return result < 0 ? result : pins;
}

static bool is_of_namespace(const char *name, unsigned long inode)
{
	unsigned int version;
	unsigned long of;
	int used = 0;

	return sscanf(name, "v%u-%lu%n", &version, &of, &used) == 2 && !name[used] && of == inode;
}

/*
 * Takes fd, the file system's root. *others: other namespaces have folders in it. (The
 * files that are there are the kernel's own, maps.debug and progs.debug.)
 */
static int remove_folders(int fd, unsigned long inode, bool *others)
{
	DIR *root = fdopendir(fd);
	int pins = 0, result = 0;
	struct dirent *entry;

	if (!root) {
		result = -errno;
		close(fd);
		return result;
	}
	while (result >= 0 && (entry = readdir(root))) {
		int dir;

		if (!is_of_namespace(entry->d_name, inode)) {
			*others |= entry->d_type == DT_DIR && entry->d_name[0] != '.';
			continue;
		}
		dir = openat(fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		result = dir < 0 ? -errno : empty_dir(dir);
		pins += result > 0 ? result : 0;
		if (result >= 0 && unlinkat(fd, entry->d_name, AT_REMOVEDIR))
			result = -errno;
	}
	closedir(root);
	return result < 0 ? result : pins;
}

static int remove_pins(unsigned long inode)
{
	int root = open(BPFFS_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool others = false;
	int result;

	if (root < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!is_mounted()) {
		close(root);
		return 0;
	}
	result = remove_folders(root, inode, &others);
	if (result < 0 || others)
		return result;
	/* Nobody's any more. It may stay when it is in use or mounted from elsewhere: it is empty.
	 */
	if (!umount2(BPFFS_DIR, UMOUNT_NOFOLLOW) && rmdir(BPFFS_DIR))
		return -errno;
	return result;
}

int bpffs_remove(void)
{
	unsigned long inode = 0;
	int result = netns_inode(&inode), lock;

	if (result)
		return result;
	lock = lock_run_dir();
	if (lock < 0)
		return lock == -ENOENT ? 0 : lock;
	result = remove_pins(inode);
	close(lock);
	return result;
}

/* ---- the lock ------------------------------------------------------------------------------ */

#define DEAD_HOLDER_WAIT_NS (5 * NS_PER_SECOND)
#define LIVE_HOLDER_WAIT_NS (500 * NS_PER_MS)
#define RETRY_NS	    (20 * NS_PER_MS)

/* 0 when the file does not say. */
static int read_pid(int fd)
{
	char text[16] = "";

	return pread(fd, text, sizeof(text) - 1, 0) > 0 ? atoi(text) : 0;
}

static int write_pid(int fd)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%d\n", getpid());

	if (ftruncate(fd, 0) || pwrite(fd, text, (size_t)len, 0) != len)
		return errno ? -errno : -EIO;
	return 0;
}

/*
 * A child of a killed daemon (the enforcer helper) shares the lock until it notices and ends: it is
 * waited for, so that a restart neither fails for it nor runs beside it.
 */
static int take(int fd, int *pid)
{
	const struct timespec retry = { .tv_nsec = RETRY_NS };
	int64_t start = moment_now().boot_ns;

	while (flock(fd, LOCK_EX | LOCK_NB)) {
		bool lives;
		int holder;

		if (errno == EINTR)
			continue;
		if (errno != EWOULDBLOCK)
			return -errno;
		holder = read_pid(fd);
		/* one that was just killed is there until it is reaped: nobody is refused in a
		 * hurry */
		lives = !holder || !kill(holder, 0) || errno != ESRCH;
		if (moment_now().boot_ns >=
		    start + (lives ? LIVE_HOLDER_WAIT_NS : DEAD_HOLDER_WAIT_NS)) {
			*pid = holder;
			return -EADDRINUSE;
		}
		nanosleep(&retry, NULL);
	}
	return 0;
}

static int lock_path(char path[PATH_MAX])
{
	unsigned long inode = 0;
	int result = netns_inode(&inode);

	if (!result)
		snprintf(path, PATH_MAX, "%s/%lu.lock", FWGEN_RUN_DIR, inode);
	return result;
}

/* Whether the file is still the one that others find: an earlier holder may have removed it. */
static bool is_linked(int fd, const char *path)
{
	struct stat ours, found;

	return !fstat(fd, &ours) && !lstat(path, &found) && ours.st_ino == found.st_ino &&
	       ours.st_dev == found.st_dev;
}

/* Returns the descriptor, -ESTALE when the file was removed meanwhile, or another -errno. */
static int lock_file(const char *path, int *pid)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600), result;

	if (fd < 0)
		return -errno;
	result = take(fd, pid);
	if (!result && !is_linked(fd, path))
		result = -ESTALE;
	if (!result)
		result = write_pid(fd);
	if (result) {
		close(fd);
		return result;
	}
	return fd;
}

int bpffs_lock(int *pid)
{
	char path[PATH_MAX];
	int result = lock_path(path);

	if (!result)
		result = make_dir(FWGEN_RUN_DIR, 0755);
	if (result)
		return result;
	do
		result = lock_file(path, pid);
	while (result == -ESTALE);
	return result;
}

void bpffs_unlock(int *fd, bool remove)
{
	char path[PATH_MAX];

	if (*fd < 0)
		return;
	/* while it is held: who waits for it sees that it has the file of nobody */
	if (remove && !lock_path(path) && is_linked(*fd, path))
		unlink(path);
	close(*fd);
	*fd = -1;
}
