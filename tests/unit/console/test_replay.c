/* SPDX-License-Identifier: MIT */
/* Going about in a recording: the state at a look is that of the looks before it, wherever one comes from. */
#include "test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <frame.h>

#include "record/recorder.h"
#include "source/session.h"

#define S 1000000000ull

enum { LOOKS = 330, PAD_BYTES = 60000, PADS = 2, PACE_NS = 100000000 };

static char folder[64], path[80];

/* Looks do not come evenly. */
static uint64_t when(uint64_t look)
{
	return look * PACE_NS + look % 3 * 20000000 + 7;
}

static void put(struct cn_recorder *recorder, Rouse__V1__Frame__BodyCase body, void *message)
{
	static uint8_t bytes[RP_FRAME_MAX];
	Rouse__V1__Frame frame = ROUSE__V1__FRAME__INIT;
	size_t n = 0;

	frame.body_case = body;
	frame.hello = message; /* all members of the union are pointers to messages */
	assert_int_equal(rp_frame_pack(&frame, bytes, sizeof bytes, &n), 0);
	cn_recorder_frame(recorder, bytes, n);
}

static void begin_block(struct cn_recorder *recorder)
{
	Rouse__V1__Recording recording = ROUSE__V1__RECORDING__INIT;
	Rouse__V1__Hello hello = ROUSE__V1__HELLO__INIT;
	char target[] = "4711", program[] = "padded", source[] = "memory", name[] = "only", *names[] = { name };

	cn_recorder_cut(recorder);
	recording.target = target;
	recording.interval_ms = PACE_NS / 1000000;
	put(recorder, ROUSE__V1__FRAME__BODY_RECORDING, &recording);
	hello.protocol = RP_PROTOCOL;
	hello.pid = 4711;
	hello.program = program;
	hello.source = source;
	hello.n_runtimes = 1;
	hello.runtimes = names;
	put(recorder, ROUSE__V1__FRAME__BODY_HELLO, &hello);
}

/* Names that nobody uses make it long. */
static void pad(struct cn_recorder *recorder, uint32_t first)
{
	static uint8_t text[PAD_BYTES];
	ProtobufCBinaryData data = { sizeof text, text };
	Rouse__V1__Strings strings = ROUSE__V1__STRINGS__INIT;

	memset(text, 'x', sizeof text);
	strings.first = first;
	strings.n_text = 1;
	strings.text = &data;
	put(recorder, ROUSE__V1__FRAME__BODY_STRINGS, &strings);
}

/* Look number i (from 1) has i live tasks. */
static void put_look(struct cn_recorder *recorder, uint64_t i, int code)
{
	Rouse__V1__GenerationBegin begin = ROUSE__V1__GENERATION_BEGIN__INIT;
	Rouse__V1__GenerationEnd end = ROUSE__V1__GENERATION_END__INIT;
	Rouse__V1__Moment moment = ROUSE__V1__MOMENT__INIT;
	char name[] = "only", why[] = "it was killed", none[] = "";

	if (cn_recorder_wants_keyframe(recorder) || i % 50 == 1)
		begin_block(recorder);
	begin.number = i;
	begin.keyframe = true;
	begin.mono_ns = i * PACE_NS;
	begin.level = 1;
	begin.runtime_name = name;
	put(recorder, ROUSE__V1__FRAME__BODY_BEGIN, &begin);
	for (uint32_t k = 0; k < PADS; k++)
		pad(recorder, 1 + k);
	end.number = i;
	end.mono_ns = begin.mono_ns;
	end.tasks = (uint32_t)i;
	end.complete = true;
	put(recorder, ROUSE__V1__FRAME__BODY_END, &end);
	moment.now_ns = when(i);
	moment.generations = 1;
	moment.code = code;
	moment.why = code ? why : none;
	put(recorder, ROUSE__V1__FRAME__BODY_MOMENT, &moment);
	cn_recorder_moment(recorder, moment.now_ns, 1);
}

