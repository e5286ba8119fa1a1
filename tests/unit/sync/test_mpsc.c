/* SPDX-License-Identifier: MIT */
#include "in_runtime.h"

#include <string.h>

#include "sync/mpsc.h"

static struct rs_resource *record_of(struct rouse_mpsc *channel)
{
	return (struct rs_resource *)(void *)channel;
}

#define assert_freed(RECORD) assert_int_equal((RECORD)->serial, 0)

static void drop_both(struct rouse_mpsc *channel)
{
	struct rs_resource *record = record_of(channel);

	rouse_mpsc_drop_sender(channel);
	rouse_mpsc_drop_receiver(channel);
	assert_freed(record);
}

struct sender {
	struct rouse_mpsc_send send;
	struct counting counting;
	uint64_t message;
};

static void wait_to_send(struct sender *s, struct rouse_mpsc *channel, uint64_t message)
{
	s->counting = (struct counting){ 0 };
	s->message = message;
	assert_pending(rouse_mpsc_send(&s->send, channel, &s->message), &s->counting);
}

static uint64_t must_receive(struct rouse_mpsc *channel)
{
	uint64_t message = UINT64_MAX;

	assert_int_equal(rouse_mpsc_try_recv(channel, &message), 0);
	return message;
}

static void the_record_tells_kind_depth_sides_and_last_users(void **state)
{
	struct rouse_mpsc *bounded = rouse_mpsc_new("work", sizeof(uint64_t), 4);
	struct rouse_mpsc *unbounded = rouse_mpsc_new("log", sizeof(uint64_t), 0);
	struct rs_resource *record = record_of(bounded);
	uint64_t message = 1;

	(void)state;
	assert_int_equal(record->kind, ROUSE_RESOURCE_MPSC);
	assert_int_equal(record->capacity, 4);
	assert_int_equal(record_of(unbounded)->kind, ROUSE_RESOURCE_UNBOUNDED);
	assert_int_equal(record_of(unbounded)->capacity, 0);
	assert_ptr_equal(rouse_mpsc_ref_sender(bounded), bounded);
	assert_int_equal(record->side_a, 2);
	assert_int_equal(record->side_b, 1);
	as_task(1);
	assert_int_equal(rouse_mpsc_try_send(bounded, &message), 0);
	assert_int_equal(rouse_mpsc_try_send(bounded, &message), 0);
	as_task(2);
	must_receive(bounded);
	assert_int_equal(record->value, 1);
	assert_int_equal(rouse_mpsc_len(bounded), 1);
	assert_int_equal(record->last_user_a, FIRST_ID + 1);
	assert_int_equal(record->last_user_b, FIRST_ID + 2);
	rouse_mpsc_drop_sender(bounded);
	drop_both(bounded);
	drop_both(unbounded);
}

static void fill_and_drain(size_t bytes, size_t capacity, size_t n, int rounds)
{
	struct rouse_mpsc *channel = rouse_mpsc_new(NULL, bytes, capacity);
	unsigned char in[600], out[600];
	size_t sent = 0, received = 0;

	assert_non_null(channel);
	assert_in_range(bytes, 0, sizeof in);
	for (int round = 0; round < rounds; round++) {
		for (size_t i = 0; i < n; i++, sent++) {
			bool full = capacity && sent - received == capacity;

			memset(in, (int)(sent % 251), bytes);
			assert_int_equal(rouse_mpsc_try_send(channel, in), full ? -ROUSE_EFULL : 0);
			if (full)
				break;
		}
		for (size_t i = 0; i < n - (size_t)round % (n > 2 ? 3 : 1) && received < sent; i++, received++) {
			memset(in, (int)(received % 251), bytes);
			assert_int_equal(rouse_mpsc_try_recv(channel, out), 0);
			assert_memory_equal(out, in, bytes);
		}
		assert_int_equal(rouse_mpsc_len(channel), sent - received);
	}
	drop_both(channel);
}

