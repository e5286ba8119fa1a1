/* SPDX-License-Identifier: MIT */
/* Await chains: what is said of them, when they may be trusted, and that no chain can hold the reader. */
#include "test.h"

#include <string.h>

#include "fake.h"
#include "stream.h"

struct target {
	struct fake fake;
	struct rouse_inspect *inspect;
	struct stream stream;
	uint64_t chunk;
	uint64_t cell; /* of task 20 */
	uint64_t root; /* its frame */
};

static int setup(void **state)
{
	static struct target t;

	fake_init(&t.fake);
	stream_init(&t.stream);
	t.chunk = fake_chunk(&t.fake, ROUSE_CHUNK_TASK, FAKE_STRIDE);
	t.cell = fake_task(&t.fake, t.chunk, FAKE_STRIDE, 1, 20);
	t.root = t.cell + ROUSE_CELL_BYTES;
	assert_int_equal(fake_open(&t.fake, &t.inspect), 0);
	*state = &t;
	return 0;
}

static int teardown(void **state)
{
	struct target *t = *state;

	rouse_inspect_close(t->inspect);
	stream_fini(&t->stream);
	fake_fini(&t->fake);
	return 0;
}

static void look(struct target *t)
{
	stream_clear(&t->stream);
	assert_int_equal(rouse_inspect_look(t->inspect, NULL, stream_take, &t->stream), 0);
}

static uint32_t task_column(struct target *t, size_t offset)
{
	size_t row;
	const Rouse__V1__Tasks *tasks = stream_task(&t->stream, 20, &row);

	assert_non_null(tasks);
	return (*(uint32_t *const *)(const void *)((const char *)tasks + offset))[row];
}
#define VALID(T) task_column((T), offsetof(Rouse__V1__Tasks, valid))
#define OWN_WAKERS(T) task_column((T), offsetof(Rouse__V1__Tasks, own_wakers))

static struct rouse_future_record *frame(struct target *t, uint64_t address)
{
	return fake_at(&t->fake, address);
}

static struct rouse_cell_record *cell(struct target *t)
{
	return fake_at(&t->fake, t->cell);
}

/* main -> child -> lock, all inside the cell's slot. */
static uint64_t build_chain(struct target *t)
{
	uint64_t child = t->root + 96, leaf = child + 64;

	fake_frame(&t->fake, child, FAKE_CHILD_TYPE, t->root);
	fake_frame(&t->fake, leaf, FAKE_LEAF_TYPE, child);
	frame(t, t->root)->at = fake_site_address(FAKE_AWAIT_SITE);
	frame(t, child)->at = fake_site_address(FAKE_SELECT_SITE);
	fake_wait(&t->fake, leaf, t->cell, 31);
	return leaf;
}

static void a_chain_is_told_from_the_root_to_what_the_leaf_waits_for(void **state)
{
	struct target *t = *state;
	size_t row, rows;

	build_chain(t);
	look(t);
	const Rouse__V1__AwaitFrames *a = stream_awaits(&t->stream, 20, &row, &rows);

	assert_int_equal(rows, 3);
	assert_int_equal(a->type[row], FAKE_MAIN_TYPE);
	assert_int_equal(a->at[row], FAKE_AWAIT_SITE);
	assert_int_equal(a->parent[row], 0);
	assert_int_equal(a->type[row + 1], FAKE_CHILD_TYPE);
	assert_int_equal(a->at[row + 1], FAKE_SELECT_SITE);
	assert_int_equal(a->parent[row + 1], 0);
	assert_int_equal(a->type[row + 2], FAKE_LEAF_TYPE);
	assert_int_equal(a->at[row + 2], 0);
	assert_int_equal(a->parent[row + 2], 1);
	assert_int_equal(a->depth_index[row + 2], 2);
	assert_int_equal(a->op[row + 2], ROUSE_OP_LOCK);
	assert_int_equal(a->wait_state[row + 2], ROUSE_WAIT_WAITING);
	assert_int_equal(a->resource[row + 2], 31);
	assert_int_equal(a->since_ns[row + 2], FAKE_ANCHOR_NS + 200 * FAKE_TICK_NS);
	assert_int_equal(a->poll[row + 2], 1);
	assert_int_equal(a->waker_task[row + 2], 20);
	assert_int_equal(VALID(t), 1);
	assert_int_equal(OWN_WAKERS(t), 0);
}

static void arms_of_a_select_hang_from_one_parent(void **state)
{
	struct target *t = *state;
	size_t row, rows;

	for (uint64_t i = 0; i < 3; i++)
		fake_frame(&t->fake, fake_alloc(&t->fake, 128), FAKE_LEAF_TYPE, t->root);
	look(t);
	const Rouse__V1__AwaitFrames *a = stream_awaits(&t->stream, 20, &row, &rows);

	assert_int_equal(rows, 4);
	for (size_t i = 1; i < 4; i++)
		assert_int_equal(a->parent[row + i], 0);
	assert_int_equal(VALID(t), 1);
}

