/* SPDX-License-Identifier: MIT */
#include "record/chunks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include <frame.h>

enum { LEVEL = 3 };

struct cn_chunks {
	ZSTD_CCtx *zstd;
	uint64_t number;
	size_t held;
	uint8_t frames[CN_RECORD_CHUNK_FRAMES_MAX];
	uint8_t out[CN_RECORD_CHUNK_HEAD_BYTES + CN_RECORD_CHUNK_BYTES_MAX];
};

_Static_assert(CN_RECORD_CHUNK_FRAMES + RP_PREFIX_MAX + RP_FRAME_MAX <= CN_RECORD_CHUNK_FRAMES_MAX,
	"a chunk that is not full has room for any frame");

struct cn_chunks *cn_chunks_new(void)
{
	struct cn_chunks *chunks = malloc(sizeof *chunks);

	if (!chunks)
		return NULL;
	chunks->held = 0;
	chunks->zstd = ZSTD_createCCtx();
	if (!chunks->zstd || ZSTD_isError(ZSTD_CCtx_setParameter(chunks->zstd, ZSTD_c_compressionLevel, LEVEL))) {
		cn_chunks_free(chunks);
		return NULL;
	}
	return chunks;
}

void cn_chunks_free(struct cn_chunks *chunks)
{
	if (!chunks)
		return;
	ZSTD_freeCCtx(chunks->zstd);
	free(chunks);
}

int cn_chunks_begin(struct cn_chunks *chunks, uint64_t number)
{
	chunks->number = number;
	chunks->held = 0;
	return ZSTD_isError(ZSTD_CCtx_reset(chunks->zstd, ZSTD_reset_session_only)) ? -ENOMEM : 0;
}

int cn_chunks_flush(struct cn_chunks *chunks, cn_chunk_fn fn, void *arg)
{
	ZSTD_inBuffer in = { chunks->frames, chunks->held, 0 };
	ZSTD_outBuffer out = { chunks->out + CN_RECORD_CHUNK_HEAD_BYTES, CN_RECORD_CHUNK_BYTES_MAX, 0 };
	struct cn_record_chunk chunk = { .raw_bytes = (uint32_t)chunks->held };
	size_t left;

	if (!chunks->held)
		return 0;
	/* There is room for all at once: what is left over is a failure. */
	left = ZSTD_compressStream2(chunks->zstd, &out, &in, ZSTD_e_flush);
	if (ZSTD_isError(left) || left || in.pos != in.size)
		return -ENOMEM;
	chunk.bytes = (uint32_t)out.pos;
	chunks->held = 0;
	cn_record_chunk_encode(chunks->out, &chunk, chunks->number, chunks->out + CN_RECORD_CHUNK_HEAD_BYTES);
	return fn(arg, chunks->out, CN_RECORD_CHUNK_HEAD_BYTES + chunk.bytes);
}

int cn_chunks_frame(struct cn_chunks *chunks, const uint8_t *bytes, size_t n, cn_chunk_fn fn, void *arg)
{
	int rc = chunks->held >= CN_RECORD_CHUNK_FRAMES ? cn_chunks_flush(chunks, fn, arg) : 0;

	if (rc)
		return rc;
	if (n > RP_FRAME_MAX)
		return -EMSGSIZE;
	chunks->held += rp_prefix_encode(chunks->frames + chunks->held, n);
	memcpy(chunks->frames + chunks->held, bytes, n);
	chunks->held += n;
	return 0;
}
