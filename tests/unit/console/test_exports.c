/* SPDX-License-Identifier: MIT */
/* The formats of other tools, of models made by hand: what is exact, what is escaped, where the bounds are. */
#include "test.h"

#include "export/chains.h"
#include "export/csv.h"
#include "export/metrics.h"
#include "looks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct scene {
	struct cn_model *model;
	struct cn_findings *findings;
	char *text; /* the export */
	size_t bytes;
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

	free(scene->text);
	cn_findings_free(scene->findings);
	cn_model_free(scene->model);
	return 0;
}

static struct look begin(const struct scene *scene)
{
	struct look look;

	assert_int_equal(look_hello(scene->model, "memory"), CN_APPLIED);
	look = look_at(scene->model, 5 * S);
	look_string(&look, 1, "/src/a.c");
	look_string(&look, 2, "serve;now");
	look_string(&look, 3, "lock");
	look_string(&look, 4, "=HYPERLINK(\"x\",1)");
	look_string(&look, 5, "a \"b\"\n\x1b[31m");
	look_site(&look, (struct site_row){ .id = 1, .kind = ROUSE_SITE_FUNCTION, .name = 2, .file = 1, .line = 3 });
	look_site(&look, (struct site_row){ .id = 2, .kind = ROUSE_SITE_AWAIT, .name = 2, .file = 1, .line = 10 });
	look_site(&look, (struct site_row){ .id = 3, .kind = ROUSE_SITE_LEAF, .name = 3, .file = 1, .line = 20 });
	return look;
}

static void task(struct look *look, uint64_t id, uint32_t name, uint64_t busy_ns)
{
	struct await_row awaits[] = { { .type = 1, .at = 2 },
		{ .type = 3, .op = ROUSE_OP_LOCK, .wait_state = ROUSE_WAIT_WAITING, .resource = 9, .waker_task = id } };

	look_task(look, (struct task_row){ .id = id,
				.state = ROUSE_TASK_PENDING,
				.name = name,
				.spawn_site = 1,
				.polls = 1,
				.busy_ns = busy_ns,
				.spawned_ns = S,
				.valid = 1 });
	look_awaits(look, id, awaits, 2);
}

static FILE *open_text(struct scene *scene)
{
	FILE *out;

	free(scene->text);
	scene->text = NULL;
	out = open_memstream(&scene->text, &scene->bytes);
	assert_non_null(out);
	return out;
}

static void folded(struct scene *scene, enum cn_chains_by by)
{
	FILE *out = open_text(scene);

	assert_int_equal(cn_chains_folded(out, scene->model, by), 0);
	assert_int_equal(fclose(out), 0);
}

static void csv(struct scene *scene, enum cn_csv_table table)
{
	FILE *out = open_text(scene);
	const struct cn_csv_opts opts = { .table = table };

	assert_int_equal(cn_csv_write(out, &opts, scene->model, scene->findings), 0);
	assert_int_equal(fclose(out), 0);
}

static void metrics(struct scene *scene, enum cn_metrics_format format)
{
	FILE *out = open_text(scene);
	const struct cn_metrics_from from = { scene->model, scene->findings, 6 * S };

	assert_int_equal(cn_metrics_write(out, format, &from), 0);
	assert_int_equal(fclose(out), 0);
}

/* -------------------------------------------------------------------- folded */

static void tasks_with_the_same_chain_are_one_line_by_number_or_by_time(void **state)
{
	struct scene *scene = *state;
	struct look look = begin(scene);

	task(&look, 20, 4, 3000000);
	task(&look, 21, 5, 2000999);
	look_end(&look);
	folded(scene, CN_CHAINS_BY_TASKS);
	assert_non_null(strstr(scene->text, ";serve,now a.c:3;serve,now a.c:10;lock;[lock] 2\n"));
	assert_ptr_equal(strchr(scene->text, '\n') + 1, scene->text + scene->bytes);
	folded(scene, CN_CHAINS_BY_BUSY);
	assert_non_null(strstr(scene->text, ";[lock] 5000\n"));
}

