/* SPDX-License-Identifier: MIT */
/* The page, the site table and the rings, as a reader would find them. */
#include "test.h"

#include <rouse/rouse.h>
#include <string.h>

#include "sched/runtime.h"
#include "trace/page.h"
#include "trace/sites.h"

static struct rouse_page *page;

static int map(void **state)
{
	(void)state;
	return rs_page_new(2, &page);
}

static int unmap(void **state)
{
	(void)state;
	rs_page_free(page);
	return 0;
}

static void tables_lie_inside_and_do_not_overlap(void **state)
{
	(void)state;
	const uint64_t at[] = { page->page_bytes, page->off_workers, page->off_chunks, page->off_sites,
		page->off_strings, page->off_histograms, page->off_drops, page->off_rings, page->total_bytes };
	const uint64_t needs[] = { 0, 3 * ROUSE_WORKER_BYTES, page->chunk_capacity * sizeof(struct rouse_chunk_entry),
		page->site_capacity * sizeof(struct rouse_site_entry), page->string_capacity,
		3 * ROUSE_HISTOGRAM_SITES * sizeof(struct rouse_histogram_pair),
		page->drop_capacity * sizeof(struct rouse_drop_record), page->ring_count * page->ring_stride };

	assert_memory_equal(page->magic, ROUSE_LAYOUT_MAGIC, 8);
	assert_int_equal(page->version, ROUSE_LAYOUT_VERSION);
	for (size_t i = 0; i + 1 < sizeof at / sizeof at[0]; i++)
		assert_true(at[i] + needs[i] <= at[i + 1]);
	assert_int_equal(page->address, (uintptr_t)page);
}

static const struct rouse_event *record(const struct rouse_ring *ring, uint64_t i)
{
	return (const struct rouse_event *)((const char *)ring + ROUSE_RING_RECORDS_OFFSET) + i % RS_RING_RECORDS;
}

static void ring_records_are_as_documented(void **state)
{
	(void)state;
	struct rouse_ring *ring = rs_page_ring(page, 1);

	rs_ring_emit(ring, ROUSE_EVENT_WAKE, 111, 222, 7, 333, 444);
	assert_int_equal(ring->head, 1);
	const struct rouse_event *e = record(ring, 0);

	assert_int_equal(e->ticks, 111);
	assert_int_equal(e->task, 222);
	assert_int_equal(e->kind, ROUSE_EVENT_WAKE);
	assert_int_equal(e->worker, 7);
	assert_int_equal(e->arg32, 333);
	assert_int_equal(e->arg, 444);
}

static void ring_overwrites_the_oldest_and_head_counts_all(void **state)
{
	(void)state;
	struct rouse_ring *ring = rs_page_ring(page, 0);

	for (uint64_t i = 0; i < RS_RING_RECORDS + 10; i++)
		rs_ring_emit(ring, ROUSE_EVENT_POLL, i, i, 0, 0, 0);
	assert_int_equal(ring->head, RS_RING_RECORDS + 10);
	for (uint64_t i = 10; i < RS_RING_RECORDS + 10; i++)
		assert_int_equal(record(ring, i)->ticks, i);
	assert_int_equal(rs_page_ring(page, 1)->head, 0);
}

static void histogram_buckets_are_powers_of_two(void **state)
{
	(void)state;
	struct rouse_histogram h = { { 0 } };
	const struct {
		uint64_t ns;
		int bucket;
	} cases[] = { { 0, 0 }, { 1, 0 }, { 2, 1 }, { 3, 1 }, { 4, 2 }, { 1023, 9 }, { 1024, 10 }, { UINT64_MAX, 39 } };

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		memset(&h, 0, sizeof h);
		rs_histogram_add(&h, cases[i].ns);
		assert_int_equal(h.count[cases[i].bucket], 1);
	}
}

static void full_chunk_directory_is_an_error(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < RS_CHUNKS; i++)
		assert_int_equal(rs_page_add_chunk(page, 4096, 192, 1, ROUSE_CHUNK_TASK, 0), 0);
	assert_true(rs_page_add_chunk(page, 4096, 192, 1, ROUSE_CHUNK_TASK, 0) < 0);
	assert_int_equal(page->chunk_count, RS_CHUNKS);
}

/* -------------------------------------------------------------------- sites */

ROUSE_ASYNC(sited, int, struct rouse_yield yield;);
ROUSE_BODY(sited)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT_ONLY(rouse_yield(&self->yield)); /* the await's line */
	ROUSE_END;
}
enum { AWAIT_LINE = __LINE__ - 3 };

static const struct rouse_site_entry *site(uint64_t address)
{
	const struct rouse_site_entry *entries = (const struct rouse_site_entry *)((const char *)page + page->off_sites);

	for (uint32_t i = 1; i < page->site_count; i++)
		if (entries[i].address == address)
			return &entries[i];
	return NULL;
}

static const char *text(uint32_t offset)
{
	return (const char *)page + page->off_strings + offset;
}

