/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who asks, as the kernel says, and his login name. That is looked up in /etc/passwd itself: other
 * name services may ask the network, and the loop waits for nobody.
 */
#include "serve/requester.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/socket.h>

static void find_name(uid_t uid, char name[COMMAND_NAME_TEXT])
{
	FILE *file = fopen("/etc/passwd", "re");
	struct passwd entry, *found;
	char buffer[4096];

	snprintf(name, COMMAND_NAME_TEXT, "%u", uid);
	while (file && !fgetpwent_r(file, &entry, buffer, sizeof(buffer), &found)) {
		if (entry.pw_uid != uid)
			continue;
		snprintf(name, COMMAND_NAME_TEXT, "%s", entry.pw_name);
		break;
	}
	if (file)
		fclose(file);
}

int requester_of(int fd, struct requester *out)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return -errno;
	out->uid = peer.uid;
	out->pid = peer.pid;
	find_name(peer.uid, out->name);
	return 0;
}
