/* SPDX-License-Identifier: MIT */
/*
 * One frame of the protocol: bytes to struct and back, for everyone.
 *
 * Decoding is where bytes from outside become pointers, so it is bounded in
 * every direction: at most 64 KiB come in, at most 1 MiB of memory comes of
 * them, and what comes out has been validated. A decoder that answered an
 * error is as good as new.
 */
#ifndef RP_FRAME_H
#define RP_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "rouse.pb-c.h"

#define RP_PROTOCOL 1u
#define RP_FRAME_MAX 65536u /* bytes of a frame, its length prefix aside */
#define RP_PREFIX_MAX 3u
#define RP_ARENA_BYTES (1u << 20)

/* Memory for one decoded frame at a time. Not thread-safe; one per stream. */
struct rp_decoder;
struct rp_decoder *rp_decoder_new(void);
void rp_decoder_free(struct rp_decoder *decoder);

/*
 * Decodes and validates one frame (without prefix; borrows the bytes during
 * the call). *ret_frame is borrowed from the decoder until its next use. A
 * body of a newer version decodes to body_case NOT_SET: to be passed over.
 * 0, -EBADMSG (malformed), -EMSGSIZE (too long, or too much memory).
 */
int rp_frame_decode(struct rp_decoder *decoder, const uint8_t *bytes, size_t n, const Rouse__V1__Frame **ret_frame);

/*
 * What a consumer may rely on: every column of a table is empty or has as many
 * entries as its rows, await frames come root first and each after its parent.
 * 0 or -EBADMSG. rp_frame_decode() has done this already.
 */
int rp_frame_validate(const Rouse__V1__Frame *frame);

/* Packs a frame, without and with its length prefix. 0, -EMSGSIZE (over RP_FRAME_MAX), -ENOBUFS (over `capacity`). */
int rp_frame_pack(const Rouse__V1__Frame *frame, uint8_t *out, size_t capacity, size_t *ret_n);
int rp_frame_encode(const Rouse__V1__Frame *frame, uint8_t *out, size_t capacity, size_t *ret_n);

/* The length prefix alone: how many bytes of `out` it took. n <= RP_FRAME_MAX. */
size_t rp_prefix_encode(uint8_t out[RP_PREFIX_MAX], size_t n);

#endif
