/* SPDX-License-Identifier: MIT */
#include "in_runtime.h"

#include <unistd.h>

static struct rs_resource *record_of(struct rouse_mutex *mutex)
{
	return (struct rs_resource *)(void *)mutex;
}

/* Locked by task 0; tasks 1 .. n wait in that order. */
static struct rouse_mutex *contended(struct rouse_mutex_lock *locks, struct counting *countings, int n)
{
	struct rouse_mutex *mutex = rouse_mutex_new("contended");

	assert_non_null(mutex);
	as_task(0);
	assert_int_equal(rouse_mutex_try_lock(mutex), 0);
	for (int i = 1; i <= n; i++) {
		countings[i] = (struct counting){ 0 };
		as_task(i);
		assert_pending(rouse_mutex_lock(&locks[i], mutex), &countings[i]);
	}
	as_task(0);
	return mutex;
}

static void the_record_tells_kind_name_holder_and_since_when(void **state)
{
	struct rouse_mutex *mutex = rouse_mutex_new("a name that is longer than 23 bytes");
	struct rs_resource *record = record_of(mutex);
	struct counting counting = { 0 };
	struct rouse_mutex_lock lock;

	(void)state;
	assert_int_equal(record->kind, ROUSE_RESOURCE_MUTEX);
	assert_string_equal(record->name, "a name that is longer t");
	assert_int_equal(record->flags, ROUSE_RESOURCE_OWNED);
	assert_int_not_equal(record->site, 0);
	assert_int_equal(record->value, 1);
	assert_int_equal(record->capacity, 1);
	assert_int_equal(record->owner, 0);
	as_task(2);
	assert_ready(rouse_mutex_lock(&lock, mutex), &counting, 0);
	assert_int_equal(record->value, 0);
	assert_int_equal(record->owner, FIRST_ID + 2);
	assert_true(record->owner_since >= record->created_ticks);
	assert_int_equal(record->last_user_a, FIRST_ID + 2);
	assert_int_equal(rouse_mutex_unlock(mutex), 0);
	assert_int_equal(record->owner, 0);
	assert_int_equal(record->value, 1);
	assert_int_equal(record->last_user_a, FIRST_ID + 2);
	rouse_mutex_free(mutex);
}

static void outside_any_task_the_holder_is_the_marked_thread(void **state)
{
	struct rouse_mutex *mutex = rouse_mutex_new(NULL);

	(void)state;
	assert_int_equal(rouse_mutex_try_lock(mutex), 0);
	assert_int_equal(record_of(mutex)->owner, 1ull << 63 | (uint64_t)gettid());
	assert_int_equal(rouse_mutex_unlock(mutex), 0);
	rouse_mutex_free(mutex);
}

static void locking_twice_is_a_deadlock_that_is_said(void **state)
{
	struct rouse_mutex *mutex = rouse_mutex_new(NULL);
	struct counting counting = { 0 };
	struct rouse_mutex_lock lock;

	(void)state;
	as_task(0);
	assert_ready(rouse_mutex_lock(&lock, mutex), &counting, 0);
	assert_ready(rouse_mutex_lock(&lock, mutex), &counting, -EDEADLK);
	assert_int_equal(rouse_mutex_try_lock(mutex), -EDEADLK);
	as_task(1);
	assert_int_equal(rouse_mutex_try_lock(mutex), -EBUSY);
	as_task(0);
	assert_int_equal(rouse_mutex_unlock(mutex), 0);
	rouse_mutex_free(mutex);
}

static void only_the_holder_can_unlock_or_transfer(void **state)
{
	struct rouse_mutex *mutex = rouse_mutex_new(NULL);

	(void)state;
	as_task(0);
	assert_int_equal(rouse_mutex_unlock(mutex), -ROUSE_ENOTOWNER);
	assert_int_equal(rouse_mutex_try_lock(mutex), 0);
	as_task(1);
	assert_int_equal(rouse_mutex_unlock(mutex), -ROUSE_ENOTOWNER);
	assert_int_equal(rouse_mutex_transfer(mutex, FIRST_ID + 1), -ROUSE_ENOTOWNER);
	as_task(0);
	assert_int_equal(rouse_mutex_transfer(mutex, 0), -EINVAL);
	assert_int_equal(rouse_mutex_transfer(mutex, FIRST_ID + 1), 0);
	assert_int_equal(record_of(mutex)->owner, FIRST_ID + 1);
	assert_int_equal(rouse_mutex_unlock(mutex), -ROUSE_ENOTOWNER);
	as_task(1);
	assert_int_equal(rouse_mutex_unlock(mutex), 0);
	rouse_mutex_free(mutex);
}

