/* SPDX-License-Identifier: MIT */
#include "net/socket.h"

#include <errno.h>
#include <unistd.h>

int rs_socket_new(struct rouse_runtime *runtime, size_t bytes, enum rouse_resource_kind kind, const char *name,
	const struct rouse_site *site, int fd, struct rs_socket **ret_socket)
{
	struct rs_socket *socket = runtime ? rs_resource_new_on(runtime, bytes, kind, name, site)
					   : rs_resource_new(bytes, kind, name, site);

	if (!socket)
		return -errno;
	rs_record(&socket->resource.value, (uint64_t)fd);
	int rc = rs_io_register(&socket->io, rs_reactor_of(&socket->resource), &socket->resource, fd);
	if (rc < 0) {
		rs_resource_free(&socket->resource);
		return rc;
	}
	*ret_socket = socket;
	return 0;
}

void rs_socket_free(struct rs_socket *socket, bool close_fd)
{
	int fd = socket->io.fd;

	/* A forked child shares the epoll itself with its parent: taking the
	 * descriptor out here would take it out there. */
	if (rs_resource_check(&socket->resource) != -ROUSE_EFORKED)
		rs_io_deregister(&socket->io);
	if (close_fd)
		close(fd);
	rs_resource_free(&socket->resource);
}

struct rouse_poll rs_socket_poll_slow(struct rs_socket *socket, enum rs_direction direction, struct rouse_wait *wait,
	struct rouse_context *cx, uint32_t *ret_tick, int *ret_error)
{
	*ret_error = rs_resource_check(&socket->resource);
	if (*ret_error == -ROUSE_EFORKED) /* locks may have been held by threads that are not in this process */
		return rouse_ready();
	if (*ret_error) {
		rs_io_cancel(&socket->io, direction, wait);
		return rouse_ready();
	}
	if (!rs_io_poll(&socket->io, direction, wait, cx, ret_tick, ret_error).ready)
		return rouse_pending();
	return *ret_error || rs_coop_spend(cx) ? rouse_ready() : rouse_pending();
}

/*
 * Without the lock: each side has one user at a time by contract, and `owner`
 * is only ever "the last one", so a race decides who that was.
 */
void rs_socket_used(struct rs_socket *socket, uint64_t *last)
{
	uint64_t task = rs_current_task_id();

	if (rs_load(last, RS_RELAXED) != task)
		rs_record(last, task);
	if (rs_load(&socket->resource.owner, RS_RELAXED) == task)
		return;
	rs_record(&socket->resource.owner, task);
	rs_record(&socket->resource.owner_since, rs_stamp());
}
