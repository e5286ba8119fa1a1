/* SPDX-License-Identifier: MIT */
/* What the reactor reports, what it remembers, and whom it wakes. */
#include "reactor_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <rouse/runtime.h>

/* ----------------------------------------------------------- delivery */

static void waiter_is_woken_once_by_data(void **state)
{
	struct end end;

	(void)state;
	open_waiting(&end);
	assert_int_equal(end.wait[RS_READ].resource, 77);
	say(&end, "x");
	assert_int_equal(end.counter[RS_READ].wakes, 0);
	assert_int_equal(rs_reactor_turn(reactor, UINT64_MAX, RS_REACTOR_EVENTS), 1);
	assert_int_equal(end.counter[RS_READ].wakes, 1);
	assert_int_equal(end.counter[RS_READ].clones, 1);
	assert_int_equal(rs_wait_state(&end.wait[RS_READ]), ROUSE_WAIT_GRANTED);
	assert_true(poll_end(&end, RS_READ));
	assert_int_equal(end.error, 0);
	assert_int_equal(rs_reactor_turn(reactor, 0, RS_REACTOR_EVENTS), 0);
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
	assert_int_equal(rs_reactor_turn(reactor, 0, RS_REACTOR_EVENTS), 1);
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
	assert_int_equal(rs_reactor_turn(reactor, UINT64_MAX, RS_REACTOR_EVENTS), 1);
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
	assert_int_equal(rs_reactor_turn(reactor, UINT64_MAX, RS_REACTOR_EVENTS), 1);
	assert_int_equal(end.counter[RS_READ].wakes, 1);
	assert_int_equal(end.counter[RS_WRITE].wakes, 1);
	assert_int_equal(end.resource.flags, ROUSE_RESOURCE_READABLE | ROUSE_RESOURCE_WRITABLE);
	close_end(&end);
}

/* A pipe without writers says nothing but HUP. */
static void a_bare_hang_up_ends_both_directions(void **state)
{
	struct end end;
	int ends[2];

	(void)state;
	assert_int_equal(pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
	watch(&end, ends[0], -1);
	rs_io_clear(&end.io, RS_READ, 0);
	rs_io_clear(&end.io, RS_WRITE, 0);
	assert_false(poll_end(&end, RS_READ));
	assert_false(poll_end(&end, RS_WRITE));
	close(ends[1]);
	assert_int_equal(rs_reactor_turn(reactor, UINT64_MAX, RS_REACTOR_EVENTS), 1);
	assert_int_equal(end.counter[RS_READ].wakes, 1);
	assert_int_equal(end.counter[RS_WRITE].wakes, 1);
	close_end(&end);
}

static void half_close_wakes_the_reader(void **state)
{
	struct end end;

	(void)state;
	open_waiting(&end);
	assert_int_equal(shutdown(end.peer, SHUT_WR), 0);
	assert_int_equal(rs_reactor_turn(reactor, UINT64_MAX, RS_REACTOR_EVENTS), 1);
	assert_int_equal(end.counter[RS_READ].wakes, 1);
	close_end(&end);
}

enum { MANY = 300 }; /* more than one call of epoll reports, and more than one chunk of the table */

static void take_all(int most)
{
	for (int left = MANY; left > 0; left -= most)
		assert_int_equal(rs_reactor_turn(reactor, 0, (uint32_t)most), left < most ? left : most);
	assert_int_equal(rs_reactor_turn(reactor, 0, (uint32_t)most), 0);
}

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
	take_all(RS_REACTOR_EVENTS);
	for (int i = 0; i < MANY; i++) {
		assert_false(poll_end(&ends[i], RS_READ));
		say(&ends[i], "x");
	}
	take_all(7); /* nobody comes twice before all came once */
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
	assert_int_equal(rs_reactor_turn(reactor, 0, RS_REACTOR_EVENTS), 1);
	assert_false(poll_end(&end, RS_READ));
	say(&end, "x");
	assert_int_equal(rs_reactor_turn(reactor, UINT64_MAX, RS_REACTOR_EVENTS), 1);
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
	assert_int_equal(rs_reactor_turn(reactor, UINT64_MAX, RS_REACTOR_EVENTS), 1);
	assert_true(poll_end(&end, RS_READ));
	uint32_t old = end.tick;
	/* The task's recv said EAGAIN; before it gets to clear, more arrives. */
	say(&end, "y");
	assert_int_equal(rs_reactor_turn(reactor, UINT64_MAX, RS_REACTOR_EVENTS), 1);
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
	assert_int_equal(rs_reactor_turn(reactor, UINT64_MAX, RS_REACTOR_EVENTS), 1);
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
	assert_int_equal(rs_reactor_turn(reactor, UINT64_MAX, RS_REACTOR_EVENTS), 1);
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
	assert_int_equal(rs_reactor_turn(reactor, UINT64_MAX, RS_REACTOR_EVENTS), 1);
	assert_true(poll_end(&end, RS_READ));
	uint32_t tick = end.tick;
	assert_int_equal(read(end.io.fd, block, sizeof block), 1);
	while (read(end.peer, block, sizeof block) > 0)
		;
	assert_int_equal(rs_reactor_turn(reactor, UINT64_MAX, RS_REACTOR_EVENTS), 1); /* writable again */
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
	assert_int_equal(rs_reactor_turn(reactor, UINT64_MAX, RS_REACTOR_EVENTS), 1);
	assert_true(poll_end(&end, RS_READ));
	/* One byte was read; the end of the stream is behind it and was reported with it. */
	rs_io_drained(&end.io, RS_READ, end.tick);
	assert_true(poll_end(&end, RS_READ));
	close_end(&end);
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
	assert_int_equal(rs_reactor_turn(reactor, UINT64_MAX, RS_REACTOR_EVENTS), 1);
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
	assert_int_equal(rs_reactor_turn(reactor, UINT64_MAX, RS_REACTOR_EVENTS), 1);
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
	assert_int_equal(rs_reactor_turn(reactor, UINT64_MAX, RS_REACTOR_EVENTS), 1);
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

TEST_MAIN(T(waiter_is_woken_once_by_data), T(a_fresh_descriptor_is_worth_a_try),
	T(the_first_report_replaces_guesses), T(directions_are_woken_apart), T(hang_up_ends_both_directions),
	T(a_bare_hang_up_ends_both_directions), T(half_close_wakes_the_reader),
	T(more_events_than_fit_in_a_turn_all_arrive), T(a_high_descriptor_finds_its_place),
	T(clearing_old_readiness_keeps_newer), T(clearing_one_direction_leaves_the_other), T(a_short_read_means_empty),
	T(writable_news_do_not_undo_a_short_read), T(a_short_read_before_the_end_means_nothing),
	T(a_second_reader_is_refused), T(polled_by_another_task_it_wakes_that_one), T(a_cancelled_waiter_is_forgotten),
	T(deregistration_wakes_who_waits), T(a_waiter_that_outlives_the_reactor_is_told));
