/* SPDX-License-Identifier: MIT */
/* What the codec lets in, what it keeps out, and that both ends agree. */
#include "test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <frame.h>

static struct rp_decoder *decoder;

static int setup(void **state)
{
	(void)state;
	decoder = rp_decoder_new();
	return decoder ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	rp_decoder_free(decoder);
	return 0;
}

static int decode(const uint8_t *bytes, size_t n, const Rouse__V1__Frame **frame)
{
	/* A copy of its own, so that sanitizers see a read past the end. */
	uint8_t *copy = malloc(n ? n : 1);

	if (n)
		memcpy(copy, bytes, n);
	int rc = rp_frame_decode(decoder, copy, n, frame);

	free(copy);
	return rc;
}

static void tasks_frame(Rouse__V1__Frame *frame, Rouse__V1__Tasks *tasks, uint64_t *ids, uint32_t *states, size_t n)
{
	rouse__v1__frame__init(frame);
	rouse__v1__tasks__init(tasks);
	tasks->n_id = tasks->n_state = n;
	tasks->id = ids;
	tasks->state = states;
	frame->body_case = ROUSE__V1__FRAME__BODY_TASKS;
	frame->tasks = tasks;
}

static void a_frame_survives_the_way_there_and_back(void **state)
{
	uint64_t ids[] = { 16, UINT64_MAX, 0 };
	uint32_t states[] = { 1, 2, UINT32_MAX };
	uint8_t bytes[256];
	Rouse__V1__Frame frame;
	Rouse__V1__Tasks tasks;
	const Rouse__V1__Frame *back;
	size_t n, with_prefix;

	(void)state;
	tasks_frame(&frame, &tasks, ids, states, 3);
	assert_int_equal(rp_frame_pack(&frame, bytes, sizeof bytes, &n), 0);
	assert_int_equal(decode(bytes, n, &back), 0);
	assert_int_equal(back->body_case, ROUSE__V1__FRAME__BODY_TASKS);
	assert_int_equal(back->tasks->n_id, 3);
	assert_true(back->tasks->id[1] == UINT64_MAX);
	assert_int_equal(back->tasks->state[2], UINT32_MAX);
	assert_int_equal(back->tasks->n_polls, 0);
	assert_int_equal(rp_frame_encode(&frame, bytes, sizeof bytes, &with_prefix), 0);
	assert_int_equal(with_prefix, n + 1);
	assert_int_equal(bytes[0], n);
}

static void packing_says_when_there_is_no_room(void **state)
{
	static uint64_t ids[8000];
	static uint8_t bytes[2 * RP_FRAME_MAX];
	Rouse__V1__Frame frame;
	Rouse__V1__Tasks tasks;
	size_t n, whole;

	(void)state;
	memset(ids, 0xff, sizeof ids);
	tasks_frame(&frame, &tasks, ids, NULL, 8000);
	tasks.n_state = 0;
	assert_int_equal(rp_frame_pack(&frame, bytes, sizeof bytes, &n), -EMSGSIZE);
	assert_int_equal(rp_frame_encode(&frame, bytes, sizeof bytes, &n), -EMSGSIZE);
	tasks.n_id = 10;
	assert_int_equal(rp_frame_pack(&frame, bytes, sizeof bytes, &whole), 0);
	assert_int_equal(rp_frame_pack(&frame, bytes, whole - 1, &n), -ENOBUFS);
	assert_int_equal(rp_frame_pack(&frame, bytes, whole, &n), 0);
	assert_int_equal(rp_frame_encode(&frame, bytes, whole, &n), -ENOBUFS);
	assert_int_equal(rp_frame_encode(&frame, bytes, whole + 1, &n), 0);
}

static void prefixes_are_varints(void **state)
{
	uint8_t out[RP_PREFIX_MAX];

	(void)state;
	assert_int_equal(rp_prefix_encode(out, 1), 1);
	assert_int_equal(out[0], 1);
	assert_int_equal(rp_prefix_encode(out, 127), 1);
	assert_int_equal(rp_prefix_encode(out, 128), 2);
	assert_int_equal(out[0], 0x80);
	assert_int_equal(out[1], 1);
	assert_int_equal(rp_prefix_encode(out, RP_FRAME_MAX), 3);
}

static void every_truncation_is_refused(void **state)
{
	uint64_t ids[] = { 1, 2, 3, 400 };
	uint32_t states[] = { 1, 2, 3, 4 };
	uint8_t bytes[256];
	Rouse__V1__Frame frame;
	Rouse__V1__Tasks tasks;
	const Rouse__V1__Frame *back = NULL;
	size_t n;

	(void)state;
	tasks_frame(&frame, &tasks, ids, states, 4);
	assert_int_equal(rp_frame_pack(&frame, bytes, sizeof bytes, &n), 0);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(decode(bytes, i, &back), -EBADMSG);
	bytes[n] = 0;
	assert_int_equal(decode(bytes, n + 1, &back), -EBADMSG);
	assert_null(back);
}

