/* SPDX-License-Identifier: MIT */
/* What views are made of beside the model: strips of time, heat, the tree of spawns, wakes, shares of workers' time. */
#include "shop.h"

#include <stdlib.h>

#include "model/events.h"
#include "model/heat.h"
#include "view/delay.h"
#include "view/strips.h"
#include "view/times.h"

/* Each cell is asked for what the events say of its time, and nothing is counted twice. */
static void cells_of_a_strip_share_out_the_time(void **state)
{
	const struct cn_window window = { .from_ns = 1000, .span_ns = 1000, .cells = 7 };
	const struct cn_event events[] = { { .kind = ROUSE_EVENT_POLL, .ns = 900, .arg = 350, .task = 1 },
		{ .kind = ROUSE_EVENT_PARK, .ns = 1300, .arg = 200, .arg32 = 1 },
		{ .kind = CN_EVENT_GAP, .ns = 1600, .arg = 100, .arg32 = 9 },
		{ .kind = ROUSE_EVENT_POLL, .ns = 1900, .arg = 500, .task = 2 } };
	const struct cn_event *at[] = { &events[0], &events[1], &events[2], &events[3] };
	const struct cn_event_list list = { .at = at, .n = 4 };
	const struct cn_worker worker = { .state = ROUSE_WORKER_SEARCHING };
	struct cn_spawn spawned[] = { { 1, 11 }, { 2, 12 } };
	const struct cn_spawns spawns = { spawned, 2 };
	uint64_t poll_ns = 0, driver_ns = 0, gap_ns = 0;
	struct cn_strip_cell cells[7];
	struct set set;

	(void)state;
	open_set(&set, 24, 80, false, WITHOUT_EVENTS);
	assert_int_equal(cn_strip_fill(set.model, &spawns, &worker, &list, (struct cn_events_known){ 900, 2400 },
				 &window, cells),
		0);
	for (int i = 0; i < 7; i++) {
		poll_ns += cells[i].poll_ns;
		driver_ns += cells[i].part_ns[CN_STRIP_DRIVER];
		gap_ns += cells[i].part_ns[CN_STRIP_GAP];
		assert_true(cells[i].known);
		assert_int_equal(cells[i].part_ns[CN_STRIP_PARKED], 0);
	}
	assert_int_equal(poll_ns, 250 + 100);
	assert_int_equal(driver_ns, 200);
	assert_int_equal(gap_ns, 100);
	assert_int_equal(cells[0].site, 11);
	assert_int_equal(cells[6].site, 12);
	/* Before the first record nothing is known. */
	assert_int_equal(cn_strip_fill(set.model, &spawns, &worker, &(struct cn_event_list){ 0 },
				   (struct cn_events_known){ 1500, 1700 }, &window, cells), 0);
	assert_false(cells[0].known);
	assert_true(cells[4].known);
	/* Nor is it after the last. */
	assert_false(cells[6].known);
	close_set(&set);
}

static void the_newest_look_of_the_heat_is_what_was_added_to_all_sites(void **state)
{
	const struct cn_heat *heat;
	const struct cn_histogram *look;
	struct set set;
	uint64_t ns;

	(void)state;
	open_set(&set, 24, 80, false, WITHOUT_EVENTS);
	heat = cn_model_heat(set.model, 0);
	assert_non_null(heat);
	assert_int_equal(heat->n, 5); /* of six looks: the first is of no span of time */
	look = cn_heat_look(heat, 0, &ns);
	assert_int_equal(ns, 20 * S);
	assert_int_equal(look->poll[10], 5000);
	assert_int_equal(look->poll[25], 0);
	look = cn_heat_look(heat, 1, &ns);
	assert_int_equal(ns, 19 * S);
	assert_int_equal(look->poll[25], 1);
	assert_int_equal(look->delay[20], 3);
	assert_null(cn_heat_look(heat, 5, &ns));
	assert_null(cn_model_heat(set.model, 1));
	close_set(&set);
}

