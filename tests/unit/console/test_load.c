/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "looks.h"

#include <string.h>

struct scene {
	struct cn_model *model;
	struct cn_findings *findings;
};

static int make(void **state)
{
	static struct scene scene;

	scene = (struct scene){ cn_model_new(), cn_findings_new() };
	*state = &scene;
	return scene.model && scene.findings ? 0 : -1;
}

static int unmake(void **state)
{
	struct scene *scene = *state;

	cn_findings_free(scene->findings);
	cn_model_free(scene->model);
	return 0;
}

static void end(struct scene *scene, struct look *look)
{
	look_end(look);
	assert_int_equal(cn_diagnose(scene->model, NULL, scene->findings), 0);
}

/* ----------------------------------------------------------------- blocking */

static struct task_row running(uint64_t since)
{
	return (struct task_row){ .id = 20,
		.state = ROUSE_TASK_RUNNING,
		.polls = 7,
		.worker = 3,
		.spawned_ns = 1,
		.edge_ns = since,
		.spawn_site = 1 };
}

static void a_poll_of_more_than_a_second_blocks_its_worker(void **state)
{
	struct scene *scene = *state;
	struct look look = look_at(scene->model, 3 * S);
	const struct cn_finding *f;

	look.current_task = 20;
	look_task(&look, running(1 * S));
	end(scene, &look);
	f = finding_of(scene->findings, CN_FINDING_BLOCKED_WORKER);
	assert_non_null(f);
	assert_int_equal(f->class, CN_LIKELY);
	assert_int_equal(f->worker, 3);
	assert_int_equal(f->since_ns, 1 * S);
}

/* A busy machine may keep any thread off its CPU for so long, once. */
static void a_single_poll_of_200_ms_is_not_held_against_anybody(void **state)
{
	struct scene *scene = *state;
	struct look look = look_at(scene->model, 3 * S);
	uint32_t buckets[ROUSE_HISTOGRAM_BUCKETS] = { [10] = 5, [27] = 1 };

	look_task(&look, running(3 * S - 200 * MS));
	look_histogram(&look, 1, buckets);
	end(scene, &look);
	assert_int_equal(cn_findings_count(scene->findings), 0);
}

static void the_same_with_more_like_it_before_is(void **state)
{
	struct scene *scene = *state;
	struct look look = look_at(scene->model, 3 * S);
	uint32_t buckets[ROUSE_HISTOGRAM_BUCKETS] = { [10] = 5, [27] = 2 };

	look.current_task = 20;
	look_task(&look, running(3 * S - 200 * MS));
	look_histogram(&look, 1, buckets);
	end(scene, &look);
	assert_non_null(finding_of(scene->findings, CN_FINDING_BLOCKED_WORKER));
	assert_null(finding_of(scene->findings, CN_FINDING_LONG_POLLS)); /* one thing, said once */
}

static void a_stopped_process_blocks_nobody(void **state)
{
	struct scene *scene = *state;
	struct look look = look_with(scene->model, 100 * S, (struct look_opts){ .stopped = true });

	look_task(&look, running(1 * S));
	end(scene, &look);
	assert_int_equal(cn_findings_count(scene->findings), 0);
}

/* At level 0 there are no stamps: the same poll in two looks tells how long it lasts at least. */
static void without_stamps_two_looks_tell(void **state)
{
	struct scene *scene = *state;

	for (uint64_t now = 1; now < 4; now++) {
		struct look look = look_with(scene->model, now * S, (struct look_opts){ .level = 1 });

		look_task(&look, running(0));
		end(scene, &look);
		assert_int_equal(cn_findings_count(scene->findings), now > 1);
	}
}

