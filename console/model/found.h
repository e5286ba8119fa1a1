/* SPDX-License-Identifier: MIT */
/*
 * What the model is told beside the target's own stream (native stacks, names
 * of code, the kernel's side), as frames: out, for a recording, and in again.
 * Stacks of blocks and samples are then unwound already: whoever replays has
 * neither the process nor its files.
 */
#ifndef CN_MODEL_FOUND_H
#define CN_MODEL_FOUND_H

#include "model/evidence.h"
#include "model/kernel.h"

struct Rouse__V1__Frame;

/* Borrows the frame for the call. */
typedef void (*cn_found_fn)(void *arg, const struct Rouse__V1__Frame *frame);
/* Everything of the kind goes to `fn` from now on, as it comes; NULL = no more. */
void cn_model_tell_found(struct cn_model *model, cn_found_fn fn, void *arg);
/* What holds already, so that a recording can begin here: all names, and which groups of the kernel do not measure. */
void cn_found_tell_all(struct cn_model *model);
/*
 * Takes in one decoded frame of a recording that is of this kind. Others are
 * passed over. 0 or -ENOMEM.
 */
int cn_found_apply(struct cn_model *model, const struct Rouse__V1__Frame *frame);

/* For those that write the model. */
void cn_found_stack(const struct cn_model *model, size_t runtime, const struct cn_stack *stack);
void cn_found_symbol(const struct cn_model *model, const struct cn_symbol *symbol);
/* `waits`: it goes on. */
void cn_found_block(const struct cn_model *model, const struct cn_block *block, bool waits);
void cn_found_sample(const struct cn_model *model, size_t runtime, uint32_t site, uint64_t task, const uint64_t *pc,
	uint32_t n);
void cn_found_kernel(const struct cn_model *model, const struct Rouse__V1__Frame *frame);
void cn_found_note(const struct cn_model *model, uint32_t groups, int status, const char *why, uint64_t lost);

#endif
