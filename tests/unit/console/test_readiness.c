/* SPDX-License-Identifier: MIT */
/* Something lies in a socket's buffer, and the task that waits for it sleeps. */
#include "test.h"

#include "stage.h"

#include <string.h>

enum { READER = 20, SOCKET = 60 };

static const uint64_t *wants(const struct stage *stage, size_t *ret_n)
{
	const uint64_t *ids;

	*ret_n = cn_findings_wants(stage->findings, &ids);
	return ids;
}

static bool is_wanted(const struct stage *stage, uint64_t id)
{
	size_t n;
	const uint64_t *ids = wants(stage, &n);

	for (size_t i = 0; i < n; i++)
		if (ids[i] == id)
			return true;
	return false;
}

/* A look whose answer for that socket is there, if it was asked for. */
static void look(struct stage *stage, uint64_t now_ns, uint64_t serial, uint64_t bytes)
{
	if (is_wanted(stage, serial)) {
		stage->socket = (struct socket_row){ .serial = serial, .rx_bytes = bytes };
		stage->has_socket = true;
	}
	for (uint32_t i = 0; i < stage->n_workers; i++)
		stage->workers[i].counters.driver_turns++;
	stage_look(stage, now_ns);
	stage->has_socket = false;
}

static void set_up(struct stage *stage, uint32_t op)
{
	stage_worker(stage, ROUSE_WORKER_DRIVER);
	stage->begin.driver_worker = 1;
	stage_resource(stage, SOCKET, ROUSE_RESOURCE_SOCKET)->value = 7;
	stage_waits(stage, READER, op, SOCKET);
}

static void looks(struct stage *stage, uint64_t bytes, int n)
{
	for (int i = 0; i < n; i++)
		look(stage, (5 + (uint64_t)i) * S, SOCKET, bytes);
}

static void bytes_that_lie_for_a_second_while_the_reader_sleeps_are_told(void **state)
{
	static const uint32_t ops[] = { ROUSE_OP_READ, ROUSE_OP_ACCEPT };
	struct stage *stage;
	const struct cn_finding *f;

	for (int i = 0; i < 2; i++) {
		stage = *state;
		set_up(stage, ops[i]);
		looks(stage, 4, 3);
		stage_silent(stage);
		look(stage, 8 * S, SOCKET, 4);
		f = stage_finding(stage, CN_FINDING_LOST_READINESS);
		assert_non_null(f);
		assert_int_equal(f->class, CN_LIKELY);
		assert_int_equal(f->tasks[0], READER);
		assert_int_equal(f->resource, SOCKET);
		assert_int_equal(f->line, AWAIT_LINE);
		assert_non_null(strstr(f->evidence, "(fd 7); in the kernel 4 bytes have been there for at least"));
		stage_again(state);
	}
}

static void an_empty_buffer_is_how_readers_wait(void **state)
{
	struct stage *stage = *state;

	set_up(stage, ROUSE_OP_READ);
	looks(stage, 0, 10);
	stage_silent(stage);
}

static void what_comes_and_goes_is_read(void **state)
{
	struct stage *stage = *state;

	set_up(stage, ROUSE_OP_READ);
	for (uint64_t i = 0; i < 10; i++)
		look(stage, (5 + i) * S, SOCKET, 4 + i);
	stage_silent(stage);
}

static void a_reader_that_moves_reads(void **state)
{
	struct stage *stage = *state;

	set_up(stage, ROUSE_OP_READ);
	for (uint64_t i = 0; i < 10; i++) {
		stage_task(stage, READER)->polls++;
		stage_task(stage, READER)->edge_ns = (5 + i) * S;
		look(stage, (5 + i) * S, SOCKET, 4);
	}
	stage_silent(stage);
}

static void readiness_that_the_runtime_has_is_not_lost(void **state)
{
	struct stage *stage = *state;

	set_up(stage, ROUSE_OP_READ);
	stage->resources[0].flags = ROUSE_RESOURCE_READABLE;
	looks(stage, 4, 10);
	assert_null(stage_finding(stage, CN_FINDING_LOST_READINESS));
	assert_false(is_wanted(stage, SOCKET));
}

/* Then that is what is wrong. */
static void while_nobody_watches_nothing_is_lost(void **state)
{
	struct stage *stage = *state;

	set_up(stage, ROUSE_OP_READ);
	stage->begin.driver_worker = 0;
	for (uint64_t i = 0; i < 10; i++) {
		if (is_wanted(stage, SOCKET))
			stage->socket = (struct socket_row){ .serial = SOCKET, .rx_bytes = 4 };
		stage->has_socket = is_wanted(stage, SOCKET);
		stage_look(stage, (5 + i) * S);
	}
	assert_null(stage_finding(stage, CN_FINDING_LOST_READINESS));
}

/* A few at a time, in turn. */
static void among_many_at_rest_it_is_found(void **state)
{
	struct stage *stage = *state;
	const uint64_t sick = SOCKET + 20;
	size_t n;

	stage_worker(stage, ROUSE_WORKER_DRIVER);
	stage->begin.driver_worker = 1;
	for (uint64_t i = 0; i < 30; i++) {
		stage_resource(stage, SOCKET + i, ROUSE_RESOURCE_SOCKET);
		stage_waits(stage, 1000 + i, ROUSE_OP_READ, SOCKET + i);
	}
	for (uint64_t i = 0; i < 60; i++) {
		wants(stage, &n);
		assert_true(n <= 4);
		look(stage, (5 + i) * S, sick, 4);
	}
	assert_non_null(stage_finding(stage, CN_FINDING_LOST_READINESS));
	assert_int_equal(stage_finding(stage, CN_FINDING_LOST_READINESS)->tasks[0], 1020);
}

TEST_MAIN(STAGED(bytes_that_lie_for_a_second_while_the_reader_sleeps_are_told),
	STAGED(an_empty_buffer_is_how_readers_wait), STAGED(what_comes_and_goes_is_read),
	STAGED(a_reader_that_moves_reads), STAGED(readiness_that_the_runtime_has_is_not_lost),
	STAGED(while_nobody_watches_nothing_is_lost), STAGED(among_many_at_rest_it_is_found));
