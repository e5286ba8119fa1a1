/* SPDX-License-Identifier: MIT */
/* emitted = delivered + lost, exactly, whoever overtakes whom. */
#include "test.h"

#include <string.h>

#include "fake.h"
#include "stream.h"

struct target {
	struct fake fake;
	struct rouse_inspect *inspect;
	struct stream stream;
};

static int setup(void **state)
{
	static struct target t;

	fake_init(&t.fake);
	stream_init(&t.stream);
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

static void look(struct target *t, bool events)
{
	const struct rouse_look_opts opts = { .size = sizeof opts, .events = events, .changes_only = true };

	stream_clear(&t->stream);
	assert_int_equal(rouse_inspect_look(t->inspect, &opts, stream_take, &t->stream), 0);
}

/* Record i of ring 0 tells its own number. */
static void emit(struct target *t, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++) {
		uint64_t number = fake_ring(&t->fake, 0)->head;

		fake_emit(&t->fake, 0, (struct rouse_event){ .ticks = 2000 + number, .task = 1000 + number,
			.kind = ROUSE_EVENT_WAKE, .arg32 = (uint32_t)number });
	}
}

/* Checks what came of ring 0 in this look, record by record; the number of the record behind the last. */
static uint64_t check_records(struct target *t, uint64_t *ret_n, uint64_t *ret_lost)
{
	uint64_t next = 0, n = 0, lost = 0;

	for (size_t i = 0; i < stream_count(&t->stream, ROUSE__V1__FRAME__BODY_EVENTS); i++) {
		const Rouse__V1__Events *e = stream_find(&t->stream, ROUSE__V1__FRAME__BODY_EVENTS, i)->events;
		uint64_t time = e->base_ns;

		if (e->ring != 0)
			continue;
		for (size_t j = 0; j < e->n_kind; j++) {
			uint64_t number = e->first + j;

			time += (uint64_t)e->delta_ns[j];
			assert_int_equal(e->arg32[j], number);
			assert_int_equal(e->task[j], 1000 + number);
			assert_int_equal(time, FAKE_ANCHOR_NS + (1000 + number) * FAKE_TICK_NS);
			next = number + 1;
		}
		n += e->n_kind;
		lost += e->lost_before;
	}
	*ret_n = n;
	*ret_lost = lost;
	return next;
}

static void assert_books(struct target *t, uint64_t emitted, uint64_t delivered, uint64_t lost)
{
	const Rouse__V1__GenerationEnd *end = stream_end(&t->stream);

	assert_int_equal(end->emitted_events, emitted);
	assert_int_equal(end->delivered_events, delivered);
	assert_int_equal(end->lost_events, lost);
}

static void records_come_once_in_order_with_their_numbers(void **state)
{
	struct target *t = *state;
	uint64_t n, lost;

	emit(t, 10);
	look(t, true);
	assert_int_equal(check_records(t, &n, &lost), 10);
	assert_int_equal(n, 10);
	emit(t, 50); /* around the end of the ring */
	look(t, true);
	assert_int_equal(check_records(t, &n, &lost), 60);
	assert_int_equal(n, 50);
	emit(t, 30);
	look(t, true);
	assert_int_equal(check_records(t, &n, &lost), 90);
	assert_int_equal(n, 30);
	assert_int_equal(lost, 0);
	look(t, true);
	assert_null(stream_find(&t->stream, ROUSE__V1__FRAME__BODY_EVENTS, 0));
	assert_books(t, 90, 90, 0);
}

static void what_was_overwritten_between_looks_is_lost_and_said(void **state)
{
	struct target *t = *state;
	uint64_t n, lost;

	look(t, true);
	emit(t, 100);
	look(t, true);
	/* Of 64 slots one may be in the writer's hands. */
	assert_int_equal(check_records(t, &n, &lost), 100);
	assert_int_equal(n, 63);
	assert_int_equal(lost, 37);
	assert_int_equal(stream_find(&t->stream, ROUSE__V1__FRAME__BODY_LOST, 0)->lost->events, 37);
	assert_books(t, 100, 63, 37);
	emit(t, 1);
	look(t, true);
	assert_null(stream_find(&t->stream, ROUSE__V1__FRAME__BODY_LOST, 0));
	assert_books(t, 101, 64, 37);
}

static void a_full_ring_that_was_not_lapped_loses_only_the_slot_at_stake(void **state)
{
	struct target *t = *state;
	uint64_t n, lost;

	look(t, true);
	emit(t, FAKE_RING_RECORDS - 1);
	look(t, true);
	check_records(t, &n, &lost);
	assert_int_equal(lost, 0);
	emit(t, FAKE_RING_RECORDS);
	look(t, true);
	check_records(t, &n, &lost);
	assert_int_equal(lost, 1);
	assert_books(t, 2 * FAKE_RING_RECORDS - 1, 2 * FAKE_RING_RECORDS - 2, 1);
}

/* The writer goes on between the copying of a piece and the head that is read after it. */
struct race {
	struct target *target;
	uint64_t heads_before; /* readings of the head that come before that one */
	uint64_t n;            /* records it writes */
};

static void write_before_head(struct fake *fake, uint64_t address, size_t bytes, void *arg)
{
	struct race *race = arg;

	if (address == FAKE_BASE + fake_page(fake)->off_rings && bytes == sizeof(uint64_t) && race->heads_before-- == 0)
		emit(race->target, race->n);
}

