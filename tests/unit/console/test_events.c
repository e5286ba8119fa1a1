/* SPDX-License-Identifier: MIT */
/* Ring events in the model: kept while somebody asks, in order of time, with their gaps, and bounded. */
#include "test.h"

#include "looks.h"

#include "model/events.h"

#include <string.h>

enum { ROWS_MAX = 4096 };

/* One Events frame: rows of `step` ns from base_ns on. */
struct run {
	uint32_t ring, runtime, worker, kind, n;
	uint64_t lost_before, base_ns, step_ns, task, arg;
	uint32_t arg32;
};

static int make(void **state)
{
	struct cn_model *model = cn_model_new();

	if (model)
		cn_model_keep_events(model, true);
	*state = model;
	return model ? 0 : -1;
}

static int unmake(void **state)
{
	cn_model_free(*state);
	return 0;
}

static void apply(struct cn_model *model, struct run run)
{
	static uint32_t kinds[ROWS_MAX], workers[ROWS_MAX], arg32s[ROWS_MAX];
	static uint64_t tasks[ROWS_MAX], args[ROWS_MAX];
	static int64_t deltas[ROWS_MAX];
	Rouse__V1__Events rows = ROUSE__V1__EVENTS__INIT;
	Rouse__V1__Frame frame = ROUSE__V1__FRAME__INIT;
	struct look look = look_with(model, 1000 * S, (struct look_opts){ .runtime = run.runtime });

	assert_true(run.n <= ROWS_MAX);
	for (uint32_t i = 0; i < run.n; i++) {
		kinds[i] = run.kind;
		workers[i] = run.worker;
		arg32s[i] = run.arg32;
		tasks[i] = run.task;
		args[i] = run.arg;
		deltas[i] = i ? (int64_t)run.step_ns : 0;
	}
	rows.ring = run.ring;
	rows.base_ns = run.base_ns;
	rows.lost_before = run.lost_before;
	rows.kind = kinds;
	rows.worker = workers;
	rows.arg32 = arg32s;
	rows.task = tasks;
	rows.arg = args;
	rows.delta_ns = deltas;
	rows.n_kind = rows.n_worker = rows.n_arg32 = rows.n_task = rows.n_arg = rows.n_delta_ns = run.n;
	frame.body_case = ROUSE__V1__FRAME__BODY_EVENTS;
	frame.events = &rows;
	assert_int_equal(look_apply(model, &frame), CN_APPLIED);
	look_end(&look);
}

static struct cn_event_list list_of(const struct cn_model *model, struct cn_event_filter filter)
{
	struct cn_event_list list = { 0 };

	assert_int_equal(cn_events_list(model, &filter, &list), 0);
	return list;
}

static size_t count_of(const struct cn_model *model, struct cn_event_filter filter)
{
	struct cn_event_list list = list_of(model, filter);
	const size_t n = list.n;

	cn_event_list_fini(&list);
	return n;
}

static void events_of_several_rings_come_in_order_of_time(void **state)
{
	struct cn_model *model = *state;
	struct cn_event_list list;

	apply(model, (struct run){ .ring = 0, .kind = ROUSE_EVENT_WAKE, .n = 3, .base_ns = 1000, .step_ns = 200,
				.task = 7, .worker = 0 });
	apply(model, (struct run){ .ring = 1, .kind = ROUSE_EVENT_WAKE, .n = 3, .base_ns = 1100, .step_ns = 200,
				.task = 8, .worker = 1 });
	list = list_of(model, (struct cn_event_filter){ 0 });
	assert_int_equal(list.n, 6);
	for (size_t i = 0; i < list.n; i++) {
		assert_int_equal(list.at[i]->ns, 1000 + 100 * i);
		assert_int_equal(list.at[i]->task, i % 2 ? 8 : 7);
		assert_int_equal(list.at[i]->worker, i % 2);
	}
	assert_int_equal(list.overwritten, 0);
	cn_event_list_fini(&list);
}

/* A poll is written when it ends, after the wakes that it did; its place in time is before them. */
static void a_poll_stands_where_it_began(void **state)
{
	struct cn_model *model = *state;
	struct cn_event_list list;

	apply(model, (struct run){ .kind = ROUSE_EVENT_WAKE, .n = 1, .base_ns = 5000, .task = 9, .arg = 7 });
	apply(model,
		(struct run){ .kind = ROUSE_EVENT_POLL, .n = 1, .base_ns = 4000, .task = 7, .arg = 3000, .arg32 = 12 });
	list = list_of(model, (struct cn_event_filter){ 0 });
	assert_int_equal(list.n, 2);
	assert_int_equal(list.at[0]->kind, ROUSE_EVENT_POLL);
	assert_int_equal(list.at[0]->arg32, 12);
	assert_int_equal(cn_event_end_ns(list.at[0]), 7000);
	assert_int_equal(list.at[1]->kind, ROUSE_EVENT_WAKE);
	assert_int_equal(list.at[1]->arg, 7);
	assert_int_equal(cn_event_end_ns(list.at[1]), 5000);
	cn_event_list_fini(&list);
}