static void messages_come_out_as_they_went_in_round_the_ring(void **state)
{
	(void)state;
	fill_and_drain(8, 7, 4, 50);
	fill_and_drain(3, 1, 1, 5);
	fill_and_drain(600, 5, 3, 20);
	fill_and_drain(0, 5, 3, 20);
}

static void messages_come_out_as_they_went_in_across_blocks(void **state)
{
	(void)state;
	fill_and_drain(8, 0, 2000, 7);
	fill_and_drain(3, 0, 3000, 4);
	fill_and_drain(600, 0, 100, 7);
	fill_and_drain(0, 0, 10000, 3);
}

/* 510 messages have room at first: 500 are passed on, so that the ones before it grows lie around its end. */
static void a_ring_that_grows_while_it_wraps_keeps_the_order(void **state)
{
	enum { CAPACITY = 5000, PASSED = 500 };
	struct rouse_mpsc *channel = rouse_mpsc_new(NULL, sizeof(uint64_t), CAPACITY);
	uint64_t sent = 0, received = 0, message;

	(void)state;
	assert_non_null(channel);
	for (; sent < PASSED; sent++)
		assert_int_equal(rouse_mpsc_try_send(channel, &sent), 0);
	for (; received < PASSED; received++)
		assert_int_equal(rouse_mpsc_try_recv(channel, &message), 0);
	for (; sent < PASSED + CAPACITY; sent++)
		assert_int_equal(rouse_mpsc_try_send(channel, &sent), 0);
	assert_int_equal(rouse_mpsc_try_send(channel, &sent), -ROUSE_EFULL);
	for (; received < sent; received++) {
		assert_int_equal(rouse_mpsc_try_recv(channel, &message), 0);
		assert_int_equal(message, received);
	}
	assert_int_equal(rouse_mpsc_try_recv(channel, &message), -ROUSE_EEMPTY);
	drop_both(channel);
}

static void a_waiting_receiver_is_woken_by_the_first_message_only(void **state)
{
	struct rouse_mpsc *channel = rouse_mpsc_new(NULL, sizeof(uint64_t), 4);
	struct counting counting = { 0 }, second = { 0 };
	struct rouse_mpsc_recv recv, next;
	uint64_t message = 0, one = 1, two = 2;

	(void)state;
	assert_pending(rouse_mpsc_recv(&recv, channel, &message), &counting);
	assert_int_equal(recv.wait.op, ROUSE_OP_RECV);
	assert_pending(&recv, &second); /* another task polls it now */
	assert_int_equal(counting.refs, 0);
	assert_int_equal(rouse_mpsc_try_send(channel, &one), 0);
	assert_int_equal(rouse_mpsc_try_send(channel, &two), 0);
	assert_int_equal(counting.wakes, 0);
	assert_int_equal(second.wakes, 1);
	assert_ready(&recv, &second, 0);
	assert_int_equal(message, 1);
	assert_ready(rouse_mpsc_recv(&next, channel, &message), &second, 0);
	assert_int_equal(message, 2);
	assert_int_equal(second.refs, 0);
	drop_both(channel);
}

static void a_granted_receive_that_is_dropped_loses_no_message(void **state)
{
	struct rouse_mpsc *channel = rouse_mpsc_new(NULL, sizeof(uint64_t), 4);
	struct counting counting = { 0 };
	struct rouse_mpsc_recv recv, next;
	uint64_t message = 0, one = 1;

	(void)state;
	assert_pending(rouse_mpsc_recv(&recv, channel, &message), &counting);
	assert_int_equal(rouse_mpsc_try_send(channel, &one), 0);
	rouse_future_drop(&recv.future);
	assert_int_equal(must_receive(channel), 1);
	assert_pending(rouse_mpsc_recv(&recv, channel, &message), &counting);
	rouse_future_drop(&recv.future); /* waiting */
	assert_int_equal(counting.refs, 0);
	assert_int_equal(rouse_mpsc_try_send(channel, &one), 0);
	assert_int_equal(counting.wakes, 1);
	assert_int_equal(recv.wait.state, ROUSE_WAIT_IDLE);
	assert_ready(rouse_mpsc_recv(&next, channel, &message), &counting, 0);
	drop_both(channel);
}

