/* SPDX-License-Identifier: MIT */
/*
 * Ring buffer records into frames: what comes out is decoded again, so that
 * these tests see what a console sees.
 */
#include "loader/frames.h"

#include <errno.h>
#include <rouse/layout.h>
#include <stdlib.h>
#include <string.h>

#include "frame.h"
#include "test.h"

enum { SEEN_MAX = 8192 };

/* Everything that was handed out, in order. */
struct seen {
	struct rp_decoder *decoder;
	int answer; /* what the callback says */
	size_t frames, events, verdicts;
	uint64_t lost;
	char order[256]; /* E, V, L, H */
	struct {
		uint64_t ns, task, arg;
		uint32_t kind, tid, arg32;
	} event[SEEN_MAX];
	uint64_t first[64], lost_before[64];
	uint64_t blocked_ns, run_queue_ns, verdict_ns;
};

static void see_events(struct seen *seen, const Rouse__V1__Events *e)
{
	uint64_t ns = e->base_ns;

	assert_true(seen->frames <= 64);
	seen->first[seen->frames - 1] = e->first;
	seen->lost_before[seen->frames - 1] = e->lost_before;
	seen->lost += e->lost_before;
	assert_int_equal(e->n_worker, 0);
	for (size_t i = 0; i < e->n_kind; i++, seen->events++) {
		assert_true(seen->events < SEEN_MAX);
		ns += (uint64_t)e->delta_ns[i];
		seen->event[seen->events].ns = ns;
		seen->event[seen->events].task = e->task[i];
		seen->event[seen->events].arg = e->arg[i];
		seen->event[seen->events].kind = e->kind[i];
		seen->event[seen->events].tid = e->tid[i];
		seen->event[seen->events].arg32 = e->arg32[i];
	}
}

static int see(void *arg, const uint8_t *bytes, size_t n)
{
	struct seen *seen = arg;
	const Rouse__V1__Frame *frame;

	assert_true(n <= RP_FRAME_MAX);
	assert_int_equal(rp_frame_decode(seen->decoder, bytes, n, &frame), 0);
	assert_true(seen->frames + 1 < sizeof(seen->order));
	seen->frames++;
	switch (frame->body_case) {
	case ROUSE__V1__FRAME__BODY_EVENTS:
		seen->order[seen->frames - 1] = 'E';
		see_events(seen, frame->events);
		break;
	case ROUSE__V1__FRAME__BODY_POLL_VERDICTS:
		seen->order[seen->frames - 1] = 'V';
		seen->verdicts += frame->poll_verdicts->n_task;
		seen->verdict_ns = frame->poll_verdicts->duration_ns[0];
		seen->blocked_ns = frame->poll_verdicts->off_cpu_ns[0];
		seen->run_queue_ns = frame->poll_verdicts->run_queue_ns[0];
		break;
	case ROUSE__V1__FRAME__BODY_LOST:
		seen->order[seen->frames - 1] = 'L';
		seen->lost += frame->lost->events;
		break;
	case ROUSE__V1__FRAME__BODY_HELLO:
		seen->order[seen->frames - 1] = 'H';
		assert_string_equal(frame->hello->source, "bpf");
		assert_string_equal(frame->hello->program, "prog");
		assert_int_equal(frame->hello->pid, 42);
		break;
	default:
		fail_msg("a frame of kind %d", (int)frame->body_case);
	}
	return seen->answer;
}

struct fixture {
	struct bl_frames *frames;
	struct seen *seen;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->frames = calloc(1, sizeof(*f->frames));
	f->seen = calloc(1, sizeof(*f->seen));
	assert_true(f->frames && f->seen);
	f->seen->decoder = rp_decoder_new();
	assert_non_null(f->seen->decoder);
	bl_frames_to(f->frames, see, f->seen);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	rp_decoder_free(f->seen->decoder);
	free(f->seen);
	free(f->frames);
	free(f);
	return 0;
}

static int add(struct fixture *f, uint32_t kind, uint64_t ns, uint32_t lost)
{
	const struct bl_record record = {
		.ns = ns, .task = 17, .arg = 3, .kind = kind, .tid = 7, .arg32 = 5, .lost = lost
	};

	return bl_frames_add(f->frames, &record, sizeof(record));
}

