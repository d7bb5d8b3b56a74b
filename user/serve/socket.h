/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A listening socket in the file system. Private to serve/. */
#ifndef FWGEN_SERVE_SOCKET_H
#define FWGEN_SERVE_SOCKET_H

#include <sys/stat.h>

/*
 * Makes it, 0660, for root and the group fwgen where that exists; replaces a stale one. *made is
 * the file, for socket_unlink. Returns the descriptor, or -errno with a text (-EADDRINUSE: somebody
 * answers there).
 */
int socket_listen(const char *path, struct stat *made, char error[256]);
/* Removes the file unless another has taken its place. */
void socket_unlink(const char *path, const struct stat *made);

#endif