static void lost_records_are_a_gap_in_their_place_and_counted_once(void **state)
{
	Rouse__V1__Lost lost = ROUSE__V1__LOST__INIT;
	Rouse__V1__Frame frame = ROUSE__V1__FRAME__INIT;
	struct cn_model *model = *state;
	struct cn_event_list list;

	apply(model, (struct run){ .ring = 1, .worker = 1, .kind = ROUSE_EVENT_POLL, .n = 1, .base_ns = 1000,
				.task = 7, .arg = 500 });
	apply(model, (struct run){ .ring = 1, .worker = 1, .kind = ROUSE_EVENT_POLL, .n = 1, .base_ns = 9000,
				.task = 7, .arg = 500, .lost_before = 40 });
	lost.events = 40;
	frame.body_case = ROUSE__V1__FRAME__BODY_LOST;
	frame.lost = &lost;
	assert_int_equal(look_apply(model, &frame), CN_APPLIED);
	list = list_of(model, (struct cn_event_filter){ .worker = 2 });
	assert_int_equal(list.n, 3);
	assert_int_equal(list.at[1]->kind, CN_EVENT_GAP);
	assert_int_equal(list.at[1]->ns, 1500);
	assert_int_equal(cn_event_end_ns(list.at[1]), 9000);
	assert_int_equal(list.at[1]->arg32, 40);
	assert_int_equal(list.at[1]->worker, 1);
	assert_int_equal(cn_model_lost_events(model), 40);
	cn_event_list_fini(&list);
	assert_int_equal(count_of(model, (struct cn_event_filter){ .task = 7 }), 2);
}

static void a_filter_asks_for_task_worker_runtime_kind_and_time(void **state)
{
	struct cn_model *model = *state;

	apply(model, (struct run){ .ring = 0, .worker = 0, .kind = ROUSE_EVENT_POLL, .n = 10, .base_ns = 1000,
				.step_ns = 1000, .task = 7, .arg = 600 });
	apply(model, (struct run){ .ring = 1, .worker = 1, .kind = ROUSE_EVENT_WAKE, .n = 5, .base_ns = 1000,
				.step_ns = 1000, .task = 8 });
	apply(model, (struct run){ .ring = 0, .runtime = 1, .worker = 0, .kind = ROUSE_EVENT_PARK, .n = 2,
				.base_ns = 1000, .step_ns = 1000, .arg = 10 });
	assert_int_equal(count_of(model, (struct cn_event_filter){ 0 }), 17);
	assert_int_equal(count_of(model, (struct cn_event_filter){ .task = 8 }), 5);
	assert_int_equal(count_of(model, (struct cn_event_filter){ .worker = 1 }), 12);
	assert_int_equal(count_of(model, (struct cn_event_filter){ .worker = 1, .runtime = 1 }), 10);
	assert_int_equal(count_of(model, (struct cn_event_filter){ .runtime = 2 }), 2);
	assert_int_equal(count_of(model, (struct cn_event_filter){ .kinds = 1u << ROUSE_EVENT_WAKE }), 5);
	/* Polls last from i s to i.6: those of 2, 3, and 4 touch [2.5, 4.1). */
	assert_int_equal(count_of(model, (struct cn_event_filter){ .task = 7, .from_ns = 2500, .to_ns = 4100 }), 3);
	assert_int_equal(count_of(model, (struct cn_event_filter){ .task = 7, .from_ns = 2601, .to_ns = 4000 }), 1);
}

static void the_oldest_give_way_and_that_is_counted(void **state)
{
	enum { RUNS = 20, OVER = RUNS * ROWS_MAX - CN_EVENTS_OF_RING };
	struct cn_model *model = *state;
	struct cn_event_list list;

	for (uint64_t i = 0; i < RUNS; i++)
		apply(model, (struct run){ .kind = ROUSE_EVENT_WAKE, .n = ROWS_MAX, .base_ns = 1 + i * ROWS_MAX,
					.step_ns = 1, .task = 7 });
	list = list_of(model, (struct cn_event_filter){ 0 });
	assert_int_equal(list.n, CN_EVENTS_OF_RING);
	assert_int_equal(list.overwritten, OVER);
	assert_int_equal(list.at[0]->number, OVER + 1);
	assert_int_equal(list.at[0]->ns, OVER + 1);
	assert_int_equal(list.at[list.n - 1]->number, cn_events_newest(model));
	cn_event_list_fini(&list);

	/* Who has read on from there has missed nothing; who has not, the difference. */
	list = list_of(model, (struct cn_event_filter){ .after = OVER });
	assert_int_equal(list.overwritten, 0);
	assert_int_equal(list.n, CN_EVENTS_OF_RING);
	cn_event_list_fini(&list);
	list = list_of(model, (struct cn_event_filter){ .after = OVER - 3 });
	assert_int_equal(list.overwritten, 3);
	cn_event_list_fini(&list);
	list = list_of(model, (struct cn_event_filter){ .after = cn_events_newest(model) - 2 });
	assert_int_equal(list.n, 2);
	assert_int_equal(list.overwritten, 0);
	cn_event_list_fini(&list);
}

