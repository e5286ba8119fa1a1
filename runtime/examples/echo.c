/* SPDX-License-Identifier: MIT */
/*
 * echo - a server that says back what it hears; one task a connection.
 *
 *     echo [PORT]        default 8080, 0 lets the kernel pick one
 *     nc 127.0.0.1 8080
 *
 * It reads like the blocking version of itself. Each ROUSE_AWAIT is a place
 * where the task may rest while others run; what it still needs afterwards is
 * in its frame, reached by `self`. Started with ROUSE_LISTEN=1, each connection
 * is a line in `rouse`.
 */
#include <stdio.h>
#include <stdlib.h>

#include <rouse/rouse.h>

ROUSE_ASYNC(echo, int64_t,
	struct rouse_tcp *conn;
	int64_t n; char buf[1024];
	union { struct rouse_tcp_read read; struct rouse_tcp_write write; } io;);
ROUSE_BODY(echo)
{
	ROUSE_BEGIN;
	for (;;) {
		ROUSE_AWAIT(self->n, rouse_tcp_read(&self->io.read, self->conn, self->buf, sizeof self->buf));
		if (self->n <= 0)
			break; /* 0: the other side is done; less: it is gone */
		ROUSE_AWAIT(self->n, rouse_tcp_write_all(&self->io.write, self->conn, self->buf, (size_t)self->n));
		if (self->n < 0)
			break;
	}
	ROUSE_RETURN(self->n);
	/* However this ends: returned, cancelled, never even started. */
	ROUSE_FINALLY: rouse_tcp_close(self->conn);
	ROUSE_END;
}

ROUSE_ASYNC(serve, int,
	uint16_t port;
	int64_t rc; struct rouse_listener *listener; struct rouse_tcp *conn;
	struct rouse_listener_accept accept; struct rouse_sleep sleep;);
ROUSE_BODY(serve)
{
	ROUSE_BEGIN;
	self->rc = rouse_listener_open("127.0.0.1", self->port, &self->listener);
	if (self->rc < 0) {
		fprintf(stderr, "echo: port %u: %s\n", self->port, rouse_strerror((int)self->rc));
		ROUSE_RETURN(1);
	}
	printf("listening on 127.0.0.1:%u\n", rouse_listener_port(self->listener));
	fflush(stdout);
	for (;;) {
		ROUSE_AWAIT(self->rc, rouse_listener_accept(&self->accept, self->listener, &self->conn));
		if (self->rc < 0) {
			/* Out of descriptors, say: it keeps in the queue. Some will be closed soon. */
			fprintf(stderr, "echo: accept: %s\n", rouse_strerror((int)self->rc));
			ROUSE_AWAIT_ONLY(rouse_sleep(&self->sleep, 100 * ROUSE_MS));
			continue;
		}
		/* The task owns the connection from here on, also if it cannot be started. */
		if (rouse_spawn_detached(echo, .conn = self->conn) < 0)
			fprintf(stderr, "echo: a connection had to be refused\n");
	}
	ROUSE_FINALLY: rouse_listener_close(self->listener);
	ROUSE_END;
}

int main(int argc, char **argv)
{
	char *end = NULL;
	unsigned long port = argc > 1 ? strtoul(argv[1], &end, 10) : 8080;

	if (argc > 2 || port > UINT16_MAX || (end && (*end || end == argv[1]))) {
		fprintf(stderr, "usage: echo [PORT]\n");
		return 2;
	}
	return ROUSE_MAIN(serve, .port = (uint16_t)port);
}
