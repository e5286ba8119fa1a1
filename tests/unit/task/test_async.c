/* SPDX-License-Identifier: MIT */
/* Async functions polled by hand: resuming, FINALLY exactly once, select, join_all, what readers see. */
#include "test.h"

#include <rouse/rouse.h>
#include <string.h>

/* A leaf that is ready after `left` polls, and counts what happens to it. */
struct probe {
	struct rouse_future future;
	int64_t result;
	int left;
	int *drops;
};

static struct rouse_poll probe_poll(struct rouse_future *f, struct rouse_context *cx)
{
	struct probe *p = (struct probe *)f;

	(void)cx;
	if (p->left-- > 0)
		return rouse_pending();
	p->result = 42;
	return rouse_ready();
}
static void probe_drop(struct rouse_future *f)
{
	++*((struct probe *)f)->drops;
}
ROUSE_LEAF(probe, probe_poll, probe_drop);

static int drops;
static char order[32];

static struct probe *probe(struct probe *storage, int left)
{
	*storage = (struct probe){ .future = ROUSE_FUTURE_INIT(probe), .left = left, .drops = &drops };
	return storage;
}

static void note(char c)
{
	size_t n = strlen(order);

	order[n] = c;
	order[n + 1] = 0;
}

ROUSE_ASYNC(inner, int, int waits; int64_t got; struct probe probe; char letter;);
ROUSE_BODY(inner)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT(self->got, probe(&self->probe, self->waits));
	ROUSE_RETURN((int)self->got + 1);
	ROUSE_FINALLY:
	note(self->letter ? self->letter : 'i');
	ROUSE_END;
}

ROUSE_ASYNC(outer, int, int waits; int got; struct inner inner;);
ROUSE_BODY(outer)
{
	ROUSE_BEGIN;
	note('b');
	ROUSE_AWAIT(self->got, ROUSE_CALL(&self->inner, inner, .waits = self->waits));
	note('a');
	ROUSE_RETURN(self->got + 1);
	ROUSE_FINALLY:
	note('o');
	ROUSE_END;
}

ROUSE_ASYNC(falls_off, int, ROUSE_NO_FIELDS);
ROUSE_BODY(falls_off)
{
	ROUSE_BEGIN;
	self->result = 5;
	ROUSE_FINALLY:
	note('f');
	ROUSE_END;
}

ROUSE_ASYNC(chooses, int, int which; struct probe a, b, c; int left[3];);
ROUSE_BODY(chooses)
{
	ROUSE_BEGIN;
	ROUSE_SELECT(self->which, probe(&self->a, self->left[0]), probe(&self->b, self->left[1]),
		probe(&self->c, self->left[2]));
	ROUSE_RETURN(self->which);
	ROUSE_END;
}

ROUSE_ASYNC(joins, int, struct inner a, b, c;);
ROUSE_BODY(joins)
{
	ROUSE_BEGIN;
	ROUSE_JOIN_ALL(ROUSE_CALL(&self->a, inner, .waits = 3, .letter = '3'),
		ROUSE_CALL(&self->b, inner, .waits = 0, .letter = '0'),
		ROUSE_CALL(&self->c, inner, .waits = 1, .letter = '1'));
	ROUSE_RETURN(self->a.result + self->b.result + self->c.result);
	ROUSE_END;
}

static int reset(void **state)
{
	(void)state;
	drops = 0;
	order[0] = 0;
	return 0;
}

static int polls_until_ready(struct rouse_future *f)
{
	struct rouse_context cx = { 0 };
	int n = 1;

	while (!rouse_future_poll(f, &cx).ready)
		n++;
	return n;
}

static void does_nothing_until_polled(void **state)
{
	(void)state;
	struct outer f;

	ROUSE_CALL(&f, outer, .waits = 1);
	assert_string_equal(order, "");
	assert_null(f.future.at);
}

static void resumes_where_it_was_and_returns_through_the_chain(void **state)
{
	(void)state;
	struct outer f;

	ROUSE_CALL(&f, outer, .waits = 3);
	assert_int_equal(polls_until_ready(&f.future), 4);
	assert_int_equal(f.result, 44);
	assert_int_equal(rouse_future_result(&f.future), 44);
	assert_string_equal(order, "biao");
	assert_int_equal(drops, 0);
}