static void long_polls_in_the_past_are_found_at_once_and_named(void **state)
{
	struct scene *scene = *state;
	struct look look = look_at(scene->model, 30 * S);
	uint32_t buckets[ROUSE_HISTOGRAM_BUCKETS] = { [12] = 9, [27] = 2 };
	struct await_row awaits[] = { { .at = 2 },
		{ .parent = 0, .op = ROUSE_OP_SLEEP, .wait_state = ROUSE_WAIT_WAITING, .waker_task = 21 } };
	const struct cn_finding *f;

	look_site(&look, (struct site_row){ .id = 1, .kind = ROUSE_SITE_SPAWN, .line = 9 });
	look_site(&look, (struct site_row){ .id = 2, .kind = ROUSE_SITE_AWAIT, .line = 77 });
	look_task(&look, (struct task_row){ .id = 20,
				 .state = ROUSE_TASK_PENDING,
				 .spawn_site = 1,
				 .polls = 100,
				 .busy_ns = 1 * MS,
				 .waker_refs = 1,
				 .edge_ns = 29 * S });
	look_task(&look, (struct task_row){ .id = 21,
				 .state = ROUSE_TASK_PENDING,
				 .spawn_site = 1,
				 .polls = 3,
				 .busy_ns = 400 * MS,
				 .waker_refs = 1,
				 .edge_ns = 29 * S });
	look_awaits(&look, 21, awaits, 2);
	look_histogram(&look, 1, buckets);
	end(scene, &look);
	f = finding_of(scene->findings, CN_FINDING_LONG_POLLS);
	assert_non_null(f);
	assert_int_equal(f->tasks[0], 21);
	assert_int_equal(f->line, 77);
	assert_non_null(strstr(f->evidence, "2 of 11 polls"));
}

static void a_few_long_polls_in_very_many_are_the_machine(void **state)
{
	struct scene *scene = *state;
	struct look look = look_at(scene->model, 30 * S);
	uint32_t buckets[ROUSE_HISTOGRAM_BUCKETS] = { [12] = 1000000, [27] = 3 },
		 main_task[ROUSE_HISTOGRAM_BUCKETS] = { [28] = 3 };

	look_task(&look, (struct task_row){ .id = 20, .state = ROUSE_TASK_PENDING, .spawn_site = 1, .waker_refs = 1 });
	look_histogram(&look, 1, buckets);
	/* And main may take its time to begin. */
	look_task(&look, (struct task_row){ .id = 21,
				 .state = ROUSE_TASK_PENDING,
				 .spawn_site = 2,
				 .waker_refs = 1,
				 .kind = ROUSE_KIND_MAIN });
	look_histogram(&look, 2, main_task);
	end(scene, &look);
	assert_int_equal(cn_findings_count(scene->findings), 0);
}

/* ------------------------------------------------------------------- storms */

struct rates {
	uint32_t wakes, self_wakes;
	uint64_t busy_ns;
	uint64_t forced_yields;
};

static const struct cn_finding *storm(struct scene *scene, struct rates per_look, uint32_t looks)
{
	struct task_row row = { .id = 20, .state = ROUSE_TASK_PENDING, .waker_refs = 1, .spawned_ns = 1, .polls = 1 };
	uint64_t forced = 0;

	for (uint64_t i = 1; i <= looks; i++) {
		struct look look = look_at(scene->model, i * S);

		look_task(&look, row);
		look.counters.forced_yields = forced;
		end(scene, &look);
		row.polls += per_look.wakes;
		row.stamp += 3 * per_look.wakes;
		row.wakes += per_look.wakes;
		row.self_wakes += per_look.self_wakes;
		row.busy_ns += per_look.busy_ns;
		forced += per_look.forced_yields;
	}
	return finding_of(scene->findings, CN_FINDING_WAKE_STORM);
}

static void a_task_that_wakes_itself_all_the_time_is_a_storm(void **state)
{
	const struct cn_finding *f =
		storm(*state, (struct rates){ .wakes = 50000, .self_wakes = 49990, .busy_ns = 5 * MS }, 2);

	assert_non_null(f);
	assert_int_equal(f->class, CN_SUSPECT);
	unmake(state);
	make(state);
	f = storm(*state, (struct rates){ .wakes = 50000, .self_wakes = 49990, .busy_ns = 5 * MS }, 3);
	assert_int_equal(f->class, CN_LIKELY);
}

/* It yields for a while, and ends: so does a benchmark of that. */
static void a_task_that_has_only_just_begun_is_no_storm(void **state)
{
	struct scene *scene = *state;
	struct task_row row = {
		.id = 20, .state = ROUSE_TASK_PENDING, .waker_refs = 1, .spawned_ns = 1 * S + 1, .polls = 1
	};

	for (uint64_t now = 1; now <= 2; now++) {
		struct look look = look_at(scene->model, now * S);

		if (now == 2) {
			row.polls = row.wakes = row.self_wakes = 50000;
			look_task(&look, row);
		}
		end(scene, &look);
	}
	assert_null(finding_of(scene->findings, CN_FINDING_WAKE_STORM));
}

