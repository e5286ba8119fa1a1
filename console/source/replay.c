/* SPDX-License-Identifier: MIT */
#include "source/replay.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <frame.h>

#include "export/text.h"
#include "model/ended.h"
#include "model/events.h"
#include "model/found.h"
#include "record/recording.h"
#include "source/session_private.h"

#define LONGEST_NS 10000000000ull /* between two looks */

enum {
	NORMAL_SPEED = 1000,
	WAY_BYTES = 32 << 20, /* of frames: taken in within a second or so, so no shorter way is looked for */
	TEXT_BYTES = 512
};

struct cn_replay {
	struct cn_source source;
	struct cn_session *session;
	struct cn_recording *recording;
	char *path;
	uint64_t at;   /* looks that were taken in, or are left out before `from` */
	uint64_t from; /* the first look that the model has taken in, from 0 */
	uint64_t now_ns;
	uint32_t speed; /* permille */
	bool paused, still;
	bool hurries; /* each look is due at once */
	bool said_hello; /* to the model: each block says it again */
	bool unjudged;   /* a generation is whole, and what belongs to it may still come */
	bool has_taken_thresholds;
	uint32_t generations; /* of the look in progress */
	struct cn_diagnose_opts diagnose;
	char target[TEXT_BYTES], ended[TEXT_BYTES];
	uint32_t interval_ms;
	struct cn_why *why;
};

/* ------------------------------------------------------------------- one look */

static int judge(struct cn_replay *replay)
{
	struct cn_session *session = replay->session;

	if (!replay->unjudged)
		return 0;
	replay->unjudged = false;
	return cn_diagnose(session->model, &replay->diagnose, session->findings);
}

/* What was asked for on the command line comes before what the recorder was asked for. */
static void take_recording(struct cn_replay *replay, const Rouse__V1__Recording *recording)
{
	struct cn_diagnose_opts asked = replay->session->diagnose;

	if (replay->has_taken_thresholds)
		return;
	replay->has_taken_thresholds = true;
	snprintf(replay->target, sizeof replay->target, "%s", recording->target);
	replay->interval_ms = recording->interval_ms;
	for (size_t i = 0; i < recording->n_threshold; i++)
		(void)cn_threshold_set(&replay->diagnose, recording->threshold[i]); /* one of another version: not ours */
	for (unsigned int i = 0; i < CN_THRESHOLD_MAX; i++) {
		char text[64];

		if (!cn_threshold_get(&asked, i))
			continue;
		snprintf(text, sizeof text, "%s=%llu%s", cn_threshold_text(i),
			(unsigned long long)cn_threshold_get(&asked, i),
			cn_threshold_unit(i) == CN_UNIT_NS ? "ns" : "");
		(void)cn_threshold_set(&replay->diagnose, text);
	}
}

static int take_moment(struct cn_replay *replay, const Rouse__V1__Moment *moment)
{
	replay->now_ns = moment->now_ns;
	replay->ended[0] = 0;
	if (moment->code)
		snprintf(replay->ended, sizeof replay->ended, "%s", *moment->why ? moment->why : "it has ended");
	return judge(replay);
}

static int take_of_target(struct cn_replay *replay, const Rouse__V1__Frame *frame)
{
	int rc;

	if (frame->body_case == ROUSE__V1__FRAME__BODY_HELLO && replay->said_hello)
		return 0;
	replay->said_hello = replay->said_hello || frame->body_case == ROUSE__V1__FRAME__BODY_HELLO;
	rc = judge(replay);
	if (rc == 0)
		rc = cn_model_apply(replay->session->model, frame);
	if (rc == CN_APPLIED_GENERATION) {
		replay->generations++;
		replay->unjudged = true;
	}
	return rc < 0 ? rc : 0; /* what the target says to be wrong is the moment's to tell */
}