static void rings_in_all_are_bounded_too(void **state)
{
	struct cn_model *model = *state;
	const uint32_t rings = CN_EVENTS_IN_ALL / CN_EVENTS_OF_RING;

	for (uint32_t ring = 0; ring < rings; ring++)
		for (int i = 0; i < CN_EVENTS_OF_RING / ROWS_MAX; i++)
			apply(model, (struct run){ .ring = ring, .kind = ROUSE_EVENT_WAKE, .n = ROWS_MAX, .base_ns = 1 });
	assert_int_equal(cn_events_unkept(model), 0);
	apply(model, (struct run){ .ring = rings, .kind = ROUSE_EVENT_WAKE, .n = 5, .base_ns = 1 });
	assert_int_equal(cn_events_unkept(model), 5);
	apply(model, (struct run){ .ring = UINT32_MAX, .kind = ROUSE_EVENT_WAKE, .n = 5, .base_ns = 1 });
	assert_int_equal(cn_events_unkept(model), 10);
	assert_int_equal(count_of(model, (struct cn_event_filter){ 0 }), CN_EVENTS_IN_ALL);
}

static void nobody_asks_nothing_is_kept(void **state)
{
	struct cn_model *model = *state;
	const struct run run = { .kind = ROUSE_EVENT_WAKE, .n = 5, .base_ns = 1 };

	apply(model, run);
	assert_int_equal(count_of(model, (struct cn_event_filter){ 0 }), 5);
	cn_model_keep_events(model, false);
	apply(model, run);
	assert_false(cn_model_keeps_events(model));
	assert_int_equal(count_of(model, (struct cn_event_filter){ 0 }), 0);
	assert_int_equal(cn_events_newest(model), 0);
	assert_int_equal(cn_model_events(model, ROUSE_EVENT_WAKE), 10);
	cn_model_keep_events(model, true);
	apply(model, run);
	assert_int_equal(count_of(model, (struct cn_event_filter){ 0 }), 5);
}

/* A ring still has records of a time when somebody else asked; of the time between nothing is known. */
static void what_is_older_than_the_asking_says_nothing_of_the_time_between(void **state)
{
	struct cn_model *model = *state;
	const struct run old = { .kind = ROUSE_EVENT_POLL, .n = 2, .base_ns = 10 * S, .step_ns = 1 * S, .task = 7, .arg = 5 };
	struct cn_events_known known;

	apply(model, old);
	known = cn_events_known(model, 0, 0);
	assert_int_equal(known.since_ns, 10 * S);
	assert_int_equal(known.until_ns, 11 * S + 5);
	/* Every look here is of 1000 s. */
	cn_model_keep_events(model, false);
	cn_model_keep_events(model, true);
	apply(model, old);
	known = cn_events_known(model, 0, 0);
	assert_int_equal(known.since_ns, 1000 * S);
	assert_int_equal(known.until_ns, 11 * S + 5);
	assert_int_equal(cn_events_known(model, 0, 1).since_ns, UINT64_MAX);
}

static void kinds_and_ends_that_make_no_sense_do_no_harm(void **state)
{
	struct cn_model *model = *state;
	struct cn_event_list list;

	apply(model, (struct run){ .kind = ROUSE_EVENT_MAX, .n = 3, .base_ns = 1 });
	apply(model, (struct run){ .kind = UINT32_MAX, .n = 3, .base_ns = 1 });
	apply(model, (struct run){ .kind = ROUSE_EVENT_NONE, .n = 3, .base_ns = 1 });
	assert_int_equal(count_of(model, (struct cn_event_filter){ 0 }), 0);
	apply(model, (struct run){ .kind = ROUSE_EVENT_POLL, .n = 1, .base_ns = UINT64_MAX - 5, .arg = UINT64_MAX });
	list = list_of(model, (struct cn_event_filter){ 0 });
	assert_int_equal(list.n, 1);
	assert_int_equal(cn_event_end_ns(list.at[0]), UINT64_MAX);
	cn_event_list_fini(&list);
}

#define KEEPS(name) cmocka_unit_test_setup_teardown(name, make, unmake)
TEST_MAIN(KEEPS(events_of_several_rings_come_in_order_of_time), KEEPS(a_poll_stands_where_it_began),
	KEEPS(lost_records_are_a_gap_in_their_place_and_counted_once),
	KEEPS(a_filter_asks_for_task_worker_runtime_kind_and_time), KEEPS(the_oldest_give_way_and_that_is_counted),
	KEEPS(rings_in_all_are_bounded_too), KEEPS(nobody_asks_nothing_is_kept),
	KEEPS(what_is_older_than_the_asking_says_nothing_of_the_time_between),
	KEEPS(kinds_and_ends_that_make_no_sense_do_no_harm));
