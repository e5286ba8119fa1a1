/* SPDX-License-Identifier: MIT */
/* What a connection knows of its readiness, who may use it, and how it is seen. */
#include "tcp_fixture.h"

#include <netinet/tcp.h>
#include <sys/wait.h>

/* Calls of recv by the runtime. */
static uint32_t recvs; /* calls of recv by the runtime */

ssize_t __real_recv(int fd, void *buffer, size_t bytes, int flags);
ssize_t __wrap_recv(int fd, void *buffer, size_t bytes, int flags);
ssize_t __wrap_recv(int fd, void *buffer, size_t bytes, int flags)
{
	rs_fetch_add(&recvs, 1u, RS_RELAXED);
	return __real_recv(fd, buffer, bytes, flags);
}

/* -------------------------------------------------------------- readiness */

static bool was_reported(void *resource)
{
	return rs_load(&((struct rs_resource *)resource)->flags, RS_RELAXED) & ROUSE_RESOURCE_WRITABLE;
}

/* A request read short costs one recv; the wait for the next one costs none. */
static void a_request_costs_one_recv(void **state)
{
	char buffer[64];
	int64_t n = 0;

	(void)state;
	assert_true(test_eventually(was_reported, tcp));
	for (int i = 0; i < 3; i++) {
		struct rouse_task *task = START(get, .tcp = tcp, .buffer = buffer, .bytes = sizeof buffer);

		assert_true(test_eventually(is_pending, task));
		rs_store(&recvs, 0u, RS_RELAXED);
		loopback_say(peer, "request");
		assert_int_equal(RUN(join, .task = task, .out = &n), 0);
		assert_int_equal(n, 7);
		assert_int_equal(rs_load(&recvs, RS_RELAXED), 1);
		task = START(get, .tcp = tcp, .buffer = buffer, .bytes = sizeof buffer);
		assert_true(test_eventually(is_pending, task));
		assert_int_equal(rs_load(&recvs, RS_RELAXED), 1);
		rouse_task_abort(task);
		assert_int_equal(RUN(join, .task = task, .out = &n), -ECANCELED);
	}
}

/* Filling the buffer tells nothing about what is behind it, so it is tried again. */
static void a_full_buffer_is_not_the_end(void **state)
{
	char buffer[4];

	(void)state;
	loopback_say(peer, "12345678");
	assert_int_equal(RUN(get, .tcp = tcp, .buffer = buffer, .bytes = 4), 4);
	assert_int_equal(RUN(get, .tcp = tcp, .buffer = buffer, .bytes = 4), 4);
	assert_memory_equal(buffer, "5678", 4);
}

static void a_second_reader_is_busy(void **state)
{
	char one[16], two[16];
	int64_t n = 0;

	(void)state;
	struct rouse_task *task = START(get, .tcp = tcp, .buffer = one, .bytes = sizeof one);
	assert_true(test_eventually(is_pending, task));
	assert_int_equal(RUN(get, .tcp = tcp, .buffer = two, .bytes = sizeof two), -EBUSY);
	assert_int_equal(RUN(put, .tcp = tcp, .buffer = "w", .bytes = 1, .all = true), 1); /* a writer is welcome */
	loopback_say(peer, "one");
	assert_int_equal(RUN(join, .task = task, .out = &n), 0);
	assert_int_equal(n, 3);
}

static void a_cancelled_read_leaves_the_data_and_the_socket(void **state)
{
	char buffer[16];
	int64_t n = 0;

	(void)state;
	struct rouse_task *task = START(get, .tcp = tcp, .buffer = buffer, .bytes = sizeof buffer);
	assert_true(test_eventually(is_pending, task));
	rouse_task_abort(task);
	assert_int_equal(RUN(join, .task = task, .out = &n), -ECANCELED);
	loopback_say(peer, "late");
	assert_int_equal(RUN(get, .tcp = tcp, .buffer = buffer, .bytes = sizeof buffer), 4);
}

/* The event comes while the socket of a cancelled reader is closed: whoever gets the memory next is not touched. */
static void closing_after_cancel_races_the_event(void **state)
{
	char buffer[16];
	int64_t n;

	(void)state;
	for (int i = 0; i < 200; i++) {
		uint16_t port;
		int listening = loopback_listen(&port);
		struct rouse_tcp *client;

		assert_int_equal(RUN(dial, .address = "127.0.0.1", .port = port, .ret = &client), 0);
		int other = accept(listening, NULL, NULL);
		struct rouse_task *task = START(get, .tcp = client, .buffer = buffer, .bytes = 1);
		assert_true(test_eventually(is_pending, task));
		rouse_task_abort(task);
		loopback_say(other, "x");
		(void)RUN(join, .task = task, .out = &n);
		rouse_tcp_close(client);
		close(other);
		close(listening);
	}
}

ROUSE_ASYNC(bystander, int64_t,
	const bool *done; int64_t turns; struct rouse_yield yield;);
ROUSE_BODY(bystander)
{
	ROUSE_BEGIN;
	while (!*self->done) {
		self->turns++;
		ROUSE_AWAIT_ONLY(rouse_yield(&self->yield));
	}
	ROUSE_RETURN(self->turns);
	ROUSE_END;
}

ROUSE_ASYNC(hog, int64_t,
	struct rouse_tcp *tcp; bool done;
	int64_t i, rc, turns; char byte; struct rouse_task *task; struct rouse_tcp_read read; struct rouse_join join;);
