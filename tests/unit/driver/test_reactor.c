/* SPDX-License-Identifier: MIT */
/*
 * The reactor without a runtime: resources on the stack, wakers that count,
 * turns made by hand. The system calls it makes are wrapped, so that things
 * can happen between the kernel's report and its delivery.
 */
#include "test.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <rouse/runtime.h>

#include "base/clock.h"
#include "driver/reactor.h"

/* ------------------------------------------------------- system calls */

static struct {
	int create_error, eventfd_error, ctl_error, pwait2_error;
	int waits;             /* calls of epoll_wait */
	int wait_ms;           /* what the last one was given */
	void (*harvested)(void); /* called once, after events left the kernel */
} sys;

int __real_epoll_pwait2(int epfd, struct epoll_event *events, int max, const struct timespec *timeout, const sigset_t *mask);
int __wrap_epoll_pwait2(int epfd, struct epoll_event *events, int max, const struct timespec *timeout, const sigset_t *mask);
int __wrap_epoll_pwait2(int epfd, struct epoll_event *events, int max, const struct timespec *timeout, const sigset_t *mask)
{
	void (*harvested)(void) = sys.harvested;

	if (sys.pwait2_error) {
		errno = sys.pwait2_error;
		return -1;
	}
	int n = __real_epoll_pwait2(epfd, events, max, timeout, mask);
	sys.harvested = NULL;
	if (harvested)
		harvested();
	return n;
}

int __real_epoll_wait(int epfd, struct epoll_event *events, int max, int timeout);
int __wrap_epoll_wait(int epfd, struct epoll_event *events, int max, int timeout);
int __wrap_epoll_wait(int epfd, struct epoll_event *events, int max, int timeout)
{
	sys.waits++;
	sys.wait_ms = timeout;
	return __real_epoll_wait(epfd, events, max, timeout > 1000 ? 0 : timeout);
}

static int fail_with(int error)
{
	errno = error;
	return -1;
}

int __real_epoll_ctl(int epfd, int op, int fd, struct epoll_event *event);
int __wrap_epoll_ctl(int epfd, int op, int fd, struct epoll_event *event);
int __wrap_epoll_ctl(int epfd, int op, int fd, struct epoll_event *event)
{
	return sys.ctl_error ? fail_with(sys.ctl_error) : __real_epoll_ctl(epfd, op, fd, event);
}

int __real_epoll_create1(int flags);
int __wrap_epoll_create1(int flags);
int __wrap_epoll_create1(int flags)
{
	return sys.create_error ? fail_with(sys.create_error) : __real_epoll_create1(flags);
}

int __real_eventfd(unsigned int value, int flags);
int __wrap_eventfd(unsigned int value, int flags);
int __wrap_eventfd(unsigned int value, int flags)
{
	return sys.eventfd_error ? fail_with(sys.eventfd_error) : __real_eventfd(value, flags);
}

/* ------------------------------------------------------------ fixture */

/* A waker that counts what is done to it. */
struct counter {
	int wakes, clones, drops;
};
static void *count_clone(void *data)
{
	((struct counter *)data)->clones++;
	return data;
}
static void count_wake(void *data)
{
	((struct counter *)data)->wakes++;
}
static void count_drop(void *data)
{
	((struct counter *)data)->drops++;
}
static const struct rouse_waker_vtable counting = { count_clone, count_wake, count_wake, count_drop };

static struct rouse_context context_of(struct counter *counter)
{
	return (struct rouse_context){ .waker = { counter, &counting } };
}

/* A registered end of a socket pair, and one future in each direction. */
struct end {
	struct rs_resource resource;
	struct rs_io io;
	int peer;
	struct rouse_wait wait[2];
	struct counter counter[2];
	uint32_t tick;
	int error;
};

static struct rs_reactor *reactor;

static int setup(void **state)
{
	(void)state;
	memset(&sys, 0, sizeof sys);
	return rs_reactor_new(&reactor);
}

