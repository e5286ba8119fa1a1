/* SPDX-License-Identifier: MIT */
/*
 * TCP connections: connecting, reading, writing.
 *
 * Reads and writes try the system call first and wait only when it would
 * block, unless the last transfer already told that it would (see "short
 * transfers" in driver/reactor.c). A request and its answer are then two
 * system calls and their share of a turn.
 *
 * In the record: side_a and last_user_a are the reader's, side_b and
 * last_user_b the writer's. One task reads and one writes at a time, so each
 * side has one writer and plain relaxed stores do.
 */
#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/address.h"
#include "net/socket.h"

struct rouse_tcp {
	struct rs_socket socket;
};

/* What one system call is asked for at most: below the kernel's own cut (2 GiB), so that "less" means what it says. */
enum { TRANSFER_MAX = 1 << 30 };

static size_t transfer_bytes(size_t wanted)
{
	return wanted < TRANSFER_MAX ? wanted : TRANSFER_MAX;
}

int rs_tcp_adopt(struct rouse_runtime *runtime, const char *name, const struct rouse_site *site, int fd,
	struct rouse_tcp **ret_tcp)
{
	struct rs_socket *socket;
	int rc = rs_socket_new(runtime, sizeof(struct rouse_tcp), ROUSE_RESOURCE_SOCKET, name, site, fd, &socket);

	if (rc == 0)
		*ret_tcp = (struct rouse_tcp *)socket;
	return rc;
}

void rouse_tcp_close(struct rouse_tcp *tcp)
{
	if (tcp)
		rs_socket_free(&tcp->socket, true);
}

int rouse_tcp_fd(const struct rouse_tcp *tcp)
{
	return tcp ? tcp->socket.io.fd : -EINVAL;
}

int rouse_tcp_shutdown_write(struct rouse_tcp *tcp)
{
	if (!tcp)
		return -EINVAL;
	return shutdown(tcp->socket.io.fd, SHUT_WR) < 0 ? -errno : 0;
}

int rouse_tcp_set_nodelay(struct rouse_tcp *tcp, bool on)
{
	const int value = on;

	if (!tcp)
		return -EINVAL;
	return setsockopt(tcp->socket.io.fd, IPPROTO_TCP, TCP_NODELAY, &value, sizeof value) < 0 ? -errno : 0;
}

/* -------------------------------------------------------------- connect */

/*
 * 0, -EINPROGRESS, or -errno. The descriptor is registered after connect(): an
 * unconnected socket would report a hang-up. And nothing is guessed about one
 * that is still connecting: it gets writable when the handshake has ended,
 * well or not.
 */
static int connect_start(struct rouse_tcp_connect *self)
{
	struct rs_address peer;
	char name[RS_ADDRESS_NAME_BYTES];
	int rc = self->error ? self->error : rs_address_parse(self->address, self->port, &peer);

	if (rc)
		return rc;
	int fd = socket(peer.as.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, &peer.as.any, peer.bytes) < 0)
		rc = errno == EINTR ? -EINPROGRESS : -errno;
	if (rc == 0 || rc == -EINPROGRESS) {
		rs_address_name(&peer, name);
		int adopted = rs_tcp_adopt(NULL, name, self->site, fd, &self->tcp);
		if (adopted < 0)
			rc = adopted;
	}
	if (!self->tcp) {
		close(fd);
		return rc;
	}
	self->wait.arg = (uint64_t)fd;
	if (rc == -EINPROGRESS)
		rs_io_clear(&self->tcp->socket.io, RS_WRITE, 0);
	return rc;
}

static struct rouse_poll connect_end(struct rouse_tcp_connect *self, int rc)
{
	if (rc < 0)
		rouse_tcp_close(self->tcp);
	else
		*self->ret_tcp = self->tcp;
	self->tcp = NULL;
	self->result = rc;
	return rouse_ready();
}

static struct rouse_poll connect_poll(struct rouse_future *f, struct rouse_context *cx)
{
	struct rouse_tcp_connect *self = (struct rouse_tcp_connect *)f;
	uint32_t tick;
	int rc, error = 0;
	socklen_t bytes = sizeof error;

