/* SPDX-License-Identifier: MIT */
/* The menus of a table's columns: by which it is ordered, and which are shown, in which order. */
#include "view/mouse.h"
#include "view/ui.h"

#include <string.h>

enum { MENU_COLS = 30 };

static struct cn_sheet *sheet_of(struct cn_ui *ui)
{
	return &ui->sheets[ui->view];
}

/* A column that is there, `by` places on; goes round. */
static int beside(const struct cn_sheet *sheet, int column, int by)
{
	const struct cn_arrangement *arrangement = &sheet->arrangement;
	int place = cn_arrange_place(arrangement, column);

	do
		place = (place + arrangement->n + by) % arrangement->n;
	while (sheet->absent >> arrangement->order[place] & 1);
	return arrangement->order[place];
}

/* What is seen goes, what is not comes. */
static void toggle(struct cn_sheet *sheet, int column)
{
	const bool seen = sheet->seen >> column & 1;

	sheet->arrangement.shown[column] = seen ? CN_SHOWN_NEVER : CN_SHOWN_ALWAYS;
}

static void key_to_arrange(struct cn_ui *ui, uint32_t key)
{
	struct cn_sheet *sheet = sheet_of(ui);

	switch (key) {
	case ' ':
		toggle(sheet, ui->choice);
		return;
	case CN_KEY_LEFT:
	case '-':
	case 'K':
		cn_arrange_move(&sheet->arrangement, ui->choice, -1);
		return;
	case CN_KEY_RIGHT:
	case '+':
	case 'J':
		cn_arrange_move(&sheet->arrangement, ui->choice, 1);
		return;
	case 's':
		cn_sheet_sort(sheet, ui->choice);
		return;
	case 'd':
		cn_arrange_init(&sheet->arrangement, sheet->kind->columns, sheet->kind->n_columns);
		return;
	default:
		ui->prompt = CN_PROMPT_NONE;
		return;
	}
}

void cn_menu_key(struct cn_ui *ui, uint32_t key)
{
	struct cn_sheet *sheet = sheet_of(ui);
	const enum cn_action action = cn_action_of_key(key);

	if (action == CN_ACTION_DOWN || (action == CN_ACTION_SORT && ui->prompt == CN_PROMPT_SORT)) {
		ui->choice = beside(sheet, ui->choice, 1);
	} else if (action == CN_ACTION_UP) {
		ui->choice = beside(sheet, ui->choice, -1);
	} else if (ui->prompt == CN_PROMPT_COLUMNS) {
		key_to_arrange(ui, key);
	} else {
		if (action == CN_ACTION_OPEN)
			cn_sheet_sort(sheet, ui->choice);
		ui->prompt = CN_PROMPT_NONE;
	}
}

/* "[x] NAME": of what is left to the room that there is, "[~]" in place of an x. */
static void draw_row(const struct cn_ui *ui, struct cn_canvas *canvas, int row, int left, int column)
{
	const struct cn_sheet *sheet = &ui->sheets[ui->view];
	const char *title = sheet->kind->columns[column].title;
	const bool seen = sheet->seen >> column & 1, arranging = ui->prompt == CN_PROMPT_COLUMNS;
	const char *sign = sheet->arrangement.shown[column] == CN_SHOWN_ALWAYS ? "[x]" : seen ? "[~]" : "[ ]";

	cn_canvas_glyph(canvas, row, left, CN_STYLE_FRAME, CN_GLYPH_VLINE);
	if (arranging)
		cn_canvas_text(canvas, row, left + 4, 3, CN_STYLE_KEY, sign);
	cn_canvas_text(canvas, row, left + (arranging ? 8 : 4), 18,
		column == sheet->sorted ? CN_STYLE_SORTED
		: seen			? CN_STYLE_PLAIN
					: CN_STYLE_DIM,
		*title ? title : "(graph)");
	if (column == ui->choice) {
		cn_canvas_glyph(canvas, row, left + 2, CN_STYLE_STRONG, CN_GLYPH_CURSOR);
		cn_canvas_select(canvas, row, left + 1, MENU_COLS - 1);
	}
	cn_canvas_hot(canvas, row, left, MENU_COLS, CN_HOT_CHOICE + (unsigned int)column);
}

void cn_menu_draw(const struct cn_ui *ui, struct cn_canvas *canvas, struct cn_box box)
{
	const struct cn_sheet *sheet = &ui->sheets[ui->view];
	const int left = box.cols > MENU_COLS ? box.cols - MENU_COLS : 0;
	int columns[CN_TABLE_COLUMNS_MAX], n = 0, choice = 0, rows, first;

	for (int place = 0; place < sheet->arrangement.n; place++) {
		const int column = sheet->arrangement.order[place];

		if (column == ui->choice)
			choice = n;
		if (!(sheet->absent >> column & 1))
			columns[n++] = column;
	}
	rows = n < box.rows - 1 ? n : box.rows - 1;
	first = choice >= rows ? choice - rows + 1 : 0;
	cn_canvas_fill(canvas, (struct cn_box){ box.row, left, rows + 1, MENU_COLS }, CN_STYLE_PLAIN, ' ');
	cn_canvas_rule(canvas, box.row, left, MENU_COLS);
	cn_canvas_text(canvas, box.row, left + 2, 16, CN_STYLE_TITLE,
		ui->prompt == CN_PROMPT_SORT ? " sort by " : " columns ");
	for (int i = 0; i < rows; i++)
		draw_row(ui, canvas, box.row + 1 + i, left, columns[first + i]);
}

void cn_menu_draw_keys(struct cn_canvas *canvas, struct cn_box box)
{
	static const char *const keys[][2] = { { "Space", "show" }, { "-", "left" }, { "+", "right" },
		{ "s", "sort by it" }, { "d", "as it was" }, { "Esc", "done" } };
	int col = 1;

	for (size_t i = 0; i < sizeof keys / sizeof *keys && col + 12 < box.cols; i++) {
		col += 1 + cn_canvas_text(canvas, box.row, col, box.cols - col, CN_STYLE_KEY, keys[i][0]);
		col += 2 + cn_canvas_text(canvas, box.row, col, box.cols - col, CN_STYLE_BAR, keys[i][1]);
	}
}
