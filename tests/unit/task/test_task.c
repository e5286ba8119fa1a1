/* SPDX-License-Identifier: MIT */
/* Tasks on a real runtime: every edge of the state diagram, handles, joins, panics, wakers that outlive. */
#include "test.h"

#include <errno.h>
#include <rouse/rouse.h>
#include <string.h>

static struct rouse_runtime *runtime;
static int finallies;

static int start(void **state)
{
	(void)state;
	finallies = 0;
	return rouse_runtime_new(ROUSE_RUNTIME_OPTS(.current_thread = true), &runtime);
}

static int stop(void **state)
{
	(void)state;
	rouse_runtime_free(runtime);
	return 0;
}

/* Waits until its gate opens, keeping its waker where the test can reach it. */
struct gate {
	struct rouse_future future;
	int64_t result;
	int *open;
	struct rouse_waker *keep;
};
static struct rouse_poll gate_poll(struct rouse_future *f, struct rouse_context *cx)
{
	struct gate *g = (struct gate *)f;

	if (*g->open)
		return rouse_ready();
	if (g->keep) {
		rouse_waker_drop(g->keep);
		*g->keep = rouse_waker_clone(&cx->waker);
	}
	return rouse_pending();
}
ROUSE_LEAF(gate, gate_poll, NULL);

static struct gate *gate(struct gate *storage, int *open, struct rouse_waker *keep)
{
	*storage = (struct gate){ .future = ROUSE_FUTURE_INIT(gate), .open = open, .keep = keep };
	return storage;
}

ROUSE_ASYNC(waits, int, int *open; struct rouse_waker *keep; struct gate gate; int *polled;);
ROUSE_BODY(waits)
{
	ROUSE_BEGIN;
	if (self->polled)
		++*self->polled;
	ROUSE_AWAIT_ONLY(gate(&self->gate, self->open, self->keep));
	ROUSE_RETURN(7);
	ROUSE_FINALLY:
	finallies++;
	ROUSE_END;
}

/* Lets the current-thread runtime work off what is ready. */
ROUSE_ASYNC(turn, int, int n; struct rouse_yield yield;);
ROUSE_BODY(turn)
{
	ROUSE_BEGIN;
	for (self->n = 0; self->n < 8; self->n++)
		ROUSE_AWAIT_ONLY(rouse_yield(&self->yield));
	ROUSE_END;
}
static void settle(void)
{
	assert_int_equal(rouse_block_on(runtime, NULL, turn), 0);
}

static struct rouse_task *prepare_waits(int *open, struct rouse_waker *keep, int *polled)
{
	struct rouse_guard guard = rouse_enter(runtime);
	struct rouse_task *task = rouse_task_prepare(waits, .open = open, .keep = keep, .polled = polled);

	rouse_leave(&guard);
	return task;
}

#define assert_state(TASK, STATE) assert_int_equal(rouse_task_get_state(TASK), ROUSE_TASK_##STATE)

static void created_scheduled_pending_scheduled_complete(void **state)
{
	(void)state;
	int open = 0;
	struct rouse_waker keep = { 0, 0 };
	struct rouse_task *task = prepare_waits(&open, &keep, NULL);

	assert_state(task, CREATED);
	rouse_task_start(task);
	assert_state(task, SCHEDULED);
	settle();
	assert_state(task, PENDING);
	open = 1;
	rouse_waker_wake(&keep);
	assert_state(task, SCHEDULED);
	settle();
	assert_state(task, COMPLETE);
	assert_int_equal(finallies, 1);
	rouse_task_detach(task);
}

ROUSE_ASYNC(sees_itself, int, enum rouse_task_state *state; uint64_t *id;);
ROUSE_BODY(sees_itself)
{
	ROUSE_BEGIN;
	*self->state = rouse_task_get_state(rouse_task_current());
	*self->id = rouse_task_id(rouse_task_current());
	ROUSE_END;
}

static void running_is_seen_from_inside(void **state)
{
	(void)state;
	enum rouse_task_state seen = ROUSE_TASK_STATE_MAX;
	uint64_t id = 0;

	assert_int_equal(rouse_block_on(runtime, NULL, sees_itself, .state = &seen, .id = &id), 0);
	assert_int_equal(seen, ROUSE_TASK_RUNNING);
	assert_true(id >= ROUSE_FIRST_TASK_ID);
	assert_null(rouse_task_current());
}

