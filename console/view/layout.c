/* SPDX-License-Identifier: MIT */
#include "view/layout.h"

enum {
	ALERT_ROWS_MAX = 4,
	BODY_ROWS_BESIDE_ALERTS = 8, /* alerts take none of these */
	PREVIEW_FROM_ROWS = 30,
	PREVIEW_ROWS_MIN = 13, /* a heading and a ring of two tasks */
};

static struct cn_box take(int *row, int rows, int cols)
{
	const struct cn_box box = { *row, 0, rows, cols };

	*row += rows;
	return box;
}

struct cn_layout cn_layout(int rows, int cols, size_t alerts)
{
	struct cn_layout layout = { .too_small = rows < CN_LEAST_ROWS || cols < CN_LEAST_COLS };
	int row = 0, spare, body, preview;

	if (layout.too_small)
		return layout;
	spare = rows - 4 - BODY_ROWS_BESIDE_ALERTS;
	spare = spare < 0 ? 0 : spare > ALERT_ROWS_MAX ? ALERT_ROWS_MAX : spare;
	if (alerts < (size_t)spare)
		spare = (int)alerts;
	layout.title = take(&row, 1, cols);
	layout.totals = take(&row, 1, cols);
	layout.alerts = take(&row, spare, cols);
	layout.tabs = take(&row, 1, cols);
	body = rows - 1 - row;
	preview = rows < PREVIEW_FROM_ROWS ? 0 : body * 2 / 5 > PREVIEW_ROWS_MIN ? body * 2 / 5 : PREVIEW_ROWS_MIN;
	layout.body = take(&row, body - preview, cols);
	layout.preview = take(&row, preview, cols);
	layout.bar = take(&row, 1, cols);
	return layout;
}
