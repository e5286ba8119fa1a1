/* SPDX-License-Identifier: MIT */
/*
 * A task's cell from outside its polls, over the real join.c, task.c, slab.c
 * and foreign.c: who wakes the joiner, who frees the cell, where the slot goes,
 * and what a shutdown may rely on when other threads come and go.
 */
#include "test.h"

#include "base/futex.h"
#include "model.h"
#include "sched/runtime.h"
#include "task/join.h"
#include "task/panic.h"
#include "trace/sites.h"

#include <stdlib.h>
#include <string.h>

static struct rouse_runtime runtime;
static _Alignas(4096) char page_memory[16384];
static _Alignas(RS_CHUNK_BYTES) char chunk_memory[RS_CHUNK_BYTES];

/* ------------------------------------ the parts of the runtime that are not looked at */
bool rs_forked;
void rs_runtime_return_ring(uint64_t serial, struct rouse_ring *ring)
{
	(void)serial, (void)ring;
}
void rs_reactor_poke(struct rs_reactor *reactor)
{
	(void)reactor;
}
void rs_worker_push(struct rs_worker *worker, struct rouse_task *task)
{
	(void)worker, (void)task;
}
void rs_worker_push_lifo(struct rs_worker *worker, struct rouse_task *task)
{
	(void)worker, (void)task;
}
void rs_inject_task(struct rouse_runtime *rt, struct rouse_task *task)
{
	(void)rt, (void)task;
}
uint32_t rs_site_index(const struct rouse_site *site)
{
	(void)site;
	return 0;
}
uint64_t rs_stamp(void)
{
	return 0;
}
uint64_t rs_current_task_id(void)
{
	return 0;
}
void rouse_runtime_totals(struct rouse_runtime *rt, struct rouse_totals *ret)
{
	(void)rt;
	*ret = (struct rouse_totals){ 0 };
}
int rs_runtime_add_chunk(struct rouse_runtime *rt, uint64_t address, uint32_t stride, uint32_t cells,
	enum rouse_chunk_kind kind, uint32_t shard)
{
	(void)rt, (void)address, (void)stride, (void)cells, (void)kind, (void)shard;
	return -1;
}
void rs_die(const char *format, ...)
{
	(void)format;
	abort();
}
void rouse_panic_(const char *function, const char *file, int line, const char *format, ...)
{
	(void)function, (void)file, (void)line, (void)format;
	abort();
}
void rouse_future_drop(struct rouse_future *future)
{
	(void)future;
}
bool rs_clock_is_tsc;

/* ---------------------------------------------------------------- the stage */

enum { SLOT_BYTES = 192 };

static struct rs_slab *slab(void)
{
	return &runtime.foreign_shard.slabs[ROUSE_CHUNK_TASK - 1][0];
}

static struct rouse_task *cell(int i)
{
	return (struct rouse_task *)(void *)(chunk_memory + RS_CHUNK_HEAD + (size_t)i * SLOT_BYTES);
}

static void stage(void)
{
	struct rouse_page *page = (struct rouse_page *)(void *)page_memory;

	memset(page_memory, 0, sizeof page_memory);
	memset(&runtime, 0, sizeof runtime);
	memset(chunk_memory, 0, RS_CHUNK_HEAD + 8 * SLOT_BYTES);
	page->off_workers = 4096;
	runtime.page = page;
	runtime.state = ROUSE_RUNTIME_ACTIVE;
	runtime.foreign_shard.runtime = &runtime;
	*(struct rs_chunk *)(void *)chunk_memory =
		(struct rs_chunk){ &runtime.foreign_shard, &runtime, 0, ROUSE_CHUNK_TASK };
}

/* ------------------------------------------------------------------ joining */

static const struct rouse_future_type nothing = { .name = "nothing", .result_bytes = 0 };
static uint64_t clones, wakes, drops;
static int registered, result;

