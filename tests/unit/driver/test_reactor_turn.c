/* SPDX-License-Identifier: MIT */
/* Turns: events that went stale, pokes, deadlines, system calls that fail. */
#include "reactor_fixture.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <rouse/runtime.h>

#include "base/clock.h"

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
	assert_int_equal(rs_reactor_turn(reactor, UINT64_MAX, RS_REACTOR_EVENTS), 0);
	assert_int_not_equal(next.io.generation, generation);
	assert_int_equal(next.counter[RS_READ].wakes, 0);
	assert_int_equal(next.resource.flags, 0);
	assert_false(poll_end(&next, RS_READ));
	/* And its own events do arrive. */
	say(&next, "y");
	assert_int_equal(rs_reactor_turn(reactor, UINT64_MAX, RS_REACTOR_EVENTS), 1);
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
	assert_int_equal(rs_reactor_turn(reactor, UINT64_MAX, RS_REACTOR_EVENTS), 0);
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
	assert_int_equal(rs_reactor_turn(reactor, 0, RS_REACTOR_EVENTS), 1);
	assert_false(poll_end(&end, RS_READ));
	say(&end, "x");
	assert_int_equal(rs_reactor_turn(reactor, UINT64_MAX, RS_REACTOR_EVENTS), 1);
	assert_int_equal(end.counter[RS_READ].wakes, 1);
	close(zombie.peer);
	close_end(&end);
	assert_int_equal(rs_reactor_count(reactor), 0);
}

/* --------------------------------------------------- poke and deadline */

static void a_poke_ends_the_next_turn(void **state)
{
	(void)state;
	rs_reactor_poke(reactor);
	rs_reactor_poke(reactor);
	assert_int_equal(rs_reactor_turn(reactor, UINT64_MAX, RS_REACTOR_EVENTS), 0);
	/* Both were consumed; a later one counts anew. */
	assert_int_equal(rs_reactor_turn(reactor, 0, RS_REACTOR_EVENTS), 0);
	rs_reactor_poke(reactor);
	assert_int_equal(rs_reactor_turn(reactor, UINT64_MAX, RS_REACTOR_EVENTS), 0);
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
	assert_int_equal(rs_reactor_turn(reactor, UINT64_MAX, RS_REACTOR_EVENTS), 0);
	rs_reactor_poke(reactor);
	assert_int_equal(rs_reactor_turn(reactor, UINT64_MAX, RS_REACTOR_EVENTS), 0);
}

static void a_poke_comes_with_events(void **state)
{
	struct end end;

	(void)state;
	open_waiting(&end);
	rs_reactor_poke(reactor);
	say(&end, "x");
	assert_int_equal(rs_reactor_turn(reactor, UINT64_MAX, RS_REACTOR_EVENTS), 1);
	assert_int_equal(end.counter[RS_READ].wakes, 1);
	close_end(&end);
}

static void deadline_zero_and_past_only_look(void **state)
{
	(void)state;
	assert_int_equal(rs_reactor_turn(reactor, 0, RS_REACTOR_EVENTS), 0);
	assert_int_equal(rs_reactor_turn(reactor, 1, RS_REACTOR_EVENTS), 0);
}

static void a_turn_lasts_until_its_deadline(void **state)
{
	uint64_t deadline = rs_mono_ns() + 3 * ROUSE_MS;

	(void)state;
	assert_int_equal(rs_reactor_turn(reactor, deadline, RS_REACTOR_EVENTS), 0);
	assert_true(rs_mono_ns() >= deadline);
}

static void without_pwait2_milliseconds_are_rounded_up(void **state)
{
	struct end end;

	(void)state;
	sys.pwait2_error = ENOSYS;
	assert_int_equal(rs_reactor_turn(reactor, rs_mono_ns() + 300 * ROUSE_US, RS_REACTOR_EVENTS), 0);
	assert_int_equal(sys.waits, 1);
	assert_int_equal(sys.wait_ms, 1);
	sys.pwait2_error = 0; /* it is not tried again */
	assert_int_equal(rs_reactor_turn(reactor, 0, RS_REACTOR_EVENTS), 0);
	assert_int_equal(sys.waits, 2);
	assert_int_equal(sys.wait_ms, 0);
	assert_int_equal(rs_reactor_turn(reactor, UINT64_MAX - 1, RS_REACTOR_EVENTS), 0);
	assert_int_equal(sys.wait_ms, INT_MAX);
	open_waiting(&end);
	say(&end, "x");
	assert_int_equal(rs_reactor_turn(reactor, UINT64_MAX, RS_REACTOR_EVENTS), 1);
	assert_int_equal(sys.wait_ms, -1);
	assert_int_equal(end.counter[RS_READ].wakes, 1);
	close_end(&end);
}

static void an_interrupted_turn_is_an_empty_one(void **state)
{
	(void)state;
	sys.pwait2_error = EINTR;
	assert_int_equal(rs_reactor_turn(reactor, UINT64_MAX, RS_REACTOR_EVENTS), 0);
	sys.pwait2_error = EBADF;
	assert_int_equal(rs_reactor_turn(reactor, UINT64_MAX, RS_REACTOR_EVENTS), -EBADF);
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
	assert_int_equal(rs_reactor_turn(reactor, UINT64_MAX, RS_REACTOR_EVENTS), 1);
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

TEST_MAIN(T(event_of_a_former_registration_is_dropped), T(event_after_deregistration_touches_nothing),
	T(a_number_closed_behind_our_back_can_be_used_again), T(a_poke_ends_the_next_turn),
	T(a_poke_during_a_harvest_is_not_lost), T(a_poke_comes_with_events), T(deadline_zero_and_past_only_look),
	T(a_turn_lasts_until_its_deadline), T(without_pwait2_milliseconds_are_rounded_up),
	T(an_interrupted_turn_is_an_empty_one), T(what_cannot_be_watched_is_refused),
	T(a_reactor_that_cannot_be_made_leaves_nothing));
