/* SPDX-License-Identifier: MIT */
/*
 * The reactor with threads: tasks stood in for by threads that sleep on a
 * futex until woken. A lost wake-up shows as a hang, which the guard names.
 */
#include "test.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/futex.h"
#include "driver/reactor.h"

static struct rs_reactor *reactor;
static uint32_t stop;

static int setup(void **state)
{
	(void)state;
	stop = 0;
	return rs_reactor_new(&reactor);
}

static int teardown(void **state)
{
	(void)state;
	rs_reactor_free(reactor);
	return 0;
}

static void *driver(void *arg)
{
	(void)arg;
	while (!rs_load(&stop, RS_ACQUIRE))
		if (rs_reactor_turn(reactor, UINT64_MAX, RS_REACTOR_EVENTS) < 0)
			return (void *)1;
	return NULL;
}

static pthread_t start_driver(void)
{
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, driver, NULL), 0);
	return thread;
}

static void stop_driver(pthread_t thread)
{
	void *failed;

	rs_store(&stop, 1u, RS_RELEASE);
	rs_reactor_poke(reactor);
	assert_int_equal(pthread_join(thread, &failed), 0);
	assert_null(failed);
}

/* A waker that wakes a sleeping thread. */
static void *bell_clone(void *data)
{
	return data;
}
static void bell_wake(void *data)
{
	rs_store((uint32_t *)data, 1u, RS_RELEASE);
	rs_futex_wake(data, 1);
}
static void bell_drop(void *data)
{
	(void)data;
}
static const struct rouse_waker_vtable bell_vtable = { bell_clone, bell_wake, bell_wake, bell_drop };

static void sleep_until_rung(uint32_t *bell)
{
	while (!rs_exchange(bell, 0u, RS_ACQUIRE))
		(void)rs_futex_wait(bell, 0, UINT64_MAX);
}

enum { BYTES = 200000 };

static void *writer(void *arg)
{
	int fd = *(int *)arg;
	uint64_t random = 1;

	for (int sent = 0; sent < BYTES;) {
		char block[64] = { 0 };
		int n = (int)(test_random(&random) % sizeof block) + 1;
		ssize_t rc = send(fd, block, (size_t)(n < BYTES - sent ? n : BYTES - sent), MSG_NOSIGNAL);

		if (rc < 0)
			return (void *)1;
		sent += (int)rc;
	}
	shutdown(fd, SHUT_WR);
	return NULL;
}

/* Reads to the end as a leaf future does: try, clear on EAGAIN or a short read, wait. Answers bytes read. */
static int read_all(struct rs_io *io)
{
	uint32_t bell = 0, tick;
	struct rouse_context cx = { .waker = { &bell, &bell_vtable } };
	struct rouse_wait wait;
	char buffer[256];
	int total = 0, error;

	rs_wait_init(&wait, ROUSE_OP_READ);
	for (;;) {
		if (!rs_io_poll(io, RS_READ, &wait, &cx, &tick, &error).ready) {
			sleep_until_rung(&bell);
			continue;
		}
		assert_int_equal(error, 0);
		ssize_t n = recv(io->fd, buffer, sizeof buffer, MSG_DONTWAIT);
		if (n == 0)
			return total;
		if (n < 0) {
			assert_int_equal(errno, EAGAIN);
			rs_io_clear(io, RS_READ, tick);
			continue;
		}
		total += (int)n;
		if ((size_t)n < sizeof buffer)
			rs_io_drained(io, RS_READ, tick);
	}
}

static void no_edge_is_lost_between_reader_and_reactor(void **state)
{
	struct rs_resource resource = { .serial = 1 };
	struct rs_io io;
	pthread_t turning = start_driver(), writing;
	void *failed;
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(rs_io_register(&io, reactor, &resource, pair[0]), 0);
	assert_int_equal(pthread_create(&writing, NULL, writer, &pair[1]), 0);
	assert_int_equal(read_all(&io), BYTES);
	assert_int_equal(pthread_join(writing, &failed), 0);
	assert_null(failed);
	rs_io_deregister(&io);
	stop_driver(turning);
	close(pair[0]);
	close(pair[1]);
}