static void busy_programs_are_no_storm(void **state)
{
	static const struct rates healthy[] = {
		{ .wakes = 50000, .self_wakes = 100, .busy_ns = 5 * MS },   /* others wake it */
		{ .wakes = 300, .self_wakes = 300, .busy_ns = 1 * MS },     /* not often */
		{ .wakes = 2000, .self_wakes = 2000, .busy_ns = 900 * MS }, /* it computes, and yields */
		{ .wakes = 50000,
			.self_wakes = 40000,
			.busy_ns = 500 * MS,
			.forced_yields = 39000 }, /* the budget made it */
	};

	for (size_t i = 0; i < sizeof healthy / sizeof healthy[0]; i++) {
		assert_null(storm(*state, healthy[i], 4));
		unmake(state);
		make(state);
	}
}

/* ------------------------------------------------------------------ growing */

static const struct cn_finding *grow(struct scene *scene, const uint64_t *values, size_t n, uint64_t created)
{
	for (size_t i = 0; i < n; i++) {
		struct look look = look_at(scene->model, (i + 100) * S);

		look_site(&look, (struct site_row){ .id = 4, .kind = ROUSE_SITE_RESOURCE, .line = 33 });
		look_resource(&look, (struct resource_row){ .serial = 40,
					     .kind = ROUSE_RESOURCE_UNBOUNDED,
					     .site = 4,
					     .created_ns = created,
					     .value = values[i],
					     .last_user_a = 20 });
		look_task(&look,
			(struct task_row){ .id = 20, .state = ROUSE_TASK_RUNNING, .polls = (uint32_t)i, .edge_ns = 0 });
		end(scene, &look);
	}
	return finding_of(scene->findings, CN_FINDING_GROWING_CHANNEL);
}

static void a_queue_that_only_grows_is_found(void **state)
{
	static const uint64_t values[] = { 1000, 1010, 1020 };
	const struct cn_finding *f = grow(*state, values, 3, 1 * S);

	assert_non_null(f);
	assert_int_equal(f->class, CN_SUSPECT);
	assert_int_equal(f->resource, 40);
	assert_int_equal(f->tasks[0], 20);
	assert_int_equal(f->line, 33); /* where it was made */
	assert_ptr_equal(cn_findings_of_resource(((struct scene *)*state)->findings, 40), f);
}

static void bursts_and_small_queues_are_not(void **state)
{
	static const uint64_t burst[] = { 0, 5000, 10000 }, small[] = { 1, 2, 3, 4, 5 },
			      drained[] = { 1000, 900, 1000, 700 };

	assert_null(grow(*state, burst, 3, 1 * S)); /* at that speed it would be at 500,000: it was empty a while ago */
	unmake(state);
	make(state);
	assert_null(grow(*state, small, 5, 1 * S));
	unmake(state);
	make(state);
	assert_null(grow(*state, drained, 4, 1 * S));
}

/* ------------------------------------------------------------- pending long */

static struct await_row waiting(uint32_t op)
{
	return (struct await_row){
		.op = op, .wait_state = ROUSE_WAIT_WAITING, .resource = 50, .since_ns = 1 * S, .waker_task = 20
	};
}

static size_t pending(struct scene *scene, struct await_row row, uint32_t kind, uint64_t now)
{
	for (int i = 0; i < 2; i++) {
		struct look look = look_at(scene->model, now + (uint64_t)i * S);

		look_task(&look, (struct task_row){ .id = 20,
					 .state = ROUSE_TASK_PENDING,
					 .kind = kind,
					 .polls = 1,
					 .waker_refs = 1,
					 .edge_ns = 1 * S,
					 .valid = 1 });
		look_awaits(&look, 20, &row, 1);
		look_resource(&look, (struct resource_row){ .serial = 50,
					     .kind = ROUSE_RESOURCE_MUTEX,
					     .flags = ROUSE_RESOURCE_OWNED,
					     .owner = 1ull << 63 | 77,
					     .side_a = 1 });
		end(scene, &look);
	}
	return cn_findings_count(scene->findings);
}