static void *count_clone(void *data)
{
	rs_fetch_add(&clones, 1ull, RS_RELAXED);
	return data;
}
static void count_wake(void *data)
{
	(void)data;
	rs_fetch_add(&wakes, 1ull, RS_RELAXED);
}
static void count_drop(void *data)
{
	(void)data;
	rs_fetch_add(&drops, 1ull, RS_RELAXED);
}
static const struct rouse_waker_vtable counting = { count_clone, count_wake, count_wake, count_drop };

static void setup_join(void)
{
	struct rouse_task *task = cell(0);

	stage();
	task->id = 16;
	task->future = (struct rouse_future *)(void *)(task + 1);
	task->future->type = &nothing;
	task->state = ROUSE_RUNNING | ROUSE_JOIN_INTEREST | ROUSE_HANDLE_ONE;
	clones = wakes = drops = 0;
	registered = 0;
}

static void completer(void)
{
	model_write(&result);
	rs_task_finish(cell(0), 0);
}

/* Polled by two tasks in turn, then dropped, unless it has ended. */
static void joiner(void)
{
	struct rouse_join join;
	struct rouse_future *f = &rouse_join(&join, cell(0), NULL)->future;
	struct rouse_context first = { .waker = { &clones, &counting } }, second = { .waker = { &wakes, &counting } };

	if (!f->type->poll(f, &first).ready && !f->type->poll(f, &second).ready) {
		registered = 1;
		f->type->drop(f);
	} else {
		model_read(&result);
		model_assert(join.result == 0);
	}
}

static void check_join(void)
{
	model_assert(clones == wakes + drops);
	model_assert(wakes <= 1);
	model_assert(cell(0)->id == 0);
	model_assert(slab()->remote == (struct rs_slot *)(void *)cell(0) && !slab()->remote->next); /* freed, once */
}

static void a_join_is_woken_or_dropped_and_the_cell_freed_once(void **state)
{
	(void)state;
	assert_true(model_run(&(struct model){ "join", setup_join, { completer, joiner }, check_join, 4 }) > 1);
}

/* The first has the place until it gives it back; the second is refused, or comes after. */
static int refused, joined;

static void setup_two_joiners(void)
{
	setup_join();
	cell(0)->state += ROUSE_HANDLE_ONE;
	refused = joined = 0;
}

static void claims_and_leaves(void)
{
	struct rouse_join join;
	struct rouse_future *f = &rouse_join(&join, cell(0), NULL)->future;
	struct rouse_context cx = { .waker = { &clones, &counting } };

	if (f->type->poll(f, &cx).ready) {
		model_assert(join.result == -ROUSE_EJOINED);
		refused++;
	} else {
		joined++;
		f->type->drop(f);
	}
}

static void check_two_joiners(void)
{
	model_assert(joined >= 1 && joined + refused == 2);
	model_assert(clones == drops && wakes == 0);
	model_assert((cell(0)->state & (ROUSE_HANDLE_MASK | ROUSE_JOIN_WAKER)) == 0);
	model_assert(!cell(0)->join_waker.vtable);
}

static void two_joiners_never_share_the_place(void **state)
{
	(void)state;
	assert_true(model_run(&(struct model){ "two joiners", setup_two_joiners, { claims_and_leaves, claims_and_leaves },
		check_two_joiners, 3 }) > 1);
}

/* -------------------------------------------------------------------- slots */

static struct rouse_task *taken[2];

static void setup_slots(void)
{
	stage();
	slab()->fresh = (char *)cell(2);
	slab()->fresh_end = (char *)cell(4);
	taken[0] = taken[1] = NULL;
}

static void give(int i)
{
	model_write(cell(i));
	rs_slab_give_any(cell(i), NULL);
}
static void give_first(void)
{
	give(0);
}
static void give_second(void)
{
	give(1);
}
static void take_two(void)
{
	for (int i = 0; i < 2; i++) {
		taken[i] = rs_slab_take_owner(&runtime.foreign_shard, ROUSE_CHUNK_TASK, 100);
		model_write(taken[i]);
	}
}