	if (!self->tcp) {
		if (!rs_coop_spend(cx))
			return rouse_pending();
		rc = connect_start(self);
		if (rc != -EINPROGRESS)
			return connect_end(self, rc);
	}
	if (!rs_socket_poll(&self->tcp->socket, RS_WRITE, &self->wait, cx, &tick, &rc).ready)
		return rouse_pending();
	if (rc == 0 && getsockopt(self->tcp->socket.io.fd, SOL_SOCKET, SO_ERROR, &error, &bytes) < 0)
		error = errno;
	return connect_end(self, rc ? rc : -error);
}

static void connect_drop(struct rouse_future *f)
{
	struct rouse_tcp_connect *self = (struct rouse_tcp_connect *)f;

	if (!self->tcp)
		return;
	rs_io_cancel(&self->tcp->socket.io, RS_WRITE, &self->wait);
	rouse_tcp_close(self->tcp);
	self->tcp = NULL;
}

ROUSE_LEAF_WAIT(rouse_tcp_connect, connect_poll, connect_drop, wait, ROUSE_OP_CONNECT);

struct rouse_tcp_connect *rouse_tcp_connect_(struct rouse_tcp_connect *storage, const char *address, uint16_t port,
	struct rouse_tcp **ret_tcp, const struct rouse_site *site)
{
	size_t n = address ? strlen(address) + 1 : 0;

	*storage = (struct rouse_tcp_connect){ .future = ROUSE_FUTURE_INIT(rouse_tcp_connect), .ret_tcp = ret_tcp,
		.site = site, .port = port };
	rs_wait_init(&storage->wait, ROUSE_OP_CONNECT);
	if (!ret_tcp || n == 0 || n > sizeof storage->address)
		storage->error = -EINVAL;
	else
		memcpy(storage->address, address, n);
	return storage;
}

/* ----------------------------------------------------------------- read */

/* One recv. Bytes read, 0 at the end, -EAGAIN, -errno. */
static ssize_t read_some(struct rouse_tcp *tcp, char *buffer, size_t wanted, uint32_t tick)
{
	size_t bytes = transfer_bytes(wanted);
	ssize_t n = recv(tcp->socket.io.fd, buffer, bytes, 0);

	if (n < 0) {
		if (errno == EAGAIN)
			rs_io_clear(&tcp->socket.io, RS_READ, tick);
		return errno == EINTR ? -EAGAIN : -errno;
	}
	rs_bump(&tcp->socket.resource.side_a, (uint64_t)n);
	rs_socket_used(&tcp->socket, &tcp->socket.resource.last_user_a);
	if (n > 0 && (size_t)n < bytes)
		rs_io_drained(&tcp->socket.io, RS_READ, tick);
	return n;
}

static struct rouse_poll read_poll(struct rouse_future *f, struct rouse_context *cx)
{
	struct rouse_tcp_read *self = (struct rouse_tcp_read *)f;
	uint32_t tick;
	ssize_t n;
	int rc;

	self->result = self->tcp ? 0 : -EINVAL;
	if (!self->tcp || self->bytes == 0)
		return rouse_ready();
	do {
		if (!rs_socket_poll(&self->tcp->socket, RS_READ, &self->wait, cx, &tick, &rc).ready)
			return rouse_pending();
		n = rc ? rc : read_some(self->tcp, (char *)self->buffer + self->done, self->bytes - self->done, tick);
		if (n > 0)
			self->done += (size_t)n;
	} while (n == -EAGAIN || (n > 0 && self->exact && self->done < self->bytes));
	self->result = n < 0 ? n : (int64_t)self->done;
	return rouse_ready();
}

static void read_drop(struct rouse_future *f)
{
	struct rouse_tcp_read *self = (struct rouse_tcp_read *)f;

	if (self->tcp)
		rs_io_cancel(&self->tcp->socket.io, RS_READ, &self->wait);
}

ROUSE_LEAF_WAIT(rouse_tcp_read, read_poll, read_drop, wait, ROUSE_OP_READ);