static int add_verdict(struct fixture *f, uint32_t lost)
{
	const struct bl_verdict verdict = {
		.record = { .ns = 1, .task = 17, .arg = 50, .kind = BL_VERDICT, .tid = 7, .arg32 = 5, .lost = lost },
		.blocked_ns = 30,
		.run_queue_ns = 10,
	};

	return bl_frames_add(f->frames, &verdict, sizeof(verdict));
}

static void hello_names_source_and_target(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(bl_frames_hello(f->frames, 42, "prog"), 0);
	assert_string_equal(f->seen->order, "H");
}

static void every_kind_arrives_as_the_protocols_own_with_all_fields(void **state)
{
	static const uint32_t EXPECTED[] = { ROUSE_EVENT_SPAWN, ROUSE_EVENT_WAKE, ROUSE_EVENT_POLL,
		ROUSE_EVENT_COMPLETE };
	struct fixture *f = *state;

	for (uint32_t kind = BL_SPAWN; kind <= BL_COMPLETE; kind++)
		assert_int_equal(add(f, kind, 1000 + kind, 0), 0);
	assert_int_equal(f->seen->frames, 0);
	assert_int_equal(bl_frames_flush(f->frames), 0);
	assert_int_equal(f->seen->events, 4);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(f->seen->event[i].kind, EXPECTED[i]);
		assert_int_equal(f->seen->event[i].ns, 1001 + i);
		assert_int_equal(f->seen->event[i].task, 17);
		assert_int_equal(f->seen->event[i].arg, 3);
		assert_int_equal(f->seen->event[i].tid, 7);
		assert_int_equal(f->seen->event[i].arg32, 5);
	}
}

static void time_may_run_backwards_between_cpus(void **state)
{
	struct fixture *f = *state;

	add(f, BL_WAKE, UINT64_C(1) << 60, 0);
	add(f, BL_WAKE, 5, 0);
	add(f, BL_WAKE, UINT64_C(1) << 62, 0);
	bl_frames_flush(f->frames);
	assert_int_equal(f->seen->event[0].ns, UINT64_C(1) << 60);
	assert_int_equal(f->seen->event[1].ns, 5);
	assert_int_equal(f->seen->event[2].ns, UINT64_C(1) << 62);
}

static void full_frames_send_themselves_and_stay_within_the_limit(void **state)
{
	/* Every column as wide as it can be; see() checks the size. */
	struct bl_record widest = { .task = UINT64_MAX, .arg = UINT64_MAX, .kind = BL_POLL, .tid = UINT32_MAX };
	struct bl_verdict verdict = { .blocked_ns = UINT64_MAX, .run_queue_ns = UINT64_MAX };
	struct fixture *f = *state;

	widest.arg32 = UINT32_MAX;
	for (size_t i = 0; i < BL_FRAME_EVENTS; i++) {
		widest.ns = i % 2 ? 0 : UINT64_C(1) << 63;
		assert_int_equal(bl_frames_add(f->frames, &widest, sizeof(widest)), 0);
	}
	assert_string_equal(f->seen->order, "E");
	verdict.record = widest;
	verdict.record.kind = BL_VERDICT;
	verdict.record.ns = UINT64_MAX;
	for (size_t i = 0; i < BL_FRAME_VERDICTS; i++)
		assert_int_equal(bl_frames_add(f->frames, &verdict, sizeof(verdict)), 0);
	assert_string_equal(f->seen->order, "EV");
	assert_int_equal(bl_frames_flush(f->frames), 0);
	assert_string_equal(f->seen->order, "EV");
}

static void verdicts_keep_their_place_among_events(void **state)
{
	struct fixture *f = *state;

	add(f, BL_POLL, 1, 0);
	add_verdict(f, 0);
	add(f, BL_COMPLETE, 51, 0);
	bl_frames_flush(f->frames);
	assert_string_equal(f->seen->order, "EVE");
	assert_int_equal(f->seen->verdicts, 1);
	assert_int_equal(f->seen->verdict_ns, 50);
	assert_int_equal(f->seen->blocked_ns, 30);
	assert_int_equal(f->seen->run_queue_ns, 10);
}

static void gap_is_told_where_it_happened(void **state)
{
	struct fixture *f = *state;

	add(f, BL_WAKE, 1, 0);
	add(f, BL_WAKE, 2, 0);
	add(f, BL_WAKE, 3, 5);
	add(f, BL_WAKE, 4, 5);
	bl_frames_flush(f->frames);
	assert_string_equal(f->seen->order, "EE");
	assert_int_equal(f->seen->lost_before[0], 0);
	assert_int_equal(f->seen->lost_before[1], 5);
	assert_int_equal(f->seen->first[0], 0);
	assert_int_equal(f->seen->first[1], 7);
}

