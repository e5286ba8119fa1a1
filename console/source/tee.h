/* SPDX-License-Identifier: MIT */
/* What a session takes in, into a recorder as well: blocks begin with a keyframe, moments end what is shown. */
#ifndef CN_SOURCE_TEE_H
#define CN_SOURCE_TEE_H

#include "source/session.h"

struct Rouse__V1__Frame;
struct cn_recorder;
struct cn_tee;

struct cn_tee_head {
	const char *target;
	uint32_t interval_ms;
	const struct cn_diagnose_opts *diagnose;
};

/*
 * Recorder and model are borrowed; the head is copied. `hello` is the last one
 * that has come, n = 0: none has. NULL: no memory.
 */
struct cn_tee *cn_tee_new(struct cn_recorder *recorder, struct cn_model *model, const struct cn_tee_head *head,
	const uint8_t *hello, size_t n);
void cn_tee_free(struct cn_tee *tee);
/* To be called before the model takes it in. */
void cn_tee_frame(struct cn_tee *tee, const uint8_t *bytes, size_t n, const struct Rouse__V1__Frame *frame);
/* Whether the model keeps events has changed. */
void cn_tee_keeps(struct cn_tee *tee);
/* A pump has ended with so many generations; or the target has (code is not 0). */
void cn_tee_moment(struct cn_tee *tee, uint64_t now_ns, uint32_t generations, int code, const char *why);
/* True: the source has to be asked for a keyframe, by *asked, which has grown by one. */
bool cn_tee_asks(struct cn_tee *tee, uint32_t *asked);

#endif