static void unlock_hands_over_in_order_and_the_owner_is_set_before_it_runs(void **state)
{
	struct rouse_mutex_lock locks[4];
	struct counting countings[4];
	struct rouse_mutex *mutex = contended(locks, countings, 3);

	(void)state;
	for (int i = 1; i <= 3; i++) {
		assert_int_equal(rouse_mutex_unlock(mutex), 0);
		assert_int_equal(record_of(mutex)->owner, FIRST_ID + i);
		assert_int_equal(record_of(mutex)->value, 0);
		for (int k = 1; k <= 3; k++)
			assert_int_equal(countings[k].wakes, k <= i);
		as_task(7); /* nobody barges in between grant and run */
		assert_int_equal(rouse_mutex_try_lock(mutex), -EBUSY);
		as_task(i);
		assert_ready(&locks[i], &countings[i], 0);
		assert_int_equal(countings[i].refs, 0);
	}
	assert_int_equal(rouse_mutex_unlock(mutex), 0);
	assert_int_equal(record_of(mutex)->value, 1);
	as_task(7);
	assert_int_equal(rouse_mutex_try_lock(mutex), 0);
	assert_int_equal(rouse_mutex_unlock(mutex), 0);
	rouse_mutex_free(mutex);
}

static void readers_see_what_a_waiter_waits_for(void **state)
{
	struct rouse_mutex_lock locks[2];
	struct counting countings[2];
	struct rouse_mutex *mutex = contended(locks, countings, 1);

	(void)state;
	assert_int_equal(locks[1].wait.state, ROUSE_WAIT_WAITING);
	assert_int_equal(locks[1].wait.op, ROUSE_OP_LOCK);
	assert_int_equal(locks[1].wait.resource, record_of(mutex)->serial);
	assert_int_not_equal(locks[1].wait.since_ticks, 0);
	assert_int_equal(rouse_mutex_unlock(mutex), 0);
	assert_int_equal(locks[1].wait.state, ROUSE_WAIT_GRANTED);
	as_task(1);
	assert_ready(&locks[1], &countings[1], 0);
	assert_int_equal(rouse_mutex_unlock(mutex), 0);
	rouse_mutex_free(mutex);
}

static void a_waiter_polled_again_keeps_its_place(void **state)
{
	struct rouse_mutex_lock locks[3];
	struct counting countings[3];
	struct rouse_mutex *mutex = contended(locks, countings, 2);

	(void)state;
	as_task(1);
	assert_pending(&locks[1], &countings[1]);
	assert_int_equal(countings[1].refs, 1);
	as_task(0);
	assert_int_equal(rouse_mutex_unlock(mutex), 0);
	assert_int_equal(countings[1].wakes, 1);
	assert_int_equal(countings[2].wakes, 0);
	as_task(1);
	assert_ready(&locks[1], &countings[1], 0);
	assert_int_equal(rouse_mutex_unlock(mutex), 0);
	as_task(2);
	assert_ready(&locks[2], &countings[2], 0);
	assert_int_equal(rouse_mutex_unlock(mutex), 0);
	rouse_mutex_free(mutex);
}

static void a_waiter_polled_by_another_task_waits_for_that_one(void **state)
{
	struct counting second = { 0 };
	struct rouse_mutex_lock locks[2];
	struct counting countings[2];
	struct rouse_mutex *mutex = contended(locks, countings, 1);

	(void)state;
	as_task(5);
	assert_pending(&locks[1], &second);
	assert_int_equal(countings[1].refs, 0);
	as_task(0);
	assert_int_equal(rouse_mutex_unlock(mutex), 0);
	assert_int_equal(record_of(mutex)->owner, FIRST_ID + 5);
	assert_int_equal(countings[1].wakes, 0);
	assert_int_equal(second.wakes, 1);
	as_task(6); /* and once more, after the grant */
	assert_ready(&locks[1], &second, 0);
	assert_int_equal(record_of(mutex)->owner, FIRST_ID + 6);
	assert_int_equal(rouse_mutex_unlock(mutex), 0);
	rouse_mutex_free(mutex);
}

