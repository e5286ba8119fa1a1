/* SPDX-License-Identifier: MIT */
#include "view/mouse.h"
#include "view/ui.h"

enum { WHEEL_ROWS = 3 };

/* The row under it; where the cursor is on it already, what Enter does. */
static enum cn_request click_row(struct cn_ui *ui, const struct cn_scene *scene, size_t line)
{
	struct cn_list *list = &ui->sheets[ui->view].list;
	const size_t row = list->top + line;

	if (row == list->cursor && list->bound)
		return cn_ui_act(ui, scene, CN_ACTION_OPEN);
	cn_list_move_to(list, row);
	return CN_REQUEST_NOTHING;
}

/* By that column; where it orders already, the other way round. */
static void click_title(struct cn_ui *ui, size_t place)
{
	struct cn_sheet *sheet = &ui->sheets[ui->view];
	const int column = sheet->arrangement.order[place];

	if (column == sheet->sorted)
		sheet->descending = !sheet->descending;
	else
		cn_sheet_sort(sheet, column);
}

static void click_choice(struct cn_ui *ui, int column)
{
	ui->choice = column;
	cn_menu_key(ui, ui->prompt == CN_PROMPT_COLUMNS ? ' ' : CN_KEY_ENTER);
}

static enum cn_request click(struct cn_ui *ui, const struct cn_scene *scene, unsigned int hot)
{
	const unsigned int which = hot & CN_HOT_WHICH;

	if ((hot & CN_HOT_KIND) == CN_HOT_CHOICE) {
		click_choice(ui, (int)which);
		return CN_REQUEST_NOTHING;
	}
	/* A click beside what is open closes it, as Enter would, and means what it says. */
	cn_prompt_leave(ui);
	switch ((enum cn_hot)(hot & CN_HOT_KIND)) {
	case CN_HOT_ACTION:
		return cn_ui_act(ui, scene, (enum cn_action)which);
	case CN_HOT_VIEW:
		cn_ui_go(ui, scene, (int)which);
		break;
	case CN_HOT_COLUMN:
		click_title(ui, which);
		break;
	case CN_HOT_ROW:
		return click_row(ui, scene, which);
	default:
		break;
	}
	return CN_REQUEST_NOTHING;
}

/* Of a line that is being typed up and down are its history, of a table three rows at once. */
static void wheel(struct cn_ui *ui, const struct cn_scene *scene, bool up)
{
	const bool typing = ui->prompt == CN_PROMPT_FILTER || ui->prompt == CN_PROMPT_SEARCH;

	if (ui->prompt != CN_PROMPT_NONE && !typing) {
		cn_ui_key(ui, scene, up ? CN_KEY_UP : CN_KEY_DOWN);
		return;
	}
	for (int i = 0; i < WHEEL_ROWS; i++)
		cn_ui_act(ui, scene, up ? CN_ACTION_UP : CN_ACTION_DOWN);
}

enum cn_request cn_ui_mouse(struct cn_ui *ui, const struct cn_scene *scene, const struct cn_canvas *canvas, uint32_t key)
{
	const struct cn_cell *cell = cn_canvas_at(canvas, cn_mouse_row(key), cn_mouse_col(key));

	ui->note[0] = 0;
	switch (cn_mouse_what(key)) {
	case CN_MOUSE_CLICK:
		return click(ui, scene, cell ? cell->hot : CN_HOT_NONE);
	case CN_MOUSE_WHEEL_UP:
	case CN_MOUSE_WHEEL_DOWN:
		wheel(ui, scene, cn_mouse_what(key) == CN_MOUSE_WHEEL_UP);
		break;
	default:
		break;
	}
	return CN_REQUEST_NOTHING;
}
