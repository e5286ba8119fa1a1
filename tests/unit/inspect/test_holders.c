/* SPDX-License-Identifier: MIT */
/* Who has the permits of a semaphore: from the table in its slot, and from nowhere else. */
#include "test.h"

#include <string.h>

#include "fake.h"
#include "stream.h"

enum { STRIDE = 320, HOLDERS = 4, TABLE = 160 /* offset in the slot */ };

struct target {
	struct fake fake;
	struct rouse_inspect *inspect;
	struct stream stream;
	uint64_t chunk;
};

static struct rouse_resource_record *record_of(struct target *t, uint32_t slot)
{
	return fake_at(&t->fake, t->chunk + slot * STRIDE);
}

static struct rouse_holder_record *holders_of(struct target *t, uint32_t slot)
{
	return fake_at(&t->fake, t->chunk + slot * STRIDE + TABLE);
}

static void put_semaphore(struct target *t, uint32_t slot, uint64_t serial)
{
	*record_of(t, slot) = (struct rouse_resource_record){ .serial = serial,
		.kind = ROUSE_RESOURCE_SEMAPHORE,
		.value = 1,
		.capacity = 6,
		.holders = t->chunk + slot * STRIDE + TABLE,
		.holder_capacity = HOLDERS };
	memset(holders_of(t, slot), 0, HOLDERS * sizeof(struct rouse_holder_record));
}

static int setup(void **state)
{
	static struct target target;

	fake_init(&target.fake);
	stream_init(&target.stream);
	target.chunk = fake_chunk(&target.fake, ROUSE_CHUNK_RESOURCE, STRIDE);
	assert_int_equal(fake_open(&target.fake, &target.inspect), 0);
	put_semaphore(&target, 2, 31);
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

static const Rouse__V1__Holders *holders(const struct target *t, size_t nth)
{
	const Rouse__V1__Frame *frame = stream_find(&t->stream, ROUSE__V1__FRAME__BODY_HOLDERS, nth);

	return frame ? frame->holders : NULL;
}

static void holders_follow_their_semaphore(void **state)
{
	struct target *t = *state;

	holders_of(t, 2)[0] = (struct rouse_holder_record){ 20, 3, 1100 };
	holders_of(t, 2)[2] = (struct rouse_holder_record){ 1ull << 63 | 4242, 2, 0 };
	holders_of(t, 2)[3] = (struct rouse_holder_record){ 22, 0, 1100 }; /* being written: it has none yet */
	look(t, false);
	const Rouse__V1__Holders *rows = holders(t, 0);

	assert_non_null(rows);
	assert_int_equal(rows->n_serial, 2);
	assert_int_equal(rows->n_task, 2);
	assert_int_equal(rows->n_permits, 2);
	assert_int_equal(rows->n_since_ns, 2);
	assert_int_equal(rows->serial[0], 31);
	assert_int_equal(rows->task[0], 20);
	assert_int_equal(rows->permits[0], 3);
	assert_int_equal(rows->since_ns[0], FAKE_ANCHOR_NS + 100 * FAKE_TICK_NS);
	assert_int_equal(rows->serial[1], 31);
	assert_int_equal(rows->task[1], 1ull << 63 | 4242);
	assert_int_equal(rows->permits[1], 2);
	assert_int_equal(rows->since_ns[1], 0); /* level 0: not known, not the beginning of time */
	assert_true(stream_end(&t->stream)->complete);
	for (size_t i = 0; i < t->stream.n; i++) {
		if (t->stream.frames[i]->body_case == ROUSE__V1__FRAME__BODY_HOLDERS)
			fail_msg("the holders come before their semaphore");
		if (t->stream.frames[i]->body_case == ROUSE__V1__FRAME__BODY_RESOURCES)
			break;
	}
}

static void nobody_is_said_too(void **state)
{
	struct target *t = *state;

	look(t, false);
	assert_non_null(holders(t, 0));
	assert_int_equal(holders(t, 0)->n_serial, 1);
	assert_int_equal(holders(t, 0)->serial[0], 31);
	assert_int_equal(holders(t, 0)->task[0], 0);
	assert_true(stream_end(&t->stream)->complete);
}

static void a_change_of_holders_alone_sends_the_semaphore_again(void **state)
{
	struct target *t = *state;
	size_t row;

	holders_of(t, 2)[1] = (struct rouse_holder_record){ 20, 5, 1100 };
	look(t, true);
	assert_int_equal(holders(t, 0)->task[0], 20);
	look(t, true);
	assert_null(holders(t, 0));
	assert_null(stream_resource(&t->stream, 31, &row));
	holders_of(t, 2)[1].task = 21; /* all numbers of the record are the same */
	look(t, true);
	assert_non_null(stream_resource(&t->stream, 31, &row));
	assert_int_equal(holders(t, 0)->n_serial, 1);
	assert_int_equal(holders(t, 0)->task[0], 21);
	look(t, false);
	assert_int_equal(holders(t, 0)->task[0], 21);
}

static void what_has_no_table_has_no_rows(void **state)
{
	struct target *t = *state;

	record_of(t, 2)->holders = 0; /* just made: its books are not opened yet */
	look(t, false);
	assert_null(holders(t, 0));
	assert_true(stream_end(&t->stream)->complete);
	put_semaphore(t, 2, 31);
	record_of(t, 2)->kind = ROUSE_RESOURCE_MUTEX;
	look(t, false);
	assert_null(holders(t, 0));
	assert_true(stream_end(&t->stream)->complete);
}

static void a_table_that_is_not_in_the_slot_is_not_believed(void **state)
{
	struct target *t = *state;
	const uint64_t slot = t->chunk + 2 * STRIDE, table = sizeof(struct rouse_holder_record);
	const struct {
		uint64_t address;
		uint32_t n;
	} lies[] = {
		{ slot, 1 }, /* the record itself */
		{ slot + ROUSE_RESOURCE_BYTES - 8, 1 },
		{ slot + TABLE + 4, 1 },
		{ slot + STRIDE, 1 },
		{ slot + STRIDE - table + 8, 1 },
		{ slot + TABLE, (STRIDE - TABLE) / (uint32_t)table + 1 },
		{ slot - STRIDE + TABLE, HOLDERS }, /* another's */
		{ slot + STRIDE + TABLE, HOLDERS },
		{ slot + TABLE, UINT32_MAX },
		{ slot + TABLE, 0xaaaaaaabu }, /* times 24 is 8, in 32 bits */
		{ UINT64_MAX - 7, HOLDERS },
		{ 8, HOLDERS },
	};
	size_t row;

	for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
		record_of(t, 2)->holders = lies[i].address;
		record_of(t, 2)->holder_capacity = lies[i].n;
		look(t, false);
		assert_null(holders(t, 0));
		assert_non_null(stream_resource(&t->stream, 31, &row));
		assert_false(stream_end(&t->stream)->complete);
	}
	record_of(t, 2)->holders = slot + ROUSE_RESOURCE_BYTES; /* the largest there can be */
	record_of(t, 2)->holder_capacity = (uint32_t)((STRIDE - ROUSE_RESOURCE_BYTES) / table);
	look(t, false);
	assert_non_null(holders(t, 0));
	assert_true(stream_end(&t->stream)->complete);
}

