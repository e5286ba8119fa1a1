/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "diagnose/shape.h"
#include "looks.h"

#include <stdlib.h>

struct scene {
	struct cn_model *model;
	struct cn_findings *findings;
	struct cn_shapes shapes;
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

	cn_shapes_free(&scene->shapes);
	cn_findings_free(scene->findings);
	cn_model_free(scene->model);
	return 0;
}

static void names(struct look *look)
{
	static const char *const texts[] = { "", "/src/a.c", "serve", "lock", "db", "client 1", "client 2", "writer" };

	for (uint32_t i = 1; i < sizeof texts / sizeof texts[0]; i++)
		look_string(look, i, texts[i]);
	look_site(look, (struct site_row){ .id = 1, .kind = ROUSE_SITE_FUNCTION, .name = 2, .file = 1, .line = 3 });
	look_site(look, (struct site_row){ .id = 2, .kind = ROUSE_SITE_AWAIT, .name = 2, .file = 1, .line = 10 });
	look_site(look, (struct site_row){ .id = 3, .kind = ROUSE_SITE_LEAF, .name = 3, .file = 1, .line = 20 });
	look_site(look, (struct site_row){ .id = 4, .kind = ROUSE_SITE_AWAIT, .name = 2, .file = 1, .line = 12 });
}

struct stand {
	uint64_t id, resource;
	uint32_t name, spawn_site, at, op, state;
};

static void stands(struct look *look, struct stand stand)
{
	struct await_row awaits[] = { { .type = 1, .at = stand.at ? stand.at : 2 },
		{ .parent = 0,
			.type = 3,
			.op = stand.op ? stand.op : ROUSE_OP_LOCK,
			.wait_state = ROUSE_WAIT_WAITING,
			.resource = stand.resource,
			.since_ns = 2 * S,
			.waker_task = stand.id } };

	look_task(look, (struct task_row){ .id = stand.id,
				.state = stand.state ? stand.state : ROUSE_TASK_PENDING,
				.name = stand.name,
				.spawn_site = stand.spawn_site,
				.polls = 1,
				.waker_refs = 1,
				.stamp = 4,
				.spawned_ns = 1,
				.edge_ns = 9 * S - stand.id * MS,
				.valid = 1 });
	look_awaits(look, stand.id, awaits, 2);
}

static void mutex(struct look *look, uint64_t serial, uint32_t site, uint64_t owner)
{
	look_resource(look, (struct resource_row){ .serial = serial,
				    .kind = ROUSE_RESOURCE_MUTEX,
				    .flags = ROUSE_RESOURCE_OWNED,
				    .name = 4,
				    .site = site,
				    .owner = owner });
}

static const struct cn_shapes *build(struct scene *scene)
{
	cn_shapes_free(&scene->shapes);
	assert_int_equal(cn_shapes_build(scene->model, scene->findings, &scene->shapes), 0);
	return &scene->shapes;
}

/* Two resources made in one place, tasks with names of their own: one shape. */
static void tasks_that_stand_alike_are_one_shape(void **state)
{
	struct scene *scene = *state;
	struct look look = look_at(scene->model, 9 * S);
	const struct cn_shape *shape;

	names(&look);
	mutex(&look, 500, 4, 0);
	mutex(&look, 501, 4, 0);
	for (uint64_t id = 20; id < 30; id++)
		stands(&look,
			(struct stand){ .id = 49 - id, .resource = 500 + id % 2, .name = 5 + id % 2, .spawn_site = 4 });
	look_end(&look);
	assert_int_equal(build(scene)->n, 1);
	shape = &scene->shapes.all[0];
	assert_int_equal(shape->count, 10);
	assert_int_equal(shape->oldest, 29);
	assert_int_equal(shape->in_state_ns, 29 * MS);
	assert_int_equal(shape->samples[0], 20);
	assert_int_equal(shape->samples[1], 21);
	assert_int_equal(shape->samples[2], 22);
	assert_true(shape->own_names);
	assert_string_equal(cn_shape_name(scene->model, shape), "serve"); /* not what one of them is called */
	assert_int_equal(shape->finding, -1);
	assert_int_equal(scene->shapes.tasks, 10);
}

static void each_difference_makes_another_shape(void **state)
{
	static const struct stand others[] = {
		{ .spawn_site = 1, .resource = 500 },
		{ .at = 4, .resource = 500 },
		{ .op = ROUSE_OP_ACQUIRE, .resource = 500 },
		{ .state = ROUSE_TASK_SCHEDULED, .resource = 500 },
		{ .resource = 501 }, /* made elsewhere */
		{ .resource = 502 }, /* of another kind */
		{ .op = ROUSE_OP_JOIN, .resource = 20 },
	};
	struct scene *scene = *state;
	struct look look = look_at(scene->model, 9 * S);

	names(&look);
	mutex(&look, 500, 4, 0);
	mutex(&look, 501, 1, 0);
	look_resource(&look, (struct resource_row){ .serial = 502, .kind = ROUSE_RESOURCE_SEMAPHORE, .site = 4 });
	stands(&look, (struct stand){ .id = 20, .resource = 500 });
	for (uint64_t i = 0; i < sizeof others / sizeof others[0]; i++) {
		struct stand other = others[i];

		other.id = 21 + i;
		stands(&look, other);
	}
	look_end(&look);
	assert_int_equal(build(scene)->n, 1 + sizeof others / sizeof others[0]);
}

