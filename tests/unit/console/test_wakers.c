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

/*
 * Pending after one poll, spawned with a handle that still lives. Stamp: 1
 * start + 2 of the poll.
 */
static const struct task_row stuck = { .id = 20,
	.state = ROUSE_TASK_PENDING,
	.flags = ROUSE_JOIN_INTEREST,
	.stamp = 3,
	.polls = 1,
	.handle_refs = 1,
	.spawned_ns = 1,
	.edge_ns = 10 * MS,
	.valid = 1 };

static void look_twice_with(struct scene *scene, struct task_row row, struct await_row *awaits, size_t n,
	struct look_opts opts, uint64_t in_transit, bool incomplete, uint64_t from)
{
	for (uint64_t i = 0; i < 2; i++) {
		struct look look = look_with(scene->model, from + i * 300 * MS, opts);

		look_site(&look, (struct site_row){ .id = 1, .kind = ROUSE_SITE_FUNCTION, .line = 40 });
		look_site(&look,
			(struct site_row){ .id = 2, .kind = ROUSE_SITE_AWAIT, .name = 1, .file = 2, .line = 47 });
		look_site(&look, (struct site_row){ .id = 3,
					 .kind = ROUSE_SITE_LEAF,
					 .name = 3,
					 .file = 2,
					 .line = 12,
					 .op = ROUSE_OP_CUSTOM });
		look_string(&look, 1, "forget");
		look_string(&look, 2, "forget.c");
		look_string(&look, 3, "leaf");
		look_task(&look, row);
		look_awaits(&look, row.id, awaits, n);
		look.in_transit = in_transit;
		look.counters.polls = from + i; /* its worker goes on */
		look.incomplete = incomplete;
		look_end(&look);
		assert_int_equal(cn_diagnose(scene->model, NULL, scene->findings), 0);
	}
}

static void look_twice(struct scene *scene, struct task_row row)
{
	struct await_row awaits[] = { { .type = 1, .at = 2 }, { .parent = 0, .type = 3 } };

	look_twice_with(scene, row, awaits, 2, (struct look_opts){ 0 }, 0, false, 1 * S);
}

static void no_waker_and_no_trace_of_one_is_never_registered(void **state)
{
	struct scene *scene = *state;
	const struct cn_finding *f;

	look_twice(scene, stuck);
	f = finding_of(scene->findings, CN_FINDING_NEVER_REGISTERED);
	assert_non_null(f);
	assert_int_equal(f->class, CN_PROVEN);
	assert_int_equal(f->tasks[0], 20);
	assert_int_equal(f->line, 47);
	assert_string_equal(f->file, "forget.c");
	assert_string_equal(f->function, "forget");
	assert_string_equal(f->leaf, "leaf");
	assert_int_equal(f->leaf_line, 12);
	assert_int_equal(cn_findings_count(scene->findings), 1);
	assert_ptr_equal(cn_findings_of_task(scene->findings, 20), f);
	assert_null(cn_findings_of_task(scene->findings, 21));
}

static void two_transitions_too_many_are_a_dropped_waker(void **state)
{
	struct scene *scene = *state;
	struct task_row row = stuck;

	row.stamp += 2;
	look_twice(scene, row);
	assert_int_equal(finding_of(scene->findings, CN_FINDING_DROPPED_WAKER)->class, CN_PROVEN);
	assert_null(finding_of(scene->findings, CN_FINDING_NEVER_REGISTERED));
}

/* A sleep before: its clone and its wake, and the poll they led to, are accounted for; so is a handle that was let go.
 */
static void an_earlier_honest_wait_explains_its_transitions(void **state)
{
	struct scene *scene = *state;
	struct task_row row = stuck;

	row.polls = 2;
	row.wakes = 1;
	row.handle_refs = 0;
	row.stamp = 1 + 2 * 2 + 2 + 1;
	look_twice(scene, row);
	assert_non_null(finding_of(scene->findings, CN_FINDING_NEVER_REGISTERED));
}

