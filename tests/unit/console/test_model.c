/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "looks.h"

#include "model/ended.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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

static const struct task_row worked = { .id = 20,
	.state = ROUSE_TASK_PENDING,
	.stamp = 9,
	.polls = 100,
	.wakes = 99,
	.busy_ns = 5 * MS,
	.spawned_ns = 1,
	.edge_ns = 900 * MS,
	.worker = 3,
	.valid = 1 };

static void a_row_that_comes_again_has_rates(void **state)
{
	struct cn_model *model = *state;
	struct task_row row = worked;
	struct look look = look_at(model, 1 * S);
	struct cn_delta delta;

	look_task(&look, row);
	look_end(&look);
	delta = cn_task_delta(model, cn_model_task(model, 20));
	assert_int_equal(delta.span_ns, 0);

	look = look_with(model, 3 * S, (struct look_opts){ .changes_only = true });
	row.polls += 40;
	row.wakes += 30;
	row.self_wakes += 20;
	row.busy_ns += 7 * MS;
	look_task(&look, row);
	look_end(&look);
	delta = cn_task_delta(model, cn_model_task(model, 20));
	assert_int_equal(delta.span_ns, 2 * S);
	assert_int_equal(delta.polls, 40);
	assert_int_equal(delta.wakes, 30);
	assert_int_equal(delta.self_wakes, 20);
	assert_int_equal(delta.busy_ns, 7 * MS);
	assert_false(cn_task_settled(model, cn_model_task(model, 20)));
}

static void a_row_that_does_not_come_stood_still(void **state)
{
	struct cn_model *model = *state;
	struct look look = look_at(model, 1 * S);

	look_task(&look, worked);
	look_end(&look);
	assert_false(cn_task_settled(model, cn_model_task(model, 20)));
	look = look_with(model, 2 * S, (struct look_opts){ .changes_only = true });
	look_end(&look);
	assert_non_null(cn_model_task(model, 20));
	assert_true(cn_task_settled(model, cn_model_task(model, 20)));
	assert_int_equal(cn_task_delta(model, cn_model_task(model, 20)).polls, 0);
	assert_int_equal(cn_task_delta(model, cn_model_task(model, 20)).span_ns, 1 * S);
}

static void an_equal_row_that_comes_again_stood_still_too(void **state)
{
	struct cn_model *model = *state;

	for (uint64_t now = 1; now < 3; now++) {
		struct look look = look_at(model, now * S);

		look_task(&look, worked);
		look_end(&look);
	}
	assert_true(cn_task_settled(model, cn_model_task(model, 20)));
}

/* Joined late: what it did before is no rate. */
static void an_old_task_seen_for_the_first_time_has_no_rate(void **state)
{
	struct cn_model *model = *state;
	struct task_row fresh = worked;
	struct look look = look_at(model, 1 * S);

	look_end(&look);
	look = look_at(model, 2 * S);
	look_task(&look, worked);
	fresh.id = 21;
	fresh.spawned_ns = 1 * S + 500 * MS;
	look_task(&look, fresh);
	look_end(&look);
	assert_int_equal(cn_task_delta(model, cn_model_task(model, 20)).polls, 0);
	assert_int_equal(cn_task_delta(model, cn_model_task(model, 21)).polls, 100);
}

static void a_keyframe_forgets_what_is_not_in_it(void **state)
{
	struct cn_model *model = *state;
	struct look look = look_at(model, 1 * S);

	look_task(&look, worked);
	look_resource(&look, (struct resource_row){ .serial = 30, .kind = ROUSE_RESOURCE_MUTEX });
	look_string(&look, 5, "gone");
	look_end(&look);
	look = look_with(model, 1 * S, (struct look_opts){ .runtime = 1 });
	look_task(&look, (struct task_row){ .id = 21, .state = ROUSE_TASK_PENDING });
	look_end(&look);
	assert_int_equal(cn_model_tasks(model), 2);

	look = look_at(model, 2 * S);
	look_string(&look, 1, "kept");
	look_end(&look);
	assert_null(cn_model_task(model, 20));
	assert_null(cn_model_resource(model, 30));
	assert_string_equal(cn_model_string(model, 0, 5), "");
	assert_string_equal(cn_model_string(model, 0, 1), "kept");
	assert_non_null(cn_model_task(model, 21)); /* of another runtime */
}