static void a_frame_longer_than_the_limit_is_refused(void **state)
{
	static uint8_t bytes[RP_FRAME_MAX + 1];
	const Rouse__V1__Frame *back;

	(void)state;
	assert_int_equal(decode(bytes, sizeof bytes, &back), -EMSGSIZE);
}

/* Fills a frame with `unit` repeated inside the body of field `body`. */
static size_t fill(uint8_t *bytes, uint8_t body, const uint8_t *unit, size_t unit_bytes, size_t units)
{
	size_t n = 0, length = units * unit_bytes;

	bytes[n++] = (uint8_t)(body << 3 | 2);
	n += rp_prefix_encode(bytes + n, length);
	for (size_t i = 0; i < units; i++, n += unit_bytes)
		memcpy(bytes + n, unit, unit_bytes);
	return n;
}

static void bytes_that_would_become_much_memory_are_refused(void **state)
{
	static uint8_t bytes[RP_FRAME_MAX];
	const uint8_t empty_text[] = { 2 << 3 | 2, 0 }, unknown[] = { 15 << 3 | 0, 1 };
	const Rouse__V1__Frame *back;
	size_t n = fill(bytes, 3, empty_text, 2, 32000);

	(void)state;
	assert_int_equal(decode(bytes, n, &back), -EMSGSIZE);
	n = fill(bytes, 6, unknown, 2, 32000);
	assert_int_equal(decode(bytes, n, &back), -EMSGSIZE);
	n = fill(bytes, 3, empty_text, 2, 500); /* what our own writers put into one frame */
	assert_int_equal(decode(bytes, n, &back), 0);
	assert_int_equal(back->strings->n_text, 500);
}

static void nesting_goes_no_deeper_than_the_schema(void **state)
{
	static uint8_t bytes[RP_FRAME_MAX];
	const Rouse__V1__Frame *back;
	const uint8_t group[] = { 6 << 3 | 3 };
	uint8_t inner[256];
	size_t n = fill(bytes, 6, group, 1, 60000);

	(void)state;
	assert_int_equal(decode(bytes, n, &back), -EBADMSG);
	/* A message in a message in a message, in a field nobody knows: bytes, whatever they say. */
	for (n = 0; n + 6 < sizeof inner; n += 3) {
		inner[n] = 0xf2; /* field 30, length-delimited */
		inner[n + 1] = 1;
		inner[n + 2] = (uint8_t)((sizeof inner - n - 6) & 0x7f);
	}
	memset(inner + n, 0, sizeof inner - n);
	inner[2] = 100;
	n = fill(bytes, 6, inner, 103, 1);
	assert_int_equal(decode(bytes, n, &back), 0);
	assert_int_equal(back->tasks->base.n_unknown_fields, 1);
}

static void two_bodies_are_not_a_frame(void **state)
{
	const uint8_t lost_twice[] = { 13 << 3 | 2, 2, 8, 1, 13 << 3 | 2, 2, 8, 1 };
	const Rouse__V1__Frame *back;

	(void)state;
	assert_int_equal(decode(lost_twice, 4, &back), 0);
	assert_int_equal(back->lost->events, 1);
	assert_int_equal(decode(lost_twice, 8, &back), -EBADMSG);
}

static void a_body_of_a_newer_version_is_passed_over(void **state)
{
	const uint8_t newer[] = { 0x82, 0x06, 2, 8, 1 }; /* field 96 */
	const Rouse__V1__Frame *back;

	(void)state;
	assert_int_equal(decode(newer, sizeof newer, &back), 0);
	assert_int_equal(back->body_case, ROUSE__V1__FRAME__BODY__NOT_SET);
}

static void a_column_of_a_newer_version_is_passed_over(void **state)
{
	/* Tasks { id: [5], state: [3], field 60: [1] } */
	const uint8_t newer[] = { 6 << 3 | 2, 10, 0x0a, 1, 5, 0x12, 1, 3, 0xe2, 0x03, 1, 1 };
	const Rouse__V1__Frame *back;

	(void)state;
	assert_int_equal(decode(newer, sizeof newer, &back), 0);
	assert_int_equal(back->tasks->n_id, 1);
	assert_int_equal(back->tasks->state[0], 3);
}

static void columns_of_unequal_length_are_refused(void **state)
{
	uint64_t ids[] = { 1, 2, 3 };
	uint32_t states[] = { 1, 2, 3 };
	Rouse__V1__Frame frame;
	Rouse__V1__Tasks tasks;

	(void)state;
	tasks_frame(&frame, &tasks, ids, states, 3);
	assert_int_equal(rp_frame_validate(&frame), 0);
	tasks.n_state = 2;
	assert_int_equal(rp_frame_validate(&frame), -EBADMSG);
	tasks.n_state = 0; /* an absent column is "unknown" */
	assert_int_equal(rp_frame_validate(&frame), 0);
	tasks.n_state = 3;
	tasks.n_id = 0; /* but rows without a key are nothing */
	assert_int_equal(rp_frame_validate(&frame), -EBADMSG);
	tasks.n_id = 3;
	tasks.n_frame_bytes = 4; /* the last column counts like the first */
	assert_int_equal(rp_frame_validate(&frame), -EBADMSG);
}

