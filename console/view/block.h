/* SPDX-License-Identifier: MIT */
/* One block (a worker off its CPU within a poll) in words: for its row, its page, and the page of its task. */
#ifndef CN_VIEW_BLOCK_H
#define CN_VIEW_BLOCK_H

#include "model/kernel.h"
#include "view/page.h"

/* By its number; NULL once it is no longer kept. */
const struct cn_block *cn_block_find(const struct cn_model *model, uint64_t number);
/* "nanosleep", "mutex of keeper", "read /var/log/x", "page fault". Safe to print. */
const char *cn_block_what(char *out, size_t bytes, const struct cn_scene *scene, const struct cn_block *block);
/* Who ended it: "keeper 1234", "an interrupt", "" = not known. Safe to print. */
const char *cn_block_waker(char *out, size_t bytes, const struct cn_scene *scene, const struct cn_block *block);
/* Since it ended. */
uint64_t cn_block_age_ns(const struct cn_scene *scene, const struct cn_block *block);

/* A frame of the kernel, not of the program. */
bool cn_is_kernel_code(uint64_t pc);
/* At most `most` frames, innermost first, and why it ends where it does. */
void cn_page_stack(
	struct cn_page *page, const struct cn_scene *scene, const struct cn_stack *stack, uint32_t most, int indent);
/* The page of one block. */
void cn_block_page(struct cn_page *page, const struct cn_scene *scene, uint64_t number);

#endif
