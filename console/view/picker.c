/* SPDX-License-Identifier: MIT */
#include "view/picker.h"
#include "view/mouse.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "export/text.h"
#include "view/keymap.h"
#include "view/layout.h"
#include "widget/table.h"

enum { NEW_FOR = 10 /* times CN_PICKER_NEW_NS */ };

void cn_picker_fini(struct cn_picker *picker)
{
	cn_list_fini(&picker->list);
	free(picker->picks);
}

static const struct cn_pick *find(const struct cn_picker *picker, int pid)
{
	for (size_t i = 0; i < picker->n; i++)
		if (picker->picks[i].target.pid == pid)
			return &picker->picks[i];
	return NULL;
}

bool cn_picker_take(struct cn_picker *picker, struct rouse_target *targets, size_t n, uint64_t now_ns)
{
	struct cn_pick *picks = calloc(n ? n : 1, sizeof *picks);
	bool changed = !picker->listed || n != picker->n;

	if (!picks) {
		free(targets);
		return false;
	}
	for (size_t i = 0; i < n; i++) {
		const struct cn_pick *before = find(picker, targets[i].pid);

		picks[i].target = targets[i];
		picks[i].since_ns = before ? before->since_ns : picker->listed ? now_ns : 0;
		picks[i].open = before && before->open;
		changed = changed || !before || memcmp(&before->target, &targets[i], sizeof targets[i]) != 0;
	}
	free(targets);
	free(picker->picks);
	picker->picks = picks;
	picker->n = n;
	picker->listed = true;
	return changed;
}

const struct cn_pick *cn_picker_current(const struct cn_picker *picker)
{
	struct cn_entry entry;

	return cn_list_current(&picker->list, &entry) ? find(picker, (int)entry.id) : NULL;
}

/* -------------------------------------------------------------------- draw */

enum column { PID, PROGRAM, RUNTIME, TASKS, BY, COLUMNS };

static const struct cn_column columns[COLUMNS] = {
	[PID] = { "PID", 8, 8, 1, CN_RIGHT },
	[PROGRAM] = { "PROGRAM", 10, 20, 0, CN_LEFT },
	[RUNTIME] = { "RUNTIME", 8, 20, 3, CN_LEFT },
	[TASKS] = { "TASKS", 8, 9, 1, CN_RIGHT },
	[BY] = { "WATCHED BY", 11, 24, 2, CN_LEFT },
};

struct drawing {
	const struct cn_picker *picker;
	uint64_t now_ns;
	bool ascii;
};

static const char *how(const struct rouse_target *target)
{
	return target->other_version ? "another version of rouse"
	       : target->agent       ? "its agent"
	       : target->readable    ? "its memory"
				     : "not permitted";
}

static bool is_new(const struct cn_pick *pick, uint64_t now_ns)
{
	return pick->since_ns && now_ns - pick->since_ns < (uint64_t)NEW_FOR * CN_PICKER_NEW_NS;
}

static void cell(void *arg, size_t row, size_t column, struct cn_text *ret)
{
	const struct drawing *drawing = arg;
	const struct cn_pick *pick = find(drawing->picker, (int)drawing->picker->list.entries[row].id);

	switch (column) {
	case PID:
		snprintf(ret->text, sizeof ret->text, "%d", pick->target.pid);
		break;
	case PROGRAM:
		cn_text_safe(ret->text, sizeof ret->text, pick->target.program, drawing->ascii);
		ret->style = CN_STYLE_NAME;
		break;
	case RUNTIME:
		cn_text_safe(
			ret->text, sizeof ret->text, pick->target.readable ? pick->target.runtime : "?", drawing->ascii);
		break;
	case TASKS:
		if (pick->target.readable)
			snprintf(ret->text, sizeof ret->text, "%llu", (unsigned long long)pick->target.tasks);
		break;
	case BY:
		snprintf(ret->text, sizeof ret->text, "%s%s%s", how(&pick->target), pick->open ? ", open" : "",
			is_new(pick, drawing->now_ns) ? ", new" : "");
		ret->style = is_new(pick, drawing->now_ns) ? CN_STYLE_GOOD : pick->open ? CN_STYLE_STRONG : CN_STYLE_DIM;
		break;
	default:
		break;
	}
}

static void draw_nothing(struct cn_canvas *canvas, struct cn_box box)
{
	static const char *const lines[] = { "Nothing that runs on rouse is there yet. It appears here by itself.", "",
		"ROUSE_LISTEN=1 ./yourprogram     with an agent, which answers on a socket",
		"./yourprogram                    without: then rouse reads its memory", "",
		"Programs of other users are seen only by root." };

	for (size_t i = 0; i < sizeof lines / sizeof lines[0] && box.rows > 0; i++) {
		const int used = *lines[i] ? cn_canvas_wrap(canvas, box, CN_STYLE_PLAIN, lines[i]) : 1;

		box.row += used;
		box.rows -= used;
	}
}