static void pending_is_cancelled_without_a_poll(void **state)
{
	(void)state;
	int open = 0, polled = 0;
	struct rouse_waker keep = { 0, 0 };
	struct rouse_task *task = rouse_task_start(prepare_waits(&open, &keep, &polled));

	settle();
	assert_state(task, PENDING);
	rouse_task_abort(task);
	open = 1;
	settle();
	assert_state(task, CANCELLED);
	assert_int_equal(polled, 1);
	assert_int_equal(finallies, 1);
	rouse_waker_wake(&keep); /* waking a finished task does nothing */
	assert_state(task, CANCELLED);
	rouse_task_detach(task);
}

static void scheduled_is_cancelled_unpolled(void **state)
{
	(void)state;
	int open = 1, polled = 0;
	struct rouse_task *task = rouse_task_start(prepare_waits(&open, NULL, &polled));

	rouse_task_abort(task);
	settle();
	assert_state(task, CANCELLED);
	assert_int_equal(polled, 0);
	assert_int_equal(finallies, 1);
	rouse_task_detach(task);
}

static void created_is_dropped_by_detach(void **state)
{
	(void)state;
	int open = 1, polled = 0;

	rouse_task_detach(prepare_waits(&open, NULL, &polled));
	settle();
	assert_int_equal(polled, 0);
	assert_int_equal(finallies, 1);
}

ROUSE_ASYNC(aborts_itself, int, int open; struct gate gate; int completes;);
ROUSE_BODY(aborts_itself)
{
	ROUSE_BEGIN;
	rouse_task_abort(rouse_task_current());
	if (!self->completes)
		ROUSE_AWAIT_ONLY(gate(&self->gate, &self->open, NULL));
	ROUSE_FINALLY:
	finallies++;
	ROUSE_END;
}

static void abort_while_running_acts_when_the_poll_ends(void **state)
{
	(void)state;
	assert_int_equal(rouse_block_on(runtime, NULL, aborts_itself), -ECANCELED);
	assert_int_equal(finallies, 1);
}

static void a_poll_that_completes_beats_the_abort(void **state)
{
	(void)state;
	assert_int_equal(rouse_block_on(runtime, NULL, aborts_itself, .completes = 1), 0);
	assert_int_equal(finallies, 1);
}

/* ------------------------------------------------------------------ panics */

ROUSE_ASYNC(panics, int, int where; struct rouse_yield yield;);
ROUSE_BODY(panics)
{
	ROUSE_BEGIN;
	if (self->where == 0)
		rouse_panic("at once: %d", 1);
	ROUSE_AWAIT_ONLY(rouse_yield(&self->yield));
	ROUSE_ASSERT(self->where == 2);
	ROUSE_FINALLY:
	finallies++;
	if (self->where == 2)
		rouse_panic("in finally");
	ROUSE_END;
}

ROUSE_ASYNC(parent_of_panic, int, int where; int got; struct panics child;);
ROUSE_BODY(parent_of_panic)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT(self->got, ROUSE_CALL(&self->child, panics, .where = self->where));
	ROUSE_RETURN(self->got);
	ROUSE_FINALLY:
	finallies += 10;
	ROUSE_END;
}

static void panic_ends_the_task_and_runs_every_finally_once(void **state)
{
	(void)state;
	for (int where = 0; where < 3; where++) {
		finallies = 0;
		assert_int_equal(rouse_block_on(runtime, NULL, parent_of_panic, .where = where), -ROUSE_EPANIC);
		assert_int_equal(finallies, 11);
	}
}

ROUSE_ASYNC(joins_panic, int, struct rouse_join join; int64_t rc; char *message; uint32_t *line;);
ROUSE_BODY(joins_panic)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT(self->rc, rouse_join(&self->join, rouse_spawn(panics, .where = 0), NULL));
	memcpy(self->message, self->join.message, sizeof self->join.message);
	*self->line = self->join.line;
	ROUSE_RETURN((int)self->rc);
	ROUSE_END;
}

static void joiner_gets_message_and_place(void **state)
{
	(void)state;
	char message[96];
	uint32_t line = 0;
	int result = 0;

	assert_int_equal(rouse_block_on(runtime, &result, joins_panic, .message = message, .line = &line), 0);
	assert_int_equal(result, -ROUSE_EPANIC);
	assert_string_equal(message, "at once: 1");
	assert_true(line > 100 && line < 400);
}

/* ------------------------------------------------------------------- joins */

ROUSE_ASYNC(joins, int, struct rouse_task *task; struct rouse_join join; int64_t rc; int *value;);
ROUSE_BODY(joins)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT(self->rc, rouse_join(&self->join, self->task, self->value));
	ROUSE_RETURN((int)self->rc);
	ROUSE_END;
}

