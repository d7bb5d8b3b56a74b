/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Notices of nf_tables: who changes a table is told to everybody who listens (netlink group
 * NFNLGRP_NFTABLES). Only which table it was is of interest here; what is wrong there, if anything,
 * is for the comparison to find.
 */
#include "enforce/netfilter.h"
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>
#include <unistd.h>

int netfilter_notice_open(void)
{
	const struct sockaddr_nl local = { .nl_family = AF_NETLINK };
	const int group = NFNLGRP_NFTABLES;
	int err,
		fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_NETFILTER);

	if (fd < 0)
		return -errno;
	if (!bind(fd, (const struct sockaddr *)&local, sizeof(local)) &&
	    !setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

/* The table has the same attribute in messages of tables, chains and rules. */
static int take_attribute(const struct nlattr *attribute, void *data)
{
	bool *raw = data;

	if (mnl_attr_get_type(attribute) == NFTA_TABLE_NAME &&
	    mnl_attr_validate(attribute, MNL_TYPE_NUL_STRING) == 0)
		*raw |= strcmp(mnl_attr_get_str(attribute), "raw") == 0;
	return MNL_CB_OK;
}

static int take_message(const struct nlmsghdr *header, void *data)
{
	switch (NFNL_MSG_TYPE(header->nlmsg_type)) {
	case NFT_MSG_NEWTABLE:
	case NFT_MSG_DELTABLE:
	case NFT_MSG_NEWCHAIN:
	case NFT_MSG_DELCHAIN:
	case NFT_MSG_NEWRULE:
	case NFT_MSG_DELRULE:
		mnl_attr_parse(header, sizeof(struct nfgenmsg), take_attribute, data);
		break;
	default:
		break;
	}
	return MNL_CB_OK;
}

bool netfilter_notice_read(int fd)
{
	static char buffer[65536];
	bool raw = false;

	for (;;) {
		ssize_t len = recv(fd, buffer, sizeof(buffer), 0);

		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0 && errno == ENOBUFS) {
			raw = true; /* nobody knows what was lost */
			continue;
		}
		if (len <= 0)
			return raw;
		mnl_cb_run(buffer, len, 0, 0, take_message, &raw);
	}
}
