/* SPDX-License-Identifier: MIT */
/*
 * What each worker did, over the last seconds: a row a worker, time to the
 * right. Of a cell the height is the share of its time in polls, the colour
 * where the task that took most of it was spawned.
 *
 * The right edge is the newest look until the cursor is moved: then the picture
 * stands, for what is under a cursor must not run away. Keys of the last row
 * (G) let it go on.
 */
#ifndef CN_VIEW_TIMELINE_H
#define CN_VIEW_TIMELINE_H

#include "view/keymap.h"
#include "view/scene.h"

enum { CN_TIMELINE_COLORS = 6 };

struct cn_timeline {
	uint64_t span_ns; /* of the whole width; 0 = as it begins */
	uint64_t end_ns;  /* right edge; 0 = the newest look */
	uint64_t cursor_ns;
	uint32_t worker;  /* under the cursor */
	uint32_t top;     /* first worker in sight */
	/* As last drawn. */
	uint64_t shown_end_ns;
	int shown_cols;
	uint64_t task; /* of the poll under the cursor, 0 = none */
};

void cn_timeline_draw(
	struct cn_timeline *timeline, const struct cn_scene *scene, struct cn_canvas *canvas, struct cn_box box);
/* Moves the cursor, zooms. False: that means nothing here. */
bool cn_timeline_act(struct cn_timeline *timeline, const struct cn_scene *scene, enum cn_action action);

#endif
