/* SPDX-License-Identifier: MIT */
/* The state word: a wake is never lost, a task runs on one worker at a time, a cell is freed exactly once. */
#include "test.h"

#include "model.h"
#include "task/state.h"

static uint64_t word;
static int queued, freed, polls, payload, join_waker, joins_by_completer, joins_by_joiner;

/* The run queue of this model is a counter; "running" is the data that only the poller may touch. */
static uint32_t queue;

static void schedule(void)
{
	rs_fetch_add(&queue, 1u, RS_ACQ_REL);
	queued++;
}

static void settle(enum rs_next next)
{
	if (next == RS_SCHEDULE)
		schedule();
	if (next == RS_FREE) {
		model_write(&payload); /* whoever frees has seen every access */
		freed++;
	}
}

static void idle_with_wakers(uint64_t n)
{
	word = n * ROUSE_WAKER_ONE;
	queue = 0;
	queued = freed = polls = join_waker = joins_by_completer = joins_by_joiner = 0;
}

/* How many conditions are true, and how many the last poll saw: it must see all, or a wake was lost. */
static uint32_t conditions, noticed;

/* One worker's try: takes the task if it is queued, polls, rests. */
static void work(void)
{
	for (int i = 0; i < 2; i++) {
		uint32_t one = 1;

		if (!rs_cas(&queue, &one, 0u, RS_ACQ_REL, RS_ACQUIRE))
			continue;
		model_assert(rs_state_begin(&word) == RS_POLL);
		model_write(&polls); /* the future belongs to the poller */
		polls++;
		noticed = rs_load(&conditions, RS_RELAXED);
		settle(rs_state_rest(&word));
	}
}

static int condition;

static void setup_wakes(void)
{
	idle_with_wakers(2);
	conditions = noticed = 0;
}

static void wake_only(void)
{
	rs_fetch_add(&conditions, 1u, RS_RELAXED);
	settle(rs_state_wake(&word, true));
}

static void check_wakes(void)
{
	work(); /* what is left in the queue */
	model_assert(queue == 0);
	model_assert(polls >= 1 && polls <= 2);
	model_assert(noticed == 2);
	model_assert((word & (ROUSE_NOTIFIED | ROUSE_RUNNING)) == 0);
	model_assert((word & RS_REFS) == 0);
}

static void wakes_race_polls(void **state)
{
	(void)state;
	assert_true(model_run(&(struct model){ "wakes", setup_wakes, { wake_only, wake_only, work, work }, check_wakes, 3 }) > 1);
}

/* ---- the poll after a wake sees what the waker wrote */
static void setup_condition(void)
{
	idle_with_wakers(1);
	word |= ROUSE_NOTIFIED;
	word += ROUSE_WAKER_ONE;
	queue = 1;
	condition = 0;
}

static uint32_t flag;

static void waker_with_data(void)
{
	model_write(&condition);
	rs_store(&flag, 1u, RS_RELAXED);
	settle(rs_state_wake(&word, true));
}

static void poll_sees(void)
{
	for (int i = 0; i < 2; i++) {
		uint32_t one = 1;

		if (!rs_cas(&queue, &one, 0u, RS_RELAXED, RS_RELAXED))
			continue;
		model_assert(rs_state_begin(&word) == RS_POLL);
		if ((word & RS_REFS) == ROUSE_WAKER_ONE && rs_load(&flag, RS_RELAXED))
			model_read(&condition); /* the wake's reference is gone: it happened before */
		settle(rs_state_rest(&word));
	}
}

static void setup_sees(void)
{
	setup_condition();
	flag = 0;
}

static void wake_of_notified_task_publishes(void **state)
{
	(void)state;
	assert_true(model_run(&(struct model){ "publish", setup_sees, { waker_with_data, poll_sees }, NULL, 6 }) > 1);
}

/* ---- a task wakes itself, while the last that others have of it goes */
static void setup_running(void)
{
	idle_with_wakers(1);
	word |= ROUSE_RUNNING;
	word += ROUSE_HANDLE_ONE;
}

static void wake_self_and_rest(void)
{
	rs_state_wake_self(&word);
	settle(rs_state_rest(&word));
}

static void wake_by_waker(void)
{
	settle(rs_state_wake(&word, true));
}

