/* SPDX-License-Identifier: MIT */
/* A reactor with one waiting reader, broken in every way that has a name. */
#include "reactor_fixture.h"

#include <unistd.h>

#include "dumped.h"

static void print(void *what, FILE *out)
{
	rs_reactor_dump(what, out);
}

static void waiting_reporting_and_leaving_is_valid(void **state)
{
	struct end end;

	(void)state;
	assert_null(rs_reactor_validate(reactor));
	assert_dumped(print, reactor, "reactor: 0 descriptors\n");
	open_end(&end);
	assert_null(rs_reactor_validate(reactor));
	assert_dump_has(print, reactor, " generation 1 read 0x2 write 0x2\n");
	assert_int_equal(rs_reactor_turn(reactor, 0, RS_REACTOR_EVENTS), 1);
	assert_false(poll_end(&end, RS_READ));
	assert_null(rs_reactor_validate(reactor));
	assert_dump_has(print, reactor, " generation 1 read 0 awaited write 0x101\n");
	say(&end, "x");
	assert_int_equal(rs_reactor_turn(reactor, UINT64_MAX, RS_REACTOR_EVENTS), 1);
	assert_null(rs_reactor_validate(reactor));
	close_end(&end);
	assert_null(rs_reactor_validate(reactor));
	assert_dumped(print, reactor, "reactor: 0 descriptors\n");
}

static void a_descriptor_far_up_is_in_its_own_slot(void **state)
{
	struct end end, up;
	int fd = 255, high = 5000;

	(void)state;
	open_end(&end);
	for (int n = fd; n <= high; n += high - fd) { /* last of the first chunk, one of a later chunk */
		assert_int_equal(dup2(end.peer, n), n);
		watch(&up, n, -1);
		assert_null(rs_reactor_validate(reactor));
		close_end(&up);
	}
	close_end(&end);
}

static void what_a_slot_and_its_owner_disagree_on_is_named(void **state)
{
	struct end end;

	(void)state;
	open_waiting(&end);
	end.io.fd++;
	assert_string_equal(rs_reactor_validate(reactor), "a registration in another's slot");
	end.io.fd--;
	end.io.generation++;
	assert_string_equal(rs_reactor_validate(reactor), "a registration of another generation");
	end.io.generation--;
	close_end(&end);
}

/* The worst that a reactor can do: data is there, and the reader sleeps. */
static void a_waiter_that_should_have_been_woken_is_named(void **state)
{
	struct end end;

	(void)state;
	open_waiting(&end);
	end.io.readiness[RS_READ] |= RS_READY;
	end.resource.flags |= ROUSE_RESOURCE_READABLE;
	assert_string_equal(rs_reactor_validate(reactor), "a waiter although it is ready");
	end.resource.flags &= (uint8_t)~ROUSE_RESOURCE_READABLE;
	assert_string_equal(rs_reactor_validate(reactor), "readiness that the record does not show");
	end.io.readiness[RS_READ] &= ~(uint32_t)RS_READY;
	end.wait[RS_READ].state = ROUSE_WAIT_GRANTED;
	assert_string_equal(rs_reactor_validate(reactor), "a waiter that does not wait for this");
	end.wait[RS_READ].state = ROUSE_WAIT_WAITING;
	end.wait[RS_READ].resource++;
	assert_string_equal(rs_reactor_validate(reactor), "a waiter that does not wait for this");
	end.wait[RS_READ].resource--;
	assert_null(rs_reactor_validate(reactor));
	close_end(&end);
}

TEST_MAIN(T(waiting_reporting_and_leaving_is_valid), T(a_descriptor_far_up_is_in_its_own_slot),
	T(what_a_slot_and_its_owner_disagree_on_is_named), T(a_waiter_that_should_have_been_woken_is_named));
