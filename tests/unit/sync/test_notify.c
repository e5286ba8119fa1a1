/* SPDX-License-Identifier: MIT */
#include "in_runtime.h"

static struct rs_resource *record_of(struct rouse_notify *notify)
{
	return (struct rs_resource *)(void *)notify;
}

enum { WAITERS = 70 }; /* more than two batches */

struct waiter {
	struct rouse_notified notified;
	struct counting counting;
};

static void wait_for(struct waiter *w, struct rouse_notify *notify)
{
	w->counting = (struct counting){ 0 };
	assert_pending(rouse_notified(&w->notified, notify), &w->counting);
}

static void one_permit_is_stored_and_no_more(void **state)
{
	struct rouse_notify *notify = rouse_notify_new("bell");
	struct counting counting = { 0 };
	struct rouse_notified notified;
	struct waiter w;

	(void)state;
	rouse_notify_one(notify);
	rouse_notify_one(notify);
	assert_int_equal(record_of(notify)->value, 1);
	assert_ready(rouse_notified(&notified, notify), &counting, 0);
	assert_int_equal(record_of(notify)->value, 0);
	wait_for(&w, notify);
	rouse_future_drop(&w.notified.future);
	rouse_notify_free(notify);
}

static void one_wakes_the_longest_waiter(void **state)
{
	struct rouse_notify *notify = rouse_notify_new(NULL);
	struct waiter first, second;

	(void)state;
	as_task(1);
	wait_for(&first, notify);
	wait_for(&second, notify);
	as_task(2);
	rouse_notify_one(notify);
	assert_int_equal(record_of(notify)->last_user_a, FIRST_ID + 2);
	assert_int_equal(record_of(notify)->last_user_b, FIRST_ID + 1);
	assert_int_equal(record_of(notify)->value, ROUSE_NOTIFY_WAITED); /* by the second */
	assert_int_equal(first.counting.wakes, 1);
	assert_int_equal(second.counting.wakes, 0);
	assert_ready(&first.notified, &first.counting, 0);
	assert_pending(&second.notified, &second.counting);
	rouse_notify_one(notify);
	assert_ready(&second.notified, &second.counting, 0);
	rouse_notify_free(notify);
}

static void what_one_gave_is_passed_on_by_a_dropped_waiter(void **state)
{
	struct rouse_notify *notify = rouse_notify_new(NULL);
	struct waiter first, second;

	(void)state;
	wait_for(&first, notify);
	wait_for(&second, notify);
	rouse_notify_one(notify);
	rouse_future_drop(&first.notified.future);
	assert_int_equal(second.counting.wakes, 1);
	rouse_future_drop(&second.notified.future);
	assert_int_equal(record_of(notify)->value, 1);
	rouse_notify_free(notify);
}

static void what_all_gave_ends_with_the_waiter_it_was_for(void **state)
{
	struct rouse_notify *notify = rouse_notify_new(NULL);
	struct waiter first, second;

	(void)state;
	wait_for(&first, notify);
	rouse_notify_all(notify);
	wait_for(&second, notify);
	rouse_future_drop(&first.notified.future);
	assert_int_equal(second.counting.wakes, 0);
	assert_int_equal(record_of(notify)->value, ROUSE_NOTIFY_WAITED);
	rouse_future_drop(&second.notified.future);
	assert_int_equal(second.counting.refs, 0);
	assert_int_equal(record_of(notify)->value, 0);
	rouse_notify_free(notify);
}

/* One word says whether there is a permit or somebody waits: never both, nor neither of them wrongly. */
static void the_record_tells_a_permit_from_a_waiter(void **state)
{
	struct rouse_notify *notify = rouse_notify_new(NULL);
	struct waiter first, second;

	(void)state;
	assert_int_equal(record_of(notify)->value, 0);
	wait_for(&first, notify);
	assert_int_equal(record_of(notify)->value, ROUSE_NOTIFY_WAITED);
	wait_for(&second, notify);
	rouse_future_drop(&first.notified.future);
	assert_int_equal(record_of(notify)->value, ROUSE_NOTIFY_WAITED);
	rouse_notify_one(notify);
	assert_int_equal(record_of(notify)->value, 0);
	rouse_notify_one(notify); /* beside a grant that nobody has fetched yet */
	assert_int_equal(record_of(notify)->value, 1);
	assert_ready(&second.notified, &second.counting, 0);
	assert_int_equal(record_of(notify)->value, 1);
	rouse_notify_all(notify); /* of whom there is none */
	assert_int_equal(record_of(notify)->value, 1);
	assert_ready(rouse_notified(&first.notified, notify), &first.counting, 0);
	wait_for(&first, notify);
	rouse_notify_all(notify);
	assert_int_equal(record_of(notify)->value, 0);
	assert_ready(&first.notified, &first.counting, 0);
	rouse_notify_free(notify);
}