static int take_frame(void *arg, const uint8_t *bytes, size_t n)
{
	struct cn_replay *replay = arg;
	const Rouse__V1__Frame *frame;
	int rc = rp_frame_decode(replay->session->decoder, bytes, n, &frame);

	if (rc)
		return rc;
	switch (frame->body_case) {
	case ROUSE__V1__FRAME__BODY_RECORDING:
		take_recording(replay, frame->recording);
		return 0;
	case ROUSE__V1__FRAME__BODY_KEEPS:
		rc = judge(replay);
		/* At the beginning of a block it is only said again. */
		if (frame->keeps->events != cn_model_keeps_events(replay->session->model))
			cn_model_keep_events(replay->session->model, frame->keeps->events);
		return rc;
	case ROUSE__V1__FRAME__BODY_MOMENT:
		return take_moment(replay, frame->moment);
	case ROUSE__V1__FRAME__BODY_FOUND_STACKS:
	case ROUSE__V1__FRAME__BODY_FOUND_SYMBOLS:
		return cn_found_apply(replay->session->model, frame);
	case ROUSE__V1__FRAME__BODY_KERNEL:
	case ROUSE__V1__FRAME__BODY_KERNEL_SUMS:
	case ROUSE__V1__FRAME__BODY_KERNEL_CALLS:
	case ROUSE__V1__FRAME__BODY_KERNEL_BLOCKS:
	case ROUSE__V1__FRAME__BODY_KERNEL_WAITS:
	case ROUSE__V1__FRAME__BODY_KERNEL_SAMPLES:
	case ROUSE__V1__FRAME__BODY_KERNEL_NOTE:
		rc = judge(replay);
		return rc ? rc : cn_found_apply(replay->session->model, frame);
	default:
		return take_of_target(replay, frame);
	}
}

/* 0, 1 there is none, or *why is set. A block that turns out to be damaged is left out. */
static int take_look(struct cn_replay *replay, struct cn_why *why)
{
	int rc;

	replay->generations = 0;
	do
		rc = cn_recording_next(replay->recording, take_frame, replay);
	while (rc == -EAGAIN);
	if (rc == 0)
		replay->at++;
	if (rc == -EPROTO)
		return cn_why_set(why, rc, "the program in %s spoke another version of the protocol than this rouse (%s)",
			cn_safe(replay->path), ROUSE_VERSION);
	return rc < 0 ? cn_why_set(why, rc, "cannot read %s: %s", cn_safe(replay->path), strerror(-rc)) : rc;
}

/* --------------------------------------------------------------------- the pace */

static bool is_at_end(const struct cn_replay *replay)
{
	return replay->at >= cn_recording_moments(replay->recording);
}

/*
 * A look comes as long after the one before as it did then. Nobody is made to
 * wait for what was long not looked at; a time that cannot be told, or that goes
 * back, is that between two looks as they were asked for.
 */
static uint64_t pace_ns(const struct cn_replay *replay)
{
	const uint64_t then_ns = replay->hurries ? 0 : cn_recording_time(replay->recording, replay->at);
	uint64_t pace = then_ns > replay->now_ns ? then_ns - replay->now_ns : replay->interval_ms * 1000000ull;

	pace = pace < LONGEST_NS ? pace : LONGEST_NS;
	pace = replay->hurries ? 0 : pace / replay->speed * NORMAL_SPEED;
	return pace > 1000000 ? pace : 1000000;
}

static int set_timer(const struct cn_replay *replay)
{
	const uint64_t pace = replay->paused || replay->still || is_at_end(replay) ? 0 : pace_ns(replay);
	const struct timespec every = { (time_t)(pace / 1000000000), (long)(pace % 1000000000) };
	/* The first look is due at once. */
	const struct itimerspec timer = { every, replay->at || !pace ? every : (struct timespec){ 0, 1 } };

	return timerfd_settime(replay->source.fd, 0, &timer, NULL) ? -errno : 0;
}

static int tell(struct cn_source *source, const struct cn_wish *wish, struct cn_why *why)
{
	struct cn_replay *replay = (struct cn_replay *)source;
	int rc;

	replay->paused = wish->pause;
	rc = set_timer(replay);
	return rc ? cn_why_set(why, rc, "cannot set a timer: %s", strerror(-rc)) : 0;
}

