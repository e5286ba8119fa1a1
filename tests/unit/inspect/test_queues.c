/* SPDX-License-Identifier: MIT */
/* Which tasks a target's queues hold, whatever stands in them. */
#include "test.h"

#include <string.h>

#include "fake.h"
#include "stream.h"

struct target {
	struct fake fake;
	struct rouse_inspect *inspect;
	struct stream stream;
	uint64_t chunk; /* of tasks */
	struct rouse_queue_record *queue; /* of worker 1 */
};

static int setup(void **state)
{
	static struct target target;
	uint64_t queue;

	fake_init(&target.fake);
	stream_init(&target.stream);
	target.chunk = fake_chunk(&target.fake, ROUSE_CHUNK_TASK, FAKE_STRIDE);
	queue = fake_alloc(&target.fake, sizeof(struct rouse_queue_record));
	target.queue = fake_at(&target.fake, queue);
	fake_worker(&target.fake, 1)->queue = queue;
	assert_int_equal(fake_open(&target.fake, &target.inspect), 0);
	*state = &target;
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

static void look(struct target *t, bool changes_only)
{
	const struct rouse_look_opts opts = { .size = sizeof opts, .changes_only = changes_only };

	stream_clear(&t->stream);
	assert_int_equal(rouse_inspect_look(t->inspect, &opts, stream_take, &t->stream), 0);
}

static const Rouse__V1__Queues *queues(const struct target *t, size_t nth)
{
	const Rouse__V1__Frame *frame = stream_find(&t->stream, ROUSE__V1__FRAME__BODY_QUEUES, nth);

	return frame ? frame->queues : NULL;
}

static void hold(struct target *t, uint32_t index, uint64_t cell)
{
	t->queue->slots[index % ROUSE_QUEUE_SLOTS] = cell;
}

static void a_table_comes_also_when_nothing_is_queued(void **state)
{
	struct target *t = *state;

	for (int i = 0; i < 2; i++) {
		look(t, i > 0);
		assert_int_equal(stream_count(&t->stream, ROUSE__V1__FRAME__BODY_QUEUES), 1);
		assert_int_equal(queues(t, 0)->n_task, 0);
	}
}

static void the_ring_from_head_to_tail_then_the_lifo_slot(void **state)
{
	struct target *t = *state;
	const uint32_t head = UINT32_MAX - 1; /* the indices run over their end, and those of the ring too */

	for (uint32_t i = 0; i < 4; i++)
		hold(t, head + i, fake_task(&t->fake, t->chunk, FAKE_STRIDE, i, 20 + i));
	hold(t, head - 1, fake_task(&t->fake, t->chunk, FAKE_STRIDE, 5, 55)); /* popped before */
	hold(t, head + 4, fake_task(&t->fake, t->chunk, FAKE_STRIDE, 6, 66)); /* not pushed yet */
	t->queue->head = (uint64_t)(head - 1) << 32 | head; /* a thief still copies the slot before */
	t->queue->tail = head + 4;
	t->queue->lifo = fake_task(&t->fake, t->chunk, FAKE_STRIDE, 9, 99);
	for (int look_number = 0; look_number < 2; look_number++) {
		look(t, look_number > 0);
		const Rouse__V1__Queues *q = queues(t, 0);

		assert_int_equal(q->n_task, 5);
		for (size_t i = 0; i < 4; i++)
			assert_int_equal(q->task[i], 20 + i);
		assert_int_equal(q->task[4], 99);
		for (size_t i = 0; i < 5; i++)
			assert_int_equal(q->worker[i], 1);
		assert_true(stream_end(&t->stream)->complete);
	}
}

/* ------------------------------------------------------- what ids come from */

struct count {
	uint64_t from, to, reads;
};

static void count_reads(struct fake *fake, uint64_t address, size_t bytes, void *arg)
{
	struct count *count = arg;

	(void)fake;
	count->reads += bytes == 16 && address >= count->from && address < count->to;
}

static void cells_that_this_look_has_read_are_not_read_again(void **state)
{
	struct target *t = *state;
	struct count count = { 0 };

	for (uint32_t c = 0; c < 5; c++) {
		uint64_t chunk = fake_chunk(&t->fake, ROUSE_CHUNK_TASK, FAKE_STRIDE);

		count.from = count.from ? count.from : chunk;
		count.to = chunk + (uint64_t)FAKE_STRIDE * FAKE_CELLS;
		for (uint32_t i = 0; i < FAKE_CELLS; i++)
			hold(t, t->queue->tail++, fake_task(&t->fake, chunk, FAKE_STRIDE, i, 1000 + c * 100 + i));
	}
	t->fake.on_read = count_reads;
	t->fake.on_read_arg = &count;
	look(t, false);
	assert_int_equal(queues(t, 0)->n_task, 5 * FAKE_CELLS);
	for (uint32_t i = 0; i < 5 * FAKE_CELLS; i++)
		assert_int_equal(queues(t, 0)->task[i], 1000 + i / FAKE_CELLS * 100 + i % FAKE_CELLS);
	assert_int_equal(count.reads, 0);
}

static void chunks_that_come_later_are_found_too(void **state)
{
	struct target *t = *state;
	struct count count = { 0 };

	hold(t, t->queue->tail++, fake_task(&t->fake, t->chunk, FAKE_STRIDE, 0, 20));
	look(t, false);
	uint64_t chunk = fake_chunk(&t->fake, ROUSE_CHUNK_TASK, FAKE_STRIDE);

	hold(t, t->queue->tail++, fake_task(&t->fake, chunk, FAKE_STRIDE, 3, 30));
	count.from = chunk;
	count.to = chunk + (uint64_t)FAKE_STRIDE * FAKE_CELLS;
	t->fake.on_read = count_reads;
	t->fake.on_read_arg = &count;
	look(t, true);
	assert_int_equal(queues(t, 0)->n_task, 2);
	assert_int_equal(queues(t, 0)->task[1], 30);
	assert_int_equal(count.reads, 0);
}

/* A task that was spawned while the look went on: its slot was free when its window was read. */
static void spawn_late(struct fake *fake, uint64_t address, size_t bytes, void *arg)
{
	struct target *t = arg;

	(void)bytes;
	if (address == fake_worker(fake, 1)->queue && t->queue->tail == 0)
		hold(t, t->queue->tail++, fake_task(fake, t->chunk, FAKE_STRIDE, 7, 77));
}

static void a_slot_that_was_free_is_read_again(void **state)
{
	struct target *t = *state;

	t->fake.on_read = spawn_late;
	t->fake.on_read_arg = t;
	look(t, false);
	assert_int_equal(queues(t, 0)->n_task, 1);
	assert_int_equal(queues(t, 0)->task[0], 77);
}

/* --------------------------------------------------------------- hostility */

static void more_than_the_ring_holds_is_the_ring(void **state)
{
	struct target *t = *state;

	for (uint32_t i = 0; i < ROUSE_QUEUE_SLOTS; i++)
		hold(t, i, fake_task(&t->fake, t->chunk, FAKE_STRIDE, i % FAKE_CELLS, 20 + i % FAKE_CELLS));
	t->queue->tail = 0x80000000;
	look(t, false);
	assert_int_equal(queues(t, 0)->n_task, ROUSE_QUEUE_SLOTS);
	fake_worker(&t->fake, 0)->queue = fake_worker(&t->fake, 1)->queue; /* more rows than a frame has */
	look(t, false);
	assert_int_equal(stream_count(&t->stream, ROUSE__V1__FRAME__BODY_QUEUES), 2);
	assert_int_equal(queues(t, 0)->n_task + queues(t, 1)->n_task, 2 * ROUSE_QUEUE_SLOTS);
	assert_int_equal(queues(t, 0)->worker[0], 0);
	assert_int_equal(queues(t, 1)->worker[queues(t, 1)->n_task - 1], 1);
}

static void slots_that_hold_no_cell_have_no_row(void **state)
{
	struct target *t = *state;
	uint64_t resources = fake_chunk(&t->fake, ROUSE_CHUNK_RESOURCE, 192);
	uint64_t task = fake_task(&t->fake, t->chunk, FAKE_STRIDE, 0, 20);
	const uint64_t addresses[] = { 0, 8, UINT64_MAX - 7, resources, task + FAKE_STRIDE * (uint64_t)FAKE_CELLS, task + 16 };

	for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++)
		hold(t, t->queue->tail++, addresses[i]);
	/* A cell's middle is not the cell: what is read there is not the id of a task that is. */
	((struct rouse_cell_record *)fake_at(&t->fake, task))->link = 0;
	look(t, false);
	assert_int_equal(queues(t, 0)->n_task, 0);
	assert_true(stream_end(&t->stream)->complete);
}

static void a_queue_that_cannot_be_read_is_said(void **state)
{
	struct target *t = *state;

	fake_worker(&t->fake, 0)->queue = 8;
	hold(t, t->queue->tail++, fake_task(&t->fake, t->chunk, FAKE_STRIDE, 0, 20));
	look(t, false);
	assert_int_equal(queues(t, 0)->n_task, 1);
	assert_false(stream_end(&t->stream)->complete);
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)
TEST_MAIN(TEST(a_table_comes_also_when_nothing_is_queued), TEST(the_ring_from_head_to_tail_then_the_lifo_slot),
	TEST(cells_that_this_look_has_read_are_not_read_again), TEST(chunks_that_come_later_are_found_too),
	TEST(a_slot_that_was_free_is_read_again), TEST(more_than_the_ring_holds_is_the_ring),
	TEST(slots_that_hold_no_cell_have_no_row), TEST(a_queue_that_cannot_be_read_is_said));