enum { ROUNDS = 3000, CHURNERS = 3 };

/* Outlive the rounds: a wake that is under way when its waiter is cancelled still arrives. */
static uint32_t bells[CHURNERS];

/* Registers, waits for one byte (or gives up waiting), deregisters, closes; the number comes back at once. */
static void *churn(void *arg)
{
	uint32_t *bell = arg;
	uint64_t random = (uint64_t)(bell - bells);

	for (int i = 0; i < ROUNDS; i++) {
		struct rs_resource resource = { .serial = 1 };
		struct rs_io io;
		uint32_t tick;
		struct rouse_context cx = { .waker = { bell, &bell_vtable } };
		struct rouse_wait wait;
		int pair[2], error;

		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) < 0 ||
			rs_io_register(&io, reactor, &resource, pair[0]) < 0)
			return (void *)1;
		rs_wait_init(&wait, ROUSE_OP_READ);
		rs_io_clear(&io, RS_READ, 0);
		bool ready = rs_io_poll(&io, RS_READ, &wait, &cx, &tick, &error).ready;
		if (ready || write(pair[1], "x", 1) != 1)
			return (void *)1;
		if (test_random(&random) & 1) {
			do
				sleep_until_rung(bell);
			while (!rs_io_poll(&io, RS_READ, &wait, &cx, &tick, &error).ready);
			if (error)
				return (void *)1;
		} else {
			rs_io_cancel(&io, RS_READ, &wait);
		}
		rs_io_deregister(&io);
		close(pair[0]);
		close(pair[1]);
		memset(&io, 0xa5, sizeof io);
		memset(&wait, 0xa5, sizeof wait);
		memset(&resource, 0xa5, sizeof resource);
	}
	return NULL;
}

static void registrations_come_and_go_under_a_running_turn(void **state)
{
	pthread_t turning = start_driver(), thread[CHURNERS];
	void *failed;

	(void)state;
	for (int i = 0; i < CHURNERS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, churn, &bells[i]), 0);
	for (int i = 0; i < CHURNERS; i++) {
		assert_int_equal(pthread_join(thread[i], &failed), 0);
		assert_null(failed);
	}
	assert_int_equal(rs_reactor_count(reactor), 0);
	stop_driver(turning);
}

static uint32_t work, seen;

static void *poked_driver(void *arg)
{
	(void)arg;
	while (rs_load(&seen, RS_RELAXED) < ROUNDS) {
		uint32_t have = rs_load(&work, RS_ACQUIRE);

		if (have != rs_load(&seen, RS_RELAXED)) {
			rs_store(&seen, have, RS_RELEASE);
			rs_futex_wake(&seen, 1);
		} else if (rs_reactor_turn(reactor, UINT64_MAX, RS_REACTOR_EVENTS) < 0) {
			return (void *)1;
		}
	}
	return NULL;
}

static void every_poke_is_followed_by_a_look(void **state)
{
	pthread_t thread;
	void *failed;

	(void)state;
	work = seen = 0;
	assert_int_equal(pthread_create(&thread, NULL, poked_driver, NULL), 0);
	for (uint32_t i = 1; i <= ROUNDS; i++) {
		rs_store(&work, i, RS_RELEASE);
		rs_reactor_poke(reactor);
		if (i % 3)
			continue; /* pokes that meet a turn already on its way */
		for (uint32_t now; (now = rs_load(&seen, RS_ACQUIRE)) != i;)
			(void)rs_futex_wait(&seen, now, UINT64_MAX);
	}
	assert_int_equal(pthread_join(thread, &failed), 0);
	assert_null(failed);
}

#define T(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)
TEST_MAIN(T(no_edge_is_lost_between_reader_and_reactor), T(registrations_come_and_go_under_a_running_turn),
	T(every_poke_is_followed_by_a_look));
