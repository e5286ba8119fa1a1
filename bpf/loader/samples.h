/* SPDX-License-Identifier: MIT */
/*
 * Samples, made into frames: KernelSamples, before them the names of the
 * kernel's code that they hit.
 */
#ifndef BL_SAMPLES_H
#define BL_SAMPLES_H

#include "counted.h"
#include "loader/sink.h"

/* With 8 KiB of stack each they stay below the 64 KiB of a frame. */
#define BL_FRAME_SAMPLES 6

struct bl_samples {
	struct bl_sink *sink;
	size_t n;
	struct bl_sample rows[BL_FRAME_SAMPLES];
};

/* A record of the ring; `samples` is a struct bl_samples. 0, -EPROTO for a record that is none, or as bl_sink_send().
 */
int bl_samples_add(void *samples, void *record, size_t bytes);
int bl_samples_flush(struct bl_samples *samples);

#endif
