/* SPDX-License-Identifier: MIT */
/* A target that lies: every field of the page and of the directories, one at a time. */
#include "test.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "fake.h"
#include "stream.h"

struct target {
	struct fake fake;
	struct stream stream;
};

static int setup(void **state)
{
	static struct target t;

	fake_init(&t.fake);
	stream_init(&t.stream);
	uint64_t tasks = fake_chunk(&t.fake, ROUSE_CHUNK_TASK, FAKE_STRIDE);

	fake_task(&t.fake, tasks, FAKE_STRIDE, 0, 20);
	uint64_t resources = fake_chunk(&t.fake, ROUSE_CHUNK_RESOURCE, 192);

	*(uint64_t *)fake_at(&t.fake, resources) = 31;
	*state = &t;
	return 0;
}

static int teardown(void **state)
{
	struct target *t = *state;

	stream_fini(&t->stream);
	fake_fini(&t->fake);
	return 0;
}

/* Opens and looks twice: 0, or what opening said. */
static int look(struct target *t)
{
	const struct rouse_look_opts opts = { .size = sizeof opts, .events = true, .changes_only = true };
	struct rouse_inspect *inspect;
	int rc = fake_open(&t->fake, &inspect);

	stream_clear(&t->stream);
	if (rc < 0)
		return rc;
	rc = rouse_inspect_look(inspect, &opts, stream_take, &t->stream);
	assert_int_equal(rc, 0);
	assert_int_equal(rouse_inspect_look(inspect, &opts, stream_take, &t->stream), 0);
	rouse_inspect_close(inspect);
	return rc;
}

static void a_sound_target_is_accepted(void **state)
{
	struct target *t = *state;

	assert_int_equal(look(t), 0);
	assert_true(stream_end(&t->stream)->complete);
	assert_int_equal(stream_task_rows(&t->stream), 1);
}

static void another_version_is_told_from_no_page_at_all(void **state)
{
	struct target *t = *state;

	fake_page(&t->fake)->version++;
	assert_int_equal(look(t), -EPROTO);
	fake_page(&t->fake)->version--;
	fake_page(&t->fake)->magic[3] ^= 1;
	assert_int_equal(look(t), -ENOENT);
}

#define FIELD(NAME) { #NAME, offsetof(struct rouse_page, NAME), sizeof(((struct rouse_page *)0)->NAME) }
static const struct {
	const char *name;
	size_t offset, bytes;
} fields[] = { FIELD(page_bytes), FIELD(total_bytes), FIELD(workers), FIELD(worker_capacity), FIELD(chunk_count),
	FIELD(chunk_capacity), FIELD(site_count), FIELD(site_capacity), FIELD(string_bytes), FIELD(string_capacity),
	FIELD(ring_count), FIELD(ring_capacity), FIELD(ring_stride), FIELD(off_workers), FIELD(off_chunks),
	FIELD(off_sites), FIELD(off_strings), FIELD(off_histograms), FIELD(off_drops), FIELD(off_rings) };

static void put_field(uint8_t *at, size_t bytes, uint64_t value)
{
	memcpy(at, &value, bytes); /* little-endian, as everything here */
}

static void sizes_and_offsets_out_of_bounds_are_not_a_page(void **state)
{
	struct target *t = *state;
	const uint64_t values[] = { UINT64_MAX, UINT64_MAX / 2, 1ull << 31, 1ull << 24, 0xfffffff8 };

	for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
		for (size_t j = 0; j < sizeof values / sizeof values[0]; j++) {
			uint8_t *at = t->fake.image + fields[i].offset, saved[8];
			bool is_size = strcmp(fields[i].name, "page_bytes") == 0;

			memcpy(saved, at, fields[i].bytes);
			put_field(at, fields[i].bytes, values[j]);
			int rc = look(t);

			/* A longer page is one of a later minor version; a table may end anywhere in a larger page. */
			if (!is_size && strcmp(fields[i].name, "total_bytes") != 0)
				assert_int_equal(rc, -ENOENT);
			memcpy(at, saved, fields[i].bytes);
		}
	}
	assert_int_equal(look(t), 0);
}

