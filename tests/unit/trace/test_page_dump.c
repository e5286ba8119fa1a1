/* SPDX-License-Identifier: MIT */
/* A page with a chunk and all sites of this program, broken in every way that has a name. */
#include "test.h"

#include <rouse/rouse.h>

#include "dumped.h"
#include "trace/page.h"
#include "trace/sites.h"

static struct rouse_page *page;

ROUSE_ASYNC(rests, int, struct rouse_yield yield;);
ROUSE_BODY(rests)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT_ONLY(rouse_yield(&self->yield));
	ROUSE_END;
}

static int map(void **state)
{
	(void)state;
	if (rs_page_new(2, &page) < 0)
		return -1;
	rs_sites_publish(page);
	return rs_page_add_chunk(page, 0x10080, 192, 100, ROUSE_CHUNK_TASK, 2);
}

static int unmap(void **state)
{
	(void)state;
	rs_sites_forget(page);
	rs_page_free(page);
	return 0;
}
#define T(NAME) cmocka_unit_test_setup_teardown(NAME, map, unmap)

static void print(void *what, FILE *out)
{
	rs_page_dump(what, out);
}

static void *at(uint64_t offset)
{
	return (char *)page + offset;
}

/* Puts another value there, sees it named, puts the right one back. */
#define assert_noticed(FIELD, VALUE, TEXT)                                                         \
	do {                                                                                       \
		__typeof__(FIELD) right_ = (FIELD);                                                \
		(FIELD) = (__typeof__(FIELD))(VALUE);                                              \
		assert_string_equal(rs_page_validate(page), (TEXT));                               \
		(FIELD) = right_;                                                                  \
		assert_null(rs_page_validate(page));                                               \
	} while (0)

static void a_page_as_made_is_valid(void **state)
{
	(void)state;
	assert_true(page->site_count > 2);
	assert_null(rs_page_validate(page));
	assert_dump_has(print, page, "\n  2 workers, 1 chunks, ");
	assert_dump_has(print, page, "  workers    at 0x1000, 1536 bytes\n");
}

static void another_layout_is_named(void **state)
{
	(void)state;
	assert_noticed(page->magic[0], 'R', "another magic");
	assert_noticed(page->version, ROUSE_LAYOUT_VERSION + 1, "another layout");
	assert_noticed(page->page_bytes, sizeof *page - 8, "another layout");
	assert_noticed(page->address, 0x1000, "an address where the page is not");
}

static void counts_beyond_their_capacity_are_named(void **state)
{
	(void)state;
	assert_noticed(page->workers, page->worker_capacity + 1, "a count beyond its capacity");
	assert_noticed(page->chunk_count, page->chunk_capacity + 1, "a count beyond its capacity");
	assert_noticed(page->site_count, page->site_capacity + 1, "a count beyond its capacity");
	assert_noticed(page->string_bytes, page->string_capacity + 1, "a count beyond its capacity");
	assert_noticed(page->ring_capacity, page->ring_capacity - 1, "a ring capacity that is no power of two");
	assert_noticed(page->ring_stride, page->ring_stride / 2, "rings that are too short, or too few");
	assert_noticed(page->ring_count, 1, "rings that are too short, or too few");
}

static void tables_out_of_place_are_named(void **state)
{
	(void)state;
	assert_noticed(page->off_workers, page->off_workers + 4, "a table that is not aligned");
	assert_noticed(page->off_workers, 8, "tables that overlap, or do not fit");
	assert_noticed(page->off_chunks, page->off_sites, "tables that overlap, or do not fit");
	assert_noticed(page->total_bytes, page->total_bytes - page->ring_stride, "tables that overlap, or do not fit");
	assert_noticed(page->worker_capacity, 1u << 20, "tables that overlap, or do not fit");
}

static void chunks_that_cannot_be_are_named(void **state)
{
	struct rouse_chunk_entry *entry = at(page->off_chunks);

	(void)state;
	assert_noticed(entry->kind, 3, "a chunk of no kind");
	assert_noticed(entry->address, 0, "a chunk that cannot be");
	assert_noticed(entry->cells, 0, "a chunk that cannot be");
	assert_noticed(entry->stride, ROUSE_CELL_BYTES - 1, "a chunk that cannot be");
	assert_noticed(entry->shard, 3, "a chunk that cannot be");
}

static void sites_that_cannot_be_are_named(void **state)
{
	struct rouse_site_entry *entry = (struct rouse_site_entry *)at(page->off_sites) + 1;
	char *strings = at(page->off_strings);

	(void)state;
	assert_noticed(entry->kind, 0, "a site of no kind");
	assert_noticed(entry->kind, ROUSE_SITE_RESOURCE + 1, "a site of no kind");
	assert_noticed(entry->name, page->string_bytes, "a site that names what is not there");
	assert_noticed(entry->file, page->string_bytes, "a site that names what is not there");
	assert_noticed(entry->op, ROUSE_OP_MAX, "a site that names what is not there");
	assert_noticed(strings[page->string_bytes - 1], 'x', "strings without an end");
}

/* So that there is a module with sites of its own. */
static void the_function_runs(void **state)
{
	struct rouse_runtime *runtime;

	(void)state;
	assert_int_equal(rouse_runtime_new(ROUSE_RUNTIME_OPTS(.workers = 1), &runtime), 0);
	assert_int_equal(rouse_block_on(runtime, NULL, rests), 0);
	rouse_runtime_free(runtime);
}

TEST_MAIN(T(a_page_as_made_is_valid), T(another_layout_is_named), T(counts_beyond_their_capacity_are_named),
	T(tables_out_of_place_are_named), T(chunks_that_cannot_be_are_named), T(sites_that_cannot_be_are_named),
	cmocka_unit_test(the_function_runs));