/* Who reads a frame takes the rows of a semaphore in it for all there are. */
static void rows_of_one_semaphore_stay_in_one_frame(void **state)
{
	enum { ROWS = 400, BIG = 48 * 1024, EACH = 150 };
	struct target *t = *state;
	uint64_t chunk = t->chunk, serials = 100, seen = 0;
	uint32_t stride = BIG / 8;

	t->chunk = fake_alloc(&t->fake, 8 * stride);
	*fake_chunk_entry(&t->fake, 1) = (struct rouse_chunk_entry){ t->chunk, stride, 8, ROUSE_CHUNK_RESOURCE, 0 };
	fake_page(&t->fake)->chunk_count = 2;
	for (uint32_t slot = 0; slot < 8; slot++) {
		struct rouse_resource_record *record = fake_at(&t->fake, t->chunk + slot * stride);
		struct rouse_holder_record *table = (void *)(record + 1);

		*record = (struct rouse_resource_record){ .serial = serials + slot,
			.kind = ROUSE_RESOURCE_SEMAPHORE,
			.holders = t->chunk + slot * stride + ROUSE_RESOURCE_BYTES,
			.holder_capacity = EACH };
		for (uint64_t i = 0; i < EACH; i++)
			table[i] = (struct rouse_holder_record){ 1000 + i, 1, 1 };
	}
	t->chunk = chunk;
	look(t, false);
	for (size_t n = 0; holders(t, n); n++) {
		const Rouse__V1__Holders *rows = holders(t, n);

		assert_in_range(rows->n_serial, 1, ROWS);
		for (size_t i = 0, k; i < rows->n_serial; i += k) {
			for (k = 0; i + k < rows->n_serial && rows->serial[i + k] == rows->serial[i]; k++)
				continue;
			assert_int_equal(k, rows->serial[i] == 31 ? 1 : EACH);
			seen++;
		}
	}
	assert_int_equal(seen, 9);
	assert_true(stream_end(&t->stream)->complete);
}

/* More rows than a frame has would have to be cut, and then they are not all there are. */
static void more_holders_than_a_frame_has_rows_are_not_believed(void **state)
{
	enum { ROWS = 400, LARGE = 16 * 1024 };
	struct target *t = *state;
	uint64_t slot = fake_alloc(&t->fake, LARGE);
	struct rouse_resource_record *record = fake_at(&t->fake, slot);
	struct rouse_holder_record *table = (void *)(record + 1);

	*fake_chunk_entry(&t->fake, 1) = (struct rouse_chunk_entry){ slot, LARGE, 1, ROUSE_CHUNK_RESOURCE, 0 };
	fake_page(&t->fake)->chunk_count = 2;
	record_of(t, 2)->serial = 0;
	*record = (struct rouse_resource_record){ .serial = 100,
		.kind = ROUSE_RESOURCE_SEMAPHORE,
		.holders = slot + ROUSE_RESOURCE_BYTES,
		.holder_capacity = ROWS };
	for (uint64_t i = 0; i <= ROWS; i++)
		table[i] = (struct rouse_holder_record){ 1000 + i, 1, 1 };
	look(t, false);
	assert_int_equal(holders(t, 0)->n_serial, ROWS);
	assert_true(stream_end(&t->stream)->complete);
	record->holder_capacity++;
	look(t, false);
	assert_null(holders(t, 0));
	assert_false(stream_end(&t->stream)->complete);
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)
TEST_MAIN(TEST(holders_follow_their_semaphore), TEST(nobody_is_said_too),
	TEST(a_change_of_holders_alone_sends_the_semaphore_again), TEST(what_has_no_table_has_no_rows),
	TEST(a_table_that_is_not_in_the_slot_is_not_believed), TEST(rows_of_one_semaphore_stay_in_one_frame),
	TEST(more_holders_than_a_frame_has_rows_are_not_believed));