/* Counts go round; a site that has gone takes its counts along, and is no negative number of polls. */
static void heat_is_never_negative(void **state)
{
	static struct cn_heat heat;
	struct cn_histogram sums = { .poll = { [3] = UINT32_MAX - 1 }, .delay = { [4] = 100 } };
	uint64_t ns;

	(void)state;
	cn_heat_add(&heat, &sums, 1);
	sums.poll[3] = 4;
	sums.delay[4] = 40;
	cn_heat_add(&heat, &sums, 2);
	assert_int_equal(cn_heat_look(&heat, 0, &ns)->poll[3], 6);
	assert_int_equal(cn_heat_look(&heat, 0, &ns)->delay[4], 0);
	for (uint64_t i = 0; i < 2 * CN_HISTORY_SAMPLES; i++)
		cn_heat_add(&heat, &sums, 3 + i);
	assert_non_null(cn_heat_look(&heat, CN_HISTORY_SAMPLES - 1, &ns));
	assert_int_equal(ns, 3 + CN_HISTORY_SAMPLES);
	assert_null(cn_heat_look(&heat, CN_HISTORY_SAMPLES, &ns));
}

/* A look of nothing but tasks: id, and who spawned it. */
static struct cn_model *family(const uint64_t *members, size_t n)
{
	struct cn_model *model = cn_model_new();
	struct look look;

	assert_non_null(model);
	look = look_at(model, 1 * S);
	for (size_t i = 0; i < n; i++)
		look_task(&look, (struct task_row){ .id = members[2 * i], .parent = members[2 * i + 1], .valid = 1 });
	look_end(&look);
	return model;
}

static const struct cn_tree_node *node_of(const struct cn_model *model, const struct cn_tree *tree, uint64_t id)
{
	for (size_t i = 0; i < tree->n; i++)
		if (cn_model_task_at(model, i) && cn_model_task_at(model, i)->id == id)
			return &tree->nodes[i];
	fail_msg("no task %llu", (unsigned long long)id);
	return NULL;
}

static void a_tree_has_children_below_their_parent_in_order_of_ids(void **state)
{
	static const uint64_t members[][2] = { { 50, 20 }, { 20, 0 }, { 40, 30 }, { 30, 20 }, { 60, 99 }, { 35, 30 } };
	static const uint64_t order[] = { 20, 30, 35, 40, 50, 60 };
	struct cn_model *model = family(&members[0][0], 6);
	struct cn_folds folds = { 0 };
	struct cn_tree tree = { 0 };

	(void)state;
	assert_int_equal(cn_tree_build(model, &folds, &tree), 0);
	for (uint32_t i = 0; i < 6; i++)
		assert_int_equal(node_of(model, &tree, order[i])->position, i);
	assert_int_equal(node_of(model, &tree, 20)->kids, 2);
	assert_int_equal(node_of(model, &tree, 20)->below, 4);
	assert_int_equal(node_of(model, &tree, 40)->depth, 2);
	assert_int_equal(node_of(model, &tree, 60)->depth, 0); /* who spawned it has ended */
	assert_int_equal(cn_folds_toggle(&folds, 20), 0);
	assert_int_equal(cn_tree_build(model, &folds, &tree), 0);
	assert_true(node_of(model, &tree, 20)->visible && node_of(model, &tree, 20)->folded);
	assert_false(node_of(model, &tree, 30)->visible || node_of(model, &tree, 35)->visible);
	assert_true(node_of(model, &tree, 60)->visible);
	assert_int_equal(cn_folds_toggle(&folds, 20), 0);
	assert_int_equal(folds.n, 0);
	cn_folds_free(&folds);
	cn_tree_free(&tree);
	cn_model_free(model);
}

static void many_children_are_folded_to_begin_with(void **state)
{
	uint64_t members[CN_TREE_MANY + 2][2] = { { 20, 0 } };
	struct cn_folds folds = { 0 };
	struct cn_tree tree = { 0 };
	struct cn_model *model;

	(void)state;
	for (uint64_t i = 1; i < CN_TREE_MANY + 2; i++) {
		members[i][0] = 20 + i;
		members[i][1] = 20;
	}
	model = family(&members[0][0], CN_TREE_MANY + 2);
	assert_int_equal(cn_tree_build(model, &folds, &tree), 0);
	assert_true(node_of(model, &tree, 20)->folded);
	assert_int_equal(node_of(model, &tree, 20)->below, CN_TREE_MANY + 1);
	assert_int_equal(cn_folds_toggle(&folds, 20), 0);
	assert_int_equal(cn_tree_build(model, &folds, &tree), 0);
	assert_true(node_of(model, &tree, 21)->visible);
	cn_folds_free(&folds);
	cn_tree_free(&tree);
	cn_model_free(model);
}

