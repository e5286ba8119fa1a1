/* SPDX-License-Identifier: MIT */
/*
 * Who has the other end of a socket: processes of this machine, found by their
 * descriptors. All of /proc has to be gone through for that, so it is done for
 * all sockets together, seldom, and with an end; in between what was found is
 * remembered.
 */
#ifndef RI_PEERS_H
#define RI_PEERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "inspect/procnet.h"

enum { RI_PEERS_MAX = 16 };

struct ri_peer {
	int pid;          /* the lowest that has it; 0 = not known */
	uint32_t others;  /* so many more have it, too */
	bool is_rouse;    /* it has a runtime */
	char program[32]; /* hostile */
};

/* Zeroed at first. */
struct ri_peers {
	uint64_t searched_ns; /* CLOCK_MONOTONIC; 0 = never */
	size_t n;
	uint64_t inodes[RI_PEERS_MAX]; /* of this end */
	struct ri_peer found[RI_PEERS_MAX];
};

/*
 * The peers of `n` sockets (RI_PEERS_MAX at most) of process `pid`, as
 * ri_net_find() has filled them, into ret_peers[n]. Searches every 2 s at most.
 */
void ri_peers_find(struct ri_peers *peers, int pid, struct ri_net_socket *sockets, size_t n, struct ri_peer *ret_peers);

#endif