ROUSE_BODY(hog)
{
	ROUSE_BEGIN;
	self->task = rouse_spawn(bystander, .done = &self->done);
	for (self->i = 0; self->i < 4096; self->i++) {
		ROUSE_AWAIT(self->rc, rouse_tcp_read(&self->read, self->tcp, &self->byte, 1));
		if (self->rc != 1)
			ROUSE_RETURN(-1);
	}
	self->done = true;
	ROUSE_AWAIT(self->rc, rouse_join(&self->join, self->task, &self->turns));
	ROUSE_RETURN(self->rc ? self->rc : self->turns);
	ROUSE_END;
}

static void a_reader_that_never_waits_lets_others_run(void **state)
{
	char bytes[4096] = { 0 };

	(void)state;
	assert_int_equal(send(peer, bytes, sizeof bytes, 0), sizeof bytes);
	struct rouse_runtime *workers = enter_current_thread();
	assert_true(RUN(hog, .tcp = tcp) >= 4096 / 256);
	leave_current_thread(workers);
}

/* ------------------------------------------------------ what outsiders see */

static void the_record_tells_what_went_through(void **state)
{
	struct rs_resource *r = (struct rs_resource *)tcp;
	struct sockaddr_in at;
	socklen_t bytes = sizeof at;
	char buffer[64], name[24];
	int64_t n = 0;

	(void)state;
	loopback_say(peer, "hello");
	assert_int_equal(RUN(get, .tcp = tcp, .buffer = buffer, .bytes = sizeof buffer), 5);
	assert_int_equal(RUN(put, .tcp = tcp, .buffer = "bye", .bytes = 3, .all = true), 3);
	assert_int_equal(getsockname(peer, (struct sockaddr *)&at, &bytes), 0);
	snprintf(name, sizeof name, "127.0.0.1:%u", ntohs(at.sin_port));
	assert_string_equal(r->name, name);
	assert_int_equal(r->kind, ROUSE_RESOURCE_SOCKET);
	assert_int_equal(r->value, rouse_tcp_fd(tcp));
	assert_int_equal(r->side_a, 5);
	assert_int_equal(r->side_b, 3);
	assert_int_not_equal(r->last_user_a, 0);
	assert_int_not_equal(r->last_user_b, r->last_user_a); /* two tasks */
	assert_int_equal(r->owner, r->last_user_b);
	assert_true(test_eventually(was_reported, tcp));
	assert_false(r->flags & ROUSE_RESOURCE_READABLE);
	struct rouse_task *task = START(get, .tcp = tcp, .buffer = buffer, .bytes = 1);
	assert_true(test_eventually(is_pending, task));
	loopback_say(peer, "xy");
	assert_int_equal(RUN(join, .task = task, .out = &n), 0);
	assert_true(r->flags & ROUSE_RESOURCE_READABLE); /* "y" */
	assert_int_equal(r->last_user_a, r->owner);
}

static void a_socket_may_outlive_its_runtime(void **state)
{
	struct rouse_runtime *home = runtime;
	char buffer[16];
	int64_t n = 0;

	(void)state;
	assert_int_equal(rouse_runtime_new(ROUSE_RUNTIME_OPTS(.workers = 1), &runtime), 0);
	/* A task of another runtime waits for it when its own goes. */
	struct rouse_task *task = START(get, .tcp = tcp, .buffer = buffer, .bytes = 1);
	assert_true(test_eventually(is_pending, task));
	rouse_runtime_free(home);
	assert_int_equal(RUN(join, .task = task, .out = &n), 0);
	assert_int_equal(n, -ROUSE_EORPHAN);
	loopback_say(peer, "x");
	assert_int_equal(RUN(get, .tcp = tcp, .buffer = buffer, .bytes = 1), -ROUSE_EORPHAN);
	assert_int_equal(RUN(put, .tcp = tcp, .buffer = buffer, .bytes = 1), -ROUSE_EORPHAN);
}

static void a_forked_child_does_not_disturb_its_parent(void **state)
{
	char buffer[16];
	int64_t n = 0;
	int status;

	(void)state;
	struct rouse_task *task = START(get, .tcp = tcp, .buffer = buffer, .bytes = 1);
	assert_true(test_eventually(is_pending, task));
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		alarm(5); /* not inherited: should it hang, it ends, and the parent says so */
		rouse_tcp_close(tcp);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	loopback_say(peer, "x");
	assert_int_equal(RUN(join, .task = task, .out = &n), 0);
	assert_int_equal(n, 1);
}

static void nodelay_reaches_the_kernel(void **state)
{
	int on = 0;
	socklen_t bytes = sizeof on;

	(void)state;
	assert_int_equal(rouse_tcp_set_nodelay(tcp, true), 0);
	assert_int_equal(getsockopt(rouse_tcp_fd(tcp), IPPROTO_TCP, TCP_NODELAY, &on, &bytes), 0);
	assert_true(on);
	assert_int_equal(rouse_tcp_set_nodelay(tcp, false), 0);
	assert_int_equal(getsockopt(rouse_tcp_fd(tcp), IPPROTO_TCP, TCP_NODELAY, &on, &bytes), 0);
	assert_false(on);
}

TEST_MAIN(C(a_request_costs_one_recv), C(a_full_buffer_is_not_the_end), C(a_second_reader_is_busy),
	C(a_cancelled_read_leaves_the_data_and_the_socket), R(closing_after_cancel_races_the_event),
	C(a_reader_that_never_waits_lets_others_run), C(the_record_tells_what_went_through),
	C(a_socket_may_outlive_its_runtime), C(a_forked_child_does_not_disturb_its_parent),
	C(nodelay_reaches_the_kernel));