static void a_chain_that_is_too_deep_says_so(void **state)
{
	struct scene *scene = *state;
	struct look look = begin(scene);
	struct await_row awaits[CN_CHAINS_DEPTH + 2];
	size_t frames = 0;

	for (uint32_t i = 0; i < CN_CHAINS_DEPTH + 2; i++)
		awaits[i] = (struct await_row){ .type = 1, .at = 2, .parent = i ? i - 1 : 0 };
	awaits[CN_CHAINS_DEPTH + 1].op = ROUSE_OP_LOCK;
	awaits[CN_CHAINS_DEPTH + 1].wait_state = ROUSE_WAIT_WAITING;
	look_task(&look, (struct task_row){ .id = 20, .state = ROUSE_TASK_PENDING, .spawn_site = 1, .valid = 1 });
	look_awaits(&look, 20, awaits, CN_CHAINS_DEPTH + 2);
	look_end(&look);
	folded(scene, CN_CHAINS_BY_TASKS);
	for (const char *p = scene->text; (p = strstr(p, "a.c:10")) != NULL; p++)
		frames++;
	assert_int_equal(frames, CN_CHAINS_DEPTH);
	assert_non_null(strstr(scene->text, ";(deeper);[lock] 1\n"));
}

/* ----------------------------------------------------------------------- csv */

static void text_of_a_table_is_quoted_and_no_formula(void **state)
{
	struct scene *scene = *state;
	struct look look = begin(scene);

	task(&look, 20, 4, 0);
	task(&look, 21, 5, 0);
	look_end(&look);
	csv(scene, CN_CSV_TASKS);
	assert_non_null(strstr(scene->text, "\n20,\"'=HYPERLINK(\"\"x\"\",1)\",pending,"));
	assert_non_null(strstr(scene->text, "\n21,\"a \"\"b\"\"\\x0a\\x1b[31m\",pending,"));
	csv(scene, CN_CSV_GROUPS);
	assert_non_null(strstr(scene->text, "\n2,"));
}

/* ------------------------------------------------------------------- metrics */

static void buckets_are_cumulative_at_bounds_that_the_runtime_keeps(void **state)
{
	struct scene *scene = *state;
	struct look look = begin(scene);
	const uint32_t poll[ROUSE_HISTOGRAM_BUCKETS] = { [3] = 1, [9] = 2, [10] = 4, [12] = 8, [39] = 16 };

	look_histogram(&look, 1, poll);
	look_end(&look);
	metrics(scene, CN_METRICS_OPENMETRICS);
	assert_non_null(strstr(scene->text, "spawned=\"serve;now /src/a.c:3\",le=\"0.000001023\"} 3\n"));
	assert_non_null(strstr(scene->text, "le=\"0.000004095\"} 7\n"));
	assert_non_null(strstr(scene->text, "le=\"0.000016383\"} 15\n"));
	assert_non_null(strstr(scene->text, "le=\"68.719476735\"} 15\n"));
	assert_non_null(strstr(scene->text, "le=\"+Inf\"} 31\n"));
}

static void more_spawn_sites_than_the_bound_are_one_series(void **state)
{
	struct scene *scene = *state;
	struct look look = begin(scene);
	const uint32_t poll[ROUSE_HISTOGRAM_BUCKETS] = { [20] = 1 };
	size_t series = 0;

	for (uint32_t i = 0; i < CN_METRICS_SITES + 3; i++) {
		look_site(&look, (struct site_row){
					 .id = 10 + i, .kind = ROUSE_SITE_FUNCTION, .name = 2, .file = 1, .line = 100 + i });
		look_histogram(&look, 10 + i, poll);
	}
	look_end(&look);
	metrics(scene, CN_METRICS_TEXT);
	for (const char *p = strstr(scene->text, "rouse_poll_duration_seconds_bucket"); p; p++) {
		p = strstr(p, "le=\"+Inf\"");
		if (!p)
			break;
		series++;
	}
	assert_int_equal(series, CN_METRICS_SITES + 1);
	assert_non_null(strstr(scene->text, "spawned=\"(others)\",le=\"+Inf\"} 3\n"));
}

#define T(name) cmocka_unit_test_setup_teardown(name, make, unmake)
TEST_MAIN(T(tasks_with_the_same_chain_are_one_line_by_number_or_by_time), T(a_chain_that_is_too_deep_says_so),
	T(text_of_a_table_is_quoted_and_no_formula), T(buckets_are_cumulative_at_bounds_that_the_runtime_keeps),
	T(more_spawn_sites_than_the_bound_are_one_series));
