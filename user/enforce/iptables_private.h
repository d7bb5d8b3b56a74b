/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What iptables.c (talking to the helper) and iptables_process.c (its life) share. */
#ifndef FWGEN_ENFORCE_IPTABLES_PRIVATE_H
#define FWGEN_ENFORCE_IPTABLES_PRIVATE_H

#include <pthread.h>
#include <sys/types.h>
#include "enforce/desired.h"
#include "enforce/iptables.h"
#include "enforce/message.h"
#include "enforce/netfilter.h"

struct iptables_enforcer {
	pthread_mutex_t lock; /* of all below */
	struct netfilter_options options;
	struct desired *desired;
	struct enforcer_status status;

	int epoll_fd; /* what the caller watches: the socket, for writing too while it is full */
	int fd;	      /* -1: no helper */
	pid_t helper;
	bool full; /* the socket takes no more now */
	uint64_t packets_sent;
	char packet[MESSAGE_PACKET_BYTES];

	/* what the helper has said */
	bool ready, stopped;
	int failed;		 /* 0, or -errno of its start or stop */
	uint64_t repairs_before; /* of earlier helpers, and our own */
	uint64_t repairs_now;	 /* of this helper */
	uint64_t packets_done;	 /* of packets_sent, as it reported */
	uint64_t synced_packets; /* packets_sent at the end of the last sync */
	int64_t heard_ns;	 /* when it said something last */
	int64_t logged_ns;
	bool quiet; /* starting or stopping: whoever asked for it gets the error */
};

/* All of these with the lock held. */

/* Sends what waits, as far as the socket takes it. Returns 0 or -errno. */
int enforcer_flush(struct iptables_enforcer *enforcer);
/* Takes what has come; at the end of the socket, reaps the helper. Returns 0 or -EPIPE. */
int enforcer_receive(struct iptables_enforcer *enforcer);
/* Sends one line now. Returns 0 or -errno (-EAGAIN). */
int enforcer_tell(struct iptables_enforcer *enforcer, const struct message *message);
/* Watches the socket for reading, and for writing while it is full. Returns 0 or -errno. */
int enforcer_watch(struct iptables_enforcer *enforcer, int operation);
void enforcer_set_state(struct iptables_enforcer *enforcer, enum enforcer_state state,
			const char *reason);
/* Takes leave of the helper: it is gone, or is made to go. why: how it ended. */
void enforcer_drop_helper(struct iptables_enforcer *enforcer, char why[64]);

#endif
