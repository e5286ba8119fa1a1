/* SPDX-License-Identifier: MIT */
/*
 * The objects on a real runtime: several workers, tasks aborted while they
 * wait, while they are granted and while they hold. What must hold whatever the
 * interleaving: nobody is inside with another, nothing granted is lost, every
 * message arrives once and in its sender's order.
 */
#include "test.h"

#include <errno.h>
#include <rouse/rouse.h>

#include "base/atomic.h"
#include "sync/semaphore.h"
#include "task/resource.h"

enum { WORKERS = 4, TASKS = 40, ROUNDS = 200, MESSAGES = 500 };

static struct rouse_runtime *runtime;

static int start(void **state)
{
	(void)state;
	return rouse_runtime_new(ROUSE_RUNTIME_OPTS(.workers = WORKERS), &runtime);
}

static int stop(void **state)
{
	(void)state;
	rouse_runtime_free(runtime);
	return 0;
}

/* A task aborts others now and then: those of a lower number, so that the last is never aborted. */
static void abort_some(struct rouse_task **tasks, int n, uint64_t seed)
{
	for (int i = 0; i < n; i++)
		if (test_random(&seed) % 3 == 0)
			rouse_task_abort(tasks[i]);
}

/* ------------------------------------------------------------------ mutex */

static struct {
	struct rouse_mutex *mutex;
	int inside; /* atomic, so that a broken lock fails the assertion below and not the sanitizer first */
	int most;
	uint64_t entered;
} section;

ROUSE_ASYNC(enter_section, int, int i; bool holds; int64_t rc; struct rouse_mutex_lock lock; struct rouse_yield yield;);
ROUSE_BODY(enter_section)
{
	ROUSE_BEGIN;
	for (self->i = 0; self->i < ROUNDS; self->i++) {
		ROUSE_AWAIT(self->rc, rouse_mutex_lock(&self->lock, section.mutex));
		ROUSE_ASSERT(self->rc == 0);
		self->holds = true;
		int inside = rs_fetch_add(&section.inside, 1, RS_SEQ_CST) + 1;

		if (inside > section.most)
			section.most = inside;
		section.entered++;
		if (self->i % 3 == 0)
			ROUSE_AWAIT_ONLY(rouse_yield(&self->yield));
		rs_fetch_sub(&section.inside, 1, RS_SEQ_CST);
		self->holds = false;
		ROUSE_ASSERT(rouse_mutex_unlock(section.mutex) == 0);
	}
	ROUSE_RETURN(0);
	ROUSE_FINALLY:
	if (self->holds) {
		/* Aborted inside: FINALLY runs as nobody's turn but this task's. */
		rs_fetch_sub(&section.inside, 1, RS_SEQ_CST);
		(void)rouse_mutex_unlock(section.mutex);
	}
	ROUSE_END;
}

ROUSE_ASYNC(run_sections, int, int i; uint64_t seed; int64_t rc; struct rouse_task *tasks[TASKS];
	struct rouse_join join; struct rouse_yield yield;);
ROUSE_BODY(run_sections)
{
	ROUSE_BEGIN;
	section.mutex = rouse_mutex_new("section");
	ROUSE_ASSERT(section.mutex);
	for (self->i = 0; self->i < TASKS; self->i++)
		self->tasks[self->i] = rouse_spawn(enter_section);
	for (self->i = 0; self->i < 50; self->i++)
		ROUSE_AWAIT_ONLY(rouse_yield(&self->yield));
	abort_some(self->tasks, TASKS - 1, self->seed);
	for (self->i = 0; self->i < TASKS; self->i++) {
		ROUSE_AWAIT(self->rc, rouse_join(&self->join, self->tasks[self->i], NULL));
		ROUSE_ASSERT(self->rc == 0 || self->rc == -ECANCELED);
	}
	ROUSE_RETURN((int)self->rc);
	ROUSE_END;
}

