/* SPDX-License-Identifier: MIT */
/* The lock excludes, and a sleeper is woken: 0 free, 1 held, 2 held and somebody sleeps. */
#include "test.h"

#include "base/lock.h"

#include <pthread.h>

enum { THREADS = 4, ROUNDS = 20000 };

static struct rs_lock lock;
static uint64_t counter; /* plain: only the lock keeps it right */

static void *count_under_lock(void *arg)
{
	(void)arg;
	for (int i = 0; i < ROUNDS; i++) {
		rs_lock_take(&lock);
		counter++;
		rs_lock_drop(&lock);
	}
	return NULL;
}

static void holders_exclude_each_other(void **state)
{
	pthread_t threads[THREADS];

	(void)state;
	counter = 0;
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, count_under_lock, NULL), 0);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_int_equal(counter, (uint64_t)THREADS * ROUNDS);
	assert_int_equal(lock.word, 0);
}

static void try_fails_while_held_and_succeeds_after(void **state)
{
	(void)state;
	rs_lock_take(&lock);
	assert_false(rs_lock_try(&lock));
	assert_int_equal(lock.word, 1);
	rs_lock_drop(&lock);
	assert_true(rs_lock_try(&lock));
	rs_lock_drop(&lock);
}

static bool somebody_sleeps(void *arg)
{
	(void)arg;
	return rs_load(&lock.word, RS_RELAXED) == 2;
}

static void *take_and_drop(void *arg)
{
	rs_lock_take(&lock);
	*(bool *)arg = true;
	rs_lock_drop(&lock);
	return NULL;
}

static void drop_wakes_every_sleeper_in_turn(void **state)
{
	pthread_t threads[THREADS];
	bool had[THREADS] = { false };

	(void)state;
	rs_lock_take(&lock);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, take_and_drop, &had[i]), 0);
	assert_true(test_eventually(somebody_sleeps, NULL));
	rs_lock_drop(&lock);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	for (int i = 0; i < THREADS; i++)
		assert_true(had[i]);
	assert_int_equal(lock.word, 0);
}

TEST_MAIN(cmocka_unit_test(holders_exclude_each_other),
	cmocka_unit_test(try_fails_while_held_and_succeeds_after),
	cmocka_unit_test(drop_wakes_every_sleeper_in_turn));
