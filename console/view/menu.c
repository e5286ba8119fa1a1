/* SPDX-License-Identifier: MIT */
/* The menu of views: there are more than digits. */
#include "view/mouse.h"
#include "view/ui.h"

enum { MENU_COLS = 44 };

static const struct {
	const char *key, *title, *help;
} views[CN_VIEW_COUNT] = {
#define X(name, title, brief, key, help) [CN_VIEW_##name] = { key, title, help },
	CN_VIEWS(X)
#undef X
};

const char *cn_view_key(int view)
{
	return views[view].key;
}

int cn_view_of_key(uint32_t key)
{
	for (int view = 0; view < CN_VIEW_COUNT; view++)
		if ((uint32_t)(unsigned char)*views[view].key == key)
			return view;
	return -1;
}

void cn_views_draw(const struct cn_ui *ui, struct cn_canvas *canvas, struct cn_box box)
{
	const int n = CN_VIEW_COUNT, rows = n < box.rows - 1 ? n : box.rows - 1;
	const int first = ui->choice >= rows ? ui->choice - rows + 1 : 0;
	const int cols = MENU_COLS < box.cols ? MENU_COLS : box.cols, left = box.cols - cols;

	cn_canvas_fill(canvas, (struct cn_box){ box.row, left, rows + 1, cols }, CN_STYLE_PLAIN, ' ');
	cn_canvas_rule(canvas, box.row, left, cols);
	cn_canvas_text(canvas, box.row, left + 2, cols - 3, CN_STYLE_TITLE, " views ");
	for (int i = 0; i < rows; i++) {
		const int view = first + i, row = box.row + 1 + i;

		cn_canvas_glyph(canvas, row, left, CN_STYLE_FRAME, CN_GLYPH_VLINE);
		cn_canvas_text(canvas, row, left + 4, 1, CN_STYLE_KEY, views[view].key);
		cn_canvas_text(canvas, row, left + 6, 11, CN_STYLE_PLAIN, views[view].title);
		cn_canvas_text(canvas, row, left + 18, cols - 19, CN_STYLE_DIM, views[view].help);
		if (view == ui->choice) {
			cn_canvas_glyph(canvas, row, left + 2, CN_STYLE_STRONG, CN_GLYPH_CURSOR);
			cn_canvas_select(canvas, row, left + 1, cols - 1);
		}
		cn_canvas_hot(canvas, row, left, cols, CN_HOT_VIEW + (unsigned int)view);
	}
}
