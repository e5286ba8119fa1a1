/* SPDX-License-Identifier: MIT */
/* Last wakers that were dropped: whole in every generation, and never half of one. */
#include "test.h"

#include <string.h>

#include "fake.h"
#include "stream.h"

struct target {
	struct fake fake;
	struct rouse_inspect *inspect;
	struct stream stream;
	int readings; /* of the table */
};

static int setup(void **state)
{
	static struct target target;

	fake_init(&target.fake);
	stream_init(&target.stream);
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
	assert_int_equal(stream_count(&t->stream, ROUSE__V1__FRAME__BODY_DROPS), 1);
}

static const Rouse__V1__Drops *drops(const struct target *t)
{
	return stream_find(&t->stream, ROUSE__V1__FRAME__BODY_DROPS, 0)->drops;
}

static struct rouse_drop_record *entry(struct target *t, uint64_t n)
{
	struct rouse_page *page = fake_page(&t->fake);

	return (struct rouse_drop_record *)(void *)(t->fake.image + page->off_drops) + n % page->drop_capacity;
}

static void drop(struct target *t, uint64_t task)
{
	*entry(t, fake_page(&t->fake)->drops++) = (struct rouse_drop_record){ task, 1100, 1ull << 63 | task, 0x400100 };
}

static void none_is_said_too(void **state)
{
	struct target *t = *state;

	look(t, false);
	assert_int_equal(drops(t)->n_task, 0);
	assert_true(stream_end(&t->stream)->complete);
}

static void every_generation_has_them_all(void **state)
{
	struct target *t = *state;

	drop(t, 20);
	drop(t, 21);
	for (int i = 0; i < 2; i++) {
		look(t, true);
		const Rouse__V1__Drops *rows = drops(t);

		assert_int_equal(rows->n_task, 2);
		assert_int_equal(rows->task[0], 21); /* newest first */
		assert_int_equal(rows->task[1], 20);
		assert_int_equal(rows->ns[1], FAKE_ANCHOR_NS + 100 * FAKE_TICK_NS);
		assert_int_equal(rows->by[1], 1ull << 63 | 20);
		assert_int_equal(rows->pc[1], 0x400100);
	}
}

static void the_table_goes_round(void **state)
{
	struct target *t = *state;
	uint32_t capacity = fake_page(&t->fake)->drop_capacity;

	for (uint64_t i = 0; i < capacity + 3; i++)
		drop(t, 20 + i);
	look(t, false);
	assert_int_equal(drops(t)->n_task, capacity);
	assert_int_equal(drops(t)->task[0], 20 + capacity + 2);
	assert_int_equal(drops(t)->task[capacity - 1], 23);
}

/* The writer is at entry 1 when we read the table for the first time, and done with it at the second. */
static void finish_writing(struct fake *fake, uint64_t address, size_t bytes, void *arg)
{
	struct target *t = arg;

	(void)bytes;
	if (address != FAKE_BASE + fake_page(fake)->off_drops)
		return;
	if (t->readings++)
		entry(t, 1)->by = 77;
}

static void an_entry_that_changes_while_it_is_read_is_left_for_the_next_look(void **state)
{
	struct target *t = *state;

	drop(t, 20);
	drop(t, 21);
	t->readings = 0;
	t->fake.on_read = finish_writing;
	t->fake.on_read_arg = t;
	look(t, false);
	assert_int_equal(drops(t)->n_task, 1);
	assert_int_equal(drops(t)->task[0], 20);
	look(t, false);
	assert_int_equal(drops(t)->n_task, 2);
	assert_int_equal(drops(t)->by[0], 77);
	entry(t, 1)->task = 0; /* it is being written anew */
	look(t, false);
	assert_int_equal(drops(t)->n_task, 1);
}

static void a_counter_that_lies_changes_the_order_only(void **state)
{
	struct target *t = *state;
	const uint64_t lies[] = { 0, 1, 7, UINT64_MAX, UINT64_MAX - 3 };

	drop(t, 20);
	drop(t, 21);
	for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
		fake_page(&t->fake)->drops = lies[i];
		look(t, false);
		assert_int_equal(drops(t)->n_task, 2);
	}
	fake_page(&t->fake)->drop_capacity = 0;
	look(t, false);
	assert_int_equal(drops(t)->n_task, 0);
}

/* Larger than one frame's rows: the newest are sent, in the one frame there is. */
static void a_larger_table_is_cut_at_its_old_end(void **state)
{
	enum { CAPACITY = 1000, ROWS = 400 };
	struct target *t = *state;
	struct rouse_page *page = fake_page(&t->fake);
	uint64_t table = fake_alloc(&t->fake, CAPACITY * sizeof(struct rouse_drop_record));

	page->off_drops = table - FAKE_BASE;
	page->drop_capacity = CAPACITY;
	page->total_bytes = FAKE_BYTES;
	for (uint64_t i = 0; i < CAPACITY; i++)
		drop(t, 20 + i);
	look(t, false);
	assert_int_equal(drops(t)->n_task, ROWS);
	assert_int_equal(drops(t)->task[0], 20 + CAPACITY - 1);
	assert_int_equal(drops(t)->task[ROWS - 1], 20 + CAPACITY - ROWS);
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)
TEST_MAIN(TEST(none_is_said_too), TEST(every_generation_has_them_all), TEST(the_table_goes_round),
	TEST(an_entry_that_changes_while_it_is_read_is_left_for_the_next_look),
	TEST(a_counter_that_lies_changes_the_order_only), TEST(a_larger_table_is_cut_at_its_old_end));