static void only_its_own_runtime_removes_a_task(void **state)
{
	struct cn_model *model = *state;
	struct look look = look_at(model, 1 * S);

	look_task(&look, worked);
	look_end(&look);
	look = look_with(model, 1 * S, (struct look_opts){ .runtime = 1, .changes_only = true });
	look_removed(&look, 20, 0);
	look_end(&look);
	assert_non_null(cn_model_task(model, 20));
	look = look_with(model, 2 * S, (struct look_opts){ .changes_only = true });
	look_removed(&look, 20, 0);
	look_end(&look);
	assert_null(cn_model_task(model, 20));
}

static void awaits_follow_their_row(void **state)
{
	struct cn_model *model = *state;
	struct await_row awaits[] = { { .type = 1, .at = 2 }, { .parent = 0,
								      .type = 3,
								      .op = ROUSE_OP_LOCK,
								      .wait_state = ROUSE_WAIT_WAITING,
								      .resource = 30,
								      .waker_task = 20 } };
	struct look look = look_at(model, 1 * S);
	const struct cn_task *task;

	look_resource(&look, (struct resource_row){ .serial = 30, .kind = ROUSE_RESOURCE_MUTEX });
	look_awaits(&look, 20, awaits, 2); /* before its row: the order within a look is free */
	look_task(&look, worked);
	look_end(&look);
	task = cn_model_task(model, 20);
	assert_int_equal(task->n_awaits, 2);
	assert_int_equal(task->waiting, 1);
	assert_int_equal(task->leaf, 1);
	assert_int_equal(cn_model_resource(model, 30)->waiters, 1);

	look = look_with(model, 2 * S, (struct look_opts){ .changes_only = true });
	look_end(&look); /* no row: they stay */
	assert_int_equal(cn_model_task(model, 20)->n_awaits, 2);
	assert_int_equal(cn_model_resource(model, 30)->waiters, 1);

	look = look_with(model, 3 * S, (struct look_opts){ .changes_only = true });
	look_task(&look, worked); /* a row without awaits: it has none */
	look_end(&look);
	assert_int_equal(cn_model_task(model, 20)->n_awaits, 0);
	assert_int_equal(cn_model_task(model, 20)->waiting, 0);
	assert_int_equal(cn_model_resource(model, 30)->waiters, 0);
	assert_false(cn_task_settled(model, cn_model_task(model, 20)));
}

static void another_wait_is_a_change_though_the_stamp_is_equal(void **state)
{
	struct cn_model *model = *state;
	struct await_row awaits[] = {
		{ .type = 1, .op = ROUSE_OP_LOCK, .wait_state = ROUSE_WAIT_WAITING, .resource = 30 }
	};

	for (uint64_t now = 1; now < 3; now++) {
		struct look look = look_at(model, now * S);

		look_task(&look, worked);
		look_awaits(&look, 20, awaits, 1);
		look_end(&look);
		awaits[0].wait_state = ROUSE_WAIT_GRANTED;
	}
	assert_false(cn_task_settled(model, cn_model_task(model, 20)));
}

/* Each keyframe converts ticks anew, with the rate as it is then. */
static void stamps_that_a_corrected_clock_moved_are_the_same_moments(void **state)
{
	struct cn_model *model = *state;

	for (uint64_t now = 2; now < 6; now++) {
		const uint64_t moved = now == 2 ? 0 : now == 3 ? 40 : now == 4 ? 12 : 3500 * MS; /* another one */
		struct look look = look_at(model, now * S);

		look_resource(&look, (struct resource_row){ .serial = 30, .kind = ROUSE_RESOURCE_MUTEX, .owner = 20,
						.owner_since_ns = 1 * S + moved });
		look_task(&look, worked);
		look_awaits(&look, 20,
			&(struct await_row){ .type = 1, .op = ROUSE_OP_LOCK, .wait_state = ROUSE_WAIT_WAITING, .resource = 30,
				.since_ns = 1 * S + moved },
			1);
		look_end(&look);
		if (now > 2)
			assert_int_equal(cn_task_settled(model, cn_model_task(model, 20)), now < 5);
		assert_int_equal(cn_model_resource(model, 30)->changed_look, now < 5 ? 1 : 4);
	}
}

