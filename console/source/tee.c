/* SPDX-License-Identifier: MIT */
#include "source/tee.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <frame.h>

#include "model/events.h"
#include "model/found.h"
#include "record/recorder.h"

struct cn_tee {
	struct cn_recorder *recorder;
	struct cn_model *model;
	char *target;
	uint32_t interval_ms;
	char thresholds[CN_THRESHOLD_MAX][64];
	char *set[CN_THRESHOLD_MAX]; /* those that were */
	size_t n_set;
	uint8_t *hello;
	size_t hello_bytes;
	bool fresh;     /* no look has come: the first one is a keyframe of everything */
	uint32_t asked; /* the last request for a keyframe */
	bool asks;      /* it has not been answered */
	uint8_t bytes[RP_FRAME_MAX];
};

static void put(struct cn_tee *tee, const Rouse__V1__Frame *frame)
{
	size_t n;

	/* What does not fit into a frame is longer than anything that we make of bounded text and stacks. */
	if (rp_frame_pack(frame, tee->bytes, sizeof tee->bytes, &n) == 0)
		cn_recorder_frame(tee->recorder, tee->bytes, n);
}

static void take_found(void *arg, const Rouse__V1__Frame *frame)
{
	put(arg, frame);
}

static void take_thresholds(struct cn_tee *tee, const struct cn_diagnose_opts *opts)
{
	for (unsigned int i = 0; i < CN_THRESHOLD_MAX; i++) {
		const uint64_t value = cn_threshold_get(opts, i);

		if (!value)
			continue;
		snprintf(tee->thresholds[i], sizeof tee->thresholds[i], "%s=%" PRIu64 "%s", cn_threshold_text(i), value,
			cn_threshold_unit(i) == CN_UNIT_NS ? "ns" : "");
		tee->set[tee->n_set++] = tee->thresholds[i];
	}
}

static int keep_hello(struct cn_tee *tee, const uint8_t *hello, size_t n)
{
	uint8_t *copy = malloc(n);

	if (!copy)
		return -1;
	memcpy(copy, hello, n);
	free(tee->hello);
	tee->hello = copy;
	tee->hello_bytes = n;
	return 0;
}

struct cn_tee *cn_tee_new(struct cn_recorder *recorder, struct cn_model *model, const struct cn_tee_head *head,
	const uint8_t *hello, size_t n)
{
	struct cn_tee *tee = calloc(1, sizeof *tee);

	if (!tee)
		return NULL;
	tee->recorder = recorder;
	tee->model = model;
	tee->interval_ms = head->interval_ms;
	tee->fresh = cn_model_generations(model) == 0;
	take_thresholds(tee, head->diagnose);
	tee->target = strdup(head->target);
	if (!tee->target || (n && keep_hello(tee, hello, n))) {
		cn_tee_free(tee);
		return NULL;
	}
	cn_model_tell_found(model, take_found, tee);
	return tee;
}

void cn_tee_free(struct cn_tee *tee)
{
	if (!tee)
		return;
	cn_model_tell_found(tee->model, NULL, NULL);
	free(tee->target);
	free(tee->hello);
	free(tee);
}

void cn_tee_keeps(struct cn_tee *tee)
{
	Rouse__V1__Keeps keeps = ROUSE__V1__KEEPS__INIT;
	Rouse__V1__Frame frame = ROUSE__V1__FRAME__INIT;

	keeps.events = cn_model_keeps_events(tee->model);
	frame.body_case = ROUSE__V1__FRAME__BODY_KEEPS;
	frame.keeps = &keeps;
	put(tee, &frame);
}

/* All that has to stand before a keyframe, so that nothing before it is needed. */
static void begin_block(struct cn_tee *tee)
{
	Rouse__V1__Recording recording = ROUSE__V1__RECORDING__INIT;
	Rouse__V1__Frame frame = ROUSE__V1__FRAME__INIT;
	char version[] = ROUSE_VERSION;

	cn_recorder_cut(tee->recorder);
	recording.target = tee->target;
	recording.interval_ms = tee->interval_ms;
	recording.threshold = tee->set;
	recording.n_threshold = tee->n_set;
	recording.version = version;
	frame.body_case = ROUSE__V1__FRAME__BODY_RECORDING;
	frame.recording = &recording;
	put(tee, &frame);
	cn_recorder_frame(tee->recorder, tee->hello, tee->hello_bytes);
	cn_tee_keeps(tee);
	cn_found_tell_all(tee->model);
	tee->fresh = false;
	tee->asks = false;
}

/* Of one runtime any keyframe is one of all; of several, the one that was asked for is. */
static bool may_begin(const struct cn_tee *tee, const Rouse__V1__GenerationBegin *begin)
{
	const bool single = cn_model_target(tee->model)->n_runtimes <= 1 && cn_model_runtimes(tee->model) <= 1;

	return begin->keyframe && tee->hello && (tee->fresh || single || (tee->asks && begin->asked == tee->asked));
}

void cn_tee_frame(struct cn_tee *tee, const uint8_t *bytes, size_t n, const Rouse__V1__Frame *frame)
{
	if (frame->body_case == ROUSE__V1__FRAME__BODY_HELLO && keep_hello(tee, bytes, n))
		return; /* a block without it cannot begin: the recording ends here, and moments count as lost */
	if (frame->body_case == ROUSE__V1__FRAME__BODY_LOST)
		cn_recorder_lost(tee->recorder, frame->lost->generations, frame->lost->events);
	if (frame->body_case == ROUSE__V1__FRAME__BODY_BEGIN && cn_recorder_wants_keyframe(tee->recorder) &&
		may_begin(tee, frame->begin))
		begin_block(tee);
	cn_recorder_frame(tee->recorder, bytes, n);
}

static uint64_t real_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void cn_tee_moment(struct cn_tee *tee, uint64_t now_ns, uint32_t generations, int code, const char *why)
{
	Rouse__V1__Moment moment = ROUSE__V1__MOMENT__INIT;
	Rouse__V1__Frame frame = ROUSE__V1__FRAME__INIT;
	char text[512];

	snprintf(text, sizeof text, "%s", why);
	moment.now_ns = now_ns;
	moment.real_ns = real_ns();
	moment.generations = generations;
	moment.code = code;
	moment.why = text;
	frame.body_case = ROUSE__V1__FRAME__BODY_MOMENT;
	frame.moment = &moment;
	put(tee, &frame);
	cn_recorder_moment(tee->recorder, now_ns, generations);
}

bool cn_tee_asks(struct cn_tee *tee, uint32_t *asked)
{
	if (tee->asks || tee->fresh || !cn_recorder_wants_keyframe(tee->recorder))
		return false;
	tee->asks = true;
	tee->asked = ++*asked;
	return true;
}
