/* SPDX-License-Identifier: MIT */
/* The rows above the views: which program, how honest the picture, how many of what, and what is wrong. */
#include "export/text.h"
#include "model/kernel.h"
#include "view/columns.h"
#include "view/mouse.h"
#include "view/ui.h"
#include "widget/format.h"
#include "widget/graph.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* ------------------------------------------------------------------ pieces */

/* Words side by side; those of the highest rank go first when there is little room. */
struct piece {
	char text[72];
	enum cn_style style;
	int glyph; /* enum cn_glyph before the text, -1 = none */
	int rank;  /* 0 = stays */
	bool gone;
};
enum { PIECES_MAX = 40 };
struct pieces {
	struct piece all[PIECES_MAX];
	int n;
};

enum { BETWEEN = 2, PACE_COLS = 14 /* " 1.23M polls/s" */ };

static struct piece *add(struct pieces *pieces, enum cn_style style, int rank)
{
	struct piece *piece = &pieces->all[pieces->n++];

	*piece = (struct piece){ .style = style, .glyph = -1, .rank = rank };
	return piece;
}

static int width_of(const struct cn_canvas *canvas, const struct pieces *pieces)
{
	int width = 0;

	for (int i = 0; i < pieces->n; i++) {
		const struct piece *piece = &pieces->all[i];

		if (!piece->gone)
			width += cn_canvas_width(canvas, piece->text) + 2 * (piece->glyph >= 0) + BETWEEN;
	}
	return width ? width - BETWEEN : 0;
}

static void fit(const struct cn_canvas *canvas, struct pieces *pieces, int width)
{
	while (width_of(canvas, pieces) > width) {
		struct piece *worst = NULL;

		for (int i = 0; i < pieces->n; i++)
			if (!pieces->all[i].gone && pieces->all[i].rank &&
				(!worst || pieces->all[i].rank >= worst->rank))
				worst = &pieces->all[i];
		if (!worst)
			return;
		worst->gone = true;
	}
}

static void draw_pieces(struct cn_canvas *canvas, int row, int col, int width, const struct pieces *pieces)
{
	const int end = col + width;

	for (int i = 0; i < pieces->n && col < end; i++) {
		const struct piece *piece = &pieces->all[i];

		if (piece->gone)
			continue;
		if (piece->glyph >= 0) {
			cn_canvas_glyph(canvas, row, col, piece->style, (enum cn_glyph)piece->glyph);
			col += 2;
		}
		col += BETWEEN + cn_canvas_text(canvas, row, col, end - col, piece->style, piece->text);
	}
}

/* ------------------------------------------------------------------- title */

/* Groups that were asked for, and how many of them measure. */
static int kernel_groups(const struct cn_kernel *kernel, int *ret_measure)
{
	int wanted = 0, measure = 0;

	for (int i = 1; i < CN_KERNEL_GROUP_MAX; i++) {
		wanted += kernel->groups[i].wanted;
		measure += kernel->groups[i].wanted && kernel->groups[i].status == 0;
	}
	*ret_measure = measure;
	return wanted;
}

static bool all_forbidden(const struct cn_kernel *kernel)
{
	for (int i = 1; i < CN_KERNEL_GROUP_MAX; i++)
		if (kernel->groups[i].wanted && kernel->groups[i].status != -EPERM &&
			kernel->groups[i].status != -EACCES)
			return false;
	return true;
}