static int teardown(void **state)
{
	(void)state;
	rs_reactor_free(reactor);
	return 0;
}

static void watch(struct end *end, int fd, int peer)
{
	memset(end, 0, sizeof *end);
	end->resource.serial = 77;
	end->peer = peer;
	rs_wait_init(&end->wait[RS_READ], ROUSE_OP_READ);
	rs_wait_init(&end->wait[RS_WRITE], ROUSE_OP_WRITE);
	assert_int_equal(rs_io_register(&end->io, reactor, &end->resource, fd), 0);
}

static void open_end(struct end *end)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
	watch(end, pair[0], pair[1]);
}

static void close_end(struct end *end)
{
	rs_io_deregister(&end->io);
	close(end->io.fd);
	if (end->peer >= 0)
		close(end->peer);
}

static bool poll_end(struct end *end, enum rs_direction direction)
{
	struct rouse_context cx = context_of(&end->counter[direction]);

	return rs_io_poll(&end->io, direction, &end->wait[direction], &cx, &end->tick, &end->error).ready;
}

/* Past the guess and the first report: writable, not readable, the reader waits. */
static void open_waiting(struct end *end)
{
	open_end(end);
	assert_int_equal(rs_reactor_turn(reactor, 0), 1);
	assert_false(poll_end(end, RS_READ));
}

static void say(struct end *end, const char *text)
{
	assert_int_equal(write(end->peer, text, strlen(text)), strlen(text));
}

/* ----------------------------------------------------------- delivery */

static void waiter_is_woken_once_by_data(void **state)
{
	struct end end;

	(void)state;
	open_waiting(&end);
	assert_int_equal(end.wait[RS_READ].resource, 77);
	say(&end, "x");
	assert_int_equal(end.counter[RS_READ].wakes, 0);
	assert_int_equal(rs_reactor_turn(reactor, UINT64_MAX), 1);
	assert_int_equal(end.counter[RS_READ].wakes, 1);
	assert_int_equal(end.counter[RS_READ].clones, 1);
	assert_int_equal(rs_wait_state(&end.wait[RS_READ]), ROUSE_WAIT_GRANTED);
	assert_true(poll_end(&end, RS_READ));
	assert_int_equal(end.error, 0);
	assert_int_equal(rs_reactor_turn(reactor, 0), 0);
	assert_int_equal(end.counter[RS_READ].wakes, 1);
	assert_int_equal(end.counter[RS_READ].drops, 0);
	close_end(&end);
}

static void a_fresh_descriptor_is_worth_a_try(void **state)
{
	struct end end;

	(void)state;
	open_end(&end);
	assert_int_equal(end.resource.flags, 0);
	assert_true(poll_end(&end, RS_READ));
	assert_int_equal(end.resource.flags, 0);
	rs_io_clear(&end.io, RS_READ, end.tick);
	assert_false(poll_end(&end, RS_READ));
	assert_true(poll_end(&end, RS_WRITE));
	close_end(&end);
}

static void the_first_report_replaces_guesses(void **state)
{
	struct end end;

	(void)state;
	open_end(&end);
	assert_int_equal(rs_reactor_turn(reactor, 0), 1);
	assert_false(poll_end(&end, RS_READ));
	assert_true(poll_end(&end, RS_WRITE));
	assert_int_equal(end.resource.flags, ROUSE_RESOURCE_WRITABLE);
	close_end(&end);
}

static void directions_are_woken_apart(void **state)
{
	struct end end;
	char block[4096] = { 0 };

	(void)state;
	open_waiting(&end);
	while (write(end.io.fd, block, sizeof block) > 0)
		;
	assert_true(poll_end(&end, RS_WRITE));
	rs_io_clear(&end.io, RS_WRITE, end.tick);
	assert_false(poll_end(&end, RS_WRITE));
	while (read(end.peer, block, sizeof block) > 0)
		;
	assert_int_equal(rs_reactor_turn(reactor, UINT64_MAX), 1);
	assert_int_equal(end.counter[RS_WRITE].wakes, 1);
	assert_int_equal(end.counter[RS_READ].wakes, 0);
	close_end(&end);
}

