/* SPDX-License-Identifier: MIT */
/* One resource in words: for its row, and its page. */
#ifndef CN_VIEW_RESOURCE_H
#define CN_VIEW_RESOURCE_H

#include "view/page.h"

/* Its numbers, in the words of its kind: "locked", "3 of 8 free". */
void cn_resource_state_cell(const struct cn_resource *resource, struct cn_text *ret_text);
/* The task that holds it or has used it last, 0 = none. */
uint64_t cn_resource_task(const struct cn_resource *resource);
/*
 * The page: who has it and for how long, who waits for it, in the order in which
 * they came; of timers what fires next; of sockets their ends and their rates.
 */
void cn_resource_page(struct cn_page *page, const struct cn_scene *scene, uint64_t serial);

#endif
