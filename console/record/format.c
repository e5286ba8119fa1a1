/* SPDX-License-Identifier: MIT */
#include "record/format.h"

#include <endian.h>
#include <string.h>

#define MAGIC(text) ((uint64_t)(text)[0] | (uint64_t)(text)[1] << 8 | (uint64_t)(text)[2] << 16 |                      \
	(uint64_t)(text)[3] << 24 | (uint64_t)(text)[4] << 32 | (uint64_t)(text)[5] << 40 |                            \
	(uint64_t)(text)[6] << 48 | (uint64_t)(text)[7] << 56)
#define FILE_MAGIC MAGIC("rouserec")
#define BLOCK_MAGIC MAGIC("rouseblk")
#define INDEX_MAGIC MAGIC("rouseidx")

enum { HEAD_WORDS = 8, TAIL_WORDS = 4 };

/* FNV-1a over words, stirred: a step can be undone, so no single change goes unseen. */
uint64_t cn_record_check(uint64_t seed, const void *bytes, size_t n)
{
	uint64_t h = 0xcbf29ce484222325ull ^ seed;

	for (size_t i = 0; i < n; i += sizeof h) {
		uint64_t word = 0;

		memcpy(&word, (const uint8_t *)bytes + i, n - i < sizeof word ? n - i : sizeof word);
		h = (h ^ le64toh(word)) * 0x9fb21c651e98df25ull;
		h ^= h >> 32;
	}
	return (h ^ n) * 0x100000001b3ull;
}

static void put(uint8_t *out, size_t word, uint64_t value)
{
	value = htole64(value);
	memcpy(out + word * sizeof value, &value, sizeof value);
}

static uint64_t get(const uint8_t *in, size_t word)
{
	uint64_t value;

	memcpy(&value, in + word * sizeof value, sizeof value);
	return le64toh(value);
}

static void seal(uint8_t *out)
{
	put(out, HEAD_WORDS - 1, cn_record_check(0, out, (HEAD_WORDS - 1) * sizeof(uint64_t)));
}

static bool is_sealed(const uint8_t *in)
{
	return get(in, HEAD_WORDS - 1) == cn_record_check(0, in, (HEAD_WORDS - 1) * sizeof(uint64_t));
}

void cn_record_head_encode(uint8_t out[CN_RECORD_HEAD_BYTES], uint64_t ring_bytes)
{
	memset(out, 0, CN_RECORD_HEAD_BYTES);
	put(out, 0, FILE_MAGIC);
	put(out, 1, CN_RECORD_VERSION);
	put(out, 2, CN_RECORD_ALIGN);
	put(out, 3, ring_bytes);
	seal(out);
}

bool cn_record_head_decode(const uint8_t in[CN_RECORD_HEAD_BYTES], uint64_t *ret_ring_bytes)
{
	if (get(in, 0) != FILE_MAGIC || get(in, 1) != CN_RECORD_VERSION || get(in, 2) != CN_RECORD_ALIGN ||
		!is_sealed(in))
		return false;
	*ret_ring_bytes = get(in, 3);
	return true;
}

void cn_record_block_encode(uint8_t out[CN_RECORD_HEAD_BYTES], const struct cn_record_block *block)
{
	put(out, 0, BLOCK_MAGIC);
	put(out, 1, block->number);
	put(out, 2, block->bytes);
	put(out, 3, block->raw_bytes);
	put(out, 4, block->first_ns);
	put(out, 5, block->last_ns);
	put(out, 6, block->moments);
	seal(out);
}

bool cn_record_block_decode(const uint8_t in[CN_RECORD_HEAD_BYTES], struct cn_record_block *ret_block)
{
	if (get(in, 0) != BLOCK_MAGIC || !is_sealed(in))
		return false;
	*ret_block = (struct cn_record_block){ .number = get(in, 1),
		.bytes = get(in, 2),
		.raw_bytes = get(in, 3),
		.first_ns = get(in, 4),
		.last_ns = get(in, 5),
		.moments = get(in, 6) };
	return true;
}

static uint64_t chunk_check(uint64_t sizes, uint64_t number, const void *data, size_t n)
{
	return cn_record_check(number ^ sizes * 0xff51afd7ed558ccdull, data, n);
}

static uint64_t sizes_of(const struct cn_record_chunk *chunk)
{
	return chunk->bytes | (uint64_t)chunk->raw_bytes << 32;
}

void cn_record_chunk_encode(
	uint8_t out[CN_RECORD_CHUNK_HEAD_BYTES], struct cn_record_chunk *chunk, uint64_t number, const void *data)
{
	chunk->check = chunk_check(sizes_of(chunk), number, data, chunk->bytes);
	put(out, 0, sizes_of(chunk));
	put(out, 1, chunk->check);
}

bool cn_record_chunk_decode(const uint8_t in[CN_RECORD_CHUNK_HEAD_BYTES], struct cn_record_chunk *ret_chunk)
{
	const struct cn_record_chunk chunk = {
		.bytes = (uint32_t)get(in, 0), .raw_bytes = (uint32_t)(get(in, 0) >> 32), .check = get(in, 1)
	};

	if (chunk.bytes > CN_RECORD_CHUNK_BYTES_MAX || chunk.raw_bytes > CN_RECORD_CHUNK_FRAMES_MAX ||
		!chunk.bytes != !chunk.raw_bytes)
		return false;
	*ret_chunk = chunk;
	return true;
}

bool cn_record_chunk_is_sound(const struct cn_record_chunk *chunk, uint64_t number, const void *data)
{
	return chunk->check == chunk_check(sizes_of(chunk), number, data, chunk->bytes);
}

void cn_record_index_row_encode(
	uint8_t out[CN_RECORD_INDEX_ROW_BYTES], uint64_t offset, const struct cn_record_block *block)
{
	put(out, 0, offset);
	cn_record_block_encode(out + sizeof offset, block);
}

bool cn_record_index_row_decode(
	const uint8_t in[CN_RECORD_INDEX_ROW_BYTES], uint64_t *ret_offset, struct cn_record_block *ret_block)
{
	*ret_offset = get(in, 0);
	return cn_record_block_decode(in + sizeof *ret_offset, ret_block);
}

static uint64_t tail_check(uint64_t index_check, uint64_t offset, uint64_t blocks)
{
	uint8_t both[16];

	put(both, 0, offset);
	put(both, 1, blocks);
	return cn_record_check(index_check, both, sizeof both);
}

void cn_record_tail_encode(uint8_t out[CN_RECORD_TAIL_BYTES], uint64_t offset, uint64_t blocks, uint64_t check)
{
	put(out, 0, INDEX_MAGIC);
	put(out, 1, offset);
	put(out, 2, blocks);
	put(out, TAIL_WORDS - 1, tail_check(check, offset, blocks));
}

bool cn_record_tail_decode(
	const uint8_t in[CN_RECORD_TAIL_BYTES], uint64_t *ret_offset, uint64_t *ret_blocks, uint64_t *ret_check)
{
	*ret_offset = get(in, 1);
	*ret_blocks = get(in, 2);
	*ret_check = get(in, TAIL_WORDS - 1);
	return get(in, 0) == INDEX_MAGIC;
}

bool cn_record_index_is_sound(uint64_t index_check, uint64_t offset, uint64_t blocks, uint64_t check)
{
	return check == tail_check(index_check, offset, blocks);
}
