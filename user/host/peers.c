/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The thread that asks. What it finds is kept by address in a hash, so a batch of thousands costs
 * one reading of the table; for a few of IPv4 the kernel compares (measured at 200,000 flows: a
 * whole reading 550 ms, an address 110 ms). A batch that took long is followed by nine times as
 * long a pause. What an answer means is decide/'s business.
 */
#include "host/peers.h"

#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "base/address.h"
#include "base/clock.h"
#include "base/log.h"
#include "host/conntrack.h"
#include "host/sockets.h"

#define QUEUE_MAX	 32768 /* who forges sources has thousands blocked before a real one is */
#define SLOTS		 (2 * QUEUE_MAX) /* a power of two */
#define SINGLY_MAX	 4		 /* addresses for which asking for each is faster */
#define PAUSE_SHARE	 9
#define TRACKING_LOOK_MS 10000
#define TELL_NS		 (60 * NS_PER_SECOND)

struct question {
	struct address address;
	uint16_t port;
};

/* Addresses that are asked about in one go. */
struct batch {
	struct peer_answer items[QUEUE_MAX];
	uint16_t ports[QUEUE_MAX]; /* of the items */
	size_t count;
	uint16_t slots[SLOTS]; /* item + 1, 0: free */
	bool strict;
};

struct peers {
	pthread_t thread;
	bool running;
	int asked_fd, answered_fd, end_fd;
	atomic_bool tracking;
	atomic_uint_fast64_t lost;
	pthread_mutex_t lock;
	/* under the lock */
	struct question queue[QUEUE_MAX];
	size_t queued;
	struct peer_answer answers[QUEUE_MAX];
	size_t answered;
	/* the thread's */
	struct batch batch;
	bool failing;
	uint64_t lost_told;
	int64_t told_ns;
};

/* ---- a batch --------------------------------------------------------------------------------- */

/* The slot that has the address, or the free one where it belongs. */
static uint16_t *slot(struct batch *batch, const struct address *address)
{
	size_t at = address_hash(address) & (SLOTS - 1);

	while (batch->slots[at] &&
	       !address_equal(&batch->items[batch->slots[at] - 1].address, address))
		at = (at + 1) & (SLOTS - 1);
	return &batch->slots[at];
}

static struct peer_answer *find(struct batch *batch, const struct address *address)
{
	uint16_t item = *slot(batch, address);

	return item ? &batch->items[item - 1] : NULL;
}

static void add(struct batch *batch, const struct question *question)
{
	uint16_t *at = slot(batch, &question->address);

	if (*at)
		return;
	batch->items[batch->count] = (struct peer_answer){ .address = question->address };
	batch->ports[batch->count] = question->port;
	*at = (uint16_t)++batch->count;
}

static void take_flow(void *context, const struct flow *flow)
{
	struct batch *batch = context;
	struct peer_answer *opener = find(batch, &flow->opener);
	struct peer_answer *answerer = find(batch, &flow->answerer);

	if (opener) {
		uint16_t port = batch->ports[opener - batch->items];

		opener->assured |= flow->established;
		opener->logins += batch->strict && flow->strict && flow->completed && port &&
				  flow->port == port;
	}
	if (answerer) {
		answerer->opened = true;
		answerer->assured |= flow->established;
	}
}

static void take_socket(void *context, const struct socket_fact *socket)
{
	struct peer_answer *answer = find(context, &socket->peer);

	if (answer)
		answer->assured = true;
}

static int ask_conntrack(struct batch *batch)
{
	bool singly = batch->count <= SINGLY_MAX, dump4 = false, dump6 = false;
	int err = 0;

	batch->strict = conntrack_is_strict();
	for (size_t i = 0; !err && i < batch->count; i++) {
		if (!address_is_ipv4(&batch->items[i].address))
			dump6 = true;
		else if (!singly)
			dump4 = true;
		else
			err = conntrack_find(&batch->items[i].address, take_flow, batch);
	}
	if (!err && dump4)
		err = conntrack_dump(AF_INET, take_flow, batch);
	if (!err && dump6)
		err = conntrack_dump(AF_INET6, take_flow, batch);
	return err;
}

/* A question that fails leaves its addresses unknown: their blocks stay as they are. */
static void ask(struct peers *peers)
{
	int err = sockets_dump(IPPROTO_TCP, 1 << SOCKET_ESTABLISHED, take_socket, &peers->batch);
	int tracking_err = 0;

	if (peers->tracking)
		tracking_err = ask_conntrack(&peers->batch);
	err = err ? err : tracking_err;
	if (err && !peers->failing)
		log_warning("failed to ask this host whether blocked addresses are real peers: %s",
			    strerror(-err));
	peers->failing = err;
}

static void tell_lost(struct peers *peers, int64_t now_ns)
{
	uint64_t lost = peers->lost;

	if (lost == peers->lost_told || (peers->told_ns && now_ns - peers->told_ns < TELL_NS))
		return;
	log_warning("too many blocked addresses at once: whether %" PRIu64 " of them are real peers"
		    " was not asked",
		    lost - peers->lost_told);
	peers->lost_told = lost;
	peers->told_ns = now_ns;
}

