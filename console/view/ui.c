/* SPDX-License-Identifier: MIT */
#include "view/ui.h"
#include "model/events.h"
#include "view/block.h"
#include "view/picture.h"
#include "view/resource.h"

#include <errno.h>
#include <string.h>

void cn_ui_init(struct cn_ui *ui)
{
	*ui = (struct cn_ui){ .view = CN_VIEW_TASKS };
	cn_sheet_init(&ui->sheets[CN_VIEW_TASKS], &cn_tasks_sheet);
	cn_sheet_init(&ui->sheets[CN_VIEW_WORKERS], &cn_workers_sheet);
	cn_sheet_init(&ui->sheets[CN_VIEW_RESOURCES], &cn_resources_sheet);
	cn_sheet_init(&ui->sheets[CN_VIEW_FINDINGS], &cn_findings_sheet);
	cn_sheet_init(&ui->sheets[CN_VIEW_GROUPS], &cn_groups_sheet);
	cn_sheet_init(&ui->sheets[CN_VIEW_BLOCKS], &cn_blocks_sheet);
	cn_sheet_init(&ui->sheets[CN_VIEW_TREE], &cn_tree_sheet);
	cn_sheet_init(&ui->sheets[CN_VIEW_WAKES], &cn_wakes_sheet);
}

void cn_ui_fini(struct cn_ui *ui)
{
	for (int i = 0; i < CN_VIEW_COUNT; i++)
		cn_sheet_fini(&ui->sheets[i]);
	cn_page_fini(&ui->page);
	cn_page_fini(&ui->preview);
	cn_flame_fini(&ui->flame);
	cn_folds_free(&ui->folds);
	cn_derived_free(&ui->derived);
}

uint64_t cn_ui_watched(const struct cn_ui *ui)
{
	return ui->page_kind != CN_PAGE_NONE && ui->page_kind != CN_PAGE_RESOURCE ? ui->task : 0;
}

uint64_t cn_ui_resource(const struct cn_ui *ui)
{
	return ui->page_kind == CN_PAGE_RESOURCE ? ui->resource : 0;
}

bool cn_ui_on_table(const struct cn_ui *ui)
{
	return ui->view != CN_VIEW_HELP && !cn_is_picture(ui->view) && ui->page_kind == CN_PAGE_NONE;
}

bool cn_ui_has_view(const struct cn_scene *scene, int view)
{
	return (view != CN_VIEW_BLOCKS && view != CN_VIEW_FLAME) || cn_model_kernel(scene->model);
}

static bool on_flame(const struct cn_ui *ui)
{
	return ui->view == CN_VIEW_FLAME && ui->page_kind == CN_PAGE_NONE;
}

/* ------------------------------------------------------------------- draw */

/* Wrapped, and centred when it fits: it must be readable at any size it is for. */
static void draw_too_small(struct cn_canvas *canvas)
{
	struct cn_box box = cn_canvas_box(canvas);
	char text[96];
	int width;

	snprintf(text, sizeof text, "terminal too small %dx%d (needs %dx%d)", canvas->cols, canvas->rows, CN_LEAST_COLS,
		CN_LEAST_ROWS);
	width = cn_canvas_width(canvas, text);
	if (width < canvas->cols) {
		box.row = canvas->rows / 2;
		box.col = (canvas->cols - width) / 2;
		box.rows = 1;
		box.cols = width;
	}
	cn_canvas_wrap(canvas, box, CN_STYLE_STRONG, text);
}

static int draw_page(struct cn_ui *ui, const struct cn_scene *scene, struct cn_canvas *canvas, struct cn_box box)
{
	const int rc = cn_page_start(&ui->page, box.cols, canvas->charset);

	if (rc < 0)
		return rc;
	ui->page_rows = box.rows;
	if (ui->page_kind == CN_PAGE_TASK)
		cn_task_page(&ui->page, scene, ui->task);
	else if (ui->page_kind == CN_PAGE_WHY)
		cn_why_page(&ui->page, scene, ui->task);
	else if (ui->page_kind == CN_PAGE_BLOCK)
		cn_block_page(&ui->page, scene, ui->block);
	else if (ui->page_kind == CN_PAGE_RESOURCE)
		cn_resource_page(&ui->page, scene, ui->resource);
	else
		cn_help_page(&ui->page, scene);
	cn_page_show(&ui->page, canvas, box);
	return 0;
}

