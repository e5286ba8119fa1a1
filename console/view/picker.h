/* SPDX-License-Identifier: MIT */
/*
 * The programs that can be watched, as a table: a row each, new ones marked for
 * a while. Like the ui a machine without devices: lists and keys go in, a
 * canvas comes out. The cursor belongs to a process, not to a place.
 */
#ifndef CN_VIEW_PICKER_H
#define CN_VIEW_PICKER_H

#include <rouse/inspect.h>

#include "view/list.h"
#include "widget/canvas.h"

enum { CN_PICKER_NEW_NS = 1000000000 };

struct cn_pick {
	struct rouse_target target;
	uint64_t since_ns; /* when it was first seen; 0 = with the first list */
	bool open;         /* it has a seat */
};

struct cn_picker {
	struct cn_pick *picks;
	size_t n;
	bool listed; /* once at least */
	struct cn_list list;
	int rows;       /* in sight, as last drawn */
	char note[512]; /* said in the bar until the next key */
};

void cn_picker_fini(struct cn_picker *picker);
/* Takes the list over, of `n` from malloc(). True: something is otherwise than it was. */
bool cn_picker_take(struct cn_picker *picker, struct rouse_target *targets, size_t n, uint64_t now_ns);
/* What the cursor is on, NULL = nothing. */
const struct cn_pick *cn_picker_current(const struct cn_picker *picker);
/* 0, or -ENOMEM: rows are missing. */
int cn_picker_draw(struct cn_picker *picker, struct cn_canvas *canvas, uint64_t now_ns);

enum cn_picked { CN_PICKED_NOTHING, CN_PICKED_OPEN, CN_PICKED_QUIT, CN_PICKED_BACK };
enum cn_picked cn_picker_key(struct cn_picker *picker, uint32_t key);
/* Of the mouse, over what was drawn last. */
enum cn_picked cn_picker_mouse(struct cn_picker *picker, const struct cn_canvas *canvas, uint32_t key);

#endif