static void a_mutex_admits_one_and_survives_aborts(void **state)
{
	int rc = -1;

	(void)state;
	assert_int_equal(rouse_block_on(runtime, &rc, run_sections, .seed = test_seed()), 0);
	assert_int_equal(rc, 0); /* the last one got through all its rounds: nothing granted was lost */
	assert_int_equal(section.inside, 0);
	assert_int_equal(section.most, 1);
	assert_true(section.entered >= ROUNDS);
	assert_int_equal(rouse_mutex_try_lock(section.mutex), 0);
	assert_int_equal(rouse_mutex_unlock(section.mutex), 0);
	rouse_mutex_free(section.mutex);
}

/* -------------------------------------------------------------- semaphore */

enum { PERMITS = 5 };

static struct {
	struct rouse_semaphore *semaphore;
	int taken, most;
	uint64_t looks;
	const char *wrong;
} gate;

/* What must hold at any time: the books account for every permit that is out, and nobody's are unknown. */
static void look_at_books(void)
{
	const char *wrong = rs_semaphore_validate(gate.semaphore);

	if (!wrong && rs_load(&((struct rs_resource *)(void *)gate.semaphore)->flags, RS_RELAXED))
		wrong = "permits of unknown holders";
	if (wrong)
		rs_store(&gate.wrong, wrong, RS_RELAXED);
	rs_fetch_add(&gate.looks, 1ull, RS_RELAXED);
}

ROUSE_ASYNC(pass_gate, int, int i; uint32_t n; uint32_t holds; int64_t rc; struct rouse_semaphore_acquire acquire;
	struct rouse_yield yield;);
ROUSE_BODY(pass_gate)
{
	ROUSE_BEGIN;
	for (self->i = 0; self->i < ROUNDS; self->i++) {
		ROUSE_AWAIT(self->rc, rouse_semaphore_acquire(&self->acquire, gate.semaphore, self->n));
		ROUSE_ASSERT(self->rc == 0);
		self->holds = self->n;
		int taken = rs_fetch_add(&gate.taken, (int)self->n, RS_SEQ_CST) + (int)self->n;

		if (taken > rs_load(&gate.most, RS_SEQ_CST))
			rs_store(&gate.most, taken, RS_SEQ_CST);
		look_at_books();
		ROUSE_AWAIT_ONLY(rouse_yield(&self->yield));
		rs_fetch_sub(&gate.taken, (int)self->n, RS_SEQ_CST);
		self->holds = 0;
		ROUSE_ASSERT(rouse_semaphore_release(gate.semaphore, self->n) == 0);
	}
	ROUSE_RETURN(0);
	ROUSE_FINALLY:
	if (self->holds) {
		rs_fetch_sub(&gate.taken, (int)self->holds, RS_SEQ_CST);
		(void)rouse_semaphore_release(gate.semaphore, self->holds);
	}
	ROUSE_END;
}

ROUSE_ASYNC(run_gate, int, int i; uint64_t seed; int64_t rc; struct rouse_task *tasks[TASKS]; struct rouse_join join;
	struct rouse_yield yield;);
ROUSE_BODY(run_gate)
{
	ROUSE_BEGIN;
	gate.semaphore = rouse_semaphore_new("gate", PERMITS);
	ROUSE_ASSERT(gate.semaphore);
	for (self->i = 0; self->i < TASKS; self->i++)
		self->tasks[self->i] = rouse_spawn(pass_gate, .n = 1 + (uint32_t)self->i % 3);
	for (self->i = 0; self->i < 50; self->i++)
		ROUSE_AWAIT_ONLY(rouse_yield(&self->yield));
	abort_some(self->tasks, TASKS - 1, self->seed);
	for (self->i = 0; self->i < TASKS; self->i++) {
		ROUSE_AWAIT(self->rc, rouse_join(&self->join, self->tasks[self->i], NULL));
		ROUSE_ASSERT(self->rc == 0 || self->rc == -ECANCELED);
	}
	ROUSE_RETURN((int)self->rc);
	ROUSE_END;
}