/* ---- the thread ------------------------------------------------------------------------------ */

static void take_batch(struct peers *peers)
{
	struct batch *batch = &peers->batch;
	uint64_t count;

	batch->count = 0;
	memset(batch->slots, 0, sizeof(batch->slots));
	pthread_mutex_lock(&peers->lock);
	(void)!read(peers->asked_fd, &count, sizeof(count));
	for (size_t i = 0; i < peers->queued; i++)
		add(batch, &peers->queue[i]);
	peers->queued = 0;
	pthread_mutex_unlock(&peers->lock);
}

static void give_answers(struct peers *peers)
{
	uint64_t one = 1;

	pthread_mutex_lock(&peers->lock);
	for (size_t i = 0; i < peers->batch.count; i++) {
		const struct peer_answer *answer = &peers->batch.items[i];

		if (!answer->assured && !answer->opened && !answer->logins)
			continue;
		if (peers->answered == QUEUE_MAX)
			peers->lost++;
		else
			peers->answers[peers->answered++] = *answer;
	}
	if (peers->answered)
		(void)!write(peers->answered_fd, &one, sizeof(one)); /* full: readable as it is */
	pthread_mutex_unlock(&peers->lock);
}

/* Waits for a question or until ms have passed. Returns false at the end. */
static bool wait_for(const struct peers *peers, bool questions, int ms)
{
	struct pollfd fds[] = { { .fd = peers->end_fd, .events = POLLIN },
				{ .fd = peers->asked_fd, .events = POLLIN } };

	poll(fds, questions ? 2 : 1, ms);
	return !fds[0].revents;
}

static void *run(void *context)
{
	struct peers *peers = context;

	while (wait_for(peers, true, TRACKING_LOOK_MS)) {
		int64_t start_ns = moment_now().boot_ns, took_ns;

		peers->tracking = conntrack_is_on();
		take_batch(peers);
		if (!peers->batch.count)
			continue;
		ask(peers);
		give_answers(peers);
		tell_lost(peers, start_ns);
		took_ns = moment_now().boot_ns - start_ns;
		if (!wait_for(peers, false, (int)(took_ns * PAUSE_SHARE / NS_PER_MS)))
			break;
	}
	return NULL;
}

/* No signal is this thread's: the daemon's loop takes them, by signalfd. */
static int start_thread(struct peers *peers)
{
	sigset_t all, before;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&peers->thread, NULL, run, peers);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (err)
		return -err;
	peers->running = true;
	pthread_setname_np(peers->thread, "peers");
	return 0;
}

static int start(struct peers *peers)
{
	pthread_mutex_init(&peers->lock, NULL);
	peers->asked_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	peers->answered_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	peers->end_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (peers->asked_fd < 0 || peers->answered_fd < 0 || peers->end_fd < 0)
		return -errno;
	peers->tracking = conntrack_is_on();
	return start_thread(peers);
}

int peers_start(struct peers **out, char error[256])
{
	struct peers *peers = calloc(1, sizeof(*peers));
	int err = peers ? start(peers) : -ENOMEM;

	if (err) {
		snprintf(error, 256, "failed to start asking who this host's peers are: %s",
			 strerror(-err));
		peers_stop(&peers);
	}
	*out = peers;
	return err;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

void peers_stop(struct peers **pointer)
{
	struct peers *peers = *pointer;
	uint64_t one = 1;

	if (!peers)
		return;
	if (peers->running) {
		/* An eventfd that was never written to takes a 1. */
		(void)!write(peers->end_fd, &one, sizeof(one));
		pthread_join(peers->thread, NULL);
	}
	close_fd(peers->asked_fd);
	close_fd(peers->answered_fd);
	close_fd(peers->end_fd);
	pthread_mutex_destroy(&peers->lock);
	free(peers);
	*pointer = NULL;
}

/* ---- what the daemon calls ------------------------------------------------------------------- */

void peers_ask(struct peers *peers, const struct address *address, uint16_t port)
{
	uint64_t one = 1;

	pthread_mutex_lock(&peers->lock);
	if (peers->queued == QUEUE_MAX) {
		peers->lost++;
	} else {
		if (!peers->queued)
			(void)!write(peers->asked_fd, &one, sizeof(one));
		peers->queue[peers->queued++] = (struct question){ *address, port };
	}
	pthread_mutex_unlock(&peers->lock);
}

int peers_fd(const struct peers *peers)
{
	return peers->answered_fd;
}

size_t peers_answers(struct peers *peers, struct peer_answer *out, size_t max)
{
	uint64_t count;
	size_t n;

	pthread_mutex_lock(&peers->lock);
	n = peers->answered < max ? peers->answered : max;
	memcpy(out, peers->answers, n * sizeof(*out));
	peers->answered -= n;
	memmove(peers->answers, peers->answers + n, peers->answered * sizeof(*out));
	if (!peers->answered)
		(void)!read(peers->answered_fd, &count, sizeof(count));
	pthread_mutex_unlock(&peers->lock);
	return n;
}

bool peers_tracking(const struct peers *peers)
{
	return peers->tracking;
}

uint64_t peers_lost(const struct peers *peers)
{
	return peers->lost;
}
