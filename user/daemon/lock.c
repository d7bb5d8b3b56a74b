/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lock around detection and decision: whoever waits gets it next. */
#include "daemon/state.h"

void daemon_lock(struct daemon *daemon)
{
	pthread_mutex_lock(&daemon->lock.next);
	pthread_mutex_lock(&daemon->lock.held);
	pthread_mutex_unlock(&daemon->lock.next);
}

void daemon_unlock(struct daemon *daemon)
{
	pthread_mutex_unlock(&daemon->lock.held);
}
