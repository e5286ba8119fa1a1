/* SPDX-License-Identifier: MIT */
/* Listening and accepting on a real runtime, in good times and bad. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>

#include <rouse/rouse.h>

#include "loopback.h"
#include "net/socket.h"

static struct rouse_runtime *runtime;
static struct rouse_listener *listener;

/* What the next calls of accept4 answer instead of the truth, in order; 0 ends. */
static int accept_errors[8];
static uint32_t accept_error_at;

int __real_accept4(int fd, struct sockaddr *address, socklen_t *bytes, int flags);
int __wrap_accept4(int fd, struct sockaddr *address, socklen_t *bytes, int flags);
int __wrap_accept4(int fd, struct sockaddr *address, socklen_t *bytes, int flags)
{
	int error = accept_errors[accept_error_at];

	if (!error)
		return __real_accept4(fd, address, bytes, flags);
	accept_error_at++;
	errno = error;
	return -1;
}

/* ---------------------------------------------------------------- fixture */

static int open_listener(const char *address, uint16_t port, struct rouse_listener **ret_listener)
{
	struct rouse_guard guard = rouse_enter(runtime);
	int rc = rouse_listener_open(address, port, ret_listener);

	rouse_leave(&guard);
	return rc;
}

static int setup(void **state)
{
	(void)state;
	memset(accept_errors, 0, sizeof accept_errors);
	accept_error_at = 0;
	if (rouse_runtime_new(ROUSE_RUNTIME_OPTS(.workers = 2), &runtime))
		return -1;
	return open_listener("127.0.0.1", 0, &listener);
}

static int teardown(void **state)
{
	(void)state;
	rouse_listener_close(listener);
	rouse_runtime_free(runtime);
	return 0;
}

ROUSE_ASYNC(accept_one, int64_t,
	struct rouse_listener *listener; struct rouse_tcp **ret;
	int64_t rc; struct rouse_listener_accept accept;);
ROUSE_BODY(accept_one)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT(self->rc, rouse_listener_accept(&self->accept, self->listener, self->ret));
	ROUSE_RETURN(self->rc);
	ROUSE_END;
}

static int64_t accept_now(struct rouse_tcp **ret_tcp)
{
	int64_t rc = -1;

	assert_int_equal(rouse_block_on(runtime, &rc, accept_one, .listener = listener, .ret = ret_tcp), 0);
	return rc;
}

static bool is_pending(void *task)
{
	return rouse_task_get_state(task) == ROUSE_TASK_PENDING;
}

/* ------------------------------------------------------------------ tests */

