/* SPDX-License-Identifier: MIT */
/*
 * A task waits for a socket, and nobody is in the reactor: the lock that says
 * who drives it is taken and kept (internals of the runtime).
 *
 * row: A8
 * finds: driver-unowned proven
 * task: reader
 * companions: late-timers
 * core: no, its rule wants to see that nothing moves between two looks
 */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sched/runtime.h"
#include "zoo.h"

static int ends[2];

ROUSE_ASYNC(reader, int,
	struct rouse_fd *fd;
	char byte;
	int64_t rc;
	struct rouse_fd_ready ready;);
ROUSE_BODY(reader)
{
	ROUSE_BEGIN;
	while (self->rc >= 0) {
		ROUSE_AWAIT(self->rc, rouse_fd_readable(&self->ready, self->fd)); /* fault */
		if (self->rc >= 0 && read(ends[0], &self->byte, 1) < 0)
			rouse_fd_clear_readable(self->fd);
	}
	ROUSE_RETURN((int)self->rc);
	ROUSE_END;
}

static void start(void)
{
	struct rouse_fd *fd;

	ZOO_MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends));
	ZOO_MUST(rouse_fd_new(ends[0], "pipe", &fd));
	ZOO_MUST(rouse_spawn_detached(reader, .fd = fd));
}

/* Between two turns of the driver its lock is free for a moment. */
static bool taken_soon(void)
{
	for (int i = 0; i < 10000; i++)
		if (rs_lock_try(&zoo_runtime->driver_lock))
			return true;
	return false;
}

static void take_driver(void)
{
	while (!ZOO_TWIN && !taken_soon()) {
		rs_reactor_poke(zoo_runtime->reactor);
	}
}

ZOO_THEN(ZOO_WORKERS(2), NULL, take_driver, NULL, start)
