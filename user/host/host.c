/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Host facts: puts the readings of rtnetlink, of resolv.conf and of the survey together into the
 * protected list, and decides when to read rtnetlink again. A full reading may take one part in
 * twenty of the time: on a router with a million routes and endless updates it is delayed, on any
 * other box it is done at once. It does not decide what protection means (decide/).
 */
#include "host/host.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include "base/address.h"
#include "base/clock.h"
#include "host/facts.h"
#include "host/netlink.h"
#include "host/resolvers.h"
#include "host/survey.h"

#define READ_SHARE   20
#define READ_WAIT_NS (30 * NS_PER_SECOND) /* the longest delay of a reading that is due */
#define LATER_NS     (30 * NS_PER_SECOND)
#define RETRY_NS     (1 * NS_PER_SECOND)

/* What resolv.conf says, and what the usual local stubs ask in turn. */
static const char *const resolver_files[] = {
	"/etc/resolv.conf",
	"/run/systemd/resolve/resolv.conf",
	"/run/NetworkManager/no-stub-resolv.conf",
	"/run/dnsmasq/resolv.conf",
};

static const struct {
	const char *prefix, *reason;
} always_protected[] = {
	{ "127.0.0.0/8", "loopback" },	      { "::1", "loopback" },
	{ "0.0.0.0", "unspecified address" }, { "::", "unspecified address" },
	{ "169.254.0.0/16", "link-local" },   { "fe80::/10", "link-local" },
	{ "224.0.0.0/4", "multicast" },	      { "ff00::/8", "multicast" },
	{ "255.255.255.255", "broadcast" },
};

struct host {
	int epoll_fd, timer_fd;
	struct mnl_socket *notices;
	struct resolvers *resolvers;
	struct survey *survey;
	struct facts facts;
	int64_t due_ns;	    /* when a reading is wanted, 0: not */
	int64_t allowed_ns; /* none before this */
};

