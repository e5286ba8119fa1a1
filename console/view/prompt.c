/* SPDX-License-Identifier: MIT */
/*
 * What is typed into the bar: a filter, or a search. Both work while they are
 * typed. The filter has two rows: what is typed, and below it what that does,
 * what could come next, or under a caret what is wrong with it.
 */
#include "view/complete.h"
#include "view/ui.h"

#include <string.h>

void cn_prompt_search(struct cn_ui *ui, const struct cn_scene *scene, int direction)
{
	struct cn_sheet *sheet = &ui->sheets[ui->view];

	ui->note[0] = 0;
	if (*sheet->search && !cn_sheet_search(sheet, scene, direction))
		snprintf(ui->note, sizeof ui->note, "no match for %.64s", sheet->search);
}

static void take_typed(struct cn_ui *ui, const struct cn_scene *scene)
{
	struct cn_sheet *sheet = &ui->sheets[ui->view];

	ui->offered = false;
	if (ui->prompt == CN_PROMPT_FILTER) {
		cn_sheet_filter(sheet, ui->input.text);
		return;
	}
	/* Every letter searches from where the search began, and what is not found leaves the cursor there. */
	memcpy(sheet->search, ui->input.text, sizeof sheet->search);
	if (ui->origin)
		cn_list_select(&sheet->list, ui->origin);
	cn_prompt_search(ui, scene, 0);
}

void cn_prompt_open(struct cn_ui *ui, enum cn_prompt prompt)
{
	const struct cn_sheet *sheet = &ui->sheets[ui->view];
	struct cn_entry entry;

	ui->prompt = prompt;
	ui->choice = sheet->sorted;
	ui->offered = false;
	ui->origin = cn_list_current(&sheet->list, &entry) ? entry.id : 0;
	cn_input_set(&ui->input, prompt == CN_PROMPT_FILTER ? sheet->filter : "");
}

/* What is certain is typed for you; where there is a choice, it is shown. */
static void complete(struct cn_ui *ui, const struct cn_scene *scene)
{
	const struct cn_sheet *sheet = &ui->sheets[ui->view];
	struct cn_completions completions;

	if (ui->prompt != CN_PROMPT_FILTER)
		return;
	cn_complete(ui->input.text, ui->input.cursor, cn_sheet_asks(sheet), &completions);
	if (completions.n == 0)
		return;
	if (strlen(completions.common) > ui->input.cursor - completions.from || completions.n == 1) {
		cn_input_replace(&ui->input, completions.from, completions.common);
		take_typed(ui, scene);
	}
	ui->offered = completions.n > 1;
}

/* Of a filter that makes no sense only what does is kept. */
void cn_prompt_leave(struct cn_ui *ui)
{
	struct cn_sheet *sheet = &ui->sheets[ui->view];
	char fine[CN_WORDS_BYTES] = "";

	if (ui->prompt == CN_PROMPT_FILTER && *sheet->wrong.text) {
		memcpy(fine, sheet->filter, sheet->wrong.term);
		cn_sheet_filter(sheet, fine);
		if (*sheet->wrong.text)
			cn_sheet_filter(sheet, "");
	}
	ui->prompt = CN_PROMPT_NONE;
}

void cn_prompt_key(struct cn_ui *ui, const struct cn_scene *scene, uint32_t key)
{
	struct cn_past *past = &ui->past[ui->prompt == CN_PROMPT_FILTER];
	bool changed = false;

	switch (key) {
	case CN_KEY_ENTER:
		/* What it would keep makes no sense: the caret shows where. */
		if (ui->prompt == CN_PROMPT_FILTER && *ui->sheets[ui->view].wrong.text)
			return;
		cn_past_add(past, ui->input.text);
		ui->prompt = CN_PROMPT_NONE;
		return;
	case CN_KEY_ESC:
	case CN_CTRL('c'):
		cn_input_set(&ui->input, "");
		take_typed(ui, scene);
		ui->prompt = CN_PROMPT_NONE;
		return;
	case CN_KEY_TAB:
		complete(ui, scene);
		return;
	case CN_KEY_UP:
	case CN_CTRL('p'):
	case CN_KEY_DOWN:
	case CN_CTRL('n'):
		changed = cn_input_recall(&ui->input, past, key == CN_KEY_UP || key == CN_CTRL('p') ? 1 : -1);
		break;
	default:
		changed = cn_input_key(&ui->input, key);
		break;
	}
	if (changed)
		take_typed(ui, scene);
}

/* ------------------------------------------------------------------ drawing */

static int width_to(const struct cn_canvas *canvas, const char *text, size_t bytes)
{
	char part[CN_INPUT_BYTES];

	memcpy(part, text, bytes);
	part[bytes] = 0;
	return cn_canvas_width(canvas, part);
}