static void a_dropped_waiter_leaves_the_queue(void **state)
{
	struct rouse_mutex_lock locks[4];
	struct counting countings[4];
	struct rouse_mutex *mutex = contended(locks, countings, 3);

	(void)state;
	rouse_future_drop(&locks[2].future);
	rouse_future_drop(&locks[2].future);
	assert_int_equal(countings[2].refs, 0);
	assert_int_equal(rouse_mutex_unlock(mutex), 0);
	as_task(1);
	assert_ready(&locks[1], &countings[1], 0);
	rouse_future_drop(&locks[3].future); /* the last waiter goes: the word still says contended */
	assert_int_equal(rouse_mutex_unlock(mutex), 0);
	assert_int_equal(record_of(mutex)->value, 1);
	assert_int_equal(rouse_mutex_try_lock(mutex), 0);
	assert_int_equal(rouse_mutex_unlock(mutex), 0);
	assert_int_equal(countings[2].wakes + countings[3].wakes, 0);
	rouse_mutex_free(mutex);
}

static void a_granted_waiter_that_is_dropped_passes_the_lock_on(void **state)
{
	struct rouse_mutex_lock locks[3];
	struct counting countings[3];
	struct rouse_mutex *mutex = contended(locks, countings, 2);

	(void)state;
	assert_int_equal(rouse_mutex_unlock(mutex), 0);
	rouse_future_drop(&locks[1].future);
	assert_int_equal(countings[2].wakes, 1);
	assert_int_equal(record_of(mutex)->owner, FIRST_ID + 2);
	rouse_future_drop(&locks[2].future);
	assert_int_equal(record_of(mutex)->owner, 0);
	assert_int_equal(record_of(mutex)->value, 1);
	assert_int_equal(rouse_mutex_try_lock(mutex), 0);
	assert_int_equal(rouse_mutex_unlock(mutex), 0);
	rouse_mutex_free(mutex);
}

static void dropping_a_future_that_has_the_lock_does_not_unlock(void **state)
{
	struct rouse_mutex *mutex = rouse_mutex_new(NULL);
	struct counting counting = { 0 };
	struct rouse_mutex_lock lock, unpolled;

	(void)state;
	rouse_future_drop(&rouse_mutex_lock(&unpolled, mutex)->future);
	assert_ready(rouse_mutex_lock(&lock, mutex), &counting, 0);
	rouse_future_drop(&lock.future);
	assert_int_equal(record_of(mutex)->value, 0);
	assert_int_equal(rouse_mutex_unlock(mutex), 0);
	rouse_mutex_free(mutex);
}

static bool is_handed(struct rouse_mutex *mutex)
{
	return record_of(mutex)->flags & ROUSE_RESOURCE_HANDED;
}

static void a_lock_is_marked_handed_until_its_new_owner_fetches_it(void **state)
{
	struct rouse_mutex_lock locks[3];
	struct counting countings[3];
	struct rouse_mutex *mutex = contended(locks, countings, 2);

	(void)state;
	assert_false(is_handed(mutex)); /* taken by try_lock: nobody handed it over */
	assert_int_equal(rouse_mutex_unlock(mutex), 0);
	assert_true(is_handed(mutex));
	assert_true(record_of(mutex)->flags & ROUSE_RESOURCE_OWNED);
	as_task(1);
	assert_ready(&locks[1], &countings[1], 0);
	assert_int_equal(record_of(mutex)->flags, ROUSE_RESOURCE_OWNED);
	assert_int_equal(rouse_mutex_unlock(mutex), 0);
	assert_true(is_handed(mutex));
	as_task(6); /* the future went to another task meanwhile */
	assert_ready(&locks[2], &countings[2], 0);
	assert_false(is_handed(mutex));
	assert_int_equal(rouse_mutex_unlock(mutex), 0);
	assert_false(is_handed(mutex));
	rouse_mutex_free(mutex);
}

static void a_handed_lock_that_is_dropped_is_handed_to_the_next_or_free(void **state)
{
	struct rouse_mutex_lock locks[3];
	struct counting countings[3];
	struct rouse_mutex *mutex = contended(locks, countings, 2);

	(void)state;
	assert_int_equal(rouse_mutex_unlock(mutex), 0);
	rouse_future_drop(&locks[1].future);
	assert_int_equal(record_of(mutex)->owner, FIRST_ID + 2);
	assert_true(is_handed(mutex));
	rouse_future_drop(&locks[2].future);
	assert_int_equal(record_of(mutex)->value, 1);
	assert_false(is_handed(mutex));
	rouse_mutex_free(mutex);
}

