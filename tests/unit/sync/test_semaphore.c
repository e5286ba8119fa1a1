/* SPDX-License-Identifier: MIT */
#include "in_runtime.h"

static struct rs_resource *record_of(struct rouse_semaphore *semaphore)
{
	return (struct rs_resource *)(void *)semaphore;
}

enum { WAITERS = 100 };

struct waiter {
	struct rouse_semaphore_acquire acquire;
	struct counting counting;
};

static void wait_for(struct waiter *w, struct rouse_semaphore *semaphore, uint32_t n)
{
	w->counting = (struct counting){ 0 };
	assert_pending(rouse_semaphore_acquire(&w->acquire, semaphore, n), &w->counting);
}

static void permits_are_taken_and_given_back(void **state)
{
	struct rouse_semaphore *semaphore = rouse_semaphore_new("gate", 3);
	struct counting counting = { 0 };
	struct rouse_semaphore_acquire acquire;

	(void)state;
	assert_int_equal(record_of(semaphore)->kind, ROUSE_RESOURCE_SEMAPHORE);
	assert_int_equal(record_of(semaphore)->capacity, 3);
	as_task(4);
	assert_ready(rouse_semaphore_acquire(&acquire, semaphore, 2), &counting, 0);
	assert_int_equal(record_of(semaphore)->value, 1);
	assert_int_equal(record_of(semaphore)->owner, FIRST_ID + 4);
	assert_int_equal(rouse_semaphore_try_acquire(semaphore, 2), -ROUSE_EEMPTY);
	assert_int_equal(rouse_semaphore_try_acquire(semaphore, 1), 0);
	assert_int_equal(rouse_semaphore_release(semaphore, 3), 0);
	assert_int_equal(record_of(semaphore)->value, 3);
	assert_int_equal(record_of(semaphore)->capacity, 3);
	assert_int_equal(rouse_semaphore_release(semaphore, 2), 0); /* more than there were: now there are more */
	assert_int_equal(record_of(semaphore)->capacity, 5);
	rouse_semaphore_free(semaphore);
}

static void waiters_are_served_in_order_and_a_large_request_is_not_overtaken(void **state)
{
	struct rouse_semaphore *semaphore = rouse_semaphore_new(NULL, 1);
	struct waiter large, small;

	(void)state;
	wait_for(&large, semaphore, 3);
	wait_for(&small, semaphore, 1); /* there is one, but it is not its turn */
	assert_int_equal(large.acquire.wait.arg, 3);
	assert_int_equal(rouse_semaphore_try_acquire(semaphore, 1), -ROUSE_EEMPTY);
	rouse_semaphore_release(semaphore, 1);
	assert_int_equal(large.counting.wakes + small.counting.wakes, 0);
	assert_int_equal(record_of(semaphore)->value, 2);
	rouse_semaphore_release(semaphore, 1);
	assert_int_equal(large.counting.wakes, 1);
	assert_int_equal(small.counting.wakes, 0);
	assert_int_equal(record_of(semaphore)->value, 0);
	assert_ready(&large.acquire, &large.counting, 0);
	rouse_semaphore_release(semaphore, 3);
	assert_ready(&small.acquire, &small.counting, 0);
	assert_int_equal(record_of(semaphore)->value, 2);
	rouse_semaphore_free(semaphore);
}

static void one_release_serves_as_many_as_it_can(void **state)
{
	static struct waiter waiters[WAITERS];
	struct rouse_semaphore *semaphore = rouse_semaphore_new(NULL, 0);

	(void)state;
	for (int i = 0; i < WAITERS; i++)
		wait_for(&waiters[i], semaphore, 1);
	rouse_semaphore_release(semaphore, WAITERS - 1);
	for (int i = 0; i < WAITERS; i++)
		assert_int_equal(waiters[i].counting.wakes, i < WAITERS - 1);
	assert_int_equal(record_of(semaphore)->value, 0);
	rouse_future_drop(&waiters[WAITERS - 1].acquire.future);
	rouse_semaphore_free(semaphore);
}

static void a_large_waiter_that_gives_up_makes_way(void **state)
{
	struct rouse_semaphore *semaphore = rouse_semaphore_new(NULL, 2);
	struct waiter large, small;

	(void)state;
	wait_for(&large, semaphore, 3);
	wait_for(&small, semaphore, 2);
	rouse_future_drop(&large.acquire.future);
	assert_int_equal(large.counting.wakes + large.counting.refs, 0);
	assert_int_equal(small.counting.wakes, 1);
	assert_ready(&small.acquire, &small.counting, 0);
	assert_int_equal(record_of(semaphore)->value, 0);
	rouse_semaphore_free(semaphore);
}

