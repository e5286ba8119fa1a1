/* SPDX-License-Identifier: MIT */
/*
 * hello_client - connects, writes a line, says how it went.
 *
 *     hello_client [PORT]    default 6142; `nc -l 6142` makes a server
 */
#include <stdio.h>
#include <stdlib.h>

#include <rouse/rouse.h>

static const char HELLO[] = "hello world\n";

ROUSE_ASYNC(hello, int,
	uint16_t port;
	int64_t rc; struct rouse_tcp *stream;
	struct rouse_tcp_connect connect; struct rouse_tcp_write write;);
ROUSE_BODY(hello)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT(self->rc, rouse_tcp_connect(&self->connect, "127.0.0.1", self->port, &self->stream));
	if (self->rc < 0) {
		fprintf(stderr, "hello_client: connect to 127.0.0.1:%u: %s\n", self->port,
			rouse_strerror((int)self->rc));
		ROUSE_RETURN(1);
	}
	printf("created stream\n");
	ROUSE_AWAIT(self->rc, rouse_tcp_write_all(&self->write, self->stream, HELLO, sizeof HELLO - 1));
	printf("wrote to stream; success=%s\n", self->rc < 0 ? "false" : "true");
	ROUSE_RETURN(self->rc < 0);
	ROUSE_FINALLY: rouse_tcp_close(self->stream); /* NULL if there never was one */
	ROUSE_END;
}

int main(int argc, char **argv)
{
	char *end = NULL;
	unsigned long port = argc > 1 ? strtoul(argv[1], &end, 10) : 6142;

	if (argc > 2 || port == 0 || port > UINT16_MAX || (end && *end)) {
		fprintf(stderr, "usage: hello_client [PORT]\n");
		return 2;
	}
	return ROUSE_MAIN(hello, .port = (uint16_t)port);
}
