/* SPDX-License-Identifier: MIT */
/* TCP echo: servers and clients live in one runtime; one operation is one round trip of 64 bytes. */
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

ROUSE_ASYNC(client, int, struct bench_countdown *countdown; uint16_t port; int rounds; struct rouse_tcp *conn;
	ssize_t n; char buffer[BENCH_ECHO_BYTES];
	union { struct rouse_tcp_connect connect; struct rouse_tcp_read read; struct rouse_tcp_write write; };);
ROUSE_BODY(client)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT(self->n, rouse_tcp_connect(&self->connect, "127.0.0.1", self->port, &self->conn));
	bench_must(self->n == 0, "connect");
	bench_must(rouse_tcp_set_nodelay(self->conn, true) == 0, "nodelay");
	while (self->rounds-- > 0) {
		ROUSE_AWAIT(self->n, rouse_tcp_write_all(&self->write, self->conn, self->buffer, sizeof self->buffer));
		bench_must(self->n == sizeof self->buffer, "write");
		ROUSE_AWAIT(self->n, rouse_tcp_read_exact(&self->read, self->conn, self->buffer, sizeof self->buffer));
		bench_must(self->n == sizeof self->buffer, "read");
	}
	bench_one(self->countdown);
	ROUSE_RETURN(0);
	ROUSE_FINALLY: rouse_tcp_close(self->conn);
	ROUSE_END;
}

static struct bench_done run(struct rouse_runtime *runtime, int connections, int rounds)
{
	struct rouse_guard guard = rouse_enter(runtime);
	struct rouse_listener *listener;
	struct bench_countdown countdown;
	uint16_t port;

	bench_countdown_init(&countdown, (uint64_t)connections);
	bench_must(rouse_listener_open("127.0.0.1", 0, &listener) == 0, "listen");
	port = rouse_listener_port(listener);
	bench_must(rouse_spawn_detached(server, .listener = listener, .left = connections) == 0, "spawn");
	for (int i = 0; i < connections; i++)
		bench_must(rouse_spawn_detached(client, .countdown = &countdown, .port = port, .rounds = rounds) == 0,
			"spawn");
	bench_wait(&countdown);
	rouse_leave(&guard);
	return (struct bench_done){ .ops = (uint64_t)connections * (uint64_t)rounds };
}

static struct bench_done echo_1(struct rouse_runtime *runtime)
{
	return run(runtime, 1, 2000);
}

static struct bench_done echo_64(struct rouse_runtime *runtime)
{
	return run(runtime, 64, 100);
}

const struct bench_case bench_net_cases[] = {
	{ "echo_1", echo_1 },
	{ "echo_64", echo_64 },
	{ NULL, NULL },
};
