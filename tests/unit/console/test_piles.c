/* SPDX-License-Identifier: MIT */
/* What piles up: tasks of one spawn site, and their memory. */
#include "test.h"

#include "stage.h"

#include <string.h>

/* ------------------------------------------------------------------- leaks */

/* How tasks come and go between looks that are a second apart. */
struct traffic {
	uint32_t looks;
	uint32_t come;  /* in each look */
	uint32_t until; /* look from which none come; 0 = they never cease */
	uint32_t go;    /* of the oldest, in each look */
	uint32_t op;    /* what they wait for */
	uint32_t kind;
	bool polled; /* they do something */
};

static const struct cn_finding *watch(struct stage *stage, struct traffic traffic)
{
	uint64_t id = 1000;

	if (!stage->n_workers)
		stage_worker(stage, ROUSE_WORKER_DRIVER);
	stage->begin.driver_worker = 1;
	for (uint64_t look = 1; look <= traffic.looks; look++) {
		stage_look(stage, look * S);
		for (uint32_t i = 0; i < traffic.come && (!traffic.until || look < traffic.until); i++) {
			stage_waits(stage, id, traffic.op, 0);
			stage_task(stage, id)->spawned_ns = look * S + 1;
			stage_task(stage, id)->edge_ns = look * S + 2;
			stage_task(stage, id++)->kind = traffic.kind;
		}
		for (uint32_t i = 0; i < traffic.go && stage->n_tasks > 1; i++) {
			stage->n_tasks--;
			memmove(stage->tasks, stage->tasks + 1, stage->n_tasks * sizeof stage->tasks[0]);
			memmove(stage->awaits, stage->awaits + 1, stage->n_tasks * sizeof stage->awaits[0]);
		}
		for (size_t i = 0; traffic.polled && i < stage->n_tasks; i++)
			stage->tasks[i].edge_ns = look * S + 500 * MS;
	}
	return stage_finding(stage, CN_FINDING_TASK_LEAK);
}

static void tasks_that_come_and_never_go_are_a_leak(void **state)
{
	struct stage *stage = *state;
	const struct cn_finding *f = watch(stage, (struct traffic){ .looks = 12, .come = 10, .op = ROUSE_OP_NOTIFIED });

	assert_non_null(f);
	assert_int_equal(f->class, CN_SUSPECT);
	assert_int_equal(f->tasks[0], 1000); /* the oldest */
	assert_int_equal(f->line, SPAWN_LINE);
	assert_non_null(strstr(f->evidence, "110 tasks"));
	assert_non_null(strstr(f->evidence, "10.0 more a second"));
	stage_again(state);
	f = watch(*state, (struct traffic){ .looks = 24, .come = 10, .op = ROUSE_OP_NOTIFIED });
	assert_int_equal(f->class, CN_LIKELY);
}

static void fewer_than_the_threshold_are_not(void **state)
{
	struct stage *stage = *state;

	/* Watched from the second look on, when there were 9. */
	assert_null(watch(stage, (struct traffic){ .looks = 13, .come = 9, .op = ROUSE_OP_NOTIFIED }));
	stage_again(state);
	stage = *state;
	stage->opts.leak_tasks = 80;
	assert_non_null(watch(stage, (struct traffic){ .looks = 13, .come = 9, .op = ROUSE_OP_NOTIFIED }));
}

static void a_server_whose_connections_come_to_a_plateau_is_healthy(void **state)
{
	struct stage *stage = *state;

	/* As many stay as had come when the first began to go. */
	assert_null(watch(stage,
		(struct traffic){ .looks = 40, .come = 30, .until = 9, .op = ROUSE_OP_READ }));
	stage_silent(stage);
	stage_again(state);
	assert_null(watch(*state, (struct traffic){ .looks = 40, .come = 30, .go = 25, .op = ROUSE_OP_READ }));
}

static void a_burst_is_healthy(void **state)
{
	assert_null(watch(*state, (struct traffic){ .looks = 40, .come = 1000, .until = 3, .op = ROUSE_OP_NOTIFIED }));
}

static void tasks_that_do_something_are_no_leak(void **state)
{
	assert_null(watch(*state,
		(struct traffic){ .looks = 40, .come = 30, .op = ROUSE_OP_NOTIFIED, .polled = true }));
}

static void daemons_may_be_many(void **state)
{
	assert_null(watch(*state,
		(struct traffic){ .looks = 40, .come = 30, .op = ROUSE_OP_NOTIFIED, .kind = ROUSE_KIND_DAEMON }));
}

/* Their peers are outside, and may just be coming. */
static void readers_are_suspect_for_a_minute(void **state)
{
	assert_int_equal(watch(*state, (struct traffic){ .looks = 40, .come = 10, .op = ROUSE_OP_READ })->class,
		CN_SUSPECT);
	stage_again(state);
	assert_int_equal(watch(*state, (struct traffic){ .looks = 70, .come = 10, .op = ROUSE_OP_READ })->class,
		CN_LIKELY);
}

/* A finding ends when the growth does. */
static void a_leak_that_is_mended_is_not_told_any_more(void **state)
{
	struct stage *stage = *state;

	assert_non_null(watch(stage, (struct traffic){ .looks = 60, .come = 10, .until = 60, .op = ROUSE_OP_NOTIFIED }));
	stage_look(stage, 61 * S);
	stage_look(stage, 62 * S);
	stage_silent(stage);
}

/* ------------------------------------------------------------------- frames */

static void a_large_frame_is_told_once_with_its_count(void **state)
{
	struct stage *stage = *state;
	const struct cn_finding *f;

	stage_task(stage, 20)->frame_bytes = 65535;
	stage_look(stage, 1 * S);
	stage_silent(stage);
	stage_task(stage, 20)->frame_bytes = 65536;
	stage_task(stage, 21)->frame_bytes = 131072;
	stage_waits(stage, 21, ROUSE_OP_NOTIFIED, 0)->type = LEAF_SITE;
	stage_look(stage, 2 * S);
	f = stage_finding(stage, CN_FINDING_LARGE_FRAME);
	assert_non_null(f);
	assert_int_equal(f->class, CN_SUSPECT);
	assert_int_equal(f->tasks[0], 21);
	assert_int_equal(f->line, LEAF_LINE); /* of its function */
	assert_non_null(strstr(f->evidence, "2 tasks"));
	assert_non_null(strstr(f->evidence, "131072 bytes, together 192 KiB"));
	assert_int_equal(cn_findings_count(stage->findings), 1);
}

TEST_MAIN(STAGED(tasks_that_come_and_never_go_are_a_leak), STAGED(fewer_than_the_threshold_are_not),
	STAGED(a_server_whose_connections_come_to_a_plateau_is_healthy), STAGED(a_burst_is_healthy),
	STAGED(tasks_that_do_something_are_no_leak), STAGED(daemons_may_be_many), STAGED(readers_are_suspect_for_a_minute),
	STAGED(a_leak_that_is_mended_is_not_told_any_more), STAGED(a_large_frame_is_told_once_with_its_count));
