/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "base/atomic.h"
#include "base/clock.h"
#include "base/futex.h"

#include <errno.h>
#include <pthread.h>

static void wait_refuses_a_word_that_has_changed(void **state)
{
	uint32_t word = 1;

	(void)state;
	assert_int_equal(rs_futex_wait(&word, 0, UINT64_MAX), -EAGAIN);
}

static void deadline_is_absolute_monotonic_time(void **state)
{
	uint32_t word = 0;
	uint64_t deadline = rs_mono_ns() + 2000000;

	(void)state;
	assert_int_equal(rs_futex_wait(&word, 0, 1), -ETIMEDOUT); /* long past */
	while (rs_futex_wait(&word, 0, deadline) != -ETIMEDOUT)
		;
	assert_true(rs_mono_ns() >= deadline);
}

struct sleeper {
	uint32_t word;
	uint32_t awake;
};

static void *sleep_until_set(void *arg)
{
	struct sleeper *sleeper = arg;

	while (rs_load(&sleeper->word, RS_ACQUIRE) == 0)
		(void)rs_futex_wait(&sleeper->word, 0, UINT64_MAX);
	rs_fetch_add(&sleeper->awake, 1u, RS_RELAXED);
	return NULL;
}

static void wake_ends_every_wait(void **state)
{
	struct sleeper sleeper = { 0, 0 };
	pthread_t threads[3];

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, sleep_until_set, &sleeper), 0);
	rs_store(&sleeper.word, 1u, RS_RELEASE);
	rs_futex_wake(&sleeper.word, 3);
	for (int i = 0; i < 3; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_int_equal(sleeper.awake, 3);
}

TEST_MAIN(cmocka_unit_test(wait_refuses_a_word_that_has_changed),
	cmocka_unit_test(deadline_is_absolute_monotonic_time), cmocka_unit_test(wake_ends_every_wait));