static void a_yield_makes_no_clone(void **state)
{
	struct scene *scene = *state;
	struct task_row row = stuck;

	row.polls = 2;
	row.wakes = row.self_wakes = 1;
	row.stamp = 1 + 2 * 2 + 1;
	look_twice(scene, row);
	assert_non_null(finding_of(scene->findings, CN_FINDING_NEVER_REGISTERED));
	row.id = 21;
	row.stamp += 2;
	look_twice(scene, row);
	assert_non_null(finding_of(scene->findings, CN_FINDING_DROPPED_WAKER));
}

static void the_stamp_may_have_wrapped(void **state)
{
	struct scene *scene = *state;
	struct task_row row = stuck;

	row.polls = 0x800000;
	row.wakes = row.self_wakes = row.polls - 1;
	row.stamp = (1 + 2ull * row.polls + row.wakes) & 0xffffff;
	look_twice(scene, row);
	assert_non_null(finding_of(scene->findings, CN_FINDING_NEVER_REGISTERED));
	row.id++;
	row.stamp += 2;
	look_twice(scene, row);
	assert_non_null(finding_of(scene->findings, CN_FINDING_DROPPED_WAKER));
}

static void healthy_waiters_are_left_alone(void **state)
{
	struct await_row awaits[] = { { .type = 1, .at = 2 },
		{ .parent = 0, .type = 3, .op = ROUSE_OP_READ, .wait_state = ROUSE_WAIT_WAITING, .waker_task = 20 } };
	struct scene *scene = *state;
	struct task_row row = stuck;

	row.waker_refs = 1; /* registered with a resource */
	row.stamp++;
	look_twice_with(scene, row, awaits, 2, (struct look_opts){ 0 }, 0, false, 1000 * S);
	row.id = 21; /* with somebody we do not know */
	look_twice_with(scene, row, awaits, 1, (struct look_opts){ 0 }, 0, false, 2000 * S);
	row.id = 22; /* polled by an executor of its own within the task */
	awaits[1].waker_task = CN_FOREIGN_WAKER;
	look_twice_with(scene, row, awaits, 2, (struct look_opts){ 0 }, 0, false, 3000 * S);
	row = stuck; /* not polled yet, running, scheduled, being cancelled, ended */
	row.id = 23;
	row.edge_ns = 1 * S;
	row.state = ROUSE_TASK_RUNNING;
	look_twice(scene, row);
	row.state = ROUSE_TASK_SCHEDULED;
	look_twice(scene, row);
	row.state = ROUSE_TASK_COMPLETE;
	look_twice(scene, row);
	row.state = ROUSE_TASK_PENDING;
	row.flags |= ROUSE_CANCELLED;
	look_twice(scene, row);
	row.flags = 0;
	row.polls = 0;
	look_twice(scene, row);
	assert_int_equal(cn_findings_count(scene->findings), 0);
}

static void one_look_is_not_enough(void **state)
{
	struct scene *scene = *state;
	struct look look = look_at(scene->model, 1 * S);

	look_task(&look, stuck);
	look_end(&look);
	assert_int_equal(cn_diagnose(scene->model, NULL, scene->findings), 0);
	assert_int_equal(cn_findings_count(scene->findings), 0);
}

static void a_task_that_moved_between_two_looks_is_not_found(void **state)
{
	struct scene *scene = *state;
	struct task_row row = stuck;

	for (uint64_t now = 1; now < 4; now++) {
		struct look look = look_at(scene->model, now * S);

		look_task(&look, row);
		look_end(&look);
		assert_int_equal(cn_diagnose(scene->model, NULL, scene->findings), 0);
		row.stamp += 4;
		row.polls++;
	}
	assert_int_equal(cn_findings_count(scene->findings), 0);
}

static enum cn_class class_of_never(struct scene *scene)
{
	const struct cn_finding *f = finding_of(scene->findings, CN_FINDING_NEVER_REGISTERED);

	assert_non_null(f);
	return (enum cn_class)f->class;
}

static void torn_rows_disable_proven(void **state)
{
	struct task_row row = stuck;

	row.valid = 0;
	look_twice(*state, row);
	assert_int_equal(class_of_never(*state), CN_INCOMPLETE);
}

