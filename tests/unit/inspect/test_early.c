/* SPDX-License-Identifier: MIT */
/* Rings that are drained between looks: the same stream as of larger rings, the books exact, memory and time bounded. */
#include "test.h"

#include <string.h>

#include "drain/early.h"
#include "fake.h"
#include "inspect/look.h"
#include "stream.h"

#define MS 1000000ull

struct target {
	struct fake fake;
	struct rouse_inspect *inspect;
	struct stream stream;
	int more; /* times that the program writes 40 records while a look hands out what was kept */
	uint64_t now;
};

static int setup(void **state)
{
	static struct target t;

	t.more = 0;
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

static void emit(struct target *t, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++) {
		const uint64_t number = fake_ring(&t->fake, 0)->head;

		fake_emit(&t->fake, 0, (struct rouse_event){ .ticks = 2000 + number, .task = 1000 + number,
			.kind = ROUSE_EVENT_WAKE, .arg32 = (uint32_t)number });
	}
}

static void look(struct target *t, bool events)
{
	const struct rouse_look_opts opts = { .size = sizeof opts, .events = events, .changes_only = true };

	int rc;

	/* As rouse_inspect_look() does, but without its clock. */
	stream_clear(&t->stream);
	assert_int_equal(ri_look_begin(t->inspect, &opts, stream_take, &t->stream), 0);
	while ((rc = ri_look_step(t->inspect)) > 0)
		if (t->more && t->inspect->look.phase == RI_PHASE_RINGS && t->inspect->runtimes[0].early.used) {
			emit(t, 40);
			t->now = ri_early_drain(t->inspect, t->now);
			t->more--;
		}
	assert_int_equal(rc, 0);
}

/* Events of the last look, which are to be those from `first` without a gap. */
static uint64_t events_from(struct target *t, uint64_t first)
{
	uint64_t n = 0;

	for (size_t i = 0; i < stream_count(&t->stream, ROUSE__V1__FRAME__BODY_EVENTS); i++) {
		const Rouse__V1__Events *e = stream_find(&t->stream, ROUSE__V1__FRAME__BODY_EVENTS, i)->events;

		assert_int_equal(e->first, first + n);
		assert_int_equal(e->lost_before, 0);
		for (size_t j = 0; j < e->n_kind; j++)
			assert_int_equal(e->task[j], 1000 + first + n + j);
		n += e->n_kind;
	}
	return n;
}

static void assert_books(struct target *t, uint64_t emitted, uint64_t delivered, uint64_t lost)
{
	const Rouse__V1__GenerationEnd *end = stream_end(&t->stream);

	assert_int_equal(end->emitted_events, emitted);
	assert_int_equal(end->delivered_events, delivered);
	assert_int_equal(end->lost_events, lost);
}

static void more_than_a_ring_holds_arrives_with_the_next_look_in_order(void **state)
{
	struct target *t = *state;
	uint64_t now = 1000 * MS;

	look(t, true);
	now = rouse_inspect_drain(t->inspect, now);
	for (int i = 0; i < 20; i++) {
		emit(t, 40); /* of 64 */
		now = rouse_inspect_drain(t->inspect, now);
		assert_true(now != UINT64_MAX);
	}
	emit(t, 40);
	look(t, true);
	assert_int_equal(events_from(t, 0), 840);
	assert_books(t, 840, 840, 0);
	look(t, true);
	assert_int_equal(events_from(t, 840), 0);
	assert_books(t, 840, 840, 0);
}

static void what_comes_while_a_look_hands_out_is_kept_behind_it(void **state)
{
	struct target *t = *state;

	look(t, true);
	t->now = rouse_inspect_drain(t->inspect, 1000 * MS);
	for (int i = 0; i < 1000; i++) {
		emit(t, 40);
		t->now = rouse_inspect_drain(t->inspect, t->now);
	}
	t->more = 5;
	look(t, true);
	assert_int_equal(t->more, 0);
	assert_int_equal(events_from(t, 0), 40200);
	assert_books(t, 40200, 40200, 0);
}