/* The line, scrolled so far that its cursor is in sight; answers where its first byte would be. */
static int draw_line(const struct cn_ui *ui, struct cn_canvas *canvas, struct cn_box box)
{
	const struct cn_input *input = &ui->input;
	const struct cn_query_error *wrong = &ui->sheets[ui->view].wrong;
	const bool is_wrong = ui->prompt == CN_PROMPT_FILTER && *wrong->text;
	size_t from = 0;
	int origin;

	while (width_to(canvas, input->text + from, input->cursor - from) >= box.cols)
		do
			from++;
		while (((unsigned char)input->text[from] & 0xc0) == 0x80);
	origin = box.col - width_to(canvas, input->text, from);
	cn_canvas_text(canvas, box.row, box.col, box.cols, CN_STYLE_STRONG, input->text + from);
	for (size_t i = wrong->at; is_wrong && i < wrong->at + wrong->bytes && input->text[i]; i++) {
		struct cn_cell *cell = cn_canvas_at(canvas, box.row, origin + width_to(canvas, input->text, i));

		if (cell && i >= from)
			cell->style = CN_STYLE_PROVEN;
	}
	if (cn_canvas_at(canvas, box.row, origin + width_to(canvas, input->text, input->cursor)))
		cn_canvas_at(canvas, box.row, origin + width_to(canvas, input->text, input->cursor))->style =
			CN_STYLE_TAB_HERE;
	return origin;
}

/* "^ why", or "why ^" where there is no room on that side. */
static void draw_caret(struct cn_canvas *canvas, struct cn_box box, int col, const char *why)
{
	const int width = cn_canvas_width(canvas, why);

	col = col < 0 ? 0 : col < box.cols ? col : box.cols - 1;
	cn_canvas_put(canvas, box.row, col, CN_STYLE_PROVEN, '^');
	if (col + 2 + width <= box.cols || col < box.cols / 2)
		cn_canvas_text(canvas, box.row, col + 2, box.cols - col - 2, CN_STYLE_LIKELY, why);
	else
		cn_canvas_right(canvas, box.row, 0, col - 1, CN_STYLE_LIKELY, why);
}

static void draw_offer(const struct cn_ui *ui, struct cn_canvas *canvas, struct cn_box box)
{
	struct cn_completions completions;
	int col = 1;

	cn_complete(ui->input.text, ui->input.cursor, cn_sheet_asks(&ui->sheets[ui->view]), &completions);
	for (size_t i = 0; i < completions.n && col < box.cols - 1; i++)
		col += 2 + cn_canvas_text(
				   canvas, box.row, col, box.cols - col - 1, CN_STYLE_BAR, completions.texts[i]);
}

static void draw_filter(const struct cn_ui *ui, struct cn_canvas *canvas, struct cn_box box)
{
	const struct cn_sheet *sheet = &ui->sheets[ui->view];
	const struct cn_box above = { box.row - 1, box.col, 1, box.cols };
	int col = 1, origin;

	cn_canvas_fill(canvas, above, CN_STYLE_PLAIN, ' ');
	col += 1 + cn_canvas_text(canvas, above.row, col, box.cols, CN_STYLE_KEY, "filter:");
	origin = draw_line(ui, canvas, (struct cn_box){ above.row, col, 1, box.cols - col - 1 });
	if (ui->offered)
		draw_offer(ui, canvas, box);
	else if (*sheet->wrong.text)
		draw_caret(canvas, box, origin + width_to(canvas, ui->input.text, sheet->wrong.at), sheet->wrong.text);
	else
		cn_canvas_printf(canvas, box.row, 1, box.cols - 1, CN_STYLE_DIM,
			"%zu of %zu   Enter keep  Esc clear  Tab fields  Up earlier ones", sheet->list.n, sheet->all);
}

void cn_prompt_draw(const struct cn_ui *ui, struct cn_canvas *canvas, struct cn_box box)
{
	int col = 1;

	if (ui->prompt == CN_PROMPT_FILTER) {
		draw_filter(ui, canvas, box);
		return;
	}
	col += 1 + cn_canvas_text(canvas, box.row, col, box.cols, CN_STYLE_KEY, "search:");
	draw_line(ui, canvas, (struct cn_box){ box.row, col, 1, box.cols / 2 });
	col += cn_canvas_width(canvas, ui->input.text) < box.cols / 2 ? cn_canvas_width(canvas, ui->input.text)
								     : box.cols / 2;
	cn_canvas_printf(
		canvas, box.row, col + 3, box.cols - col - 3, CN_STYLE_DIM, "%s   Enter keep  Esc clear", ui->note);
}
