/* SPDX-License-Identifier: MIT */
/*
 * Making a runtime, with each call that it takes failing in turn: the error is
 * returned, nothing is left behind, nothing is printed; and a failure that is
 * tolerated leaves a runtime that works.
 */
#include "fault.h"

#include <errno.h>
#include <sys/resource.h>
#include <unistd.h>

#include <rouse/rouse.h>

static void collect(void *arg, const char *line)
{
	(void)arg;
	(void)line;
}

ROUSE_ASYNC(answer, int64_t,
	struct rouse_sleep sleep;);
ROUSE_BODY(answer)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT_ONLY(rouse_sleep(&self->sleep, ROUSE_US));
	ROUSE_RETURN(42);
	ROUSE_END;
}

static int make(bool current_thread, struct rouse_runtime **ret_runtime)
{
	return rouse_runtime_new(ROUSE_RUNTIME_OPTS(.workers = 3, .current_thread = current_thread, .log = collect,
		.seed = 1), ret_runtime);
}

static void use(struct rouse_runtime *runtime)
{
	int64_t result = 0;

	assert_int_equal(rouse_block_on(runtime, &result, answer), 0);
	assert_int_equal(result, 42);
	rouse_runtime_free(runtime);
}

/* Answers how many calls of this kind it takes. */
static uint32_t fail_each(enum fault_kind kind, bool current_thread)
{
	struct fault_stock before = fault_take_stock();
	uint32_t n = 1;

	for (bool hit = true; hit; n++) {
		struct rouse_runtime *runtime = NULL;

		fault_quiet();
		fault_arm(kind, n);
		int rc = make(current_thread, &runtime);
		hit = fault_disarm();
		fault_loud();
		if (rc == 0) {
			assert_non_null(runtime);
			use(runtime);
		} else {
			assert_true(hit);
			assert_int_equal(rc, -fault_error(kind));
			assert_null(runtime);
		}
		fault_check_back(&before, fault_name(kind), n);
	}
	return n - 2;
}

static void every_failure_is_returned_and_leaves_nothing(void **state)
{
	/* What a runtime cannot be made without. The rest may or may not be called. */
	const enum fault_kind needed[] = { FAULT_epoll_create1, FAULT_eventfd, FAULT_epoll_ctl, FAULT_memfd_create,
		FAULT_ftruncate, FAULT_mmap, FAULT_pthread_create, FAULT_calloc, FAULT_aligned_alloc };

	(void)state;
	for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++) {
		assert_true(fail_each(needed[i], false) > 0);
		assert_true(fail_each(needed[i], true) > 0);
	}
	(void)fail_each(FAULT_malloc, false);
	(void)fail_each(FAULT_malloc, true);
}

static void a_thread_that_cannot_start_ends_those_that_did(void **state)
{
	(void)state;
	/* Three workers and the watchdog. */
	assert_int_equal(fail_each(FAULT_pthread_create, false), 4);
	assert_int_equal(fail_each(FAULT_pthread_create, true), 1);
}

/* The real thing: one descriptor more each time, until there are enough. */
static void out_of_descriptors(void **state)
{
	struct fault_stock before = fault_take_stock();
	struct rlimit files, few;
	int refused = 0, lowest = dup(STDIN_FILENO);

	(void)state;
	assert_true(lowest >= 0);
	close(lowest);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &files), 0);
	for (few = (struct rlimit){ (rlim_t)lowest, files.rlim_max};; few.rlim_cur++) {
		struct rouse_runtime *runtime = NULL;

		assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
		int rc = make(false, &runtime);
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &files), 0);
		if (rc == 0) {
			use(runtime);
			break;
		}
		assert_int_equal(rc, -EMFILE);
		assert_null(runtime);
		refused++;
		fault_check_back(&before, "open", (uint32_t)refused);
	}
	assert_true(refused >= 2);
	fault_check_back(&before, "open", 0);
}

TEST_MAIN(cmocka_unit_test(every_failure_is_returned_and_leaves_nothing),
	cmocka_unit_test(a_thread_that_cannot_start_ends_those_that_did), cmocka_unit_test(out_of_descriptors));
