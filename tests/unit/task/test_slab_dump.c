/* SPDX-License-Identifier: MIT */
/* A shard of its own, on a page without a runtime around it, broken in every way that has a name. */
#include "test.h"

#include <string.h>

#include "dumped.h"
#include "sched/runtime.h"
#include "task/slab.h"

enum { N = 4, BYTES = 192 };

static struct rouse_runtime runtime;
static struct rs_shard shard;
static struct rs_slab *slab;
static char *slots[N];

/* Four slots, of which the first three were given back: two here, one by another thread. */
static int three_free(void **state)
{
	(void)state;
	if (rs_page_new(1, &runtime.page) < 0)
		return -1;
	shard = (struct rs_shard){ .runtime = &runtime };
	for (int i = 0; i < N; i++)
		slots[i] = rs_slab_take_owner(&shard, ROUSE_CHUNK_TASK, BYTES);
	((uint64_t *)(void *)slots[3])[1] = rs_slab_next_id_owner(&shard);
	rs_slab_give_any(slots[0], &shard);
	rs_slab_give_any(slots[1], &shard);
	rs_slab_give_any(slots[2], NULL);
	slab = &shard.slabs[ROUSE_CHUNK_TASK - 1][0];
	return 0;
}

static int unmap(void **state)
{
	(void)state;
	rs_slab_unmap_all(runtime.page);
	rs_page_free(runtime.page);
	return 0;
}
#define T(NAME) cmocka_unit_test_setup_teardown(NAME, three_free, unmap)

static void print(void *what, FILE *out)
{
	rs_shard_dump_owner(what, out);
}

static struct rs_slot *slot(int i)
{
	return (struct rs_slot *)(void *)slots[i];
}

static void assert_wrong(const char *text)
{
	assert_string_equal(rs_shard_validate_owner(&shard), text);
	assert_dump_has(print, &shard, text);
}

static void slots_taken_and_given_back_are_valid(void **state)
{
	(void)state;
	assert_null(rs_shard_validate_owner(&shard));
	assert_dump_has(print, &shard, "tasks class 0: 1364 slots, free 2 + 1 from others");
	/* To the last slot of the chunk, and the first of the next. */
	for (int i = 0; i < 1364; i++)
		assert_non_null(rs_slab_take_owner(&shard, ROUSE_CHUNK_TASK, BYTES));
	assert_int_equal(runtime.page->chunk_count, 2);
	assert_null(rs_shard_validate_owner(&shard));
	assert_non_null(rs_slab_take_owner(&shard, ROUSE_CHUNK_RESOURCE, BYTES));
	assert_null(rs_shard_validate_owner(&shard));
}

static void the_last_slot_of_a_chunk_may_be_the_last_taken(void **state)
{
	(void)state;
	for (int i = 0; i < 1363; i++)
		assert_non_null(rs_slab_take_owner(&shard, ROUSE_CHUNK_TASK, BYTES));
	assert_ptr_equal(slab->fresh, slab->fresh_end);
	assert_null(rs_shard_validate_owner(&shard));
}

static void a_slot_freed_twice_is_named(void **state)
{
	(void)state;
	slot(0)->next = slot(1);
	assert_wrong("more free slots than slots: one was freed twice");
}

static void a_link_out_of_the_shard_is_named_and_not_followed(void **state)
{
	(void)state;
	slot(0)->next = (struct rs_slot *)(void *)((uintptr_t)slots[0] ^ 1ull << 45);
	assert_wrong("an address in no chunk of this shard");
	slot(0)->next = (struct rs_slot *)(void *)(slots[2] + 64);
	assert_wrong("a free slot between two slots");
}

static void a_free_slot_in_use_is_named(void **state)
{
	(void)state;
	((uint64_t *)(void *)slots[2])[1] = 99;
	assert_wrong("a free slot that is in use");
}

static void a_fresh_range_that_is_not_true_is_named(void **state)
{
	(void)state;
	slab->fresh -= 3ull * BYTES;
	assert_wrong("a free slot that was never taken");
	slab->fresh += 8;
	assert_wrong("a fresh range that is not the rest of its chunk");
	slab->fresh = slab->fresh_end + BYTES;
	assert_wrong("a fresh range that ends before it begins");
}

static void a_chunk_of_another_is_named(void **state)
{
	struct rs_chunk *chunk = rs_chunk_of(slots[0]);

	(void)state;
	chunk->slot_class = 1;
	assert_wrong("a chunk of another kind or class");
	chunk->slot_class = 0;
	chunk->shard = NULL;
	assert_wrong("a chunk that says it is another shard's");
}

static void ids_beyond_their_block_are_named(void **state)
{
	(void)state;
	shard.next_id = shard.ids_end + 1;
	assert_wrong("ids beyond their block");
}

TEST_MAIN(T(slots_taken_and_given_back_are_valid), T(the_last_slot_of_a_chunk_may_be_the_last_taken),
	T(a_slot_freed_twice_is_named), T(a_link_out_of_the_shard_is_named_and_not_followed),
	T(a_free_slot_in_use_is_named), T(a_fresh_range_that_is_not_true_is_named), T(a_chunk_of_another_is_named),
	T(ids_beyond_their_block_are_named));
