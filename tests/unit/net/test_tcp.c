/* SPDX-License-Identifier: MIT */
/* Connecting, and what goes through a connection. */
#include "tcp_fixture.h"

#include <stdlib.h>

/* ------------------------------------------------------------ connecting */

static void a_closed_port_refuses(void **state)
{
	uint16_t port;
	struct rouse_tcp *none = NULL;

	(void)state;
	close(loopback_listen(&port));
	assert_int_equal(RUN(dial, .address = "127.0.0.1", .port = port, .ret = &none), -ECONNREFUSED);
	assert_null(none);
}

static void what_is_no_address_is_refused(void **state)
{
	char endless[100];
	struct rouse_tcp *none = NULL;

	(void)state;
	memset(endless, ':', sizeof endless - 1);
	endless[sizeof endless - 1] = 0;
	assert_int_equal(RUN(dial, .address = "localhost", .port = 1, .ret = &none), -EINVAL);
	assert_int_equal(RUN(dial, .address = NULL, .port = 1, .ret = &none), -EINVAL);
	assert_int_equal(RUN(dial, .address = "", .port = 1, .ret = &none), -EINVAL);
	assert_int_equal(RUN(dial, .address = endless, .port = 1, .ret = &none), -EINVAL);
	assert_int_equal(RUN(dial, .address = "127.0.0.1", .port = 1, .ret = NULL), -EINVAL);
	assert_null(none);
}

static void no_connection_is_no_crash(void **state)
{
	char byte;

	(void)state;
	assert_int_equal(RUN(get, .tcp = NULL, .buffer = &byte, .bytes = 1), -EINVAL);
	assert_int_equal(RUN(put, .tcp = NULL, .buffer = &byte, .bytes = 1), -EINVAL);
	assert_int_equal(rouse_tcp_shutdown_write(NULL), -EINVAL);
	assert_int_equal(rouse_tcp_set_nodelay(NULL, true), -EINVAL);
	assert_int_equal(rouse_tcp_fd(NULL), -EINVAL);
	rouse_tcp_close(NULL);
}

/* A full backlog leaves a connect waiting: its SYN is dropped. */
static void a_waiting_connect_can_be_dropped(void **state)
{
	struct sockaddr_in at = loopback_at(0);
	socklen_t bytes = sizeof at;
	struct rouse_tcp *none = NULL;
	int listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int64_t rc;

	(void)state;
	assert_int_equal(bind(listening, (struct sockaddr *)&at, sizeof at), 0);
	assert_int_equal(listen(listening, 0), 0);
	assert_int_equal(getsockname(listening, (struct sockaddr *)&at, &bytes), 0);
	int filler = loopback_connect(ntohs(at.sin_port));
	struct rouse_task *task = START(dial, .address = "127.0.0.1", .port = ntohs(at.sin_port),
		.ret = &none);
	assert_true(test_eventually(is_pending, task));
	rouse_task_abort(task);
	assert_int_equal(RUN(join, .task = task, .out = &rc), -ECANCELED);
	assert_null(none);
	close(filler);
	close(listening); /* that the socket was closed too is seen by the leak check */
}

static void ipv6_works_alike(void **state)
{
	struct rouse_listener *listener;
	struct rouse_tcp *client;

	(void)state;
	struct rouse_guard guard = rouse_enter(runtime);
	int rc = rouse_listener_open("::1", 0, &listener);
	rouse_leave(&guard);
	if (rc == -EADDRNOTAVAIL || rc == -EAFNOSUPPORT)
		test_skip("no IPv6 on this machine");
	assert_int_equal(rc, 0);
	assert_int_equal(RUN(dial, .address = "::1", .port = rouse_listener_port(listener), .ret = &client), 0);
	assert_memory_equal(((struct rs_resource *)client)->name, "[::1]:", 6);
	rouse_tcp_close(client);
	rouse_listener_close(listener);
}

/* ------------------------------------------------------------- streaming */

enum { LARGE = 4 << 20, SLICE = 70001 };

ROUSE_ASYNC(pump, int64_t,
	struct rouse_tcp *tcp; const char *bytes; size_t total;
	size_t done; uint64_t random; int64_t rc; struct rouse_tcp_write write;);
ROUSE_BODY(pump)
{
	ROUSE_BEGIN;
	for (self->done = 0; self->done < self->total; self->done += (size_t)self->rc) {
		size_t n = test_random(&self->random) % SLICE + 1;

		if (n > self->total - self->done)
			n = self->total - self->done;
		ROUSE_AWAIT(self->rc, rouse_tcp_write_all(&self->write, self->tcp, self->bytes + self->done, n));
		if (self->rc <= 0)
			ROUSE_RETURN(self->rc);
	}
	ROUSE_RETURN(rouse_tcp_shutdown_write(self->tcp));
	ROUSE_END;
}

