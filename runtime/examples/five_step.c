/* SPDX-License-Identifier: MIT */
/*
 * five_step - one conversation, written twice.
 *
 *     client                      server
 *     1 connect            ->
 *     2 send handshake     ->     check it
 *     3 read its answer    <-     "welcome"
 *     4 send request       ->     compute
 *     5 read response      <-     "42"
 *
 * First as futures chained by rouse_and_then(): each step is a function that
 * looks at what the last one did and answers the next future. Then as an async
 * function with five awaits. Both make the same system calls; one of them one
 * would rather maintain. The server is a task in this program.
 */
#include <stdio.h>
#include <string.h>

#include <rouse/rouse.h>

#define HANDSHAKE "hello, version 1\n"
#define WELCOME "welcome\n"
#define REQUEST "6 times 7\n"
#define RESPONSE "42\n"
#define LENGTH(TEXT) (sizeof(TEXT) - 1)

/* What was received, without its line end. */
static void show(const char *who, const char *what, const char *line, size_t length)
{
	printf("%s: %s%.*s\n", who, what, (int)length - 1, line);
}

/* ----------------------------------------------------------------- server */

ROUSE_ASYNC(answer, int64_t,
	struct rouse_tcp *conn;
	int64_t n; char line[32];
	struct rouse_tcp_read read; struct rouse_tcp_write write;);
ROUSE_BODY(answer)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT(self->n, rouse_tcp_read_exact(&self->read, self->conn, self->line, LENGTH(HANDSHAKE)));
	if (self->n != LENGTH(HANDSHAKE) || memcmp(self->line, HANDSHAKE, LENGTH(HANDSHAKE)) != 0)
		ROUSE_RETURN(-1);
	ROUSE_AWAIT(self->n, rouse_tcp_write_all(&self->write, self->conn, WELCOME, LENGTH(WELCOME)));
	ROUSE_AWAIT(self->n, rouse_tcp_read_exact(&self->read, self->conn, self->line, LENGTH(REQUEST)));
	if (self->n != LENGTH(REQUEST) || memcmp(self->line, REQUEST, LENGTH(REQUEST)) != 0)
		ROUSE_RETURN(-1);
	ROUSE_AWAIT(self->n, rouse_tcp_write_all(&self->write, self->conn, RESPONSE, LENGTH(RESPONSE)));
	ROUSE_RETURN(self->n);
	ROUSE_FINALLY: rouse_tcp_close(self->conn);
	ROUSE_END;
}

ROUSE_ASYNC(serve, int64_t,
	struct rouse_listener *listener;
	int64_t rc; struct rouse_tcp *conn; struct rouse_listener_accept accept;);
ROUSE_BODY(serve)
{
	ROUSE_BEGIN;
	for (;;) {
		ROUSE_AWAIT(self->rc, rouse_listener_accept(&self->accept, self->listener, &self->conn));
		if (self->rc < 0)
			ROUSE_RETURN(self->rc);
		rouse_spawn_detached(answer, .conn = self->conn);
	}
	ROUSE_FINALLY: rouse_listener_close(self->listener);
	ROUSE_END;
}

/* --------------------------------------------------------- with and_then */

/* Everything the chain needs must live somewhere while it runs. */
struct session {
	struct rouse_tcp *conn;
	char line[32];
	struct rouse_tcp_connect connect;
	struct rouse_tcp_write write;
	struct rouse_tcp_read read;
	struct rouse_and_then chain[4];
};

/* A step that failed ends the chain: the later ones hand its error on. */
static bool failed(struct rouse_future *done, int64_t *ret_result)
{
	*ret_result = rouse_future_result(done);
	return *ret_result < 0;
}

static struct rouse_future *send_handshake(void *arg, struct rouse_future *done, int64_t *ret_result)
{
	struct session *s = arg;

	if (failed(done, ret_result))
		return NULL;
	puts("and_then: connected");
	return &rouse_tcp_write_all(&s->write, s->conn, HANDSHAKE, LENGTH(HANDSHAKE))->future;
}

static struct rouse_future *read_welcome(void *arg, struct rouse_future *done, int64_t *ret_result)
{
	struct session *s = arg;

	if (failed(done, ret_result))
		return NULL;
	puts("and_then: sent handshake");
	return &rouse_tcp_read_exact(&s->read, s->conn, s->line, LENGTH(WELCOME))->future;
}

static struct rouse_future *send_request(void *arg, struct rouse_future *done, int64_t *ret_result)
{
	struct session *s = arg;