static struct rouse_tcp_read *read_init(struct rouse_tcp_read *storage, struct rouse_tcp *tcp, void *buffer,
	size_t bytes, bool exact)
{
	*storage = (struct rouse_tcp_read){ .future = ROUSE_FUTURE_INIT(rouse_tcp_read), .tcp = tcp,
		.buffer = buffer, .bytes = bytes, .exact = exact };
	rs_wait_init(&storage->wait, ROUSE_OP_READ);
	storage->wait.arg = tcp ? (uint64_t)tcp->socket.io.fd : 0;
	return storage;
}

struct rouse_tcp_read *rouse_tcp_read(struct rouse_tcp_read *storage, struct rouse_tcp *tcp, void *buffer, size_t bytes)
{
	return read_init(storage, tcp, buffer, bytes, false);
}

struct rouse_tcp_read *rouse_tcp_read_exact(struct rouse_tcp_read *storage, struct rouse_tcp *tcp, void *buffer,
	size_t bytes)
{
	return read_init(storage, tcp, buffer, bytes, true);
}

/* ---------------------------------------------------------------- write */

/* One send. Bytes written, -EAGAIN, -errno. */
static ssize_t write_some(struct rouse_tcp *tcp, const char *buffer, size_t wanted, uint32_t tick)
{
	size_t bytes = transfer_bytes(wanted);
	ssize_t n = send(tcp->socket.io.fd, buffer, bytes, MSG_NOSIGNAL);

	if (n < 0) {
		if (errno == EAGAIN)
			rs_io_clear(&tcp->socket.io, RS_WRITE, tick);
		return errno == EINTR ? -EAGAIN : -errno;
	}
	rs_bump(&tcp->socket.resource.side_b, (uint64_t)n);
	rs_socket_used(&tcp->socket, &tcp->socket.resource.last_user_b);
	if ((size_t)n < bytes)
		rs_io_drained(&tcp->socket.io, RS_WRITE, tick);
	return n;
}

static struct rouse_poll write_poll(struct rouse_future *f, struct rouse_context *cx)
{
	struct rouse_tcp_write *self = (struct rouse_tcp_write *)f;
	uint32_t tick;
	ssize_t n;
	int rc;

	self->result = self->tcp ? 0 : -EINVAL;
	if (!self->tcp || self->bytes == 0)
		return rouse_ready();
	do {
		if (!rs_socket_poll(&self->tcp->socket, RS_WRITE, &self->wait, cx, &tick, &rc).ready)
			return rouse_pending();
		n = rc ? rc : write_some(self->tcp, (const char *)self->buffer + self->done,
				      self->bytes - self->done, tick);
		if (n > 0)
			self->done += (size_t)n;
	} while (n == -EAGAIN || (n > 0 && self->all && self->done < self->bytes));
	self->result = n < 0 ? n : (int64_t)self->done;
	return rouse_ready();
}

static void write_drop(struct rouse_future *f)
{
	struct rouse_tcp_write *self = (struct rouse_tcp_write *)f;

	if (self->tcp)
		rs_io_cancel(&self->tcp->socket.io, RS_WRITE, &self->wait);
}

ROUSE_LEAF_WAIT(rouse_tcp_write, write_poll, write_drop, wait, ROUSE_OP_WRITE);

static struct rouse_tcp_write *write_init(struct rouse_tcp_write *storage, struct rouse_tcp *tcp, const void *buffer,
	size_t bytes, bool all)
{
	*storage = (struct rouse_tcp_write){ .future = ROUSE_FUTURE_INIT(rouse_tcp_write), .tcp = tcp,
		.buffer = buffer, .bytes = bytes, .all = all };
	rs_wait_init(&storage->wait, ROUSE_OP_WRITE);
	storage->wait.arg = tcp ? (uint64_t)tcp->socket.io.fd : 0;
	return storage;
}

struct rouse_tcp_write *rouse_tcp_write(struct rouse_tcp_write *storage, struct rouse_tcp *tcp, const void *buffer,
	size_t bytes)
{
	return write_init(storage, tcp, buffer, bytes, false);
}

struct rouse_tcp_write *rouse_tcp_write_all(struct rouse_tcp_write *storage, struct rouse_tcp *tcp, const void *buffer,
	size_t bytes)
{
	return write_init(storage, tcp, buffer, bytes, true);
}