static void an_incomplete_look_disables_proven(void **state)
{
	struct await_row awaits[] = { { .type = 1, .at = 2 } };

	look_twice_with(*state, stuck, awaits, 1, (struct look_opts){ 0 }, 0, true, 1 * S);
	assert_int_equal(class_of_never(*state), CN_INCOMPLETE);
}

static void a_hand_off_that_may_carry_the_task_disables_proven(void **state)
{
	struct await_row awaits[] = { { .type = 1, .at = 2 } };
	struct scene *scene = *state;

	look_twice_with(scene, stuck, awaits, 1, (struct look_opts){ 0 }, 20, false, 1 * S);
	assert_int_equal(class_of_never(scene), CN_INCOMPLETE);
	unmake(state);
	make(state);
	look_twice_with(*state, stuck, awaits, 1, (struct look_opts){ 0 }, UINT64_MAX, false, 1 * S);
	assert_int_equal(class_of_never(*state), CN_INCOMPLETE);
	unmake(state);
	make(state);
	look_twice_with(*state, stuck, awaits, 1, (struct look_opts){ .foreign_in_transit = 1 }, 0, false, 1 * S);
	assert_int_equal(class_of_never(*state), CN_INCOMPLETE);
}

static void a_hand_off_of_another_task_does_not(void **state)
{
	struct await_row awaits[] = { { .type = 1, .at = 2 } };

	look_twice_with(*state, stuck, awaits, 1, (struct look_opts){ 0 }, 21, false, 1 * S);
	assert_int_equal(class_of_never(*state), CN_PROVEN);
}

/* Nobody carries the same task through a third look, but in a process that is stopped anybody may. */
static void a_third_equal_look_outweighs_an_unnamed_hand_off_unless_stopped(void **state)
{
	struct await_row awaits[] = { { .type = 1, .at = 2 } };

	look_twice_with(*state, stuck, awaits, 1, (struct look_opts){ 0 }, UINT64_MAX, false, 1 * S);
	look_twice_with(*state, stuck, awaits, 1, (struct look_opts){ 0 }, UINT64_MAX, false, 2 * S);
	assert_int_equal(class_of_never(*state), CN_PROVEN);
	unmake(state);
	make(state);
	look_twice_with(*state, stuck, awaits, 1, (struct look_opts){ .stopped = true }, UINT64_MAX, false, 1 * S);
	look_twice_with(*state, stuck, awaits, 1, (struct look_opts){ .stopped = true }, UINT64_MAX, false, 2 * S);
	assert_int_equal(class_of_never(*state), CN_INCOMPLETE);
}

static void what_was_proven_stays_so_while_nothing_moves(void **state)
{
	struct await_row awaits[] = { { .type = 1, .at = 2 } };

	look_twice_with(*state, stuck, awaits, 1, (struct look_opts){ 0 }, 0, false, 1 * S);
	look_twice_with(*state, stuck, awaits, 1, (struct look_opts){ 0 }, 20, false, 2 * S);
	assert_int_equal(class_of_never(*state), CN_PROVEN);
}

static void a_waker_in_its_own_frame_is_suspect_then_likely(void **state)
{
	struct await_row awaits[] = { { .type = 1, .at = 2 }, { .parent = 0, .type = 3 } };
	struct scene *scene = *state;
	struct task_row row = stuck;

	row.waker_refs = row.own_wakers = 1;
	row.stamp++;
	look_twice_with(scene, row, awaits, 2, (struct look_opts){ 0 }, 0, false, 100 * MS);
	assert_int_equal(cn_findings_count(scene->findings), 0); /* it may come yet */
	look_twice_with(scene, row, awaits, 2, (struct look_opts){ 0 }, 0, false, 2 * S);
	assert_int_equal(finding_of(scene->findings, CN_FINDING_HELD_BY_ITSELF)->class, CN_SUSPECT);
	look_twice_with(scene, row, awaits, 2, (struct look_opts){ 0 }, 0, false, 9 * S);
	assert_int_equal(finding_of(scene->findings, CN_FINDING_HELD_BY_ITSELF)->class, CN_LIKELY);
}

