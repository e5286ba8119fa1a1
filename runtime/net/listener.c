/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/address.h"
#include "net/socket.h"

struct rouse_listener {
	struct rs_socket socket; /* side_a: accepted */
	const struct rouse_site *site; /* what it accepts is shown as made here */
	uint16_t port;
};

/* A bound, listening descriptor; *address becomes what it was bound to. */
static int listen_at(struct rs_address *address)
{
	const int on = 1;
	int fd = socket(address->as.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
		bind(fd, &address->as.any, address->bytes) < 0 || listen(fd, SOMAXCONN) < 0 ||
		getsockname(fd, &address->as.any, &address->bytes) < 0) {
		int rc = -errno;

		close(fd);
		return rc;
	}
	return fd;
}

int rouse_listener_open_(const char *address, uint16_t port, struct rouse_listener **ret_listener,
	const struct rouse_site *site)
{
	struct rs_socket *socket;
	struct rs_address at;
	char name[RS_ADDRESS_NAME_BYTES];

	if (!ret_listener)
		return -EINVAL;
	int rc = rs_address_parse(address, port, &at);
	if (rc < 0)
		return rc;
	int fd = listen_at(&at);
	if (fd < 0)
		return fd;
	rs_address_name(&at, name);
	rc = rs_socket_new(NULL, sizeof(struct rouse_listener), ROUSE_RESOURCE_LISTENER, name, site, fd, &socket);
	if (rc < 0) {
		close(fd);
		return rc;
	}
	struct rouse_listener *listener = (struct rouse_listener *)socket;
	rs_record(&listener->socket.resource.capacity, (uint64_t)SOMAXCONN);
	listener->site = site;
	listener->port = rs_address_port(&at);
	*ret_listener = listener;
	return 0;
}

uint16_t rouse_listener_port(const struct rouse_listener *listener)
{
	return listener->port;
}

void rouse_listener_close(struct rouse_listener *listener)
{
	if (listener)
		rs_socket_free(&listener->socket, true);
}

/* Errors of a connection that died in the queue, which accept(2) reports as its own: there may be others behind it. */
static bool died_in_queue(int error)
{
	switch (error) {
	case ECONNABORTED:
	case EINTR:
	case EPROTO:
	case ENOPROTOOPT:
	case ENETDOWN:
	case ENETUNREACH:
	case EHOSTDOWN:
	case EHOSTUNREACH:
	case ENONET:
		return true;
	default:
		return false;
	}
}

/* 0, or -errno of accept4 or of what follows it; then the connection is refused by closing it. */
static int accept_one(struct rouse_listener *listener, struct rouse_tcp **ret_tcp)
{
	struct rs_resource *resource = &listener->socket.resource;
	struct rs_address peer = { .bytes = sizeof peer.as };
	char name[RS_ADDRESS_NAME_BYTES];
	int fd = accept4(listener->socket.io.fd, &peer.as.any, &peer.bytes, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0)
		return -errno;
	rs_bump(&resource->side_a, 1u);
	rs_socket_used(&listener->socket, &resource->last_user_a);
	rs_address_name(&peer, name);
	int rc = rs_tcp_adopt(resource->runtime, name, listener->site, fd, ret_tcp);
	if (rc < 0)
		close(fd);
	return rc;
}

/*
 * Only EAGAIN says that the queue is empty. After EMFILE and its like the
 * connection is still in it, and no new edge will tell; so readiness stays.
 */
static struct rouse_poll accept_poll(struct rouse_future *f, struct rouse_context *cx)
{
	struct rouse_listener_accept *self = (struct rouse_listener_accept *)f;
	struct rouse_listener *listener = self->listener;
	uint32_t tick;
	int rc;

	if (!listener || !self->ret_tcp) {
		self->result = -EINVAL;
		return rouse_ready();
	}
	do {
		if (!rs_socket_poll(&listener->socket, RS_READ, &self->wait, cx, &tick, &rc).ready)
			return rouse_pending();
		if (rc < 0)
			break;
		rc = accept_one(listener, self->ret_tcp);
		if (rc == -EAGAIN)
			rs_io_clear(&listener->socket.io, RS_READ, tick);
	} while (rc == -EAGAIN || died_in_queue(-rc));
	self->result = rc;
	return rouse_ready();
}

static void accept_drop(struct rouse_future *f)
{
	struct rouse_listener_accept *self = (struct rouse_listener_accept *)f;

	if (self->listener)
		rs_io_cancel(&self->listener->socket.io, RS_READ, &self->wait);
}

ROUSE_LEAF_WAIT(rouse_listener_accept, accept_poll, accept_drop, wait, ROUSE_OP_ACCEPT);

struct rouse_listener_accept *rouse_listener_accept(struct rouse_listener_accept *storage,
	struct rouse_listener *listener, struct rouse_tcp **ret_tcp)
{
	*storage = (struct rouse_listener_accept){ .future = ROUSE_FUTURE_INIT(rouse_listener_accept),
		.listener = listener, .ret_tcp = ret_tcp };
	rs_wait_init(&storage->wait, ROUSE_OP_ACCEPT);
	storage->wait.arg = listener ? (uint64_t)listener->socket.io.fd : 0;
	return storage;
}