static void hang_up_ends_both_directions(void **state)
{
	struct end end;

	(void)state;
	open_waiting(&end);
	assert_true(poll_end(&end, RS_WRITE));
	rs_io_clear(&end.io, RS_WRITE, end.tick);
	assert_false(poll_end(&end, RS_WRITE));
	close(end.peer);
	end.peer = -1;
	assert_int_equal(rs_reactor_turn(reactor, UINT64_MAX), 1);
	assert_int_equal(end.counter[RS_READ].wakes, 1);
	assert_int_equal(end.counter[RS_WRITE].wakes, 1);
	assert_int_equal(end.resource.flags, ROUSE_RESOURCE_READABLE | ROUSE_RESOURCE_WRITABLE);
	close_end(&end);
}

static void half_close_wakes_the_reader(void **state)
{
	struct end end;

	(void)state;
	open_waiting(&end);
	assert_int_equal(shutdown(end.peer, SHUT_WR), 0);
	assert_int_equal(rs_reactor_turn(reactor, UINT64_MAX), 1);
	assert_int_equal(end.counter[RS_READ].wakes, 1);
	close_end(&end);
}

enum { MANY = 300 }; /* more than one call of epoll reports, and more than one chunk of the table */

static void more_events_than_fit_in_a_turn_all_arrive(void **state)
{
	struct end *ends = calloc(MANY, sizeof *ends);
	struct rlimit files;

	(void)state;
	assert_non_null(ends);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &files), 0);
	if (files.rlim_max < 2 * MANY + 64)
		test_skip("needs %d descriptors", 2 * MANY + 64);
	files.rlim_cur = files.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &files), 0);
	for (int i = 0; i < MANY; i++)
		open_end(&ends[i]);
	assert_int_equal(rs_reactor_count(reactor), MANY);
	int first = rs_reactor_turn(reactor, 0);
	assert_true(first > 0 && first < MANY);
	assert_int_equal(first + rs_reactor_turn(reactor, 0), MANY);
	for (int i = 0; i < MANY; i++) {
		assert_false(poll_end(&ends[i], RS_READ));
		say(&ends[i], "x");
	}
	for (int got = 0; got < MANY;)
		got += rs_reactor_turn(reactor, 0);
	for (int i = 0; i < MANY; i++) {
		assert_int_equal(ends[i].counter[RS_READ].wakes, 1);
		close_end(&ends[i]);
	}
	assert_int_equal(rs_reactor_count(reactor), 0);
	free(ends);
}

static void a_high_descriptor_finds_its_place(void **state)
{
	struct end end;
	struct rlimit files;
	int pair[2];

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &files), 0);
	if (files.rlim_cur < 1024)
		test_skip("needs descriptor 1023");
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(dup2(pair[0], 1023), 1023);
	close(pair[0]);
	watch(&end, 1023, pair[1]);
	assert_int_equal(rs_reactor_turn(reactor, 0), 1);
	assert_false(poll_end(&end, RS_READ));
	say(&end, "x");
	assert_int_equal(rs_reactor_turn(reactor, UINT64_MAX), 1);
	assert_int_equal(end.counter[RS_READ].wakes, 1);
	close_end(&end);
}

/* -------------------------------------------------------------- ticks */

static void clearing_old_readiness_keeps_newer(void **state)
{
	struct end end;

	(void)state;
	open_waiting(&end);
	say(&end, "x");
	assert_int_equal(rs_reactor_turn(reactor, UINT64_MAX), 1);
	assert_true(poll_end(&end, RS_READ));
	uint32_t old = end.tick;
	/* The task's recv said EAGAIN; before it gets to clear, more arrives. */
	say(&end, "y");
	assert_int_equal(rs_reactor_turn(reactor, UINT64_MAX), 1);
	rs_io_clear(&end.io, RS_READ, old);
	assert_true(poll_end(&end, RS_READ));
	assert_true(end.resource.flags & ROUSE_RESOURCE_READABLE);
	rs_io_clear(&end.io, RS_READ, end.tick);
	assert_false(poll_end(&end, RS_READ));
	assert_false(end.resource.flags & ROUSE_RESOURCE_READABLE);
	close_end(&end);
}