static void a_granted_receive_whose_message_was_taken_waits_again(void **state)
{
	struct rouse_mpsc *channel = rouse_mpsc_new(NULL, sizeof(uint64_t), 4);
	struct counting counting = { 0 };
	struct rouse_mpsc_recv recv;
	uint64_t message = 0, one = 1, two = 2;

	(void)state;
	assert_pending(rouse_mpsc_recv(&recv, channel, &message), &counting);
	assert_int_equal(rouse_mpsc_try_send(channel, &one), 0);
	assert_int_equal(must_receive(channel), 1);
	assert_pending(&recv, &counting);
	assert_int_equal(rouse_mpsc_try_send(channel, &two), 0);
	assert_int_equal(counting.wakes, 2);
	assert_ready(&recv, &counting, 0);
	assert_int_equal(message, 2);
	drop_both(channel);
}

static void a_second_receive_at_a_time_is_refused(void **state)
{
	struct rouse_mpsc *channel = rouse_mpsc_new(NULL, sizeof(uint64_t), 4);
	struct counting counting = { 0 };
	struct rouse_mpsc_recv first, second;
	uint64_t message;

	(void)state;
	assert_pending(rouse_mpsc_recv(&first, channel, &message), &counting);
	assert_ready(rouse_mpsc_recv(&second, channel, &message), &counting, -EBUSY);
	rouse_future_drop(&first.future);
	drop_both(channel);
}

static void a_full_channel_lets_senders_in_first_come_first_served(void **state)
{
	struct rouse_mpsc *channel = rouse_mpsc_new(NULL, sizeof(uint64_t), 2);
	uint64_t message = 1;
	struct sender senders[3];

	(void)state;
	assert_int_equal(rouse_mpsc_try_send(channel, &message), 0);
	assert_int_equal(rouse_mpsc_try_send(channel, &message), 0);
	for (uint64_t i = 0; i < 3; i++)
		wait_to_send(&senders[i], channel, 10 + i);
	assert_int_equal(senders[0].send.wait.op, ROUSE_OP_SEND);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(must_receive(channel), i < 2 ? 1 : 10);
		assert_int_equal(rouse_mpsc_len(channel), 2);
		/* The room was given away already: nobody gets in between. */
		assert_int_equal(rouse_mpsc_try_send(channel, &message), -ROUSE_EFULL);
		for (int k = 0; k < 3; k++)
			assert_int_equal(senders[k].counting.wakes, k <= i);
		assert_ready(&senders[i].send, &senders[i].counting, 0);
		assert_int_equal(senders[i].counting.refs, 0);
	}
	assert_int_equal(must_receive(channel), 11);
	assert_int_equal(must_receive(channel), 12);
	assert_int_equal(rouse_mpsc_try_recv(channel, &message), -ROUSE_EEMPTY);
	drop_both(channel);
}

static void a_waiting_sender_that_is_dropped_sends_nothing(void **state)
{
	struct rouse_mpsc *channel = rouse_mpsc_new(NULL, sizeof(uint64_t), 1);
	struct counting second = { 0 };
	uint64_t message = 1;
	struct sender senders[3];

	(void)state;
	assert_int_equal(rouse_mpsc_try_send(channel, &message), 0);
	for (uint64_t i = 0; i < 3; i++)
		wait_to_send(&senders[i], channel, 10 + i);
	rouse_future_drop(&senders[0].send.future);
	assert_int_equal(senders[0].counting.refs, 0);
	assert_pending(&senders[1].send, &second); /* keeps its place, with another waker */
	assert_int_equal(senders[1].counting.refs, 0);
	assert_int_equal(must_receive(channel), 1);
	assert_int_equal(second.wakes, 1);
	rouse_future_drop(&senders[1].send.future); /* too late: its message is in */
	assert_int_equal(must_receive(channel), 11);
	assert_int_equal(must_receive(channel), 12);
	assert_ready(&senders[2].send, &senders[2].counting, 0);
	drop_both(channel);
}