static void wakers_of_others_are_told_apart(void **state)
{
	struct target *t = *state;
	uint64_t leaf = build_chain(t), other = fake_task(&t->fake, t->chunk, FAKE_STRIDE, 5, 77);
	struct rouse_wait_record *wait = fake_at(&t->fake, leaf + 48);
	size_t row, rows;

	wait->waker_data = other;
	look(t);
	assert_int_equal(stream_awaits(&t->stream, 20, &row, &rows)->waker_task[row + 2], 77);
	wait->waker_vtable = 0x1234;
	look(t);
	assert_true(stream_awaits(&t->stream, 20, &row, &rows)->waker_task[row + 2] == UINT64_MAX);
	wait->waker_vtable = 0;
	look(t);
	assert_int_equal(stream_awaits(&t->stream, 20, &row, &rows)->waker_task[row + 2], 0);
}

static void own_wakers_are_those_outside_the_nodes_it_waits_with(void **state)
{
	struct target *t = *state;
	uint64_t leaf = build_chain(t);
	struct rouse_wait_record *wait = fake_at(&t->fake, leaf + 48);
	uint64_t *stored = fake_at(&t->fake, t->root + 32);

	stored[0] = t->cell;
	stored[1] = FAKE_TASK_VTABLE;
	look(t);
	assert_int_equal(OWN_WAKERS(t), 1);
	wait->state = ROUSE_WAIT_IDLE; /* a stale copy in a node that waits no more is a waker like any other */
	look(t);
	assert_int_equal(OWN_WAKERS(t), 2);
	cell(t)->state &= ~ROUSE_WAKER_MASK; /* no reference is out: what looks like wakers are none */
	look(t);
	assert_int_equal(OWN_WAKERS(t), 0);
}

static void own_wakers_are_found_in_boxed_frames_too(void **state)
{
	struct target *t = *state;
	uint64_t boxed = fake_alloc(&t->fake, 128);
	uint64_t *stored = fake_at(&t->fake, boxed + 112);

	fake_frame(&t->fake, boxed, FAKE_CHILD_TYPE, t->root);
	stored[0] = t->cell;
	stored[1] = FAKE_TASK_VTABLE;
	cell(t)->state += ROUSE_WAKER_ONE;
	look(t);
	assert_int_equal(OWN_WAKERS(t), 1);
	frame(t, boxed)->type = fake_site_address(FAKE_LEAF_TYPE);
	stored[-1] = t->cell; /* the pair now straddles the end of what is the frame's */
	fake_site(&t->fake, FAKE_CHILD_TYPE)->frame_bytes = 120;
	look(t);
	assert_int_equal(OWN_WAKERS(t), 1);
}

static void a_running_task_shows_where_it_resumed_untrusted(void **state)
{
	struct target *t = *state;
	size_t row, rows;

	frame(t, t->root)->at = fake_site_address(FAKE_AWAIT_SITE);
	cell(t)->state |= ROUSE_RUNNING;
	look(t);
	assert_int_equal(stream_awaits(&t->stream, 20, &row, &rows)->at[row], FAKE_AWAIT_SITE);
	assert_int_equal(VALID(t), 0);
	assert_int_equal(stream_end(&t->stream)->torn, 0);
}

static void an_ended_task_has_no_chain_behind_its_root(void **state)
{
	struct target *t = *state;
	size_t row, rows;

	build_chain(t);
	cell(t)->state |= ROUSE_COMPLETE;
	look(t);
	stream_awaits(&t->stream, 20, &row, &rows);
	assert_int_equal(rows, 1);
}

/* ------------------------------------------------------------ torn looks */

struct tear {
	struct target *target;
	uint64_t at;    /* which read of the window */
	uint64_t seen;
	void (*change)(struct target *t);
};

static void tear_window(struct fake *fake, uint64_t address, size_t bytes, void *arg)
{
	struct tear *tear = arg;

	(void)fake;
	if (address <= tear->target->cell && tear->target->cell - address < bytes && ++tear->seen == tear->at)
		tear->change(tear->target);
}

static void poll_once_more(struct target *t)
{
	cell(t)->polls++;
	cell(t)->state += 2 * ROUSE_STAMP_ONE;
}

static void wake(struct target *t)
{
	cell(t)->state = (cell(t)->state | ROUSE_NOTIFIED) + ROUSE_STAMP_ONE;
}

static void replace(struct target *t)
{
	cell(t)->id = 21;
}