static void a_granted_waiter_that_is_dropped_gives_its_permits_to_the_next(void **state)
{
	struct rouse_semaphore *semaphore = rouse_semaphore_new(NULL, 0);
	struct waiter first, second;

	(void)state;
	wait_for(&first, semaphore, 2);
	wait_for(&second, semaphore, 2);
	rouse_semaphore_release(semaphore, 2);
	assert_int_equal(first.counting.wakes, 1);
	rouse_future_drop(&first.acquire.future);
	assert_int_equal(second.counting.wakes, 1);
	rouse_future_drop(&second.acquire.future);
	assert_int_equal(record_of(semaphore)->value, 2);
	rouse_semaphore_free(semaphore);
}

static void close_ends_every_wait_and_every_later_one(void **state)
{
	static struct waiter waiters[WAITERS];
	struct rouse_semaphore *semaphore = rouse_semaphore_new(NULL, 0);
	struct counting counting = { 0 };
	struct rouse_semaphore_acquire acquire;

	(void)state;
	for (int i = 0; i < WAITERS; i++)
		wait_for(&waiters[i], semaphore, 1);
	rouse_semaphore_close(semaphore);
	assert_true(record_of(semaphore)->flags & ROUSE_RESOURCE_CLOSED);
	for (int i = 0; i < WAITERS - 1; i++) {
		assert_int_equal(waiters[i].counting.wakes, 1);
		assert_ready(&waiters[i].acquire, &waiters[i].counting, -ROUSE_ECLOSED);
		assert_int_equal(waiters[i].counting.refs, 0);
	}
	rouse_future_drop(&waiters[WAITERS - 1].acquire.future); /* ended by the close: it has nothing to give back */
	assert_int_equal(record_of(semaphore)->value, 0);
	rouse_semaphore_release(semaphore, 1);
	assert_ready(rouse_semaphore_acquire(&acquire, semaphore, 1), &counting, -ROUSE_ECLOSED);
	assert_int_equal(rouse_semaphore_try_acquire(semaphore, 1), -ROUSE_ECLOSED);
	rouse_semaphore_free(semaphore);
}

static void poll_by_another_task_replaces_the_waker(void **state)
{
	struct rouse_semaphore *semaphore = rouse_semaphore_new(NULL, 0);
	struct counting second = { 0 };
	struct waiter w;

	(void)state;
	wait_for(&w, semaphore, 1);
	assert_pending(&w.acquire, &second);
	rouse_semaphore_release(semaphore, 1);
	assert_int_equal(w.counting.wakes + w.counting.refs, 0);
	assert_int_equal(second.wakes, 1);
	as_task(3);
	assert_ready(&w.acquire, &second, 0);
	assert_int_equal(record_of(semaphore)->last_user_a, FIRST_ID + 3);
	rouse_semaphore_free(semaphore);
}

static void without_budget_it_yields_before_taking(void **state)
{
	struct rouse_semaphore *semaphore = rouse_semaphore_new(NULL, 1);
	struct rouse_semaphore_acquire acquire;
	struct counting counting = { 0 };

	(void)state;
	assert_yields_without_budget(&rouse_semaphore_acquire(&acquire, semaphore, 1)->future);
	assert_int_equal(record_of(semaphore)->value, 1);
	assert_ready(&acquire, &counting, 0);
	rouse_semaphore_free(semaphore);
}

static void when_its_runtime_is_gone_every_call_says_so(void **state)
{
	struct rouse_runtime *other;
	struct waiter w;

	(void)state;
	assert_int_equal(rouse_runtime_new(ROUSE_RUNTIME_OPTS(.current_thread = true), &other), 0);
	struct rouse_guard guard = rouse_enter(other);
	struct rouse_semaphore *semaphore = rouse_semaphore_new(NULL, 0);

	wait_for(&w, semaphore, 1);
	assert_int_equal(rouse_runtime_shutdown(other, ROUSE_S, NULL, NULL), 0);
	assert_int_equal(rouse_semaphore_release(semaphore, 1), -ROUSE_EORPHAN);
	assert_int_equal(rouse_semaphore_try_acquire(semaphore, 1), -ROUSE_EORPHAN);
	assert_ready(&w.acquire, &w.counting, -ROUSE_EORPHAN);
	assert_int_equal(w.counting.refs, 0);
	rouse_semaphore_close(semaphore);
	rouse_semaphore_free(semaphore);
	rouse_leave(&guard);
	rouse_runtime_free(other);
}

TEST_MAIN_WITH(enter_runtime, leave_runtime, T(permits_are_taken_and_given_back),
	T(waiters_are_served_in_order_and_a_large_request_is_not_overtaken), T(one_release_serves_as_many_as_it_can),
	T(a_large_waiter_that_gives_up_makes_way),
	T(a_granted_waiter_that_is_dropped_gives_its_permits_to_the_next),
	T(close_ends_every_wait_and_every_later_one), T(poll_by_another_task_replaces_the_waker),
	T(without_budget_it_yields_before_taking), T(when_its_runtime_is_gone_every_call_says_so));
