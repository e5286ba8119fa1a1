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

/* ---- a sleeper's worker is lent to a thread outside, while its own thread may wake at any time */
enum { AWAKE = 0, ASLEEP, NOTIFIED };
static uint64_t the_worker; /* what a worker's thread alone may touch */
static uint32_t stopping, gone;

static void setup_loan(void)
{
	setup_ring();
	stopping = gone = 0;
}
static bool is_asleep(void *unused, uint32_t worker)
{
	(void)unused;
	return rs_load(&parker[worker], RS_ACQUIRE) == ASLEEP;
}
static void unpark(int chosen)
{
	if (chosen >= 0)
		rs_exchange(&parker[chosen], (uint32_t)NOTIFIED, RS_ACQ_REL);
}
static void push_injected(int i)
{
	model_write(&tasks[i]);
	rs_inject_push_any(&inject, (struct rs_batch){ &tasks[i], &tasks[i], 1 });
	unpark(rs_idle_choose(&idle));
}
static bool anything(void)
{
	return rs_inject_maybe_any(&inject) || rs_queue_depth(&ring) || rs_load(&stopping, RS_ACQUIRE);
}
static void as_worker(void)
{
	model_write(&the_worker);
	while (rs_queue_pop_owner(&ring))
		found++;
	while (rs_inject_maybe_any(&inject))
		take(1);
}
/* As park.c has it. `alarm`: a deadline has come when it lies down. True: it was chosen. */
static bool sleep_once(uint32_t self, bool alarm)
{
	uint32_t awake = AWAKE;

	model_write(&the_worker);
	rs_idle_sleep(&idle, self, false);
	if (anything())
		return !rs_idle_cancel(&idle, self);
	model_write(&the_worker);
	if (rs_cas(&parker[self], &awake, (uint32_t)ASLEEP, RS_ACQ_REL, RS_ACQUIRE) && !alarm)
		rs_model_wait(&parker[self], ASLEEP);
	rs_exchange(&parker[self], (uint32_t)AWAKE, RS_ACQ_REL);
	return !rs_idle_cancel(&idle, self);
}
static void as_owner(bool alarm)
{
	bool searching = sleep_once(0, alarm);

	as_worker();
	if (searching)
		rs_idle_end_search(&idle);
}
static void owner_sleeps(void)
{
	as_owner(false);
}
static void owner_wakes_by_itself(void)
{
	as_owner(true);
	if (!found)
		as_owner(false);
}
static void give_back(int lent)
{
	rs_idle_return(&idle, (uint32_t)lent);
	if (anything())
		unpark(rs_idle_choose(&idle));
}
/* Has nothing to do with what others push, and leaves a task of its own behind. */
static void borrower_leaves_a_task(void)
{
	struct rs_batch overflow;
	int lent = rs_idle_borrow(&idle, is_asleep, NULL);

	if (lent < 0) {
		push_injected(1);
		return;
	}
	model_write(&the_worker);
	rs_queue_push_owner(&ring, &tasks[1], &overflow);
	give_back(lent);
}
static void borrower_leaves_nothing(void)
{
	int lent = rs_idle_borrow(&idle, is_asleep, NULL);

	if (lent < 0)
		return;
	model_write(&the_worker);
	give_back(lent);
}
static void pusher_unparks(void)
{
	push_injected(0);
}
/* Nobody may be left asleep with work there: the sleeper's wait would be a deadlock. */
static void check_nothing_is_left(void)
{
	model_assert(!anything());
	model_assert(idle.sleepers == 0);
	model_assert(idle.searching == 0);
}

static void what_a_borrower_leaves_is_found(void **state)
{
	(void)state;
	assert_true(model_run(&(struct model){ "loan", setup_loan, { owner_sleeps, borrower_leaves_a_task },
		check_nothing_is_left, 4 }) > 1);
}

static void a_push_during_a_loan_is_found(void **state)
{
	(void)state;
	assert_true(model_run(&(struct model){ "loan and push", setup_loan,
		{ owner_sleeps, borrower_leaves_nothing, pusher_unparks }, check_nothing_is_left, 2 }) > 1);
}

static void a_worker_that_wakes_waits_for_its_borrower(void **state)
{
	(void)state;
	assert_true(model_run(&(struct model){ "loan and alarm", setup_loan,
		{ owner_wakes_by_itself, borrower_leaves_nothing, pusher_unparks }, check_nothing_is_left, 2 }) > 1);
}

/* Two threads want a worker, one is there. */
static void a_worker_is_lent_to_one_at_a_time(void **state)
{
	(void)state;
	assert_true(model_run(&(struct model){ "two borrowers", setup_loan,
		{ owner_sleeps, borrower_leaves_nothing, borrower_leaves_a_task }, check_nothing_is_left, 2 }) > 1);
}

/* ---- the task that a borrower polls needs another one, which only the other sleeper can run */
static uint32_t run;

static void setup_two(void)
{
	setup_loan();
	run = 0;
	rs_idle_sleep(&idle, 1, false);
	rs_idle_sleep(&idle, 0, false);
	parker[0] = parker[1] = ASLEEP;
}
static void borrower_waits_in_a_poll(void)
{
	int lent = rs_idle_borrow(&idle, is_asleep, NULL);

	if (lent < 0)
		return;
	rs_model_wait(&run, 0);
	give_back(lent);
}
/* Runs what there is when it is woken, and has the other one wake, too. */
static void sleeper(uint32_t self)
{
	rs_model_wait(&parker[self], ASLEEP);
	if (!rs_idle_cancel(&idle, self))
		rs_idle_end_search(&idle);
	take(1);
	rs_store(&run, 1u, RS_RELEASE);
	unpark(1 - (int)self);
}
static void sleeper_0(void)
{
	sleeper(0);
}
static void sleeper_1(void)
{
	sleeper(1);
}

static void who_is_lent_is_not_chosen(void **state)
{
	(void)state;
	assert_true(model_run(&(struct model){ "chosen", setup_two,
		{ borrower_waits_in_a_poll, pusher_unparks, sleeper_0, sleeper_1 }, NULL, 1 }) > 1);
}

/* ---- shutting down: who joins a worker's thread may touch what is the worker's */
static void shutdown(void)
{
	rs_store(&stopping, 1u, RS_SEQ_CST);
	unpark(0);
	rs_model_wait(&gone, 0);
	(void)rs_load(&gone, RS_ACQUIRE);
	model_write(&the_worker);
}
static void owner_leaves(void)
{
	bool searching = sleep_once(0, false);

	model_write(&the_worker);
	if (searching)
		rs_idle_end_search(&idle);
	rs_store(&gone, 1u, RS_RELEASE);
}

static void a_shutdown_waits_for_a_borrower(void **state)
{
	(void)state;
	assert_true(model_run(&(struct model){ "loan and shutdown", setup_loan,
		{ owner_leaves, borrower_leaves_nothing, shutdown }, NULL, 2 }) > 1);
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
	cmocka_unit_test(what_a_borrower_leaves_is_found), cmocka_unit_test(a_push_during_a_loan_is_found),
	cmocka_unit_test(a_worker_that_wakes_waits_for_its_borrower),
	cmocka_unit_test(a_worker_is_lent_to_one_at_a_time), cmocka_unit_test(who_is_lent_is_not_chosen),
	cmocka_unit_test(a_shutdown_waits_for_a_borrower),
	cmocka_unit_test(global_queue_is_first_in_first_out));