static void a_waiting_accept_gets_the_connection(void **state)
{
	struct rouse_tcp *tcp = NULL;
	struct sockaddr_in at;
	socklen_t bytes = sizeof at;
	char name[24];

	(void)state;
	struct rouse_task *task = rouse_spawn_on(runtime, accept_one, .listener = listener, .ret = &tcp);
	assert_true(test_eventually(is_pending, task));
	int peer = loopback_connect(rouse_listener_port(listener));
	assert_int_equal(rouse_block_until_idle(runtime), 0);
	assert_int_equal(rouse_task_get_state(task), ROUSE_TASK_COMPLETE);
	rouse_task_detach(task);
	assert_non_null(tcp);
	assert_int_equal(getsockname(peer, (struct sockaddr *)&at, &bytes), 0);
	snprintf(name, sizeof name, "127.0.0.1:%u", ntohs(at.sin_port));
	assert_string_equal(((struct rs_resource *)tcp)->name, name);
	assert_true(fcntl(rouse_tcp_fd(tcp), F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(rouse_tcp_fd(tcp), F_GETFD) & FD_CLOEXEC);
	rouse_tcp_close(tcp);
	close(peer);
}

static void its_record_tells_where_and_how_many(void **state)
{
	struct rs_resource *r = (struct rs_resource *)listener;
	struct rouse_tcp *tcp;
	char name[24];

	(void)state;
	snprintf(name, sizeof name, "127.0.0.1:%u", rouse_listener_port(listener));
	assert_string_equal(r->name, name);
	assert_int_equal(r->kind, ROUSE_RESOURCE_LISTENER);
	assert_int_not_equal(r->site, 0);
	assert_int_not_equal(r->capacity, 0);
	for (int i = 1; i <= 3; i++) {
		int peer = loopback_connect(rouse_listener_port(listener));

		assert_int_equal(accept_now(&tcp), 0);
		assert_int_equal(r->side_a, i);
		assert_int_equal(((struct rs_resource *)tcp)->site, r->site);
		rouse_tcp_close(tcp);
		close(peer);
	}
	assert_int_not_equal(r->last_user_a, 0);
	assert_int_equal(r->owner, r->last_user_a);
}

static void connections_that_died_in_the_queue_are_skipped(void **state)
{
	const int dead[] = { ECONNABORTED, EPROTO, EINTR, ENETUNREACH, EHOSTDOWN };
	struct rouse_tcp *tcp = NULL;

	(void)state;
	memcpy(accept_errors, dead, sizeof dead);
	int peer = loopback_connect(rouse_listener_port(listener));
	assert_int_equal(accept_now(&tcp), 0);
	assert_int_equal(accept_error_at, sizeof dead / sizeof dead[0]);
	rouse_tcp_close(tcp);
	close(peer);
}

static void want_of_memory_is_returned_and_passes(void **state)
{
	const int want[] = { ENOBUFS, ENOMEM, ENFILE };
	struct rouse_tcp *tcp = NULL;

	(void)state;
	memcpy(accept_errors, want, sizeof want);
	int peer = loopback_connect(rouse_listener_port(listener));
	for (size_t i = 0; i < sizeof want / sizeof want[0]; i++)
		assert_int_equal(accept_now(&tcp), -want[i]);
	assert_null(tcp);
	assert_int_equal(accept_now(&tcp), 0);
	rouse_tcp_close(tcp);
	close(peer);
}

/* No new edge comes for a connection that could not be accepted: the listener must remember it. */
static void out_of_descriptors_it_goes_on_when_there_are_some(void **state)
{
	struct rouse_tcp *tcp = NULL;
	struct rlimit files, none;

	(void)state;
	/* Past the guess, so that readiness is all it has to go by. */
	int first = loopback_connect(rouse_listener_port(listener));
	assert_int_equal(accept_now(&tcp), 0);
	rouse_tcp_close(tcp);
	tcp = NULL;
	int peer = loopback_connect(rouse_listener_port(listener));
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &files), 0);
	none = (struct rlimit){ (rlim_t)dup(peer), files.rlim_max };
	close((int)none.rlim_cur);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(accept_now(&tcp), -EMFILE);
	assert_null(tcp);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &files), 0);
	assert_int_equal(accept_now(&tcp), 0);
	rouse_tcp_close(tcp);
	close(peer);
	close(first);
}

static void a_port_in_use_is_refused(void **state)
{
	struct rouse_listener *second = NULL;

	(void)state;
	assert_int_equal(open_listener("127.0.0.1", rouse_listener_port(listener), &second), -EADDRINUSE);
	assert_int_equal(open_listener("localhost", 0, &second), -EINVAL);
	assert_int_equal(open_listener(NULL, 0, &second), -EINVAL);
	assert_int_equal(open_listener("127.0.0.1", 0, NULL), -EINVAL);
	assert_int_equal(open_listener("192.0.2.1", 0, &second), -EADDRNOTAVAIL); /* TEST-NET-1: nobody's */
	assert_null(second);
	rouse_listener_close(NULL);
}

static void without_a_runtime_there_is_no_listener(void **state)
{
	struct rouse_listener *none = NULL;

	(void)state;
	assert_int_equal(rouse_listener_open("127.0.0.1", 0, &none), -ROUSE_ENORUNTIME);
	assert_null(none);
}

static void a_listener_may_outlive_its_runtime(void **state)
{
	struct rouse_tcp *tcp = NULL;

	(void)state;
	rouse_runtime_free(runtime);
	assert_int_equal(rouse_runtime_new(ROUSE_RUNTIME_OPTS(.current_thread = true), &runtime), 0);
	assert_int_equal(accept_now(&tcp), -ROUSE_EORPHAN);
	assert_null(tcp);
}

/* ------------------------------------------------------ many connections */

enum { CLIENTS = 1000, WORD = 8 };

ROUSE_ASYNC(serve, int64_t,
	struct rouse_tcp *tcp;
	int64_t n; char word[WORD]; struct rouse_tcp_read read; struct rouse_tcp_write write;);
ROUSE_BODY(serve)
{
	ROUSE_BEGIN;
	for (;;) {
		ROUSE_AWAIT(self->n, rouse_tcp_read_exact(&self->read, self->tcp, self->word, WORD));
		if (self->n != WORD)
			break;
		ROUSE_AWAIT(self->n, rouse_tcp_write_all(&self->write, self->tcp, self->word, WORD));
		if (self->n != WORD)
			break;
	}
	ROUSE_RETURN(self->n);
	ROUSE_FINALLY: rouse_tcp_close(self->tcp);
	ROUSE_END;
}