	if (failed(done, ret_result))
		return NULL;
	show("and_then", "handshake answered: ", s->line, LENGTH(WELCOME));
	return &rouse_tcp_write_all(&s->write, s->conn, REQUEST, LENGTH(REQUEST))->future;
}

static struct rouse_future *read_response(void *arg, struct rouse_future *done, int64_t *ret_result)
{
	struct session *s = arg;

	if (failed(done, ret_result))
		return NULL;
	puts("and_then: sent request");
	return &rouse_tcp_read_exact(&s->read, s->conn, s->line, LENGTH(RESPONSE))->future;
}

static struct rouse_and_then *converse(struct session *s, uint16_t port)
{
	struct rouse_tcp_connect *connected = rouse_tcp_connect(&s->connect, "127.0.0.1", port, &s->conn);
	struct rouse_and_then *greeted = rouse_and_then(&s->chain[0], connected, send_handshake, s);
	struct rouse_and_then *welcome = rouse_and_then(&s->chain[1], greeted, read_welcome, s);
	struct rouse_and_then *asked = rouse_and_then(&s->chain[2], welcome, send_request, s);

	return rouse_and_then(&s->chain[3], asked, read_response, s);
}

ROUSE_ASYNC(with_and_then, int64_t,
	uint16_t port;
	int64_t n; struct session session;);
ROUSE_BODY(with_and_then)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT(self->n, converse(&self->session, self->port));
	if (self->n == LENGTH(RESPONSE))
		show("and_then", "response: ", self->session.line, LENGTH(RESPONSE));
	ROUSE_RETURN(self->n);
	ROUSE_FINALLY: rouse_tcp_close(self->session.conn);
	ROUSE_END;
}

/* ----------------------------------------------------------- with awaits */

ROUSE_ASYNC(with_awaits, int64_t,
	uint16_t port;
	int64_t n; struct rouse_tcp *conn; char line[32];
	struct rouse_tcp_connect connect; struct rouse_tcp_write write; struct rouse_tcp_read read;);
ROUSE_BODY(with_awaits)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT(self->n, rouse_tcp_connect(&self->connect, "127.0.0.1", self->port, &self->conn));
	if (self->n < 0)
		ROUSE_RETURN(self->n);
	puts("await: connected");
	ROUSE_AWAIT(self->n, rouse_tcp_write_all(&self->write, self->conn, HANDSHAKE, LENGTH(HANDSHAKE)));
	if (self->n < 0)
		ROUSE_RETURN(self->n);
	puts("await: sent handshake");
	ROUSE_AWAIT(self->n, rouse_tcp_read_exact(&self->read, self->conn, self->line, LENGTH(WELCOME)));
	if (self->n < 0)
		ROUSE_RETURN(self->n);
	show("await", "handshake answered: ", self->line, LENGTH(WELCOME));
	ROUSE_AWAIT(self->n, rouse_tcp_write_all(&self->write, self->conn, REQUEST, LENGTH(REQUEST)));
	if (self->n < 0)
		ROUSE_RETURN(self->n);
	puts("await: sent request");
	ROUSE_AWAIT(self->n, rouse_tcp_read_exact(&self->read, self->conn, self->line, LENGTH(RESPONSE)));
	if (self->n == LENGTH(RESPONSE))
		show("await", "response: ", self->line, LENGTH(RESPONSE));
	ROUSE_RETURN(self->n);
	ROUSE_FINALLY: rouse_tcp_close(self->conn);
	ROUSE_END;
}

/* ------------------------------------------------------------------- both */

ROUSE_ASYNC(five_step, int,
	int64_t first, second; uint16_t port; int rc; struct rouse_listener *listener;
	union { struct with_and_then chained; struct with_awaits awaited; } client;);
ROUSE_BODY(five_step)
{
	ROUSE_BEGIN;
	self->rc = rouse_listener_open("127.0.0.1", 0, &self->listener);
	if (self->rc < 0) {
		fprintf(stderr, "five_step: %s\n", rouse_strerror(self->rc));
		ROUSE_RETURN(1);
	}
	self->port = rouse_listener_port(self->listener);
	rouse_spawn_detached(serve, .listener = self->listener); /* owns the listener; ends with the runtime */
	/* An async function is awaited like any future: its frame lies in ours. */
	ROUSE_AWAIT(self->first, ROUSE_CALL(&self->client.chained, with_and_then, .port = self->port));
	ROUSE_AWAIT(self->second, ROUSE_CALL(&self->client.awaited, with_awaits, .port = self->port));
	ROUSE_RETURN(self->first != LENGTH(RESPONSE) || self->second != LENGTH(RESPONSE));
	ROUSE_END;
}

int main(void)
{
	return ROUSE_MAIN(five_step);
}
