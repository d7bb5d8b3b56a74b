/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "host/link_notices.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <unistd.h>

int link_notices_open(void)
{
	const struct sockaddr_nl address = {
		.nl_family = AF_NETLINK,
		.nl_groups = RTMGRP_LINK | 1 << (RTNLGRP_TC - 1),
	};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE), err;

	if (fd < 0)
		return -errno;
	if (!bind(fd, (const struct sockaddr *)&address, sizeof(address)))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

void link_notices_drain(int fd)
{
	char any[64]; /* the rest of a message is thrown away */

	while (recv(fd, any, sizeof(any), 0) >= 0 || errno == ENOBUFS || errno == EINTR)
		;
}
