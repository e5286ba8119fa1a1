/* SPDX-License-Identifier: MIT */
/*
 * A small server and its client, with each call that they take failing in
 * turn. Whatever fails: the work ends, with success or an error that says so,
 * every task is accounted for, and nothing is left behind.
 */
#include "fault.h"

#include <errno.h>
#include <string.h>

#include <rouse/rouse.h>

enum { CLIENTS = 3, JOBS = 3, MESSAGES = 100 };

static void collect(void *arg, const char *line)
{
	(void)arg;
	(void)line;
}

/* Ends the program's part in a step: its error, or this if a connection was cut. */
enum { CUT = -ENODATA };

ROUSE_ASYNC(echo, int64_t,
	struct rouse_tcp *tcp;
	int64_t n; char buffer[64]; struct rouse_tcp_read read; struct rouse_tcp_write write;);
ROUSE_BODY(echo)
{
	ROUSE_BEGIN;
	for (;;) {
		ROUSE_AWAIT(self->n, rouse_tcp_read(&self->read, self->tcp, self->buffer, sizeof self->buffer));
		if (self->n <= 0)
			break;
		ROUSE_AWAIT(self->n, rouse_tcp_write_all(&self->write, self->tcp, self->buffer, (size_t)self->n));
		if (self->n < 0)
			break;
	}
	ROUSE_RETURN(self->n);
	ROUSE_FINALLY: rouse_tcp_close(self->tcp);
	ROUSE_END;
}

/* Goes on after every error; its parent ends it. */
ROUSE_ASYNC(serve, int64_t,
	struct rouse_listener *listener;
	int64_t rc; struct rouse_tcp *tcp; struct rouse_listener_accept accept; struct rouse_sleep sleep;);
ROUSE_BODY(serve)
{
	ROUSE_BEGIN;
	for (;;) {
		ROUSE_AWAIT(self->rc, rouse_listener_accept(&self->accept, self->listener, &self->tcp));
		if (self->rc == 0)
			rouse_spawn_detached(echo, .tcp = self->tcp);
		else
			ROUSE_AWAIT_ONLY(rouse_sleep(&self->sleep, ROUSE_MS));
	}
	ROUSE_FINALLY: rouse_listener_close(self->listener);
	ROUSE_END;
}

ROUSE_ASYNC(ask, int64_t,
	uint16_t port;
	int64_t n; char answer[8]; struct rouse_tcp *tcp;
	struct rouse_tcp_connect connect; struct rouse_tcp_read read; struct rouse_tcp_write write;);
ROUSE_BODY(ask)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT(self->n, rouse_tcp_connect(&self->connect, "127.0.0.1", self->port, &self->tcp));
	if (self->n < 0)
		ROUSE_RETURN(self->n);
	ROUSE_AWAIT(self->n, rouse_tcp_write_all(&self->write, self->tcp, "question", 8));
	if (self->n < 0)
		ROUSE_RETURN(self->n);
	ROUSE_AWAIT(self->n, rouse_tcp_read_exact(&self->read, self->tcp, self->answer, 8));
	if (self->n < 0)
		ROUSE_RETURN(self->n);
	ROUSE_RETURN(self->n == 8 && memcmp(self->answer, "question", 8) == 0 ? 0 : CUT);
	ROUSE_FINALLY: rouse_tcp_close(self->tcp);
	ROUSE_END;
}

static int64_t square(void *arg)
{
	return *(int *)arg * *(int *)arg;
}

/* Fills an unbounded channel past its first block, and reads it back. */
static int64_t channel_round(struct rouse_mpsc *channel)
{
	int got;

	for (int i = 0; i < MESSAGES; i++) {
		int rc = rouse_mpsc_try_send(channel, &i);

		if (rc < 0)
			return rc;
	}
	for (int i = 0; i < MESSAGES; i++)
		if (rouse_mpsc_try_recv(channel, &got) < 0 || got != i)
			return -EBADMSG;
	return 0;
}

#define TRY(STEP)                                                                                  \
	do {                                                                                       \
		self->rc = (STEP);                                                                 \
		if (self->rc < 0)                                                                  \
			ROUSE_RETURN(self->rc);                                                    \
	} while (0)

ROUSE_ASYNC(workload, int64_t,
	int64_t rc, n; int i, number; uint16_t port;
	struct rouse_listener *listener; struct rouse_task *server, *client;
	struct rouse_mpsc *channel; struct rouse_blocking job; struct rouse_join join;);
