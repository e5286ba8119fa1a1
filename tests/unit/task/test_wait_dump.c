/* SPDX-License-Identifier: MIT */
/* Three waiters in a list, which is then broken in every way that has a name. */
#include "test.h"

#include "dumped.h"
#include "task/wait.h"

enum { N = 3, SERIAL = 77 };

static struct rs_waitlist list;
static struct rouse_wait waits[N];

static void *same(void *data)
{
	return data;
}
static void nothing(void *data)
{
	(void)data;
}
static const struct rouse_waker_vtable inert = { same, nothing, nothing, nothing };

static int three_wait(void **state)
{
	struct rouse_context cx = { .waker = { &list, &inert } };

	(void)state;
	list = (struct rs_waitlist){ 0 };
	for (int i = 0; i < N; i++) {
		rs_wait_init(&waits[i], ROUSE_OP_LOCK);
		rs_wait_register_locked(&list, &waits[i], &cx, SERIAL);
	}
	return 0;
}
#define T(NAME) cmocka_unit_test_setup(NAME, three_wait)

static void print(void *what, FILE *out)
{
	rs_waitlist_dump_locked(what, out);
}

static void what_register_grant_and_cancel_leave_is_valid(void **state)
{
	struct rouse_waker waker;

	(void)state;
	assert_null(rs_waitlist_validate_locked(&list, SERIAL));
	assert_dump_has(print, &list, " lock resource 77 poll 0 waker of ");
	(void)rs_wait_grant_locked(&list, &waits[1]);
	assert_null(rs_waitlist_validate_locked(&list, SERIAL));
	assert_true(rs_wait_cancel_locked(&list, &waits[2], &waker));
	assert_null(rs_waitlist_validate_locked(&list, SERIAL));
	(void)rs_wait_grant_locked(&list, &waits[0]);
	assert_null(rs_waitlist_validate_locked(&list, SERIAL));
	assert_dumped(print, &list, "nobody waits\n");
}

static void a_circle_is_named_and_not_walked_for_ever(void **state)
{
	(void)state;
	waits[2].next = &waits[0];
	assert_string_equal(rs_waitlist_validate_locked(&list, SERIAL), "a waiter whose neighbours do not agree");
	assert_dump_has(print, &list, "its neighbours do not agree");
	waits[2].next = &waits[1];
	assert_string_equal(rs_waitlist_validate_locked(&list, SERIAL), "a waiter whose neighbours do not agree");
}

static void a_lost_tail_is_named(void **state)
{
	(void)state;
	list.tail = &waits[1];
	assert_string_equal(rs_waitlist_validate_locked(&list, SERIAL), "the tail is not the last waiter");
	list = (struct rs_waitlist){ NULL, &waits[2] };
	assert_string_equal(rs_waitlist_validate_locked(&list, SERIAL), "the tail is not the last waiter");
}

static void a_node_that_does_not_belong_is_named(void **state)
{
	(void)state;
	waits[1].state = ROUSE_WAIT_GRANTED;
	assert_string_equal(rs_waitlist_validate_locked(&list, SERIAL), "a node in the list that does not wait");
	waits[1].state = ROUSE_WAIT_WAITING;
	waits[1].waker.vtable = NULL;
	assert_string_equal(rs_waitlist_validate_locked(&list, SERIAL), "a waiter without a waker");
	waits[1].waker.vtable = &inert;
	waits[1].op = ROUSE_OP_MAX;
	assert_string_equal(rs_waitlist_validate_locked(&list, SERIAL), "a waiter for an unknown operation");
	assert_dump_has(print, &list, " ? resource 77");
	assert_string_equal(rs_waitlist_validate_locked(&list, SERIAL + 1), "a waiter for another resource");
}

TEST_MAIN(T(what_register_grant_and_cancel_leave_is_valid), T(a_circle_is_named_and_not_walked_for_ever),
	T(a_lost_tail_is_named), T(a_node_that_does_not_belong_is_named));