static void look_torn(struct target *t, uint64_t at, void (*change)(struct target *t))
{
	struct tear tear = { t, at, 0, change };

	t->fake.on_read = tear_window;
	t->fake.on_read_arg = &tear;
	look(t);
	t->fake.on_read = NULL;
	assert_true(tear.seen >= at);
}

static void a_task_that_was_polled_between_the_looks_is_not_trusted(void **state)
{
	struct target *t = *state;

	build_chain(t);
	look_torn(t, 2, poll_once_more);
	assert_int_equal(VALID(t), 0);
	assert_int_equal(stream_end(&t->stream)->torn, 1);
	look(t);
	assert_int_equal(VALID(t), 1);
}

static void a_task_that_was_woken_between_the_looks_is_not_trusted(void **state)
{
	struct target *t = *state;

	look_torn(t, 2, wake);
	assert_int_equal(VALID(t), 0);
}

static void a_slot_that_changed_hands_between_the_looks_is_not_trusted(void **state)
{
	struct target *t = *state;

	look_torn(t, 2, replace);
	assert_int_equal(VALID(t), 0);
}

static void a_boxed_frame_is_vouched_for_by_a_third_look(void **state)
{
	struct target *t = *state;

	fake_frame(&t->fake, fake_alloc(&t->fake, 128), FAKE_CHILD_TYPE, t->root);
	look_torn(t, 3, poll_once_more);
	assert_int_equal(VALID(t), 0);
	look(t);
	assert_int_equal(VALID(t), 1);
}

static void an_untrusted_row_is_sent_again_though_nothing_changed(void **state)
{
	struct target *t = *state;
	const struct rouse_look_opts opts = { .size = sizeof opts, .changes_only = true };

	look_torn(t, 2, poll_once_more);
	cell(t)->polls--; /* back to what the first look had seen */
	cell(t)->state -= 2 * ROUSE_STAMP_ONE;
	stream_clear(&t->stream);
	assert_int_equal(rouse_inspect_look(t->inspect, &opts, stream_take, &t->stream), 0);
	assert_int_equal(VALID(t), 1);
}

/* A granter takes the task in hand after our first look and has let go of it before the workers are told. */
static void grant(struct fake *fake, uint64_t address, size_t bytes, void *arg)
{
	struct target *t = arg;
	struct rouse_worker_record *worker = fake_worker(fake, 0);
	uint64_t record = FAKE_BASE + (uint64_t)((uint8_t *)worker - fake->image);
	static uint64_t window_reads;

	if (address <= t->cell && t->cell - address < bytes)
		window_reads++;
	if (address <= record && record - address < bytes)
		worker->in_transit = window_reads == 1 ? 20 : 0;
}

static void a_task_in_a_hand_between_the_looks_is_seen_there(void **state)
{
	struct target *t = *state;

	t->fake.on_read = grant;
	t->fake.on_read_arg = t;
	look(t);
	const Rouse__V1__Workers *w = stream_find(&t->stream, ROUSE__V1__FRAME__BODY_WORKERS, 0)->workers;

	assert_int_equal(w->in_transit[0], 20);
	assert_int_equal(w->in_transit[1], 0);
}

static void two_tasks_in_one_hand_during_a_look_are_several(void **state)
{
	struct target *t = *state;
	uint64_t chunk = fake_chunk(&t->fake, ROUSE_CHUNK_TASK, FAKE_STRIDE);

	(void)state;
	fake_task(&t->fake, chunk, FAKE_STRIDE, 0, 50);
	fake_worker(&t->fake, 0)->in_transit = UINT64_MAX;
	fake_page(&t->fake)->foreign_in_transit = 1;
	look(t);
	const Rouse__V1__Workers *w = stream_find(&t->stream, ROUSE__V1__FRAME__BODY_WORKERS, 0)->workers;

	assert_true(w->in_transit[0] == UINT64_MAX);
	assert_true(w->in_transit[FAKE_WORKERS] == UINT64_MAX);
}

/* ---------------------------------------------------------------- hostile */

static void a_cycle_of_awaiting_ends_and_is_not_trusted(void **state)
{
	struct target *t = *state;
	uint64_t child = t->root + 96;
	size_t row, rows;

	fake_frame(&t->fake, child, FAKE_CHILD_TYPE, t->root);
	frame(t, child)->awaiting = t->root;
	look(t);
	stream_awaits(&t->stream, 20, &row, &rows);
	assert_int_equal(rows, 2);
	assert_int_equal(VALID(t), 0);
}

static void a_cycle_of_siblings_ends_and_is_not_trusted(void **state)
{
	struct target *t = *state;
	uint64_t child = t->root + 96;

	fake_frame(&t->fake, child, FAKE_CHILD_TYPE, t->root);
	frame(t, child)->sibling = child;
	look(t);
	assert_int_equal(VALID(t), 0);
}