static int setup(void **state)
{
	const struct cn_recorder_opts opts = { .size = sizeof opts };
	struct cn_recorder *recorder;
	struct cn_why why;

	(void)state;
	snprintf(folder, sizeof folder, "/tmp/rouse-test-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/rec", folder);
	assert_int_equal(cn_recorder_open(path, &opts, &recorder, &why), 0);
	for (uint64_t i = 1; i <= LOOKS; i++)
		put_look(recorder, i, i == LOOKS ? -EPIPE : 0);
	assert_int_equal(cn_recorder_close(recorder, &why), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(folder);
}

static struct cn_session *open_it(void)
{
	const struct cn_session_opts opts = { .kind = CN_SOURCE_ANY };
	struct cn_session *session;
	struct cn_why why;

	assert_int_equal(cn_session_open(path, &opts, &session, &why), 0);
	return session;
}

/* The look that is shown, as its content says, is the one that is told; answers the first that it rests on. */
static uint64_t at(const struct cn_session *session, uint64_t look)
{
	struct cn_playback playback;

	assert_true(cn_session_playback(session, &playback));
	assert_int_equal(playback.look, look);
	assert_int_equal(playback.looks, LOOKS);
	assert_int_equal(playback.now_ns, when(look));
	assert_int_equal(cn_session_now_ns(session), playback.now_ns);
	assert_int_equal(cn_model_runtime(cn_session_model(session), 0)->live_tasks, look);
	assert_int_equal(cn_model_runtime(cn_session_model(session), 0)->looks, look - playback.from + 1);
	return playback.from;
}

static void a_near_look_rests_on_all_before_it(void **state)
{
	struct cn_session *session = open_it();
	struct cn_why why;

	(void)state;
	for (uint64_t look = 40; look > 30; look--) {
		assert_int_equal(cn_session_seek(session, look, &why), 0);
		assert_int_equal(at(session, look), 1);
	}
	cn_session_close(session);
}

static void a_far_look_is_warmed_up_and_says_since_when(void **state)
{
	struct cn_session *session = open_it();
	struct cn_why why;
	uint64_t from;

	(void)state;
	assert_int_equal(cn_session_seek(session, LOOKS, &why), 0);
	from = at(session, LOOKS);
	assert_true(from > 1 && from + CN_WARM_UP <= LOOKS);
	/* One back is as far; and the start is the start. */
	assert_int_equal(cn_session_seek(session, LOOKS - 1, &why), 0);
	assert_true(at(session, LOOKS - 1) > 1);
	assert_int_equal(cn_session_seek(session, 5, &why), 0);
	assert_int_equal(at(session, 5), 1);
	cn_session_close(session);
}

static void looks_that_there_are_not_are_the_ends(void **state)
{
	struct cn_session *session = open_it();
	struct cn_why why;

	(void)state;
	assert_int_equal(cn_session_seek(session, 0, &why), 0);
	at(session, 1);
	assert_int_equal(cn_session_seek(session, LOOKS + 9, &why), 0);
	at(session, LOOKS);
	cn_session_close(session);
}

static void a_moment_has_the_last_look_before_it(void **state)
{
	struct cn_session *session = open_it();
	struct cn_why why;

	(void)state;
	for (uint64_t look = 1; look < 120; look += 39) {
		assert_int_equal(cn_session_seek_time(session, when(look), &why), 0);
		at(session, look);
		assert_int_equal(cn_session_seek_time(session, (look + 1) * PACE_NS + 6, &why), 0);
		at(session, look);
	}
	assert_int_equal(cn_session_seek_time(session, 0, &why), 0);
	at(session, 1);
	cn_session_close(session);
}

static void why_there_is_no_more_is_told_at_its_end_only(void **state)
{
	struct cn_session *session = open_it();
	struct cn_playback playback;
	struct cn_why why;

	(void)state;
	assert_int_equal(cn_session_seek(session, LOOKS, &why), 0);
	assert_true(cn_session_playback(session, &playback));
	assert_string_equal(playback.ended, "it was killed");
	assert_string_equal(playback.target, "4711");
	assert_int_equal(cn_session_seek(session, LOOKS - 1, &why), 0);
	assert_true(cn_session_playback(session, &playback));
	assert_null(playback.ended);
	cn_session_close(session);
}

static void what_stands_still_lets_nobody_wait(void **state)
{
	struct cn_session *session = open_it();
	struct cn_why why;

	(void)state;
	assert_int_equal(cn_session_seek(session, 3, &why), 0);
	cn_session_stand_still(session);
	assert_int_equal(cn_session_wait(session, 0, &why), 0);
	assert_int_equal(cn_session_pump(session, &why), 0);
	at(session, 3);
	cn_session_close(session);
}

static void played_in_a_hurry_each_look_comes_once(void **state)
{
	struct cn_session *session = open_it();
	struct cn_why why;

	(void)state;
	cn_session_hurry(session);
	for (uint64_t look = 1; look <= 20; look++) {
		assert_int_equal(cn_session_wait(session, 10000, &why), 0);
		at(session, look);
	}
	cn_session_close(session);
}

static void each_look_comes_as_long_after_the_one_before_as_it_did(void **state)
{
	struct cn_session *session = open_it();
	struct itimerspec timer;
	struct cn_why why;

	(void)state;
	/* From block to block, too, and one that goes on from where it was gone to. */
	for (uint64_t look = 40; look <= 120; look += look == 60 ? 35 : 1) {
		const uint64_t pace = when(look + 1) - when(look);

		assert_int_equal(cn_session_seek(session, look, &why), 0);
		assert_int_equal(timerfd_gettime(cn_session_fd(session), &timer), 0);
		assert_int_equal((uint64_t)timer.it_interval.tv_sec * S + (uint64_t)timer.it_interval.tv_nsec, pace);
	}
	cn_session_speed(session, 2000);
	assert_int_equal(timerfd_gettime(cn_session_fd(session), &timer), 0);
	assert_in_range(timer.it_interval.tv_nsec, (when(121) - when(120)) / 2 - 1000, (when(121) - when(120)) / 2);
	cn_session_close(session);
}

static const struct CMUnitTest tests[] = { cmocka_unit_test(a_near_look_rests_on_all_before_it),
	cmocka_unit_test(a_far_look_is_warmed_up_and_says_since_when), cmocka_unit_test(looks_that_there_are_not_are_the_ends),
	cmocka_unit_test(a_moment_has_the_last_look_before_it),
	cmocka_unit_test(why_there_is_no_more_is_told_at_its_end_only), cmocka_unit_test(what_stands_still_lets_nobody_wait),
	cmocka_unit_test(played_in_a_hurry_each_look_comes_once),
	cmocka_unit_test(each_look_comes_as_long_after_the_one_before_as_it_did) };

int main(void)
{
	return test_run(&(struct test_program){ .name = "replay",
		.tests = tests,
		.n = sizeof tests / sizeof tests[0],
		.setup = setup,
		.teardown = teardown });
}