static struct rouse_notify *ringing;
static struct waiter again[WAITERS];

/* A task that waits again as soon as it is woken. */
static void wait_again(struct counting *counting)
{
	wait_for((struct waiter *)counting->arg, ringing);
}

static void all_wakes_those_who_wait_now_and_not_those_who_come_meanwhile(void **state)
{
	static struct waiter waiters[WAITERS];

	(void)state;
	ringing = rouse_notify_new(NULL);
	rouse_notify_all(ringing); /* nobody there: nothing is stored */
	assert_int_equal(record_of(ringing)->value, 0);
	for (int i = 0; i < WAITERS; i++) {
		wait_for(&waiters[i], ringing);
		waiters[i].counting.on_wake = wait_again;
		waiters[i].counting.arg = &again[i];
	}
	rouse_notify_all(ringing);
	for (int i = 0; i < WAITERS; i++) {
		assert_int_equal(waiters[i].counting.wakes, 1);
		assert_ready(&waiters[i].notified, &waiters[i].counting, 0);
		assert_int_equal(again[i].counting.wakes, 0);
	}
	rouse_notify_all(ringing);
	for (int i = 0; i < WAITERS; i++)
		assert_ready(&again[i].notified, &again[i].counting, 0);
	rouse_notify_free(ringing);
}

static void poll_by_another_task_replaces_the_waker(void **state)
{
	struct rouse_notify *notify = rouse_notify_new(NULL);
	struct counting second = { 0 };
	struct waiter w;

	(void)state;
	wait_for(&w, notify);
	assert_pending(&w.notified, &second);
	rouse_notify_one(notify);
	assert_int_equal(w.counting.wakes + w.counting.refs, 0);
	assert_ready(&w.notified, &second, 0);
	assert_int_equal(second.wakes, 1);
	rouse_notify_free(notify);
}

static void without_budget_it_yields_before_taking_the_permit(void **state)
{
	struct rouse_notify *notify = rouse_notify_new(NULL);
	struct rouse_notified notified;
	struct counting counting = { 0 };

	(void)state;
	rouse_notify_one(notify);
	assert_yields_without_budget(&rouse_notified(&notified, notify)->future);
	assert_int_equal(record_of(notify)->value, 1);
	assert_ready(&notified, &counting, 0);
	rouse_notify_free(notify);
}

static void when_its_runtime_is_gone_the_wait_ends(void **state)
{
	struct rouse_runtime *other;
	struct waiter w;

	(void)state;
	assert_int_equal(rouse_runtime_new(ROUSE_RUNTIME_OPTS(.current_thread = true), &other), 0);
	struct rouse_guard guard = rouse_enter(other);
	struct rouse_notify *notify = rouse_notify_new(NULL);

	wait_for(&w, notify);
	assert_int_equal(rouse_runtime_shutdown(other, ROUSE_S, NULL, NULL), 0);
	rouse_notify_one(notify);
	assert_int_equal(w.counting.wakes, 1);
	assert_ready(&w.notified, &w.counting, -ROUSE_EORPHAN);
	rouse_notify_free(notify);
	rouse_leave(&guard);
	rouse_runtime_free(other);
}

TEST_MAIN_WITH(enter_runtime, leave_runtime, T(one_permit_is_stored_and_no_more), T(one_wakes_the_longest_waiter),
	T(what_one_gave_is_passed_on_by_a_dropped_waiter), T(the_record_tells_a_permit_from_a_waiter),
	T(what_all_gave_ends_with_the_waiter_it_was_for),
	T(all_wakes_those_who_wait_now_and_not_those_who_come_meanwhile), T(poll_by_another_task_replaces_the_waker),
	T(without_budget_it_yields_before_taking_the_permit), T(when_its_runtime_is_gone_the_wait_ends));