int cn_replay_pump(struct cn_replay *replay, struct cn_why *why)
{
	uint64_t ticks;
	int rc;

	if (read(replay->source.fd, &ticks, sizeof ticks) != (ssize_t)sizeof ticks || replay->still)
		return 0; /* not yet */
	rc = take_look(replay, why);
	replay->source.ended = replay->source.ended || is_at_end(replay);
	if (rc >= 0 && set_timer(replay))
		return cn_why_set(why, -errno, "cannot set a timer: %s", strerror(errno));
	if (rc)
		return rc < 0 ? rc : 0;
	return replay->generations ? (int)replay->generations : 1; /* an end is shown, too */
}

/* ---------------------------------------------------------------- opening, closing */

static int read_frames(struct cn_source *source, rouse_frame_fn frame, void *arg, struct cn_why *why)
{
	(void)source;
	(void)frame;
	(void)arg;
	return cn_why_set(why, -ENOTSUP, "a recording is taken in look by look");
}

static void close_replay(struct cn_source *source)
{
	struct cn_replay *replay = (struct cn_replay *)source;

	if (replay->source.fd >= 0)
		close(replay->source.fd);
	cn_recording_close(replay->recording);
	free(replay->path);
	free(replay);
}

int cn_replay_open(const char *path, struct cn_session *session, struct cn_replay **ret_replay, struct cn_why *why)
{
	struct cn_replay *replay = calloc(1, sizeof *replay);
	int rc = 0;

	if (!replay)
		return cn_why_set(why, -ENOMEM, "no memory to read %s", cn_safe(path));
	replay->source = (struct cn_source){ .read = read_frames, .tell = tell, .close = close_replay };
	replay->session = session;
	replay->speed = NORMAL_SPEED;
	replay->source.fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	replay->path = strdup(path);
	if (replay->source.fd < 0 || !replay->path)
		rc = cn_why_set(why, -ENOMEM, "cannot make a timer for %s: %s", cn_safe(path), strerror(errno));
	if (rc == 0)
		rc = cn_recording_open(path, &replay->recording, why);
	if (rc == 0 && set_timer(replay))
		rc = cn_why_set(why, -errno, "cannot set a timer: %s", strerror(errno));
	if (rc) {
		close_replay(&replay->source);
		return rc;
	}
	*ret_replay = replay;
	return 0;
}

struct cn_source *cn_replay_source(struct cn_replay *replay)
{
	return &replay->source;
}

uint64_t cn_replay_now_ns(const struct cn_replay *replay)
{
	return replay->now_ns;
}

/* ---------------------------------------------------------------------- seeking */

/* Of the blocks from `block` up to the one with that look, bytes of frames. */
static uint64_t way(const struct cn_replay *replay, size_t block, uint64_t look)
{
	const size_t end = cn_recording_block_of(replay->recording, look);
	uint64_t bytes = 0, first;

	for (; block <= end && block < cn_recording_blocks(replay->recording); block++)
		bytes += cn_recording_block(replay->recording, block, &first)->raw_bytes;
	return bytes;
}

/* Where to begin to come to that look (from 0). */
static size_t start_for(const struct cn_replay *replay, uint64_t look)
{
	size_t block = cn_recording_block_of(replay->recording, look);
	uint64_t first = 0;

	if (way(replay, 0, look) <= WAY_BYTES)
		return 0;
	while (block > 0) {
		(void)cn_recording_block(replay->recording, block, &first);
		if (first + CN_WARM_UP <= look)
			break;
		block--;
	}
	return block;
}

/* As it was before the first frame of that block. */
static int begin_anew(struct cn_replay *replay, size_t block)
{
	struct cn_session *session = replay->session;
	struct cn_model *model = cn_model_new();
	struct cn_findings *findings = cn_findings_new();

	if (!model || !findings) {
		cn_model_free(model);
		cn_findings_free(findings);
		return -ENOMEM;
	}
	cn_model_keep_ended(model, cn_model_keeps_ended(session->model));
	cn_model_free(session->model);
	cn_findings_free(session->findings);
	session->model = model;
	session->findings = findings;
	replay->said_hello = replay->unjudged = false;
	(void)cn_recording_block(replay->recording, block, &replay->from);
	replay->at = replay->from;
	return cn_recording_seek(replay->recording, block);
}

