/* SPDX-License-Identifier: MIT */
/* The last row, what can be done now. */
#include "model/kernel.h"
#include "model/events.h"
#include "view/picture.h"
#include "view/mouse.h"
#include "view/ui.h"

#include <string.h>

enum { KEYS_FROM_COLS = 160 };

static bool is_flame(const struct cn_ui *ui)
{
	return ui->view == CN_VIEW_FLAME && ui->page_kind == CN_PAGE_NONE;
}

static bool has_effect(const struct cn_ui *ui, const struct cn_scene *scene, enum cn_action action)
{
	const bool table = cn_ui_on_table(ui);
	const bool flame = is_flame(ui);

	switch (action) {
	case CN_ACTION_OPEN:
		return table || flame || (ui->page_kind == CN_PAGE_RESOURCE && ui->task) ||
		       (cn_ui_on_picture(ui) && cn_picture_has_task(ui->view));
	case CN_ACTION_PROFILE:
		return !flame && ui->view != CN_VIEW_HELP && cn_kernel_measures(scene->model, CN_KERNEL_PROFILE);
	case CN_ACTION_FILTER:
	case CN_ACTION_SORT:
	case CN_ACTION_COLUMNS:
	case CN_ACTION_RATES:
	case CN_ACTION_INVERT:
	case CN_ACTION_SEARCH:
		return table;
	case CN_ACTION_BACK:
		return !table || *ui->sheets[ui->view].filter;
	case CN_ACTION_WHY:
		return ui->view != CN_VIEW_HELP && ui->page_kind != CN_PAGE_WHY &&
		       (!cn_ui_on_picture(ui) || cn_picture_has_task(ui->view));
	case CN_ACTION_EVENTS:
		return !cn_model_keeps_events(scene->model) &&
		       (ui->page_kind == CN_PAGE_TASK || ui->view == CN_VIEW_TIMELINE || ui->view == CN_VIEW_WAKES ||
			       ui->view == CN_VIEW_SHARES);
	default:
		return true;
	}
}

/* "f", and where there is room "f F4": those who know htop look for that. */
static void name_key(enum cn_action action, bool wide, char *out, size_t bytes)
{
	const char *keys = cn_action_keys(action), *function = strstr(keys, " F");
	const int n = (int)strcspn(keys, " ");

	if (wide && function)
		snprintf(out, bytes, "%.*s %.*s", n, keys, (int)strcspn(function + 1, " "), function + 1);
	else
		snprintf(out, bytes, "%.*s", n, keys);
}

static int draw_key(struct cn_canvas *canvas, int row, int col, int width, enum cn_action action, const char *word)
{
	const int left = col;
	char key[32];
	int used;

	name_key(action, canvas->cols >= KEYS_FROM_COLS, key, sizeof key);
	used = cn_canvas_width(canvas, key) + 1 + cn_canvas_width(canvas, word);
	if (used > width)
		return 0;
	col += 1 + cn_canvas_text(canvas, row, col, width, CN_STYLE_KEY, key);
	cn_canvas_text(canvas, row, col, width, CN_STYLE_BAR, word);
	cn_canvas_hot(canvas, row, left, used, CN_HOT_ACTION + (unsigned int)action);
	return used + 2;
}

/* "filter conn: 3 of 53": of a long one, its beginning. */
static int draw_filtered(const struct cn_sheet *sheet, struct cn_canvas *canvas, struct cn_box box)
{
	char text[CN_WORDS_BYTES + 8], count[64];
	int width, of_count;

	snprintf(text, sizeof text, "filter %s", sheet->filter);
	snprintf(count, sizeof count, ": %zu of %zu", sheet->list.n, sheet->all);
	of_count = cn_canvas_width(canvas, count);
	width = cn_canvas_width(canvas, text) + of_count;
	if (width > box.cols / 2)
		width = box.cols / 2;
	cn_canvas_text(canvas, box.row, box.cols - width - 1, width - of_count, CN_STYLE_BADGE, text);
	cn_canvas_right(canvas, box.row, box.cols - of_count - 1, of_count, CN_STYLE_BADGE, count);
	return width + 2;
}

/* What is marked; what orders the rows, where no title says it; what rates are over, if it is not the last look. */
static void say_order(const struct cn_ui *ui, const struct cn_sheet *sheet, char *out, size_t bytes)
{
	static const char *const shown[] = { [CN_MARKED_SHOWN] = "", [CN_MARKED_FIRST] = " first", [CN_MARKED_ONLY] = " only" };
	char word[32] = "", marks[48] = "";

	if (sheet->n_marked || sheet->marked)
		snprintf(marks, sizeof marks, "%zu marked%s  ", sheet->n_marked, shown[sheet->marked]);

	if (!(sheet->seen >> sheet->sorted & 1))
		cn_arrange_word(word, &sheet->kind->columns[sheet->sorted]);
	snprintf(out, bytes, "%s%s%s%s%s%s%s", marks, *word ? "by " : "", word, *word ? "  " : "",
		ui->rates ? "rates: " : "", ui->rates ? cn_rates_word(ui->rates) : "", ui->rates ? "  " : "");
}

/* "3/53" */
static int draw_place(const struct cn_ui *ui, struct cn_canvas *canvas, struct cn_box box)
{
	const struct cn_sheet *sheet;
	char order[160], text[200];
	int width;

	if (!cn_ui_on_table(ui))
		return 0;
	sheet = &ui->sheets[ui->view];
	if (*sheet->filter)
		return draw_filtered(sheet, canvas, box);
	say_order(ui, sheet, order, sizeof order);
	snprintf(text, sizeof text, "%s%zu/%zu", order, sheet->list.n ? sheet->list.cursor + 1 : 0, sheet->list.n);
	width = cn_canvas_width(canvas, text) + 1;
	cn_canvas_right(canvas, box.row, box.cols - width - 1, width, CN_STYLE_DIM, text);
	return width + 1;
}

void cn_bar_draw_keys(const struct cn_ui *ui, const struct cn_scene *scene, struct cn_canvas *canvas, struct cn_box box)
{
	int col = 1, end;

	if (ui->prompt == CN_PROMPT_FILTER || ui->prompt == CN_PROMPT_SEARCH) {
		cn_prompt_draw(ui, canvas, box);
		return;
	}
	if (ui->prompt == CN_PROMPT_COLUMNS) {
		cn_menu_draw_keys(canvas, box);
		return;
	}
	if (scene->printed && !(cn_ui_on_table(ui) && *ui->sheets[ui->view].filter))
		return;
	end = box.cols - draw_place(ui, canvas, box) - 1;
	if (scene->printed)
		return;
	if (*ui->note || scene->ended) {
		cn_canvas_text(canvas, box.row, col, end - col, CN_STYLE_LIKELY, *ui->note ? ui->note : scene->ended);
		return;
	}
	for (int i = 1; i < CN_ACTION_COUNT; i++) {
		const enum cn_action action = (enum cn_action)i;
		const bool zooms = action == CN_ACTION_OPEN && is_flame(ui);

		if (*cn_action_word(action) && has_effect(ui, scene, action))
			col += draw_key(
				canvas, box.row, col, end - col, action, zooms ? "zoom" : cn_action_word(action));
	}
}
