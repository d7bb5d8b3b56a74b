/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A few addresses, each once, as files of this box name them. Private to host/. */
#ifndef FWGEN_HOST_ADDRESS_SET_H
#define FWGEN_HOST_ADDRESS_SET_H

#include <stdbool.h>
#include <stddef.h>
#include "abi.h"

#define ADDRESS_SET_MAX 256

/* Compared as bytes: what is not in use is zero. */
struct address_set {
	struct address addresses[ADDRESS_SET_MAX];
	size_t count;
};

/* ::1 and 127.0.0.0/8. */
bool address_is_loopback(const struct address *address);
/* :: and 0.0.0.0. */
bool address_is_unspecified(const struct address *address);

/* Adds unless it is there, is loopback or unspecified (always protected), or the set is full. */
void address_set_add(struct address_set *set, const struct address *address);
/* The same with text; its scope ("fe80::1%eth0") is cut off. A name adds nothing: nobody is asked.
 */
void address_set_add_text(struct address_set *set, const char *text);

#endif
