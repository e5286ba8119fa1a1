/* SPDX-License-Identifier: MIT */
/* What the person is told is missing. */
#include "loader/why.h"

#include <errno.h>
#include <linux/capability.h>
#include <string.h>

#include "test.h"

#define CAP(N) (UINT64_C(1) << (N))

static void every_missing_capability_is_named(void **state)
{
	char text[256];

	(void)state;
	assert_int_equal(bl_missing_capabilities(0, true, text, sizeof(text)), 3);
	assert_non_null(strstr(text, "CAP_BPF"));
	assert_non_null(strstr(text, "CAP_PERFMON"));
	assert_non_null(strstr(text, "CAP_SYS_ADMIN"));
	assert_int_equal(bl_missing_capabilities(CAP(CAP_BPF), true, text, sizeof(text)), 2);
	assert_null(strstr(text, "CAP_BPF"));
}

static void small_capabilities_do_where_libbpf_needs_no_perf_event(void **state)
{
	char text[256];

	(void)state;
	assert_int_equal(bl_missing_capabilities(CAP(CAP_BPF) | CAP(CAP_PERFMON), true, text, sizeof(text)), 1);
	assert_non_null(strstr(text, "CAP_SYS_ADMIN"));
	assert_int_equal(bl_missing_capabilities(CAP(CAP_BPF) | CAP(CAP_PERFMON), false, text, sizeof(text)), 0);
	assert_int_equal(bl_missing_capabilities(0, false, text, sizeof(text)), 2);
}

static void administrator_lacks_nothing(void **state)
{
	char text[256];

	(void)state;
	assert_int_equal(bl_missing_capabilities(CAP(CAP_SYS_ADMIN), true, text, sizeof(text)), 0);
	assert_string_equal(text, "");
}

static void list_that_does_not_fit_is_cut(void **state)
{
	char text[20];

	(void)state;
	memset(text, 'x', sizeof(text));
	assert_int_equal(bl_missing_capabilities(0, true, text, 12), 3);
	assert_int_equal(strlen(text), 11);
	assert_int_equal(text[12], 'x');
}

static void failure_keeps_its_code_and_words(void **state)
{
	struct bl_why why;

	(void)state;
	assert_int_equal(bl_fail(&why, -ENOENT, "no %s in %d", "probe", 7), -ENOENT);
	assert_string_equal(why.text, "no probe in 7");
}

TEST_MAIN(cmocka_unit_test(every_missing_capability_is_named),
	cmocka_unit_test(small_capabilities_do_where_libbpf_needs_no_perf_event),
	cmocka_unit_test(administrator_lacks_nothing), cmocka_unit_test(list_that_does_not_fit_is_cut),
	cmocka_unit_test(failure_keeps_its_code_and_words));