static void any_value_in_any_word_of_the_page_is_survived(void **state)
{
	struct target *t = *state;
	const uint64_t values[] = { 0, 1, 7, 4095, 1 << 16, UINT32_MAX, UINT64_MAX, FAKE_BASE };

	for (size_t word = 0; word < sizeof(struct rouse_page) / 8; word++) {
		for (size_t j = 0; j < sizeof values / sizeof values[0]; j++) {
			uint64_t *at = (uint64_t *)(void *)t->fake.image + word, saved = *at;
			int rc;

			*at = values[j];
			rc = look(t);
			assert_true(rc == 0 || rc == -ENOENT || rc == -EPROTO);
			*at = saved;
		}
	}
	assert_int_equal(look(t), 0);
}

static void chunks_with_crazy_numbers_are_passed_over(void **state)
{
	struct target *t = *state;
	const struct rouse_chunk_entry crazy[] = {
		{ 0, 512, 32, ROUSE_CHUNK_TASK, 0 },
		{ FAKE_BASE + 4, 512, 32, ROUSE_CHUNK_TASK, 0 },
		{ FAKE_BASE, 0, 32, ROUSE_CHUNK_TASK, 0 },
		{ FAKE_BASE, 64, 32, ROUSE_CHUNK_TASK, 0 },
		{ FAKE_BASE, 112, 32, ROUSE_CHUNK_RESOURCE, 0 },
		{ FAKE_BASE, 513, 32, ROUSE_CHUNK_TASK, 0 },
		{ FAKE_BASE, UINT32_MAX, 32, ROUSE_CHUNK_TASK, 0 },
		{ FAKE_BASE, 512, UINT32_MAX, ROUSE_CHUNK_TASK, 0 },
		{ UINT64_MAX - 511, 512, 2, ROUSE_CHUNK_TASK, 0 },
		{ FAKE_BASE, 512, 32, 99, 0 },
	};

	for (size_t i = 0; i < sizeof crazy / sizeof crazy[0]; i++) {
		*fake_chunk_entry(&t->fake, 2) = crazy[i];
		fake_page(&t->fake)->chunk_count = 3;
		assert_int_equal(look(t), 0);
		assert_int_equal(stream_task_rows(&t->stream), 1);
	}
}

static void a_chunk_that_cannot_be_read_makes_the_look_incomplete(void **state)
{
	struct target *t = *state;
	size_t row;

	*fake_chunk_entry(&t->fake, 2) = (struct rouse_chunk_entry){ 0x1000, 512, 1 << 23, ROUSE_CHUNK_TASK, 0 };
	fake_page(&t->fake)->chunk_count = 3;
	uint64_t before = t->fake.reads;

	assert_int_equal(look(t), 0);
	assert_false(stream_end(&t->stream)->complete);
	assert_non_null(stream_task(&t->stream, 20, &row));
	assert_true(t->fake.reads - before < 200); /* its first window was enough */
}

static void a_chunk_that_changes_its_shape_begins_the_stream_anew(void **state)
{
	struct target *t = *state;
	const struct rouse_look_opts opts = { .size = sizeof opts, .changes_only = true };
	struct rouse_inspect *inspect;

	assert_int_equal(fake_open(&t->fake, &inspect), 0);
	assert_int_equal(rouse_inspect_look(inspect, &opts, stream_take, &t->stream), 0);
	fake_chunk_entry(&t->fake, 0)->cells = 2;
	stream_clear(&t->stream);
	assert_int_equal(rouse_inspect_look(inspect, &opts, stream_take, &t->stream), 0);
	assert_true(stream_find(&t->stream, ROUSE__V1__FRAME__BODY_BEGIN, 0)->begin->keyframe);
	rouse_inspect_close(inspect);
}