static void sites_are_copied_with_their_names(void **state)
{
	(void)state;
	struct sited frame;
	struct rouse_waker none = { 0, 0 };
	struct rouse_context cx = { .waker = none };

	rs_sites_publish(page);
	const struct rouse_site_entry *type = site((uintptr_t)&sited_rouse_type);

	assert_non_null(type);
	assert_int_equal(type->kind, ROUSE_SITE_FUNCTION);
	assert_string_equal(text(type->name), "sited");
	assert_int_equal(type->frame_bytes, sizeof frame);
	ROUSE_CALL(&frame, sited);
	assert_false(rouse_future_poll(&frame.future, &cx).ready);
	const struct rouse_site_entry *await = site((uintptr_t)frame.future.at);

	assert_non_null(await);
	assert_int_equal(await->kind, ROUSE_SITE_AWAIT);
	assert_int_equal(await->line, AWAIT_LINE);
	assert_string_equal(text(await->name), "sited");
	assert_non_null(strstr(text(await->file), "test_page.c"));
	const struct rouse_site_entry *leaf = site((uintptr_t)frame.yield.future.type);

	assert_non_null(leaf);
	assert_int_equal(leaf->kind, ROUSE_SITE_LEAF);
	assert_int_equal(leaf->op, ROUSE_OP_YIELD);
	assert_int_equal(leaf->node_offset, offsetof(struct rouse_yield, wait));
	rs_sites_forget(page);
}

/* ------------------------------------------------------------------- levels */

ROUSE_ASYNC(yields, int, int n; struct rouse_yield yield;);
ROUSE_BODY(yields)
{
	ROUSE_BEGIN;
	for (; self->n; self->n--)
		ROUSE_AWAIT_ONLY(rouse_yield(&self->yield));
	ROUSE_END;
}

static uint64_t emitted(struct rouse_runtime *runtime, uint64_t *ret_heads)
{
	uint64_t n = 0;

	*ret_heads = 0;
	for (uint32_t i = 0; i <= runtime->n_workers; i++)
		n += rs_page_worker(runtime->page, i)->counters.emitted;
	for (uint32_t i = 0; i < runtime->page->ring_count; i++)
		*ret_heads += rs_page_ring(runtime->page, i)->head;
	return n;
}

static void events_are_written_at_level_two_only_and_counted(void **state)
{
	(void)state;
	for (int level = 0; level <= 2; level++) {
		struct rouse_runtime *runtime;
		uint64_t heads;

		assert_int_equal(rouse_runtime_new(ROUSE_RUNTIME_OPTS(.current_thread = true, .level = level + 1), &runtime), 0);
		assert_int_equal(rouse_block_on(runtime, NULL, yields, .n = 50), 0);
		uint64_t n = emitted(runtime, &heads);

		/* spawn, 51 polls, 50 wakes, complete */
		assert_int_equal(n, level == 2 ? 103 : 0);
		assert_int_equal(heads, n);
		rouse_runtime_free(runtime);
	}
}

static void stamps_are_taken_from_level_one(void **state)
{
	(void)state;
	for (int level = 0; level <= 1; level++) {
		struct rouse_runtime *runtime;

		assert_int_equal(rouse_runtime_new(ROUSE_RUNTIME_OPTS(.current_thread = true, .level = level + 1), &runtime), 0);
		assert_int_equal(rouse_block_on(runtime, NULL, yields, .n = 50), 0);
		const struct rouse_worker_record *w = rs_page_worker(runtime->page, 0);

		assert_int_equal(w->counters.busy_ticks != 0, level == 1);
		assert_int_equal(w->counters.polls, 51);
		assert_int_equal(w->current_task, 0);
		rouse_runtime_free(runtime);
	}
}

ROUSE_ASYNC(sleeps, int, int n; struct rouse_sleep sleep;);
ROUSE_BODY(sleeps)
{
	ROUSE_BEGIN;
	for (; self->n; self->n--) {
		ROUSE_AWAIT_ONLY(rouse_sleep(&self->sleep, ROUSE_MS));
		ROUSE_ASSERT(rouse_task_current()->enqueue_ticks != 0);
		ROUSE_ASSERT(rouse_task_current()->edge_ticks >= rouse_task_current()->enqueue_ticks);
	}
	ROUSE_END;
}

static void a_poll_begins_after_the_wake_that_led_to_it(void **state)
{
	(void)state;
	struct rouse_runtime *runtime;

	assert_int_equal(rouse_runtime_new(ROUSE_RUNTIME_OPTS(.current_thread = true, .level = 2), &runtime), 0);
	assert_int_equal(rouse_block_on(runtime, NULL, sleeps, .n = 10), 0);
	rouse_runtime_free(runtime);
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, map, unmap)
TEST_MAIN(TEST(tables_lie_inside_and_do_not_overlap), TEST(ring_records_are_as_documented),
	TEST(ring_overwrites_the_oldest_and_head_counts_all), TEST(histogram_buckets_are_powers_of_two),
	TEST(full_chunk_directory_is_an_error), TEST(sites_are_copied_with_their_names),
	cmocka_unit_test(events_are_written_at_level_two_only_and_counted), cmocka_unit_test(stamps_are_taken_from_level_one),
	cmocka_unit_test(a_poll_begins_after_the_wake_that_led_to_it));