static void awaits_without_a_task_are_dropped(void **state)
{
	struct cn_model *model = *state;
	struct await_row awaits[] = { { .type = 1 } };
	struct look look = look_at(model, 1 * S);

	look_awaits(&look, 99, awaits, 1);
	look_end(&look);
	assert_null(cn_model_task(model, 99));
	assert_int_equal(cn_model_tasks(model), 0);
}

static void rows_outside_a_generation_change_nothing(void **state)
{
	struct cn_model *model = *state;
	struct look look = { .model = model };
	Rouse__V1__GenerationEnd end = ROUSE__V1__GENERATION_END__INIT;
	Rouse__V1__Frame frame = ROUSE__V1__FRAME__INIT;

	look_task(&look, worked);
	frame.body_case = ROUSE__V1__FRAME__BODY_END;
	frame.end = &end;
	assert_int_equal(look_apply(model, &frame), CN_APPLIED);
	assert_int_equal(cn_model_tasks(model), 0);
	assert_int_equal(cn_model_generations(model), 0);
	look = look_with(model, 1 * S, (struct look_opts){ .runtime = 1000 }); /* no such place for a runtime */
	look_task(&look, worked);
	assert_int_equal(cn_model_tasks(model), 0);
	assert_null(cn_model_runtime(model, 1000));
}

static void a_cut_generation_is_not_complete(void **state)
{
	struct cn_model *model = *state;
	struct look look = look_at(model, 1 * S);

	look_task(&look, worked);
	look = look_at(model, 2 * S); /* the first one never ended */
	look_task(&look, worked);
	look_end(&look);
	assert_false(cn_model_complete(model));
	look = look_at(model, 3 * S);
	look_task(&look, worked);
	look_end(&look);
	assert_true(cn_model_complete(model));
	look = look_at(model, 4 * S);
	look.incomplete = true;
	look_end(&look);
	assert_false(cn_model_complete(model));
}

static void indices_out_of_range_are_unknown_not_fatal(void **state)
{
	struct cn_model *model = *state;
	struct look look = look_at(model, 1 * S);
	struct task_row row = { .id = 20, .state = 77, .name = UINT32_MAX, .spawn_site = UINT32_MAX, .worker = 70000 };
	struct await_row awaits[] = { { .type = UINT32_MAX, .at = UINT32_MAX, .op = 200, .wait_state = 9 } };
	const struct cn_task *task;

	look_task(&look, row);
	look_awaits(&look, 20, awaits, 1);
	look_site(&look, (struct site_row){ .id = UINT32_MAX, .kind = 3 });
	look_string(&look, UINT32_MAX, "far away");
	look_end(&look);
	task = cn_model_task(model, 20);
	assert_string_equal(cn_task_name(model, task), "?");
	assert_int_equal(task->state, ROUSE_TASK_PENDING);
	assert_string_equal(cn_op_name(task->awaits[0].op), "a waker of its own");
	assert_int_equal(cn_task_await_site(model, task), 0);
	assert_false(cn_model_complete(model)); /* two things had no room */
}

static void names_come_from_the_task_else_its_root_else_its_spawn_site(void **state)
{
	struct cn_model *model = *state;
	struct await_row awaits[] = { { .type = 1 } };
	struct task_row row = worked;
	struct look look = look_at(model, 1 * S);

	look_string(&look, 1, "own");
	look_string(&look, 2, "root");
	look_string(&look, 3, "spawner");
	look_site(&look, (struct site_row){ .id = 1, .kind = ROUSE_SITE_FUNCTION, .name = 2 });
	look_site(&look, (struct site_row){ .id = 2, .kind = ROUSE_SITE_SPAWN, .name = 3 });
	row.spawn_site = 2;
	look_task(&look, row);
	row.id = 21;
	look_task(&look, row);
	look_awaits(&look, 21, awaits, 1);
	row.id = 22;
	row.name = 1;
	look_task(&look, row);
	look_awaits(&look, 22, awaits, 1);
	look_end(&look);
	assert_string_equal(cn_task_name(model, cn_model_task(model, 20)), "spawner");
	assert_string_equal(cn_task_name(model, cn_model_task(model, 21)), "root");
	assert_string_equal(cn_task_name(model, cn_model_task(model, 22)), "own");
}