static void clearing_one_direction_leaves_the_other(void **state)
{
	struct end end;

	(void)state;
	open_waiting(&end);
	say(&end, "x");
	assert_int_equal(rs_reactor_turn(reactor, UINT64_MAX), 1);
	assert_true(poll_end(&end, RS_READ));
	rs_io_clear(&end.io, RS_READ, end.tick);
	assert_true(poll_end(&end, RS_WRITE));
	close_end(&end);
}

static void a_short_read_means_empty(void **state)
{
	struct end end;

	(void)state;
	open_waiting(&end);
	say(&end, "x");
	assert_int_equal(rs_reactor_turn(reactor, UINT64_MAX), 1);
	assert_true(poll_end(&end, RS_READ));
	rs_io_drained(&end.io, RS_READ, end.tick);
	assert_false(poll_end(&end, RS_READ));
	close_end(&end);
}

static void writable_news_do_not_undo_a_short_read(void **state)
{
	struct end end;
	char block[4096] = { 0 };

	(void)state;
	open_waiting(&end);
	while (write(end.io.fd, block, sizeof block) > 0)
		;
	say(&end, "x");
	assert_int_equal(rs_reactor_turn(reactor, UINT64_MAX), 1);
	assert_true(poll_end(&end, RS_READ));
	uint32_t tick = end.tick;
	assert_int_equal(read(end.io.fd, block, sizeof block), 1);
	while (read(end.peer, block, sizeof block) > 0)
		;
	assert_int_equal(rs_reactor_turn(reactor, UINT64_MAX), 1); /* writable again */
	rs_io_drained(&end.io, RS_READ, tick);
	assert_false(poll_end(&end, RS_READ));
	close_end(&end);
}

static void a_short_read_before_the_end_means_nothing(void **state)
{
	struct end end;

	(void)state;
	open_waiting(&end);
	say(&end, "x");
	assert_int_equal(shutdown(end.peer, SHUT_WR), 0);
	assert_int_equal(rs_reactor_turn(reactor, UINT64_MAX), 1);
	assert_true(poll_end(&end, RS_READ));
	/* One byte was read; the end of the stream is behind it and was reported with it. */
	rs_io_drained(&end.io, RS_READ, end.tick);
	assert_true(poll_end(&end, RS_READ));
	close_end(&end);
}

/* ------------------------------------------------------- stale events */

static struct end *moving, *successor;

/* The event has left the kernel; now its registration ends, and the number goes to somebody else. */
static void take_over_the_number(void)
{
	int fd = moving->io.fd, pair[2];

	rs_io_deregister(&moving->io);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(dup2(pair[0], fd), fd);
	close(pair[0]);
	watch(successor, fd, pair[1]);
	rs_io_clear(&successor->io, RS_READ, 0);
	assert_false(poll_end(successor, RS_READ));
}

static void event_of_a_former_registration_is_dropped(void **state)
{
	struct end end, next;

	(void)state;
	open_waiting(&end);
	say(&end, "x");
	moving = &end;
	successor = &next;
	sys.harvested = take_over_the_number;
	uint32_t generation = end.io.generation;
	assert_int_equal(rs_reactor_turn(reactor, UINT64_MAX), 0);
	assert_int_not_equal(next.io.generation, generation);
	assert_int_equal(next.counter[RS_READ].wakes, 0);
	assert_int_equal(next.resource.flags, 0);
	assert_false(poll_end(&next, RS_READ));
	/* And its own events do arrive. */
	say(&next, "y");
	assert_int_equal(rs_reactor_turn(reactor, UINT64_MAX), 1);
	assert_int_equal(next.counter[RS_READ].wakes, 1);
	close(end.peer);
	close_end(&next);
}