static void after_the_last_sender_the_rest_is_received_and_then_the_end(void **state)
{
	struct rouse_mpsc *channel = rouse_mpsc_new(NULL, sizeof(uint64_t), 4);
	struct rs_resource *record = record_of(channel);
	struct counting counting = { 0 };
	struct rouse_mpsc_recv recv;
	uint64_t message = 5;

	(void)state;
	rouse_mpsc_ref_sender(channel);
	assert_int_equal(rouse_mpsc_try_send(channel, &message), 0);
	rouse_mpsc_drop_sender(channel);
	assert_int_equal(record->flags & ROUSE_RESOURCE_CLOSED, 0);
	rouse_mpsc_drop_sender(channel);
	assert_true(record->flags & ROUSE_RESOURCE_CLOSED);
	assert_ready(rouse_mpsc_recv(&recv, channel, &message), &counting, 0);
	assert_ready(rouse_mpsc_recv(&recv, channel, &message), &counting, -ROUSE_ECLOSED);
	assert_int_equal(rouse_mpsc_try_recv(channel, &message), -ROUSE_ECLOSED);
	rouse_mpsc_drop_receiver(channel);
	assert_freed(record);
}

static void the_last_sender_wakes_the_waiting_receiver(void **state)
{
	struct rouse_mpsc *channel = rouse_mpsc_new(NULL, sizeof(uint64_t), 4);
	struct counting counting = { 0 };
	struct rouse_mpsc_recv recv;
	uint64_t message = 5;

	(void)state;
	assert_pending(rouse_mpsc_recv(&recv, channel, &message), &counting);
	rouse_mpsc_drop_sender(channel);
	assert_int_equal(counting.wakes, 1);
	assert_ready(&recv, &counting, -ROUSE_ECLOSED);
	rouse_mpsc_drop_receiver(channel);
}

enum { SENDERS = 70 };

static void a_receiver_that_leaves_ends_all_senders(void **state)
{
	static struct sender senders[SENDERS];
	struct rouse_mpsc *channel = rouse_mpsc_new(NULL, sizeof(uint64_t), 1);
	struct rs_resource *record = record_of(channel);
	uint64_t message = 1;

	(void)state;
	assert_int_equal(rouse_mpsc_try_send(channel, &message), 0);
	for (uint64_t i = 0; i < SENDERS; i++)
		wait_to_send(&senders[i], channel, i);
	rouse_mpsc_drop_receiver(channel);
	for (int i = 0; i < SENDERS; i++) {
		assert_int_equal(senders[i].counting.wakes, 1);
		assert_ready(&senders[i].send, &senders[i].counting, -ROUSE_ECLOSED);
		assert_int_equal(senders[i].counting.refs, 0);
	}
	assert_int_equal(rouse_mpsc_len(channel), 0);
	assert_int_equal(rouse_mpsc_try_send(channel, &message), -ROUSE_ECLOSED);
	assert_ready(rouse_mpsc_send(&senders[0].send, channel, &message), &senders[0].counting, -ROUSE_ECLOSED);
	rouse_mpsc_drop_sender(channel);
	assert_freed(record);
}

static void an_unbounded_channel_discards_what_nobody_will_receive(void **state)
{
	struct rouse_mpsc *channel = rouse_mpsc_new(NULL, 100, 0);
	char message[100] = "";

	(void)state;
	for (int i = 0; i < 1000; i++)
		assert_int_equal(rouse_mpsc_try_send(channel, message), 0);
	rouse_mpsc_drop_receiver(channel);
	assert_int_equal(rouse_mpsc_try_send(channel, message), -ROUSE_ECLOSED);
	rouse_mpsc_drop_sender(channel);
}

