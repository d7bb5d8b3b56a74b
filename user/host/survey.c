/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The thread, and the list of what a reading consists of. What a source finds is its own file's
 * business; how long it stays, the roster's. A source that cannot be read adds nothing: most boxes
 * have only some of them.
 */
#include "host/survey.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "base/log.h"
#include "host/ipsec.h"
#include "host/lease.h"
#include "host/logind.h"
#include "host/ntp.h"
#include "host/roster.h"
#include "host/socket_peers.h"
#include "host/text.h"
#include "host/vrrp.h"
#include "host/wireguard.h"

#define READ_SHARE     20
#define READ_EVERY_MS  1500
#define READ_LATEST_MS 30000

struct survey {
	struct roster roster; /* the thread's, once it runs */
	bool full[ROSTER_SOURCES], blind;
	pthread_t thread;
	bool running;
	int changed_fd, end_fd;
	pthread_mutex_t lock;
	struct protected_list found; /* under the lock */
};

/* ---- the sources ----------------------------------------------------------------------------- */

/* A file, or every file in a folder whose name begins and ends so. */
struct place {
	const char *path, *prefix, *suffix; /* prefix NULL: path is the file */
	text_line_fn take;
};

static const struct place time_files[] = {
	{ "/etc/chrony/chrony.conf", NULL, NULL, ntp_line },
	{ "/etc/chrony.conf", NULL, NULL, ntp_line },
	{ "/etc/chrony/conf.d", "", ".conf", ntp_line },
	{ "/etc/chrony/sources.d", "", ".sources", ntp_line },
	{ "/run/chrony-dhcp", "", ".sources", ntp_line },
	{ "/etc/ntp.conf", NULL, NULL, ntp_line },
	{ "/etc/ntpsec/ntp.conf", NULL, NULL, ntp_line },
	{ "/etc/ntpsec/ntp.d", "", ".conf", ntp_line },
	{ "/etc/systemd/timesyncd.conf", NULL, NULL, ntp_timesyncd_line },
	{ "/etc/systemd/timesyncd.conf.d", "", ".conf", ntp_timesyncd_line },
	{ "/run/systemd/timesyncd.conf.d", "", ".conf", ntp_timesyncd_line },
	{ "/usr/lib/systemd/timesyncd.conf.d", "", ".conf", ntp_timesyncd_line },
};

static const struct place lease_files[] = {
	{ "/var/lib/dhcp", "dhclient", ".leases", lease_dhclient_line },
	{ "/var/lib/dhclient", "dhclient", ".leases", lease_dhclient_line },
	{ "/var/lib/NetworkManager", "dhclient-", ".lease", lease_dhclient_line },
	{ "/var/lib/NetworkManager", "internal-", ".lease", lease_networkd_line },
	{ "/run/systemd/netif/leases", "", "", lease_networkd_line },
};

static void see_all(struct roster *roster, enum roster_source source, const struct address_set *set,
		    const char *reason)
{
	for (size_t i = 0; i < set->count; i++)
		roster_see(roster, source, &set->addresses[i], 0, reason);
}

struct reading {
	text_line_fn take;
	struct address_set set;
};

static void read_file(void *context, const char *path)
{
	struct reading *reading = context;

	text_read(path, reading->take, &reading->set);
}

static void read_files(struct roster *roster, enum roster_source source, const struct place *places,
		       size_t n, const char *reason)
{
	struct reading reading = { 0 };

	for (size_t i = 0; i < n; i++) {
		reading.take = places[i].take;
		if (places[i].prefix)
			text_each_file(places[i].path, places[i].prefix, places[i].suffix,
				       read_file, &reading);
		else
			read_file(&reading, places[i].path);
	}
	see_all(roster, source, &reading.set, reason);
}

static void read_session(void *roster, const char *path)
{
	struct logind_session session = { 0 };
	struct address address;
	char reason[64];

	text_read(path, logind_line, &session);
	if (logind_remote(&session, &address, reason))
		roster_see(roster, ROSTER_SSH, &address, 0, reason);
}

static void read_vrrp(struct roster *roster)
{
	struct vrrp_file file = { 0 };

	text_read("/etc/keepalived/keepalived.conf", vrrp_line, &file);
	see_all(roster, ROSTER_ROUTING, &file.peers, "VRRP neighbour");
}

static void see_wireguard(void *roster, const struct address *endpoint, const char *interface)
{
	char reason[64];

	snprintf(reason, sizeof(reason), "WireGuard peer on %s", interface);
	roster_see(roster, ROSTER_VPN, endpoint, 0, reason);
}

static void read_ipsec(struct roster *roster)
{
	struct address_set set = { 0 };

	ipsec_read(&set);
	see_all(roster, ROSTER_VPN, &set, "IPsec peer");
}

/* ---- a reading ------------------------------------------------------------------------------- */

