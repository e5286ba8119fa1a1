/* SPDX-License-Identifier: MIT */
/* timeout, and_then, map: results, drops, and the await chain that readers follow. The wheel's time is the test's. */
#include "../sync/counting.h"

#include <errno.h>
#include <rouse/time.h>

#include "base/clock.h"
#include "time/wheel.h"

static struct {
	struct rouse_worker_record record;
	struct rs_resource resource;
	struct rs_wheel *wheel; /* NULL: no runtime here */
} fake;

struct rs_wheel *__wrap_rs_wheel_current(struct rouse_context *cx);
struct rs_wheel *__wrap_rs_wheel_current(struct rouse_context *cx)
{
	(void)cx;
	return fake.wheel;
}

void __wrap_rs_wheel_earlier(struct rs_wheel *wheel, struct rouse_context *cx);
void __wrap_rs_wheel_earlier(struct rs_wheel *wheel, struct rouse_context *cx)
{
	(void)wheel;
	(void)cx;
}

static int open_fake(void **state)
{
	(void)state;
	fake.record = (struct rouse_worker_record){ 0 };
	fake.resource = (struct rs_resource){ .serial = 5 };
	return rs_wheel_new(&fake.record, &fake.resource, rs_mono_ns(), &fake.wheel);
}

static int close_fake(void **state)
{
	(void)state;
	rs_wheel_free(fake.wheel);
	fake.wheel = NULL;
	return 0;
}

/* A leaf that is ready with `value` once it was told so; counts its polls and drops. */
struct told {
	struct rouse_future future;
	int64_t result;
	int64_t value;
	bool ready;
	int polls, drops;
};

static struct rouse_poll told_poll(struct rouse_future *f, struct rouse_context *cx)
{
	struct told *t = (struct told *)f;

	(void)cx;
	t->polls++;
	if (!t->ready)
		return rouse_pending();
	t->result = t->value;
	return rouse_ready();
}

static void told_drop(struct rouse_future *f)
{
	((struct told *)f)->drops++;
}

ROUSE_LEAF(told, told_poll, told_drop);

static struct told *told(struct told *storage, int64_t value, bool ready)
{
	*storage = (struct told){ .future = ROUSE_FUTURE_INIT(told), .value = value, .ready = ready };
	return storage;
}

/* ---------------------------------------------------------------- timeout */

static void a_child_in_time_ends_the_timeout_with_0_and_takes_the_timer_out(void **state)
{
	struct counting counting = { 0 };
	struct rouse_timeout timeout;
	struct told child;

	(void)state;
	assert_pending(rouse_timeout(&timeout, 3600 * ROUSE_S, told(&child, 5, false)), &counting);
	assert_int_equal(fake.resource.value, 1);
	child.ready = true;
	assert_ready(&timeout, &counting, 0);
	assert_int_equal(child.result, 5);
	assert_int_equal(child.drops, 0);
	assert_int_equal(fake.resource.value, 0);
	assert_int_equal(counting.refs, 0);
}

static void a_child_too_late_is_dropped(void **state)
{
	struct counting counting = { 0 };
	struct rouse_timeout timeout;
	struct told child;

	(void)state;
	assert_pending(rouse_timeout(&timeout, 3600 * ROUSE_S, told(&child, 5, false)), &counting);
	assert_int_equal(rs_wheel_fire(fake.wheel, rs_wheel_next(fake.wheel)), 1);
	assert_int_equal(counting.wakes, 1);
	assert_ready(&timeout, &counting, -ETIMEDOUT);
	assert_int_equal(child.drops, 1);
	rouse_future_drop(&timeout.future);
	assert_int_equal(child.drops, 1);
}

static void a_child_that_is_ready_when_time_is_up_wins(void **state)
{
	struct counting counting = { 0 };
	struct rouse_timeout timeout;
	struct told child;

	(void)state;
	assert_ready(rouse_timeout(&timeout, 0, told(&child, 5, true)), &counting, 0);
	assert_ready(rouse_timeout(&timeout, 0, told(&child, 5, false)), &counting, -ETIMEDOUT);
}

static void readers_see_two_alternatives(void **state)
{
	struct counting counting = { 0 };
	struct rouse_timeout timeout;
	struct told child;

	(void)state;
	rouse_timeout(&timeout, ROUSE_S, told(&child, 5, false));
	assert_null(timeout.future.at);
	assert_pending(&timeout, &counting);
	assert_int_equal(timeout.future.type->kind, ROUSE_SITE_COMBINATOR);
	assert_int_equal(timeout.future.at->kind, ROUSE_SITE_SELECT);
	assert_string_equal(timeout.future.at->function, "rouse_timeout");
	assert_ptr_equal(timeout.future.awaiting, &child.future);
	assert_ptr_equal(child.future.sibling, &timeout.sleep.future);
	assert_null(timeout.sleep.future.sibling);
	rouse_future_drop(&timeout.future);
	assert_int_equal(child.drops, 1);
	assert_int_equal(fake.resource.value, 0);
	assert_null(timeout.future.awaiting);
}

static void a_timeout_never_polled_still_drops_its_child(void **state)
{
	struct rouse_timeout timeout;
	struct told child;

	(void)state;
	rouse_future_drop(&rouse_timeout(&timeout, 10, told(&child, 5, false))->future);
	assert_int_equal(child.drops, 1);
	assert_int_equal(child.polls, 0);
}

