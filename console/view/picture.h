/* SPDX-License-Identifier: MIT */
/* Views that are neither a table nor a page: each draws itself, and takes keys first. */
#ifndef CN_VIEW_PICTURE_H
#define CN_VIEW_PICTURE_H

#include "view/ui.h"

bool cn_is_picture(enum cn_view view);
/* The view is one, and no page lies over it. */
bool cn_ui_on_picture(const struct cn_ui *ui);
/* 0 or -ENOMEM: something is missing. */
int cn_picture_draw(struct cn_ui *ui, const struct cn_scene *scene, struct cn_canvas *canvas, struct cn_box box);
/* False: that means nothing here. */
bool cn_picture_act(struct cn_ui *ui, const struct cn_scene *scene, enum cn_action action);
/* Something in it leads to a task. */
bool cn_picture_has_task(enum cn_view view);
/* The task that Enter and `w` lead to, 0 = none. */
uint64_t cn_picture_task(const struct cn_ui *ui);

#endif