ROUSE_ASYNC(drain, int64_t,
	struct rouse_tcp *tcp; char *bytes; size_t total;
	size_t done; uint64_t random; int64_t rc; struct rouse_tcp_read read;);
ROUSE_BODY(drain)
{
	ROUSE_BEGIN;
	for (;;) {
		size_t n = test_random(&self->random) % SLICE + 1;

		if (n > self->total - self->done)
			n = self->total - self->done;
		ROUSE_AWAIT(self->rc, rouse_tcp_read(&self->read, self->tcp, self->bytes + self->done,
			n ? n : 1)); /* at the end: one more, which must say 0 */
		if (self->rc <= 0)
			ROUSE_RETURN(self->rc < 0 ? self->rc : (int64_t)self->done);
		self->done += (size_t)self->rc;
	}
	ROUSE_END;
}

/* Sends back what comes until the end, then ends too. */
ROUSE_ASYNC(echo, int64_t,
	struct rouse_tcp *tcp;
	int64_t n; char buffer[3000]; struct rouse_tcp_read read; struct rouse_tcp_write write;);
ROUSE_BODY(echo)
{
	ROUSE_BEGIN;
	for (;;) {
		ROUSE_AWAIT(self->n, rouse_tcp_read(&self->read, self->tcp, self->buffer, sizeof self->buffer));
		if (self->n <= 0)
			break;
		ROUSE_AWAIT(self->n, rouse_tcp_write_all(&self->write, self->tcp, self->buffer, (size_t)self->n));
		if (self->n <= 0)
			break;
	}
	ROUSE_RETURN(self->n);
	ROUSE_FINALLY: rouse_tcp_close(self->tcp);
	ROUSE_END;
}

ROUSE_ASYNC(round_trip, int64_t,
	const char *out; char *in; size_t total;
	struct rouse_listener *listener; struct rouse_tcp *client, *server; struct rouse_task *task; int64_t rc, echoed;
	struct rouse_listener_accept accept; struct rouse_tcp_connect connect;
	struct pump pump; struct drain drain; struct rouse_join join;);
ROUSE_BODY(round_trip)
{
	ROUSE_BEGIN;
	self->rc = rouse_listener_open("127.0.0.1", 0, &self->listener);
	if (self->rc)
		ROUSE_RETURN(self->rc);
	ROUSE_JOIN_ALL(rouse_listener_accept(&self->accept, self->listener, &self->server),
		rouse_tcp_connect(&self->connect, "127.0.0.1", rouse_listener_port(self->listener), &self->client));
	if (self->accept.result || self->connect.result)
		ROUSE_RETURN(-1);
	self->task = rouse_spawn(echo, .tcp = self->server);
	ROUSE_JOIN_ALL(ROUSE_CALL(&self->pump, pump, .tcp = self->client, .bytes = self->out, .total = self->total,
			.random = 1),
		ROUSE_CALL(&self->drain, drain, .tcp = self->client, .bytes = self->in, .total = self->total,
			.random = 2));
	ROUSE_AWAIT(self->rc, rouse_join(&self->join, self->task, &self->echoed));
	ROUSE_RETURN(self->rc || self->echoed || self->pump.result ? -2 : self->drain.result);
	ROUSE_FINALLY:
		rouse_tcp_close(self->client);
		rouse_listener_close(self->listener);
	ROUSE_END;
}

static void large_writes_come_back_whole(void **state)
{
	char *out = malloc(LARGE), *in = malloc(LARGE + 1);
	uint64_t random = test_seed();

	(void)state;
	assert_non_null(out);
	assert_non_null(in);
	for (size_t i = 0; i < LARGE; i++)
		out[i] = (char)test_random(&random);
	assert_int_equal(RUN(round_trip, .out = out, .in = in, .total = LARGE), LARGE);
	assert_memory_equal(in, out, LARGE);
	free(out);
	free(in);
}

static void a_read_takes_what_there_is(void **state)
{
	char buffer[16];

	(void)state;
	loopback_say(peer, "abc");
	assert_int_equal(RUN(get, .tcp = tcp, .buffer = buffer, .bytes = sizeof buffer), 3);
	assert_memory_equal(buffer, "abc", 3);
	assert_int_equal(RUN(get, .tcp = tcp, .buffer = buffer, .bytes = 0), 0);
	assert_int_equal(RUN(put, .tcp = tcp, .buffer = buffer, .bytes = 0), 0);
}

static uint64_t bytes_expected;

static bool has_read_them(void *resource)
{
	return rs_load(&((struct rs_resource *)resource)->side_a, RS_RELAXED) >= bytes_expected;
}

