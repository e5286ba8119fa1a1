/* SPDX-License-Identifier: MIT */
/* What the system says that a thread waits in. */
#include "loader/waits.h"

#include "test.h"

static void a_call_and_its_arguments_are_read(void **state)
{
	uint64_t arguments[3];
	uint32_t number;

	(void)state;
	assert_true(bl_waits_call("202 0x7f05aa 0x80 0x2 0x0 0x0 0x7f 0x7ffe10 0x7f05\n", &number, arguments));
	assert_int_equal(number, 202);
	assert_int_equal(arguments[0], 0x7f05aa);
	assert_int_equal(arguments[1], 0x80);
	assert_int_equal(arguments[2], 2);
	assert_true(bl_waits_call("0 0xffffffffffffffff 0x0 0x0 0x0 0x0 0x0 0x1 0x2\n", &number, arguments));
	assert_int_equal(number, 0);
	assert_int_equal(arguments[0], UINT64_MAX);
}

static void a_thread_in_no_call_has_none(void **state)
{
	static const char *const texts[] = { "running\n", "-1 0x7ffe10 0x7f05\n", "", "\n", "202 0x1 0x2\n",
		"-1 0x1 0x2 0x3 0x4\n" };
	uint64_t arguments[3] = { 7, 7, 7 };
	uint32_t number = 7;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		assert_false(bl_waits_call(texts[i], &number, arguments));
	assert_int_equal(number, 7);
	assert_int_equal(arguments[0], 7);
}

TEST_MAIN(cmocka_unit_test(a_call_and_its_arguments_are_read), cmocka_unit_test(a_thread_in_no_call_has_none));