static void join_of_pending_finished_and_aborted(void **state)
{
	(void)state;
	int open = 1, value = 0, rc = -1;
	struct rouse_task *task = rouse_task_start(prepare_waits(&open, NULL, NULL));

	assert_int_equal(rouse_block_on(runtime, &rc, joins, .task = task, .value = &value), 0);
	assert_int_equal(rc, 0);
	assert_int_equal(value, 7);
	task = rouse_task_start(prepare_waits(&open, NULL, NULL));
	settle();
	assert_state(task, COMPLETE);
	assert_int_equal(rouse_block_on(runtime, &rc, joins, .task = task), 0);
	assert_int_equal(rc, 0);
	open = 0;
	task = rouse_task_start(prepare_waits(&open, NULL, NULL));
	settle();
	rouse_task_abort(task);
	assert_int_equal(rouse_block_on(runtime, &rc, joins, .task = task), 0);
	assert_int_equal(rc, -ECANCELED);
}

ROUSE_ASYNC(joins_itself, int, struct rouse_join join; int64_t rc;);
ROUSE_BODY(joins_itself)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT(self->rc, rouse_join(&self->join, rouse_task_ref(rouse_task_current()), NULL));
	ROUSE_RETURN((int)self->rc);
	ROUSE_END;
}

static void joining_oneself_is_an_error(void **state)
{
	(void)state;
	int rc = 0;

	assert_int_equal(rouse_block_on(runtime, &rc, joins_itself), 0);
	assert_int_equal(rc, -EDEADLK);
}

ROUSE_ASYNC(second_joiner, int, struct rouse_task *task; struct rouse_task *first; struct rouse_join join; int64_t rc;
	struct rouse_yield yield;);
ROUSE_BODY(second_joiner)
{
	ROUSE_BEGIN;
	self->first = rouse_spawn(joins, .task = rouse_task_ref(self->task));
	ROUSE_AWAIT_ONLY(rouse_yield(&self->yield));
	ROUSE_AWAIT_ONLY(rouse_yield(&self->yield));
	ROUSE_AWAIT(self->rc, rouse_join(&self->join, self->task, NULL));
	rouse_task_abort(self->first);
	rouse_task_detach(self->first);
	ROUSE_RETURN((int)self->rc);
	ROUSE_END;
}

static void a_second_joiner_is_refused_and_a_dropped_one_makes_room(void **state)
{
	(void)state;
	int open = 0, rc = 0;
	struct rouse_waker keep = { 0, 0 };
	struct rouse_task *task = rouse_task_start(prepare_waits(&open, &keep, NULL));

	assert_int_equal(rouse_block_on(runtime, &rc, second_joiner, .task = rouse_task_ref(task)), 0);
	assert_int_equal(rc, -ROUSE_EJOINED);
	settle();
	open = 1;
	rouse_waker_wake(&keep);
	assert_int_equal(rouse_block_on(runtime, &rc, joins, .task = task), 0);
	assert_int_equal(rc, 0);
}

/* ----------------------------------------------------------------- details */

ROUSE_ASYNC(large, int, char big[100000]; int x;);
ROUSE_BODY(large)
{
	ROUSE_BEGIN;
	self->big[99999] = (char)self->x;
	ROUSE_RETURN((unsigned char)self->big[99999]);
	ROUSE_END;
}

static void frames_larger_than_a_slot_live_outside(void **state)
{
	(void)state;
	int result = 0;

	assert_int_equal(rouse_block_on(runtime, &result, large, .x = 9), 0);
	assert_int_equal(result, 9);
}

static void names_are_copied_and_default_to_the_function(void **state)
{
	(void)state;
	char name[] = "connection 12";
	int open = 1;
	struct rouse_task *named = rouse_spawn_named_on(runtime, name, waits, .open = &open);
	struct rouse_task *plain = rouse_spawn_on(runtime, waits, .open = &open);

	name[0] = 'X';
	assert_string_equal(rouse_task_name(named), "connection 12");
	assert_string_equal(rouse_task_name(plain), "waits");
	assert_true(rouse_task_id(named) != rouse_task_id(plain));
	settle();
	rouse_task_detach(named);
	rouse_task_detach(plain);
}

static void spawning_without_a_runtime_drops_the_arguments(void **state)
{
	(void)state;
	int open = 1;

	errno = 0;
	assert_null(rouse_spawn(waits, .open = &open));
	assert_int_equal(errno, ROUSE_ENORUNTIME);
	assert_int_equal(finallies, 1);
	assert_int_equal(rouse_spawn_detached(waits, .open = &open), -ROUSE_ENORUNTIME);
	assert_int_equal(finallies, 2);
}