static void times_include_what_is_in_progress(void **state)
{
	struct cn_model *model = *state;
	struct task_row row = { .id = 20,
		.state = ROUSE_TASK_RUNNING,
		.polls = 2,
		.spawned_ns = 1 * S,
		.edge_ns = 4 * S,
		.busy_ns = 1 * S,
		.scheduled_ns = 500 * MS };
	const struct cn_task *task;
	struct look look = look_at(model, 6 * S);

	look_task(&look, row);
	row.id = 21;
	row.state = ROUSE_TASK_SCHEDULED;
	row.enqueue_ns = 5 * S;
	look_task(&look, row);
	look_end(&look);
	task = cn_model_task(model, 20);
	assert_int_equal(cn_task_age_ns(model, task), 5 * S);
	assert_int_equal(cn_task_busy_ns(model, task), 3 * S);
	assert_int_equal(cn_task_idle_ns(model, task), 1 * S + 500 * MS);
	assert_int_equal(cn_task_in_state_ns(model, task), 2 * S);
	task = cn_model_task(model, 21);
	assert_int_equal(cn_task_scheduled_ns(model, task), 1 * S + 500 * MS);
	assert_int_equal(cn_task_in_state_ns(model, task), 1 * S);
}

static void counters_of_workers_make_totals_and_samples(void **state)
{
	struct cn_model *model = *state;
	const struct cn_runtime *runtime;
	uint32_t samples[4];
	struct look look = look_at(model, 1 * S);

	look.counters.polls = 1000;
	look.counters.busy_ticks = 100 * MS;
	look_end(&look);
	look = look_at(model, 3 * S);
	look.counters.polls = 1500;
	look.counters.busy_ticks = 1100 * MS;
	look_end(&look);
	runtime = cn_model_runtime(model, 0);
	assert_int_equal(runtime->total.polls, 1500);
	assert_int_equal(runtime->previous.polls, 1000);
	assert_int_equal(cn_history_copy(&runtime->workers[0].series.busy, samples, 4), 1);
	assert_int_equal(samples[0], 500);
	assert_int_equal(cn_history_copy(&runtime->series.polls, samples, 4), 1);
	assert_int_equal(samples[0], 250);
}

static void growth_is_told_over_looks_and_forgives_small_steps_back(void **state)
{
	static const uint64_t values[] = { 10, 20, 20, 19, 40, 25 };
	static const uint32_t grown[] = { 0, 1, 1, 1, 2, 0 };
	struct cn_model *model = *state;

	for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
		struct look look = look_at(model, (i + 1) * S);

		look_resource(&look,
			(struct resource_row){ .serial = 30, .kind = ROUSE_RESOURCE_UNBOUNDED, .value = values[i] });
		look_end(&look);
		assert_int_equal(cn_model_resource(model, 30)->grow_looks, grown[i]);
	}
	assert_int_equal(cn_model_resource(model, 30)->prev_value, 40);
}

static void another_protocol_is_refused(void **state)
{
	Rouse__V1__Hello hello = ROUSE__V1__HELLO__INIT;
	Rouse__V1__Frame frame = ROUSE__V1__FRAME__INIT;

	hello.protocol = 99;
	frame.body_case = ROUSE__V1__FRAME__BODY_HELLO;
	frame.hello = &hello;
	assert_int_equal(cn_model_apply(*state, &frame), -EPROTO);
	assert_int_equal(look_hello(*state, "memory"), CN_APPLIED);
	assert_int_equal(cn_model_target(*state)->pid, 4711);
}

#define MODEL_TEST(name) cmocka_unit_test_setup_teardown(name, make, unmake)
static size_t kept(const struct cn_model *model)
{
	size_t n = 0;

	for (size_t i = 0; i < CN_ENDED_MAX; i++)
		n += cn_model_ended_at(model, i) != NULL;
	return n;
}

static const struct cn_task *kept_task(const struct cn_model *model, uint64_t id)
{
	for (size_t i = 0; i < CN_ENDED_MAX; i++)
		if (cn_model_ended_at(model, i) && cn_model_ended_at(model, i)->id == id)
			return cn_model_ended_at(model, i);
	return NULL;
}

