/* SPDX-License-Identifier: MIT */
/*
 * What every test program shares: cmocka with the headers it needs, and a main
 * that adds what cmocka lacks.
 *
 *     static void waiter_is_woken_in_order(void **state) { ... }
 *     TEST_MAIN(cmocka_unit_test(waiter_is_woken_in_order));
 *
 * - Exit status: 0 all passed, 77 all skipped (meson's word for "skipped"),
 *   else the number of failures.
 * - Descriptors and threads that a program's tests leave open are a failure,
 *   named. Memory is the sanitizers' part.
 * - A hang ends the program with a line that names the test, after
 *   TEST_HANG_S (or the variable ROUSE_TEST_HANG_S) seconds times
 *   ROUSE_TEST_SLOWDOWN (set under sanitizers).
 * - ROUSE_TEST_FILTER=glob runs the matching tests only.
 *
 * Tests never sleep to synchronise and assert no wall-clock times.
 */
#ifndef ROUSE_TEST_H
#define ROUSE_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

/* A sanitizer keeps in memory what the program has given up: what was freed, and frames that have been left. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define TEST_SANITIZED true
#endif
#endif
#if !defined(TEST_SANITIZED) && (defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__))
#define TEST_SANITIZED true
#endif
#ifndef TEST_SANITIZED
#define TEST_SANITIZED false
#endif

#ifndef TEST_HANG_S
#define TEST_HANG_S 25u
#endif

struct test_program {
	const char *name;
	const struct CMUnitTest *tests;
	size_t n;
	CMFixtureFunction setup;    /* once, before all tests; what it opens is not a leak */
	CMFixtureFunction teardown; /* once, after all */
	unsigned int hang_s;
};

/* Runs the tests and answers main's exit status. */
int test_run(const struct test_program *program);

#define TEST_MAIN(...) TEST_MAIN_WITH(NULL, NULL, __VA_ARGS__)
#define TEST_MAIN_WITH(SETUP, TEARDOWN, ...)                                                       \
	int main(void)                                                                             \
	{                                                                                          \
		const struct CMUnitTest tests_[] = { __VA_ARGS__ };                                \
		return test_run(&(const struct test_program){ __FILE__, tests_,                    \
			sizeof tests_ / sizeof tests_[0], (SETUP), (TEARDOWN), TEST_HANG_S });     \
	}                                                                                          \
	struct test_program /* so that TEST_MAIN(...); needs no stray semicolon */

/* Skips the running test and says why; `./dev test` repeats the reason. Does not return. */
void test_skip(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

/*
 * The seed of this run: ROUSE_TEST_SEED, else a new one. The first call prints
 * it with the line that repeats the run.
 */
uint64_t test_seed(void);
/* The next number of a generator started at *state (splitmix64). */
uint64_t test_random(uint64_t *state);

/*
 * Waits for something another thread or process brings about: calls `done`
 * until it answers true or the hang guard would soon strike. For conditions
 * that have no event to wait for, never to let time pass.
 */
bool test_eventually(bool (*done)(void *arg), void *arg);

#endif
