/* SPDX-License-Identifier: MIT */
/*
 * Records of the ring buffer, made into frames of proto/rouse/v1.
 *
 * A run of events becomes one Events frame, a run of verdicts one PollVerdicts
 * frame, in the order in which they came; a frame that is full is sent, and
 * bl_frames_flush() sends the one that is not. A gap ends the frame before it,
 * and is told by the next Events frame's lost_before.
 */
#ifndef BL_FRAMES_H
#define BL_FRAMES_H

#include "events.h"
#include "loader/loader.h"

/* Both stay below the 64 KiB of a frame: at most 41 bytes an event, 55 a verdict. */
#define BL_FRAME_EVENTS 1024
#define BL_FRAME_VERDICTS 256

struct bl_events {
	size_t n;
	uint64_t first, lost_before, base_ns, last_ns;
	int64_t delta_ns[BL_FRAME_EVENTS];
	uint32_t kind[BL_FRAME_EVENTS], tid[BL_FRAME_EVENTS], arg32[BL_FRAME_EVENTS];
	uint64_t task[BL_FRAME_EVENTS], arg[BL_FRAME_EVENTS];
};

struct bl_verdicts {
	size_t n;
	uint32_t poll[BL_FRAME_VERDICTS], tid[BL_FRAME_VERDICTS];
	uint64_t task[BL_FRAME_VERDICTS], start_ns[BL_FRAME_VERDICTS], duration_ns[BL_FRAME_VERDICTS];
	uint64_t blocked_ns[BL_FRAME_VERDICTS], run_queue_ns[BL_FRAME_VERDICTS];
};

struct bl_frames {
	bl_frame_fn frame;
	void *arg;
	uint64_t delivered;
	uint64_t lost; /* what the frames have told of, the gathered ones included */
	struct bl_events events;
	struct bl_verdicts verdicts;
	uint8_t bytes[65536];
};

/* Where frames go; zero the rest before the first use. Borrows arg until the next call. */
void bl_frames_to(struct bl_frames *frames, bl_frame_fn frame, void *arg);
/* All three: 0, -EPROTO for a record that is none, or what the callback answered. */
int bl_frames_hello(struct bl_frames *frames, int pid, const char *program);
int bl_frames_add(struct bl_frames *frames, const void *record, size_t n);
int bl_frames_flush(struct bl_frames *frames);
/* Flushes, and tells of records lost after the last one: `total` is the exact count. */
int bl_frames_end(struct bl_frames *frames, uint64_t total);

#endif
