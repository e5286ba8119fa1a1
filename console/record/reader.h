/* SPDX-License-Identifier: MIT */
/* The frames of one block, chunk by chunk: each is checked before it is unpacked. */
#ifndef CN_RECORD_READER_H
#define CN_RECORD_READER_H

#include <splitter.h>

#include "record/format.h"

struct cn_reader;

/* `fd` is borrowed. NULL: no memory. */
struct cn_reader *cn_reader_new(int fd);
void cn_reader_free(struct cn_reader *reader);
/* From the first chunk of the block at `offset`, which does not reach beyond `end`. 0 or -ENOMEM. */
int cn_reader_begin(struct cn_reader *reader, uint64_t offset, uint64_t end, uint64_t number);
/*
 * One chunk more: hands out the frames that are whole now. 0; 1: the block is
 * closed; -ENODATA: the file ends, or what stands there is no chunk of this
 * block; -EBADMSG: the chunk is sound, and what is in it makes no sense; what
 * `frame` answered.
 */
int cn_reader_next(struct cn_reader *reader, rp_frame_fn frame, void *arg);
/* Where the next chunk begins. */
uint64_t cn_reader_at(const struct cn_reader *reader);

#endif