static void an_exact_read_waits_for_all_of_it(void **state)
{
	char buffer[6];
	int64_t n = 0;

	(void)state;
	struct rouse_task *task = START(get, .tcp = tcp, .buffer = buffer, .bytes = 6, .exact = true);
	const char *const parts[] = { "a", "bcd", "ef-and-more" };
	bytes_expected = 0;
	for (int i = 0; i < 3; i++) {
		loopback_say(peer, parts[i]);
		if (i == 2)
			break;
		bytes_expected += strlen(parts[i]);
		assert_true(test_eventually(has_read_them, tcp));
		assert_true(test_eventually(is_pending, task));
	}
	assert_int_equal(RUN(join, .task = task, .out = &n), 0);
	assert_int_equal(n, 6);
	assert_memory_equal(buffer, "abcdef", 6);
}

static void an_exact_read_is_short_at_the_end(void **state)
{
	char buffer[6];

	(void)state;
	loopback_say(peer, "abc");
	shutdown(peer, SHUT_WR);
	assert_int_equal(RUN(get, .tcp = tcp, .buffer = buffer, .bytes = 6, .exact = true), 3);
}

static void the_end_behind_the_data_is_seen(void **state)
{
	char buffer[64];

	(void)state;
	loopback_say(peer, "last words");
	shutdown(peer, SHUT_WR);
	assert_int_equal(RUN(get, .tcp = tcp, .buffer = buffer, .bytes = sizeof buffer), 10);
	assert_int_equal(RUN(get, .tcp = tcp, .buffer = buffer, .bytes = sizeof buffer), 0);
	assert_int_equal(RUN(get, .tcp = tcp, .buffer = buffer, .bytes = sizeof buffer), 0);
	/* Half closed: the other direction still works. */
	assert_int_equal(RUN(put, .tcp = tcp, .buffer = "yes", .bytes = 3, .all = true), 3);
	assert_int_equal(recv(peer, buffer, sizeof buffer, 0), 3);
	assert_int_equal(rouse_tcp_shutdown_write(tcp), 0);
	assert_int_equal(recv(peer, buffer, sizeof buffer, 0), 0);
}

/* TCP ends a read at the urgent mark, whatever is behind it. */
static void data_behind_an_urgent_mark_is_read(void **state)
{
	char buffer[64];

	(void)state;
	loopback_say(peer, "abc");
	assert_int_equal(send(peer, "!", 1, MSG_OOB), 1);
	loopback_say(peer, "def");
	for (size_t got = 0; got < 6;) {
		int64_t n = RUN(get, .tcp = tcp, .buffer = buffer + got, .bytes = sizeof buffer - got);

		assert_true(n > 0);
		got += (size_t)n;
	}
	assert_memory_equal(buffer, "abcdef", 6);
}

static void a_reset_ends_reads_and_writes(void **state)
{
	char buffer[16];
	int64_t n = 0;

	(void)state;
	struct rouse_task *task = START(get, .tcp = tcp, .buffer = buffer, .bytes = sizeof buffer);
	assert_true(test_eventually(is_pending, task));
	loopback_reset(peer);
	peer = -1;
	assert_int_equal(RUN(join, .task = task, .out = &n), 0);
	assert_int_equal(n, -ECONNRESET);
	/* On this very thread, whose signals are not blocked like a worker's: no SIGPIPE comes. */
	struct rouse_runtime *workers = enter_current_thread();
	assert_int_equal(RUN(put, .tcp = tcp, .buffer = "x", .bytes = 1, .all = true), -EPIPE);
	leave_current_thread(workers);
}

static void a_write_that_waits_for_room_goes_on(void **state)
{
	size_t total = 8 << 20;
	char *bytes = calloc(1, total);
	char buffer[65536];
	size_t got = 0;
	int64_t n = 0;

	(void)state;
	assert_non_null(bytes);
	struct rouse_task *task = START(put, .tcp = tcp, .buffer = bytes, .bytes = total, .all = true);
	assert_true(test_eventually(is_pending, task));
	while (got < total) {
		ssize_t some = read(peer, buffer, sizeof buffer);

		assert_true(some > 0);
		got += (size_t)some;
	}
	assert_int_equal(RUN(join, .task = task, .out = &n), 0);
	assert_int_equal(n, total);
	free(bytes);
}

static void a_plain_write_answers_what_went(void **state)
{
	size_t total = 32 << 20; /* more than any send buffer */
	char *bytes = calloc(1, total);

	(void)state;
	assert_non_null(bytes);
	int64_t n = RUN(put, .tcp = tcp, .buffer = bytes, .bytes = total);
	assert_true(n > 0 && (size_t)n < total);
	free(bytes);
}

TEST_MAIN(R(a_closed_port_refuses), R(what_is_no_address_is_refused), R(no_connection_is_no_crash),
	R(a_waiting_connect_can_be_dropped), R(ipv6_works_alike), R(large_writes_come_back_whole),
	C(a_read_takes_what_there_is), C(an_exact_read_waits_for_all_of_it), C(an_exact_read_is_short_at_the_end),
	C(the_end_behind_the_data_is_seen), C(data_behind_an_urgent_mark_is_read), C(a_reset_ends_reads_and_writes),
	C(a_write_that_waits_for_room_goes_on), C(a_plain_write_answers_what_went));