static void check_slots(void)
{
	uint32_t seen = 0;

	for (int i = 0; i < 2; i++)
		seen |= 1u << (((char *)taken[i] - (char *)cell(0)) / SLOT_BYTES);
	for (int i = 0; i < 2; i++) {
		char *rest = rs_slab_take_owner(&runtime.foreign_shard, ROUSE_CHUNK_TASK, 100);

		seen |= 1u << ((rest - (char *)cell(0)) / SLOT_BYTES);
	}
	model_assert(seen == 0xf);
	model_assert(!rs_slab_take_owner(&runtime.foreign_shard, ROUSE_CHUNK_TASK, 100));
}

static void slots_given_from_outside_are_taken_once(void **state)
{
	(void)state;
	assert_true(model_run(&(struct model){ "slots", setup_slots, { give_first, give_second, take_two }, check_slots, 3 }) >
		1);
}

/* ------------------------------------------------------------------- visits */

static uint32_t published, scanned;
static int what_was_published;

static void setup_visits(void)
{
	stage();
	published = scanned = 0;
}

static void visitor(void)
{
	bool visiting = rs_visit_begin(&runtime);

	if (!rs_visit_late(&runtime)) {
		model_write(&what_was_published);
		rs_store(&published, 1u, RS_RELAXED);
	}
	rs_visit_end(&runtime, visiting);
}

static void await_visitors(void)
{
	const uint64_t *count = &runtime.page->foreign_in_transit;

	for (uint64_t n; (n = rs_load(count, RS_SEQ_CST));)
		rs_model_wait((const uint32_t *)(const void *)count, (uint32_t)n);
}

static void stop_and_scan(void)
{
	rs_exchange(&runtime.state, (uint32_t)ROUSE_RUNTIME_STOPPING, RS_SEQ_CST);
	await_visitors();
	if ((scanned = rs_load(&published, RS_RELAXED)))
		model_read(&what_was_published);
}

static void check_visits(void)
{
	model_assert(published == scanned);
}

static void nothing_appears_behind_a_shutdown(void **state)
{
	(void)state;
	assert_true(model_run(&(struct model){ "visits", setup_visits, { visitor, stop_and_scan }, check_visits, 6 }) > 1);
}

/* The last reference goes: the memory is given up by whoever finds no slot in use, and nobody in between. */
static int memory;

static void setup_last(void)
{
	setup_join();
	cell(0)->state = ROUSE_COMPLETE | ROUSE_WAKER_ONE;
	runtime.state = ROUSE_RUNTIME_STOPPED;
}

static void drops_the_last_waker(void)
{
	struct rouse_waker waker = { cell(0), &rs_task_waker_vtable };

	model_read(&memory);
	rouse_waker_wake(&waker);
}

static void unmaps_if_nothing_is_held(void)
{
	if (rs_load(&cell(0)->id, RS_ACQUIRE))
		return;
	await_visitors();
	model_assert(slab()->remote == (struct rs_slot *)(void *)cell(0)); /* its last step is done */
	model_write(&memory);
}

static void memory_goes_after_the_last_step_of_who_held_it(void **state)
{
	(void)state;
	assert_true(model_run(&(struct model){ "last", setup_last, { drops_the_last_waker, unmaps_if_nothing_is_held }, NULL,
		6 }) > 1);
}

TEST_MAIN(cmocka_unit_test(a_join_is_woken_or_dropped_and_the_cell_freed_once),
	cmocka_unit_test(two_joiners_never_share_the_place), cmocka_unit_test(slots_given_from_outside_are_taken_once),
	cmocka_unit_test(nothing_appears_behind_a_shutdown),
	cmocka_unit_test(memory_goes_after_the_last_step_of_who_held_it));