static void another_waker_elsewhere_is_not_held_by_itself(void **state)
{
	struct await_row awaits[] = { { .type = 1, .at = 2 }, { .parent = 0, .type = 3 } };
	struct scene *scene = *state;
	struct task_row row = stuck;

	row.own_wakers = 1;
	row.waker_refs = 2;
	look_twice_with(scene, row, awaits, 2, (struct look_opts){ 0 }, 0, false, 100 * S);
	assert_int_equal(cn_findings_count(scene->findings), 0);
	row.id = 21;
	row.waker_refs = 1; /* and this one also waits with a node: the count is that one's */
	awaits[1] = (struct await_row){
		.parent = 0, .type = 3, .op = ROUSE_OP_RECV, .wait_state = ROUSE_WAIT_WAITING, .waker_task = 21
	};
	look_twice_with(scene, row, awaits, 2, (struct look_opts){ 0 }, 0, false, 200 * S);
	assert_int_equal(cn_findings_count(scene->findings), 0);
}

static void a_node_with_the_waker_of_another_task_is_stale(void **state)
{
	struct await_row awaits[] = {
		{ .type = 1, .at = 2 },
		{ .parent = 0, .type = 3, .op = ROUSE_OP_NOTIFIED, .wait_state = ROUSE_WAIT_WAITING, .waker_task = 77 }
	};
	struct scene *scene = *state;
	struct task_row row = stuck;
	const struct cn_finding *f;

	look_twice_with(scene, row, awaits, 2, (struct look_opts){ 0 }, 0, false, 1 * S);
	f = finding_of(scene->findings, CN_FINDING_STALE_WAKER);
	assert_non_null(f);
	assert_int_equal(f->class, CN_PROVEN);
	assert_int_equal(f->owner, 77);
	assert_null(finding_of(scene->findings, CN_FINDING_NEVER_REGISTERED));
	row.id = 21;
	row.waker_refs = 1; /* somebody may wake it all the same */
	look_twice_with(scene, row, awaits, 2, (struct look_opts){ 0 }, 0, false, 2 * S);
	f = cn_findings_of_task(scene->findings, 21);
	assert_non_null(f);
	assert_int_equal(f->code, CN_FINDING_STALE_WAKER);
	assert_int_equal(f->class, CN_LIKELY);
}

static void what_is_not_seen_again_is_remembered_for_a_while(void **state)
{
	struct scene *scene = *state;
	struct look look;

	look_twice(scene, stuck);
	look = look_at(scene->model, 5 * S);
	look_end(&look);
	assert_int_equal(cn_diagnose(scene->model, NULL, scene->findings), 0);
	assert_int_equal(cn_findings_count(scene->findings), 1);
	assert_false(cn_findings_at(scene->findings, 0)->active);
	assert_int_equal(cn_findings_at_least(scene->findings, CN_PROVEN, true), 0);
	assert_int_equal(cn_findings_at_least(scene->findings, CN_PROVEN, false), 1);
	look = look_at(scene->model, 12 * S);
	look_end(&look);
	assert_int_equal(cn_diagnose(scene->model, NULL, scene->findings), 0);
	assert_int_equal(cn_findings_count(scene->findings), 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, make, unmake)
TEST_MAIN(T(no_waker_and_no_trace_of_one_is_never_registered), T(two_transitions_too_many_are_a_dropped_waker),
	T(an_earlier_honest_wait_explains_its_transitions), T(a_yield_makes_no_clone), T(the_stamp_may_have_wrapped),
	T(healthy_waiters_are_left_alone), T(one_look_is_not_enough),
	T(a_task_that_moved_between_two_looks_is_not_found), T(torn_rows_disable_proven),
	T(an_incomplete_look_disables_proven), T(a_hand_off_that_may_carry_the_task_disables_proven),
	T(a_hand_off_of_another_task_does_not), T(a_third_equal_look_outweighs_an_unnamed_hand_off_unless_stopped),
	T(what_was_proven_stays_so_while_nothing_moves), T(a_waker_in_its_own_frame_is_suspect_then_likely),
	T(another_waker_elsewhere_is_not_held_by_itself), T(a_node_with_the_waker_of_another_task_is_stale),
	T(what_is_not_seen_again_is_remembered_for_a_while));
