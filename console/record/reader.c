/* SPDX-License-Identifier: MIT */
#include "record/reader.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include <zstd.h>

/* More than the writer's level asks for; a file that wants more is not ours. */
enum { WINDOW_LOG_MAX = 23 };

struct cn_reader {
	int fd;
	ZSTD_DCtx *zstd;
	struct rp_splitter splitter;
	uint64_t at, end, number;
	uint8_t in[CN_RECORD_CHUNK_BYTES_MAX];
	uint8_t frames[CN_RECORD_CHUNK_FRAMES_MAX];
};

struct cn_reader *cn_reader_new(int fd)
{
	struct cn_reader *reader = malloc(sizeof *reader);

	if (!reader)
		return NULL;
	reader->fd = fd;
	reader->at = reader->end = reader->number = 0;
	rp_splitter_init(&reader->splitter, 0);
	reader->zstd = ZSTD_createDCtx();
	if (!reader->zstd || ZSTD_isError(ZSTD_DCtx_setParameter(reader->zstd, ZSTD_d_windowLogMax, WINDOW_LOG_MAX))) {
		cn_reader_free(reader);
		return NULL;
	}
	return reader;
}

void cn_reader_free(struct cn_reader *reader)
{
	if (!reader)
		return;
	rp_splitter_fini(&reader->splitter);
	ZSTD_freeDCtx(reader->zstd);
	free(reader);
}

int cn_reader_begin(struct cn_reader *reader, uint64_t offset, uint64_t end, uint64_t number)
{
	reader->at = offset + CN_RECORD_HEAD_BYTES;
	reader->end = end;
	reader->number = number;
	rp_splitter_fini(&reader->splitter);
	rp_splitter_init(&reader->splitter, 0);
	return ZSTD_isError(ZSTD_DCtx_reset(reader->zstd, ZSTD_reset_session_only)) ? -ENOMEM : 0;
}

uint64_t cn_reader_at(const struct cn_reader *reader)
{
	return reader->at;
}

static int read_all(const struct cn_reader *reader, uint64_t at, uint8_t *out, size_t n)
{
	if (at > reader->end || n > reader->end - at)
		return -ENODATA;
	while (n) {
		ssize_t done = pread(reader->fd, out, n, (off_t)at);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -errno;
		if (done == 0)
			return -ENODATA;
		out += done;
		at += (uint64_t)done;
		n -= (size_t)done;
	}
	return 0;
}

int cn_reader_next(struct cn_reader *reader, rp_frame_fn frame, void *arg)
{
	uint8_t head[CN_RECORD_CHUNK_HEAD_BYTES];
	struct cn_record_chunk chunk;
	ZSTD_outBuffer out = { reader->frames, sizeof reader->frames, 0 };
	ZSTD_inBuffer in = { reader->in, 0, 0 };
	int rc = read_all(reader, reader->at, head, sizeof head);

	if (rc)
		return rc;
	if (!cn_record_chunk_decode(head, &chunk))
		return -ENODATA;
	rc = read_all(reader, reader->at + sizeof head, reader->in, chunk.bytes);
	if (rc)
		return rc;
	if (!cn_record_chunk_is_sound(&chunk, reader->number, reader->in))
		return -ENODATA;
	reader->at += sizeof head + chunk.bytes;
	if (!chunk.bytes)
		return 1;
	in.size = chunk.bytes;
	while (in.pos < in.size && out.pos < out.size)
		if (ZSTD_isError(ZSTD_decompressStream(reader->zstd, &out, &in)))
			return -EBADMSG;
	if (in.pos != in.size || out.pos != chunk.raw_bytes)
		return -EBADMSG;
	return rp_splitter_feed(&reader->splitter, reader->frames, out.pos, frame, arg);
}