ROUSE_BODY(workload)
{
	ROUSE_BEGIN;
	TRY(rouse_listener_open("127.0.0.1", 0, &self->listener));
	self->port = rouse_listener_port(self->listener);
	self->server = rouse_spawn(serve, .listener = self->listener);
	if (!self->server)
		ROUSE_RETURN(-errno);
	for (self->i = 0; self->i < CLIENTS; self->i++) {
		self->client = rouse_spawn(ask, .port = self->port);
		if (!self->client)
			ROUSE_RETURN(-errno);
		ROUSE_AWAIT(self->rc, rouse_join(&self->join, self->client, &self->n));
		TRY(self->rc ? self->rc : self->n);
	}
	for (self->i = 0; self->i < JOBS; self->i++) {
		self->number = self->i + 2;
		ROUSE_AWAIT(self->n, rouse_blocking(&self->job, square, &self->number));
		TRY(self->n);
		if (self->n != self->number * self->number)
			ROUSE_RETURN(-EBADMSG);
	}
	self->channel = rouse_mpsc_new("work", sizeof(int), 0);
	if (!self->channel)
		ROUSE_RETURN(-errno);
	TRY(channel_round(self->channel));
	ROUSE_RETURN(0);
	ROUSE_FINALLY:
		if (self->channel) {
			rouse_mpsc_drop_sender(self->channel);
			rouse_mpsc_drop_receiver(self->channel);
		}
		if (self->server) {
			rouse_task_abort(self->server);
			rouse_task_detach(self->server);
		}
	ROUSE_END;
}

/* 0, the error that was injected, or a connection cut because the other side met it. */
static bool is_explained(int64_t rc, enum fault_kind kind)
{
	return rc == 0 || rc == -fault_error(kind) || rc == CUT || rc == -ECONNRESET || rc == -EPIPE;
}

static uint32_t fail_each(enum fault_kind kind)
{
	struct fault_stock before = fault_take_stock();
	uint32_t n = 1;

	for (bool hit = true; hit; n++) {
		struct rouse_runtime *runtime = NULL;
		struct rouse_totals totals;
		int64_t result = -1;

		assert_int_equal(rouse_runtime_new(ROUSE_RUNTIME_OPTS(.workers = 2, .log = collect), &runtime), 0);
		fault_quiet();
		fault_arm(kind, n);
		int rc = rouse_block_on(runtime, &result, workload);
		hit = fault_disarm();
		fault_loud();
		if (rc == 0)
			rc = (int)result;
		if (!is_explained(rc, kind) || (rc && !hit))
			fail_msg("call %u of %s failed: the work ended with %d (%s)", n, fault_name(kind), rc,
				rouse_strerror(rc));
		assert_int_equal(rouse_block_until_idle(runtime), 0);
		rouse_runtime_totals(runtime, &totals);
		assert_int_equal(totals.live, 0);
		assert_int_equal(totals.spawned, totals.completed + totals.cancelled + totals.panicked);
		assert_int_equal(totals.panicked, 0);
		rouse_runtime_free(runtime);
		fault_check_back(&before, fault_name(kind), n);
	}
	return n - 2;
}

static void descriptors_run_out(void **state)
{
	(void)state;
	assert_int_equal(fail_each(FAULT_socket), 1 + CLIENTS);
	assert_true(fail_each(FAULT_accept4) >= CLIENTS);
}

static void the_network_refuses(void **state)
{
	(void)state;
	assert_int_equal(fail_each(FAULT_bind), 1);
	assert_int_equal(fail_each(FAULT_listen), 1);
	assert_int_equal(fail_each(FAULT_connect), CLIENTS);
}

/* max_user_watches: neither a listener nor a connection can be registered. */
static void epoll_takes_no_more(void **state)
{
	(void)state;
	assert_true(fail_each(FAULT_epoll_ctl) >= 1 + 2 * CLIENTS);
}

static void memory_runs_out(void **state)
{
	(void)state;
	assert_true(fail_each(FAULT_mmap) >= 2);
	assert_true(fail_each(FAULT_malloc) >= 1);
	assert_true(fail_each(FAULT_calloc) >= 1);
	(void)fail_each(FAULT_aligned_alloc);
}

static void no_thread_for_a_blocking_job(void **state)
{
	(void)state;
	assert_true(fail_each(FAULT_pthread_create) >= 1);
}

TEST_MAIN(cmocka_unit_test(descriptors_run_out), cmocka_unit_test(the_network_refuses),
	cmocka_unit_test(epoll_takes_no_more), cmocka_unit_test(memory_runs_out),
	cmocka_unit_test(no_thread_for_a_blocking_job));