static int draw_table(
	struct cn_ui *ui, const struct cn_scene *scene, struct cn_canvas *canvas, const struct cn_layout *layout)
{
	struct cn_box body = layout->body;
	int rc;

	if (ui->view == CN_VIEW_WORKERS) {
		int used;

		body.rows += layout->preview.rows;
		used = cn_gauges_draw(scene, canvas, body);
		body.row += used;
		body.rows -= used;
	}
	ui->page_rows = body.rows - 1;
	rc = cn_sheet_draw(&ui->sheets[ui->view], scene, canvas, body);
	if (rc == 0 && layout->preview.rows && ui->view != CN_VIEW_WORKERS)
		rc = cn_preview_draw(ui, scene, canvas, layout->preview);
	if (ui->prompt == CN_PROMPT_SORT || ui->prompt == CN_PROMPT_COLUMNS)
		cn_menu_draw(ui, canvas, layout->body);
	return rc;
}

/* With what the open view shows beside the model. */
static int derive(struct cn_ui *ui, struct cn_scene *scene)
{
	int rc = 0;

	if (ui->view == CN_VIEW_TREE)
		rc = cn_derive_tree(&ui->derived, scene, &ui->folds);
	else if (ui->view == CN_VIEW_WAKES)
		rc = cn_derive_wakes(&ui->derived, scene);
	scene->tree = &ui->derived.tree;
	scene->wakes = &ui->derived.wakes;
	return rc;
}

static int draw(struct cn_ui *ui, const struct cn_scene *scene, struct cn_canvas *canvas)
{
	const struct cn_layout layout = cn_layout(canvas->rows, canvas->cols, cn_ui_alerts(ui, scene));
	struct cn_box body = layout.body;
	int rc;

	cn_canvas_clear(canvas);
	if (layout.too_small) {
		draw_too_small(canvas);
		return 0;
	}
	if (cn_ui_on_table(ui)) {
		rc = draw_table(ui, scene, canvas, &layout);
	} else {
		body.rows += layout.preview.rows;
		rc = cn_ui_on_picture(ui) ? cn_picture_draw(ui, scene, canvas, body)
					  : draw_page(ui, scene, canvas, body);
	}
	body = layout.body;
	body.rows += layout.preview.rows;
	if (ui->prompt == CN_PROMPT_VIEWS)
		cn_views_draw(ui, canvas, body);
	cn_header_draw(ui, scene, canvas, &layout);
	cn_bar_draw_keys(ui, scene, canvas, layout.bar);
	return rc;
}

int cn_ui_draw(struct cn_ui *ui, const struct cn_scene *scene, struct cn_canvas *canvas)
{
	struct cn_scene own = *scene;
	const int rc = derive(ui, &own);

	return draw(ui, &own, canvas) ? -ENOMEM : rc;
}

/* ---------------------------------------------------------------- prompts */

/* A view's own key chooses it at once. */
static void key_in_views(struct cn_ui *ui, const struct cn_scene *scene, uint32_t key)
{
	const int view = cn_view_of_key(key);
	const enum cn_action action = cn_action_of_key(key);

	if (view < 0 && (action == CN_ACTION_DOWN || action == CN_ACTION_UP || action == CN_ACTION_NEXT_VIEW)) {
		ui->choice = (ui->choice + CN_VIEW_COUNT + (action == CN_ACTION_UP ? -1 : 1)) % CN_VIEW_COUNT;
		return;
	}
	ui->prompt = CN_PROMPT_NONE;
	if (view >= 0)
		cn_ui_go(ui, scene, view);
	else if (action == CN_ACTION_OPEN)
		cn_ui_go(ui, scene, ui->choice);
}

