/* SPDX-License-Identifier: MIT */
/* With ROUSE_DEBUG_AWAITS every await suspends once, even if its future is ready at once. */
#include "test.h"

#include <rouse/rouse.h>

static int polls;

struct at_once {
	struct rouse_future future;
	int64_t result;
};
static struct rouse_poll at_once_poll(struct rouse_future *f, struct rouse_context *cx)
{
	(void)f, (void)cx;
	return rouse_ready();
}
ROUSE_LEAF(at_once, at_once_poll, NULL);

static struct at_once *at_once(struct at_once *storage)
{
	*storage = (struct at_once){ .future = ROUSE_FUTURE_INIT(at_once) };
	return storage;
}

ROUSE_ASYNC(three, int, struct at_once leaf; int kept;);
ROUSE_BODY(three)
{
	polls++;
	ROUSE_BEGIN;
	self->kept = 3;
	ROUSE_AWAIT_ONLY(at_once(&self->leaf));
	ROUSE_AWAIT_ONLY(at_once(&self->leaf));
	ROUSE_AWAIT_ONLY(at_once(&self->leaf));
	ROUSE_RETURN(self->kept);
	ROUSE_END;
}

static void every_await_suspends_once(void **state)
{
	(void)state;
	struct rouse_runtime *runtime;
	int result = 0;

	assert_int_equal(rouse_runtime_new(ROUSE_RUNTIME_OPTS(.current_thread = true), &runtime), 0);
	assert_int_equal(rouse_block_on(runtime, &result, three), 0);
	rouse_runtime_free(runtime);
	assert_int_equal(result, 3);
	assert_int_equal(polls, 4);
}

TEST_MAIN(cmocka_unit_test(every_await_suspends_once));
