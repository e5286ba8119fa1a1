/* SPDX-License-Identifier: MIT */
/* A thread in a few letters. */
#include "test.h"

#include <limits.h>
#include <sys/syscall.h>

#include "export/thread_brief.h"

static void state_and_call_by_name_or_by_number(void **state)
{
	char out[CN_THREAD_BRIEF];

	(void)state;
	assert_string_equal(cn_thread_brief(out, &(struct cn_thread){ .state = 'S', .syscall = SYS_futex }), "S futex");
	assert_string_equal(cn_thread_brief(out, &(struct cn_thread){ .state = 'R', .syscall = -1 }), "R");
	assert_string_equal(cn_thread_brief(out, &(struct cn_thread){ .state = 'D', .syscall = 99999 }), "D call 99999");
	assert_string_equal(
		cn_thread_brief(out, &(struct cn_thread){ .state = 'S', .syscall = INT_MAX }), "S call 2147483647");
}

static void what_is_not_known_is_a_dash(void **state)
{
	char out[CN_THREAD_BRIEF];

	(void)state;
	assert_string_equal(cn_thread_brief(out, NULL), "-");
	assert_string_equal(cn_thread_brief(out, &(struct cn_thread){ .state = 0, .syscall = -1 }), "-");
}

/* The frames may come from anybody: no letter is printed that a terminal obeys. */
static void a_state_that_is_no_letter_is_not_known(void **state)
{
	const char lies[] = { '\x1b', '\n', '\x7f', ' ', '%', '[', '{', (char)0x9b };
	char out[CN_THREAD_BRIEF];

	(void)state;
	for (size_t i = 0; i < sizeof lies; i++)
		assert_string_equal(cn_thread_brief(out, &(struct cn_thread){ .state = lies[i], .syscall = 0 }), "-");
}

TEST_MAIN(cmocka_unit_test(state_and_call_by_name_or_by_number), cmocka_unit_test(what_is_not_known_is_a_dash),
	cmocka_unit_test(a_state_that_is_no_letter_is_not_known));
