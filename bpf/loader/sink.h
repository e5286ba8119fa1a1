/* SPDX-License-Identifier: MIT */
/*
 * Where the frames of a kernel stream go, and what they need that is not in the
 * records: names of kernel code, of threads and of files.
 */
#ifndef BL_SINK_H
#define BL_SINK_H

#include "loader/kallsyms.h"
#include "loader/kernel.h"
#include "loader/names.h"

#include "frame.h"

struct bl_sink {
	bl_kernel_frame frame;
	void *arg;
	int pid;
	struct bl_kallsyms symbols;
	struct bl_names names;
	uint8_t bytes[RP_FRAME_MAX];
};

/* 0, -EMSGSIZE, or what the callback answered. */
int bl_sink_send(struct bl_sink *sink, const Rouse__V1__Frame *frame);
/* Sends the names of those that have not been told yet; 0 is no address. As bl_sink_send(). */
int bl_sink_symbols(struct bl_sink *sink, const uint64_t *pc, size_t n);

#endif