static void move(struct cn_ui *ui, ptrdiff_t rows)
{
	if (cn_ui_on_table(ui)) {
		cn_list_move(&ui->sheets[ui->view].list, rows);
	} else {
		const ptrdiff_t to = ui->page.scroll + rows;

		ui->page.scroll = to < 0 ? 0 : to > CN_PAGE_ROWS ? CN_PAGE_ROWS : (int)to;
	}
}

static void move_to_end(struct cn_ui *ui, bool last)
{
	if (cn_ui_on_table(ui))
		cn_list_move_to(&ui->sheets[ui->view].list, last ? SIZE_MAX : 0);
	else
		ui->page.scroll = last ? CN_PAGE_ROWS : 0;
}

void cn_ui_go(struct cn_ui *ui, const struct cn_scene *scene, int view)
{
	if (!cn_ui_has_view(scene, view)) {
		snprintf(
			ui->note, sizeof ui->note, "the kernel is not asked: rouse --kernel %.32s does", scene->target);
		return;
	}
	ui->view = (enum cn_view)view;
	ui->page_kind = CN_PAGE_NONE;
	ui->page.scroll = 0;
	ui->flame_from.set = false;
	if (view == CN_VIEW_FLAME && (ui->flame.of.task || ui->flame.of.by_site))
		cn_flame_show(&ui->flame, (struct cn_profile_wish){ 0 });
}

/* The one beside it, of those that are there. */
static void go_to_next_view(struct cn_ui *ui, const struct cn_scene *scene, int by)
{
	int view = (int)ui->view;

	do
		view = (view + CN_VIEW_COUNT + by) % CN_VIEW_COUNT;
	while (!cn_ui_has_view(scene, view));
	cn_ui_go(ui, scene, view);
}

static void open_page(struct cn_ui *ui, enum cn_page_kind kind, uint64_t task)
{
	if (!task) {
		snprintf(ui->note, sizeof ui->note, "this row has no task to show");
		return;
	}
	ui->under = ui->page_kind;
	ui->page_kind = kind;
	ui->task = task;
	ui->page.scroll = 0;
	if (kind == CN_PAGE_WHY)
		ui->why_task = task;
}

static void open_block(struct cn_ui *ui, const struct cn_scene *scene)
{
	const struct cn_block *block;
	struct cn_entry entry;

	if (!cn_list_current(&ui->sheets[CN_VIEW_BLOCKS].list, &entry))
		return;
	block = cn_block_find(scene->model, entry.id);
	ui->block = entry.id;
	ui->task = block ? block->task : 0;
	ui->under = CN_PAGE_NONE;
	ui->page_kind = CN_PAGE_BLOCK;
	ui->page.scroll = 0;
}

static void open_resource(struct cn_ui *ui, const struct cn_scene *scene)
{
	const struct cn_resource *resource;
	struct cn_entry entry;

	if (!cn_list_current(&ui->sheets[CN_VIEW_RESOURCES].list, &entry))
		return;
	resource = cn_model_resource(scene->model, entry.id);
	ui->resource = entry.id;
	ui->task = resource ? cn_resource_task(resource) : 0;
	ui->under = CN_PAGE_NONE;
	ui->page_kind = CN_PAGE_RESOURCE;
	ui->page.scroll = 0;
}

/* Of the task of the row or the page; of groups, of their spawn site. */
static void open_flame(struct cn_ui *ui, const struct cn_scene *scene)
{
	const bool table = cn_ui_on_table(ui);
	const uint64_t id = table                           ? cn_sheet_task(&ui->sheets[ui->view], scene)
			    : ui->page_kind != CN_PAGE_NONE ? ui->task
							    : cn_picture_task(ui);
	const struct cn_task *task = cn_model_task(scene->model, id);
	struct cn_profile_wish of = { .task = id };

	if (!cn_model_kernel(scene->model)) {
		cn_ui_go(ui, scene, CN_VIEW_FLAME);
		return;
	}
	if (!id) {
		snprintf(ui->note, sizeof ui->note, "this row has no task to show");
		return;
	}
	if (table && ui->view == CN_VIEW_GROUPS && task)
		of = (struct cn_profile_wish){ .by_site = true, .runtime = task->runtime, .site = task->spawn_site };
	cn_flame_show(&ui->flame, of);
	ui->flame_from.set = true;
	ui->flame_from.view = ui->view;
	ui->flame_from.page_kind = ui->page_kind;
	ui->flame_from.under = ui->under;
	ui->view = CN_VIEW_FLAME;
	ui->page_kind = CN_PAGE_NONE;
}