static void count_of_another_cpu_that_comes_late_is_no_gap(void **state)
{
	struct fixture *f = *state;

	add(f, BL_WAKE, 1, 4);
	add(f, BL_WAKE, 2, 3);
	add(f, BL_WAKE, 3, 4);
	bl_frames_end(f->frames, 4);
	assert_int_equal(f->seen->lost, 4);
}

static void lost_count_survives_its_own_wrap(void **state)
{
	struct fixture *f = *state;
	const uint64_t nearly = UINT32_MAX - 1;

	f->frames->lost = nearly;
	add(f, BL_WAKE, 1, 3); /* mod 2^32: five more */
	bl_frames_end(f->frames, nearly + 5);
	assert_int_equal(f->seen->lost, 5);
}

static void emitted_is_delivered_plus_lost_wherever_the_gaps_are(void **state)
{
	struct fixture *f = *state;
	uint64_t random = test_seed(), emitted = 0, lost = 0;

	for (size_t i = 0; i < 2000; i++) {
		uint64_t gap = test_random(&random) % 8 == 0 ? test_random(&random) % 9 : 0;

		lost += gap;
		emitted += gap + 1;
		if (test_random(&random) % 16 == 0)
			assert_int_equal(add_verdict(f, (uint32_t)lost), 0);
		else
			assert_int_equal(add(f, BL_WAKE, i, (uint32_t)lost), 0);
		/* Frames of the stream are few here: only every so often. */
		f->seen->frames = 0;
		memset(f->seen->order, 0, sizeof(f->seen->order));
	}
	lost += 6; /* after the last record */
	emitted += 6;
	assert_int_equal(bl_frames_end(f->frames, lost), 0);
	assert_int_equal(f->frames->delivered, f->seen->events + f->seen->verdicts);
	assert_int_equal(f->seen->lost, lost);
	assert_int_equal(f->frames->delivered + f->seen->lost, emitted);
}

static void gap_before_a_last_verdict_is_told_in_the_end(void **state)
{
	struct fixture *f = *state;

	add(f, BL_POLL, 1, 0);
	add_verdict(f, 3);
	bl_frames_end(f->frames, 3);
	assert_string_equal(f->seen->order, "EVL");
	assert_int_equal(f->seen->lost, 3);
}

static void what_is_no_record_is_refused(void **state)
{
	struct fixture *f = *state;
	const struct bl_record verdict = { .kind = BL_VERDICT }, unknown = { .kind = BL_VERDICT + 1 },
			       none = { .kind = 0 };

	assert_int_equal(bl_frames_add(f->frames, &unknown, sizeof(unknown)), -EPROTO);
	assert_int_equal(bl_frames_add(f->frames, &none, sizeof(none)), -EPROTO);
	assert_int_equal(bl_frames_add(f->frames, &none, sizeof(none) - 1), -EPROTO);
	assert_int_equal(bl_frames_add(f->frames, &verdict, sizeof(verdict)), -EPROTO);
	assert_int_equal(f->frames->delivered, 0);
}

static void callbacks_error_comes_back(void **state)
{
	struct fixture *f = *state;

	f->seen->answer = -EPIPE;
	add(f, BL_WAKE, 1, 0);
	assert_int_equal(bl_frames_flush(f->frames), -EPIPE);
}

#define CASE(F) cmocka_unit_test_setup_teardown(F, setup, teardown)

TEST_MAIN(CASE(hello_names_source_and_target), CASE(every_kind_arrives_as_the_protocols_own_with_all_fields),
	CASE(time_may_run_backwards_between_cpus), CASE(full_frames_send_themselves_and_stay_within_the_limit),
	CASE(verdicts_keep_their_place_among_events), CASE(gap_is_told_where_it_happened),
	CASE(count_of_another_cpu_that_comes_late_is_no_gap), CASE(lost_count_survives_its_own_wrap),
	CASE(emitted_is_delivered_plus_lost_wherever_the_gaps_are), CASE(gap_before_a_last_verdict_is_told_in_the_end),
	CASE(what_is_no_record_is_refused), CASE(callbacks_error_comes_back));
