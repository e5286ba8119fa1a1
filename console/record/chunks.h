/* SPDX-License-Identifier: MIT */
/* Frames into the chunks of one block: see format.h. Memory is bounded, whatever comes. */
#ifndef CN_RECORD_CHUNKS_H
#define CN_RECORD_CHUNKS_H

#include "record/format.h"

/* Takes one encoded chunk, head and all. 0 or -errno. */
typedef int (*cn_chunk_fn)(void *arg, const uint8_t *bytes, size_t n);

struct cn_chunks;
/* NULL: no memory. */
struct cn_chunks *cn_chunks_new(void);
void cn_chunks_free(struct cn_chunks *chunks);
/* A block of that number begins. */
int cn_chunks_begin(struct cn_chunks *chunks, uint64_t number);
/* With its length prefix in front. Chunks that are full leave by `fn`. */
int cn_chunks_frame(struct cn_chunks *chunks, const uint8_t *bytes, size_t n, cn_chunk_fn fn, void *arg);
/* What has come so far leaves, so that nothing of it can be lost. */
int cn_chunks_flush(struct cn_chunks *chunks, cn_chunk_fn fn, void *arg);

#endif