/* What of the kernel's side is measured: by name where there is room, else whether all that was asked for is. */
static void add_kernel(struct pieces *pieces, const struct cn_scene *scene, bool names)
{
	const struct cn_kernel *kernel = cn_model_kernel(scene->model);
	char count[CN_FORMAT_BYTES];
	struct piece *piece;
	int wanted, measure, n = 0;

	if (!kernel)
		return;
	wanted = kernel_groups(kernel, &measure);
	piece = add(pieces, measure == wanted ? CN_STYLE_DIM : CN_STYLE_LIKELY, measure == wanted ? 4 : 1);
	if (!kernel->rounds)
		snprintf(piece->text, sizeof piece->text, "kernel: nothing yet");
	else if (!measure)
		snprintf(piece->text, sizeof piece->text, "kernel: %s",
			all_forbidden(kernel) ? "not permitted" : "none");
	else if (!names)
		snprintf(piece->text, sizeof piece->text, measure == wanted ? "kernel" : "kernel %d of %d", measure,
			wanted);
	else
		n = snprintf(piece->text, sizeof piece->text, "kernel:");
	for (int i = 1; n && i < CN_KERNEL_GROUP_MAX; i++)
		if (kernel->groups[i].wanted && kernel->groups[i].status == 0)
			n += snprintf(piece->text + n, sizeof piece->text - (size_t)n, " %s",
				cn_kernel_group_word((enum cn_kernel_group)i));
	if (!kernel->blocks_lost && !kernel->samples_lost)
		return;
	if (names || measure != wanted)
		piece = add(pieces, CN_STYLE_LIKELY, 1);
	piece->style = CN_STYLE_LIKELY;
	piece->rank = 1;
	snprintf(piece->text, sizeof piece->text, "kernel lost %s",
		cn_format_count(count, kernel->blocks_lost + kernel->samples_lost));
}

static void add_honesty(
	struct pieces *pieces, const struct cn_scene *scene, const struct cn_runtime *runtime, bool names)
{
	const uint64_t seen = cn_model_now_ns(scene->model);
	const uint64_t age = scene->now_ns > seen ? scene->now_ns - seen : 0;
	const uint64_t lost = cn_model_lost_events(scene->model) + cn_model_lost_generations(scene->model);
	const bool is_core = cn_target_is_core(cn_model_target(scene->model));
	const bool old = scene->paused || scene->ended || age > 2 * scene->interval_ns + 500000000u;
	char time[CN_FORMAT_BYTES], count[CN_FORMAT_BYTES];
	struct piece *piece;

	snprintf(add(pieces, is_core ? CN_STYLE_BADGE : CN_STYLE_DIM, is_core ? 0 : 5)->text, 72, "%s",
		cn_model_target(scene->model)->source);
	add_kernel(pieces, scene, names);
	if (runtime)
		snprintf(add(pieces, CN_STYLE_DIM, 6)->text, 72, "L%" PRIu32, runtime->level);
	piece = add(pieces, lost ? CN_STYLE_LIKELY : CN_STYLE_DIM, lost ? 1 : 4);
	snprintf(piece->text, sizeof piece->text, "lost %s", cn_format_count(count, lost));
	piece = add(pieces, cn_model_complete(scene->model) ? CN_STYLE_DIM : CN_STYLE_LIKELY,
		cn_model_complete(scene->model) ? 3 : 1);
	snprintf(piece->text, sizeof piece->text, "%s", cn_model_complete(scene->model) ? "complete" : "INCOMPLETE");
	if (scene->ended)
		snprintf(add(pieces, CN_STYLE_BADGE, 0)->text, 72, " ENDED ");
	else if (scene->paused)
		snprintf(add(pieces, CN_STYLE_BADGE, 0)->text, 72, " PAUSED ");
	else if (runtime && runtime->target_stopped && !is_core)
		snprintf(add(pieces, CN_STYLE_BADGE, 0)->text, 72, " STOPPED ");
	if (is_core)
		return;
	piece = add(pieces, old ? CN_STYLE_LIKELY : CN_STYLE_GOOD, 2);
	if (old)
		snprintf(piece->text, sizeof piece->text, "%s old", cn_format_ns(time, age));
	else
		snprintf(piece->text, sizeof piece->text, "live");
}

/* Each that is open, in place of the name of the one that is shown. */
static void add_programs(struct pieces *pieces, const struct cn_tabs *tabs)
{
	for (size_t i = 0; i < tabs->n && pieces->n < PIECES_MAX - 6; i++) {
		const bool here = i == tabs->here;
		const enum cn_style style = here	      ? CN_STYLE_TAB_HERE
					    : tabs->proven[i] ? CN_STYLE_PROVEN
					    : tabs->ended[i]  ? CN_STYLE_DIM
							      : CN_STYLE_TAB;

		snprintf(add(pieces, style, here ? 0 : 1)->text, 72, here ? "[%s]" : "%s", tabs->names[i]);
	}
	snprintf(add(pieces, CN_STYLE_DIM, 1)->text, 72, "%zu of %zu", tabs->here + 1, tabs->n);
}

