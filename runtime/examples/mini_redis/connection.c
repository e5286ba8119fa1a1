/* SPDX-License-Identifier: MIT */
/*
 * A connection reads what has come, runs every whole request in it, writes all
 * their replies at once, and reads again: a pipeline of any depth costs one
 * read and one write.
 *
 *       start      end
 *     ____|__________|____________________
 *    |done| requests |  room to read into |     grows to hold one whole request
 *
 * What keeps one client from harming the rest: a request is bounded by the
 * parser's limits, replies are written whenever they pass a mark, nothing is
 * read while they wait, and one read is small enough for its requests to be
 * run within one short poll.
 */
#include "connection.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "resp.h"

#define INPUT_FIRST_BYTES 4096u
#define INPUT_KEEP_BYTES (64u << 10)
#define READ_MAX_BYTES (64u << 10)
#define REPLY_MARK_BYTES (64u << 10)
#define LINGER_NS ROUSE_S

/* ------------------------------------------------------------------ input */

struct input {
	char *bytes;
	size_t start, end, room;
};

/* Makes room to read into. False: out of memory. */
static bool input_prepare(struct input *input)
{
	size_t room = input->room;
	char *bytes;

	if (input->start == input->end) {
		input->start = input->end = 0;
		if (room > INPUT_KEEP_BYTES) {
			free(input->bytes);
			*input = (struct input){ 0 };
			room = 0;
		}
	}
	if (input->start && input->end == room) {
		memmove(input->bytes, input->bytes + input->start, input->end - input->start);
		input->end -= input->start;
		input->start = 0;
	}
	if (input->end < room)
		return true;
	room = room ? room * 2 : INPUT_FIRST_BYTES;
	bytes = realloc(input->bytes, room);
	if (!bytes)
		return false;
	input->bytes = bytes;
	input->room = room;
	return true;
}

static size_t input_room(const struct input *input)
{
	const size_t room = input->room - input->end;

	return room < READ_MAX_BYTES ? room : READ_MAX_BYTES;
}

/* ------------------------------------------------------------- connection */

/* Reads and forgets, until the client has finished too. */
ROUSE_ASYNC(discard, int,
	struct rouse_tcp *tcp;
	int64_t n;
	char bytes[4096];
	struct rouse_tcp_read read;);
ROUSE_BODY(discard)
{
	ROUSE_BEGIN;
	do
		ROUSE_AWAIT(self->n, rouse_tcp_read(&self->read, self->tcp, self->bytes, sizeof self->bytes));
	while (self->n > 0);
	ROUSE_RETURN(0);
	ROUSE_END;
}

ROUSE_ASYNC(connection, int,
	struct rouse_tcp *tcp;
	struct store *store;
	int64_t n;
	bool more, closing;
	struct input input;
	struct resp_out out;
	struct resp_parser parser;
	union {
		struct rouse_tcp_read read;
		struct rouse_tcp_write write;
		struct { struct rouse_timeout timeout; struct discard discard; };
	};);

/* Runs the requests that have come. True: there may be more, but the replies should be written first. */
static bool serve(struct connection *self)
{
	struct input *input = &self->input;

	while (self->out.n < REPLY_MARK_BYTES) {
		char *bytes = input->bytes + input->start;

		switch (resp_parse(&self->parser, bytes, input->end - input->start)) {
		case RESP_MORE:
			return false;
		case RESP_MALFORMED:
			resp_put_error(&self->out, "%s", self->parser.error);
			self->closing = true;
			return false;
		case RESP_REQUEST:
			self->closing = !command_run(self->store, &self->parser, bytes, &self->out);
			if (self->closing)
				return false;
			input->start += self->parser.used;
			break;
		}
	}
	return true;
}

ROUSE_BODY(connection)
{
	ROUSE_BEGIN;
	(void)rouse_tcp_set_nodelay(self->tcp, true); /* only slower without */
	while (!self->closing) {
		if (!input_prepare(&self->input))
			ROUSE_RETURN(-ENOMEM);
		ROUSE_AWAIT(self->n, rouse_tcp_read(&self->read, self->tcp,
			self->input.bytes + self->input.end, input_room(&self->input)));
		if (self->n <= 0)
			ROUSE_RETURN((int)self->n); /* the client has gone, or its connection broke */
		self->input.end += (size_t)self->n;
		do {
			self->more = serve(self);
			if (self->out.n == 0)
				break; /* only part of a request */
			ROUSE_AWAIT(self->n, rouse_tcp_write_all(&self->write, self->tcp,
				self->out.bytes, self->out.n));
			if (self->n < 0)
				ROUSE_RETURN((int)self->n);
			resp_out_clear(&self->out);
		} while (self->more);
	}
	/* Closing with unread input would reset the connection, and could take the last reply with it. */
	if (rouse_tcp_shutdown_write(self->tcp) == 0)
		ROUSE_AWAIT_ONLY(rouse_timeout(&self->timeout, LINGER_NS,
			ROUSE_CALL(&self->discard, discard, .tcp = self->tcp)));
	ROUSE_RETURN(0);
	ROUSE_FINALLY:
	rouse_tcp_close(self->tcp);
	resp_out_fini(&self->out);
	free(self->input.bytes);
	ROUSE_END;
}

static void peer_name(const struct rouse_tcp *tcp, char *name, size_t bytes)
{
	struct sockaddr_in peer = { 0 };
	socklen_t length = sizeof peer;
	char address[INET_ADDRSTRLEN] = "?";

	if (getpeername(rouse_tcp_fd(tcp), (struct sockaddr *)&peer, &length) == 0)
		inet_ntop(AF_INET, &peer.sin_addr, address, sizeof address);
	snprintf(name, bytes, "client %s:%u", address, ntohs(peer.sin_port));
}

int connection_spawn(struct rouse_tcp *tcp, struct store *store)
{
	char name[48];

	peer_name(tcp, name, sizeof name);
	/* A daemon: waiting long for a client's next request is nothing to be worried about. */
	return rouse_spawn_daemon(name, connection, .tcp = tcp, .store = store);
}
