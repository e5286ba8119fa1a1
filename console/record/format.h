/* SPDX-License-Identifier: MIT */
/*
 * A recording on disk. All words are 64 bits, little-endian; `check` is
 * cn_record_check() of what stands before it, begun with the seed that is named.
 *
 *     file    = head, block*, [index]
 *     head    = 8 words: "rouserec", version 1, 4096, ring bytes (0 = none), 0, 0, 0, check (seed 0)
 *     block   = at a multiple of 4096:
 *               8 words: "rouseblk", number from 1, bytes (0: it is not closed), bytes of its frames,
 *               first and last moment, moments, check (seed 0)
 *               chunk*, and, if it is closed, a chunk of nothing
 *     chunk   = 2 words: bytes | bytes of its frames << 32, check (seed: the block's number; goes on
 *               over the bytes), then so many bytes of the block's one zstd stream, flushed at their end
 *     index   = at a multiple of 4096: of each block, oldest first, 9 words: offset, and the 8 of its head;
 *               then, at the end of the file, 4 words: "rouseidx", offset of the index, blocks, check
 *               (seed 0; of the index and these three)
 *
 * What the zstd stream of a block holds is a stream of frames as PROTOCOL.md
 * has it, complete in itself: Recording, Hello, a keyframe of every runtime,
 * and what followed; each Moment ends what was shown together.
 *
 * Chunks are written as they come, so that who is killed loses no look that
 * was whole; the head of a block is written again when it is closed, the index
 * when all is. Without an index blocks are found by looking at each multiple of
 * 4096. Of blocks that lie over one another (a ring writes round and round) the
 * one with the higher number is whole.
 */
#ifndef CN_RECORD_FORMAT_H
#define CN_RECORD_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	CN_RECORD_VERSION = 1,
	CN_RECORD_ALIGN = 4096,
	CN_RECORD_HEAD_BYTES = 64,
	CN_RECORD_CHUNK_HEAD_BYTES = 16,
	CN_RECORD_INDEX_ROW_BYTES = 72,
	CN_RECORD_TAIL_BYTES = 32,
	CN_RECORD_CHUNK_FRAMES = 256 << 10, /* a chunk is closed when its frames have so many bytes, or more */
	CN_RECORD_CHUNK_FRAMES_MAX = 384 << 10,
	CN_RECORD_CHUNK_BYTES_MAX = 512 << 10 /* more than zstd makes of the former at worst */
};

struct cn_record_block {
	uint64_t number;
	uint64_t bytes;     /* head, chunks and all; 0 = it is not closed */
	uint64_t raw_bytes; /* of frames */
	uint64_t first_ns, last_ns;
	uint64_t moments;
};

struct cn_record_chunk {
	uint32_t bytes, raw_bytes;
	uint64_t check;
};

uint64_t cn_record_check(uint64_t seed, const void *bytes, size_t n);

void cn_record_head_encode(uint8_t out[CN_RECORD_HEAD_BYTES], uint64_t ring_bytes);
/* False: it is no recording, or of another version. */
bool cn_record_head_decode(const uint8_t in[CN_RECORD_HEAD_BYTES], uint64_t *ret_ring_bytes);
void cn_record_block_encode(uint8_t out[CN_RECORD_HEAD_BYTES], const struct cn_record_block *block);
bool cn_record_block_decode(const uint8_t in[CN_RECORD_HEAD_BYTES], struct cn_record_block *ret_block);
/* `data` has chunk->bytes; sets chunk->check. */
void cn_record_chunk_encode(
	uint8_t out[CN_RECORD_CHUNK_HEAD_BYTES], struct cn_record_chunk *chunk, uint64_t number, const void *data);
/* False: its sizes are out of bounds. Whether `check` is right is told by cn_record_chunk_is_sound(), with the data. */
bool cn_record_chunk_decode(const uint8_t in[CN_RECORD_CHUNK_HEAD_BYTES], struct cn_record_chunk *ret_chunk);
bool cn_record_chunk_is_sound(const struct cn_record_chunk *chunk, uint64_t number, const void *data);
void cn_record_index_row_encode(
	uint8_t out[CN_RECORD_INDEX_ROW_BYTES], uint64_t offset, const struct cn_record_block *block);
bool cn_record_index_row_decode(
	const uint8_t in[CN_RECORD_INDEX_ROW_BYTES], uint64_t *ret_offset, struct cn_record_block *ret_block);
/* `check` is that of the index. */
void cn_record_tail_encode(uint8_t out[CN_RECORD_TAIL_BYTES], uint64_t offset, uint64_t blocks, uint64_t check);
bool cn_record_tail_decode(
	const uint8_t in[CN_RECORD_TAIL_BYTES], uint64_t *ret_offset, uint64_t *ret_blocks, uint64_t *ret_check);
/* Is that the check of this index with this tail? */
bool cn_record_index_is_sound(uint64_t index_check, uint64_t offset, uint64_t blocks, uint64_t tail_check);

static inline uint64_t cn_record_aligned(uint64_t offset)
{
	return (offset + CN_RECORD_ALIGN - 1) / CN_RECORD_ALIGN * CN_RECORD_ALIGN;
}

#endif
