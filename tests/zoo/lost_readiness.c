/* SPDX-License-Identifier: MIT */
/*
 * A task reads one byte of a message, takes the rest for not there, and waits
 * for readiness that it has cleared away itself: no new edge will tell of it.
 * The twin reads until there is nothing more.
 *
 * row: A37
 * finds: lost-readiness likely
 * task: reader
 * looks: 10
 * core: no, what lies in a socket is not in it
 * recording: no, sockets are asked for only on demand
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

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
		while (read(ends[0], &self->byte, 1) == 1 && ZOO_TWIN)
			continue;
		rouse_fd_clear_readable(self->fd);
	}
	ROUSE_RETURN((int)self->rc);
	ROUSE_END;
}

/* Two ends of a connection: what lies in it is only known of TCP. */
static void connect_ends(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t bytes = sizeof address;
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ZOO_MUST(listener);
	ZOO_MUST(bind(listener, (struct sockaddr *)&address, sizeof address));
	ZOO_MUST(listen(listener, 1));
	ZOO_MUST(getsockname(listener, (struct sockaddr *)&address, &bytes));
	ends[1] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ZOO_MUST(ends[1]);
	ZOO_MUST(connect(ends[1], (struct sockaddr *)&address, sizeof address));
	ends[0] = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	ZOO_MUST(ends[0]);
	ZOO_MUST(close(listener));
}

static void start(void)
{
	struct rouse_fd *fd;

	ZOO_MUST(rouse_fd_new(ends[0], "line", &fd));
	ZOO_MUST(rouse_spawn_detached(reader, .fd = fd));
}

static void say(void)
{
	ZOO_MUST(write(ends[1], "hello", 5));
}

ZOO_THEN(ZOO_WORKERS(2), connect_ends, say, NULL, start)