static void a_site_table_that_shrinks_or_lies_costs_names_only(void **state)
{
	struct target *t = *state;
	struct rouse_inspect *inspect;
	size_t row;

	assert_int_equal(fake_open(&t->fake, &inspect), 0);
	for (int i = 0; i < 4; i++) {
		struct rouse_page *page = fake_page(&t->fake);

		page->site_count = i == 1 ? 1 : i == 2 ? page->site_capacity : FAKE_SITES;
		page->string_bytes = i == 1 ? 0 : i == 2 ? page->string_capacity : 60;
		fake_site(&t->fake, 3)->name = UINT32_MAX;
		fake_site(&t->fake, 4)->file = 1 << 30;
		stream_clear(&t->stream);
		assert_int_equal(rouse_inspect_look(inspect, NULL, stream_take, &t->stream), 0);
		assert_non_null(stream_task(&t->stream, 20, &row));
	}
	rouse_inspect_close(inspect);
}

static void a_target_that_dies_in_any_moment_ends_the_look_in_order(void **state)
{
	struct target *t = *state;
	const struct rouse_look_opts opts = { .size = sizeof opts, .events = true };

	fake_emit(&t->fake, 0, (struct rouse_event){ .ticks = 5, .kind = ROUSE_EVENT_PARK });
	for (uint64_t allowed = 0; allowed < 40; allowed++) {
		struct rouse_inspect *inspect;

		t->fake.reads_allowed = UINT64_MAX;
		assert_int_equal(fake_open(&t->fake, &inspect), 0);
		stream_clear(&t->stream);
		t->fake.reads_allowed = t->fake.reads + allowed;
		assert_int_equal(rouse_inspect_look(inspect, &opts, stream_take, &t->stream), 0);
		if (t->fake.reads > t->fake.reads_allowed && stream_end(&t->stream))
			assert_false(stream_end(&t->stream)->complete);
		assert_int_equal(stream_count(&t->stream, ROUSE__V1__FRAME__BODY_BEGIN),
			stream_count(&t->stream, ROUSE__V1__FRAME__BODY_END));
		rouse_inspect_close(inspect);
	}
}

static void an_anchor_that_never_settles_does_not_hold_the_look(void **state)
{
	struct target *t = *state;

	fake_page(&t->fake)->anchor.seq = 3; /* stopped while it was being written */
	assert_int_equal(look(t), 0);
	assert_int_equal(stream_task_rows(&t->stream), 1);
}

/* The watchdog renews the anchor between our two readings of it. */
static void renew_anchor(struct fake *fake, uint64_t address, size_t bytes, void *arg)
{
	int *times = arg;

	if (address == FAKE_BASE + offsetof(struct rouse_page, anchor) && bytes < 64 && (*times)-- > 0) {
		fake_page(fake)->anchor.seq += 2;
		fake_page(fake)->anchor.mono_ns += 1000;
	}
}

static void an_anchor_is_taken_when_two_readings_agree(void **state)
{
	struct target *t = *state;
	int times = 3;
	size_t row;

	t->fake.on_read = renew_anchor;
	t->fake.on_read_arg = &times;
	assert_int_equal(look(t), 0);
	const Rouse__V1__Tasks *tasks = stream_task(&t->stream, 20, &row);

	assert_int_equal(tasks->spawned_ns[row], FAKE_ANCHOR_NS + 3000 + 10 * FAKE_TICK_NS);
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)
TEST_MAIN(TEST(a_sound_target_is_accepted), TEST(another_version_is_told_from_no_page_at_all),
	TEST(sizes_and_offsets_out_of_bounds_are_not_a_page), TEST(any_value_in_any_word_of_the_page_is_survived),
	TEST(chunks_with_crazy_numbers_are_passed_over), TEST(a_chunk_that_cannot_be_read_makes_the_look_incomplete),
	TEST(a_chunk_that_changes_its_shape_begins_the_stream_anew),
	TEST(a_site_table_that_shrinks_or_lies_costs_names_only),
	TEST(a_target_that_dies_in_any_moment_ends_the_look_in_order),
	TEST(an_anchor_that_never_settles_does_not_hold_the_look), TEST(an_anchor_is_taken_when_two_readings_agree));
