/* SPDX-License-Identifier: MIT */
/* Names of system calls, and whose first argument is a descriptor. */
#include "model/evidence.h"

#include <limits.h>
#include <sys/syscall.h>

#include "test.h"

static void names_are_those_of_this_machine(void **state)
{
	(void)state;
	assert_string_equal(cn_syscall_name(SYS_read), "read");
	assert_string_equal(cn_syscall_name(SYS_clock_nanosleep), "clock_nanosleep");
	assert_string_equal(cn_syscall_name(SYS_getppid), "getppid");
}

static void numbers_that_are_none_have_no_name(void **state)
{
	(void)state;
	for (int number = 4000; number < 5000; number++)
		assert_null(cn_syscall_name(number));
	assert_null(cn_syscall_name(-1));
	assert_null(cn_syscall_name(INT_MAX));
	assert_null(cn_syscall_name(INT_MIN));
	assert_false(cn_syscall_takes_fd(-1));
	assert_false(cn_syscall_takes_fd(INT_MAX));
}

static void first_argument_is_a_descriptor_of_some(void **state)
{
	(void)state;
	assert_true(cn_syscall_takes_fd(SYS_read));
	assert_true(cn_syscall_takes_fd(SYS_accept4));
	assert_true(cn_syscall_takes_fd(SYS_fdatasync));
	assert_false(cn_syscall_takes_fd(SYS_futex));
	assert_false(cn_syscall_takes_fd(SYS_clock_nanosleep));
	assert_false(cn_syscall_takes_fd(SYS_mmap)); /* it has one, elsewhere */
}

TEST_MAIN(cmocka_unit_test(names_are_those_of_this_machine), cmocka_unit_test(numbers_that_are_none_have_no_name),
	cmocka_unit_test(first_argument_is_a_descriptor_of_some));