static int watch(const struct host *host, int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	return epoll_ctl(host->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

/* Makes the timer agree with due_ns. */
static int set_timer(const struct host *host)
{
	struct itimerspec spec = {
		.it_value = { .tv_sec = host->due_ns / NS_PER_SECOND,
			      .tv_nsec = host->due_ns % NS_PER_SECOND },
	};

	return timerfd_settime(host->timer_fd, TFD_TIMER_ABSTIME, &spec, NULL) < 0 ? -errno : 0;
}

/* Reads all facts; the old ones stay when that fails. */
static int read_facts(struct host *host, bool *changed)
{
	int64_t start_ns = moment_now().boot_ns, took_ns;
	struct facts facts = { 0 };
	int err = netlink_read(&facts);

	took_ns = moment_now().boot_ns - start_ns;
	host->allowed_ns = start_ns + took_ns;
	host->allowed_ns +=
		took_ns * READ_SHARE > READ_WAIT_NS ? READ_WAIT_NS : took_ns * READ_SHARE;
	if (err)
		return err;
	*changed = *changed || !facts_equal(&host->facts, &facts);
	facts_free(&host->facts);
	host->facts = facts;
	return 0;
}

/* Subscribes before it reads, so that no change is missed in between. */
static int start(struct host *host, const char **doing)
{
	bool changed = false;
	int err;

	*doing = "make the descriptors to watch this host";
	host->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (host->epoll_fd < 0)
		return -errno;
	host->timer_fd = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
	if (host->timer_fd < 0)
		return -errno;
	*doing = "subscribe to changes of addresses and routes";
	err = netlink_subscribe(&host->notices);
	if (err)
		return err;
	*doing = "watch resolv.conf";
	err = resolvers_open(resolver_files, sizeof(resolver_files) / sizeof(resolver_files[0]),
			     &host->resolvers);
	if (err)
		return err;
	*doing = "read addresses and routes over rtnetlink";
	err = read_facts(host, &changed);
	if (err)
		return err;
	*doing = "read sessions and sockets";
	err = survey_open(&host->survey);
	if (err)
		return err;
	*doing = "watch for changes of this host";
	err = watch(host, host->timer_fd);
	if (!err)
		err = watch(host, mnl_socket_get_fd(host->notices));
	if (!err)
		err = watch(host, resolvers_fd(host->resolvers));
	if (!err)
		err = watch(host, survey_fd(host->survey));
	return err;
}

int host_open(struct host **out, char error[256])
{
	struct host *host = calloc(1, sizeof(*host));
	const char *doing = "watch this host";
	int err = -ENOMEM;

	if (host) {
		host->epoll_fd = host->timer_fd = -1;
		err = start(host, &doing);
	}
	if (err) {
		snprintf(error, 256, "failed to %s: %s", doing, strerror(-err));
		host_close(&host);
		return err;
	}
	*out = host;
	return 0;
}

void host_close(struct host **pointer)
{
	struct host *host = *pointer;

	if (!host)
		return;
	survey_close(&host->survey);
	if (host->notices)
		mnl_socket_close(host->notices);
	resolvers_close(&host->resolvers);
	if (host->timer_fd >= 0)
		close(host->timer_fd);
	if (host->epoll_fd >= 0)
		close(host->epoll_fd);
	facts_free(&host->facts);
	free(host);
	*pointer = NULL;
}

int host_start(struct host *host)
{
	return survey_start(host->survey);
}

int host_fd(const struct host *host)
{
	return host->epoll_fd;
}

/* Moves the wanted reading to at_ns unless it is wanted sooner. */
static void want_reading(struct host *host, int64_t at_ns)
{
	if (!host->due_ns || at_ns < host->due_ns)
		host->due_ns = at_ns;
}

static void take_notices(struct host *host, int64_t now_ns)
{
	switch (netlink_notices(host->notices, &host->facts)) {
	case NOTICE_NOW:
		want_reading(host, now_ns > host->allowed_ns ? now_ns : host->allowed_ns);
		break;
	case NOTICE_LATER:
		want_reading(host, now_ns + LATER_NS);
		break;
	case NOTICE_NONE:
		break;
	}
}

int host_refresh(struct host *host, bool *changed)
{
	int64_t now_ns = moment_now().boot_ns;
	bool differs = resolvers_refresh(host->resolvers);
	int err = 0, timer_err;

	differs |= survey_changed(host->survey);
	take_notices(host, now_ns);
	if (host->due_ns && host->due_ns <= now_ns) {
		host->due_ns = 0;
		err = read_facts(host, &differs);
		if (err)
			host->due_ns = now_ns + RETRY_NS;
	}
	/* Also stops the timer, which is readable once it went off. */
	timer_err = set_timer(host);
	*changed = differs;
	return err ? err : timer_err;
}

int host_protected(const struct host *host, struct protected_list *out)
{
	const struct address_set *resolvers = resolvers_get(host->resolvers);
	int err = 0;

	for (size_t i = 0; !err && i < sizeof(always_protected) / sizeof(always_protected[0]);
	     i++) {
		struct prefix prefix;

		err = prefix_parse(always_protected[i].prefix, &prefix);
		if (!err)
			err = protected_list_add(out, &prefix, always_protected[i].reason);
	}
	if (!err)
		err = facts_protect(&host->facts, out);
	for (size_t i = 0; !err && i < resolvers->count; i++) {
		struct prefix prefix = prefix_of(&resolvers->addresses[i]);

		err = protected_list_add(out, &prefix, "resolver");
	}
	return err ? err : survey_protect(host->survey, out);
}

int host_default_interface(const struct host *host, char name[IF_NAMESIZE])
{
	const struct default_route *routes[] = { &host->facts.default4, &host->facts.default6 };

	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		const char *found = facts_link_name(&host->facts, routes[i]->link);

		if (found) {
			snprintf(name, IF_NAMESIZE, "%s", found);
			return 0;
		}
	}
	return -ENOENT;
}