static void what_was_lost_between_looks_is_counted_and_said_once(void **state)
{
	struct target *t = *state;
	uint64_t now = 1000 * MS;

	look(t, true);
	now = rouse_inspect_drain(t->inspect, now);
	emit(t, 100);
	(void)rouse_inspect_drain(t->inspect, now);
	emit(t, 10);
	look(t, true);
	assert_int_equal(stream_find(&t->stream, ROUSE__V1__FRAME__BODY_LOST, 0)->lost->events, 37);
	assert_books(t, 110, 73, 37);
	look(t, true);
	assert_null(stream_find(&t->stream, ROUSE__V1__FRAME__BODY_LOST, 0));
}

static void who_wants_no_events_is_not_called_again(void **state)
{
	struct target *t = *state;

	assert_true(rouse_inspect_drain(t->inspect, MS) == UINT64_MAX);
	look(t, false);
	assert_true(rouse_inspect_drain(t->inspect, MS) == UINT64_MAX);
	look(t, true);
	assert_true(rouse_inspect_drain(t->inspect, MS) < UINT64_MAX);
	look(t, false);
	assert_true(rouse_inspect_drain(t->inspect, MS) == UINT64_MAX);
}

static void the_pace_follows_the_fastest_ring(void **state)
{
	struct target *t = *state;
	uint64_t at = 1000 * MS, next;

	/* 16 records, a quarter of the ring, in 5 ms: then again in 5 ms. */
	look(t, true);
	next = rouse_inspect_drain(t->inspect, at);
	assert_int_equal(next - at, RI_EARLY_FIRST_NS);
	emit(t, 16);
	at = next;
	next = rouse_inspect_drain(t->inspect, at);
	assert_int_equal(next - at, 5 * MS);
	/* Too early: nothing is done. */
	emit(t, 8);
	assert_int_equal(rouse_inspect_drain(t->inspect, at + MS), next);
	at = next;
	next = rouse_inspect_drain(t->inspect, at);
	assert_int_equal(next - at, 10 * MS);
	/* Nothing came: less and less often, up to a second. What a look took in meanwhile counts, too. */
	for (int i = 0; i < 12; i++) {
		at = next;
		next = rouse_inspect_drain(t->inspect, at);
	}
	assert_int_equal(next - at, RI_EARLY_MOST_NS);
	emit(t, 60);
	look(t, true);
	emit(t, 4);
	at = next - RI_EARLY_MOST_NS + 1; /* not due */
	assert_int_equal(rouse_inspect_drain(t->inspect, at), next);
}

static void memory_is_bounded_and_what_found_no_room_is_lost(void **state)
{
	struct target *t = *state;
	const struct ri_early *early = &t->inspect->runtimes[0].early;
	uint64_t now = 1000 * MS, rounds = 0;

	look(t, true);
	now = rouse_inspect_drain(t->inspect, now);
	while (early->used + sizeof(uint32_t) + RP_FRAME_MAX <= RI_EARLY_BYTES) {
		emit(t, 60);
		now = rouse_inspect_drain(t->inspect, now);
		rounds++;
	}
	for (int i = 0; i < 10; i++, rounds++) {
		emit(t, 60);
		now = rouse_inspect_drain(t->inspect, now);
	}
	assert_true(early->room <= RI_EARLY_BYTES);
	look(t, true);
	const Rouse__V1__GenerationEnd *end = stream_end(&t->stream);

	assert_int_equal(end->emitted_events, 60 * rounds);
	assert_int_equal(end->delivered_events + end->lost_events, 60 * rounds);
	assert_int_equal(end->lost_events, 9 * 60 - 3); /* of the last ten, one filled the ring: 63 of it are left */
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)
TEST_MAIN(TEST(more_than_a_ring_holds_arrives_with_the_next_look_in_order),
	TEST(what_comes_while_a_look_hands_out_is_kept_behind_it),
	TEST(what_was_lost_between_looks_is_counted_and_said_once), TEST(who_wants_no_events_is_not_called_again),
	TEST(the_pace_follows_the_fastest_ring), TEST(memory_is_bounded_and_what_found_no_room_is_lost));