static int draw_rows(struct cn_picker *picker, struct cn_canvas *canvas, struct cn_box box, uint64_t now_ns)
{
	const struct cn_order order = { .descending = false };
	struct drawing drawing = { picker, now_ns, canvas->charset == CN_CHARSET_ASCII };
	struct cn_table table = { .columns = columns, .n_columns = COLUMNS, .sorted = -1, .cell = cell, .arg = &drawing,
		.hot_row = CN_HOT_ROW };

	cn_list_clear(&picker->list);
	for (size_t i = 0; i < picker->n; i++) {
		const uint64_t pid = (uint64_t)picker->picks[i].target.pid;

		if (cn_list_add(&picker->list, (struct cn_entry){ .key = pid, .id = pid, .index = i }))
			return -ENOMEM;
	}
	picker->rows = box.rows - 1;
	cn_list_place(&picker->list, &order, (size_t)picker->rows);
	table.rows = picker->list.n;
	table.top = picker->list.top;
	table.cursor = picker->list.n ? picker->list.cursor : SIZE_MAX;
	cn_table_draw(canvas, box, &table);
	return 0;
}

static void draw_bar(const struct cn_picker *picker, struct cn_canvas *canvas, int row)
{
	static const char *const keys[][2] = { { "Enter", "open" }, { "j", "down" }, { "k", "up" }, { "Esc", "back" },
		{ "q", "quit" } };
	int col = 1;

	if (*picker->note) {
		cn_canvas_text(canvas, row, col, canvas->cols - 2, CN_STYLE_LIKELY, picker->note);
		return;
	}
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
		col += 1 + cn_canvas_text(canvas, row, col, canvas->cols - col, CN_STYLE_KEY, keys[i][0]);
		col += 2 + cn_canvas_text(canvas, row, col, canvas->cols - col, CN_STYLE_BAR, keys[i][1]);
	}
}

int cn_picker_draw(struct cn_picker *picker, struct cn_canvas *canvas, uint64_t now_ns)
{
	struct cn_box body = { 2, 0, canvas->rows - 3, canvas->cols };
	int rc = 0;

	cn_canvas_clear(canvas);
	if (canvas->rows < CN_LEAST_ROWS || canvas->cols < CN_LEAST_COLS) {
		cn_canvas_printf(canvas, 0, 0, canvas->cols, CN_STYLE_STRONG, "terminal too small");
		return 0;
	}
	cn_canvas_text(canvas, 0, 1, 8, CN_STYLE_TITLE, "rouse");
	cn_canvas_printf(canvas, 0, 8, canvas->cols - 9, CN_STYLE_DIM, picker->n == 1 ? "%zu program" : "%zu programs",
		picker->n);
	cn_canvas_rule(canvas, 1, 0, canvas->cols);
	if (picker->n)
		rc = draw_rows(picker, canvas, body, now_ns);
	else
		draw_nothing(canvas, (struct cn_box){ body.row + 1, 2, body.rows - 1, body.cols - 4 });
	draw_bar(picker, canvas, canvas->rows - 1);
	return rc;
}

/* -------------------------------------------------------------------- keys */

enum cn_picked cn_picker_key(struct cn_picker *picker, uint32_t key)
{
	const ptrdiff_t page = picker->rows > 2 ? picker->rows - 1 : 1;

	picker->note[0] = 0;
	switch (cn_action_of_key(key)) {
	case CN_ACTION_OPEN:
		return picker->n ? CN_PICKED_OPEN : CN_PICKED_NOTHING;
	case CN_ACTION_QUIT:
		return CN_PICKED_QUIT;
	case CN_ACTION_BACK:
		return CN_PICKED_BACK;
	case CN_ACTION_DOWN:
		cn_list_move(&picker->list, 1);
		break;
	case CN_ACTION_UP:
		cn_list_move(&picker->list, -1);
		break;
	case CN_ACTION_PAGE_DOWN:
		cn_list_move(&picker->list, page);
		break;
	case CN_ACTION_PAGE_UP:
		cn_list_move(&picker->list, -page);
		break;
	case CN_ACTION_FIRST:
	case CN_ACTION_LAST:
		cn_list_move_to(&picker->list, cn_action_of_key(key) == CN_ACTION_LAST ? SIZE_MAX : 0);
		break;
	default:
		break;
	}
	return CN_PICKED_NOTHING;
}

enum cn_picked cn_picker_mouse(struct cn_picker *picker, const struct cn_canvas *canvas, uint32_t key)
{
	const struct cn_cell *cell = cn_canvas_at(canvas, cn_mouse_row(key), cn_mouse_col(key));
	size_t row;

	if (cn_mouse_what(key) != CN_MOUSE_CLICK)
		return cn_picker_key(picker, cn_mouse_what(key) == CN_MOUSE_WHEEL_UP ? CN_KEY_UP : CN_KEY_DOWN);
	if (!cell || (cell->hot & CN_HOT_KIND) != CN_HOT_ROW)
		return CN_PICKED_NOTHING;
	row = picker->list.top + (cell->hot & CN_HOT_WHICH);
	if (row == picker->list.cursor)
		return cn_picker_key(picker, CN_KEY_ENTER);
	cn_list_move_to(&picker->list, row);
	return CN_PICKED_NOTHING;
}
