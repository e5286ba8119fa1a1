/* SPDX-License-Identifier: MIT */
/* Sockets in /proc/PID/net: found by their inode, which is what a descriptor's link says. */
#ifndef RI_PROCNET_H
#define RI_PROCNET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RI_NET_TEXT = 128 };

struct ri_net_socket {
	uint64_t inode;
	uint32_t tcp_state; /* as in /proc/net/tcp, 0 = not TCP */
	uint64_t rx_bytes;  /* received and not read; of a TCP listener: connections not accepted */
	uint64_t tx_bytes;  /* sent and not acknowledged */
	char local[RI_NET_TEXT];
	char peer[RI_NET_TEXT]; /* "" = none, or not known */
	uint64_t peer_inode;    /* of the socket at the other end, on this machine; 0 = not known */
};

enum ri_net_table { RI_NET_TCP, RI_NET_TCP6, RI_NET_UDP, RI_NET_UDP6, RI_NET_UNIX, RI_NET_TABLES };

/*
 * Fills those of `sockets` whose inode is not 0 and stands in the network namespace of
 * process `pid`; the others keep what they had. Reads at most 4 MiB of each
 * table: where there are more sockets than that, some are not found.
 */
void ri_net_find(int pid, struct ri_net_socket *sockets, size_t n);

/*
 * Fills peer_inode of those that are connected by TCP within the network
 * namespace of process `pid`. Bounded in the same way.
 */
void ri_net_find_peers(int pid, struct ri_net_socket *sockets, size_t n);
/* Are `a` and `b` the two ends of one connection? */
bool ri_net_is_pair(const struct ri_net_socket *a, const struct ri_net_socket *b);

/* One line of a table: false if it is none. */
bool ri_net_parse(enum ri_net_table table, const char *line, struct ri_net_socket *ret_socket);

#endif
