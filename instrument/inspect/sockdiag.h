/* SPDX-License-Identifier: MIT */
/* The other end of a unix socket: /proc has no word of it, the kernel's socket diagnosis has. */
#ifndef RI_SOCKDIAG_H
#define RI_SOCKDIAG_H

#include <stddef.h>

#include "inspect/procnet.h"

/*
 * Fills peer_inode of those that are connected unix sockets of process `pid`.
 * Only within the caller's own network namespace: for any other it does nothing.
 */
void ri_sockdiag_find_peers(int pid, struct ri_net_socket *sockets, size_t n);

#endif
