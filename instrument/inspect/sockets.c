/* SPDX-License-Identifier: MIT */
/*
 * What the kernel knows of descriptors that were asked for: where a socket
 * goes, who is there, and what waits in its buffers; of anything else, what it is. Looked up
 * by number: a descriptor that was closed meanwhile has no row, and one that
 * was opened anew in its place shows what is there now.
 */
#include "inspect/look.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "inspect/procnet.h"

_Static_assert((int)RI_DETAIL_MAX <= (int)RI_PEERS_MAX, "there is room for all that can be asked for");

/* False: there is no such descriptor. What is no socket keeps its link as its name, and inode 0. */
static bool read_link(int pid, int fd, struct ri_net_socket *ret_socket)
{
	static const char of_socket[] = "socket:[";
	struct ri_net_socket socket = { 0 };
	char path[48];

	snprintf(path, sizeof path, "/proc/%d/fd/%d", pid, fd);
	if (readlink(path, socket.local, sizeof socket.local - 1) <= 0)
		return false;
	if (strncmp(socket.local, of_socket, sizeof of_socket - 1) == 0)
		socket.inode = strtoull(socket.local + sizeof of_socket - 1, NULL, 10);
	*ret_socket = socket;
	return true;
}

static uint32_t text_index(struct ri_runtime *runtime, const char *text)
{
	return ri_strings_index(&runtime->strings, text, strlen(text));
}

int ri_sockets_send(struct rouse_inspect *inspect, struct ri_runtime *runtime)
{
	struct ri_net_socket sockets[RI_DETAIL_MAX];
	struct ri_peer peers[RI_DETAIL_MAX] = { { .pid = 0 } };
	uint64_t serials[RI_DETAIL_MAX];
	struct ri_socket_batch batch;
	size_t n = 0;
	int rc;

	batch.n = 0;
	for (uint32_t i = 0; inspect->is_process && i < inspect->look.n_descriptors; i++) {
		serials[n] = inspect->look.descriptors[i].serial;
		n += read_link(inspect->process.pid, inspect->look.descriptors[i].fd, &sockets[n]);
	}
	if (n == 0)
		return 0;
	ri_net_find(inspect->process.pid, sockets, n);
	if (inspect->look.opts.peers)
		ri_peers_find(&inspect->peers, inspect->process.pid, sockets, n, peers);
	for (size_t i = 0; i < n; i++)
		ri_socket_put(&batch, &(struct ri_socket_row){ .serial = serials[i],
					      .local = text_index(runtime, sockets[i].local),
					      .peer = text_index(runtime, sockets[i].peer),
					      .rx_bytes = sockets[i].rx_bytes,
					      .tx_bytes = sockets[i].tx_bytes,
					      .tcp_state = sockets[i].tcp_state,
					      .peer_pid = (uint32_t)peers[i].pid,
					      .peer_program = text_index(runtime, peers[i].program),
					      .peer_is_rouse = peers[i].is_rouse,
					      .peer_others = peers[i].others });
	rc = ri_out_strings(&inspect->out, &runtime->strings);
	return rc < 0 ? rc : ri_out_sockets(&inspect->out, &batch);
}
