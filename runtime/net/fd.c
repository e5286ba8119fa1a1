/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "net/socket.h"

/*
 * `seen` is the tick at which a future last said "ready" in that direction.
 * The user reads until EAGAIN and then clears: what was delivered between the
 * two has moved the tick, and stays.
 */
struct rouse_fd {
	struct rs_socket socket;
	uint32_t seen[2];
};

int rouse_fd_new_(int fd, const char *name, struct rouse_fd **ret_fd, const struct rouse_site *site)
{
	struct rs_socket *socket;

	if (!ret_fd)
		return -EINVAL;
	int rc = rs_socket_new(NULL, sizeof(struct rouse_fd), ROUSE_RESOURCE_FD, name, site, fd, &socket);
	if (rc == 0)
		*ret_fd = (struct rouse_fd *)socket;
	return rc;
}

void rouse_fd_free(struct rouse_fd *fd)
{
	if (fd)
		rs_socket_free(&fd->socket, false);
}

static struct rouse_poll ready_poll(struct rouse_future *f, struct rouse_context *cx)
{
	struct rouse_fd_ready *self = (struct rouse_fd_ready *)f;
	struct rouse_fd *fd = self->fd;
	enum rs_direction direction = (enum rs_direction)self->direction;
	uint32_t tick;
	int rc = -EINVAL;

	if (fd) {
		if (!rs_socket_poll(&fd->socket, direction, &self->wait, cx, &tick, &rc).ready)
			return rouse_pending();
	}
	if (rc == 0) {
		struct rs_resource *r = &fd->socket.resource;

		rs_socket_used(&fd->socket, direction == RS_READ ? &r->last_user_a : &r->last_user_b);
		fd->seen[direction] = tick;
	}
	self->result = rc;
	return rouse_ready();
}

static void ready_drop(struct rouse_future *f)
{
	struct rouse_fd_ready *self = (struct rouse_fd_ready *)f;

	if (self->fd)
		rs_io_cancel(&self->fd->socket.io, (enum rs_direction)self->direction, &self->wait);
}

ROUSE_LEAF_WAIT(rouse_fd_ready, ready_poll, ready_drop, wait, ROUSE_OP_READ);

static struct rouse_fd_ready *ready_init(struct rouse_fd_ready *storage, struct rouse_fd *fd,
	enum rs_direction direction)
{
	*storage = (struct rouse_fd_ready){ .future = ROUSE_FUTURE_INIT(rouse_fd_ready), .fd = fd,
		.direction = direction };
	rs_wait_init(&storage->wait, direction == RS_READ ? ROUSE_OP_READ : ROUSE_OP_WRITE);
	storage->wait.arg = fd ? (uint64_t)fd->socket.io.fd : 0;
	return storage;
}

struct rouse_fd_ready *rouse_fd_readable(struct rouse_fd_ready *storage, struct rouse_fd *fd)
{
	return ready_init(storage, fd, RS_READ);
}

struct rouse_fd_ready *rouse_fd_writable(struct rouse_fd_ready *storage, struct rouse_fd *fd)
{
	return ready_init(storage, fd, RS_WRITE);
}

static void clear(struct rouse_fd *fd, enum rs_direction direction)
{
	if (rs_resource_check(&fd->socket.resource) == 0)
		rs_io_clear(&fd->socket.io, direction, fd->seen[direction]);
}

void rouse_fd_clear_readable(struct rouse_fd *fd)
{
	clear(fd, RS_READ);
}

void rouse_fd_clear_writable(struct rouse_fd *fd)
{
	clear(fd, RS_WRITE);
}
