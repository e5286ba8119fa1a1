/* SPDX-License-Identifier: MIT */
/* The page of one task: what is wrong, why it waits, where it stands, what it has cost. */
#include "view/delay.h"
#include "view/events.h"
#include "view/wakes.h"
#include "export/text.h"
#include "widget/format.h"
#include "widget/graph.h"

#include <inttypes.h>
#include <string.h>

enum { AWAITS_MAX = 96 /* drawn; deeper chains are cut at the root's end */, HISTOGRAM_ROWS = 5, TWO_COLUMNS = 64 };

/* ------------------------------------------------------------------ title */

static void draw_title(struct cn_page *page, const struct cn_scene *scene, const struct cn_task *task)
{
	struct cn_canvas *paper = &page->paper;
	const enum cn_style style = cn_state_style(task->state);
	char text[512], site[160], who[160], time[CN_FORMAT_BYTES];
	int col = 2;

	cn_text_safe(text, sizeof text, cn_task_name(scene->model, task), scene->ascii);
	col += 1 + cn_canvas_text(paper, page->row, col, paper->cols - 32, CN_STYLE_NAME, text);
	col += 2 + cn_canvas_printf(paper, page->row, col, 14, CN_STYLE_DIM, "#%" PRIu64, task->id);
	cn_canvas_glyph(paper, page->row, col, style, cn_state_glyph(task->state));
	col += 2;
	col += 1 + cn_canvas_text(paper, page->row, col, paper->cols - col - 1, style, cn_task_state_name(task->state));
	cn_format_ns(time, cn_task_in_state_ns(scene->model, task));
	cn_canvas_printf(paper, page->row, col, paper->cols - col - 1, CN_STYLE_PLAIN, "for %s", time);
	page->row++;

	cn_format_ns(time, cn_task_age_ns(scene->model, task));
	cn_site_text(site, sizeof site, scene, task->runtime, task->spawn_site);
	if (task->parent)
		cn_who_text(who, sizeof who, scene, task->parent);
	else
		snprintf(who, sizeof who, "no task");
	snprintf(text, sizeof text, "%sspawned %s ago by %.100s%s%s",
		task->kind == ROUSE_KIND_DAEMON ? "a daemon, " : "", time, who, *site ? " at " : "", site);
	cn_page_text(page, 0, CN_STYLE_DIM, text);
}

/* ----------------------------------------------------------------- awaits */

struct tree {
	const struct cn_await *awaits;
	size_t n, first; /* rows [first, n) are drawn */
	uint16_t children[AWAITS_MAX];
	uint8_t arms[AWAITS_MAX]; /* how many of the ancestors, itself included, are one of several */
};

/* Has the parent of `i` other children that were drawn before it (the tree is drawn from its end)? */
static bool follows_another(const struct tree *tree, size_t i)
{
	for (size_t k = i + 1; k < tree->n; k++)
		if (tree->awaits[k].parent == tree->awaits[i].parent && k != i)
			return true;
	return false;
}

static bool is_arm(const struct tree *tree, size_t i)
{
	const size_t parent = tree->awaits[i].parent;

	return i != parent && parent >= tree->first && tree->children[parent - tree->first] > 1;
}

static void measure(struct tree *tree)
{
	for (size_t i = tree->first; i < tree->n; i++) {
		const size_t parent = tree->awaits[i].parent;

		if (i != parent && parent >= tree->first)
			tree->children[parent - tree->first]++;
	}
	for (size_t i = tree->first; i < tree->n; i++) {
		const size_t parent = tree->awaits[i].parent;
		const unsigned int above = i != parent && parent >= tree->first ? tree->arms[parent - tree->first] : 0;
		const unsigned int here = above + is_arm(tree, i);

		tree->arms[i - tree->first] = (uint8_t)(here > 8 ? 8 : here);
	}
}

/* The lines of the arms that an await stands in, two columns each; then its own sign. */
static int draw_branches(struct cn_canvas *paper, int row, int col, const struct tree *tree, size_t i)
{
	const size_t own = i;
	const int arms = tree->arms[i - tree->first];
	const bool leaf = tree->children[i - tree->first] == 0;

	for (int level = arms; level > 0 && i >= tree->first; i = tree->awaits[i].parent) {
		if (!is_arm(tree, i))
			continue;
		if (i == own)
			cn_canvas_glyph(paper, row, col + 2 * (level - 1), CN_STYLE_FRAME,
				follows_another(tree, i) ? CN_GLYPH_TEE : CN_GLYPH_CORNER_UP);
		else if (follows_another(tree, i))
			cn_canvas_glyph(paper, row, col + 2 * (level - 1), CN_STYLE_FRAME, CN_GLYPH_VLINE);
		level--;
	}
	cn_canvas_glyph(paper, row, col + 2 * arms, leaf ? CN_STYLE_STRONG : CN_STYLE_FRAME,
		leaf       ? CN_GLYPH_LEAF
		: own == 0 ? CN_GLYPH_END_UP
			   : CN_GLYPH_VLINE);
	return col + 2 * arms + 2;
}