static bool close_flame(struct cn_ui *ui)
{
	if (!on_flame(ui) || !ui->flame_from.set)
		return false;
	ui->view = ui->flame_from.view;
	ui->page_kind = ui->flame_from.page_kind;
	ui->under = ui->flame_from.under;
	ui->flame_from.set = false;
	cn_flame_show(&ui->flame, (struct cn_profile_wish){ 0 });
	return true;
}

/* False: there was nothing to go back from. */
static bool go_back(struct cn_ui *ui, const struct cn_scene *scene)
{
	if (close_flame(ui))
		return true;
	if (ui->view == CN_VIEW_HELP) {
		cn_ui_go(ui, scene, CN_VIEW_TASKS);
		return true;
	}
	if (ui->page_kind == CN_PAGE_NONE)
		return false;
	ui->page_kind = ui->page_kind == CN_PAGE_WHY || ui->page_kind == CN_PAGE_TASK ? ui->under : CN_PAGE_NONE;
	ui->under = CN_PAGE_NONE;
	ui->page.scroll = 0;
	return true;
}

/* The one under the cursor. The rows of other ones come and go with it. */
static void fold(struct cn_ui *ui, const struct cn_scene *scene, bool folded)
{
	struct cn_sheet *sheet = &ui->sheets[CN_VIEW_TREE];
	const uint64_t task = cn_sheet_task(sheet, scene);
	struct cn_entry entry;

	if (!task || !cn_list_current(&sheet->list, &entry) || entry.index >= scene->tree->n)
		return;
	if (!scene->tree->nodes[entry.index].kids || scene->tree->nodes[entry.index].folded == folded)
		return;
	if (cn_folds_toggle(&ui->folds, task))
		snprintf(ui->note, sizeof ui->note, "there is no memory to fold it");
	sheet->filled.once = false;
}

/* What rates are over: the next one. */
static void turn_rates(struct cn_ui *ui)
{
	ui->rates = (enum cn_rates)((ui->rates + 1) % CN_RATES_COUNT);
	snprintf(ui->note, sizeof ui->note, "rates are %s", cn_rates_text(ui->rates));
}

static void act_on_table(struct cn_ui *ui, const struct cn_scene *scene, enum cn_action action)
{
	struct cn_sheet *sheet = &ui->sheets[ui->view];

	switch (action) {
	case CN_ACTION_OPEN:
		if (ui->view == CN_VIEW_BLOCKS)
			open_block(ui, scene);
		else if (ui->view == CN_VIEW_RESOURCES)
			open_resource(ui, scene);
		else
			open_page(ui, CN_PAGE_TASK, cn_sheet_task(sheet, scene));
		break;
	case CN_ACTION_BACK:
		cn_sheet_filter(sheet, "");
		sheet->search[0] = 0;
		break;
	case CN_ACTION_FILTER:
		cn_prompt_open(ui, CN_PROMPT_FILTER);
		break;
	case CN_ACTION_SEARCH:
		cn_prompt_open(ui, CN_PROMPT_SEARCH);
		break;
	case CN_ACTION_SORT:
		cn_prompt_open(ui, CN_PROMPT_SORT);
		break;
	case CN_ACTION_MARK:
		if (cn_sheet_mark(sheet))
			snprintf(ui->note, sizeof ui->note, "there are too many marks: M takes all away");
		break;
	case CN_ACTION_MARKED:
		cn_sheet_show_marked(sheet, (enum cn_marked)((sheet->marked + 1) % (CN_MARKED_ONLY + 1)));
		break;
	case CN_ACTION_UNMARK:
		cn_sheet_unmark_all(sheet);
		break;
	case CN_ACTION_COLUMNS:
		cn_prompt_open(ui, CN_PROMPT_COLUMNS);
		break;
	case CN_ACTION_RATES:
		turn_rates(ui);
		break;
	case CN_ACTION_SORT_LEFT:
		cn_sheet_sort(sheet, cn_sheet_beside(sheet, sheet->sorted, -1));
		break;
	case CN_ACTION_SORT_RIGHT:
		cn_sheet_sort(sheet, cn_sheet_beside(sheet, sheet->sorted, 1));
		break;
	case CN_ACTION_INVERT:
		sheet->descending = !sheet->descending;
		break;
	case CN_ACTION_SEARCH_NEXT:
		cn_prompt_search(ui, scene, 1);
		break;
	case CN_ACTION_SEARCH_BACK:
		cn_prompt_search(ui, scene, -1);
		break;
	case CN_ACTION_ZOOM_IN:
	case CN_ACTION_ZOOM_OUT:
		if (ui->view == CN_VIEW_TREE)
			fold(ui, scene, action == CN_ACTION_ZOOM_OUT);
		break;
	default:
		break;
	}
}

