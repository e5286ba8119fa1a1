/* SPDX-License-Identifier: MIT */
/*
 * Single absences, made into frames: KernelBlocks, before them the names of the
 * kernel's code that they were in. Those that have ended, or that go on.
 */
#ifndef BL_BLOCKS_H
#define BL_BLOCKS_H

#include "loader/sink.h"
#include "off_cpu.h"

/* With 8 KiB of stack each they stay below the 64 KiB of a frame. */
#define BL_FRAME_BLOCKS 6

struct bl_blocks {
	struct bl_sink *sink;
	bool go_on;
	size_t n;
	struct bl_block rows[BL_FRAME_BLOCKS];
	char files[BL_FRAME_BLOCKS][BL_FILE_BYTES];
	char owners[BL_FRAME_BLOCKS][BL_NAME_BYTES];
};

/* A record of the ring; `blocks` is a struct bl_blocks. 0, -EPROTO for a record that is none, or as bl_sink_send(). */
int bl_blocks_add(void *blocks, void *record, size_t bytes);
int bl_blocks_flush(struct bl_blocks *blocks);

#endif