static void what_most_of_them_wait_for_is_kept(void **state)
{
	struct scene *scene = *state;
	struct look look = look_at(scene->model, 9 * S);
	const struct cn_shape *shape;
	char text[256];

	names(&look);
	stands(&look, (struct stand){ .id = 2000, .name = 7, .at = 4, .resource = 900 });
	for (uint64_t i = 0; i < 300; i++) {
		mutex(&look, 500 + i, 4, 2000);
		/* The first hundred for the same, then each for one of its own. */
		stands(&look, (struct stand){ .id = 20 + i, .resource = i < 100 ? 700 : 500 + i });
	}
	look_end(&look);
	shape = &build(scene)->all[0];
	assert_int_equal(shape->count, 300);
	assert_int_equal(shape->waits[0].id, 700);
	assert_true(shape->more_waits);
	assert_string_equal(cn_shape_wait_text(text, sizeof text, scene->model, &shape->waits[0]),
		"mutex db (101 waiting), held by writer (2000)");
}

static void a_shape_with_a_finding_comes_first(void **state)
{
	struct scene *scene = *state;

	for (uint64_t now = 9; now < 11; now++) {
		struct look look = look_at(scene->model, now * S);

		names(&look);
		for (uint64_t id = 20; id < 30; id++)
			stands(&look, (struct stand){ .id = id, .at = 4, .op = ROUSE_OP_RECV, .resource = 600 });
		stands(&look, (struct stand){ .id = 40, .resource = 500 });
		stands(&look, (struct stand){ .id = 41, .resource = 501, .spawn_site = 4 });
		mutex(&look, 500, 4, 41);
		mutex(&look, 501, 4, 40);
		look_end(&look);
		assert_int_equal(cn_diagnose(scene->model, NULL, scene->findings), 0);
	}
	assert_int_equal(build(scene)->n, 3);
	assert_int_equal(scene->shapes.all[0].finding, CN_FINDING_WAIT_CYCLE);
	assert_int_equal(scene->shapes.all[0].class, CN_PROVEN);
	assert_int_equal(scene->shapes.all[1].finding, CN_FINDING_WAIT_CYCLE);
	assert_int_equal(scene->shapes.all[2].count, 10);
}

/* More shapes than can be kept: the rest is counted. */
static void shapes_are_bounded(void **state)
{
	struct scene *scene = *state;
	struct look look = look_at(scene->model, 9 * S);

	names(&look);
	for (uint64_t i = 0; i < CN_SHAPES_MAX + 10; i++)
		stands(&look, (struct stand){ .id = 20 + i, .at = 100 + (uint32_t)i });
	look_end(&look);
	assert_int_equal(build(scene)->n, CN_SHAPES_MAX);
	assert_int_equal(scene->shapes.left_out, 10);
	assert_int_equal(scene->shapes.tasks, CN_SHAPES_MAX);
}

static void a_million_tasks_are_a_handful_of_shapes(void **state)
{
	enum { TASKS = 1000000, SITES = 7 };
	struct scene *scene = *state;
	struct look look = look_at(scene->model, 9 * S);
	const uint64_t tasks = TASKS / (getenv("ROUSE_TEST_SLOWDOWN") ? 10 : 1);
	uint64_t sum = 0;

	names(&look);
	mutex(&look, 500, 4, 0);
	for (uint64_t i = 0; i < tasks; i++)
		stands(&look, (struct stand){ .id = 20 + i, .resource = 500, .spawn_site = (uint32_t)(i % SITES) });
	look_end(&look);
	assert_int_equal(build(scene)->n, SITES);
	for (size_t i = 0; i < SITES; i++) {
		assert_int_equal(scene->shapes.all[i].waits[0].weight, scene->shapes.all[i].count);
		sum += scene->shapes.all[i].count;
	}
	assert_int_equal(sum, tasks);
}

#define T(name) cmocka_unit_test_setup_teardown(name, make, unmake)
TEST_MAIN(T(tasks_that_stand_alike_are_one_shape), T(each_difference_makes_another_shape),
	T(what_most_of_them_wait_for_is_kept), T(a_shape_with_a_finding_comes_first), T(shapes_are_bounded),
	T(a_million_tasks_are_a_handful_of_shapes));