static int go_to(struct cn_replay *replay, uint64_t look, struct cn_why *why)
{
	const size_t here = cn_recording_block_of(replay->recording, replay->at ? replay->at - 1 : 0);
	int rc = 0;

	replay->source.ended = false;
	if (replay->at > look || way(replay, here, look) > WAY_BYTES)
		rc = begin_anew(replay, start_for(replay, look - 1));
	if (rc)
		return cn_why_set(why, rc, "no memory to read %s", cn_safe(replay->path));
	while (rc == 0 && replay->at < look)
		rc = take_look(replay, why);
	replay->source.ended = is_at_end(replay) || replay->still;
	if (rc >= 0 && set_timer(replay))
		return cn_why_set(why, -errno, "cannot set a timer: %s", strerror(errno));
	return rc < 0 ? rc : 0;
}

int cn_session_seek(struct cn_session *session, uint64_t look, struct cn_why *why)
{
	struct cn_replay *replay = session->replay;
	const uint64_t looks = replay ? cn_recording_moments(replay->recording) : 0;

	if (!looks)
		return cn_why_set(why, -EINVAL, "%s is no recording: there is nothing to go back to",
			cn_safe(session->target));
	return go_to(replay, look < 1 ? 1 : look > looks ? looks : look, why);
}

int cn_session_seek_time(struct cn_session *session, uint64_t ns, struct cn_why *why)
{
	struct cn_replay *replay = session->replay;
	const struct cn_record_block *block = NULL;
	uint64_t first = 0, look;
	size_t at = 0;
	int rc;

	if (!replay)
		return cn_session_seek(session, 1, why);
	/* Within a block looks are found by taking them in: one too many shows that it is. */
	while (at + 1 < cn_recording_blocks(replay->recording) &&
		cn_recording_block(replay->recording, at + 1, &first)->first_ns <= ns)
		at++;
	block = cn_recording_block(replay->recording, at, &first);
	look = first + 1;
	rc = cn_session_seek(session, look, why);
	while (rc == 0 && look < first + block->moments && replay->now_ns <= ns)
		rc = cn_session_seek(session, ++look, why);
	return rc == 0 && replay->now_ns > ns && look > 1 ? cn_session_seek(session, look - 1, why) : rc;
}

void cn_session_speed(struct cn_session *session, uint32_t permille)
{
	if (!session->replay || !permille)
		return;
	session->replay->speed = permille;
	/* A timer of ours can be set as often as one likes; if not, the next look says so. */
	(void)set_timer(session->replay);
}

void cn_session_hurry(struct cn_session *session)
{
	if (!session->replay)
		return;
	session->replay->hurries = true;
	(void)set_timer(session->replay);
}

void cn_session_stand_still(struct cn_session *session)
{
	if (!session->replay)
		return;
	session->replay->still = session->replay->source.ended = true;
	(void)set_timer(session->replay);
}

bool cn_session_playback(const struct cn_session *session, struct cn_playback *ret_playback)
{
	const struct cn_replay *replay = session->replay;

	if (!replay)
		return false;
	*ret_playback = (struct cn_playback){ .look = replay->at,
		.looks = cn_recording_moments(replay->recording),
		.from = replay->from + 1,
		.first_ns = cn_recording_first_ns(replay->recording),
		.now_ns = replay->now_ns,
		.last_ns = cn_recording_last_ns(replay->recording),
		.speed_permille = replay->speed,
		.paused = replay->paused,
		.file = replay->path,
		.target = replay->target,
		.interval_ms = replay->interval_ms,
		.ended = *replay->ended ? replay->ended : NULL,
		.note = cn_recording_note(replay->recording) };
	return true;
}
