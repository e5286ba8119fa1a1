/* SPDX-License-Identifier: MIT */
/*
 * The asymmetric Dekker that parking rests on: the one stores x, light fence,
 * reads y; the other stores y, heavy fence, reads x. Both reading 0 is the
 * lost wake-up. Two threads run it in step, many times.
 */
#include "test.h"

#include "base/atomic.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

enum { CACHE_LINE = 64 };

static uint32_t rounds = 40000;
static struct {
	uint32_t value;
	char pad[CACHE_LINE - sizeof(uint32_t)];
} x, y, seen_y, light_at, heavy_at;

static void wait_for(const uint32_t *word, uint32_t value)
{
	for (int spins = 0; rs_load(word, RS_ACQUIRE) < value;)
		if (++spins > 1000)
			sched_yield();
}

/* Round i: heavy_at becomes 2i - 1 (go), light_at i (done), heavy_at 2i (judged). */
static void *light_side(void *arg)
{
	(void)arg;
	for (uint32_t i = 1; i <= rounds; i++) {
		wait_for(&heavy_at.value, 2 * i - 1);
		rs_store(&x.value, 1u, RS_RELAXED);
		rs_fence_light();
		seen_y.value = rs_load(&y.value, RS_RELAXED);
		rs_store(&light_at.value, i, RS_RELEASE);
		wait_for(&heavy_at.value, 2 * i);
	}
	return NULL;
}

static void a_store_is_missed_by_one_side_at_most(void **state)
{
	pthread_t thread;
	uint32_t delay = 0;

	(void)state;
	rs_fence_init();
	if (getenv("ROUSE_TEST_SLOWDOWN"))
		rounds /= 10;
	assert_int_equal(pthread_create(&thread, NULL, light_side, NULL), 0);
	for (uint32_t i = 1; i <= rounds; i++) {
		uint32_t seen_x;

		rs_store(&x.value, 0u, RS_RELAXED);
		rs_store(&y.value, 0u, RS_RELAXED);
		rs_store(&heavy_at.value, 2 * i - 1, RS_RELEASE);
		for (volatile uint32_t left = delay; left > 0; left--)
			;
		rs_store(&y.value, 1u, RS_RELAXED);
		rs_fence_heavy();
		seen_x = rs_load(&x.value, RS_RELAXED);
		wait_for(&light_at.value, i);
		/* Too late, too early: hover where both run at the same time. */
		delay = seen_x ? delay - (delay > 0) : delay + 1;
		if (!seen_x && !seen_y.value)
			fail_msg("round %u: both sides missed the other's store", i);
		rs_store(&heavy_at.value, 2 * i, RS_RELEASE);
	}
	assert_int_equal(pthread_join(thread, NULL), 0);
}

static void membarrier_is_used_where_the_kernel_has_it(void **state)
{
	(void)state;
	rs_fence_init();
	if (!rs_fence_asymmetric)
		test_skip("kernel: no membarrier(PRIVATE_EXPEDITED)");
	rs_fence_heavy();
	assert_true(rs_fence_asymmetric);
}

TEST_MAIN(cmocka_unit_test(a_store_is_missed_by_one_side_at_most),
	cmocka_unit_test(membarrier_is_used_where_the_kernel_has_it));