/* The owner may know that the lock is its own before it polls the future again: by another arm of a select, say. */
static void a_handed_lock_can_be_unlocked_or_transferred_unfetched(void **state)
{
	struct rouse_mutex_lock locks[3];
	struct counting countings[3];
	struct rouse_mutex *mutex = contended(locks, countings, 2);

	(void)state;
	assert_int_equal(rouse_mutex_unlock(mutex), 0);
	as_task(1);
	assert_int_equal(rouse_mutex_transfer(mutex, FIRST_ID + 7), 0);
	assert_false(is_handed(mutex));
	as_task(7);
	assert_int_equal(rouse_mutex_unlock(mutex), 0);
	assert_int_equal(record_of(mutex)->owner, FIRST_ID + 2);
	assert_true(is_handed(mutex));
	as_task(2);
	assert_int_equal(rouse_mutex_unlock(mutex), 0);
	assert_int_equal(record_of(mutex)->flags, ROUSE_RESOURCE_OWNED);
	assert_int_equal(record_of(mutex)->value, 1);
	rouse_mutex_free(mutex);
}

static void without_budget_it_yields_before_locking(void **state)
{
	struct rouse_mutex *mutex = rouse_mutex_new(NULL);
	struct counting counting = { 0 };
	struct rouse_mutex_lock lock;

	(void)state;
	assert_yields_without_budget(&rouse_mutex_lock(&lock, mutex)->future);
	assert_int_equal(record_of(mutex)->value, 1);
	assert_ready(&lock, &counting, 0);
	assert_int_equal(rouse_mutex_unlock(mutex), 0);
	rouse_mutex_free(mutex);
}

static void without_a_runtime_there_is_none(void **state)
{
	struct rouse_runtime *here = rs_self.runtime;

	(void)state;
	rs_self.runtime = NULL;
	errno = 0;
	assert_null(rouse_mutex_new(NULL));
	assert_int_equal(errno, ROUSE_ENORUNTIME);
	rs_self.runtime = here;
	rouse_mutex_free(NULL);
}

static void when_its_runtime_is_gone_every_call_says_so(void **state)
{
	struct counting counting = { 0 };
	struct rouse_mutex_lock lock, waiting;
	struct rouse_runtime *other;

	(void)state;
	assert_int_equal(rouse_runtime_new(ROUSE_RUNTIME_OPTS(.current_thread = true), &other), 0);
	struct rouse_guard guard = rouse_enter(other);
	struct rouse_mutex *mutex = rouse_mutex_new(NULL);

	as_task(0);
	assert_int_equal(rouse_mutex_try_lock(mutex), 0);
	as_task(1);
	assert_pending(rouse_mutex_lock(&waiting, mutex), &counting);
	as_nobody();
	assert_int_equal(rouse_runtime_shutdown(other, ROUSE_S, NULL, NULL), 0);
	as_task(0);
	assert_int_equal(rouse_mutex_unlock(mutex), -ROUSE_EORPHAN);
	assert_int_equal(rouse_mutex_try_lock(mutex), -ROUSE_EORPHAN);
	assert_int_equal(rouse_mutex_transfer(mutex, 5), -ROUSE_EORPHAN);
	assert_ready(rouse_mutex_lock(&lock, mutex), &counting, -ROUSE_EORPHAN);
	assert_ready(&waiting, &counting, -ROUSE_EORPHAN);
	assert_int_equal(counting.refs, 0);
	rouse_mutex_free(mutex);
	as_nobody();
	rouse_leave(&guard);
	rouse_runtime_free(other);
}

TEST_MAIN_WITH(enter_runtime, leave_runtime, T(the_record_tells_kind_name_holder_and_since_when),
	T(outside_any_task_the_holder_is_the_marked_thread), T(locking_twice_is_a_deadlock_that_is_said),
	T(only_the_holder_can_unlock_or_transfer), T(unlock_hands_over_in_order_and_the_owner_is_set_before_it_runs),
	T(readers_see_what_a_waiter_waits_for), T(a_waiter_polled_again_keeps_its_place),
	T(a_waiter_polled_by_another_task_waits_for_that_one), T(a_dropped_waiter_leaves_the_queue),
	T(a_granted_waiter_that_is_dropped_passes_the_lock_on), T(dropping_a_future_that_has_the_lock_does_not_unlock),
	T(a_lock_is_marked_handed_until_its_new_owner_fetches_it),
	T(a_handed_lock_that_is_dropped_is_handed_to_the_next_or_free),
	T(a_handed_lock_can_be_unlocked_or_transferred_unfetched), T(without_budget_it_yields_before_locking),
	T(without_a_runtime_there_is_none), T(when_its_runtime_is_gone_every_call_says_so));