static void wide_columns_have_as_many_entries_as_rows_times_width(void **state)
{
	Rouse__V1__Frame frame = ROUSE__V1__FRAME__INIT;
	Rouse__V1__Workers workers = ROUSE__V1__WORKERS__INIT;
	Rouse__V1__Histograms histograms = ROUSE__V1__HISTOGRAMS__INIT;

	(void)state;
	frame.body_case = ROUSE__V1__FRAME__BODY_WORKERS;
	frame.workers = &workers;
	workers.n_index = workers.n_tid = 2;
	workers.counter_columns = 26;
	workers.n_counters = 52;
	assert_int_equal(rp_frame_validate(&frame), 0);
	workers.n_counters = 51;
	assert_int_equal(rp_frame_validate(&frame), -EBADMSG);
	workers.n_counters = 52;
	workers.counter_columns = 0x80000001u; /* times two is two, in 32 bits */
	assert_int_equal(rp_frame_validate(&frame), -EBADMSG);
	frame.body_case = ROUSE__V1__FRAME__BODY_HISTOGRAMS;
	frame.histograms = &histograms;
	histograms.buckets = 40;
	histograms.n_site = histograms.n_task = 3;
	histograms.n_poll = histograms.n_delay = 120;
	assert_int_equal(rp_frame_validate(&frame), 0);
	histograms.n_delay = 3;
	assert_int_equal(rp_frame_validate(&frame), -EBADMSG);
}

static int validate_chain(uint64_t *tasks, uint32_t *depth, uint32_t *parent, size_t n)
{
	Rouse__V1__Frame frame = ROUSE__V1__FRAME__INIT;
	Rouse__V1__AwaitFrames awaits = ROUSE__V1__AWAIT_FRAMES__INIT;

	frame.body_case = ROUSE__V1__FRAME__BODY_AWAITS;
	frame.awaits = &awaits;
	awaits.n_task = n;
	awaits.n_depth_index = depth ? n : 0;
	awaits.n_parent = parent ? n : 0;
	awaits.task = tasks;
	awaits.depth_index = depth;
	awaits.parent = parent;
	return rp_frame_validate(&frame);
}

static void await_frames_that_are_no_tree_are_refused(void **state)
{
	uint64_t tasks[] = { 5, 5, 5, 6, 6 };
	uint32_t depth[] = { 0, 1, 2, 0, 1 }, parent[] = { 0, 0, 1, 0, 0 };

	(void)state;
	assert_int_equal(validate_chain(tasks, depth, parent, 5), 0);
	assert_int_equal(validate_chain(tasks, NULL, parent, 5), -EBADMSG);
	assert_int_equal(validate_chain(tasks, depth, NULL, 5), -EBADMSG);
	parent[1] = 1; /* its own parent */
	assert_int_equal(validate_chain(tasks, depth, parent, 5), -EBADMSG);
	parent[1] = 2; /* a cycle of two */
	assert_int_equal(validate_chain(tasks, depth, parent, 5), -EBADMSG);
	parent[1] = 0;
	parent[0] = 1;
	assert_int_equal(validate_chain(tasks, depth, parent, 5), -EBADMSG);
	parent[0] = 0;
	depth[3] = 3; /* another task begins at its root */
	assert_int_equal(validate_chain(tasks, depth, parent, 5), -EBADMSG);
	depth[3] = 0;
	depth[2] = 3; /* a gap */
	assert_int_equal(validate_chain(tasks, depth, parent, 5), -EBADMSG);
}

static void any_bytes_at_all_give_a_frame_or_an_error(void **state)
{
	uint64_t random = test_seed();
	uint8_t bytes[512];
	const Rouse__V1__Frame *back;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		size_t n = test_random(&random) % sizeof bytes;

		for (size_t j = 0; j < n; j++)
			bytes[j] = (uint8_t)test_random(&random);
		if (n > 3 && i % 2) { /* half of them get past the envelope */
			bytes[0] = (uint8_t)((1 + i % 15) << 3 | 2);
			n = 3 + (n - 3) % 125;
			bytes[1] = (uint8_t)(n - 2);
		}
		int rc = decode(bytes, n, &back);

		assert_true(rc == 0 || rc == -EBADMSG || rc == -EMSGSIZE);
		if (rc == 0)
			assert_int_equal(rp_frame_validate(back), 0);
	}
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)
TEST_MAIN(TEST(a_frame_survives_the_way_there_and_back), TEST(packing_says_when_there_is_no_room),
	TEST(prefixes_are_varints), TEST(every_truncation_is_refused), TEST(a_frame_longer_than_the_limit_is_refused),
	TEST(bytes_that_would_become_much_memory_are_refused),
	TEST(nesting_goes_no_deeper_than_the_schema), TEST(two_bodies_are_not_a_frame),
	TEST(a_body_of_a_newer_version_is_passed_over), TEST(a_column_of_a_newer_version_is_passed_over),
	TEST(columns_of_unequal_length_are_refused), TEST(wide_columns_have_as_many_entries_as_rows_times_width),
	TEST(await_frames_that_are_no_tree_are_refused), TEST(any_bytes_at_all_give_a_frame_or_an_error));
