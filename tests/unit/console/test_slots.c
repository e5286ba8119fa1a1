/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "looks.h"
#include "model/history.h"
#include "model/slots.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct row {
	uint64_t key;
	uint64_t value;
};

static void a_row_keeps_its_address_while_others_come_and_go(void **state)
{
	struct cn_slots slots;
	void *first, *other;

	(void)state;
	cn_slots_init(&slots, sizeof(struct row), SIZE_MAX);
	assert_int_equal(cn_slots_put(&slots, 7, &first), 0);
	for (uint64_t key = 100; key < 20100; key++)
		assert_int_equal(cn_slots_put(&slots, key, &other), 0);
	for (uint64_t key = 100; key < 20100; key += 2)
		cn_slots_remove(&slots, key);
	assert_ptr_equal(cn_slots_find(&slots, 7), first);
	assert_int_equal(slots.live, 10001);
	cn_slots_fini(&slots);
}

static void freed_slots_are_used_again_and_come_zeroed(void **state)
{
	struct cn_slots slots;
	void *row;

	(void)state;
	cn_slots_init(&slots, sizeof(struct row), SIZE_MAX);
	assert_int_equal(cn_slots_put(&slots, 1, &row), 0);
	((struct row *)row)->value = 99;
	cn_slots_remove(&slots, 1);
	assert_null(cn_slots_find(&slots, 1));
	assert_null(cn_slots_at(&slots, 0));
	assert_int_equal(cn_slots_put(&slots, 2, &row), 0);
	assert_ptr_equal(cn_slots_at(&slots, 0), row);
	assert_int_equal(((struct row *)row)->value, 0);
	assert_int_equal(slots.used, 1);
	cn_slots_fini(&slots);
}

static void limits_and_the_null_key_are_refused(void **state)
{
	struct cn_slots slots;
	void *row = NULL;

	(void)state;
	cn_slots_init(&slots, sizeof(struct row), 2);
	assert_int_equal(cn_slots_put(&slots, 0, &row), -EINVAL);
	assert_int_equal(cn_slots_put(&slots, 1, &row), 0);
	assert_int_equal(cn_slots_put(&slots, 2, &row), 0);
	row = NULL;
	assert_int_equal(cn_slots_put(&slots, 3, &row), -E2BIG);
	assert_null(row);
	assert_int_equal(cn_slots_put(&slots, 2, &row), 0); /* what is there is found all the same */
	assert_null(cn_slots_find(&slots, 0));
	cn_slots_remove(&slots, 3);
	assert_int_equal(slots.live, 2);
	cn_slots_fini(&slots);
}

/* The same history in a plain array: keys are few, so that removals meet full runs of the table. */
static void random_history_agrees_with_a_plain_array(void **state)
{
	enum { KEYS = 600, STEPS = 60000 };
	static uint64_t values[KEYS + 1];
	uint64_t random = test_seed(), live = 0;
	struct cn_slots slots;

	(void)state;
	memset(values, 0, sizeof values);
	cn_slots_init(&slots, sizeof(struct row), SIZE_MAX);
	for (int i = 0; i < STEPS; i++) {
		uint64_t key = test_random(&random) % KEYS + 1, value = test_random(&random) | 1;
		struct row *found = cn_slots_find(&slots, key);
		void *row;

		assert_int_equal(found ? found->value : 0, values[key]);
		if (test_random(&random) % 2) {
			assert_int_equal(cn_slots_put(&slots, key, &row), 0);
			((struct row *)row)->value = value;
			live += !values[key];
			values[key] = value;
		} else {
			cn_slots_remove(&slots, key);
			live -= values[key] != 0;
			values[key] = 0;
		}
		assert_int_equal(slots.live, live);
	}
	for (uint64_t key = 1; key <= KEYS; key++)
		assert_int_equal(cn_slots_find(&slots, key) != NULL, values[key] != 0);
	cn_slots_fini(&slots);
}

static void history_gives_the_newest_samples_oldest_first(void **state)
{
	struct cn_history history = { 0 };
	uint32_t out[CN_HISTORY_SAMPLES + 1];

	(void)state;
	assert_int_equal(cn_history_copy(&history, out, CN_HISTORY_SAMPLES), 0);
	cn_history_add(&history, 5);
	cn_history_add(&history, 1ull << 40);
	assert_int_equal(cn_history_copy(&history, out, CN_HISTORY_SAMPLES), 2);
	assert_int_equal(out[0], 5);
	assert_int_equal(out[1], UINT32_MAX);
	for (uint32_t i = 0; i < 3 * CN_HISTORY_SAMPLES; i++)
		cn_history_add(&history, i);
	assert_int_equal(cn_history_copy(&history, out, CN_HISTORY_SAMPLES), CN_HISTORY_SAMPLES);
	for (uint32_t i = 0; i < CN_HISTORY_SAMPLES; i++)
		assert_int_equal(out[i], 2 * CN_HISTORY_SAMPLES + i);
	assert_int_equal(cn_history_copy(&history, out, 2), 2);
	assert_int_equal(out[1], 3 * CN_HISTORY_SAMPLES - 1);
}

TEST_MAIN(cmocka_unit_test(a_row_keeps_its_address_while_others_come_and_go),
	cmocka_unit_test(freed_slots_are_used_again_and_come_zeroed),
	cmocka_unit_test(limits_and_the_null_key_are_refused),
	cmocka_unit_test(random_history_agrees_with_a_plain_array),
	cmocka_unit_test(history_gives_the_newest_samples_oldest_first));
