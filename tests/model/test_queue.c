/* SPDX-License-Identifier: MIT */
/* The local run queue (a ring of four) and the LIFO slot: each task comes out exactly once, its data seen. */
#include "test.h"

#include "model.h"
#include "sched/queue.h"

#include <string.h>

enum { TASKS = 8 };

static struct rs_queue victim, own, third;
static struct rouse_task tasks[TASKS];
static int seen[TASKS];
static struct rs_batch spilled[4];
static int spills;

static void reset(void)
{
	memset(&victim, 0, sizeof victim);
	memset(&own, 0, sizeof own);
	memset(&third, 0, sizeof third);
	memset(tasks, 0, sizeof tasks);
	memset(seen, 0, sizeof seen);
	spills = 0;
}

static void got(struct rouse_task *task)
{
	model_assert(task >= tasks && task < tasks + TASKS);
	model_read(task);
	seen[task - tasks]++;
}

static void push(struct rs_queue *queue, int i)
{
	struct rs_batch overflow;

	model_write(&tasks[i]);
	rs_queue_push_owner(queue, &tasks[i], &overflow);
	if (overflow.n)
		spilled[spills++] = overflow;
}

static void drain(struct rs_queue *queue)
{
	for (struct rouse_task *t; (t = rs_queue_pop_owner(queue));)
		got(t);
}

static void steal_once(struct rs_queue *into)
{
	uint32_t n;
	struct rouse_task *t = rs_queue_steal(&victim, into, &n);

	if (t)
		got(t);
	drain(into);
}

static void expect_each_once(int n)
{
	for (int i = 0; i < spills; i++)
		for (struct rouse_task *t = spilled[i].first; t; t = t->link)
			got(t);
	drain(&victim);
	for (int i = 0; i < n; i++)
		model_assert(seen[i] == 1);
}

/* ---- the last item: owner pops, thief steals */
static void setup_one(void)
{
	reset();
	push(&victim, 0);
}
static void pop_one(void)
{
	struct rouse_task *t = rs_queue_pop_owner(&victim);

	if (t)
		got(t);
}
static void steal(void)
{
	steal_once(&own);
}
static void steal_third(void)
{
	steal_once(&third);
}
static void check_one(void)
{
	expect_each_once(1);
}

/* ---- owner pushes over the end while a thief copies: slots are not overwritten early */
static void setup_full(void)
{
	reset();
	for (int i = 0; i < 4; i++)
		push(&victim, i);
}
static void push_and_pop(void)
{
	push(&victim, 4);
	pop_one();
	push(&victim, 5);
	pop_one();
}
static void check_six(void)
{
	expect_each_once(6);
}

/* ---- two thieves, and an owner that pushes over what they copy: only one may be at it */
static void push_over(void)
{
	push(&victim, 4);
	push(&victim, 5);
}

/* ---- an empty ring is filled while being robbed by two */
static void fill(void)
{
	push(&victim, 0);
	push(&victim, 1);
	push(&victim, 2);
	pop_one();
}
static void check_three(void)
{
	expect_each_once(3);
}

/* ---- LIFO: owner swaps and takes, a rescuer takes */
static void lifo_owner(void)
{
	for (int i = 0; i < 2; i++) {
		model_write(&tasks[i]);
		struct rouse_task *displaced = rs_queue_swap_lifo(&victim, &tasks[i]);

		if (displaced)
			got(displaced);
	}
	struct rouse_task *t = rs_queue_take_lifo(&victim);

	if (t)
		got(t);
}
static void lifo_rescuer(void)
{
	struct rouse_task *t = rs_queue_take_lifo(&victim);

	if (t)
		got(t);
}
static void check_two(void)
{
	expect_each_once(2);
}

static void steal_races_pop_on_last_item(void **state)
{
	(void)state;
	assert_true(model_run(&(struct model){ "last item", setup_one, { pop_one, steal }, check_one, 8 }) > 1);
}

static void two_thieves_race_pop_on_last_item(void **state)
{
	(void)state;
	assert_true(model_run(&(struct model){ "two thieves", setup_one, { pop_one, steal, steal_third }, check_one, 4 }) > 1);
}

static void push_waits_for_copying_thief(void **state)
{
	(void)state;
	assert_true(model_run(&(struct model){ "wrap", setup_full, { push_and_pop, steal }, check_six, 4 }) > 1);
}

static void one_thief_at_a_time(void **state)
{
	(void)state;
	assert_true(model_run(&(struct model){ "thieves", setup_full, { push_over, steal, steal_third }, check_six, 3 }) > 1);
}

static void filling_while_two_steal(void **state)
{
	(void)state;
	assert_true(model_run(&(struct model){ "fill", reset, { fill, steal, steal_third }, check_three, 2 }) > 1);
}

static void lifo_is_taken_once(void **state)
{
	(void)state;
	assert_true(model_run(&(struct model){ "lifo", reset, { lifo_owner, lifo_rescuer }, check_two, 8 }) > 1);
}

TEST_MAIN(cmocka_unit_test(steal_races_pop_on_last_item), cmocka_unit_test(two_thieves_race_pop_on_last_item),
	cmocka_unit_test(push_waits_for_copying_thief), cmocka_unit_test(one_thief_at_a_time),
	cmocka_unit_test(filling_while_two_steal), cmocka_unit_test(lifo_is_taken_once));