/* A target may say anything of who spawned whom; each task still stands there once. */
static void a_ring_of_parents_is_a_tree_all_the_same(void **state)
{
	static const uint64_t members[][2] = { { 20, 22 }, { 21, 20 }, { 22, 21 }, { 30, 30 }, { 40, 22 } };
	struct cn_model *model = family(&members[0][0], 5);
	struct cn_folds folds = { 0 };
	struct cn_tree tree = { 0 };
	unsigned int seen = 0;

	(void)state;
	assert_int_equal(cn_tree_build(model, &folds, &tree), 0);
	for (size_t i = 0; i < 5; i++) {
		const struct cn_tree_node *node = node_of(model, &tree, members[i][0]);

		assert_true(node->visible && node->position < 5);
		assert_false(seen >> node->position & 1);
		seen |= 1u << node->position;
	}
	cn_tree_free(&tree);
	cn_model_free(model);
}

static const struct cn_wake_pair *pair_of(const struct cn_wakes *wakes, uint32_t from, uint32_t to)
{
	for (size_t i = 0; i < wakes->n; i++)
		if (wakes->pairs[i].from == from && wakes->pairs[i].to == to)
			return &wakes->pairs[i];
	fail_msg("no pair %u -> %u", from, to);
	return NULL;
}

static void wakes_are_counted_by_spawn_sites(void **state)
{
	struct cn_wakes wakes = { 0 };
	struct set set;

	(void)state;
	open_set(&set, 24, 80, false, WITHOUT_EVENTS);
	assert_int_equal(cn_wakes_build(set.model, &wakes), 0);
	assert_int_equal(pair_of(&wakes, CN_WAKER_SITES + 4, 3)->tasks, 2); /* log -> serve */
	assert_int_equal(pair_of(&wakes, CN_WAKER_SITES + 4, 3)->wakes, 0);
	assert_int_equal(pair_of(&wakes, ROUSE_WAKE_TIMER, 1)->task, MAIN);
	cn_wakes_free(&wakes);
	close_set(&set);

	open_set(&set, 24, 80, false, WITH_EVENTS);
	assert_int_equal(cn_wakes_build(set.model, &wakes), 0);
	assert_int_equal(pair_of(&wakes, ROUSE_WAKE_IO, 3)->wakes, 40);
	assert_int_equal(pair_of(&wakes, CN_WAKER_SITES + 3, 4)->wakes, 40);
	/* Of a task that has ended, its spawn tells where it belongs. */
	assert_int_equal(pair_of(&wakes, CN_WAKER_SITES + 1, 3)->wakes, 1);
	cn_wakes_free(&wakes);
	close_set(&set);
}

/* The runtime adds a sleep to its sums when it ends; here one takes longer than the time between looks. */
static void a_sleep_in_progress_is_a_part_of_its_worker_s_time(void **state)
{
	struct cn_model *model = cn_model_new();
	const struct cn_worker *worker;
	struct cn_canvas canvas;
	char row[38] = "";

	(void)state;
	assert_non_null(model);
	for (uint64_t now = 10; now < 13; now++) {
		struct look look = look_at(model, now * S);

		look.workers[0] = (struct worker_row){ .tid = TID,
			.state = ROUSE_WORKER_PARKED,
			.state_since_ns = 5 * S,
			.counters = { .park_ticks = 2 * S, .busy_ticks = 1 * S } };
		look.workers[1] = (struct worker_row){ .index = 1,
			.tid = TID + 1,
			.state = ROUSE_WORKER_POLLING,
			.current_task = 77,
			.poll_start_ns = 11 * S,
			.counters = { .busy_ticks = 1 * S } };
		look.n_workers = 2;
		look_end(&look);
	}
	/* Nor does it need an event to be known for what it is. */
	assert_int_equal(cn_canvas_init(&canvas, 12, 60, CN_CHARSET_ASCII), 0);
	cn_shares_draw(&(struct cn_scene){ .model = model, .ascii = true }, &canvas, cn_canvas_box(&canvas), 0);
	for (int col = 0; col < 37; col++)
		row[col] = (char)cn_canvas_at(&canvas, 1, col)->text;
	assert_string_equal(row, " 0         0%      0%      0%    100%");
	cn_canvas_fini(&canvas);
	worker = &cn_model_runtime(model, 0)->workers[0];
	assert_int_equal(worker->parked_ns, 9 * S);
	assert_int_equal(worker->parked_ns - worker->prev_parked_ns, 1 * S);
	assert_int_equal(worker->polled_ns, worker->prev_polled_ns);
	worker = &cn_model_runtime(model, 0)->workers[1];
	assert_int_equal(worker->polled_ns, 2 * S);
	assert_int_equal(worker->polled_ns - worker->prev_polled_ns, 1 * S);
	assert_int_equal(worker->parked_ns, 0);
	cn_model_free(model);
}