static void draw_title(const struct cn_scene *scene, struct cn_canvas *canvas, struct cn_box box)
{
	const struct cn_target *target = cn_model_target(scene->model);
	const struct cn_runtime *runtime = cn_scene_runtime(scene);
	struct pieces left = { .n = 0 }, right = { .n = 0 };
	char name[64];
	int width;

	snprintf(add(&left, CN_STYLE_TITLE, 0)->text, 72, "rouse");
	cn_text_safe(name, sizeof name, target->program, scene->ascii);
	if (scene->tabs && scene->tabs->n > 1)
		add_programs(&left, scene->tabs);
	else
		snprintf(add(&left, CN_STYLE_STRONG, 0)->text, 72, "%s", name);
	snprintf(add(&left, CN_STYLE_DIM, 1)->text, 72, "%" PRIu32, target->pid);
	if (runtime) {
		cn_text_safe(name, sizeof name, runtime->name, scene->ascii);
		snprintf(add(&left, CN_STYLE_DIM, 3)->text, 72, "%s", name);
		snprintf(add(&left, CN_STYLE_DIM, 4)->text, 72, "%s",
			runtime->flavor == ROUSE_FLAVOR_CURRENT ? "current-thread" : "multi-thread");
	}
	if (cn_model_runtimes(scene->model) > 1)
		snprintf(add(&left, CN_STYLE_DIM, 2)->text, 72, "%zu runtimes", cn_model_runtimes(scene->model));
	add_honesty(&right, scene, runtime, true);
	if (width_of(canvas, &right) > box.cols / 2) {
		right.n = 0;
		add_honesty(&right, scene, runtime, false);
	}
	/* What is told on the right counts for more than what is told twice. */
	fit(canvas, &right, box.cols / 2);
	width = width_of(canvas, &right);
	fit(canvas, &left, box.cols - width - 4);
	draw_pieces(canvas, box.row, 1, box.cols - width - 4, &left);
	draw_pieces(canvas, box.row, box.cols - 1 - width, width, &right);
}

/* ------------------------------------------------------------------ totals */

static uint32_t tasks_in(const struct cn_scene *scene, unsigned int state)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < cn_model_runtimes(scene->model); i++) {
		const struct cn_runtime *runtime = cn_model_runtime(scene->model, i);

		sum += runtime ? runtime->by_state[state] : 0;
	}
	return sum;
}

/* In words where there is room, else the signs alone: every table that follows uses them too. */
static void add_states(struct pieces *pieces, const struct cn_scene *scene, bool words)
{
	static const uint8_t order[] = { ROUSE_TASK_RUNNING, ROUSE_TASK_SCHEDULED, ROUSE_TASK_PENDING,
		ROUSE_TASK_CREATED, ROUSE_TASK_COMPLETE, ROUSE_TASK_PANICKED, ROUSE_TASK_CANCELLED };

	for (size_t i = 0; i < sizeof order; i++) {
		const unsigned int state = order[i];
		const uint32_t n = tasks_in(scene, state);
		const bool usual =
			state == ROUSE_TASK_RUNNING || state == ROUSE_TASK_SCHEDULED || state == ROUSE_TASK_PENDING;
		char count[CN_FORMAT_BYTES];
		struct piece *piece;

		if (!n && !usual)
			continue;
		piece = add(pieces, n ? cn_state_style(state) : CN_STYLE_DIM, usual ? 2 : 3);
		piece->glyph = (int)cn_state_glyph(state);
		snprintf(piece->text, sizeof piece->text, words ? "%s %s" : "%s", cn_format_count(count, n),
			cn_task_state_name(state));
	}
}

static size_t active_findings(const struct cn_scene *scene, unsigned int of_class)
{
	size_t n = 0;

	for (size_t i = 0; i < cn_findings_count(scene->findings); i++) {
		const struct cn_finding *finding = cn_findings_at(scene->findings, i);

		n += finding->active && finding->class == of_class;
	}
	return n;
}

