/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whose TCP connections are sessions of somebody who has logged in by OpenSSH: told from what /proc
 * says of sshd's processes, never from what the far end says. Private to host/.
 */
#ifndef FWGEN_HOST_SSH_H
#define FWGEN_HOST_SSH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SSH_NO_UID    UINT32_MAX /* as the kernel has it in loginuid */
#define SSH_USER_TEXT 33

/* What decides about a process that runs sshd. */
struct ssh_process {
	const char *title;		    /* its command line, which sshd writes itself */
	uint32_t uid;			    /* effective */
	uint32_t loginuid, parent_loginuid; /* SSH_NO_UID: not set */
	bool child_of_root;		    /* its parent is sshd, run by root */
};

/*
 * Whether it serves somebody who has logged in, and whom. It does when sshd's title names a session
 * ("sshd: root@pts/0", "sshd: root@notty"), when PAM has given it a login uid that its parent, the
 * listener, has not (a listener that was started by hand hands its own down to everybody), or when
 * it is a user's by now, below the monitor that root runs. "sshd: root [priv]", "[net]" and
 * "[accepted]" alone are no login, nor is what a user runs under such a name.
 */
bool ssh_logged_in(const struct ssh_process *process, uint32_t privsep_uid,
		   char user[SSH_USER_TEXT]);

/* A socket that a process of a session holds. */
struct ssh_socket {
	int pid, fd;
	uint32_t inode;
	char user[SSH_USER_TEXT];
};

#define SSH_SOCKETS_MAX 4096

struct ssh_sockets {
	struct ssh_socket items[SSH_SOCKETS_MAX]; /* by process and descriptor */
	size_t count;
};

/* The sockets of all processes that serve a session. */
void ssh_sockets_read(struct ssh_sockets *out);

#endif