static void a_size_that_overflows_is_refused(void **state)
{
	(void)state;
	errno = 0;
	assert_null(rouse_mpsc_new(NULL, 1 << 20, SIZE_MAX / 2));
	assert_int_equal(errno, ENOMEM);
	assert_null(rouse_mpsc_new(NULL, SIZE_MAX / 4, 0));
	assert_int_equal(errno, ENOMEM);
}

/* ------------------------------------------------ against two plain queues */

enum { STEPS = 20000, MOST = 16, ROOM = 4096 };

/* Numbers in the order in which they entered: first those inside, behind them those of waiting senders. */
static struct {
	struct rouse_mpsc *channel;
	struct sender senders[MOST];
	bool waiting[MOST];
	struct rouse_mpsc_recv recv;
	struct counting counting;
	bool receiving;
	uint64_t got, line[ROOM], first, end, next;
} model;

static void model_remove(uint64_t number)
{
	uint64_t i = model.first;

	while (model.line[i % ROOM] != number)
		i++;
	for (; i + 1 < model.end; i++)
		model.line[i % ROOM] = model.line[(i + 1) % ROOM];
	model.end--;
}

static void model_received(uint64_t number)
{
	assert_true(model.first < model.end);
	assert_int_equal(number, model.line[model.first++ % ROOM]);
}

static void model_send(uint32_t i)
{
	struct sender *s = &model.senders[i];

	if (model.waiting[i] && rs_wait_state(&s->send.wait) == ROUSE_WAIT_GRANTED) {
		assert_ready(&s->send, &s->counting, 0);
		model.waiting[i] = false;
	} else if (!model.waiting[i] && model.end - model.first < ROOM) {
		s->message = model.next;
		model.line[model.end++ % ROOM] = model.next++;
		s->counting = (struct counting){ 0 };
		rouse_mpsc_send(&s->send, model.channel, &s->message);
		model.waiting[i] = !poll_with(&s->send.future, &s->counting);
	}
}

static void model_drop_sender(uint32_t i)
{
	struct sender *s = &model.senders[i];

	if (!model.waiting[i])
		return;
	if (rs_wait_state(&s->send.wait) == ROUSE_WAIT_WAITING)
		model_remove(s->message);
	rouse_future_drop(&s->send.future);
	assert_int_equal(s->counting.refs, 0);
	model.waiting[i] = false;
}

static void model_receive(bool drop)
{
	if (!model.receiving)
		rouse_mpsc_recv(&model.recv, model.channel, &model.got);
	model.receiving = !poll_with(&model.recv.future, &model.counting);
	if (!model.receiving) {
		assert_int_equal(model.recv.result, 0);
		model_received(model.got);
	} else if (drop) {
		rouse_future_drop(&model.recv.future);
		model.receiving = false;
	}
	assert_int_equal(model.counting.refs, model.receiving);
}

static void run_model(size_t capacity)
{
	uint64_t random = test_seed();

	memset(&model, 0, sizeof model);
	model.channel = rouse_mpsc_new(NULL, sizeof model.got, capacity);
	for (int i = 0; i < STEPS; i++) {
		uint32_t who = (uint32_t)(test_random(&random) % MOST);
		uint64_t what = test_random(&random) % 10;

		if (what < 5)
			model_send(who);
		else if (what < 6)
			model_drop_sender(who);
		else if (what < 9)
			model_receive(what == 8);
		else if (rouse_mpsc_try_recv(model.channel, &model.got) == 0)
			model_received(model.got);
		assert_int_equal(rs_mpsc_validate(model.channel), 0);
		uint64_t inside = model.end - model.first;

		assert_int_equal(rouse_mpsc_len(model.channel), capacity && inside > capacity ? capacity : inside);
	}
	for (uint32_t i = 0; i < MOST; i++)
		model_drop_sender(i);
	if (model.receiving)
		rouse_future_drop(&model.recv.future);
	drop_both(model.channel);
}

