/* SPDX-License-Identifier: MIT */
/*
 * Connections on a real runtime. One end is rouse's, used by tasks that the
 * test blocks on; the other is a plain socket in the test's own hands, so that
 * what happens when is decided here.
 */
#ifndef TEST_TCP_FIXTURE_H
#define TEST_TCP_FIXTURE_H

#include <errno.h>

#include <rouse/rouse.h>

#include "loopback.h"
#include "net/socket.h"

static struct rouse_runtime *runtime;
static struct rouse_tcp *tcp;
static int peer;

/* ------------------------------------------------------------ small tasks */

ROUSE_ASYNC(dial, int64_t,
	const char *address; uint16_t port; struct rouse_tcp **ret;
	int64_t rc; struct rouse_tcp_connect connect;);
ROUSE_BODY(dial)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT(self->rc, rouse_tcp_connect(&self->connect, self->address, self->port, self->ret));
	ROUSE_RETURN(self->rc);
	ROUSE_END;
}

ROUSE_ASYNC(get, int64_t,
	struct rouse_tcp *tcp; void *buffer; size_t bytes; bool exact;
	int64_t rc; struct rouse_tcp_read read;);
ROUSE_BODY(get)
{
	ROUSE_BEGIN;
	if (self->exact)
		ROUSE_AWAIT(self->rc, rouse_tcp_read_exact(&self->read, self->tcp, self->buffer, self->bytes));
	else
		ROUSE_AWAIT(self->rc, rouse_tcp_read(&self->read, self->tcp, self->buffer, self->bytes));
	ROUSE_RETURN(self->rc);
	ROUSE_END;
}

ROUSE_ASYNC(put, int64_t,
	struct rouse_tcp *tcp; const void *buffer; size_t bytes; bool all;
	int64_t rc; struct rouse_tcp_write write;);
ROUSE_BODY(put)
{
	ROUSE_BEGIN;
	if (self->all)
		ROUSE_AWAIT(self->rc, rouse_tcp_write_all(&self->write, self->tcp, self->buffer, self->bytes));
	else
		ROUSE_AWAIT(self->rc, rouse_tcp_write(&self->write, self->tcp, self->buffer, self->bytes));
	ROUSE_RETURN(self->rc);
	ROUSE_END;
}

#define RUN(...)                                                                                   \
	__extension__({                                                                            \
		int64_t result_ = -1;                                                              \
		assert_int_equal(rouse_block_on(runtime, &result_, __VA_ARGS__), 0);               \
		result_;                                                                           \
	})

static inline struct rouse_task *start(struct rouse_task *task)
{
	assert_non_null(task);
	return task;
}

#define START(...) start(rouse_spawn_on(runtime, __VA_ARGS__))

static inline bool is_pending(void *task)
{
	return rouse_task_get_state(task) == ROUSE_TASK_PENDING;
}

ROUSE_ASYNC(join, int64_t,
	struct rouse_task *task; void *out;
	int64_t rc; struct rouse_join join;);
ROUSE_BODY(join)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT(self->rc, rouse_join(&self->join, self->task, self->out));
	ROUSE_RETURN(self->rc);
	ROUSE_END;
}

/* ---------------------------------------------------------------- fixture */

static inline int setup(void **state)
{
	(void)state;
	return rouse_runtime_new(ROUSE_RUNTIME_OPTS(.workers = 2), &runtime);
}

static inline int teardown(void **state)
{
	(void)state;
	rouse_runtime_free(runtime);
	return 0;
}

static inline int setup_connected(void **state)
{
	uint16_t port;
	int listening = loopback_listen(&port);

	if (setup(state))
		return -1;
	assert_int_equal(RUN(dial, .address = "127.0.0.1", .port = port, .ret = &tcp), 0);
	peer = accept(listening, NULL, NULL);
	close(listening);
	return peer < 0;
}

static inline int teardown_connected(void **state)
{
	rouse_tcp_close(tcp);
	if (peer >= 0)
		close(peer);
	return teardown(state);
}

/* RUN() runs on the test's own thread between the two. */
static inline struct rouse_runtime *enter_current_thread(void)
{
	struct rouse_runtime *workers = runtime;

	assert_int_equal(rouse_runtime_new(ROUSE_RUNTIME_OPTS(.current_thread = true), &runtime), 0);
	return workers;
}

static inline void leave_current_thread(struct rouse_runtime *workers)
{
	rouse_runtime_free(runtime);
	runtime = workers;
}

#define R(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)
#define C(NAME) cmocka_unit_test_setup_teardown(NAME, setup_connected, teardown_connected)

#endif
