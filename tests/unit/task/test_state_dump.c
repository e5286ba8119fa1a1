/* SPDX-License-Identifier: MIT */
/* The state word in words, and the words that no transition leads to. */
#include "test.h"

#include "dumped.h"
#include "task/state.h"

static void print(void *word, FILE *out)
{
	rs_state_dump(*(uint64_t *)word, out);
}

static void a_word_reads_as_people_say_it(void **state)
{
	uint64_t word = ROUSE_RUNNING | ROUSE_NOTIFIED | 2 * ROUSE_WAKER_ONE | ROUSE_HANDLE_ONE | 17 * ROUSE_STAMP_ONE;
	uint64_t idle = 0, full = UINT64_MAX;

	(void)state;
	assert_dumped(print, &word, "running|notified wakers 2 handles 1 stamp 17\n");
	assert_dumped(print, &idle, "idle wakers 0 handles 0 stamp 0\n");
	assert_dumped(print, &full, "running|complete|notified|join_interest|join_waker|cancelled|panicked|created "
		"wakers 262143 handles 16383 stamp 16777215\n");
}

/* A task's life, each step by the transition that makes it. */
static void every_state_on_the_way_is_valid(void **state)
{
	uint64_t word = ROUSE_CREATED | ROUSE_JOIN_INTEREST | ROUSE_HANDLE_ONE;
	bool join;

	(void)state;
	assert_null(rs_state_validate(word));
	assert_int_equal(rs_state_start(&word), RS_SCHEDULE);
	assert_null(rs_state_validate(word));
	assert_int_equal(rs_state_begin(&word), RS_POLL);
	assert_null(rs_state_validate(word));
	assert_true(rs_state_set_join(&word));
	assert_null(rs_state_validate(word));
	assert_int_equal(rs_state_wake(&word, false), RS_NOTHING);
	assert_null(rs_state_validate(word));
	assert_int_equal(rs_state_rest(&word), RS_SCHEDULE);
	assert_null(rs_state_validate(word));
	assert_int_equal(rs_state_abort(&word), RS_NOTHING);
	assert_null(rs_state_validate(word));
	assert_int_equal(rs_state_begin(&word), RS_CANCEL);
	assert_null(rs_state_validate(word));
	assert_int_equal(rs_state_finish(&word, ROUSE_CANCELLED, &join), RS_NOTHING);
	assert_null(rs_state_validate(word));
}

static void words_that_cannot_be_are_named(void **state)
{
	(void)state;
	assert_string_equal(rs_state_validate(ROUSE_COMPLETE | ROUSE_RUNNING), "complete, and not at rest");
	assert_string_equal(rs_state_validate(ROUSE_COMPLETE | ROUSE_NOTIFIED), "complete, and not at rest");
	assert_string_equal(rs_state_validate(ROUSE_COMPLETE | ROUSE_CREATED), "complete, and not at rest");
	assert_string_equal(rs_state_validate(ROUSE_PANICKED), "panicked, but not complete");
	assert_string_equal(rs_state_validate(ROUSE_COMPLETE | ROUSE_PANICKED | ROUSE_CANCELLED),
		"two outcomes: panicked and cancelled");
	assert_string_equal(rs_state_validate(ROUSE_CREATED | ROUSE_RUNNING), "created and already started");
	assert_string_equal(rs_state_validate(ROUSE_CREATED | ROUSE_NOTIFIED), "created and already started");
	assert_string_equal(rs_state_validate(ROUSE_CANCELLED), "an abort that no worker will see");
	assert_string_equal(rs_state_validate(ROUSE_JOIN_WAKER), "a join waker without a handle to have set it");
}

TEST_MAIN(cmocka_unit_test(a_word_reads_as_people_say_it), cmocka_unit_test(every_state_on_the_way_is_valid),
	cmocka_unit_test(words_that_cannot_be_are_named));
