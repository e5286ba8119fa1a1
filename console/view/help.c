/* SPDX-License-Identifier: MIT */
/* The help: of the tables of keys, states and findings, so it cannot be wrong about them. */
#include "model/query.h"
#include "view/keymap.h"
#include "view/page.h"

static void draw_keys(struct cn_page *page)
{
	static const struct {
		enum cn_action action;
		const char *keys, *help;
	} rows[] = {
#define X(name, keys, word, help) { CN_ACTION_##name, keys, help },
		CN_ACTIONS(X)
#undef X
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		cn_canvas_text(&page->paper, page->row, 2, 14, CN_STYLE_KEY, rows[i].keys);
		cn_page_text(page, 15, CN_STYLE_PLAIN, rows[i].help);
	}
}

static void draw_queries(struct cn_page *page)
{
	cn_page_text(page, 0, CN_STYLE_PLAIN,
		"Words without a key stand anywhere in a row; with one they ask a field: state:pending age>10s "
		"-name~conn. All of them hold; a | b, or, for one of two; -, not, for the opposite; parentheses.");
	cn_page_text(page, 0, CN_STYLE_PLAIN,
		"Of text : and ~ have it (* and ? stand for others), = is just it; numbers have < <= > >= = !=, and "
		"units: 250us, 1m30s, 2.5k, 50%. A field that this table has not is named as you type.");
	page->row++;
	for (int field = 0; field < CN_FIELD_COUNT; field++) {
		cn_canvas_text(&page->paper, page->row, 2, 14, CN_STYLE_KEY, cn_field_text((enum cn_field)field));
		cn_page_text(page, 15, CN_STYLE_PLAIN, cn_field_help((enum cn_field)field));
	}
}

static void draw_states(struct cn_page *page)
{
	static const char *const meaning[ROUSE_TASK_STATE_MAX] = {
		[ROUSE_TASK_CREATED] = "prepared, not yet started",
		[ROUSE_TASK_SCHEDULED] = "woken, in a queue for a worker",
		[ROUSE_TASK_RUNNING] = "being polled now",
		[ROUSE_TASK_PENDING] = "waits for somebody to wake it",
		[ROUSE_TASK_COMPLETE] = "has returned; its handle is still held, or it is kept (--retention)",
		[ROUSE_TASK_PANICKED] = "has ended in a panic; likewise",
		[ROUSE_TASK_CANCELLED] = "was aborted; likewise",
	};

	for (unsigned int state = 0; state < ROUSE_TASK_STATE_MAX; state++) {
		cn_canvas_glyph(&page->paper, page->row, 2, cn_state_style(state), cn_state_glyph(state));
		cn_canvas_text(&page->paper, page->row, 4, 12, cn_state_style(state), cn_task_state_name(state));
		cn_page_text(page, 15, CN_STYLE_PLAIN, meaning[state]);
	}
}

static void draw_classes(struct cn_page *page)
{
	static const char *const meaning[CN_CLASS_MAX] = {
		[CN_PROVEN] = "follows from ownership and counts: nothing inside the process can make it run",
		[CN_INCOMPLETE] = "would be proven, had the look been whole",
		[CN_LIKELY] = "rests on a strong sign",
		[CN_SUSPECT] = "over a threshold",
	};

	for (unsigned int i = CN_CLASS_MAX; i > 0; i--) {
		const unsigned int which = i - 1;

		cn_canvas_glyph(&page->paper, page->row, 2, cn_class_style(which), cn_class_glyph(which));
		cn_canvas_text(&page->paper, page->row, 4, 12, cn_class_style(which), cn_class_word(which));
		cn_page_text(page, 15, CN_STYLE_PLAIN, meaning[which]);
	}
	page->row++;
	for (unsigned int code = 0; code < CN_FINDING_CODE_MAX; code++) {
		cn_page_text(page, 0, CN_STYLE_STRONG, cn_finding_title(code));
		cn_page_text(page, 2, CN_STYLE_DIM, cn_finding_help(code));
	}
}

void cn_help_page(struct cn_page *page, const struct cn_scene *scene)
{
	(void)scene;
	cn_page_heading(page, "keys");
	draw_keys(page);
	cn_page_heading(page, "mouse");
	cn_page_text(page, 0, CN_STYLE_PLAIN,
		"A click selects a row, another one opens it. Titles of columns, tabs, findings above them, keys in the "
		"bar and rows of menus can be clicked on; the wheel scrolls. --no-mouse leaves it to the terminal.");
	cn_page_heading(page, "filter");
	draw_queries(page);
	cn_page_heading(page, "states of a task");
	draw_states(page);
	cn_page_heading(page, "findings");
	draw_classes(page);
}
