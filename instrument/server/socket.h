/* SPDX-License-Identifier: MIT */
/* The agent's socket in the file system: only its user gets there. */
#ifndef RI_SERVER_SOCKET_H
#define RI_SERVER_SOCKET_H

#include <stdbool.h>

/*
 * A listening socket at `path`, mode 0600, or -errno. Its directory is made if
 * it is missing (0700) and must be ours alone if `own_dir` (-EPERM). A socket
 * that a dead process left is replaced; one that answers is -EADDRINUSE.
 */
int ri_socket_listen(const char *path, bool own_dir);
/*
 * Removes from our directory, where `path` is, the sockets that processes left
 * which were killed: nobody would before one gets the same pid.
 */
void ri_socket_sweep(const char *path);
/* Whether the process at the other end of `fd` is of our user, or root. */
bool ri_socket_peer_allowed(int fd);

#endif
