/* SPDX-License-Identifier: MIT */
/* The eventcount and the global queue: work that was pushed is found, by a searcher or by a sleeper that is woken. */
#include "test.h"

#include "model.h"
#include "sched/idle.h"
#include "sched/inject.h"

#include <string.h>

static struct rs_idle idle;
static struct rs_inject inject;
static uint64_t depth;
static struct rouse_task tasks[4];
static uint32_t parker[2]; /* 1 = notified */
static int found;

static void setup(void)
{
	memset(&idle, 0, sizeof idle);
	memset(&inject, 0, sizeof inject);
	memset(tasks, 0, sizeof tasks);
	memset(parker, 0, sizeof parker);
	idle.workers = 2;
	inject.depth = &depth;
	depth = 0;
	found = 0;
}

static void take(uint32_t max)
{
	struct rs_batch batch = rs_inject_pop_any(&inject, max);

	for (struct rouse_task *t = batch.first; t; t = t->link) {
		model_read(t);
		found++;
	}
}

static void push_one(int i)
{
	model_write(&tasks[i]);
	rs_inject_push_any(&inject, (struct rs_batch){ &tasks[i], &tasks[i], 1 });
	int chosen = rs_idle_choose(&idle);

	if (chosen >= 0)
		rs_store(&parker[chosen], 1u, RS_RELEASE);
}

/* A worker that wants one task, then is done: as park.c does it. */
static void worker(uint32_t self)
{
	bool searching = rs_idle_try_search(&idle);

	take(1);
	if (!found) {
		rs_idle_sleep(&idle, self, searching);
		if (rs_inject_maybe_any(&inject)) {
			if (rs_idle_cancel(&idle, self))
				rs_fetch_add(&idle.searching, 1u, RS_SEQ_CST);
		} else {
			rs_model_wait(&parker[self], 0); /* a lost wake-up is a deadlock here */
			model_assert(!rs_idle_cancel(&idle, self));
		}
		searching = true;
		take(1);
	}
	if (searching)
		rs_idle_end_search(&idle);
}

static void pusher(void)
{
	push_one(0);
}
static void worker_0(void)
{
	worker(0);
}
static void check_found(void)
{
	take(1);
	model_assert(found == 1);
	model_assert(idle.sleepers == 0);
	model_assert(idle.searching == 0);
}

static void parking_races_a_push(void **state)
{
	(void)state;
	assert_true(model_run(&(struct model){ "park", setup, { pusher, worker_0 }, check_found, 4 }) > 1);
}

/* ---- the weak case: a push into a ring is plain stores; only E3's heavy fence makes them meet */
static struct rs_queue ring;

static void setup_ring(void)
{
	setup();
	memset(&ring, 0, sizeof ring);
}
static void ring_pusher(void)
{
	struct rs_batch overflow;

	rs_queue_push_owner(&ring, &tasks[0], &overflow);
	int chosen = rs_idle_choose(&idle);

	if (chosen >= 0)
		rs_store(&parker[chosen], 1u, RS_RELEASE);
}
static void ring_sleeper(void)
{
	rs_idle_sleep(&idle, 0, rs_idle_try_search(&idle));
	if (!rs_queue_depth(&ring)) {
		rs_model_wait(&parker[0], 0);
		model_assert(rs_queue_depth(&ring));
	}
	rs_idle_cancel(&idle, 0);
}

static void parking_races_a_push_into_a_ring(void **state)
{
	(void)state;
	assert_true(model_run(&(struct model){ "ring", setup_ring, { ring_pusher, ring_sleeper }, NULL, 4 }) > 1);
}

/* ---- two pushers, one batch: nothing lost, nothing twice, oldest first for one pusher */
static void push_two(void)
{
	push_one(0);
	push_one(1);
}
static void push_chain(void)
{
	model_write(&tasks[2]);
	model_write(&tasks[3]);
	tasks[2].link = &tasks[3];
	rs_inject_push_any(&inject, (struct rs_batch){ &tasks[2], &tasks[3], 2 });
}
static void pop_some(void)
{
	take(2);
}
static void check_four(void)
{
	take(4);
	model_assert(found == 4);
	model_assert(depth == 0);
	model_assert(!rs_inject_maybe_any(&inject));
}

static void global_queue_conserves(void **state)
{
	(void)state;
	assert_true(model_run(&(struct model){ "inject", setup, { push_two, push_chain, pop_some }, check_four, 2 }) > 1);
}

static void global_queue_is_first_in_first_out(void **state)
{
	(void)state;
	setup();
	for (int i = 0; i < 4; i++)
		rs_inject_push_any(&inject, (struct rs_batch){ &tasks[i], &tasks[i], 1 });
	for (int i = 0; i < 4; i++)
		assert_ptr_equal(rs_inject_pop_any(&inject, 1).first, &tasks[i]);
}

TEST_MAIN(cmocka_unit_test(parking_races_a_push), cmocka_unit_test(parking_races_a_push_into_a_ring),
	 cmocka_unit_test(global_queue_conserves),
	cmocka_unit_test(global_queue_is_first_in_first_out));
