/* SPDX-License-Identifier: MIT */
/* An echo server: one task a connection. See it with: ROUSE_LISTEN=1 ./tiny_echo & rouse tiny_echo */
#include <rouse/rouse.h>
#include <stdio.h>
#include <stdlib.h>

ROUSE_ASYNC(echo, int64_t, struct rouse_tcp *conn; int64_t n; char buf[4096];
	struct rouse_tcp_read read; struct rouse_tcp_write write;);
ROUSE_BODY(echo)
{
	ROUSE_BEGIN;
	for (;;) {
		ROUSE_AWAIT(self->n, rouse_tcp_read(&self->read, self->conn, self->buf, sizeof self->buf));
		if (self->n <= 0)
			ROUSE_RETURN(self->n);
		ROUSE_AWAIT(self->n, rouse_tcp_write_all(&self->write, self->conn, self->buf, (size_t)self->n));
	}
	ROUSE_FINALLY: rouse_tcp_close(self->conn); /* however it ends: returned, cancelled, panicked */
	ROUSE_END;
}

ROUSE_ASYNC(serve, int, int port; int64_t rc; struct rouse_listener *listener; struct rouse_tcp *conn;
	struct rouse_listener_accept accept;);
ROUSE_BODY(serve)
{
	ROUSE_BEGIN;
	self->rc = rouse_listener_open("127.0.0.1", (uint16_t)self->port, &self->listener);
	while (self->rc == 0) {
		ROUSE_AWAIT(self->rc, rouse_listener_accept(&self->accept, self->listener, &self->conn));
		if (self->rc == 0)
			rouse_spawn_detached(echo, .conn = self->conn);
	}
	ROUSE_RETURN(fprintf(stderr, "tiny_echo: %s\n", rouse_strerror((int)self->rc)) > 0);
	ROUSE_FINALLY: rouse_listener_close(self->listener);
	ROUSE_END;
}

int main(int argc, char **argv)
{
	return ROUSE_MAIN(serve, .port = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 7000);
}