static void suspended_chain_can_be_read_and_is_cleared_before_resuming(void **state)
{
	(void)state;
	struct outer f;
	struct rouse_context cx = { 0 };

	ROUSE_CALL(&f, outer, .waits = 1);
	assert_false(rouse_future_poll(&f.future, &cx).ready);
	assert_ptr_equal(f.future.awaiting, &f.inner.future);
	assert_ptr_equal(f.inner.future.awaiting, &f.inner.probe.future);
	assert_int_equal(f.future.at->kind, ROUSE_SITE_AWAIT);
	assert_non_null(strstr(f.future.at->file, "test_async.c"));
	assert_true(f.future.at->line > f.future.type->line);
	assert_true(rouse_future_poll(&f.future, &cx).ready);
	assert_null(f.future.awaiting);
	assert_null(f.inner.future.awaiting);
	assert_ptr_equal(f.future.at, &rouse_site_done);
}

static void finally_runs_innermost_first_when_dropped(void **state)
{
	(void)state;
	struct outer f;
	struct rouse_context cx = { 0 };

	ROUSE_CALL(&f, outer, .waits = 9);
	assert_false(rouse_future_poll(&f.future, &cx).ready);
	rouse_future_drop(&f.future);
	assert_string_equal(order, "bio");
	assert_int_equal(drops, 1);
	rouse_future_drop(&f.future);
	assert_string_equal(order, "bio");
}

static void finally_runs_although_never_polled(void **state)
{
	(void)state;
	struct outer f;

	ROUSE_CALL(&f, outer, .waits = 9);
	rouse_future_drop(&f.future);
	assert_string_equal(order, "o");
	assert_int_equal(drops, 0);
}

static void finally_runs_once_when_it_has_returned(void **state)
{
	(void)state;
	struct falls_off f;

	ROUSE_CALL(&f, falls_off);
	assert_int_equal(polls_until_ready(&f.future), 1);
	assert_int_equal(f.result, 5);
	rouse_future_drop(&f.future);
	assert_string_equal(order, "f");
}

static void select_takes_the_first_and_drops_the_others(void **state)
{
	(void)state;
	struct chooses f;

	for (int winner = 0; winner < 3; winner++) {
		drops = 0;
		ROUSE_CALL(&f, chooses, .left = { 5, 5, 5 });
		f.left[winner] = 2;
		assert_int_equal(polls_until_ready(&f.future), 3);
		assert_int_equal(f.result, winner);
		assert_int_equal(drops, 2);
		assert_null(f.future.awaiting);
	}
}

static void select_is_seen_as_siblings(void **state)
{
	(void)state;
	struct chooses f;
	struct rouse_context cx = { 0 };

	ROUSE_CALL(&f, chooses, .left = { 5, 5, 5 });
	assert_false(rouse_future_poll(&f.future, &cx).ready);
	assert_int_equal(f.future.at->kind, ROUSE_SITE_SELECT);
	assert_ptr_equal(f.future.awaiting, &f.a.future);
	assert_ptr_equal(f.a.future.sibling, &f.b.future);
	assert_ptr_equal(f.b.future.sibling, &f.c.future);
	assert_null(f.c.future.sibling);
	rouse_future_drop(&f.future);
	assert_int_equal(drops, 3);
}

static void join_all_waits_for_every_one(void **state)
{
	(void)state;
	struct joins f;

	ROUSE_CALL(&f, joins);
	assert_int_equal(polls_until_ready(&f.future), 4);
	assert_int_equal(f.result, 3 * 43);
	assert_string_equal(order, "013");
}

static void wakers_of_one_target_are_recognised(void **state)
{
	(void)state;
	static const struct rouse_waker_vtable vtable;
	int a, b;
	struct rouse_waker one = { &a, &vtable }, same = { &a, &vtable }, other = { &b, &vtable };

	assert_true(rouse_waker_will_wake(&one, &same));
	assert_false(rouse_waker_will_wake(&one, &other));
}

static void empty_wakers_do_nothing(void **state)
{
	(void)state;
	struct rouse_waker none = { 0, 0 }, copy = rouse_waker_clone(&none);

	rouse_waker_wake_by_ref(&none);
	rouse_waker_wake(&none);
	rouse_waker_drop(&copy);
	assert_null(copy.vtable);
}

#define TEST(NAME) cmocka_unit_test_setup(NAME, reset)
TEST_MAIN(TEST(does_nothing_until_polled), TEST(resumes_where_it_was_and_returns_through_the_chain),
	TEST(suspended_chain_can_be_read_and_is_cleared_before_resuming), TEST(finally_runs_innermost_first_when_dropped),
	TEST(finally_runs_although_never_polled), TEST(finally_runs_once_when_it_has_returned),
	TEST(select_takes_the_first_and_drops_the_others), TEST(select_is_seen_as_siblings), TEST(join_all_waits_for_every_one),
	TEST(wakers_of_one_target_are_recognised), TEST(empty_wakers_do_nothing));
