/* SPDX-License-Identifier: MIT */
/* Rates over the last look, ten seconds, and since the first look. */
#include "test.h"

#include "looks.h"
#include "model/pace.h"

static int make(void **state)
{
	*state = cn_model_new();
	return *state ? 0 : -1;
}

static int unmake(void **state)
{
	cn_model_free(*state);
	return 0;
}

/* A look in which task 20 has so many polls; as many wakes, and 1 ms busy in each. */
static void look_polls(struct cn_model *model, uint64_t now_ns, uint32_t polls)
{
	struct look look = look_with(model, now_ns, (struct look_opts){ .changes_only = true });

	look_task(&look, (struct task_row){ .id = 20,
				 .state = ROUSE_TASK_PENDING,
				 .stamp = polls,
				 .polls = polls,
				 .wakes = polls,
				 .busy_ns = polls * MS,
				 .spawned_ns = 1,
				 .valid = 1 });
	look_end(&look);
}

static void look_nothing(struct cn_model *model, uint64_t now_ns)
{
	struct look look = look_with(model, now_ns, (struct look_opts){ .changes_only = true });

	look_end(&look);
}

static struct cn_pace pace_of(const struct cn_model *model, uint64_t id, enum cn_rates window)
{
	return cn_task_pace(model, cn_model_task(model, id), window);
}

static void check(const struct cn_model *model, enum cn_rates window, uint64_t span_ns, uint64_t polls)
{
	const struct cn_pace pace = pace_of(model, 20, window);

	assert_int_equal(pace.span_ns, span_ns);
	assert_int_equal(pace.polls, polls);
	assert_int_equal(pace.wakes, polls);
	assert_int_equal(pace.busy_ns, polls * MS);
}

static void what_was_before_the_first_look_counts_in_no_window(void **state)
{
	struct cn_model *model = *state;

	look_polls(model, 100 * S, 5000);
	for (int window = 0; window < CN_RATES_COUNT; window++)
		assert_int_equal(pace_of(model, 20, (enum cn_rates)window).polls, 0);
	look_nothing(model, 101 * S);
	check(model, CN_RATES_LOOK, 1 * S, 0);
	check(model, CN_RATES_RECENT, 1 * S, 0);
	check(model, CN_RATES_ATTACH, 1 * S, 0);
}

static void a_steady_task_has_the_same_rate_in_every_window(void **state)
{
	struct cn_model *model = *state;

	for (unsigned int i = 0; i <= 60; i++)
		look_polls(model, (100 + i) * S, 5000 + 10 * i);
	for (int window = 0; window < CN_RATES_COUNT; window++) {
		const struct cn_pace pace = pace_of(model, 20, (enum cn_rates)window);

		assert_int_equal(pace.polls * S, 10 * pace.span_ns);
	}
	assert_int_equal(pace_of(model, 20, CN_RATES_ATTACH).span_ns, 60 * S);
	assert_in_range(pace_of(model, 20, CN_RATES_RECENT).span_ns, 10 * S, 15 * S);
	assert_int_equal(pace_of(model, 20, CN_RATES_LOOK).span_ns, 1 * S);
}

/* After a rest of a minute a burst is one of the last ten seconds, not of a minute. */
static void a_burst_after_a_rest_is_not_thinned_by_it(void **state)
{
	struct cn_model *model = *state;

	look_polls(model, 100 * S, 5000);
	look_polls(model, 101 * S, 5010);
	for (unsigned int i = 102; i < 160; i++)
		look_nothing(model, i * S);
	check(model, CN_RATES_RECENT, 10 * S, 0);
	look_polls(model, 160 * S, 5300);
	check(model, CN_RATES_LOOK, 1 * S, 290);
	check(model, CN_RATES_RECENT, 10 * S, 290);
	check(model, CN_RATES_ATTACH, 60 * S, 300);
	for (unsigned int i = 161; i < 180; i++)
		look_nothing(model, i * S);
	check(model, CN_RATES_RECENT, 10 * S, 0);
	check(model, CN_RATES_ATTACH, 79 * S, 300);
}

static void of_a_new_task_all_counts_since_it_was_spawned(void **state)
{
	struct cn_model *model = *state;
	struct look look;

	look_polls(model, 100 * S, 1);
	look = look_with(model, 102 * S, (struct look_opts){ .changes_only = true });
	look_task(&look, (struct task_row){
				 .id = 30, .state = ROUSE_TASK_PENDING, .polls = 8, .spawned_ns = 101 * S, .valid = 1 });
	look_end(&look);
	look_nothing(model, 105 * S);
	assert_int_equal(pace_of(model, 30, CN_RATES_RECENT).polls, 8);
	assert_int_equal(pace_of(model, 30, CN_RATES_RECENT).span_ns, 4 * S);
	assert_int_equal(pace_of(model, 30, CN_RATES_ATTACH).span_ns, 4 * S);
	look_nothing(model, 120 * S);
	assert_int_equal(pace_of(model, 30, CN_RATES_RECENT).polls, 0);
	assert_int_equal(pace_of(model, 30, CN_RATES_ATTACH).polls, 8);
}

static void the_poll_in_progress_is_busy_time_of_every_window(void **state)
{
	struct cn_model *model = *state;
	struct look look;

	look_polls(model, 100 * S, 1);
	look = look_with(model, 101 * S, (struct look_opts){ .changes_only = true });
	look_task(&look, (struct task_row){ .id = 20,
				 .state = ROUSE_TASK_RUNNING,
				 .polls = 2,
				 .busy_ns = 1 * MS,
				 .edge_ns = 100 * S + 750 * MS,
				 .spawned_ns = 1,
				 .valid = 1 });
	look_end(&look);
	for (int window = 0; window < CN_RATES_COUNT; window++)
		assert_int_equal(pace_of(model, 20, (enum cn_rates)window).busy_ns, 250 * MS);
	/* Never more than all of it. */
	look_nothing(model, 102 * S);
	look_nothing(model, 103 * S);
	assert_int_equal(pace_of(model, 20, CN_RATES_LOOK).busy_ns, 1 * S);
}

/* What is kept belongs to a task: one that takes its place begins anew. */
static void a_task_that_goes_leaves_nothing_to_the_next(void **state)
{
	struct cn_model *model = *state;
	struct look look;

	look_polls(model, 100 * S, 5);
	look_polls(model, 101 * S, 9);
	assert_int_not_equal(cn_model_task(model, 20)->past, 0);
	look = look_with(model, 102 * S, (struct look_opts){ .changes_only = true });
	look_removed(&look, 20, 0);
	look_end(&look);
	look = look_with(model, 103 * S, (struct look_opts){ .changes_only = true });
	look_task(&look, (struct task_row){ .id = 40, .state = ROUSE_TASK_PENDING, .polls = 100, .spawned_ns = 7, .valid = 1 });
	look_end(&look);
	assert_int_equal(pace_of(model, 40, CN_RATES_ATTACH).polls, 0);
}

#define WITH_MODEL(test) cmocka_unit_test_setup_teardown(test, make, unmake)
TEST_MAIN(WITH_MODEL(what_was_before_the_first_look_counts_in_no_window),
	WITH_MODEL(a_steady_task_has_the_same_rate_in_every_window), WITH_MODEL(a_burst_after_a_rest_is_not_thinned_by_it),
	WITH_MODEL(of_a_new_task_all_counts_since_it_was_spawned),
	WITH_MODEL(the_poll_in_progress_is_busy_time_of_every_window),
	WITH_MODEL(a_task_that_goes_leaves_nothing_to_the_next));