static void give_handle_back(void)
{
	settle(rs_state_unref(&word, ROUSE_HANDLE_ONE));
}

static void check_queued_once(void)
{
	model_assert(queued == 1 && queue == 1 && !freed);
	model_assert((word & (ROUSE_NOTIFIED | ROUSE_RUNNING)) == ROUSE_NOTIFIED);
	model_assert((word & RS_REFS) == 0);
}

static void a_task_that_wakes_itself_is_queued_once(void **state)
{
	(void)state;
	assert_true(model_run(&(struct model){ "self-wake", setup_running,
			    { wake_self_and_rest, wake_by_waker, give_handle_back }, check_queued_once, 6 }) > 1);
}

/* ---- a task makes a waker of itself, while the last that others have of it goes: none gets lost in between */
static void make_waker_and_rest(void)
{
	model_assert(rs_state_ref_self(&word));
	settle(rs_state_rest(&word));
}

static void check_one_waker(void)
{
	model_assert(queued == 1 && queue == 1 && !freed);
	model_assert((word & RS_REFS) == ROUSE_WAKER_ONE);
	model_assert(word >> ROUSE_STAMP_SHIFT == 4); /* made, rested, woken, given back */
}

static void a_waker_that_a_task_makes_of_itself_is_counted(void **state)
{
	(void)state;
	assert_true(model_run(&(struct model){ "self-ref", setup_running,
			    { make_waker_and_rest, wake_by_waker, give_handle_back }, check_one_waker, 6 }) > 1);
}

/* ---- references: completion against the last drops */
static void setup_free(void)
{
	idle_with_wakers(1);
	word |= ROUSE_RUNNING;
	word += ROUSE_HANDLE_ONE;
}

static void complete(void)
{
	bool join;

	model_write(&payload);
	settle(rs_state_finish(&word, 0, &join));
}

static void drop_waker(void)
{
	model_read(&payload + 1);
	settle(rs_state_unref(&word, ROUSE_WAKER_ONE));
}

static void drop_handle(void)
{
	settle(rs_state_unref(&word, ROUSE_HANDLE_ONE));
}

static void late_wake(void)
{
	settle(rs_state_wake(&word, true));
}

static void check_freed_once(void)
{
	model_assert(freed == 1);
}

static void cell_is_freed_exactly_once(void **state)
{
	(void)state;
	static const struct model by_drop = {
		"free", setup_free, { complete, drop_waker, drop_handle }, check_freed_once, 6 };
	static const struct model by_wake = {
		"free by wake", setup_free, { complete, late_wake, drop_handle }, check_freed_once, 6 };

	assert_true(model_run(&by_drop) > 1);
	assert_true(model_run(&by_wake) > 1);
}

/* ---- the last waker of a task at rest: whoever drops it knows */
static int strandings;

static void drop_seen(void)
{
	uint64_t seen = rs_load(&word, RS_RELAXED);
	enum rs_next next;
	bool strands;

	do
		strands = rs_state_is_stranded(seen - ROUSE_WAKER_ONE);
	while (!rs_state_unref_seen(&word, &seen, &next));
	strandings += strands;
	settle(next);
}

static void setup_two_at_rest(void)
{
	idle_with_wakers(2);
	strandings = 0;
}

static void check_stranded_once(void)
{
	model_assert(rs_state_is_stranded(word));
	model_assert(strandings == 1);
}

static void setup_three_at_rest(void)
{
	idle_with_wakers(3);
	strandings = 0;
}

/* Before the wake there is its own waker; after it the task is to run. */
static void check_not_stranded(void)
{
	model_assert(queued == 1);
	model_assert(strandings == 0);
}

static void setup_one_running(void)
{
	idle_with_wakers(1);
	word |= ROUSE_RUNNING;
	strandings = 0;
}

static int outcomes[2];

static void rest(void)
{
	settle(rs_state_rest(&word));
}

static void check_rest(void)
{
	model_assert(rs_state_is_stranded(word));
	outcomes[strandings]++;
}

static void setup_strand_free(void)
{
	setup_free();
	strandings = 0;
}

static void check_strand_free(void)
{
	model_assert(freed == 1);
	model_assert(strandings == 0);
}

