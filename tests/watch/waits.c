/* SPDX-License-Identifier: MIT */
/*
 * waits [PORT] - waits for a byte from whoever listens at 127.0.0.1:PORT, or
 * else from the other end of the socket that is its standard input. "waiting"
 * is said when it does; it ends when the other end is closed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <rouse/rouse.h>

static void say_waiting(void)
{
	printf("waiting\n");
	fflush(stdout);
}

ROUSE_ASYNC(asks, int,
	uint16_t port;
	int64_t rc; struct rouse_tcp *stream; char byte;
	struct rouse_tcp_connect connect; struct rouse_tcp_read read;);
ROUSE_BODY(asks)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT(self->rc, rouse_tcp_connect(&self->connect, "127.0.0.1", self->port, &self->stream));
	if (self->rc < 0)
		ROUSE_RETURN(1);
	say_waiting();
	ROUSE_AWAIT(self->rc, rouse_tcp_read(&self->read, self->stream, &self->byte, 1));
	ROUSE_RETURN(self->rc < 0);
	ROUSE_FINALLY: rouse_tcp_close(self->stream); /* NULL if there never was one */
	ROUSE_END;
}

static bool has_nothing(void)
{
	char byte;

	return read(STDIN_FILENO, &byte, 1) < 0 && errno == EAGAIN;
}

ROUSE_ASYNC(listens, int,
	int64_t rc; struct rouse_fd *input;
	struct rouse_fd_ready ready;);
ROUSE_BODY(listens)
{
	ROUSE_BEGIN;
	if (rouse_fd_new(STDIN_FILENO, "input", &self->input) < 0)
		ROUSE_RETURN(1);
	say_waiting();
	while (has_nothing()) {
		rouse_fd_clear_readable(self->input);
		ROUSE_AWAIT(self->rc, rouse_fd_readable(&self->ready, self->input));
	}
	ROUSE_RETURN(0);
	ROUSE_FINALLY: rouse_fd_free(self->input);
	ROUSE_END;
}

int main(int argc, char **argv)
{
	if (argc == 2)
		return ROUSE_MAIN(asks, .port = (uint16_t)strtoul(argv[1], NULL, 10));
	if (fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK) < 0)
		return 2;
	return ROUSE_MAIN(listens, .input = NULL);
}