static void add_findings(struct pieces *pieces, const struct cn_scene *scene, bool words)
{
	struct piece *piece;
	bool any = false;

	for (unsigned int i = CN_CLASS_MAX; i > 0; i--) {
		const unsigned int which = i - 1;
		const size_t n = active_findings(scene, which);

		if (!n)
			continue;
		any = true;
		piece = add(pieces, cn_class_style(which), which == CN_PROVEN ? 0 : 1);
		piece->glyph = (int)cn_class_glyph(which);
		snprintf(piece->text, sizeof piece->text, words ? "%zu %s" : "%zu", n,
			which == CN_PROVEN ? cn_class_word(which) : cn_class_name(which));
	}
	if (any || !cn_model_generations(scene->model))
		return;
	if (!cn_scene_is_judged(scene)) {
		snprintf(add(pieces, CN_STYLE_DIM, 1)->text, sizeof piece->text, "one look so far");
		return;
	}
	piece = add(pieces, CN_STYLE_GOOD, 1);
	piece->glyph = CN_GLYPH_COMPLETE;
	snprintf(piece->text, sizeof piece->text, "nothing found");
}

/* What is left over in the middle shows how the last minutes went. */
static void draw_pace(const struct cn_scene *scene, struct cn_canvas *canvas, struct cn_box box)
{
	const struct cn_runtime *runtime = cn_scene_runtime(scene);
	uint32_t samples[CN_HISTORY_SAMPLES];
	char count[CN_FORMAT_BYTES];
	size_t n;

	if (!runtime || box.cols < PACE_COLS + 8)
		return;
	n = cn_history_copy(&runtime->series.polls, samples, CN_HISTORY_SAMPLES);
	if (n == 0)
		return;
	if (box.cols > PACE_COLS + 32) {
		box.col += box.cols - PACE_COLS - 32;
		box.cols = PACE_COLS + 32;
	}
	cn_spark_draw(
		canvas, (struct cn_box){ box.row, box.col, 1, box.cols - PACE_COLS }, samples, n, 0, CN_STYLE_GRAPH);
	cn_canvas_printf(canvas, box.row, box.col + box.cols - PACE_COLS + 1, PACE_COLS - 1, CN_STYLE_DIM, "%s polls/s",
		cn_format_count(count, samples[n - 1]));
}

static void draw_totals(const struct cn_scene *scene, struct cn_canvas *canvas, struct cn_box box)
{
	struct pieces left = { .n = 0 }, right = { .n = 0 };
	int width, room, used;

	add_findings(&right, scene, true);
	if (width_of(canvas, &right) > box.cols / 2) {
		right.n = 0;
		add_findings(&right, scene, false);
	}
	width = width_of(canvas, &right);
	room = box.cols - width - 4;
	add_states(&left, scene, true);
	if (width_of(canvas, &left) > room) {
		left.n = 0;
		add_states(&left, scene, false);
	}
	fit(canvas, &left, room);
	draw_pieces(canvas, box.row, 1, room, &left);
	draw_pieces(canvas, box.row, box.cols - 1 - width, width, &right);
	used = 1 + width_of(canvas, &left) + BETWEEN;
	draw_pace(scene, canvas, (struct cn_box){ box.row, used, 1, box.cols - 1 - width - BETWEEN - used });
}

/* ------------------------------------------------------------------ alerts */

/* The first group of the kernel's that was asked for and does not measure: 0 = none. */
static int refused_group(const struct cn_scene *scene)
{
	const struct cn_kernel *kernel = cn_model_kernel(scene->model);

	for (int i = 1; kernel && kernel->rounds && i < CN_KERNEL_GROUP_MAX; i++)
		if (kernel->groups[i].wanted && kernel->groups[i].status)
			return i;
	return 0;
}

static size_t notes(const struct cn_scene *scene)
{
	return (size_t)(*cn_model_target(scene->model)->note != 0) + (refused_group(scene) != 0);
}

/* What has to be said of the source comes before all findings: it is why they may be less sure. */
size_t cn_ui_alerts(const struct cn_ui *ui, const struct cn_scene *scene)
{
	if (ui->view >= CN_VIEW_FINDINGS || ui->page_kind != CN_PAGE_NONE)
		return 0;
	return notes(scene) + cn_findings_count(scene->findings);
}

static void draw_note(const struct cn_scene *scene, struct cn_canvas *canvas, struct cn_box box)
{
	char text[2 * sizeof cn_model_target(scene->model)->note];

	cn_text_safe(text, sizeof text, cn_model_target(scene->model)->note, scene->ascii);
	cn_canvas_text(canvas, box.row, 1, box.cols - 2, CN_STYLE_LIKELY, text);
}