static void a_semaphore_never_gives_more_than_it_has_and_gets_all_back(void **state)
{
	const struct rs_resource *record;
	int rc = -1;

	(void)state;
	assert_int_equal(rouse_block_on(runtime, &rc, run_gate, .seed = test_seed()), 0);
	assert_int_equal(rc, 0);
	assert_int_equal(gate.taken, 0);
	assert_in_range(gate.most, 1, PERMITS);
	record = (const struct rs_resource *)(void *)gate.semaphore;
	assert_int_equal(record->value, PERMITS);
	/* Nobody gave back for another, and there were never more holders than permits: the books were right all along.
	 */
	assert_null(gate.wrong);
	assert_true(gate.looks > 0);
	assert_null(rs_semaphore_validate(gate.semaphore));
	assert_int_equal(record->flags, 0);
	assert_int_equal(record->granted, 0);
	for (uint32_t i = 0; i < record->holder_capacity; i++)
		assert_int_equal(((const struct rouse_holder_record *)(uintptr_t)record->holders)[i].task, 0);
	rouse_semaphore_free(gate.semaphore);
}

/* --------------------------------------------------------------- channels */

struct message {
	uint32_t sender, number;
};

ROUSE_ASYNC(produce, int, struct rouse_mpsc *channel; uint32_t sender; struct message message; int64_t rc;
	struct rouse_mpsc_send send;);
ROUSE_BODY(produce)
{
	ROUSE_BEGIN;
	for (self->message.sender = self->sender; self->message.number < MESSAGES; self->message.number++) {
		ROUSE_AWAIT(self->rc, rouse_mpsc_send(&self->send, self->channel, &self->message));
		ROUSE_ASSERT(self->rc == 0);
	}
	ROUSE_RETURN(0);
	ROUSE_FINALLY:
	rouse_mpsc_drop_sender(self->channel);
	ROUSE_END;
}

/* Receives now and then with a receive that it drops at once. Answers the number of messages. */
ROUSE_ASYNC(consume, int64_t, size_t capacity; struct rouse_mpsc *channel; struct message message; int i, which;
	int64_t n, rc; uint32_t next[TASKS]; struct rouse_mpsc_recv recv; struct rouse_yield yield;);
ROUSE_BODY(consume)
{
	ROUSE_BEGIN;
	self->channel = rouse_mpsc_new("numbers", sizeof self->message, self->capacity);
	ROUSE_ASSERT(self->channel);
	for (self->i = 0; self->i < TASKS; self->i++)
		ROUSE_ASSERT(rouse_spawn_detached(produce, .channel = rouse_mpsc_ref_sender(self->channel),
			.sender = (uint32_t)self->i) == 0);
	rouse_mpsc_drop_sender(self->channel);
	for (;; self->n++) {
		do {
			ROUSE_SELECT(self->which, rouse_mpsc_recv(&self->recv, self->channel, &self->message),
				rouse_yield(&self->yield));
		} while (self->which == 1);
		if (self->recv.result == -ROUSE_ECLOSED)
			break;
		ROUSE_ASSERT(self->recv.result == 0);
		ROUSE_ASSERT(self->message.number == self->next[self->message.sender]);
		self->next[self->message.sender]++;
	}
	ROUSE_RETURN(self->n);
	ROUSE_FINALLY:
	rouse_mpsc_drop_receiver(self->channel);
	ROUSE_END;
}

static void every_message_arrives_once_in_its_senders_order(void **state)
{
	static const size_t capacities[] = { 1, 7, 64, 0 };

	(void)state;
	for (int i = 0; i < 4; i++) {
		int64_t n = 0;

		assert_int_equal(rouse_block_on(runtime, &n, consume, .capacity = capacities[i]), 0);
		assert_int_equal(n, TASKS * MESSAGES);
	}
}

/* ------------------------------------------------------- oneshot and notify */