static void what_is_overwritten_while_being_copied_is_not_delivered(void **state)
{
	struct target *t = *state;
	struct race race = { t, 1, 30 }; /* one head at the beginning of the drain, the next after the piece */
	uint64_t n, lost;

	emit(t, 2);
	look(t, true);
	emit(t, 60); /* [2, 62): the writer goes on to 92 and may be writing record 92 into the slot of 28 */
	t->fake.on_read = write_before_head;
	t->fake.on_read_arg = &race;
	look(t, true);
	t->fake.on_read = NULL;
	assert_int_equal(check_records(t, &n, &lost), 62);
	assert_int_equal(lost, 27); /* [2, 29) */
	assert_int_equal(n, 33);
	look(t, true);
	assert_int_equal(check_records(t, &n, &lost), 92);
	assert_int_equal(n, 30);
	assert_books(t, 92, 65, 27);
}

static void a_piece_overwritten_as_a_whole_is_lost_as_a_whole(void **state)
{
	struct target *t = *state;
	struct race race = { t, 1, 500 };
	uint64_t n, lost;

	emit(t, 2);
	look(t, true);
	emit(t, 10);
	t->fake.on_read = write_before_head;
	t->fake.on_read_arg = &race;
	look(t, true);
	t->fake.on_read = NULL;
	look(t, true);
	assert_int_equal(check_records(t, &n, &lost), 512);
	assert_int_equal(n, 63);
	assert_books(t, 512, 65, 447);
}

static void books_begin_where_the_stream_begins(void **state)
{
	struct target *t = *state;
	uint64_t n, lost;

	emit(t, 1000);
	look(t, true);
	assert_int_equal(check_records(t, &n, &lost), 1000);
	assert_int_equal(n, 63);
	assert_int_equal(lost, 0);
	assert_books(t, 63, 63, 0);
}

static void a_pause_is_neither_delivered_nor_lost(void **state)
{
	struct target *t = *state;
	uint64_t n, lost;

	emit(t, 10);
	look(t, true);
	look(t, false);
	emit(t, 500);
	look(t, false);
	look(t, true);
	assert_int_equal(check_records(t, &n, &lost), 510);
	assert_int_equal(n, 63);
	assert_int_equal(lost, 0);
	assert_books(t, 73, 73, 0);
}

static void events_that_found_no_ring_are_lost_events(void **state)
{
	struct target *t = *state;

	fake_page(&t->fake)->foreign_lost = 100; /* before we came */
	look(t, true);
	assert_books(t, 0, 0, 0);
	fake_page(&t->fake)->foreign_lost = 105;
	look(t, true);
	assert_books(t, 5, 0, 5);
	assert_int_equal(stream_find(&t->stream, ROUSE__V1__FRAME__BODY_LOST, 0)->lost->events, 5);
}

static void durations_are_turned_into_nanoseconds(void **state)
{
	struct target *t = *state;

	fake_emit(&t->fake, 1, (struct rouse_event){ .ticks = 1500, .task = 20, .kind = ROUSE_EVENT_POLL, .worker = 1,
		.arg32 = 3, .arg = 100 });
	fake_emit(&t->fake, 1, (struct rouse_event){ .ticks = 1400, .kind = ROUSE_EVENT_PARK, .arg = 10 });
	fake_emit(&t->fake, 1, (struct rouse_event){ .ticks = 1600, .kind = ROUSE_EVENT_STEAL, .arg = 10 });
	look(t, true);
	const Rouse__V1__Events *e = stream_find(&t->stream, ROUSE__V1__FRAME__BODY_EVENTS, 0)->events;

	assert_int_equal(e->ring, 1);
	assert_int_equal(e->base_ns, FAKE_ANCHOR_NS + 500 * FAKE_TICK_NS);
	assert_int_equal(e->arg[0], 100 * FAKE_TICK_NS);
	assert_int_equal(e->delta_ns[1], -100 * FAKE_TICK_NS);
	assert_int_equal(e->arg[1], 10 * FAKE_TICK_NS);
	assert_int_equal(e->arg[2], 10);
	assert_int_equal(e->worker[0], 1);
}

/* A writer of any speed against a reader: the books are the ring's head, to the record. */
static void books_stay_exact_under_any_interleaving(void **state)
{
	struct target *t = *state;
	uint64_t random = test_seed(), total = 0, delivered = 0;

	look(t, true);
	for (int i = 0; i < 300; i++) {
		uint64_t burst = test_random(&random) % 150, n, lost;

		emit(t, burst);
		total += burst;
		look(t, true);
		check_records(t, &n, &lost);
		delivered += n;
		assert_int_equal(stream_end(&t->stream)->emitted_events, total);
		assert_int_equal(stream_end(&t->stream)->delivered_events, delivered);
		assert_int_equal(stream_end(&t->stream)->lost_events, total - delivered);
	}
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)
TEST_MAIN(TEST(records_come_once_in_order_with_their_numbers),
	TEST(what_was_overwritten_between_looks_is_lost_and_said),
	TEST(a_full_ring_that_was_not_lapped_loses_only_the_slot_at_stake),
	TEST(what_is_overwritten_while_being_copied_is_not_delivered),
	TEST(a_piece_overwritten_as_a_whole_is_lost_as_a_whole), TEST(books_begin_where_the_stream_begins),
	TEST(a_pause_is_neither_delivered_nor_lost), TEST(events_that_found_no_ring_are_lost_events),
	TEST(durations_are_turned_into_nanoseconds), TEST(books_stay_exact_under_any_interleaving));
