/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "looks.h"

#include <string.h>

struct scene {
	struct cn_model *model;
	struct cn_findings *findings;
	uint64_t in_transit; /* of worker 0, in every look */
};

static int make(void **state)
{
	static struct scene scene;

	scene = (struct scene){ .model = cn_model_new(), .findings = cn_findings_new() };
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

/* Who waits for whom: over a mutex, or by a join. */
struct edge {
	uint64_t task;
	uint64_t mutex; /* 0 = a join of `to` */
	uint64_t to;
	bool either; /* below a select, beside a timer */
	bool running;
	bool granted;   /* it has got it, and has not run since */
	bool untracked; /* the owner is who used it last */
};

/* Site 1: await at line 10 * task; site 100: select; 101: join of all. */
static void send(struct scene *scene, uint64_t now, const struct edge *edges, size_t n, uint32_t together)
{
	struct look look = look_at(scene->model, now);

	look_string(&look, 1, "ring.c");
	look_string(&look, 2, "mutex");
	look_string(&look, 3, "work");
	look_site(&look, (struct site_row){ .id = 100, .kind = together, .file = 1, .line = 5 });
	for (size_t i = 0; i < n; i++) {
		const struct edge *e = &edges[i];
		uint32_t op = e->mutex ? ROUSE_OP_LOCK : ROUSE_OP_JOIN;
		struct await_row plain[] = { { .at = (uint32_t)e->task },
			{ .parent = 0,
				.op = op,
				.wait_state = e->granted ? ROUSE_WAIT_GRANTED : ROUSE_WAIT_WAITING,
				.resource = e->mutex ? e->mutex : e->to,
				.since_ns = 1,
				.waker_task = e->task } };
		struct await_row beside[] = { { .at = 100 },
			{ .parent = 0, .op = ROUSE_OP_SLEEP, .wait_state = ROUSE_WAIT_WAITING, .waker_task = e->task },
			plain[1] };

		look_site(&look, (struct site_row){ .id = (uint32_t)e->task,
					 .kind = ROUSE_SITE_AWAIT,
					 .file = 1,
					 .line = (uint32_t)(10 * e->task) });
		look_task(&look, (struct task_row){ .id = e->task,
					 .state = e->running ? ROUSE_TASK_RUNNING : ROUSE_TASK_PENDING,
					 .name = 3,
					 .stamp = 5,
					 .polls = 2,
					 .waker_refs = 1,
					 .spawned_ns = 1,
					 .edge_ns = 2,
					 .valid = 1 });
		if (e->either)
			look_awaits(&look, e->task, beside, 3);
		else
			look_awaits(&look, e->task, plain, 2);
		if (e->mutex)
			look_resource(&look, (struct resource_row){ .serial = e->mutex,
						     .kind = ROUSE_RESOURCE_MUTEX,
						     .flags = e->untracked ? 0 : ROUSE_RESOURCE_OWNED,
						     .name = 2,
						     .owner = e->to,
						     .owner_since_ns = 1 });
	}
	look.in_transit = scene->in_transit;
	look_end(&look);
	assert_int_equal(cn_diagnose(scene->model, NULL, scene->findings), 0);
}

static const struct cn_finding *twice(struct scene *scene, const struct edge *edges, size_t n)
{
	send(scene, 1 * S, edges, n, ROUSE_SITE_SELECT);
	assert_null(finding_of(scene->findings, CN_FINDING_WAIT_CYCLE)); /* one look is not enough */
	send(scene, 2 * S, edges, n, ROUSE_SITE_SELECT);
	return finding_of(scene->findings, CN_FINDING_WAIT_CYCLE);
}

static void two_tasks_with_each_others_mutex_are_proven(void **state)
{
	static const struct edge edges[] = { { .task = 21, .mutex = 51, .to = 20 },
		{ .task = 20, .mutex = 50, .to = 21 } };
	const struct cn_finding *f = twice(*state, edges, 2);

	assert_non_null(f);
	assert_int_equal(f->class, CN_PROVEN);
	assert_int_equal(f->n_tasks, 2);
	assert_int_equal(f->tasks[0], 20); /* told from its oldest task on */
	assert_int_equal(f->tasks[1], 21);
	assert_int_equal(f->resource, 50);
	assert_int_equal(f->owner, 21);
	assert_int_equal(f->line, 200);
	assert_non_null(strstr(f->evidence, "ring.c:200"));
	assert_non_null(strstr(f->evidence, "ring.c:210"));
}

static void a_ring_may_go_over_joins_and_many_tasks(void **state)
{
	enum { N = 40 };
	struct edge edges[N];
	const struct cn_finding *f;

	for (uint64_t i = 0; i < N; i++)
		edges[i] = (struct edge){ .task = 20 + i, .mutex = i % 2 ? 0 : 500 + i, .to = 20 + (i + 1) % N };
	f = twice(*state, edges, N);
	assert_non_null(f);
	assert_int_equal(f->class, CN_PROVEN);
	assert_int_equal(f->n_tasks, N);
	for (uint64_t i = 0; i < CN_FINDING_TASKS; i++)
		assert_int_equal(f->tasks[i], 20 + i);
	assert_int_equal(cn_findings_count(((struct scene *)*state)->findings), 1);
}

static void a_chain_that_ends_is_no_ring(void **state)
{
	static const struct edge edges[] = { { .task = 20, .mutex = 50, .to = 21 },
		{ .task = 21, .mutex = 51, .to = 22 }, { .task = 22, .mutex = 52, .to = 22, .running = true },
		{ .task = 23, .mutex = 53, .to = 99 }, { .task = 24, .to = 20 } };

	assert_null(twice(*state, edges, 5));
}

/* The owner runs: it will unlock, though a torn look shows it waiting. */
static void a_ring_with_a_running_task_is_none(void **state)
{
	static const struct edge edges[] = { { .task = 20, .mutex = 50, .to = 21 },
		{ .task = 21, .mutex = 51, .to = 20, .running = true } };

	assert_null(twice(*state, edges, 2));
}

static void a_ring_that_changed_between_looks_is_none(void **state)
{
	static const struct edge first[] = { { .task = 20, .mutex = 50, .to = 21 },
		{ .task = 21, .mutex = 51, .to = 22 } };
	static const struct edge second[] = { { .task = 20, .mutex = 50, .to = 21 },
		{ .task = 21, .mutex = 51, .to = 20 } };
	struct scene *scene = *state;

	send(scene, 1 * S, first, 2, ROUSE_SITE_SELECT);
	send(scene, 2 * S, second, 2, ROUSE_SITE_SELECT); /* mutex 51 has another owner now */
	assert_null(finding_of(scene->findings, CN_FINDING_WAIT_CYCLE));
	send(scene, 3 * S, second, 2, ROUSE_SITE_SELECT);
	assert_non_null(finding_of(scene->findings, CN_FINDING_WAIT_CYCLE));
}

static void a_way_out_makes_it_likely_only(void **state)
{
	static const struct edge edges[] = { { .task = 20, .mutex = 50, .to = 21, .either = true },
		{ .task = 21, .mutex = 51, .to = 20 } };
	const struct cn_finding *f = twice(*state, edges, 2);

	assert_non_null(f);
	assert_int_equal(f->class, CN_LIKELY);
}

static void waiting_for_all_is_no_way_out(void **state)
{
	static const struct edge edges[] = { { .task = 20, .mutex = 50, .to = 21, .either = true },
		{ .task = 21, .mutex = 51, .to = 20 } };
	struct scene *scene = *state;

	send(scene, 1 * S, edges, 2, ROUSE_SITE_JOIN);
	send(scene, 2 * S, edges, 2, ROUSE_SITE_JOIN);
	assert_int_equal(finding_of(scene->findings, CN_FINDING_WAIT_CYCLE)->class, CN_PROVEN);
}

/* Behind a ring, a thousand more: each is visited once, and none of them is in it. */
static void waiters_behind_a_ring_are_not_in_it(void **state)
{
	enum { N = 1000 };
	static struct edge edges[N];
	const struct cn_finding *f;

	edges[0] = (struct edge){ .task = 20, .mutex = 5000, .to = 21 };
	edges[1] = (struct edge){ .task = 21, .mutex = 5001, .to = 20 };
	for (uint64_t i = 2; i < N; i++)
		edges[i] = (struct edge){ .task = 20 + i, .to = 20 + i - 1 };
	f = twice(*state, edges, N);
	assert_non_null(f);
	assert_int_equal(f->n_tasks, 2);
	assert_null(cn_findings_of_task(((struct scene *)*state)->findings, 500));
}

static void an_owner_that_is_not_tracked_makes_no_edge(void **state)
{
	static const struct edge edges[] = { { .task = 20, .mutex = 50, .to = 21 },
		{ .task = 21, .mutex = 51, .to = 20, .untracked = true } };
	struct scene *scene = *state;

	assert_null(twice(scene, edges, 2));
	send(scene, 100 * S, edges, 2, ROUSE_SITE_SELECT);
	send(scene, 101 * S, edges, 2, ROUSE_SITE_SELECT);
	assert_non_null(finding_of(scene->findings, CN_FINDING_PENDING_LONG)); /* they are not dead, and not explained */
}

/* Where a way out leads, the living are followed. */
static void nor_does_one_beside_a_way_out(void **state)
{
	static const struct edge edges[] = { { .task = 20, .mutex = 50, .to = 21, .either = true },
		{ .task = 21, .mutex = 51, .to = 20, .untracked = true } };

	assert_null(twice(*state, edges, 2));
}

static void nor_does_a_grant_beside_a_way_out(void **state)
{
	static const struct edge edges[] = { { .task = 20, .mutex = 50, .to = 21, .either = true },
		{ .task = 21, .mutex = 51, .to = 20, .granted = true } };

	assert_null(twice(*state, edges, 2));
}

static void a_grant_on_its_way_makes_no_edge(void **state)
{
	static const struct edge edges[] = { { .task = 20, .mutex = 50, .to = 21 },
		{ .task = 21, .mutex = 51, .to = 20, .granted = true } };

	assert_null(twice(*state, edges, 2));
}

static void a_member_that_may_be_in_somebodys_hands_is_not_proven(void **state)
{
	static const struct edge edges[] = { { .task = 20, .mutex = 50, .to = 21 },
		{ .task = 21, .mutex = 51, .to = 20 } };
	struct scene *scene = *state;

	scene->in_transit = 21;
	assert_int_equal(twice(scene, edges, 2)->class, CN_INCOMPLETE);
}

/* A ring explains its waiting: nothing more is said of how long. */
/* Nor those that wait behind it: `why` leads them there. */
static void tasks_in_a_ring_are_not_also_pending_for_long(void **state)
{
	static const struct edge edges[] = { { .task = 20, .mutex = 50, .to = 21 },
		{ .task = 21, .mutex = 51, .to = 20 }, { .task = 22, .mutex = 50, .to = 21 } };
	struct scene *scene = *state;

	send(scene, 100 * S, edges, 3, ROUSE_SITE_SELECT);
	send(scene, 101 * S, edges, 3, ROUSE_SITE_SELECT);
	assert_int_equal(cn_findings_of_task(scene->findings, 20)->code, CN_FINDING_WAIT_CYCLE);
	assert_null(cn_findings_of_task(scene->findings, 22));
	assert_int_equal(cn_findings_count(scene->findings), 1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, make, unmake)
TEST_MAIN(T(two_tasks_with_each_others_mutex_are_proven), T(a_ring_may_go_over_joins_and_many_tasks),
	T(a_chain_that_ends_is_no_ring), T(a_ring_with_a_running_task_is_none),
	T(a_ring_that_changed_between_looks_is_none), T(a_way_out_makes_it_likely_only),
	T(waiting_for_all_is_no_way_out), T(waiters_behind_a_ring_are_not_in_it),
	T(an_owner_that_is_not_tracked_makes_no_edge), T(a_grant_on_its_way_makes_no_edge),
	T(nor_does_one_beside_a_way_out), T(nor_does_a_grant_beside_a_way_out),
	T(a_member_that_may_be_in_somebodys_hands_is_not_proven), T(tasks_in_a_ring_are_not_also_pending_for_long));
