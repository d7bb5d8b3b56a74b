/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base/bpffs in mount and network namespaces of this process's own, with an empty /run: the
 * machine's /run/fwgen is neither seen nor touched. Needs root; says so and skips otherwise.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "abi.h"
#include "base/bpffs.h"

static char error[256];

/* ---- what the tests stand on ---------------------------------------------------------------- */

static unsigned long own_netns(void)
{
	struct stat st;

	assert_int_equal(stat("/proc/self/ns/net", &st), 0);
	return st.st_ino;
}

static int count_mounts(void)
{
	FILE *mounts = fopen("/proc/self/mounts", "r");
	char line[1024];
	int count = 0;

	assert_non_null(mounts);
	while (fgets(line, sizeof(line), mounts))
		count += strstr(line, " " BPFFS_DIR " bpf ") != NULL;
	fclose(mounts);
	return count;
}

static void pin_map(const char *path)
{
	union bpf_attr attr = {
		.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1
	};
	int fd = (int)syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr));

	assert_true(fd >= 0);
	memset(&attr, 0, sizeof(attr));
	attr.pathname = (uintptr_t)path;
	attr.bpf_fd = (unsigned int)fd;
	assert_int_equal(syscall(SYS_bpf, BPF_OBJ_PIN, &attr, sizeof(attr)), 0);
	close(fd);
}

static int make_world(void **state)
{
	(void)state;
	if (unshare(CLONE_NEWNS | CLONE_NEWNET) ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL)) {
		print_error("failed to make namespaces: %s\n", strerror(errno));
		return -1;
	}
	umount2(BPFFS_DIR, MNT_DETACH); /* this machine's own: gone in here only */
	if (mount("tmpfs", "/run", "tmpfs", 0, "mode=0755")) {
		print_error("failed to make namespaces: %s\n", strerror(errno));
		return -1;
	}
	return 0;
}

/* Each test has a network namespace that has never been seen, and no /run/fwgen. */
static int make_netns(void **state)
{
	(void)state;
	return unshare(CLONE_NEWNET);
}

static int clean_run(void **state)
{
	(void)state;
	umount2(BPFFS_DIR, MNT_DETACH);
	return system("rm -rf " FWGEN_RUN_DIR);
}

/* ---- the folder ----------------------------------------------------------------------------- */

static void folder_is_named_after_abi_and_namespace(void **state)
{
	char dir[PATH_MAX], wanted[PATH_MAX];

	(void)state;
	snprintf(wanted, sizeof(wanted), "/run/fwgen/bpf/v%d-%lu", ABI_VERSION, own_netns());
	assert_int_equal(bpffs_dir(dir), 0);
	assert_string_equal(dir, wanted);
	assert_int_equal(access(FWGEN_RUN_DIR, F_OK), -1); /* asking makes nothing */
}