static void a_lock_that_does_not_come_for_a_minute_is_suspect(void **state)
{
	struct scene *scene = *state;

	assert_int_equal(pending(scene, waiting(ROUSE_OP_LOCK), ROUSE_KIND_TASK, 50 * S), 0);
	assert_int_equal(pending(scene, waiting(ROUSE_OP_LOCK), ROUSE_KIND_TASK, 70 * S), 1);
	assert_int_equal(finding_of(scene->findings, CN_FINDING_PENDING_LONG)->class, CN_SUSPECT);
}

static void servers_may_wait_all_day(void **state)
{
	static const uint32_t patient[] = { ROUSE_OP_SLEEP, ROUSE_OP_JOIN, ROUSE_OP_NOTIFIED, ROUSE_OP_RECV,
		ROUSE_OP_READ, ROUSE_OP_WRITE, ROUSE_OP_ACCEPT, ROUSE_OP_CONNECT, ROUSE_OP_CUSTOM };

	for (size_t i = 0; i < sizeof patient / sizeof patient[0]; i++)
		assert_int_equal(pending(*state, waiting(patient[i]), ROUSE_KIND_TASK, 100000 * S), 0);
	assert_int_equal(pending(*state, waiting(ROUSE_OP_LOCK), ROUSE_KIND_DAEMON, 100000 * S), 0);
	assert_int_equal(pending(*state, waiting(ROUSE_OP_LOCK), ROUSE_KIND_MAIN, 100000 * S), 0);
}

/* --------------------------------------------------------------- dead owner */

static const struct cn_finding *held_by(struct scene *scene, uint64_t owner, uint64_t value, bool waiter)
{
	for (int i = 0; i < 2; i++) {
		struct look look = look_at(scene->model, (uint64_t)(i + 1) * S);
		struct await_row await = waiting(ROUSE_OP_LOCK);

		look_task(
			&look, (struct task_row){ .id = 21, .state = ROUSE_TASK_PENDING, .polls = 1, .waker_refs = 1 });
		look_task(&look, (struct task_row){ .id = 22, .state = ROUSE_TASK_PANICKED, .polls = 1 });
		if (waiter) {
			look_task(&look, (struct task_row){
						 .id = 20, .state = ROUSE_TASK_PENDING, .polls = 1, .waker_refs = 1 });
			look_awaits(&look, 20, &await, 1);
		}
		look_resource(&look, (struct resource_row){ .serial = 50,
					     .kind = ROUSE_RESOURCE_MUTEX,
					     .flags = ROUSE_RESOURCE_OWNED,
					     .owner = owner,
					     .value = value });
		end(scene, &look);
	}
	return finding_of(scene->findings, CN_FINDING_DEAD_OWNER);
}

static void a_lock_of_a_task_that_ended_is_found(void **state)
{
	assert_int_equal(held_by(*state, 99, 0, true)->class, CN_PROVEN); /* freed already */
	unmake(state);
	make(state);
	assert_int_equal(held_by(*state, 22, 0, true)->class, CN_PROVEN); /* a handle still holds it */
	unmake(state);
	make(state);
	assert_int_equal(held_by(*state, 99, 0, false)->class, CN_LIKELY); /* nobody asks for it yet */
}

static void a_lock_of_a_live_task_or_a_thread_or_nobody_is_fine(void **state)
{
	assert_null(held_by(*state, 21, 0, true));
	assert_null(held_by(*state, 1ull << 63 | 1234, 0, true));
	assert_null(held_by(*state, 99, 1, true));
}

#define T(name) cmocka_unit_test_setup_teardown(name, make, unmake)
TEST_MAIN(T(a_poll_of_more_than_a_second_blocks_its_worker), T(a_single_poll_of_200_ms_is_not_held_against_anybody),
	T(the_same_with_more_like_it_before_is), T(a_stopped_process_blocks_nobody), T(without_stamps_two_looks_tell),
	T(long_polls_in_the_past_are_found_at_once_and_named), T(a_few_long_polls_in_very_many_are_the_machine),
	T(a_task_that_wakes_itself_all_the_time_is_a_storm), T(a_task_that_has_only_just_begun_is_no_storm),
	T(busy_programs_are_no_storm),
	T(a_queue_that_only_grows_is_found), T(bursts_and_small_queues_are_not),
	T(a_lock_that_does_not_come_for_a_minute_is_suspect), T(servers_may_wait_all_day),
	T(a_lock_of_a_task_that_ended_is_found), T(a_lock_of_a_live_task_or_a_thread_or_nobody_is_fine));
