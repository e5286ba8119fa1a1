/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "widget/format.h"

#include <string.h>

static void assert_ns(uint64_t ns, const char *expected)
{
	char text[CN_FORMAT_BYTES];

	assert_string_equal(cn_format_ns(text, ns), expected);
}

static void durations_keep_three_digits_and_are_never_rounded_up(void **state)
{
	(void)state;
	assert_ns(0, "0");
	assert_ns(1, "1ns");
	assert_ns(999, "999ns");
	assert_ns(1000, "1.00us");
	assert_ns(1259, "1.25us");
	assert_ns(12590, "12.5us");
	assert_ns(999999, "999us");
	assert_ns(1000000, "1.00ms");
	assert_ns(999999999, "999ms");
	assert_ns(1000000000, "1.00s");
	assert_ns(59999999999, "59.9s");
	assert_ns(60000000000, "1m00s");
	assert_ns(65000000000, "1m05s");
	assert_ns(3599999999999, "59m59s");
	assert_ns(3600000000000, "1h00m");
	assert_ns(10920000000000, "3h02m");
	assert_ns(86400000000000, "1d00h");
	assert_ns(187200000000000, "2d04h");
	assert_ns(102 * 86400000000000, "102d");
}

static void no_duration_is_wider_than_its_column(void **state)
{
	char text[CN_FORMAT_BYTES];

	(void)state;
	for (uint64_t ns = 1; ns < UINT64_MAX / 2; ns += ns / 7 + 1)
		assert_in_range(strlen(cn_format_ns(text, ns)), 1, 7);
	assert_string_equal(cn_format_ns(text, UINT64_MAX), "213503d");
}

static void assert_count(uint64_t count, const char *expected)
{
	char text[CN_FORMAT_BYTES];

	assert_string_equal(cn_format_count(text, count), expected);
}

static void counts_are_exact_up_to_9999(void **state)
{
	(void)state;
	assert_count(0, "0");
	assert_count(9999, "9999");
	assert_count(10000, "10.0k");
	assert_count(12399, "12.3k");
	assert_count(999999, "999k");
	assert_count(1000000, "1.00M");
	assert_count(1840000000, "1.84G");
	assert_count(UINT64_MAX, "18.4E");
}

static void no_count_is_wider_than_its_column(void **state)
{
	char text[CN_FORMAT_BYTES];

	(void)state;
	for (uint64_t count = 1; count < UINT64_MAX / 2; count += count / 7 + 1)
		assert_in_range(strlen(cn_format_count(text, count)), 1, 5);
}

static void shares_tell_little_from_none_and_most_from_all(void **state)
{
	char text[CN_FORMAT_BYTES];

	(void)state;
	assert_string_equal(cn_format_share(text, 0, 0), "-");
	assert_string_equal(cn_format_share(text, 0, 100), "0%");
	assert_string_equal(cn_format_share(text, 1, 1000), "<1%");
	assert_string_equal(cn_format_share(text, 37, 100), "37%");
	assert_string_equal(cn_format_share(text, 999, 1000), ">99%");
	assert_string_equal(cn_format_share(text, 1000, 1000), "100%");
	assert_string_equal(cn_format_share(text, 1001, 1000), "100%");
}

TEST_MAIN(cmocka_unit_test(durations_keep_three_digits_and_are_never_rounded_up),
	cmocka_unit_test(no_duration_is_wider_than_its_column), cmocka_unit_test(counts_are_exact_up_to_9999),
	cmocka_unit_test(no_count_is_wider_than_its_column),
	cmocka_unit_test(shares_tell_little_from_none_and_most_from_all));