/* Told when it begins, not at every reading. */
static void tell(struct survey *survey, int socket_error)
{
	bool blind = socket_error && socket_error != -ENOENT;

	if (blind && !survey->blind)
		log_warning("failed to read this host's sockets: %s: whose login sessions they are"
			    " is known from systemd-logind only",
			    strerror(-socket_error));
	survey->blind = blind;
	for (int i = 0; i < ROSTER_SOURCES; i++) {
		bool full = survey->roster.refused[i];

		if (full && !survey->full[i])
			log_warning("more than %d %s: only so many are protected",
				    ROSTER_SOURCE_MAX, roster_source_name(i));
		survey->full[i] = full;
	}
}

static void publish(struct survey *survey)
{
	struct protected_list found = { 0 };
	uint64_t one = 1;

	if (roster_protect(&survey->roster, &found)) {
		protected_list_free(&found);
		log_error("failed to protect who this host talks to: %s", strerror(ENOMEM));
		return;
	}
	pthread_mutex_lock(&survey->lock);
	protected_list_free(&survey->found);
	survey->found = found;
	pthread_mutex_unlock(&survey->lock);
	(void)!write(survey->changed_fd, &one, sizeof(one)); /* full: readable as it is */
}

static void read_all(struct survey *survey)
{
	struct roster *roster = &survey->roster;
	int err;

	roster_begin(roster, moment_now().boot_ns);
	err = socket_peers_read(roster);
	text_each_file("/run/systemd/sessions", "", "", read_session, roster);
	read_files(roster, ROSTER_TIME, time_files, sizeof(time_files) / sizeof(time_files[0]),
		   "NTP server");
	read_files(roster, ROSTER_LEASE, lease_files, sizeof(lease_files) / sizeof(lease_files[0]),
		   "DHCP server");
	read_vrrp(roster);
	read_ipsec(roster);
	wireguard_read(see_wireguard, roster);
	if (roster_end(roster))
		publish(survey);
	tell(survey, err);
}

/* ---- the thread ------------------------------------------------------------------------------ */

/* How long to wait after a reading that took so long. */
static int pause_ms(int64_t took_ns)
{
	int64_t ms = took_ns * READ_SHARE / NS_PER_MS;

	return ms < READ_EVERY_MS ? READ_EVERY_MS : ms > READ_LATEST_MS ? READ_LATEST_MS : (int)ms;
}

static void *run(void *context)
{
	struct survey *survey = context;
	struct pollfd end = { .fd = survey->end_fd, .events = POLLIN };
	int wait_ms = READ_EVERY_MS;

	while (poll(&end, 1, wait_ms) <= 0) {
		int64_t start_ns = moment_now().boot_ns;

		read_all(survey);
		wait_ms = pause_ms(moment_now().boot_ns - start_ns);
	}
	return NULL;
}

int survey_open(struct survey **out)
{
	struct survey *survey = calloc(1, sizeof(*survey));
	int err = 0;

	if (!survey)
		return -ENOMEM;
	pthread_mutex_init(&survey->lock, NULL);
	survey->changed_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	survey->end_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (survey->changed_fd < 0 || survey->end_fd < 0)
		err = -errno;
	if (err) {
		survey_close(&survey);
		return err;
	}
	read_all(survey);
	survey_changed(survey); /* who opens it asks in any case */
	*out = survey;
	return 0;
}

/* No signal is this thread's: the loop takes them, by signalfd. */
int survey_start(struct survey *survey)
{
	sigset_t all, before;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&survey->thread, NULL, run, survey);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (err)
		return -err;
	survey->running = true;
	pthread_setname_np(survey->thread, "survey");
	return 0;
}

void survey_close(struct survey **pointer)
{
	struct survey *survey = *pointer;
	uint64_t one = 1;

	if (!survey)
		return;
	if (survey->running) {
		/* An eventfd that was never written to takes a 1. */
		(void)!write(survey->end_fd, &one, sizeof(one));
		pthread_join(survey->thread, NULL);
	}
	if (survey->changed_fd >= 0)
		close(survey->changed_fd);
	if (survey->end_fd >= 0)
		close(survey->end_fd);
	pthread_mutex_destroy(&survey->lock);
	protected_list_free(&survey->found);
	free(survey);
	*pointer = NULL;
}

int survey_fd(const struct survey *survey)
{
	return survey->changed_fd;
}

bool survey_changed(struct survey *survey)
{
	uint64_t count;

	return read(survey->changed_fd, &count, sizeof(count)) == sizeof(count);
}

int survey_protect(struct survey *survey, struct protected_list *out)
{
	int err = 0;

	pthread_mutex_lock(&survey->lock);
	for (size_t i = 0; !err && i < survey->found.count; i++)
		err = protected_list_add(out, &survey->found.items[i].prefix,
					 survey->found.items[i].reason);
	pthread_mutex_unlock(&survey->lock);
	return err;
}