static void ask_why(struct cn_ui *ui, const struct cn_scene *scene)
{
	if (ui->page_kind != CN_PAGE_NONE && ui->page_kind != CN_PAGE_WHY)
		open_page(ui, CN_PAGE_WHY, ui->task);
	else if (cn_ui_on_table(ui))
		open_page(ui, CN_PAGE_WHY, cn_sheet_task(&ui->sheets[ui->view], scene));
	else if (cn_ui_on_picture(ui) && cn_picture_has_task(ui->view))
		open_page(ui, CN_PAGE_WHY, cn_picture_task(ui));
}

/* Said at once; what it leads to is seen with the next looks. */
static enum cn_request record(struct cn_ui *ui, const struct cn_scene *scene)
{
	snprintf(ui->note, sizeof ui->note, "%s",
		cn_model_keeps_events(scene->model) ? "events are no longer recorded" : "events are recorded from now on");
	return CN_REQUEST_EVENTS;
}

static ptrdiff_t page_of(const struct cn_ui *ui)
{
	const ptrdiff_t rows = ui->page_rows - 1;

	return rows > 1 ? rows : 1;
}

/* What changes nothing in here. */
static enum cn_request request_of(enum cn_action action)
{
	switch (action) {
	case CN_ACTION_PAUSE:
		return CN_REQUEST_PAUSE;
	case CN_ACTION_REDRAW:
		return CN_REQUEST_REDRAW;
	case CN_ACTION_PROGRAMS:
		return CN_REQUEST_LIST;
	case CN_ACTION_NEXT_PROGRAM:
		return CN_REQUEST_NEXT_PROGRAM;
	case CN_ACTION_PREV_PROGRAM:
		return CN_REQUEST_PREV_PROGRAM;
	case CN_ACTION_REATTACH:
		return CN_REQUEST_REATTACH;
	default:
		return CN_REQUEST_NOTHING;
	}
}