static void end_registration(void)
{
	rs_io_deregister(&moving->io);
	memset(&moving->io, 0xa5, sizeof moving->io);
	memset(&moving->resource, 0xa5, sizeof moving->resource);
}

static void event_after_deregistration_touches_nothing(void **state)
{
	struct end end;
	unsigned char untouched[sizeof end.io];

	(void)state;
	open_waiting(&end);
	int fd = end.io.fd;
	say(&end, "x");
	moving = &end;
	sys.harvested = end_registration;
	assert_int_equal(rs_reactor_turn(reactor, UINT64_MAX), 0);
	memset(untouched, 0xa5, sizeof untouched);
	assert_memory_equal(&end.io, untouched, sizeof untouched);
	assert_memory_equal(&end.resource, untouched, sizeof untouched);
	close(fd);
	close(end.peer);
}

static void a_number_closed_behind_our_back_can_be_used_again(void **state)
{
	struct end zombie, end;
	int pair[2];

	(void)state;
	open_waiting(&zombie);
	int fd = zombie.io.fd;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(dup2(pair[0], fd), fd); /* closes the zombie's */
	close(pair[0]);
	watch(&end, fd, pair[1]);
	rs_io_deregister(&zombie.io); /* must not take the new one's place away */
	assert_int_equal(zombie.counter[RS_READ].wakes, 1);
	assert_int_equal(rs_reactor_turn(reactor, 0), 1);
	assert_false(poll_end(&end, RS_READ));
	say(&end, "x");
	assert_int_equal(rs_reactor_turn(reactor, UINT64_MAX), 1);
	assert_int_equal(end.counter[RS_READ].wakes, 1);
	close(zombie.peer);
	close_end(&end);
	assert_int_equal(rs_reactor_count(reactor), 0);
}

/* ------------------------------------------------------------ waiting */

static void a_second_reader_is_refused(void **state)
{
	struct end end;
	struct counter other = { 0 };
	struct rouse_context cx = context_of(&other);
	struct rouse_wait wait;
	uint32_t tick;
	int error;

	(void)state;
	open_waiting(&end);
	rs_wait_init(&wait, ROUSE_OP_READ);
	assert_true(rs_io_poll(&end.io, RS_READ, &wait, &cx, &tick, &error).ready);
	assert_int_equal(error, -EBUSY);
	assert_int_equal(other.clones, 0);
	say(&end, "x");
	assert_int_equal(rs_reactor_turn(reactor, UINT64_MAX), 1);
	assert_int_equal(end.counter[RS_READ].wakes, 1);
	close_end(&end);
}

static void polled_by_another_task_it_wakes_that_one(void **state)
{
	struct end end;
	struct counter other = { 0 };
	struct rouse_context cx = context_of(&other);

	(void)state;
	open_waiting(&end);
	assert_false(rs_io_poll(&end.io, RS_READ, &end.wait[RS_READ], &cx, &end.tick, &end.error).ready);
	assert_int_equal(end.counter[RS_READ].drops, 1);
	say(&end, "x");
	assert_int_equal(rs_reactor_turn(reactor, UINT64_MAX), 1);
	assert_int_equal(end.counter[RS_READ].wakes, 0);
	assert_int_equal(other.wakes, 1);
	close_end(&end);
}

static void a_cancelled_waiter_is_forgotten(void **state)
{
	struct end end;

	(void)state;
	open_waiting(&end);
	rs_io_cancel(&end.io, RS_READ, &end.wait[RS_READ]);
	assert_int_equal(end.counter[RS_READ].drops, 1);
	assert_int_equal(rs_wait_state(&end.wait[RS_READ]), ROUSE_WAIT_IDLE);
	rs_io_cancel(&end.io, RS_READ, &end.wait[RS_READ]);
	assert_int_equal(end.counter[RS_READ].drops, 1);
	memset(&end.wait[RS_READ], 0xa5, sizeof end.wait[RS_READ]);
	say(&end, "x");
	assert_int_equal(rs_reactor_turn(reactor, UINT64_MAX), 1);
	assert_int_equal(end.counter[RS_READ].wakes, 0);
	/* What it would have been woken for is still there for the next one. */
	rs_wait_init(&end.wait[RS_READ], ROUSE_OP_READ);
	assert_true(poll_end(&end, RS_READ));
	close_end(&end);
}

