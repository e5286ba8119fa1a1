/* SPDX-License-Identifier: MIT */
/* A recording on the screen: any keys at any size, and the screen at a look is what it is when one comes there first. */
#include "stage.h"

#include <frame.h>
#include <splitter.h>

#include "record/recorder.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[64], path[80];

/* ------------------------------------------------------------------ the recording */

struct copying {
	struct cn_recorder *recorder;
	struct rp_decoder *decoder;
};

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

/* A look of the stream is a look of the recording, seen when it was whole. */
static int copy(void *arg, const uint8_t *bytes, size_t n)
{
	struct copying *copying = arg;
	Rouse__V1__Moment moment = ROUSE__V1__MOMENT__INIT;
	const Rouse__V1__Frame *frame;

	assert_int_equal(rp_frame_decode(copying->decoder, bytes, n, &frame), 0);
	cn_recorder_frame(copying->recorder, bytes, n);
	if (frame->body_case != ROUSE__V1__FRAME__BODY_END)
		return 0;
	moment.now_ns = frame->end->mono_ns;
	moment.generations = 1;
	put(copying->recorder, ROUSE__V1__FRAME__BODY_MOMENT, &moment);
	cn_recorder_moment(copying->recorder, moment.now_ns, 1);
	return 0;
}

static int setup(void **state)
{
	const struct cn_recorder_opts opts = { .size = sizeof opts };
	struct copying copying = { .decoder = rp_decoder_new() };
	Rouse__V1__Recording recording = ROUSE__V1__RECORDING__INIT;
	char frames[512], target[] = "mini_redis";
	struct rp_splitter splitter;
	struct cn_why why;
	uint8_t bytes[4096];
	FILE *file;

	(void)state;
	snprintf(folder, sizeof folder, "/tmp/rouse-test-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/rec", folder);
	file = fopen(stage_path(frames, "trouble.frames"), "rbe");
	assert_non_null(file);
	assert_int_equal(cn_recorder_open(path, &opts, &copying.recorder, &why), 0);
	cn_recorder_cut(copying.recorder);
	recording.target = target;
	recording.interval_ms = 500;
	put(copying.recorder, ROUSE__V1__FRAME__BODY_RECORDING, &recording);
	rp_splitter_init(&splitter, 0);
	for (size_t n; (n = fread(bytes, 1, sizeof bytes, file)) > 0;)
		assert_int_equal(rp_splitter_feed(&splitter, bytes, n, copy, &copying), 0);
	rp_splitter_fini(&splitter);
	rp_decoder_free(copying.decoder);
	assert_int_equal(cn_recorder_close(copying.recorder, &why), 0);
	fclose(file);
	return setlocale(LC_CTYPE, "C.UTF-8") ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(folder);
}

/* ---------------------------------------------------------------------- the screen */

/* What a screen that was not there before shows of a look, below the row that says how it plays; to be freed. */
static char *first_sight(struct cn_session *session, uint64_t look)
{
	struct stage stage = { .session = session };
	struct cn_why why;
	char *text;

	assert_int_equal(cn_session_seek(session, look, &why), 0);
	stage.opts = (struct cn_screen_opts){ .session = session, .delay_ms = 500 };
	assert_int_equal(cn_driver_init(&stage.driver, &stage.opts, 40, 120), 0);
	stage.driver.printed = true;
	assert_int_equal(cn_driver_draw(&stage.driver), 0);
	text = stage_text(&stage, false);
	memmove(text, strchr(text, '\n'), strlen(strchr(text, '\n')) + 1);
	cn_driver_fini(&stage.driver);
	return text;
}

static void open_recording(struct stage *stage)
{
	const struct cn_session_opts opts = { .kind = CN_SOURCE_RECORDING };
	struct cn_why why = { 0 };

	*stage = (struct stage){ 0 };
	if (cn_session_open(path, &opts, &stage->session, &why))
		fail_msg("%s", why.text);
	stage->opts = (struct cn_screen_opts){ .session = stage->session, .delay_ms = 500 };
	assert_int_equal(cn_driver_init(&stage->driver, &stage->opts, 24, 80), 0);
	assert_int_equal(cn_driver_draw(&stage->driver), 0);
}

static uint64_t looks_in(const struct cn_session *session)
{
	struct cn_playback playback;

	assert_true(cn_session_playback(session, &playback));
	return playback.looks;
}

static void a_monkey_finds_each_look_as_one_who_comes_there_first(void **state)
{
	uint64_t random = test_seed();

	(void)state;
	for (int round = 0; round < 4; round++) {
		struct stage stage, fresh;
		char *seen, *expected;
		uint64_t look;

		open_recording(&stage);
		for (int step = 0; step < 200; step++) {
			(void)cn_driver_pump(&stage.driver);
			stage_any_key(&stage, &random);
		}
		look = 1 + test_random(&random) % looks_in(stage.session);
		seen = first_sight(stage.session, look);
		open_recording(&fresh);
		expected = first_sight(fresh.session, look);
		assert_string_equal(seen, expected);
		free(seen);
		free(expected);
		stage_close(&fresh);
		stage_close(&stage);
	}
}

static void keys_of_a_recording_lead_to_its_looks(void **state)
{
	static const struct {
		const char *keys;
		int64_t look; /* < 0: from the end */
	} ways[] = { { "(", 1 }, { "]", 2 }, { "}", 12 }, { "[", 11 }, { "{", 1 }, { ")", -1 }, { "[", -2 } };
	struct cn_playback playback;
	struct stage stage;

	(void)state;
	open_recording(&stage);
	for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
		stage_keys(&stage, ways[i].keys);
		assert_true(cn_session_playback(stage.session, &playback));
		assert_int_equal(playback.look, ways[i].look > 0 ? (uint64_t)ways[i].look
								 : playback.looks + 1 - (uint64_t)-ways[i].look);
	}
	stage_close(&stage);
}

TEST_MAIN_WITH(setup, teardown, cmocka_unit_test(a_monkey_finds_each_look_as_one_who_comes_there_first),
	cmocka_unit_test(keys_of_a_recording_lead_to_its_looks));