static void without_a_runtime_the_child_has_one_chance(void **state)
{
	struct counting counting = { 0 };
	struct rouse_timeout timeout;
	struct told child;

	(void)state;
	rs_wheel_free(fake.wheel);
	fake.wheel = NULL;
	assert_ready(rouse_timeout(&timeout, 10, told(&child, 5, false)), &counting, -ROUSE_ENORUNTIME);
	assert_int_equal(child.drops, 1);
}

/* --------------------------------------------------------------- and_then */

struct chain {
	struct told second;
	bool second_ready;
	int64_t end_with; /* if not 0: no second future */
	int calls;
	struct rouse_and_then both;
};

static struct rouse_future *make_second(void *arg, struct rouse_future *done, int64_t *ret_result)
{
	struct chain *chain = arg;

	chain->calls++;
	assert_null(chain->both.future.awaiting); /* user code runs: what is set is always a live child */
	assert_ptr_equal(done->at, &rouse_site_done);
	if (chain->end_with) {
		*ret_result = chain->end_with;
		return NULL;
	}
	return &told(&chain->second, rouse_future_result(done) * 10, chain->second_ready)->future;
}

static void and_then_ends_with_the_second_result(void **state)
{
	struct counting counting = { 0 };
	struct chain chain = { .second_ready = true };
	struct told first;

	(void)state;
	assert_pending(rouse_and_then(&chain.both, told(&first, 4, false), make_second, &chain), &counting);
	assert_int_equal(chain.calls, 0);
	first.ready = true;
	assert_ready(&chain.both, &counting, 40);
	assert_int_equal(chain.calls, 1);
	assert_int_equal(first.drops + chain.second.drops, 0);
}

static void and_then_awaits_one_child_at_a_time(void **state)
{
	struct counting counting = { 0 };
	struct chain chain = { .second_ready = false };
	struct told first;

	(void)state;
	assert_pending(rouse_and_then(&chain.both, told(&first, 4, false), make_second, &chain), &counting);
	assert_ptr_equal(chain.both.future.awaiting, &first.future);
	assert_int_equal(chain.both.future.at->kind, ROUSE_SITE_AWAIT);
	first.ready = true;
	assert_pending(&chain.both, &counting);
	assert_ptr_equal(chain.both.future.awaiting, &chain.second.future);
	assert_pending(&chain.both, &counting);
	assert_int_equal(first.polls, 2);
	assert_int_equal(chain.calls, 1);
	rouse_future_drop(&chain.both.future);
	assert_int_equal(first.drops, 0);
	assert_int_equal(chain.second.drops, 1);
}

static void and_then_can_end_without_a_second(void **state)
{
	struct counting counting = { 0 };
	struct chain chain = { .end_with = -EPROTO };
	struct told first;

	(void)state;
	assert_ready(rouse_and_then(&chain.both, told(&first, 4, true), make_second, &chain), &counting, -EPROTO);
	assert_null(chain.both.future.awaiting);
}

static void a_dropped_and_then_drops_the_first_and_never_makes_the_second(void **state)
{
	struct chain chain = { 0 };
	struct told first;

	(void)state;
	rouse_and_then(&chain.both, told(&first, 4, false), make_second, &chain);
	rouse_future_drop(&chain.both.future);
	assert_int_equal(first.drops, 1);
	assert_int_equal(chain.calls, 0);
}

/* -------------------------------------------------------------------- map */

static int64_t plus(void *arg, int64_t result)
{
	return result + *(int64_t *)arg;
}

static void map_puts_the_result_through_the_function(void **state)
{
	struct counting counting = { 0 };
	struct rouse_map inner, outer;
	int64_t one = 1, ten = 10;
	struct told child;

	(void)state;
	rouse_map(&inner, told(&child, 4, false), plus, &one);
	assert_pending(rouse_map(&outer, &inner, plus, &ten), &counting);
	assert_ptr_equal(outer.future.awaiting, &inner.future);
	assert_ptr_equal(inner.future.awaiting, &child.future);
	assert_string_equal(inner.future.at->function, "rouse_map");
	child.ready = true;
	assert_ready(&outer, &counting, 15);
	assert_null(outer.future.awaiting);
}

static void a_dropped_map_drops_its_child(void **state)
{
	struct rouse_map map;
	int64_t one = 1;
	struct told child;

	(void)state;
	rouse_future_drop(&rouse_map(&map, told(&child, 4, false), plus, &one)->future);
	assert_int_equal(child.drops, 1);
}

#define T(NAME) cmocka_unit_test_setup_teardown(NAME, open_fake, close_fake)
TEST_MAIN(T(a_child_in_time_ends_the_timeout_with_0_and_takes_the_timer_out), T(a_child_too_late_is_dropped),
	T(a_child_that_is_ready_when_time_is_up_wins), T(readers_see_two_alternatives),
	T(a_timeout_never_polled_still_drops_its_child), T(without_a_runtime_the_child_has_one_chance),
	T(and_then_ends_with_the_second_result), T(and_then_awaits_one_child_at_a_time),
	T(and_then_can_end_without_a_second), T(a_dropped_and_then_drops_the_first_and_never_makes_the_second),
	T(map_puts_the_result_through_the_function), T(a_dropped_map_drops_its_child));
