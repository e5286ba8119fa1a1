/* SPDX-License-Identifier: MIT */
/*
 * Where polls are on the CPU: samples as a flame that hangs from its root. What
 * stands below another was called by it, as wide as its share of the samples.
 *
 * The cursor and what is zoomed into belong to a path of functions, not to a
 * place: they stay as more samples come.
 */
#ifndef CN_VIEW_FLAME_H
#define CN_VIEW_FLAME_H

#include "export/profile.h"
#include "view/keymap.h"
#include "view/scene.h"

struct cn_flame_box {
	uint32_t node;
	int depth, from, end; /* columns [from, end) */
};

struct cn_flame {
	struct cn_profile_wish of;
	struct cn_profile *tree; /* NULL = it is not built yet */
	uint64_t built;          /* cn_kernel_stamp() of the tree */
	uint32_t selected, zoom;
	int top;                    /* first depth in sight */
	struct cn_flame_box *boxes; /* as last drawn */
	size_t n_boxes, capacity;
};

void cn_flame_fini(struct cn_flame *flame);
/* Of other samples: from the root again. All zero: of all polls. */
void cn_flame_show(struct cn_flame *flame, struct cn_profile_wish of);
/* 0 or -ENOMEM: something is missing. */
int cn_flame_draw(struct cn_flame *flame, const struct cn_scene *scene, struct cn_canvas *canvas, struct cn_box box);
/* Moves the cursor, zooms in and out. False: that means nothing here. */
bool cn_flame_act(struct cn_flame *flame, enum cn_action action);

#endif
