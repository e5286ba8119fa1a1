/* SPDX-License-Identifier: MIT */
/* Three workers, two asleep, broken in every way that has a name. */
#include "test.h"

#include "dumped.h"
#include "sched/idle.h"

static struct rs_idle idle;

static int two_sleep(void **state)
{
	(void)state;
	idle = (struct rs_idle){ .workers = 3 };
	rs_idle_sleep(&idle, 2, false);
	rs_idle_sleep(&idle, 0, false);
	return 0;
}
#define T(NAME) cmocka_unit_test_setup(NAME, two_sleep)

static void print(void *what, FILE *out)
{
	rs_idle_dump_any(what, out);
}

static void sleeping_choosing_and_waking_is_valid(void **state)
{
	(void)state;
	assert_null(rs_idle_validate_any(&idle));
	assert_dumped(print, &idle, "idle: 3 workers, 0 searching, 2 asleep: 2 0\n");
	assert_int_equal(rs_idle_choose(&idle), 0);
	assert_null(rs_idle_validate_any(&idle));
	assert_dumped(print, &idle, "idle: 3 workers, 1 searching, 1 asleep: 2\n");
	assert_true(rs_idle_cancel(&idle, 2));
	assert_true(rs_idle_end_search(&idle));
	assert_null(rs_idle_validate_any(&idle));
}

static void an_index_that_cannot_be_is_named(void **state)
{
	(void)state;
	idle.stack[1] = 3;
	assert_string_equal(rs_idle_validate_any(&idle), "a sleeper that does not exist");
	idle.stack[1] = 2;
	assert_string_equal(rs_idle_validate_any(&idle), "a worker that sleeps twice");
}

static bool is_two(void *unused, uint32_t worker)
{
	(void)unused;
	return worker == 2;
}

static void lending_and_giving_back_is_valid(void **state)
{
	(void)state;
	assert_int_equal(rs_idle_borrow(&idle, is_two, NULL), 2);
	assert_int_equal(rs_idle_borrow(&idle, is_two, NULL), -1);
	assert_null(rs_idle_validate_any(&idle));
	assert_dumped(print, &idle, "idle: 3 workers, 0 searching, 2 asleep: 2 (lent) 0\n");
	assert_int_equal(rs_idle_choose(&idle), 0);
	assert_int_equal(rs_idle_choose_any(&idle), -1);
	rs_idle_return(&idle, 2);
	assert_int_equal(rs_idle_choose_any(&idle), 2);
	assert_null(rs_idle_validate_any(&idle));
}

static void loans_that_cannot_be_are_named(void **state)
{
	(void)state;
	idle.loans[0] = RS_LOAN_AWAITED;
	assert_null(rs_idle_validate_any(&idle));
	idle.loans[1] = RS_LOAN_LENT;
	assert_string_equal(rs_idle_validate_any(&idle), "a worker that is lent and does not sleep");
	idle.loans[1] = RS_LOAN_AWAITED + 1;
	assert_string_equal(rs_idle_validate_any(&idle), "a loan that cannot be");
}

static void counts_that_cannot_be_are_named(void **state)
{
	(void)state;
	(void)rs_idle_end_search(&idle); /* nobody searched */
	assert_string_equal(rs_idle_validate_any(&idle), "more searchers than workers: one was counted out twice");
	idle.sleepers = 4;
	assert_string_equal(rs_idle_validate_any(&idle), "more sleepers than workers");
	idle.workers = 65;
	assert_string_equal(rs_idle_validate_any(&idle), "a number of workers that cannot be");
	idle.workers = 0;
	assert_string_equal(rs_idle_validate_any(&idle), "a number of workers that cannot be");
}

TEST_MAIN(T(sleeping_choosing_and_waking_is_valid), T(an_index_that_cannot_be_is_named),
	T(lending_and_giving_back_is_valid), T(loans_that_cannot_be_are_named), T(counts_that_cannot_be_are_named));