/* "kernel: no faults, profile: why"; of all of them the reason alone. */
static void draw_refusal(const struct cn_scene *scene, struct cn_canvas *canvas, struct cn_box box)
{
	const struct cn_kernel *kernel = cn_model_kernel(scene->model);
	const int first = refused_group(scene);
	char names[64] = "", why[2 * sizeof kernel->groups[0].why];
	int n = 0, measure;

	kernel_groups(kernel, &measure);
	for (int i = first; measure && i < CN_KERNEL_GROUP_MAX; i++)
		if (kernel->groups[i].wanted && kernel->groups[i].status)
			n += snprintf(names + n, sizeof names - (size_t)n, "%s%s", n ? ", " : "no ",
				cn_kernel_group_word((enum cn_kernel_group)i));
	cn_text_safe(why, sizeof why, cn_kernel_refusal(scene->model, (enum cn_kernel_group)first), scene->ascii);
	cn_canvas_printf(
		canvas, box.row, 1, box.cols - 2, CN_STYLE_LIKELY, "kernel: %s%s%s", names, n ? ": " : "", why);
}

/* Without its number: which one it is, the finding's row and the page say. */
static void alert_name(
	char *out, size_t bytes, const struct cn_scene *scene, const struct cn_finding *finding, uint32_t i)
{
	const struct cn_task *task = cn_model_task(scene->model, finding->tasks[i]);

	if (task)
		cn_text_safe(out, bytes, cn_task_name(scene->model, task), scene->ascii);
	else if (i == 0 && *finding->task_name)
		cn_text_safe(out, bytes, finding->task_name, scene->ascii);
	else
		cn_who_text(out, bytes, scene, finding->tasks[i]);
}

static void draw_alert(
	const struct cn_scene *scene, struct cn_canvas *canvas, struct cn_box box, const struct cn_finding *finding)
{
	const enum cn_style style = finding->active ? cn_class_style(finding->class) : CN_STYLE_DIM;
	const uint32_t shown = finding->n_tasks < 3 ? finding->n_tasks : 3;
	char text[256];
	int col = 1, room, width;

	cn_canvas_glyph(canvas, box.row, col, style, cn_class_glyph(finding->class));
	col += 2;
	col += 1 + cn_canvas_text(canvas, box.row, col, box.cols - col, style, cn_class_word(finding->class));
	col += 2 + cn_canvas_text(canvas, box.row, col, box.cols - col - 1, style, cn_finding_title(finding->code));
	for (uint32_t i = 0; i < shown; i++) {
		if (i) {
			cn_canvas_glyph(canvas, box.row, col, CN_STYLE_FRAME, CN_GLYPH_ARROW);
			col += 2;
		}
		alert_name(text, sizeof text, scene, finding, i);
		col += 1 + cn_canvas_text(canvas, box.row, col, box.cols - col - 1, CN_STYLE_NAME, text);
	}
	if (finding->code == CN_FINDING_WAIT_CYCLE)
		cn_canvas_glyph(canvas, box.row, col, style, CN_GLYPH_CYCLE);
	col += 2;
	if (!finding->n_tasks && finding->resource)
		col += 2 + cn_canvas_text(canvas, box.row, col - 2, box.cols - col, CN_STYLE_NAME,
				   cn_resource_text(text, sizeof text, scene, finding->resource));
	cn_finding_site(text, sizeof text, scene, finding);
	room = box.cols - col - 1;
	width = cn_canvas_width(canvas, text) < room ? cn_canvas_width(canvas, text) : room;
	if (width >= 8)
		cn_canvas_tail(canvas, box.row, box.cols - 1 - width, width, CN_STYLE_SITE, text);
}

static void draw_alerts(const struct cn_scene *scene, struct cn_canvas *canvas, struct cn_box box)
{
	const size_t n = cn_findings_count(scene->findings);

	if (*cn_model_target(scene->model)->note && box.rows > 0) {
		draw_note(scene, canvas, box);
		box.row++;
		box.rows--;
	}
	if (refused_group(scene) && box.rows > 0) {
		draw_refusal(scene, canvas, box);
		box.row++;
		box.rows--;
	}
	for (int row = 0; row < box.rows; row++) {
		const struct cn_box line = { box.row + row, box.col, 1, box.cols };

		if (row == box.rows - 1 && n > (size_t)box.rows && row > 0)
			cn_canvas_printf(canvas, line.row, 3, box.cols - 4, CN_STYLE_DIM, "and %zu more%s",
				n - (size_t)row, scene->printed ? "" : ": press 4");
		else
			draw_alert(scene, canvas, line, cn_findings_at(scene->findings, (size_t)row));
	}
}