static void deregistration_wakes_who_waits(void **state)
{
	struct end end;

	(void)state;
	open_waiting(&end);
	close_end(&end);
	assert_int_equal(end.counter[RS_READ].wakes, 1);
	assert_int_equal(end.resource.flags, 0);
}

static void a_waiter_that_outlives_the_reactor_is_told(void **state)
{
	struct end end;

	(void)state;
	open_waiting(&end);
	rs_reactor_free(reactor);
	reactor = NULL;
	assert_int_equal(end.counter[RS_READ].wakes, 1);
	assert_true(poll_end(&end, RS_READ));
	assert_int_equal(end.error, -ROUSE_EORPHAN);
	assert_true(poll_end(&end, RS_READ));
	close_end(&end); /* the last registration: everything is given back, as the leak check sees */
}

/* --------------------------------------------------- poke and deadline */

static void a_poke_ends_the_next_turn(void **state)
{
	(void)state;
	rs_reactor_poke(reactor);
	rs_reactor_poke(reactor);
	assert_int_equal(rs_reactor_turn(reactor, UINT64_MAX), 0);
	/* Both were consumed; a later one counts anew. */
	assert_int_equal(rs_reactor_turn(reactor, 0), 0);
	rs_reactor_poke(reactor);
	assert_int_equal(rs_reactor_turn(reactor, UINT64_MAX), 0);
}

static void poke_again(void)
{
	rs_reactor_poke(reactor);
}

static void a_poke_during_a_harvest_is_not_lost(void **state)
{
	(void)state;
	rs_reactor_poke(reactor);
	sys.harvested = poke_again; /* the flag is still up, nothing is written: this turn's caller will look */
	assert_int_equal(rs_reactor_turn(reactor, UINT64_MAX), 0);
	rs_reactor_poke(reactor);
	assert_int_equal(rs_reactor_turn(reactor, UINT64_MAX), 0);
}

static void a_poke_comes_with_events(void **state)
{
	struct end end;

	(void)state;
	open_waiting(&end);
	rs_reactor_poke(reactor);
	say(&end, "x");
	assert_int_equal(rs_reactor_turn(reactor, UINT64_MAX), 1);
	assert_int_equal(end.counter[RS_READ].wakes, 1);
	close_end(&end);
}

static void deadline_zero_and_past_only_look(void **state)
{
	(void)state;
	assert_int_equal(rs_reactor_turn(reactor, 0), 0);
	assert_int_equal(rs_reactor_turn(reactor, 1), 0);
}

static void a_turn_lasts_until_its_deadline(void **state)
{
	uint64_t deadline = rs_mono_ns() + 3 * ROUSE_MS;

	(void)state;
	assert_int_equal(rs_reactor_turn(reactor, deadline), 0);
	assert_true(rs_mono_ns() >= deadline);
}

static void without_pwait2_milliseconds_are_rounded_up(void **state)
{
	struct end end;

	(void)state;
	sys.pwait2_error = ENOSYS;
	assert_int_equal(rs_reactor_turn(reactor, rs_mono_ns() + 300 * ROUSE_US), 0);
	assert_int_equal(sys.waits, 1);
	assert_int_equal(sys.wait_ms, 1);
	sys.pwait2_error = 0; /* it is not tried again */
	assert_int_equal(rs_reactor_turn(reactor, 0), 0);
	assert_int_equal(sys.waits, 2);
	assert_int_equal(sys.wait_ms, 0);
	assert_int_equal(rs_reactor_turn(reactor, UINT64_MAX - 1), 0);
	assert_int_equal(sys.wait_ms, INT_MAX);
	open_waiting(&end);
	say(&end, "x");
	assert_int_equal(rs_reactor_turn(reactor, UINT64_MAX), 1);
	assert_int_equal(sys.wait_ms, -1);
	assert_int_equal(end.counter[RS_READ].wakes, 1);
	close_end(&end);
}