static void open_mounts_once(void **state)
{
	char dir[PATH_MAX], again[PATH_MAX], named[PATH_MAX];
	struct stat st;

	(void)state;
	assert_int_equal(bpffs_open(dir, error), 0);
	assert_int_equal(bpffs_dir(named), 0);
	assert_string_equal(dir, named);
	assert_int_equal(count_mounts(), 1);
	assert_int_equal(stat(dir, &st), 0);
	assert_int_equal(st.st_mode, S_IFDIR | 0700);
	assert_int_equal(stat(BPFFS_DIR, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	strcat(dir, "/map");
	pin_map(dir);
	assert_int_equal(bpffs_open(again, error), 0);
	assert_string_equal(again, named);
	assert_int_equal(count_mounts(), 1);
	assert_int_equal(access(dir, F_OK), 0);
}

static void open_refuses_what_others_may_write(void **state)
{
	char dir[PATH_MAX] = "untouched";

	(void)state;
	assert_int_equal(mkdir(FWGEN_RUN_DIR, 0700), 0);
	assert_int_equal(chmod(FWGEN_RUN_DIR, 0777), 0);
	assert_int_equal(bpffs_open(dir, error), -EPERM);
	assert_non_null(strstr(error, FWGEN_RUN_DIR));
	assert_string_equal(dir, "untouched");
	assert_int_equal(rmdir(FWGEN_RUN_DIR), 0);
	assert_int_equal(symlink("/tmp", FWGEN_RUN_DIR), 0);
	assert_int_equal(bpffs_open(dir, error), -ENOTDIR);
	assert_int_equal(count_mounts(), 0);
}

/* ---- removing ------------------------------------------------------------------------------- */

static void remove_of_nothing(void **state)
{
	(void)state;
	assert_int_equal(bpffs_remove(), 0);
	assert_int_equal(mkdir(FWGEN_RUN_DIR, 0755), 0);
	assert_int_equal(bpffs_remove(), 0);
	assert_int_equal(mkdir(BPFFS_DIR, 0700), 0); /* not mounted: nothing of ours is in it */
	assert_int_equal(bpffs_remove(), 0);
}

static void remove_takes_every_version(void **state)
{
	char dir[PATH_MAX], path[PATH_MAX + 16], other[PATH_MAX];

	(void)state;
	assert_int_equal(bpffs_open(dir, error), 0);
	snprintf(path, sizeof(path), "%s/one", dir);
	pin_map(path);
	snprintf(path, sizeof(path), "%s/two", dir);
	pin_map(path);
	snprintf(path, sizeof(path), "%s/v99-%lu", BPFFS_DIR, own_netns());
	assert_int_equal(mkdir(path, 0700), 0);
	strcat(path, "/eth0");
	assert_int_equal(mkdir(path, 0700), 0);
	strcat(path, "/three");
	pin_map(path);
	/* A neighbour whose number only begins like ours. */
	snprintf(other, sizeof(other), "%s/v%d-%lu1", BPFFS_DIR, ABI_VERSION, own_netns());
	assert_int_equal(mkdir(other, 0700), 0);
	strcat(other, "/four");
	pin_map(other);
	snprintf(path, sizeof(path), "%s/v%d-%lux", BPFFS_DIR, ABI_VERSION, own_netns());
	assert_int_equal(mkdir(path, 0700), 0);

	assert_int_equal(bpffs_remove(), 3);
	assert_int_equal(access(dir, F_OK), -1);
	assert_int_equal(access(other, F_OK), 0);
	assert_int_equal(access(path, F_OK), 0);
	assert_int_equal(count_mounts(), 1);
}

/* Links of another version come over, its maps go, a neighbour's stay. */
static void links_of_other_versions_are_inherited(void **state)
{
	char dir[PATH_MAX], path[PATH_MAX + 16], other[PATH_MAX];

	(void)state;
	assert_int_equal(bpffs_open(dir, error), 0);
	assert_int_equal(bpffs_inherit(dir), 0);
	snprintf(path, sizeof(path), "%s/v99-%lu", BPFFS_DIR, own_netns());
	assert_int_equal(mkdir(path, 0700), 0);
	strcat(path, "/link-2-eth0");
	pin_map(path);
	snprintf(path, sizeof(path), "%s/v99-%lu/blocks", BPFFS_DIR, own_netns());
	pin_map(path);
	snprintf(other, sizeof(other), "%s/v99-%lu1", BPFFS_DIR, own_netns());
	assert_int_equal(mkdir(other, 0700), 0);
	strcat(other, "/link-3-eth0");
	pin_map(other);

	assert_int_equal(bpffs_inherit(dir), 1);
	snprintf(path, sizeof(path), "%s/link-2-eth0", dir);
	assert_int_equal(access(path, F_OK), 0);
	snprintf(path, sizeof(path), "%s/v99-%lu", BPFFS_DIR, own_netns());
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(access(other, F_OK), 0);
}

static void last_one_unmounts(void **state)
{
	char dir[PATH_MAX];

	(void)state;
	assert_int_equal(bpffs_open(dir, error), 0);
	assert_int_equal(bpffs_remove(), 0);
	assert_int_equal(count_mounts(), 0);
	assert_int_equal(access(BPFFS_DIR, F_OK), -1);
	assert_int_equal(bpffs_open(dir, error), 0);
	assert_int_equal(count_mounts(), 1);
}

/* ---- the lock ------------------------------------------------------------------------------- */

/* A process that holds the lock until it is told to end, or is killed. */
struct holder {
	pid_t pid;
	int release;
};

static struct holder start_holder(void)
{
	int ready[2], release[2], status = -1;
	struct holder holder;

	assert_int_equal(pipe(ready), 0);
	assert_int_equal(pipe(release), 0);
	holder.pid = fork();
	if (!holder.pid) {
		int pid = 0, fd = bpffs_lock(&pid);
		char byte;

		close(release[1]);
		if (write(ready[1], &fd, sizeof(fd)) != sizeof(fd) || read(release[0], &byte, 1))
			_exit(1);
		_exit(0);
	}
	assert_int_equal(read(ready[0], &status, sizeof(status)), sizeof(status));
	assert_true(status >= 0);
	close(ready[0]);
	close(ready[1]);
	close(release[0]);
	holder.release = release[1];
	return holder;
}

static void end_holder(struct holder *holder)
{
	close(holder->release);
	assert_int_equal(waitpid(holder->pid, NULL, 0), holder->pid);
}

static void lock_is_taken_once(void **state)
{
	struct holder holder = start_holder();
	int pid = 0, fd;

	(void)state;
	assert_int_equal(bpffs_lock(&pid), -EADDRINUSE);
	assert_int_equal(pid, holder.pid);
	end_holder(&holder);
	pid = 0;
	fd = bpffs_lock(&pid);
	assert_true(fd >= 0);
	assert_int_equal(pid, 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(bpffs_lock(&pid), -EADDRINUSE);
	assert_int_equal(pid, getpid()); /* not the longer-lived text of an earlier holder */
	close(fd);
	fd = bpffs_lock(&pid);
	assert_true(fd >= 0);
	close(fd);
}

/* For people and scripts: the pid, and nothing of who was there before. */
static void lock_file_says_who(void **state)
{
	char path[PATH_MAX], text[64] = "", wanted[64];
	int pid = 0, file, fd;

	(void)state;
	assert_int_equal(mkdir(FWGEN_RUN_DIR, 0755), 0);
	snprintf(path, sizeof(path), "%s/%lu.lock", FWGEN_RUN_DIR, own_netns());
	file = open(path, O_RDWR | O_CREAT, 0600);
	assert_int_equal(write(file, "2147483647\nrest", 15), 15);
	fd = bpffs_lock(&pid);
	assert_true(fd >= 0);
	assert_true(pread(file, text, sizeof(text) - 1, 0) > 0);
	snprintf(wanted, sizeof(wanted), "%d\n", getpid());
	assert_string_equal(text, wanted);
	close(fd);
	close(file);
}

static void killed_holder_frees_the_lock(void **state)
{
	struct holder holder = start_holder();
	int pid = 0, fd;

	(void)state;
	kill(holder.pid, SIGKILL);
	end_holder(&holder);
	fd = bpffs_lock(&pid);
	assert_true(fd >= 0);
	close(fd);
}

static void other_namespace_has_its_own_lock(void **state)
{
	struct holder holder = start_holder();
	int pid = 0, fd;

	(void)state;
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	fd = bpffs_lock(&pid);
	assert_true(fd >= 0);
	close(fd);
	end_holder(&holder);
}

/* A killed daemon's helper has the lock's descriptor for a moment longer than the daemon lives. */
static void heir_of_a_dead_holder_is_waited_for(void **state)
{
	int ready[2], pid = 0, fd;
	pid_t daemon;
	char byte;

	(void)state;
	assert_int_equal(pipe(ready), 0);
	daemon = fork();
	if (!daemon) {
		if (bpffs_lock(&pid) < 0)
			_exit(1);
		if (!fork()) {
			daemon = getppid();
			if (write(ready[1], "x", 1) != 1)
				_exit(1);
			while (getppid() == daemon)
				usleep(1000);
			usleep(300000); /* its last command */
			_exit(0);
		}
		pause();
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	kill(daemon, SIGKILL);
	assert_int_equal(waitpid(daemon, NULL, 0), daemon);
	fd = bpffs_lock(&pid);
	assert_true(fd >= 0);
	close(fd);
	close(ready[0]);
	close(ready[1]);
}

static void file_path(char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%s/%lu.lock", FWGEN_RUN_DIR, own_netns());
}

static void a_clean_end_takes_the_file_along(void **state)
{
	char path[PATH_MAX];
	int pid = 0, fd = bpffs_lock(&pid);

	(void)state;
	file_path(path);
	bpffs_unlock(&fd, false);
	assert_int_equal(fd, -1);
	assert_int_equal(access(path, F_OK), 0);
	fd = bpffs_lock(&pid);
	assert_true(fd >= 0);
	bpffs_unlock(&fd, true);
	assert_int_not_equal(access(path, F_OK), 0);
	bpffs_unlock(&fd, true); /* of nothing: nothing */
}

/* Not the file of somebody who began anew after ours had been removed by hand. */
static void only_our_own_file_is_removed(void **state)
{
	char path[PATH_MAX];
	int pid = 0, old = bpffs_lock(&pid), fd;

	(void)state;
	file_path(path);
	assert_int_equal(unlink(path), 0);
	fd = bpffs_lock(&pid);
	assert_true(fd >= 0);
	bpffs_unlock(&old, true);
	assert_int_equal(access(path, F_OK), 0);
	bpffs_unlock(&fd, true);
}

#define STARTERS 4
#define ROUNDS	 300

/* Takes and removes the lock again and again; a byte in `inside` says that it is held. */
static void start_and_end(volatile int *inside)
{
	for (int round = 0; round < ROUNDS;) {
		int pid = 0, fd = bpffs_lock(&pid);

		if (fd == -EADDRINUSE)
			continue;
		if (fd < 0 || __atomic_add_fetch(inside, 1, __ATOMIC_SEQ_CST) != 1)
			_exit(1);
		sched_yield();
		__atomic_sub_fetch(inside, 1, __ATOMIC_SEQ_CST);
		bpffs_unlock(&fd, true);
		round++;
	}
	_exit(0);
}

/* However they meet, no two hold it: not one the old file and one the new. */
static void two_never_hold_different_files(void **state)
{
	int *inside = mmap(NULL, sizeof(*inside), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status;

	(void)state;
	assert_true(inside != MAP_FAILED);
	for (int i = 0; i < STARTERS; i++) {
		if (!fork())
			start_and_end(inside);
	}
	for (int i = 0; i < STARTERS; i++) {
		assert_true(wait(&status) > 0);
		assert_true(WIFEXITED(status) && !WEXITSTATUS(status));
	}
	munmap(inside, sizeof(*inside));
}

int main(void)
{
#define BPFFS_TEST(name) cmocka_unit_test_setup_teardown(name, make_netns, clean_run)
	const struct CMUnitTest tests[] = {
		BPFFS_TEST(folder_is_named_after_abi_and_namespace),
		BPFFS_TEST(open_mounts_once),
		BPFFS_TEST(open_refuses_what_others_may_write),
		BPFFS_TEST(remove_of_nothing),
		BPFFS_TEST(remove_takes_every_version),
		BPFFS_TEST(links_of_other_versions_are_inherited),
		BPFFS_TEST(last_one_unmounts),
		BPFFS_TEST(lock_is_taken_once),
		BPFFS_TEST(lock_file_says_who),
		BPFFS_TEST(killed_holder_frees_the_lock),
		BPFFS_TEST(other_namespace_has_its_own_lock),
		BPFFS_TEST(heir_of_a_dead_holder_is_waited_for),
		BPFFS_TEST(a_clean_end_takes_the_file_along),
		BPFFS_TEST(only_our_own_file_is_removed),
		BPFFS_TEST(two_never_hold_different_files),
	};

	if (geteuid()) {
		printf("bpffs: skipped, needs root to mount and to make namespaces\n");
		return 0;
	}
	return cmocka_run_group_tests_name("bpffs", tests, make_world, NULL);
}