/* -------------------------------------------------------------------- tabs */

/* Where there is little room, shorter titles; where there is less, that of the view alone. */
enum tabs { TABS_LONG, TABS_BRIEF, TABS_BARE };

/* Digits have a tab each; of the others, which the menu has, the one that is open. */
static bool has_tab(const struct cn_ui *ui, const struct cn_scene *scene, int view)
{
	return cn_ui_has_view(scene, view) && (view == (int)ui->view || view <= CN_VIEW_FLAME);
}

static void tab_text(const struct cn_ui *ui, int view, enum tabs as, char *out, size_t bytes)
{
	static const char *const titles[CN_VIEW_COUNT][2] = {
#define X(name, title, short_title, key, help) { title, short_title },
		CN_VIEWS(X)
#undef X
	};
	const bool here = view == (int)ui->view;

	if (as == TABS_BARE && !here)
		snprintf(out, bytes, " %s ", cn_view_key(view));
	else
		snprintf(out, bytes, here ? "[%s %s]" : " %s %s ", cn_view_key(view), titles[view][as != TABS_LONG]);
}

#define MORE " v more "

/* Where they end; drawn if there is a canvas, with what leads to the others if there is room. */
static int place_tabs(
	const struct cn_ui *ui, const struct cn_scene *scene, struct cn_canvas *canvas, struct cn_box box, enum tabs as)
{
	int col = 1;

	for (int view = 0; view < CN_VIEW_COUNT; view++) {
		char text[48];

		if (!has_tab(ui, scene, view))
			continue;
		tab_text(ui, view, as, text, sizeof text);
		if (canvas)
			cn_canvas_text(canvas, box.row, col, box.cols - col,
				view == (int)ui->view ? CN_STYLE_TAB_HERE : CN_STYLE_TAB, text);
		if (canvas)
			cn_canvas_hot(canvas, box.row, col, (int)strlen(text), CN_HOT_VIEW + (unsigned int)view);
		col += (int)strlen(text) + 1;
	}
	if (!canvas || scene->printed || col + (int)strlen(MORE) > box.cols)
		return col;
	cn_canvas_text(canvas, box.row, col, box.cols - col, CN_STYLE_TAB, MORE);
	cn_canvas_hot(canvas, box.row, col, (int)strlen(MORE), CN_HOT_ACTION + CN_ACTION_VIEWS);
	return col + (int)strlen(MORE) + 1;
}

static void draw_tabs(const struct cn_ui *ui, const struct cn_scene *scene, struct cn_canvas *canvas, struct cn_box box)
{
	enum tabs as = TABS_LONG;
	char who[160], text[200];
	int col;

	while (as < TABS_BARE && place_tabs(ui, scene, NULL, box, as) > box.cols)
		as++;
	cn_canvas_rule(canvas, box.row, 0, box.cols);
	col = place_tabs(ui, scene, canvas, box, as);
	if (ui->page_kind == CN_PAGE_NONE || box.cols - col < 12)
		return;
	snprintf(text, sizeof text, " %s%s ", ui->page_kind == CN_PAGE_WHY ? "why " : "",
		cn_ui_resource(ui) ? cn_resource_text(who, sizeof who, scene, ui->resource)
				   : cn_who_text(who, sizeof who, scene, ui->task));
	cn_canvas_text(canvas, box.row, col + 1, box.cols - col - 2, CN_STYLE_STRONG, text);
}

void cn_header_draw(
	const struct cn_ui *ui, const struct cn_scene *scene, struct cn_canvas *canvas, const struct cn_layout *layout)
{
	draw_title(scene, canvas, layout->title);
	draw_totals(scene, canvas, layout->totals);
	draw_alerts(scene, canvas, layout->alerts);
	for (int row = 0; row < layout->alerts.rows; row++)
		cn_canvas_hot(canvas, layout->alerts.row + row, 0, layout->alerts.cols, CN_HOT_VIEW + CN_VIEW_FINDINGS);
	draw_tabs(ui, scene, canvas, layout->tabs);
}