/* What a leaf waits for, and since when. */
static void leaf_text(
	const struct cn_scene *scene, const struct cn_task *task, const struct cn_await *await, char *out, size_t bytes)
{
	const struct cn_runtime *runtime = cn_model_runtime(scene->model, task->runtime);
	const uint64_t now = runtime ? runtime->now_ns : 0;
	char what[192] = "", time[CN_FORMAT_BYTES], since[CN_FORMAT_BYTES + 8] = "";

	if (await->op == ROUSE_OP_JOIN)
		cn_who_text(what, sizeof what, scene, await->resource);
	else if (await->op == ROUSE_OP_SLEEP && await->arg > now)
		snprintf(what, sizeof what, "fires in %s", cn_format_ns(time, await->arg - now));
	else if (await->resource)
		cn_resource_text(what, sizeof what, scene, await->resource);
	if (await->wait_state == ROUSE_WAIT_GRANTED)
		snprintf(since, sizeof since, "  granted");
	else if (await->wait_state == ROUSE_WAIT_WAITING && await->since_ns && await->since_ns < now)
		snprintf(since, sizeof since, "  %s", cn_format_ns(time, now - await->since_ns));
	snprintf(out, bytes, "%s%s", what, since);
}

static void draw_await(struct cn_page *page, const struct cn_scene *scene, const struct cn_task *task,
	const struct tree *tree, size_t i)
{
	struct cn_canvas *paper = &page->paper;
	const struct cn_await *await = &tree->awaits[i];
	const struct cn_site *type = cn_model_site(scene->model, task->runtime, await->type);
	char name[160], text[256] = "";
	int col = draw_branches(paper, page->row, 2, tree, i), right = paper->cols - 1;

	cn_text_safe(name, sizeof name, cn_model_string(scene->model, task->runtime, type->name), scene->ascii);
	if (!*name)
		snprintf(name, sizeof name, "%s", await->op ? cn_op_name(await->op) : "?");
	if (await->op)
		leaf_text(scene, task, await, text, sizeof text);
	col += 2 +
	       cn_canvas_text(paper, page->row, col, right - col, await->op ? CN_STYLE_STRONG : CN_STYLE_NAME, name);
	if (await->op) {
		cn_canvas_text(paper, page->row, col, right - col, CN_STYLE_PLAIN, text);
	} else {
		cn_site_text(text, sizeof text, scene, task->runtime, await->at);
		cn_canvas_text(paper, page->row, col, right - col, CN_STYLE_SITE, text);
	}
	page->row++;
}

static void draw_awaits(struct cn_page *page, const struct cn_scene *scene, const struct cn_task *task)
{
	struct tree tree = { .awaits = task->awaits, .n = task->n_awaits };

	if (tree.n == 0) {
		cn_page_text(page, 0, CN_STYLE_DIM, "It has not been polled yet, or its frames could not be read.");
		return;
	}
	tree.first = tree.n > AWAITS_MAX ? tree.n - AWAITS_MAX : 0;
	measure(&tree);
	for (size_t i = tree.n; i > tree.first; i--)
		draw_await(page, scene, task, &tree, i - 1);
	if (tree.first)
		page->row += cn_canvas_printf(&page->paper, page->row, 2, page->paper.cols - 3, CN_STYLE_DIM,
				     "and %zu more up to the root", tree.first) > 0;
}

/* --------------------------------------------------------------- counters */

struct fact {
	const char *label;
	char value[200];
};

/* As many columns of label and value as find room. */
static void draw_facts(struct cn_page *page, const struct fact *facts, int n, int width)
{
	const int columns = (page->paper.cols - 3) / width < 1 ? 1 : (page->paper.cols - 3) / width;

	for (int i = 0; i < n; i++) {
		const int col = 2 + i % columns * width;
		const int used = cn_canvas_text(&page->paper, page->row, col, width, CN_STYLE_DIM, facts[i].label);

		cn_canvas_text(
			&page->paper, page->row, col + used + 1, width - used - 2, CN_STYLE_PLAIN, facts[i].value);
		page->row += i % columns == columns - 1 || i == n - 1;
	}
}

static void time_fact(struct fact *fact, const char *label, uint64_t ns, uint64_t of)
{
	char time[CN_FORMAT_BYTES], share[CN_FORMAT_BYTES];

	fact->label = label;
	snprintf(fact->value, sizeof fact->value, "%s  %s", cn_format_ns(time, ns), cn_format_share(share, ns, of));
}

static void count_fact(struct fact *fact, const char *label, uint64_t count)
{
	fact->label = label;
	snprintf(fact->value, sizeof fact->value, "%" PRIu64, count);
}

