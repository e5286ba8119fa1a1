/* SPDX-License-Identifier: MIT */
/* Pictures of the runtime over time, look by look: dashboard.c, heat.c, shares.c. */
#ifndef CN_VIEW_TIMES_H
#define CN_VIEW_TIMES_H

#include "view/scene.h"

/* Everything at a glance: what is how busy, what waits where, for how long, and how many findings there are. */
void cn_dashboard_draw(const struct cn_scene *scene, struct cn_canvas *canvas, struct cn_box box);
/* How long polls took, and how long tasks waited for them: a column a look, the darker the more. */
void cn_heat_draw(const struct cn_scene *scene, struct cn_canvas *canvas, struct cn_box box);
/*
 * Between the last two looks, of each worker the share of time in polls, in
 * search of work, asleep; and who stole from whom. Worker `top` stands first.
 */
void cn_shares_draw(const struct cn_scene *scene, struct cn_canvas *canvas, struct cn_box box, uint32_t top);

#endif