static void exactly_who_drops_the_last_waker_at_rest_knows(void **state)
{
	(void)state;
	assert_true(model_run(&(struct model){
			    "strand", setup_two_at_rest, { drop_seen, drop_seen }, check_stranded_once, 6 }) > 1);
	assert_true(model_run(&(struct model){ "strand or wake", setup_three_at_rest,
			    { drop_seen, drop_seen, wake_only }, check_not_stranded, 4 }) > 1);
	assert_true(model_run(&(struct model){
			    "strand or rest", setup_one_running, { drop_seen, rest }, check_rest, 6 }) > 1);
	assert_true(outcomes[0] && outcomes[1]); /* while it ran, and when it rested */
	assert_true(model_run(&(struct model){ "strand or free", setup_strand_free,
			    { complete, drop_seen, drop_handle }, check_strand_free, 6 }) > 1);
}

/* ---- joining: the waker is consumed by exactly one side */
static void setup_join(void)
{
	idle_with_wakers(0);
	word |= ROUSE_RUNNING | ROUSE_JOIN_INTEREST;
	word += ROUSE_HANDLE_ONE;
}

static void completer(void)
{
	bool join;
	enum rs_next next = rs_state_finish(&word, 0, &join);

	if (join) {
		model_read(&join_waker);
		joins_by_completer++;
		next = rs_state_unref(&word, ROUSE_HANDLE_ONE);
	}
	settle(next);
}

static void joiner(void)
{
	model_write(&join_waker);
	if (!rs_state_set_join(&word)) {
		joins_by_joiner++;
	} else if (rs_state_clear_join(&word)) { /* polled by another task: the waker is replaced */
		model_write(&join_waker);
		if (!rs_state_set_join(&word))
			joins_by_joiner++;
	}
	settle(rs_state_unref(&word, ROUSE_HANDLE_ONE));
}

static void check_join(void)
{
	model_assert(joins_by_completer + joins_by_joiner == 1);
	model_assert(freed == 1);
}

static void join_waker_has_one_owner(void **state)
{
	(void)state;
	assert_true(model_run(&(struct model){ "join", setup_join, { completer, joiner }, check_join, 8 }) > 1);
}

/* ---- abort against a poll that rests */
static void setup_abort(void)
{
	idle_with_wakers(0);
	word |= ROUSE_NOTIFIED;
	word += ROUSE_HANDLE_ONE;
	queue = 1;
}

static int cancelled;

static void abort_task(void)
{
	settle(rs_state_abort(&word));
	settle(rs_state_unref(&word, ROUSE_HANDLE_ONE));
}

static void work_or_cancel(void)
{
	for (int i = 0; i < 2; i++) {
		uint32_t one = 1;
		bool join;

		if (!rs_cas(&queue, &one, 0u, RS_ACQ_REL, RS_ACQUIRE))
			continue;
		enum rs_next next = rs_state_begin(&word);

		if (next == RS_POLL)
			next = rs_state_rest(&word);
		if (next == RS_CANCEL) {
			cancelled++;
			next = rs_state_finish(&word, ROUSE_CANCELLED, &join);
		}
		settle(next);
	}
}

static void setup_abort_all(void)
{
	setup_abort();
	cancelled = 0;
}

static void check_abort(void)
{
	work_or_cancel();
	model_assert(cancelled == 1);
	model_assert(rouse_state_of(word) == ROUSE_TASK_CANCELLED);
	model_assert(freed == 1);
}

static void abort_always_takes_effect(void **state)
{
	(void)state;
	assert_true(model_run(&(struct model){ "abort", setup_abort_all, { abort_task, work_or_cancel }, check_abort, 6 }) > 1);
}

TEST_MAIN(cmocka_unit_test(wakes_race_polls), cmocka_unit_test(wake_of_notified_task_publishes),
	cmocka_unit_test(cell_is_freed_exactly_once), cmocka_unit_test(exactly_who_drops_the_last_waker_at_rest_knows),
	cmocka_unit_test(join_waker_has_one_owner), cmocka_unit_test(abort_always_takes_effect),
	cmocka_unit_test(a_task_that_wakes_itself_is_queued_once),
	cmocka_unit_test(a_waker_that_a_task_makes_of_itself_is_counted));
