/* SPDX-License-Identifier: MIT */
/* Shutdown against what is still queued, still held, and still on its way from other threads. */
#include "test.h"

#include <rouse/rouse.h>

static struct rouse_runtime *undriven(void)
{
	struct rouse_runtime *runtime;

	assert_int_equal(rouse_runtime_new(ROUSE_RUNTIME_OPTS(.current_thread = true), &runtime), 0);
	return runtime;
}

ROUSE_ASYNC(ends_badly, int, ROUSE_NO_FIELDS);
ROUSE_BODY(ends_badly)
{
	ROUSE_BEGIN;
	ROUSE_FINALLY:
	rouse_panic("on the way out");
	ROUSE_END;
}

/* They hang in the global queue by the word that will hold the panic. */
static void queued_tasks_may_panic_while_they_are_cancelled(void **state)
{
	(void)state;
	struct rouse_runtime *runtime = undriven();
	struct rouse_totals totals;

	for (int i = 0; i < 3; i++)
		assert_int_equal(rouse_task_start_detached_(ROUSE_PREPARE_(runtime, NULL, ROUSE_KIND_TASK, ends_badly,
			.rouse_end_ = 0)), 0);
	assert_int_equal(rouse_runtime_shutdown(runtime, 5 * ROUSE_S, NULL, NULL), 0);
	rouse_runtime_totals(runtime, &totals);
	assert_int_equal(totals.panicked, 3);
	assert_int_equal(totals.live, 0);
	rouse_runtime_free(runtime);
}

TEST_MAIN(cmocka_unit_test(queued_tasks_may_panic_while_they_are_cancelled));