static void a_chain_too_deep_or_too_wide_is_cut_and_said_to_be(void **state)
{
	struct target *t = *state;
	uint64_t at = t->root;
	size_t row, rows;

	for (int i = 0; i < 100; i++) {
		uint64_t child = fake_alloc(&t->fake, 64);

		fake_frame(&t->fake, child, FAKE_CHILD_TYPE, at);
		at = child;
	}
	look(t);
	stream_awaits(&t->stream, 20, &row, &rows);
	assert_int_equal(rows, 64);
	assert_int_equal(VALID(t), 0);
	assert_false(stream_end(&t->stream)->complete);
	frame(t, t->root)->awaiting = 0;
	for (int i = 0; i < 300; i++)
		fake_frame(&t->fake, fake_alloc(&t->fake, 64), FAKE_CHILD_TYPE, t->root);
	look(t);
	stream_awaits(&t->stream, 20, &row, &rows);
	assert_int_equal(rows, 256);
	assert_int_equal(VALID(t), 0);
}

static void frames_of_unknown_type_or_place_are_not_trusted(void **state)
{
	struct target *t = *state;
	const uint64_t nowhere[] = { 8, UINT64_MAX - 7, FAKE_BASE + FAKE_BYTES - 8, FAKE_BASE + 3 };
	size_t row, rows;

	for (size_t i = 0; i < sizeof nowhere / sizeof nowhere[0]; i++) {
		frame(t, t->root)->awaiting = nowhere[i];
		look(t);
		assert_int_equal(VALID(t), 0);
	}
	frame(t, t->root)->awaiting = 0;
	frame(t, t->root)->type = fake_site_address(FAKE_AWAIT_SITE); /* a site, but not a type */
	look(t);
	assert_int_equal(VALID(t), 0);
	assert_int_equal(stream_awaits(&t->stream, 20, &row, &rows)->type[row], 0);
	cell(t)->future = 0;
	look(t);
	assert_int_equal(VALID(t), 0);
}

static void names_that_lead_nowhere_are_no_names(void **state)
{
	struct target *t = *state;
	const uint32_t offsets[] = { UINT32_MAX, FAKE_BYTES - 1, FAKE_BYTES };
	size_t row;

	for (size_t i = 0; i < sizeof offsets / sizeof offsets[0]; i++) {
		cell(t)->name_offset = offsets[i];
		look(t);
		const Rouse__V1__Tasks *tasks = stream_task(&t->stream, 20, &row);

		assert_int_equal(tasks->name[row], 0);
	}
	/* Not terminated: up to 255 bytes of it, or to the end of what may be read. */
	cell(t)->name_offset = (uint32_t)(t->chunk + FAKE_STRIDE * (FAKE_CELLS - 1) - t->cell);
	memset(fake_at(&t->fake, t->cell + cell(t)->name_offset), 0, FAKE_STRIDE);
	memset(fake_at(&t->fake, t->cell + cell(t)->name_offset + 300), 'x', FAKE_STRIDE - 300);
	cell(t)->name_offset += 300;
	look(t);
	const Rouse__V1__Tasks *tasks = stream_task(&t->stream, 20, &row);

	assert_int_equal(strlen(stream_text(&t->stream, tasks->name[row])), FAKE_STRIDE - 300);
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)
TEST_MAIN(TEST(a_chain_is_told_from_the_root_to_what_the_leaf_waits_for), TEST(arms_of_a_select_hang_from_one_parent),
	TEST(wakers_of_others_are_told_apart), TEST(own_wakers_are_those_outside_the_nodes_it_waits_with),
	TEST(own_wakers_are_found_in_boxed_frames_too), TEST(a_running_task_shows_where_it_resumed_untrusted),
	TEST(an_ended_task_has_no_chain_behind_its_root),
	TEST(a_task_that_was_polled_between_the_looks_is_not_trusted),
	TEST(a_task_that_was_woken_between_the_looks_is_not_trusted),
	TEST(a_slot_that_changed_hands_between_the_looks_is_not_trusted),
	TEST(a_boxed_frame_is_vouched_for_by_a_third_look),
	TEST(an_untrusted_row_is_sent_again_though_nothing_changed),
	TEST(a_task_in_a_hand_between_the_looks_is_seen_there),
	TEST(two_tasks_in_one_hand_during_a_look_are_several), TEST(a_cycle_of_awaiting_ends_and_is_not_trusted),
	TEST(a_cycle_of_siblings_ends_and_is_not_trusted), TEST(a_chain_too_deep_or_too_wide_is_cut_and_said_to_be),
	TEST(frames_of_unknown_type_or_place_are_not_trusted), TEST(names_that_lead_nowhere_are_no_names));