static enum cn_request act(struct cn_ui *ui, const struct cn_scene *scene, enum cn_action action)
{
	if (cn_ui_on_picture(ui) && cn_picture_act(ui, scene, action))
		return CN_REQUEST_NOTHING;
	if (request_of(action))
		return request_of(action);
	switch (action) {
	case CN_ACTION_QUIT:
		return go_back(ui, scene) ? CN_REQUEST_NOTHING : CN_REQUEST_QUIT;
	case CN_ACTION_BACK:
		if (go_back(ui, scene))
			break;
		if (!cn_ui_on_table(ui) || (!*ui->sheets[ui->view].filter && !*ui->sheets[ui->view].search))
			return CN_REQUEST_LIST;
		act_on_table(ui, scene, action);
		break;
	case CN_ACTION_WHY:
		ask_why(ui, scene);
		break;
	case CN_ACTION_HELP:
		cn_ui_go(ui, scene, CN_VIEW_HELP);
		break;
	case CN_ACTION_PROFILE:
		open_flame(ui, scene);
		break;
	case CN_ACTION_EVENTS:
		return record(ui, scene);
	case CN_ACTION_TREE:
		cn_ui_go(ui, scene, CN_VIEW_TREE);
		break;
	case CN_ACTION_VIEWS:
		ui->prompt = CN_PROMPT_VIEWS;
		ui->choice = (int)ui->view;
		break;
	case CN_ACTION_DOWN:
		move(ui, 1);
		break;
	case CN_ACTION_UP:
		move(ui, -1);
		break;
	case CN_ACTION_PAGE_DOWN:
		move(ui, page_of(ui));
		break;
	case CN_ACTION_PAGE_UP:
		move(ui, -page_of(ui));
		break;
	case CN_ACTION_FIRST:
	case CN_ACTION_LAST:
		move_to_end(ui, action == CN_ACTION_LAST);
		break;
	case CN_ACTION_NEXT_VIEW:
		go_to_next_view(ui, scene, 1);
		break;
	case CN_ACTION_PREV_VIEW:
		go_to_next_view(ui, scene, -1);
		break;
	case CN_ACTION_VIEW_1:
	case CN_ACTION_VIEW_2:
	case CN_ACTION_VIEW_3:
	case CN_ACTION_VIEW_4:
	case CN_ACTION_VIEW_5:
	case CN_ACTION_VIEW_6:
	case CN_ACTION_VIEW_7:
	case CN_ACTION_VIEW_8:
	case CN_ACTION_VIEW_9:
	case CN_ACTION_VIEW_0:
		cn_ui_go(ui, scene, (int)action - CN_ACTION_VIEW_1);
		break;
	default:
		if (cn_ui_on_table(ui))
			act_on_table(ui, scene, action);
		else if (ui->page_kind == CN_PAGE_RESOURCE && action == CN_ACTION_OPEN)
			open_page(ui, CN_PAGE_TASK, ui->task);
		else if (cn_ui_on_picture(ui) && cn_picture_has_task(ui->view) && action == CN_ACTION_OPEN)
			open_page(ui, CN_PAGE_TASK, cn_picture_task(ui));
		break;
	}
	return CN_REQUEST_NOTHING;
}

static enum cn_request key_outside(struct cn_ui *ui, const struct cn_scene *scene, uint32_t key)
{
	const enum cn_action action = on_flame(ui) && key == CN_KEY_BACKSPACE ? CN_ACTION_BACK : cn_action_of_key(key);

	if (action == CN_ACTION_NONE && key > ' ' && key < 0x7f)
		snprintf(ui->note, sizeof ui->note, "%c does nothing: ? shows the keys", (char)key);
	return act(ui, scene, action);
}

enum cn_request cn_ui_key(struct cn_ui *ui, const struct cn_scene *outside, uint32_t key)
{
	struct cn_scene own = *outside;
	const struct cn_scene *scene = &own;

	/* Without memory its tables are empty, and the next frame says so. */
	(void)derive(ui, &own);
	ui->note[0] = 0;
	if (ui->prompt == CN_PROMPT_SORT || ui->prompt == CN_PROMPT_COLUMNS)
		cn_menu_key(ui, key);
	else if (ui->prompt == CN_PROMPT_VIEWS)
		key_in_views(ui, scene, key);
	else if (ui->prompt != CN_PROMPT_NONE)
		cn_prompt_key(ui, scene, key);
	else if (key == CN_CTRL('c'))
		return CN_REQUEST_QUIT;
	else
		return key_outside(ui, scene, key);
	return CN_REQUEST_NOTHING;
}

enum cn_request cn_ui_act(struct cn_ui *ui, const struct cn_scene *scene, enum cn_action action)
{
	struct cn_scene own = *scene;

	(void)derive(ui, &own);
	return act(ui, &own, action);
}
