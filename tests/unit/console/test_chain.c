/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "looks.h"

#include <errno.h>
#include <string.h>

struct scene {
	struct cn_model *model;
	struct cn_findings *findings;
	char drawn[8192];
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

static void collect(void *arg, const struct cn_line *line)
{
	struct scene *scene = arg;
	size_t spans = 0, used = strlen(scene->drawn);

	for (uint32_t i = 0; i < line->n_spans; i++) {
		assert_int_equal(line->spans[i].from, spans); /* spans follow each other and cover the text */
		spans += line->spans[i].bytes;
	}
	assert_int_equal(spans, strlen(line->text));
	assert_true(used + spans + 2 < sizeof scene->drawn);
	memcpy(scene->drawn + used, line->text, spans);
	memcpy(scene->drawn + used + spans, "\n", 2);
}

static const char *draw(struct scene *scene, uint64_t task)
{
	struct cn_chain chain;

	assert_int_equal(cn_chain_build(scene->model, scene->findings, task, &chain), 0);
	scene->drawn[0] = 0;
	cn_chain_draw(scene->model, &chain, CN_CHARSET_ASCII, 80, collect, scene);
	cn_chain_free(&chain);
	return scene->drawn;
}

static void names(struct look *look)
{
	static const char *const texts[] = { "", "/src/a.c", "outer", "leaf", "left", "right", "jobs", "alice", "bob" };

	for (uint32_t i = 1; i < sizeof texts / sizeof texts[0]; i++)
		look_string(look, i, texts[i]);
	look_site(look, (struct site_row){ .id = 1, .kind = ROUSE_SITE_FUNCTION, .name = 2, .file = 1, .line = 3 });
	look_site(look, (struct site_row){ .id = 2, .kind = ROUSE_SITE_AWAIT, .name = 2, .file = 1, .line = 10 });
	look_site(look, (struct site_row){ .id = 3, .kind = ROUSE_SITE_LEAF, .name = 3, .file = 1, .line = 20 });
	look_site(look, (struct site_row){ .id = 4, .kind = ROUSE_SITE_SELECT, .name = 2, .file = 1, .line = 12 });
	look_site(look, (struct site_row){ .id = 5, .kind = ROUSE_SITE_RESOURCE, .name = 2, .file = 1, .line = 30 });
}

static struct task_row pending(uint64_t id, uint32_t name)
{
	return (struct task_row){ .id = id,
		.state = ROUSE_TASK_PENDING,
		.name = name,
		.polls = 1,
		.waker_refs = 1,
		.stamp = 4,
		.spawned_ns = 1,
		.edge_ns = 7 * S,
		.valid = 1 };
}

static void locks(struct look *look, uint64_t task, uint32_t name, uint64_t mutex, uint32_t mutex_name, uint64_t owner)
{
	struct await_row awaits[] = { { .type = 1, .at = 2 }, { .parent = 0,
								      .type = 3,
								      .op = ROUSE_OP_LOCK,
								      .wait_state = ROUSE_WAIT_WAITING,
								      .resource = mutex,
								      .since_ns = 8 * S,
								      .waker_task = task } };

	look_task(look, pending(task, name));
	look_awaits(look, task, awaits, 2);
	look_resource(look, (struct resource_row){ .serial = mutex,
				    .kind = ROUSE_RESOURCE_MUTEX,
				    .name = mutex_name,
				    .flags = ROUSE_RESOURCE_OWNED,
				    .site = 5,
				    .owner = owner,
				    .owner_since_ns = 6 * S });
}

static void a_ring_is_drawn_until_it_closes(void **state)
{
	struct scene *scene = *state;

	for (uint64_t now = 9; now < 11; now++) {
		struct look look = look_at(scene->model, now * S);

		names(&look);
		locks(&look, 20, 7, 50, 4, 21);
		locks(&look, 21, 8, 51, 5, 20);
		look_end(&look);
		assert_int_equal(cn_diagnose(scene->model, NULL, scene->findings), 0);
	}
	assert_string_equal(draw(scene, 20),
		"  . alice (20)                              pending for 3.00s, 1 poll\n"
		"  | outer                                   a.c:10\n"
		"  v waits for a lock, for 2.00s now\n"
		"  * mutex left                              locked, made at a.c:30\n"
		"  v held by, for 4.00s\n"
		"  . bob (21)                                pending for 3.00s, 1 poll\n"
		"  | outer                                   a.c:10\n"
		"  v waits for a lock, for 2.00s now\n"
		"  * mutex right                             locked, made at a.c:30\n"
		"  v held by, for 4.00s\n"
		"  @ alice (20)                              back to where it stood: a ring\n"
		"\n"
		"  X PROVEN wait cycle: alice (20) at a.c:10 waits for mutex left, which bob (21)\n"
		"    has held for 4.00s; bob (21) at a.c:10 waits for mutex right, which alice\n"
		"    (20) has held for 4.00s.\n"
		"  > what to do: Take these locks in one order everywhere, or release one before\n"
		"    taking the next. Aborting one of the tasks frees the others.\n");
}

static void somebody_behind_a_ring_is_told_so(void **state)
{
	struct scene *scene = *state;
	struct cn_chain chain;

	for (uint64_t now = 9; now < 11; now++) {
		struct look look = look_at(scene->model, now * S);

		names(&look);
		locks(&look, 20, 7, 50, 4, 21);
		locks(&look, 21, 8, 51, 5, 20);
		locks(&look, 22, 6, 50, 4, 21);
		look_end(&look);
		assert_int_equal(cn_diagnose(scene->model, NULL, scene->findings), 0);
	}
	assert_int_equal(cn_chain_build(scene->model, scene->findings, 22, &chain), 0);
	assert_true(chain.cycle);
	assert_non_null(chain.finding);
	assert_int_equal(chain.finding->code, CN_FINDING_WAIT_CYCLE);
	assert_int_equal(strncmp(chain.verdict, "it waits behind a wait cycle", 28), 0);
	cn_chain_free(&chain);
}

static void arms_of_a_select_branch(void **state)
{
	struct scene *scene = *state;
	struct look look = look_at(scene->model, 9 * S);
	struct await_row awaits[] = { { .type = 1, .at = 4 },
		{ .parent = 0,
			.type = 3,
			.op = ROUSE_OP_SLEEP,
			.wait_state = ROUSE_WAIT_WAITING,
			.arg = 11 * S,
			.since_ns = 8 * S,
			.waker_task = 20 },
		{ .parent = 0,
			.type = 3,
			.op = ROUSE_OP_RECV,
			.wait_state = ROUSE_WAIT_WAITING,
			.resource = 60,
			.since_ns = 8 * S,
			.waker_task = 20 } };
	struct cn_chain chain;

	names(&look);
	look_task(&look, pending(20, 7));
	look_awaits(&look, 20, awaits, 3);
	look_resource(&look, (struct resource_row){ .serial = 60,
				     .kind = ROUSE_RESOURCE_MPSC,
				     .name = 6,
				     .capacity = 32,
				     .side_a = 1,
				     .last_user_a = 77 });
	look_end(&look);
	assert_string_equal(draw(scene, 20),
		"  . alice (20)                              pending for 2.00s, 1 poll\n"
		"  | outer                                   a.c:12  the first of these:\n"
		"  |- waits for a time, for 1.00s now\n"
		"  | > a timer, due in 2.00s\n"
		"  `- waits for a message, for 1.00s now\n"
		"    * channel jobs                          0 of 32 queued, 1 sender\n"
		"    v would be sent by (a guess: who used it last)\n"
		"    = task (77)                             has ended\n"
		"\n"
		"  Nothing is wrong that can be told from here: it waits for what its chain ends\n"
		"    in.\n");
	assert_int_equal(cn_chain_build(scene->model, NULL, 20, &chain), 0);
	assert_true(chain.links[2].either);
	assert_false(chain.links[2].last);
	assert_true(chain.links[chain.n - 1].guess);
	cn_chain_free(&chain);
}

/* A channel has no owner: a ring over its last users is no ring. */
static void guesses_close_no_ring(void **state)
{
	struct scene *scene = *state;
	struct look look = look_at(scene->model, 9 * S);
	struct cn_chain chain;

	names(&look);
	for (uint64_t i = 0; i < 2; i++) {
		struct await_row await = { .type = 3,
			.op = ROUSE_OP_RECV,
			.wait_state = ROUSE_WAIT_WAITING,
			.resource = 60 + i,
			.waker_task = 20 + i };

		look_task(&look, pending(20 + i, 7));
		look_awaits(&look, 20 + i, &await, 1);
		look_resource(&look,
			(struct resource_row){
				.serial = 60 + i, .kind = ROUSE_RESOURCE_MPSC, .capacity = 1, .last_user_a = 21 - i });
	}
	look_end(&look);
	assert_int_equal(cn_chain_build(scene->model, NULL, 20, &chain), 0);
	assert_false(chain.cycle);
	assert_string_equal(chain.links[chain.n - 1].text, "shown above");
	cn_chain_free(&chain);
}

static void roots_say_what_would_end_the_wait(void **state)
{
	static const struct {
		uint32_t op, wait_state, waker_refs, own_wakers;
		uint64_t waker_task;
		const char *text;
	} roots[] = {
		{ ROUSE_OP_CUSTOM, ROUSE_WAIT_IDLE, 0, 0, 0, "nobody: no waker of this task exists" },
		{ ROUSE_OP_CUSTOM, ROUSE_WAIT_IDLE, 1, 1, 0, "only itself" },
		{ ROUSE_OP_CUSTOM, ROUSE_WAIT_IDLE, 2, 1, 0, "whoever holds its wakers (2)" },
		{ ROUSE_OP_LOCK, ROUSE_WAIT_GRANTED, 1, 0, 20, "about to be woken" },
		{ ROUSE_OP_NOTIFIED, ROUSE_WAIT_WAITING, 0, 0, 99, "would wake a task that has ended (99)" },
	};

	for (size_t i = 0; i < sizeof roots / sizeof roots[0]; i++) {
		struct scene *scene = *state;
		struct look look = look_at(scene->model, 9 * S);
		struct task_row row = pending(20, 7);
		struct await_row await = { .type = 3,
			.op = roots[i].op,
			.wait_state = roots[i].wait_state,
			.resource = 50,
			.waker_task = roots[i].waker_task };

		names(&look);
		row.waker_refs = roots[i].waker_refs;
		row.own_wakers = roots[i].own_wakers;
		look_task(&look, row);
		look_awaits(&look, 20, &await, 1);
		look_end(&look);
		assert_non_null(strstr(draw(scene, 20), roots[i].text));
	}
}

static void a_running_task_is_followed_to_its_worker(void **state)
{
	struct scene *scene = *state;
	struct look look = look_at(scene->model, 9 * S);
	struct task_row row = pending(20, 7);
	struct await_row await = { .type = 1, .at = 2 };

	names(&look);
	row.state = ROUSE_TASK_RUNNING;
	row.worker = 5;
	look_task(&look, row);
	look_awaits(&look, 20, &await, 1);
	look_end(&look);
	assert_non_null(strstr(
		draw(scene, 20), "> worker 5                                in poll 1 for 2.00s, resumed from a.c:10"));
}

/* Who could run it is the worker that is not busy; when all are, what they do is the answer. */
static void a_task_in_a_queue_is_followed_to_the_workers(void **state)
{
	struct scene *scene = *state;
	struct look look = look_at(scene->model, 9 * S);
	struct task_row row = pending(20, 7);
	struct cn_chain chain;

	names(&look);
	row.state = ROUSE_TASK_SCHEDULED;
	row.last_waker = ROUSE_WAKE_TIMER;
	look_task(&look, row);
	row = pending(21, 8);
	row.state = ROUSE_TASK_RUNNING;
	look_task(&look, row);
	look.current_task = 21;
	look_end(&look);
	assert_int_equal(cn_diagnose(scene->model, NULL, scene->findings), 0);
	assert_int_equal(cn_chain_build(scene->model, scene->findings, 20, &chain), 0);
	assert_int_equal(chain.links[2].kind, CN_LINK_WORKER);
	assert_non_null(strstr(chain.links[1].text, "woken by a timer"));
	assert_non_null(strstr(chain.links[2].text, "in bob (21) for 2.00s"));
	assert_non_null(chain.finding);
	assert_int_equal(chain.finding->code, CN_FINDING_BLOCKED_WORKER);
	cn_chain_free(&chain);

	look = look_at(scene->model, 10 * S); /* the worker is free: nothing to blame */
	row = pending(20, 7);
	row.state = ROUSE_TASK_SCHEDULED;
	look_task(&look, row);
	look_end(&look);
	assert_int_equal(cn_diagnose(scene->model, NULL, scene->findings), 0);
	assert_int_equal(cn_chain_build(scene->model, scene->findings, 20, &chain), 0);
	assert_null(chain.finding);
	cn_chain_free(&chain);
}

static void a_chain_without_end_is_cut(void **state)
{
	enum { N = 200 };
	struct scene *scene = *state;
	struct look look = look_at(scene->model, 9 * S);
	struct cn_chain chain;

	names(&look);
	for (uint64_t i = 0; i < N; i++) {
		struct await_row await = { .type = 3,
			.op = ROUSE_OP_JOIN,
			.wait_state = ROUSE_WAIT_WAITING,
			.resource = 21 + i,
			.waker_task = 20 + i };

		look_task(&look, pending(20 + i, 7));
		look_awaits(&look, 20 + i, &await, 1);
	}
	look_end(&look);
	assert_int_equal(cn_chain_build(scene->model, NULL, 20, &chain), 0);
	assert_true(chain.truncated);
	assert_true(chain.n < 400);
	cn_chain_free(&chain);
	assert_int_equal(cn_chain_build(scene->model, NULL, 9999, &chain), -ENOENT);
}

static void names_from_the_target_cannot_reach_the_terminal(void **state)
{
	struct scene *scene = *state;
	struct look look = look_at(scene->model, 9 * S);
	struct await_row await = { .type = 1, .at = 2 };
	const char *drawn;

	look_string(&look, 1, "\033[2Jowned\007");
	look_string(&look, 2, "a\nb");
	look_site(&look, (struct site_row){ .id = 1, .kind = ROUSE_SITE_LEAF, .name = 2, .file = 2, .line = 1 });
	look_site(&look, (struct site_row){ .id = 2, .kind = ROUSE_SITE_AWAIT, .name = 2, .file = 1, .line = 1 });
	look_task(&look, pending(20, 1));
	look_awaits(&look, 20, &await, 1);
	look_end(&look);
	drawn = draw(scene, 20);
	assert_null(strchr(drawn, '\033'));
	assert_null(strchr(drawn, '\007'));
	assert_non_null(strstr(drawn, "\\x1b[2Jowned\\x07"));
	assert_non_null(strstr(drawn, "a\\x0ab"));
}

#define T(name) cmocka_unit_test_setup_teardown(name, make, unmake)
TEST_MAIN(T(a_ring_is_drawn_until_it_closes), T(somebody_behind_a_ring_is_told_so), T(arms_of_a_select_branch),
	T(guesses_close_no_ring), T(roots_say_what_would_end_the_wait), T(a_running_task_is_followed_to_its_worker),
	T(a_task_in_a_queue_is_followed_to_the_workers), T(a_chain_without_end_is_cut),
	T(names_from_the_target_cannot_reach_the_terminal));
