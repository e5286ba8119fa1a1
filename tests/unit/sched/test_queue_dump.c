/* SPDX-License-Identifier: MIT */
/* A ring with three tasks and a fourth in the LIFO slot, broken in every way that has a name. */
#include "test.h"

#include "dumped.h"
#include "sched/queue.h"

enum { N = 4 };

static struct rs_queue queue;
static struct rouse_task tasks[N];

static int fill(void **state)
{
	struct rs_batch overflow;

	(void)state;
	queue = (struct rs_queue){ .head = 0xfffffffeull << 32 | 0xfffffffeu, .tail = 0xfffffffeu }; /* about to wrap */
	for (uint32_t i = 0; i < N; i++) {
		tasks[i] = (struct rouse_task){ .id = 16 + i, .state = ROUSE_NOTIFIED };
		if (i < N - 1)
			rs_queue_push_owner(&queue, &tasks[i], &overflow);
	}
	(void)rs_queue_swap_lifo(&queue, &tasks[N - 1]);
	return 0;
}
#define T(NAME) cmocka_unit_test_setup(NAME, fill)

static void print(void *what, FILE *out)
{
	rs_queue_dump_owner(what, out);
}

static void what_push_and_pop_leave_is_valid(void **state)
{
	(void)state;
	assert_null(rs_queue_validate_owner(&queue));
	assert_dumped(print, &queue,
		"queue: steal 4294967294 real 4294967294 tail 1, 3 waiting\n"
		"  lifo task 19: notified wakers 0 handles 0 stamp 0\n"
		"  ring task 16: notified wakers 0 handles 0 stamp 0\n"
		"  ring task 17: notified wakers 0 handles 0 stamp 0\n"
		"  ring task 18: notified wakers 0 handles 0 stamp 0\n");
	while (rs_queue_pop_owner(&queue))
		assert_null(rs_queue_validate_owner(&queue));
	assert_ptr_equal(rs_queue_take_lifo(&queue), &tasks[N - 1]);
	assert_null(rs_queue_validate_owner(&queue));
	assert_dumped(print, &queue, "queue: steal 1 real 1 tail 1, 0 waiting\n  lifo nothing\n");
}

static void a_task_in_two_places_is_named(void **state)
{
	(void)state;
	queue.slots[0] = &tasks[0];
	assert_string_equal(rs_queue_validate_owner(&queue), "a task twice in the ring (INV-1)");
	queue.slots[0] = queue.lifo;
	assert_string_equal(rs_queue_validate_owner(&queue), "a task in the ring and in the LIFO slot (INV-1)");
}

static void an_empty_slot_is_named(void **state)
{
	(void)state;
	queue.slots[0] = NULL;
	assert_string_equal(rs_queue_validate_owner(&queue), "an empty slot between head and tail");
	assert_dump_has(print, &queue, "  ring nothing\n");
}

static void indices_that_cannot_be_are_named(void **state)
{
	(void)state;
	queue.head -= 1ull << 32;
	assert_string_equal(rs_queue_validate_owner(&queue), "a theft that was never finished");
	queue.head = 2ull << 32 | 2;
	assert_string_equal(rs_queue_validate_owner(&queue), "head and tail further apart than the ring is long");
}

static void a_task_that_has_no_business_here_is_named(void **state)
{
	(void)state;
	for (int i = 0; i < N; i++) {
		tasks[i].state = ROUSE_NOTIFIED | ROUSE_RUNNING;
		assert_string_equal(rs_queue_validate_owner(&queue), "a queued task that is not scheduled (INV-1)");
		tasks[i].state = ROUSE_NOTIFIED | ROUSE_PANICKED;
		assert_string_equal(rs_queue_validate_owner(&queue), "panicked, but not complete");
		tasks[i] = (struct rouse_task){ .state = ROUSE_NOTIFIED };
		assert_string_equal(rs_queue_validate_owner(&queue), "a task that was freed while queued");
		fill(NULL);
	}
}

TEST_MAIN(T(what_push_and_pop_leave_is_valid), T(a_task_in_two_places_is_named), T(an_empty_slot_is_named),
	T(indices_that_cannot_be_are_named), T(a_task_that_has_no_business_here_is_named));