ROUSE_ASYNC(reply, int, struct rouse_oneshot *oneshot; uint64_t value; bool silent;);
ROUSE_BODY(reply)
{
	ROUSE_BEGIN;
	(void)cx;
	if (!self->silent) {
		ROUSE_ASSERT(rouse_oneshot_send(self->oneshot, self->value) == 0);
		self->oneshot = NULL;
	}
	ROUSE_RETURN(0);
	ROUSE_FINALLY:
	if (self->oneshot)
		rouse_oneshot_drop_sender(self->oneshot);
	ROUSE_END;
}

ROUSE_ASYNC(ask, int64_t, int i; uint64_t value; int64_t rc, sum; struct rouse_oneshot *oneshot;
	struct rouse_oneshot_recv recv;);
ROUSE_BODY(ask)
{
	ROUSE_BEGIN;
	for (self->i = 0; self->i < 2000; self->i++) {
		self->oneshot = rouse_oneshot_new(NULL);
		ROUSE_ASSERT(self->oneshot);
		ROUSE_ASSERT(rouse_spawn_detached(reply, .oneshot = self->oneshot, .value = (uint64_t)self->i,
			.silent = self->i % 5 == 0) == 0);
		ROUSE_AWAIT(self->rc, rouse_oneshot_recv(&self->recv, self->oneshot, &self->value));
		ROUSE_ASSERT(self->rc == (self->i % 5 == 0 ? -ROUSE_ECLOSED : 0));
		if (!self->rc)
			self->sum += (int64_t)self->value;
	}
	ROUSE_RETURN(self->sum);
	ROUSE_END;
}

static void every_question_gets_its_reply_or_the_news_that_none_will_come(void **state)
{
	int64_t sum = 0;

	(void)state;
	assert_int_equal(rouse_block_on(runtime, &sum, ask), 0);
	assert_int_equal(sum, 2000 * 1999 / 2 - 5 * 400 * 399 / 2);
}

static struct {
	struct rouse_notify *there, *back;
} table;

ROUSE_ASYNC(return_ball, int, int i; struct rouse_notified notified;);
ROUSE_BODY(return_ball)
{
	ROUSE_BEGIN;
	for (self->i = 0; self->i < 5000; self->i++) {
		ROUSE_AWAIT_ONLY(rouse_notified(&self->notified, table.there));
		rouse_notify_one(table.back);
	}
	ROUSE_RETURN(0);
	ROUSE_END;
}

ROUSE_ASYNC(serve_ball, int, int i; struct rouse_notified notified; struct rouse_task *other; int64_t rc;
	struct rouse_join join;);
ROUSE_BODY(serve_ball)
{
	ROUSE_BEGIN;
	table.there = rouse_notify_new("there");
	table.back = rouse_notify_new("back");
	ROUSE_ASSERT(table.there && table.back);
	self->other = rouse_spawn(return_ball);
	for (self->i = 0; self->i < 5000; self->i++) {
		rouse_notify_one(table.there);
		ROUSE_AWAIT_ONLY(rouse_notified(&self->notified, table.back));
	}
	ROUSE_AWAIT(self->rc, rouse_join(&self->join, self->other, NULL));
	ROUSE_RETURN((int)self->rc);
	ROUSE_FINALLY:
	rouse_notify_free(table.there);
	rouse_notify_free(table.back);
	ROUSE_END;
}

static void no_notification_is_lost_between_two_tasks(void **state)
{
	int rc = -1;

	(void)state;
	assert_int_equal(rouse_block_on(runtime, &rc, serve_ball), 0);
	assert_int_equal(rc, 0);
}

TEST_MAIN_WITH(start, stop, cmocka_unit_test(a_mutex_admits_one_and_survives_aborts),
	cmocka_unit_test(a_semaphore_never_gives_more_than_it_has_and_gets_all_back),
	cmocka_unit_test(every_message_arrives_once_in_its_senders_order),
	cmocka_unit_test(every_question_gets_its_reply_or_the_news_that_none_will_come),
	cmocka_unit_test(no_notification_is_lost_between_two_tasks));
