/* SPDX-License-Identifier: MIT */
/* TCP echo: servers and clients live in one runtime; one operation is one round trip. */
#include "bench.h"

ROUSE_ASYNC(echo, int, struct rouse_tcp *conn; ssize_t n; char buffer[4096];
	union { struct rouse_tcp_read read; struct rouse_tcp_write write; };);
ROUSE_BODY(echo)
{
	ROUSE_BEGIN;
	for (;;) {
		ROUSE_AWAIT(self->n, rouse_tcp_read(&self->read, self->conn, self->buffer, sizeof self->buffer));
		if (self->n <= 0)
			break;
		ROUSE_AWAIT(self->n, rouse_tcp_write_all(&self->write, self->conn, self->buffer, (size_t)self->n));
		bench_must(self->n > 0, "echo");
	}
	ROUSE_RETURN(0);
	ROUSE_FINALLY: rouse_tcp_close(self->conn);
	ROUSE_END;
}

ROUSE_ASYNC(server, int, struct rouse_listener *listener; int left; struct rouse_tcp *conn; int rc;
	struct rouse_listener_accept accept;);
ROUSE_BODY(server)
{
	ROUSE_BEGIN;
	while (self->left-- > 0) {
		ROUSE_AWAIT(self->rc, rouse_listener_accept(&self->accept, self->listener, &self->conn));
		bench_must(self->rc == 0, "accept");
		bench_must(rouse_tcp_set_nodelay(self->conn, true) == 0, "nodelay");
		bench_must(rouse_spawn_detached(echo, .conn = self->conn) == 0, "spawn");
	}
	ROUSE_RETURN(0);
	ROUSE_FINALLY: rouse_listener_close(self->listener);
	ROUSE_END;
}

struct echoes {
	struct bench_countdown connected, ended;
	struct rouse_semaphore *start;
	uint16_t port;
	int rounds;
	size_t bytes;
};

ROUSE_ASYNC(client, int, struct echoes *echoes; int left; struct rouse_tcp *conn; ssize_t n; char buffer[BENCH_ECHO_MAX];
	union { struct rouse_tcp_connect connect; struct rouse_semaphore_acquire start; struct rouse_tcp_read read;
		struct rouse_tcp_write write; };);
ROUSE_BODY(client)
{
	const size_t bytes = self->echoes->bytes;

	ROUSE_BEGIN;
	ROUSE_AWAIT(self->n, rouse_tcp_connect(&self->connect, "127.0.0.1", self->echoes->port, &self->conn));
	bench_must(self->n == 0, "connect");
	bench_must(rouse_tcp_set_nodelay(self->conn, true) == 0, "nodelay");
	bench_one(&self->echoes->connected);
	ROUSE_AWAIT_ONLY(rouse_semaphore_acquire(&self->start, self->echoes->start, 1));
	for (self->left = self->echoes->rounds; self->left > 0; self->left--) {
		ROUSE_AWAIT(self->n, rouse_tcp_write_all(&self->write, self->conn, self->buffer, bytes));
		bench_must(self->n == (ssize_t)bytes, "write");
		ROUSE_AWAIT(self->n, rouse_tcp_read_exact(&self->read, self->conn, self->buffer, bytes));
		bench_must(self->n == (ssize_t)bytes, "read");
	}
	bench_one(&self->echoes->ended);
	ROUSE_RETURN(0);
	ROUSE_FINALLY: rouse_tcp_close(self->conn);
	ROUSE_END;
}

/* Connecting is not timed. */
static struct bench_done run(struct rouse_runtime *runtime, int connections, int rounds, size_t bytes)
{
	struct rouse_guard guard = rouse_enter(runtime);
	struct echoes echoes = { .rounds = rounds, .bytes = bytes, .start = rouse_semaphore_new("start", 0) };
	struct rouse_listener *listener = NULL;

	bench_countdown_init(&echoes.connected, (uint64_t)connections);
	bench_countdown_init(&echoes.ended, (uint64_t)connections);
	bench_must(echoes.start != NULL, "semaphore");
	bench_must(rouse_listener_open("127.0.0.1", 0, &listener) == 0, "listen");
	echoes.port = rouse_listener_port(listener);
	bench_must(rouse_spawn_detached(server, .listener = listener, .left = connections) == 0, "spawn");
	for (int i = 0; i < connections; i++)
		bench_must(rouse_spawn_detached(client, .echoes = &echoes) == 0, "spawn");
	bench_wait(&echoes.connected);
	bench_begin();
	bench_must(rouse_semaphore_release(echoes.start, (uint32_t)connections) == 0, "start");
	bench_wait(&echoes.ended);
	bench_end();
	rouse_semaphore_free(echoes.start);
	rouse_leave(&guard);
	return (struct bench_done){ .ops = (uint64_t)connections * (uint64_t)rounds };
}

#define ECHO(CONNECTIONS, ROUNDS, BYTES)                                                           \
	static struct bench_done echo_##CONNECTIONS##x##BYTES(struct rouse_runtime *runtime)       \
	{                                                                                          \
		return run(runtime, CONNECTIONS, ROUNDS, BYTES);                                   \
	}
ECHO(1, 1000, 64)
ECHO(64, 40, 64)
ECHO(512, 10, 64)
ECHO(1, 1000, 4096)
ECHO(64, 40, 4096)
ECHO(512, 10, 4096)

const struct bench_case bench_net_cases[] = {
	{ "net/x_tcp_echo_1x64B", echo_1x64, false, false },
	{ "net/x_tcp_echo_64x64B", echo_64x64, false, false },
	{ "net/x_tcp_echo_512x64B", echo_512x64, false, false },
	{ "net/x_tcp_echo_1x4KiB", echo_1x4096, false, false },
	{ "net/x_tcp_echo_64x4KiB", echo_64x4096, false, false },
	{ "net/x_tcp_echo_512x4KiB", echo_512x4096, false, false },
	{ NULL, NULL, false, false },
};