ROUSE_ASYNC(server, int64_t,
	int accepted; int64_t rc; struct rouse_tcp *tcp; struct rouse_listener_accept accept;);
ROUSE_BODY(server)
{
	ROUSE_BEGIN;
	for (self->accepted = 0; self->accepted < CLIENTS; self->accepted++) {
		ROUSE_AWAIT(self->rc, rouse_listener_accept(&self->accept, listener, &self->tcp));
		if (self->rc)
			break;
		rouse_spawn_detached(serve, .tcp = self->tcp);
	}
	ROUSE_RETURN(self->rc);
	ROUSE_END;
}

/* All are connected before the first says anything. */
static int connected;

ROUSE_ASYNC(client, int64_t,
	int number;
	int round; int64_t rc; char word[32], answer[WORD]; struct rouse_tcp *tcp;
	struct rouse_tcp_connect connect; struct rouse_yield yield;
	struct rouse_tcp_read read; struct rouse_tcp_write write;);
ROUSE_BODY(client)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT(self->rc, rouse_tcp_connect(&self->connect, "127.0.0.1", rouse_listener_port(listener),
		&self->tcp));
	if (self->rc)
		ROUSE_RETURN(self->rc);
	rs_fetch_add(&connected, 1, RS_RELAXED);
	while (rs_load(&connected, RS_RELAXED) < CLIENTS)
		ROUSE_AWAIT_ONLY(rouse_yield(&self->yield));
	for (self->round = 0; self->round < 3; self->round++) {
		snprintf(self->word, sizeof self->word, "%03d/%04d", self->round, self->number);
		ROUSE_AWAIT(self->rc, rouse_tcp_write_all(&self->write, self->tcp, self->word, WORD));
		if (self->rc != WORD)
			ROUSE_RETURN(-1);
		ROUSE_AWAIT(self->rc, rouse_tcp_read_exact(&self->read, self->tcp, self->answer, WORD));
		if (self->rc != WORD || memcmp(self->word, self->answer, WORD) != 0)
			ROUSE_RETURN(-2);
	}
	ROUSE_RETURN(0);
	ROUSE_FINALLY: rouse_tcp_close(self->tcp);
	ROUSE_END;
}

ROUSE_ASYNC(crowd, int64_t,
	struct rouse_task **clients;
	int i; int64_t rc, outcome, failed; struct rouse_join join;);
ROUSE_BODY(crowd)
{
	ROUSE_BEGIN;
	for (self->i = 0; self->i < CLIENTS; self->i++)
		self->clients[self->i] = rouse_spawn(client, .number = self->i);
	for (self->i = 0; self->i < CLIENTS; self->i++) {
		ROUSE_AWAIT(self->rc, rouse_join(&self->join, self->clients[self->i], &self->outcome));
		self->failed += self->rc || self->outcome;
	}
	ROUSE_RETURN(self->failed);
	ROUSE_END;
}

static void a_thousand_connections_each_get_their_own_answers(void **state)
{
	struct rouse_task **clients = calloc(CLIENTS, sizeof *clients);
	struct rlimit before, files;
	int64_t failed = -1;

	(void)state;
	assert_non_null(clients);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	files = before;
	files.rlim_cur = files.rlim_max;
	if (files.rlim_max < 2 * CLIENTS + 100)
		test_skip("needs %d descriptors", 2 * CLIENTS + 100);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &files), 0);
	connected = 0;
	rouse_task_detach(rouse_spawn_on(runtime, server));
	assert_int_equal(rouse_block_on(runtime, &failed, crowd, .clients = clients), 0);
	assert_int_equal(failed, 0);
	assert_int_equal(rouse_block_until_idle(runtime), 0);
	assert_int_equal(((struct rs_resource *)listener)->side_a, CLIENTS);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	free(clients);
}

#define T(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)
TEST_MAIN(T(a_waiting_accept_gets_the_connection), T(its_record_tells_where_and_how_many),
	T(connections_that_died_in_the_queue_are_skipped), T(want_of_memory_is_returned_and_passes),
	T(out_of_descriptors_it_goes_on_when_there_are_some), T(a_port_in_use_is_refused),
	T(without_a_runtime_there_is_no_listener), T(a_listener_may_outlive_its_runtime),
	T(a_thousand_connections_each_get_their_own_answers));