static void whatever_comes_first_goes_out_first(void **state)
{
	(void)state;
	run_model(1);
	run_model(5);
	run_model(0);
}

static void without_budget_nothing_is_sent_or_received(void **state)
{
	struct rouse_mpsc *channel = rouse_mpsc_new(NULL, sizeof(uint64_t), 4);
	struct counting counting = { 0 };
	struct rouse_mpsc_send send;
	struct rouse_mpsc_recv recv;
	uint64_t message = 3, got = 0;

	(void)state;
	assert_yields_without_budget(&rouse_mpsc_send(&send, channel, &message)->future);
	assert_int_equal(rouse_mpsc_len(channel), 0);
	assert_ready(&send, &counting, 0);
	assert_yields_without_budget(&rouse_mpsc_recv(&recv, channel, &got)->future);
	assert_int_equal(rouse_mpsc_len(channel), 1);
	assert_ready(&recv, &counting, 0);
	assert_int_equal(got, 3);
	drop_both(channel);
}

static void when_its_runtime_is_gone_every_call_says_so(void **state)
{
	struct counting counting = { 0 };
	struct rouse_runtime *other;
	struct rouse_mpsc_recv recv;
	struct sender waiting;
	uint64_t message = 1;

	(void)state;
	assert_int_equal(rouse_runtime_new(ROUSE_RUNTIME_OPTS(.current_thread = true), &other), 0);
	struct rouse_guard guard = rouse_enter(other);
	struct rouse_mpsc *channel = rouse_mpsc_new(NULL, sizeof message, 1);

	assert_int_equal(rouse_mpsc_try_send(channel, &message), 0);
	wait_to_send(&waiting, channel, 2);
	assert_int_equal(rouse_runtime_shutdown(other, ROUSE_S, NULL, NULL), 0);
	assert_int_equal(rouse_mpsc_try_send(channel, &message), -ROUSE_EORPHAN);
	assert_int_equal(rouse_mpsc_try_recv(channel, &message), -ROUSE_EORPHAN);
	assert_ready(rouse_mpsc_recv(&recv, channel, &message), &counting, -ROUSE_EORPHAN);
	assert_ready(&waiting.send, &waiting.counting, -ROUSE_EORPHAN);
	assert_int_equal(waiting.counting.refs, 0);
	drop_both(channel);
	rouse_leave(&guard);
	rouse_runtime_free(other);
}

TEST_MAIN_WITH(enter_runtime, leave_runtime, T(the_record_tells_kind_depth_sides_and_last_users),
	T(messages_come_out_as_they_went_in_round_the_ring), T(messages_come_out_as_they_went_in_across_blocks),
	T(a_waiting_receiver_is_woken_by_the_first_message_only),
	T(a_granted_receive_that_is_dropped_loses_no_message),
	T(a_granted_receive_whose_message_was_taken_waits_again), T(a_second_receive_at_a_time_is_refused),
	T(a_full_channel_lets_senders_in_first_come_first_served), T(a_waiting_sender_that_is_dropped_sends_nothing),
	T(after_the_last_sender_the_rest_is_received_and_then_the_end), T(the_last_sender_wakes_the_waiting_receiver),
	T(a_receiver_that_leaves_ends_all_senders), T(an_unbounded_channel_discards_what_nobody_will_receive),
	T(a_size_that_overflows_is_refused), T(a_ring_that_grows_while_it_wraps_keeps_the_order),
	T(whatever_comes_first_goes_out_first), T(without_budget_nothing_is_sent_or_received),
	T(when_its_runtime_is_gone_every_call_says_so));
