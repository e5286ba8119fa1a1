/* SPDX-License-Identifier: MIT */
#include "in_runtime.h"

static struct rs_resource *record_of(struct rouse_oneshot *oneshot)
{
	return (struct rs_resource *)(void *)oneshot;
}

/* A slot is type-stable: whether it was freed can be asked afterwards. */
#define assert_freed(RECORD) assert_int_equal((RECORD)->serial, 0)

static void a_value_sent_first_is_received_at_once(void **state)
{
	struct rouse_oneshot *oneshot = rouse_oneshot_new("reply");
	struct rs_resource *record = record_of(oneshot);
	struct counting counting = { 0 };
	struct rouse_oneshot_recv recv;
	uint64_t value = 0;

	(void)state;
	assert_int_equal(record->side_a, 1);
	assert_int_equal(record->side_b, 1);
	as_task(2);
	assert_int_equal(rouse_oneshot_send(oneshot, 42), 0);
	assert_int_equal(record->value, 1);
	assert_int_equal(record->side_a, 0);
	assert_int_equal(record->last_user_a, FIRST_ID + 2);
	assert_ready(rouse_oneshot_recv(&recv, oneshot, &value), &counting, 0);
	assert_int_equal(value, 42);
	assert_freed(record);
	rouse_future_drop(&recv.future);
}

static void a_waiting_receiver_is_woken_by_the_value(void **state)
{
	struct rouse_oneshot *oneshot = rouse_oneshot_new(NULL);
	struct rs_resource *record = record_of(oneshot);
	struct counting counting = { 0 }, second = { 0 };
	struct rouse_oneshot_recv recv;
	uint64_t value = 0;

	(void)state;
	as_task(3);
	assert_pending(rouse_oneshot_recv(&recv, oneshot, &value), &counting);
	assert_int_equal(recv.wait.op, ROUSE_OP_ONESHOT_RECV);
	assert_int_equal(record->last_user_b, FIRST_ID + 3);
	assert_pending(&recv, &second); /* another task polls it now */
	assert_int_equal(counting.refs, 0);
	assert_int_equal(rouse_oneshot_send(oneshot, 7), 0);
	assert_int_equal(counting.wakes, 0);
	assert_int_equal(second.wakes, 1);
	assert_int_equal(second.refs, 0);
	assert_ready(&recv, &second, 0);
	assert_int_equal(value, 7);
	assert_freed(record);
}

static void a_sender_that_leaves_closes(void **state)
{
	struct rouse_oneshot *oneshot = rouse_oneshot_new(NULL);
	struct rs_resource *record = record_of(oneshot);
	struct counting counting = { 0 };
	struct rouse_oneshot_recv recv;
	uint64_t value = 5;

	(void)state;
	assert_pending(rouse_oneshot_recv(&recv, oneshot, &value), &counting);
	rouse_oneshot_drop_sender(oneshot);
	assert_int_equal(counting.wakes, 1);
	assert_true(record->flags & ROUSE_RESOURCE_CLOSED);
	assert_ready(&recv, &counting, -ROUSE_ECLOSED);
	assert_int_equal(value, 5);
	assert_freed(record);
}

static void a_receiver_that_leaves_is_told_to_the_sender(void **state)
{
	struct rouse_oneshot *oneshot = rouse_oneshot_new(NULL);
	struct rs_resource *record = record_of(oneshot);

	(void)state;
	rouse_oneshot_drop_receiver(oneshot);
	assert_int_not_equal(record->serial, 0);
	assert_int_equal(rouse_oneshot_send(oneshot, 1), -ROUSE_ECLOSED);
	assert_freed(record);
}

static void a_dropped_receive_is_a_receiver_that_leaves(void **state)
{
	struct counting counting = { 0 };
	struct rouse_oneshot_recv recv;
	uint64_t value;

	(void)state;
	for (int polled = 0; polled < 2; polled++) {
		struct rouse_oneshot *oneshot = rouse_oneshot_new(NULL);
		struct rs_resource *record = record_of(oneshot);

		rouse_oneshot_recv(&recv, oneshot, &value);
		if (polled)
			assert_pending(&recv, &counting);
		rouse_future_drop(&recv.future);
		rouse_future_drop(&recv.future);
		assert_int_equal(counting.refs, 0);
		assert_int_equal(rouse_oneshot_send(oneshot, 1), -ROUSE_ECLOSED);
		assert_int_equal(recv.wait.state, ROUSE_WAIT_IDLE); /* its memory is not touched any more */
		assert_freed(record);
	}
	assert_int_equal(counting.wakes, 0);
}

static void a_receive_dropped_after_the_send_frees(void **state)
{
	struct rouse_oneshot *oneshot = rouse_oneshot_new(NULL);
	struct rs_resource *record = record_of(oneshot);
	struct counting counting = { 0 };
	struct rouse_oneshot_recv recv;
	uint64_t value;

	(void)state;
	assert_pending(rouse_oneshot_recv(&recv, oneshot, &value), &counting);
	assert_int_equal(rouse_oneshot_send(oneshot, 1), 0);
	assert_int_not_equal(record->serial, 0);
	rouse_future_drop(&recv.future);
	assert_freed(record);
}

static void both_sides_leaving_frees_in_either_order(void **state)
{
	(void)state;
	for (int order = 0; order < 2; order++) {
		struct rouse_oneshot *oneshot = rouse_oneshot_new(NULL);
		struct rs_resource *record = record_of(oneshot);

		if (order)
			rouse_oneshot_drop_sender(oneshot);
		rouse_oneshot_drop_receiver(oneshot);
		assert_int_equal(record->serial == 0, order == 1);
		if (!order)
			rouse_oneshot_drop_sender(oneshot);
		assert_freed(record);
	}
}

static void when_its_runtime_is_gone_both_sides_are_told(void **state)
{
	struct counting counting = { 0 };
	struct rouse_oneshot_recv recv;
	struct rouse_runtime *other;
	uint64_t value = 0;

	(void)state;
	assert_int_equal(rouse_runtime_new(ROUSE_RUNTIME_OPTS(.current_thread = true), &other), 0);
	struct rouse_guard guard = rouse_enter(other);
	struct rouse_oneshot *oneshot = rouse_oneshot_new(NULL);
	struct rs_resource *record = record_of(oneshot);

	assert_pending(rouse_oneshot_recv(&recv, oneshot, &value), &counting);
	assert_int_equal(rouse_runtime_shutdown(other, ROUSE_S, NULL, NULL), 0);
	assert_int_equal(rouse_oneshot_send(oneshot, 9), -ROUSE_EORPHAN);
	assert_int_equal(counting.wakes, 1);
	assert_ready(&recv, &counting, -ROUSE_EORPHAN);
	assert_int_equal(value, 0);
	assert_freed(record);
	rouse_leave(&guard);
	rouse_runtime_free(other);
}

TEST_MAIN_WITH(enter_runtime, leave_runtime, T(a_value_sent_first_is_received_at_once),
	T(a_waiting_receiver_is_woken_by_the_value), T(a_sender_that_leaves_closes),
	T(a_receiver_that_leaves_is_told_to_the_sender), T(a_dropped_receive_is_a_receiver_that_leaves),
	T(a_receive_dropped_after_the_send_frees), T(both_sides_leaving_frees_in_either_order),
	T(when_its_runtime_is_gone_both_sides_are_told));