static void stolen_tasks_are_counted_by_thief_and_victim(void **state)
{
	struct set set;

	(void)state;
	open_set(&set, 24, 80, false, WITH_EVENTS);
	assert_int_equal(cn_events_stolen(set.model, 0, 1, 0), 20 * 2);
	assert_int_equal(cn_events_stolen(set.model, 0, 0, 1), 0);
	assert_int_equal(cn_events_stolen(set.model, 1, 1, 0), 0);
	assert_int_equal(cn_events_stolen(set.model, 0, UINT32_MAX, 0), 0);
	close_set(&set);
}

/*
 *     worker 0   ---- parked ----|poll            wake at 200, up at 500, polled at 600
 *     worker 1   |parked|   other  |poll          wake at 1100: it was awake by then
 */
static void a_delay_is_split_by_whether_the_worker_slept(void **state)
{
	static const struct event_row zero[] = { { 100, ROUSE_EVENT_PARK, 0, 0, 400 },
		{ 600, ROUSE_EVENT_POLL, 20, 1, 50 } };
	static const struct event_row one[] = { { 700, ROUSE_EVENT_PARK, 0, 1, 300 },
		{ 1500, ROUSE_EVENT_POLL, 20, 2, 50 } };
	static const struct event_row outside[] = { { 200, ROUSE_EVENT_WAKE, 20, 0, ROUSE_WAKE_FOREIGN },
		{ 300, ROUSE_EVENT_WAKE, 20, 0, ROUSE_WAKE_TIMER }, /* finds it woken */
		{ 1100, ROUSE_EVENT_WAKE, 20, 1, ROUSE_WAKE_FOREIGN } };
	struct cn_model *model = cn_model_new();
	struct cn_delay delay;
	struct look look;

	(void)state;
	assert_non_null(model);
	cn_model_keep_events(model, true);
	look = look_at(model, 1 * S);
	look_task(&look, (struct task_row){ .id = 20, .valid = 1 });
	look_events(&look, 0, 0, 0, zero, 2);
	look_events(&look, 1, 1, 0, one, 2);
	look_events(&look, 2, CN_NO_WORKER, 0, outside, 3);
	look_end(&look);
	assert_int_equal(cn_delay_of(model, cn_model_task(model, 20), &delay), 0);
	assert_int_equal(delay.polls, 2);
	assert_int_equal(delay.unpark_ns, 300);
	assert_int_equal(delay.queue_ns, 100 + 400);
	assert_int_equal(delay.longest_ns, 400);
	assert_int_equal(delay.workers, 3);
	cn_model_free(model);
}

TEST_MAIN(cmocka_unit_test(a_delay_is_split_by_whether_the_worker_slept),
	cmocka_unit_test(cells_of_a_strip_share_out_the_time),
	cmocka_unit_test(the_newest_look_of_the_heat_is_what_was_added_to_all_sites),
	cmocka_unit_test(heat_is_never_negative),
	cmocka_unit_test(a_tree_has_children_below_their_parent_in_order_of_ids),
	cmocka_unit_test(many_children_are_folded_to_begin_with),
	cmocka_unit_test(a_ring_of_parents_is_a_tree_all_the_same),
	cmocka_unit_test(wakes_are_counted_by_spawn_sites),
	cmocka_unit_test(a_sleep_in_progress_is_a_part_of_its_worker_s_time),
	cmocka_unit_test(stolen_tasks_are_counted_by_thief_and_victim));