ROUSE_ASYNC(self_waker, int, int n; struct rouse_yield yield;);
ROUSE_BODY(self_waker)
{
	ROUSE_BEGIN;
	for (; self->n; self->n--)
		ROUSE_AWAIT_ONLY(rouse_yield(&self->yield));
	ROUSE_END;
}

static void counts_are_exact(void **state)
{
	(void)state;
	struct rouse_totals before, after;

	rouse_runtime_totals(runtime, &before);
	assert_int_equal(rouse_block_on(runtime, NULL, self_waker, .n = 100), 0);
	rouse_runtime_totals(runtime, &after);
	assert_int_equal(after.spawned - before.spawned, 1);
	assert_int_equal(after.completed - before.completed, 1);
	assert_int_equal(after.polls - before.polls, 101);
	assert_int_equal(after.wakes - before.wakes, 100);
	assert_int_equal(after.live, 0);
}

/* A leaf of one's own with a wait node: registered, taken, cancelled. */
struct event {
	struct rouse_future future;
	int64_t result;
	struct rouse_wait wait;
	int *happened;
	struct rouse_wait **where;
};
static struct rouse_poll event_poll(struct rouse_future *f, struct rouse_context *cx)
{
	struct event *e = (struct event *)f;

	if (*e->happened)
		return rouse_ready();
	rouse_wait_register(&e->wait, cx);
	*e->where = &e->wait;
	return rouse_pending();
}
static void event_drop(struct rouse_future *f)
{
	struct event *e = (struct event *)f;

	rouse_wait_cancel(&e->wait);
	*e->where = NULL;
}
ROUSE_LEAF_WAIT(event, event_poll, event_drop, wait, ROUSE_OP_CUSTOM);

ROUSE_ASYNC(awaits_event, int, int *happened; struct rouse_wait **where; struct event event;);
ROUSE_BODY(awaits_event)
{
	ROUSE_BEGIN;
	self->event = (struct event){ .future = ROUSE_FUTURE_INIT(event), .happened = self->happened, .where = self->where };
	ROUSE_AWAIT_ONLY(&self->event);
	ROUSE_END;
}

static void wait_nodes_serve_leaves_of_ones_own(void **state)
{
	(void)state;
	int happened = 0;
	struct rouse_wait *where = NULL;
	struct rouse_task *task = rouse_spawn_on(runtime, awaits_event, .happened = &happened, .where = &where);

	settle();
	assert_non_null(where);
	assert_int_equal(where->state, ROUSE_WAIT_WAITING);
	happened = 1;
	struct rouse_waker waker = rouse_wait_take(where), none = rouse_wait_take(where);

	assert_null(none.vtable);
	rouse_waker_wake(&waker);
	settle();
	assert_state(task, COMPLETE);
	rouse_task_detach(task);
	happened = 0;
	task = rouse_spawn_on(runtime, awaits_event, .happened = &happened, .where = &where);
	settle();
	rouse_task_abort(task);
	settle();
	assert_null(where);
	assert_state(task, CANCELLED);
	rouse_task_detach(task);
}

static void a_waker_may_outlive_its_task(void **state)
{
	(void)state;
	int open = 0;
	struct rouse_waker keep = { 0, 0 }, copy;
	struct rouse_task *task = rouse_task_start(prepare_waits(&open, &keep, NULL));

	settle();
	copy = rouse_waker_clone(&keep);
	open = 1;
	rouse_waker_wake(&keep);
	settle();
	rouse_task_detach(task);
	rouse_waker_wake_by_ref(&copy);
	rouse_waker_drop(&copy);
	settle();
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, start, stop)
TEST_MAIN(TEST(created_scheduled_pending_scheduled_complete), TEST(running_is_seen_from_inside),
	TEST(pending_is_cancelled_without_a_poll), TEST(scheduled_is_cancelled_unpolled), TEST(created_is_dropped_by_detach),
	TEST(abort_while_running_acts_when_the_poll_ends), TEST(a_poll_that_completes_beats_the_abort),
	TEST(panic_ends_the_task_and_runs_every_finally_once), TEST(joiner_gets_message_and_place),
	TEST(join_of_pending_finished_and_aborted), TEST(joining_oneself_is_an_error),
	TEST(a_second_joiner_is_refused_and_a_dropped_one_makes_room), TEST(frames_larger_than_a_slot_live_outside),
	TEST(names_are_copied_and_default_to_the_function), TEST(spawning_without_a_runtime_drops_the_arguments),
	TEST(counts_are_exact), TEST(a_waker_may_outlive_its_task),
	TEST(wait_nodes_serve_leaves_of_ones_own));
