/* SPDX-License-Identifier: MIT */
/* Names of the kernel's code. */
#include "loader/kallsyms.h"

#include <string.h>

#include "test.h"

static const char text[] = "ffffffff81000300 T last\n"
			   "ffffffff81000100 t first\n"
			   "ffffffff81000180 D data\n"
			   "ffffffff81000200 W middle\t[module]\n"
			   "nonsense\n"
			   "ffffffff81000290 T\n";

static void address_goes_by_the_function_around_it(void **state)
{
	struct bl_kallsyms kallsyms = { 0 };

	(void)state;
	assert_int_equal(bl_kallsyms_parse(&kallsyms, text, strlen(text)), 0);
	assert_string_equal(bl_kallsyms_name(&kallsyms, 0xffffffff81000100), "first");
	assert_string_equal(bl_kallsyms_name(&kallsyms, 0xffffffff810001ff), "first");
	assert_string_equal(bl_kallsyms_name(&kallsyms, 0xffffffff81000290), "middle");
	assert_string_equal(bl_kallsyms_name(&kallsyms, 0xffffffffffffffff), "last");
	assert_null(bl_kallsyms_name(&kallsyms, 0xffffffff810000ff));
	bl_kallsyms_fini(&kallsyms);
}

static void hidden_addresses_have_no_names(void **state)
{
	static const char hidden[] = "0000000000000000 T first\n0000000000000000 T last\n";
	struct bl_kallsyms kallsyms = { 0 };

	(void)state;
	assert_int_equal(bl_kallsyms_parse(&kallsyms, hidden, strlen(hidden)), 0);
	assert_null(bl_kallsyms_name(&kallsyms, 0xffffffff81000100));
	assert_null(bl_kallsyms_news(&kallsyms, 0xffffffff81000100));
	bl_kallsyms_fini(&kallsyms);
}

static void name_is_told_once_for_each_of_many_addresses(void **state)
{
	struct bl_kallsyms kallsyms = { 0 };

	(void)state;
	assert_int_equal(bl_kallsyms_parse(&kallsyms, text, strlen(text)), 0);
	for (uint64_t i = 0; i < 10000; i++)
		assert_string_equal(bl_kallsyms_news(&kallsyms, 0xffffffff81000300 + i), "last");
	for (uint64_t i = 0; i < 10000; i++)
		assert_null(bl_kallsyms_news(&kallsyms, 0xffffffff81000300 + i));
	bl_kallsyms_fini(&kallsyms);
}

static void long_name_is_cut(void **state)
{
	struct bl_kallsyms kallsyms = { 0 };
	char line[512] = "ffffffff81000100 T ";

	(void)state;
	memset(line + strlen(line), 'x', 400);
	assert_int_equal(bl_kallsyms_parse(&kallsyms, line, strlen(line)), 0);
	assert_int_equal(strlen(bl_kallsyms_name(&kallsyms, 0xffffffff81000100)), BL_SYMBOL_BYTES - 1);
	bl_kallsyms_fini(&kallsyms);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(address_goes_by_the_function_around_it),
		cmocka_unit_test(hidden_addresses_have_no_names),
		cmocka_unit_test(name_is_told_once_for_each_of_many_addresses),
		cmocka_unit_test(long_name_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
