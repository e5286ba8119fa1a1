/* SPDX-License-Identifier: MIT */
/*
 * What listeners, connections and registered descriptors have in common: a
 * visible resource and a registration with the reactor.
 */
#ifndef RS_NET_SOCKET_H
#define RS_NET_SOCKET_H

#include <rouse/net.h>

#include "driver/reactor.h"

struct rs_socket {
	struct rs_resource resource; /* value = fd */
	struct rs_io io;
};

/*
 * A resource of `bytes` with a struct rs_socket at its head, registered with
 * the reactor of `runtime` (NULL: the current one). 0 or -errno, -ROUSE_E...;
 * `fd` stays the caller's.
 */
int rs_socket_new(struct rouse_runtime *runtime, size_t bytes, enum rouse_resource_kind kind, const char *name,
	const struct rouse_site *site, int fd, struct rs_socket **ret_socket);
/* Deregisters and frees; closes the descriptor if told to. Orphaned or in a forked child: what is left to do. */
void rs_socket_free(struct rs_socket *socket, bool close_fd);

/*
 * The door of every operation. READY: try it now, with the tick for
 * rs_io_clear(). PENDING: the waiter is registered, or the budget is used up.
 * READY with *ret_error: end with that error; nothing waits any more.
 */
struct rouse_poll rs_socket_poll_slow(struct rs_socket *socket, enum rs_direction direction, struct rouse_wait *wait,
	struct rouse_context *cx, uint32_t *ret_tick, int *ret_error);
static inline struct rouse_poll rs_socket_poll(struct rs_socket *socket, enum rs_direction direction,
	struct rouse_wait *wait, struct rouse_context *cx, uint32_t *ret_tick, int *ret_error)
{
	/* What is ready, within its task's budget, as most are. */
	if (cx->task && cx->budget && rs_resource_check(&socket->resource) == 0 &&
		rs_io_try(&socket->io, direction, wait, ret_tick)) {
		cx->budget--;
		*ret_error = 0;
		return rouse_ready();
	}
	return rs_socket_poll_slow(socket, direction, wait, cx, ret_tick, ret_error);
}
/* Notes the running task as the last to use it; `last` is the record's field for that side. */
void rs_socket_used(struct rs_socket *socket, uint64_t *last);

/* A connection on `runtime` (NULL: the current one); takes `fd` when it answers 0. */
int rs_tcp_adopt(struct rouse_runtime *runtime, const char *name, const struct rouse_site *site, int fd,
	struct rouse_tcp **ret_tcp);

#endif