static void an_interrupted_turn_is_an_empty_one(void **state)
{
	(void)state;
	sys.pwait2_error = EINTR;
	assert_int_equal(rs_reactor_turn(reactor, UINT64_MAX), 0);
	sys.pwait2_error = EBADF;
	assert_int_equal(rs_reactor_turn(reactor, UINT64_MAX), -EBADF);
	assert_int_equal(sys.waits, 0);
}

/* ------------------------------------------------------------- errors */

static void what_cannot_be_watched_is_refused(void **state)
{
	struct end end;
	struct rs_io io;
	struct rs_resource resource = { .serial = 1 };
	FILE *file = tmpfile();

	(void)state;
	assert_non_null(file);
	assert_int_equal(rs_io_register(&io, reactor, &resource, fileno(file)), -EPERM);
	assert_int_equal(rs_io_register(&io, reactor, &resource, -1), -EBADF);
	fclose(file);
	open_waiting(&end);
	assert_int_equal(rs_io_register(&io, reactor, &resource, end.io.fd), -EEXIST);
	sys.ctl_error = ENOSPC;
	assert_int_equal(rs_io_register(&io, reactor, &resource, end.peer), -ENOSPC);
	sys.ctl_error = 0;
	assert_int_equal(rs_reactor_count(reactor), 1);
	/* The one that was there is as it was. */
	say(&end, "x");
	assert_int_equal(rs_reactor_turn(reactor, UINT64_MAX), 1);
	assert_int_equal(end.counter[RS_READ].wakes, 1);
	close_end(&end);
}

static void a_reactor_that_cannot_be_made_leaves_nothing(void **state)
{
	struct rs_reactor *none = NULL;

	(void)state;
	sys.create_error = EMFILE;
	assert_int_equal(rs_reactor_new(&none), -EMFILE);
	sys.create_error = 0;
	sys.eventfd_error = ENFILE;
	assert_int_equal(rs_reactor_new(&none), -ENFILE);
	sys.eventfd_error = 0;
	sys.ctl_error = ENOMEM;
	assert_int_equal(rs_reactor_new(&none), -ENOMEM);
	sys.ctl_error = 0;
	assert_null(none);
}

#define T(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)
TEST_MAIN(T(waiter_is_woken_once_by_data), T(a_fresh_descriptor_is_worth_a_try), T(the_first_report_replaces_guesses),
	T(directions_are_woken_apart), T(hang_up_ends_both_directions), T(half_close_wakes_the_reader),
	T(more_events_than_fit_in_a_turn_all_arrive), T(a_high_descriptor_finds_its_place),
	T(clearing_old_readiness_keeps_newer), T(clearing_one_direction_leaves_the_other), T(a_short_read_means_empty), T(writable_news_do_not_undo_a_short_read),
	T(a_short_read_before_the_end_means_nothing), T(event_of_a_former_registration_is_dropped),
	T(event_after_deregistration_touches_nothing), T(a_number_closed_behind_our_back_can_be_used_again),
	T(a_second_reader_is_refused), T(polled_by_another_task_it_wakes_that_one), T(a_cancelled_waiter_is_forgotten),
	T(deregistration_wakes_who_waits), T(a_waiter_that_outlives_the_reactor_is_told), T(a_poke_ends_the_next_turn),
	T(a_poke_during_a_harvest_is_not_lost), T(a_poke_comes_with_events), T(deadline_zero_and_past_only_look),
	T(a_turn_lasts_until_its_deadline), T(without_pwait2_milliseconds_are_rounded_up),
	T(an_interrupted_turn_is_an_empty_one), T(what_cannot_be_watched_is_refused),
	T(a_reactor_that_cannot_be_made_leaves_nothing));