/* Its counts and its name are those of the last look, though that name is no more; nothing else has it. */
static void a_task_that_ended_stays_for_a_while_under_its_name(void **state)
{
	struct cn_model *model = *state;
	struct task_row row = worked;
	struct look look = look_at(model, 10 * S);
	const struct cn_task *task;

	cn_model_keep_ended(model, 6 * S);
	row.name = 1;
	row.spawned_ns = 4 * S;
	look_string(&look, 1, "brief");
	look_task(&look, row);
	row.id = 21;
	row.state = ROUSE_TASK_PANICKED;
	look_task(&look, row);
	look_end(&look);
	look = look_at(model, 11 * S); /* a keyframe that has neither them nor their name */
	look_end(&look);
	assert_int_equal(cn_model_tasks(model), 0);
	assert_null(cn_model_task(model, 20));
	task = kept_task(model, 20);
	assert_non_null(task);
	assert_string_equal(cn_task_name(model, task), "brief");
	assert_string_equal(cn_task_state_text(task), "ended");
	assert_int_equal(task->polls, row.polls);
	assert_string_equal(cn_task_state_text(kept_task(model, 21)), "ended, panicked");
	look = look_with(model, 16 * S, (struct look_opts){ .changes_only = true });
	look_end(&look);
	task = kept_task(model, 20);
	assert_int_equal(cn_task_age_ns(model, task), 7 * S); /* it grows no older */
	assert_int_equal(cn_task_in_state_ns(model, task), 5 * S);
	look = look_with(model, 17 * S, (struct look_opts){ .changes_only = true });
	look_end(&look);
	assert_int_equal(kept(model), 0);
}

static void of_tasks_that_ended_the_last_ones_are_kept(void **state)
{
	struct cn_model *model = *state;
	struct task_row row = worked;
	struct look look = look_at(model, 1 * S);

	cn_model_keep_ended(model, 6 * S);
	for (row.id = 100; row.id < 100 + CN_ENDED_MAX + 5; row.id++)
		look_task(&look, row);
	look_end(&look);
	look = look_with(model, 2 * S, (struct look_opts){ .changes_only = true });
	for (uint64_t id = 100; id < 100 + CN_ENDED_MAX + 5; id++)
		look_removed(&look, id, 0);
	look_end(&look);
	assert_int_equal(kept(model), CN_ENDED_MAX);
	assert_null(kept_task(model, 104));
	assert_non_null(kept_task(model, 105));
	cn_model_keep_ended(model, 0);
	assert_int_equal(kept(model), 0);
}

static void an_event_tells_how_a_task_ended(void **state)
{
	struct cn_model *model = *state;
	struct task_row row = worked;
	struct look look = look_at(model, 1 * S);

	cn_model_keep_ended(model, 6 * S);
	look_task(&look, row);
	row.id = 21;
	look_task(&look, row);
	look_end(&look);
	look = look_with(model, 2 * S, (struct look_opts){ .changes_only = true });
	cn_ended_tell(model, 20, ROUSE_TASK_CANCELLED); /* before it goes, */
	cn_ended_tell(model, 99, ROUSE_TASK_COMPLETE);
	look_removed(&look, 20, 0);
	look_removed(&look, 21, 0);
	cn_ended_tell(model, 21, ROUSE_TASK_COMPLETE); /* and behind */
	cn_ended_tell(model, 21, ROUSE_TASK_PENDING);
	look_end(&look);
	assert_string_equal(cn_task_state_text(kept_task(model, 20)), "ended, cancelled");
	assert_string_equal(cn_task_state_text(kept_task(model, 21)), "ended, complete");
}

static struct await_row any_wait(uint64_t *random, uint64_t serial)
{
	return (struct await_row){ .type = 1,
		.op = test_random(random) % 4 ? ROUSE_OP_LOCK : ROUSE_OP_JOIN,
		.wait_state = test_random(random) % 3 ? ROUSE_WAIT_WAITING : ROUSE_WAIT_GRANTED,
		.resource = serial - 8 + test_random(random) % 12 };
}