static void draw_counters(struct cn_page *page, const struct cn_scene *scene, const struct cn_task *task)
{
	const uint64_t age = cn_task_age_ns(scene->model, task), busy = cn_task_busy_ns(scene->model, task);
	const uint64_t scheduled = cn_task_scheduled_ns(scene->model, task);
	struct fact facts[9];
	char who[160], text[220];

	time_fact(&facts[0], "busy", busy, age);
	time_fact(&facts[1], "scheduled", scheduled, age);
	time_fact(&facts[2], "idle", cn_task_idle_ns(scene->model, task), age);
	count_fact(&facts[3], "polls", task->polls);
	count_fact(&facts[4], "wakes", task->wakes);
	count_fact(&facts[5], "self-wakes", task->self_wakes);
	count_fact(&facts[6], "wakers", task->waker_refs);
	count_fact(&facts[7], "handles", task->handle_refs);
	count_fact(&facts[8], "frame bytes", task->frame_bytes);
	draw_facts(page, facts, 9, 25);
	if (task->last_waker != ROUSE_WAKE_NONE) {
		snprintf(
			text, sizeof text, "woken last by %s", cn_waker_text(who, sizeof who, scene, task->last_waker));
		cn_page_text(page, 0, CN_STYLE_PLAIN, text);
	}
	cn_bar_draw(&page->paper, page->row, 2, page->paper.cols - 4, busy, scheduled, age, CN_STYLE_GRAPH);
	page->row++;
}

/* ------------------------------------------------------------- histograms */

static void draw_histogram(struct cn_canvas *paper, struct cn_box box, const char *title, const uint32_t *counts)
{
	static const struct {
		const char *label;
		unsigned int per_mille;
	} marks[] = { { "p50", 500 }, { "p90", 900 }, { "p99", 990 }, { "max", 1000 } };
	const uint64_t total = cn_histogram_total(counts, ROUSE_HISTOGRAM_BUCKETS);
	char text[CN_FORMAT_BYTES];
	int col = box.col;

	col += 1 + cn_canvas_text(paper, box.row, col, box.cols, CN_STYLE_TITLE, title);
	cn_format_count(text, total);
	cn_canvas_printf(paper, box.row, col, box.col + box.cols - col, CN_STYLE_DIM, "%s", text);
	if (total == 0) {
		cn_canvas_text(paper, box.row + 1, box.col, box.cols, CN_STYLE_DIM, "none yet");
		return;
	}
	col = box.col;
	for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
		const uint64_t ns = cn_histogram_percentile(counts, ROUSE_HISTOGRAM_BUCKETS, marks[i].per_mille);

		col += 1 +
		       cn_canvas_text(paper, box.row + 1, col, box.col + box.cols - col, CN_STYLE_DIM, marks[i].label);
		col += 1 + cn_canvas_printf(paper, box.row + 1, col, box.col + box.cols - col, CN_STYLE_PLAIN, "<%s",
				   cn_format_ns(text, ns));
	}
	cn_histogram_draw(paper, (struct cn_box){ box.row + 2, box.col, HISTOGRAM_ROWS, box.cols }, counts,
		ROUSE_HISTOGRAM_BUCKETS, CN_STYLE_GRAPH);
}

static void draw_histograms(struct cn_page *page, const struct cn_scene *scene, const struct cn_task *task)
{
	const struct cn_histogram *of_task = cn_model_task_histogram(scene->model, task->id);
	const struct cn_histogram *of_site = cn_model_site_histogram(scene->model, task->runtime, task->spawn_site);
	const struct cn_histogram *shown = of_task ? of_task : of_site;
	const bool beside = page->paper.cols >= TWO_COLUMNS;
	char title[256], site[160];
	struct cn_box box;

	if (!shown)
		return;
	if (of_task)
		snprintf(title, sizeof title, "times since it is watched");
	else
		snprintf(title, sizeof title, "times of all tasks spawned at %s",
			cn_site_text(site, sizeof site, scene, task->runtime, task->spawn_site));
	cn_page_heading(page, title);
	box = (struct cn_box){ page->row, 2, HISTOGRAM_ROWS + 2, page->paper.cols - 4 };
	if (beside)
		box.cols = (box.cols - 3) / 2;
	draw_histogram(&page->paper, box, "poll", shown->poll);
	if (beside)
		box.col += box.cols + 3;
	else
		box.row += HISTOGRAM_ROWS + 3;
	draw_histogram(&page->paper, box, "wake to run", shown->delay);
	page->row = box.row + HISTOGRAM_ROWS + 2;
}

void cn_task_page(struct cn_page *page, const struct cn_scene *scene, uint64_t id)
{
	const struct cn_task *task = cn_model_task(scene->model, id);
	const struct cn_finding *finding = cn_findings_of_task(scene->findings, id);
	char text[64];

	if (!task) {
		snprintf(text, sizeof text, "Task #%" PRIu64 " has ended.", id);
		cn_page_text(page, 0, CN_STYLE_DIM, text);
		return;
	}
	draw_title(page, scene, task);
	if (finding) {
		page->row++;
		cn_page_finding(page, scene, finding);
	}
	cn_page_heading(page, "why");
	cn_page_chain(page, scene, id);
	cn_page_spent(page, scene, task);
	cn_page_heading(page, "awaits, from the leaf up");
	draw_awaits(page, scene, task);
	cn_page_heading(page, "counters");
	draw_counters(page, scene, task);
	draw_histograms(page, scene, task);
	cn_page_delay(page, scene, task);
	cn_page_wakes(page, scene, id);
	cn_page_events(page, scene, id);
}
