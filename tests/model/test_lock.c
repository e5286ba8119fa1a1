/* SPDX-License-Identifier: MIT */
/*
 * The lock's sleepers, over the real lock.h and lock.c and a futex of the test's
 * own: what is guarded is handed from holder to holder, whoever lies down is woken,
 * and nobody stays counted.
 */
#include "test.h"

#include "base/futex.h"
#include "base/lock.h"
#include "model.h"

#include <errno.h>

static struct rs_lock lock;
static int guarded; /* plain */
static int taken;

/* ------------------------------------------------- a futex: one queue is all there is, first in first out */

struct sleeper {
	uint32_t asleep;
	struct sleeper *next;
};
static struct sleeper *first, **last;

/* Looking and lying down are one step, as in the kernel. */
int rs_futex_wait(const uint32_t *word, uint32_t value, uint64_t deadline_ns)
{
	struct sleeper self = { 1, NULL };

	(void)deadline_ns;
	rs_model_step();
	rs_model_drain();
	if (*word != value)
		return -EAGAIN;
	*last = &self;
	last = &self.next;
	rs_model_wait(&self.asleep, 1);
	return 0;
}

int rs_futex_wake(const uint32_t *word, int n)
{
	int woken = 0;

	(void)word;
	rs_model_step();
	rs_model_drain();
	for (; first && woken < n; woken++) {
		struct sleeper *sleeper = first;

		first = sleeper->next;
		if (!first)
			last = &first;
		sleeper->asleep = 0;
	}
	return woken;
}

/* ------------------------------------------------------------------ models */

static void setup(void)
{
	lock.word = 0;
	for (int i = 0; i < RS_LOCK_COUNTS; i++)
		rs_lock_sleepers[i] = 0;
	guarded = taken = 0;
	first = NULL;
	last = &first;
}

static void take_and_drop(void)
{
	rs_lock_take(&lock);
	model_read(&guarded);
	model_write(&guarded);
	taken++;
	rs_lock_drop(&lock);
}

static void twice(void)
{
	take_and_drop();
	take_and_drop();
}

static void check(int times)
{
	model_assert(taken == times);
	model_assert(!lock.word);
	model_assert(!first);
	for (int i = 0; i < RS_LOCK_COUNTS; i++)
		model_assert(!rs_lock_sleepers[i]);
}

static void check_two(void)
{
	check(2);
}
static void check_three(void)
{
	check(3);
}

static void who_lies_down_is_woken_and_counted_off(void **state)
{
	(void)state;
	assert_true(model_run(&(struct model){ "lock", setup, { take_and_drop, take_and_drop }, check_two, 4 }) > 1);
}

static void holders_come_and_go_while_one_lies_down(void **state)
{
	(void)state;
	assert_true(model_run(&(struct model){ "lock again", setup, { twice, take_and_drop }, check_three, 4 }) > 1);
}

static void several_sleepers_are_woken_one_by_one(void **state)
{
	(void)state;
	assert_true(model_run(&(struct model){
		"lock sleepers", setup, { take_and_drop, take_and_drop, take_and_drop }, check_three, 3 }) > 1);
}

TEST_MAIN(cmocka_unit_test(who_lies_down_is_woken_and_counted_off),
	cmocka_unit_test(holders_come_and_go_while_one_lies_down),
	cmocka_unit_test(several_sleepers_are_woken_one_by_one));