static void counts_are_those_of_a_recount(const struct cn_model *model, uint32_t runtime)
{
	uint32_t by_state[ROUSE_TASK_STATE_MAX] = { 0 };

	for (size_t i = 0; i < cn_model_task_slots(model); i++) {
		const struct cn_task *task = cn_model_task_at(model, i);

		if (task && task->runtime == runtime)
			by_state[task->state]++;
	}
	assert_memory_equal(cn_model_runtime(model, runtime)->by_state, by_state, sizeof by_state);
	for (size_t r = 0; r < cn_model_resource_slots(model); r++) {
		const struct cn_resource *resource = cn_model_resource_at(model, r);
		uint32_t waiters = 0;

		for (size_t i = 0; resource && i < cn_model_task_slots(model); i++) {
			const struct cn_task *task = cn_model_task_at(model, i);

			for (uint16_t k = 0; task && k < task->n_awaits; k++)
				waiters += task->awaits[k].wait_state == ROUSE_WAIT_WAITING &&
					   task->awaits[k].op != ROUSE_OP_JOIN &&
					   task->awaits[k].resource == resource->serial;
		}
		if (resource)
			assert_int_equal(resource->waiters, waiters);
	}
}

/* Whatever comes, goes and is cut off, of whichever runtime; a resource may be known before its waiters or after. */
static void states_and_waiters_are_counted_as_rows_come_and_go(void **state)
{
	struct cn_model *model = *state;
	uint64_t random = test_seed(), next = 200, serial = 100;

	for (uint64_t now = 1; now <= 400; now++) {
		const struct look_opts opts = { .runtime = (uint32_t)(now % 2),
			.changes_only = test_random(&random) % 10 != 0 };
		struct look look = look_with(model, now * S, opts);

		for (int row = 0; row < 8; row++) {
			const uint64_t id = next - test_random(&random) % 30 * 2;
			const struct task_row task = { .id = id + now % 2,
				.state = (uint32_t)(test_random(&random) % ROUSE_TASK_STATE_MAX) };
			struct await_row awaits[] = { { .type = 1 }, any_wait(&random, serial), any_wait(&random, serial) };

			if (test_random(&random) % 16 == 0)
				look_removed(&look, task.id, 0);
			else
				look_task(&look, task);
			if (test_random(&random) % 3)
				look_awaits(&look, task.id, awaits, 1 + test_random(&random) % 3);
		}
		if (test_random(&random) % 4 == 0)
			look_resource(&look, (struct resource_row){ .serial = serial++, .kind = ROUSE_RESOURCE_MUTEX });
		if (test_random(&random) % 16 == 0)
			look_removed(&look, 0, serial - 1 - test_random(&random) % 8);
		next += test_random(&random) % 3 * 2;
		if (test_random(&random) % 8 == 0)
			continue; /* cut off */
		look_end(&look);
		counts_are_those_of_a_recount(model, opts.runtime);
	}
}

TEST_MAIN(MODEL_TEST(a_row_that_comes_again_has_rates), MODEL_TEST(a_row_that_does_not_come_stood_still),
	MODEL_TEST(an_equal_row_that_comes_again_stood_still_too),
	MODEL_TEST(an_old_task_seen_for_the_first_time_has_no_rate), MODEL_TEST(a_keyframe_forgets_what_is_not_in_it),
	MODEL_TEST(only_its_own_runtime_removes_a_task), MODEL_TEST(awaits_follow_their_row),
	MODEL_TEST(another_wait_is_a_change_though_the_stamp_is_equal),
	MODEL_TEST(stamps_that_a_corrected_clock_moved_are_the_same_moments),
	MODEL_TEST(awaits_without_a_task_are_dropped),
	MODEL_TEST(rows_outside_a_generation_change_nothing), MODEL_TEST(a_cut_generation_is_not_complete),
	MODEL_TEST(indices_out_of_range_are_unknown_not_fatal),
	MODEL_TEST(names_come_from_the_task_else_its_root_else_its_spawn_site),
	MODEL_TEST(times_include_what_is_in_progress), MODEL_TEST(counters_of_workers_make_totals_and_samples),
	MODEL_TEST(growth_is_told_over_looks_and_forgives_small_steps_back), MODEL_TEST(another_protocol_is_refused),
	MODEL_TEST(states_and_waiters_are_counted_as_rows_come_and_go),
	MODEL_TEST(a_task_that_ended_stays_for_a_while_under_its_name),
	MODEL_TEST(of_tasks_that_ended_the_last_ones_are_kept), MODEL_TEST(an_event_tells_how_a_task_ended));
