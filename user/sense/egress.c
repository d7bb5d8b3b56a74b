// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * tc with libbpf 1.1, which has no links for it: a filter outlives its maker, so that whoever comes
 * next has to find it. Nothing is remembered outside of the kernel.
 */
#include "sense/egress.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include "base/log.h"
#include "sense/attach.h"
#include "sense/clsact.h"
#include "sense/program.h"

static struct bpf_tc_hook hook_of(int ifindex, enum bpf_tc_attach_point point)
{
	return (struct bpf_tc_hook){ .sz = sizeof(struct bpf_tc_hook),
				     .ifindex = ifindex,
				     .attach_point = point };
}

/* The id of the program of the filter in this place, or 0. */
static uint32_t program_at(int ifindex, uint32_t handle)
{
	struct bpf_tc_hook hook = hook_of(ifindex, BPF_TC_EGRESS);
	LIBBPF_OPTS(bpf_tc_opts, options, .handle = handle, .priority = EGRESS_PRIORITY);

	return bpf_tc_query(&hook, &options) ? 0 : options.prog_id;
}

/* Whether any run's filter is there. Asking for a program's name takes CAP_SYS_ADMIN. */
static bool ours_at(int ifindex, uint32_t handle)
{
	uint32_t id = program_at(ifindex, handle);
	char name[BPF_OBJ_NAME_LEN];

	if (!id)
		return false;
	attach_program_name(id, name);
	return !strcmp(name, EGRESS_PROGRAM);
}

/* The handle of our filter, 0 when there is none. */
static uint32_t find(int ifindex)
{
	if (ours_at(ifindex, EGRESS_HANDLE))
		return EGRESS_HANDLE;
	return ours_at(ifindex, EGRESS_HANDLE_MADE) ? EGRESS_HANDLE_MADE : 0;
}

static int destroy_clsact(int ifindex)
{
	struct bpf_tc_hook hook = hook_of(ifindex, BPF_TC_INGRESS | BPF_TC_EGRESS);

	return bpf_tc_hook_destroy(&hook);
}

static void explain(struct egress *egress, int err)
{
	const char *why = strerror(-err);

	if (err == -EBUSY)
		why = "it has an ingress discipline, which excludes clsact";
	else if (err == -ENOENT || err == -EOPNOTSUPP)
		why = "the kernel has no clsact or no BPF classifier";
	else if (err == -EINVAL)
		why = "another tc filter has priority 1 there";
	else if (err == -EEXIST)
		why = "another tc filter has the place of fwgen's";
	snprintf(egress->reason, sizeof(egress->reason), "failed to attach to its egress: %s", why);
}

/*
 * The handle for a new filter, after making sure of a clsact; one that we made a moment ago is
 * still ours, though the filter that said so was removed. Returns 0 or -errno.
 */
static int prepare(int ifindex, bool made, uint32_t *handle)
{
	struct bpf_tc_hook hook = hook_of(ifindex, BPF_TC_EGRESS);
	int there = clsact_find(ifindex);

	*handle = there == CLSACT_NONE || made ? EGRESS_HANDLE_MADE : EGRESS_HANDLE;
	if (there < 0)
		return there;
	if (there == CLSACT_OTHER)
		return -EBUSY; /* it would take the filter, and show it what comes in */
	return there == CLSACT_THERE ? 0 : bpf_tc_hook_create(&hook);
}

int egress_attach(struct egress *egress, int ifindex, int prog_fd)
{
	struct bpf_tc_hook hook = hook_of(ifindex, BPF_TC_EGRESS);
	uint32_t handle = find(ifindex);
	LIBBPF_OPTS(bpf_tc_opts, options, .handle = handle, .priority = EGRESS_PRIORITY,
		    .prog_fd = prog_fd, .flags = handle ? BPF_TC_F_REPLACE : 0);
	bool made = egress->ifindex == ifindex && egress->handle == EGRESS_HANDLE_MADE;
	int err = 0;

	*egress = (struct egress){ 0 };
	if (!handle) {
		err = prepare(ifindex, made, &handle);
		options.handle = handle;
	}
	if (!err) {
		err = bpf_tc_attach(&hook, &options);
		if (err && handle == EGRESS_HANDLE_MADE && clsact_is_empty(ifindex))
			destroy_clsact(ifindex);
	}
	if (err) {
		explain(egress, err);
		return err;
	}
	egress->ifindex = ifindex;
	egress->handle = handle;
	egress->prog_id = options.prog_id;
	return 0;
}

bool egress_holds(const struct egress *egress)
{
	return egress->ifindex && program_at(egress->ifindex, egress->handle) == egress->prog_id;
}

/* Returns 0 or -errno; an interface that has just gone took its filter along. */
static int detach(int ifindex, uint32_t handle)
{
	struct bpf_tc_hook hook = hook_of(ifindex, BPF_TC_EGRESS);
	LIBBPF_OPTS(bpf_tc_opts, options, .handle = handle, .priority = EGRESS_PRIORITY);
	int err = bpf_tc_detach(&hook, &options);

	if (!err && handle == EGRESS_HANDLE_MADE && clsact_is_empty(ifindex))
		err = destroy_clsact(ifindex);
	return err == -ENODEV || err == -ENOENT ? 0 : err;
}

static int release(int ifindex, uint32_t handle)
{
	char name[IF_NAMESIZE] = "?";
	int err = detach(ifindex, handle);

	if (!err)
		return 1;
	if_indextoname((unsigned int)ifindex, name);
	log_warning("failed to take the tc filter off the egress of %s: %s", name, strerror(-err));
	return err;
}

int egress_release(int ifindex)
{
	uint32_t handle;

	program_quiet();
	handle = ifindex ? find(ifindex) : 0;
	return handle ? release(ifindex, handle) : 0;
}

void egress_close(struct egress *egress, bool keep)
{
	if (!keep && egress_holds(egress))
		release(egress->ifindex, egress->handle);
	else if (!keep) /* another run's, if somebody was here */
		egress_release(egress->ifindex);
	*egress = (struct egress){ 0 };
}

static bool is_among(const char *name, const char *const *names, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		if (!strcmp(names[i], name))
			return true;
	}
	return false;
}

int egress_release_others(const char *const *names, unsigned int count)
{
	struct if_nameindex *interfaces = if_nameindex();
	int released = 0, first = interfaces ? 0 : -errno;

	for (struct if_nameindex *at = interfaces; at && at->if_index; at++) {
		int result =
			is_among(at->if_name, names, count) ? 0 : egress_release((int)at->if_index);

		if (result > 0)
			released += result;
		else if (!first)
			first = result;
	}
	if_freenameindex(interfaces);
	return first ? first : released;
}
