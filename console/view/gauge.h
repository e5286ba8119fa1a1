/* SPDX-License-Identifier: MIT */
/* One number over time: its title, what it is now, what it was at most, and a graph below. */
#ifndef CN_VIEW_GAUGE_H
#define CN_VIEW_GAUGE_H

#include "model/history.h"
#include "widget/canvas.h"

enum cn_gauge_unit { CN_GAUGE_COUNT, CN_GAUGE_NS, CN_GAUGE_SHARE /* permille */ };

struct cn_gauge {
	const char *title;
	const struct cn_history *history;
	enum cn_style style;
	enum cn_gauge_unit unit;
};

void cn_gauge_draw(struct cn_canvas *canvas, struct cn_box box, const struct cn_gauge *gauge);

#endif
