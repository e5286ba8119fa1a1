/* SPDX-License-Identifier: MIT */
#include "view/flame.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "view/columns.h"
#include "widget/format.h"

enum { LEAST_ROWS = 8, LEAST_COLS = 40, DETAIL_ROWS = 3 /* a rule, the name, the numbers */, HOT_PERCENT = 10 };

void cn_flame_show(struct cn_flame *flame, struct cn_profile_wish of)
{
	cn_profile_free(flame->tree);
	flame->tree = NULL;
	flame->of = of;
	flame->selected = flame->zoom = 0;
	flame->top = 0;
	flame->n_boxes = 0;
}

void cn_flame_fini(struct cn_flame *flame)
{
	cn_profile_free(flame->tree);
	free(flame->boxes);
	*flame = (struct cn_flame){ 0 };
}

/* ------------------------------------------------------------------- tree */

static const struct cn_profile_node *node_of(const struct cn_flame *flame, uint32_t node)
{
	return &flame->tree->nodes[node];
}

/* The node of `to` where the functions lead that lead to `node` in `from`; or as far as they do. */
static uint32_t same_node(const struct cn_profile *from, uint32_t node, const struct cn_profile *to)
{
	uint32_t way[CN_PROFILE_DEPTH + 2], at = 0;
	int n = 0;

	for (; node != 0 && n < CN_PROFILE_DEPTH + 2; node = from->nodes[node].parent)
		way[n++] = node;
	while (n-- > 0) {
		uint32_t child = to->nodes[at].first_child;

		while (child != CN_PROFILE_NONE && strcmp(to->nodes[child].name, from->nodes[way[n]].name) != 0)
			child = to->nodes[child].next_sibling;
		if (child == CN_PROFILE_NONE)
			break;
		at = child;
	}
	return at;
}

static int rebuild(struct cn_flame *flame, const struct cn_model *model)
{
	const uint64_t stamp = cn_kernel_stamp(model);
	struct cn_profile *tree;
	int rc;

	if (flame->tree && flame->built == stamp)
		return 0;
	rc = cn_profile_tree(model, &flame->of, &tree);
	if (rc < 0)
		return rc;
	if (flame->tree) {
		flame->selected = same_node(flame->tree, flame->selected, tree);
		flame->zoom = same_node(flame->tree, flame->zoom, tree);
		cn_profile_free(flame->tree);
	}
	flame->tree = tree;
	flame->built = stamp;
	return 0;
}

static int depth_of(const struct cn_flame *flame, uint32_t node)
{
	int depth = 0;

	while (node != 0) {
		node = node_of(flame, node)->parent;
		depth++;
	}
	return depth;
}

/* ----------------------------------------------------------------- places */

static int put_box(struct cn_flame *flame, struct cn_flame_box box)
{
	if (flame->n_boxes == flame->capacity) {
		const size_t capacity = flame->capacity ? flame->capacity * 2 : 128;
		struct cn_flame_box *boxes = realloc(flame->boxes, capacity * sizeof *boxes);

		if (!boxes)
			return -ENOMEM;
		flame->boxes = boxes;
		flame->capacity = capacity;
	}
	flame->boxes[flame->n_boxes++] = box;
	return 0;
}

/* Children of the boxes from `first` on, until there are no more: those that would be less than a column are left out.
 */
static int place_below(struct cn_flame *flame, size_t first)
{
	int rc = 0;

	for (size_t i = first; rc == 0 && i < flame->n_boxes; i++) {
		const struct cn_flame_box parent = flame->boxes[i];
		const uint64_t whole = node_of(flame, parent.node)->samples;
		const uint64_t width = (uint64_t)(parent.end - parent.from);
		uint64_t before = 0;

		for (uint32_t child = node_of(flame, parent.node)->first_child; rc == 0 && child != CN_PROFILE_NONE;
			child = node_of(flame, child)->next_sibling) {
			const uint64_t after = before + node_of(flame, child)->samples;
			const struct cn_flame_box box = { child, parent.depth + 1,
				parent.from + (int)(before * width / whole),
				parent.from + (int)(after * width / whole) };

			before = after;
			if (box.end > box.from)
				rc = put_box(flame, box);
		}
	}
	return rc;
}

/* What is zoomed into takes the whole width, and so do those that lead there. */
static int place(struct cn_flame *flame, int cols)
{
	uint32_t way[CN_PROFILE_DEPTH + 3];
	int depth = depth_of(flame, flame->zoom), rc = 0;

	flame->n_boxes = 0;
	for (uint32_t node = flame->zoom, at = (uint32_t)depth;; node = node_of(flame, node)->parent, at--) {
		way[at] = node;
		if (at == 0)
			break;
	}
	for (int i = 0; rc == 0 && i <= depth; i++)
		rc = put_box(flame, (struct cn_flame_box){ way[i], i, 0, cols });
	return rc ? rc : place_below(flame, flame->n_boxes - 1);
}

static const struct cn_flame_box *box_of(const struct cn_flame *flame, uint32_t node)
{
	for (size_t i = 0; i < flame->n_boxes; i++)
		if (flame->boxes[i].node == node)
			return &flame->boxes[i];
	return NULL;
}

/* ------------------------------------------------------------------- draw */

static const char *scope_text(char *out, size_t bytes, const struct cn_flame *flame, const struct cn_scene *scene)
{
	char text[160];

	if (flame->of.task)
		snprintf(out, bytes, "polls of %s", cn_who_text(text, sizeof text, scene, flame->of.task));
	else if (flame->of.by_site)
		snprintf(out, bytes, "polls of tasks spawned at %s",
			cn_site_text(text, sizeof text, scene, flame->of.runtime, flame->of.site));
	else
		snprintf(out, bytes, "all polls");
	return out;
}

static const char *name_of(
	char *out, size_t bytes, const struct cn_flame *flame, const struct cn_scene *scene, uint32_t node)
{
	return node ? node_of(flame, node)->name : scope_text(out, bytes, flame, scene);
}

/* Where the time itself goes is seen at a glance; what leads to where the zoom is steps back. */
static enum cn_style style_of(const struct cn_flame *flame, const struct cn_flame_box *box)
{
	const struct cn_profile_node *node = node_of(flame, box->node);

	if (box->depth < depth_of(flame, flame->zoom))
		return CN_STYLE_DIM;
	if (node->self * 100 >= node_of(flame, 0)->samples * HOT_PERCENT)
		return CN_STYLE_LIKELY;
	return node->kernel ? CN_STYLE_DIM : CN_STYLE_NAME;
}

static void draw_box(const struct cn_flame *flame, const struct cn_scene *scene, struct cn_canvas *canvas,
	struct cn_box body, const struct cn_flame_box *box)
{
	const int row = body.row + box->depth - flame->top, width = box->end - box->from;
	const int col = body.col + box->from;
	char name[192], share[CN_FORMAT_BYTES];
	int used;

	cn_canvas_glyph(canvas, row, col, CN_STYLE_FRAME, CN_GLYPH_VLINE);
	for (int i = 1; i < width; i++)
		cn_canvas_glyph(canvas, row, col + i, CN_STYLE_FRAME, CN_GLYPH_HLINE);
	used = width < 3 ? 0
			 : cn_canvas_text(canvas, row, col + 1, width - 1, style_of(flame, box),
				   name_of(name, sizeof name, flame, scene, box->node));
	cn_format_share(share, node_of(flame, box->node)->samples, node_of(flame, 0)->samples);
	if (box->node && used + cn_canvas_width(canvas, share) + 4 < width)
		cn_canvas_printf(canvas, row, col + 1 + used, width - used - 1, CN_STYLE_DIM, " %s ", share);
	/* Where nothing stands beside it, it ends here. */
	if (box->end < body.cols)
		cn_canvas_glyph(canvas, row, body.col + box->end, CN_STYLE_FRAME, CN_GLYPH_VLINE);
	if (box->node == flame->selected && !scene->printed)
		cn_canvas_select(canvas, row, col, width);
}

static void draw_boxes(
	struct cn_flame *flame, const struct cn_scene *scene, struct cn_canvas *canvas, struct cn_box body)
{
	const struct cn_flame_box *selected = box_of(flame, flame->selected);
	const int depth = selected ? selected->depth : 0;

	/* One below the cursor is in sight as well, so that it is seen whether it goes on. */
	if (flame->top > depth)
		flame->top = depth;
	if (flame->top < depth + 2 - body.rows)
		flame->top = depth + 2 - body.rows;
	if (flame->top < 0)
		flame->top = 0;
	for (size_t i = 0; i < flame->n_boxes; i++)
		if (flame->boxes[i].depth >= flame->top && flame->boxes[i].depth < flame->top + body.rows)
			draw_box(flame, scene, canvas, body, &flame->boxes[i]);
	if (flame->top > 0)
		cn_canvas_glyph(canvas, body.row, body.col + body.cols - 1, CN_STYLE_KEY, CN_GLYPH_UP);
	if (flame->n_boxes && flame->boxes[flame->n_boxes - 1].depth >= flame->top + body.rows)
		cn_canvas_glyph(
			canvas, body.row + body.rows - 1, body.col + body.cols - 1, CN_STYLE_KEY, CN_GLYPH_DOWN);
}

static void draw_detail(
	const struct cn_flame *flame, const struct cn_scene *scene, struct cn_canvas *canvas, int row, int cols)
{
	const struct cn_profile_node *node = node_of(flame, flame->selected);
	const uint64_t all = node_of(flame, 0)->samples;
	char name[256], share[CN_FORMAT_BYTES], self[CN_FORMAT_BYTES];
	int col = 2;

	cn_canvas_rule(canvas, row, 0, cols);
	col += 2 + cn_canvas_text(canvas, row + 1, col, cols - 3, CN_STYLE_STRONG,
			   name_of(name, sizeof name, flame, scene, flame->selected));
	if (node->kernel)
		cn_canvas_text(canvas, row + 1, col, cols - col - 1, CN_STYLE_DIM, "in the kernel");
	else if (node->inlined)
		cn_canvas_printf(canvas, row + 1, col, cols - col - 1, CN_STYLE_DIM, "put into %s by the compiler",
			name_of(name, sizeof name, flame, scene, node->parent));
	cn_canvas_printf(canvas, row + 2, 2, cols - 3, CN_STYLE_PLAIN,
		"%" PRIu64 " samples, %s of these polls; %" PRIu64 " in it itself, %s", node->samples,
		cn_format_share(share, node->samples, all), node->self, cn_format_share(self, node->self, all));
}

/* How the samples came, and what is missing, at the right end of the rule. */
static void draw_honesty(const struct cn_scene *scene, struct cn_canvas *canvas, int row, int cols)
{
	const struct cn_kernel *kernel = cn_model_kernel(scene->model);
	const uint64_t lost = kernel->samples_lost + kernel->stacks_lost;
	char text[96], count[CN_FORMAT_BYTES];
	int width;

	if (lost)
		snprintf(text, sizeof text, " %" PRIu32 " times a second, lost %s ", kernel->profile_hz,
			cn_format_count(count, lost));
	else
		snprintf(text, sizeof text, " %" PRIu32 " times a second ", kernel->profile_hz);
	width = cn_canvas_width(canvas, text);
	cn_canvas_text(canvas, row, cols - 2 - width, width, lost ? CN_STYLE_LIKELY : CN_STYLE_DIM, text);
}

/* Why there is nothing to draw. NULL: there is. */
static const char *reason(const struct cn_flame *flame, const struct cn_scene *scene, struct cn_box box)
{
	const struct cn_kernel *kernel = cn_model_kernel(scene->model);

	if (box.rows < LEAST_ROWS || box.cols < LEAST_COLS)
		return "This screen is too small for a flame: it needs 40 columns and 12 rows.";
	if (!kernel || !kernel->groups[CN_KERNEL_PROFILE].wanted)
		return "The kernel is not asked where polls are on the CPU. rouse --kernel=all PID asks it.";
	if (kernel->groups[CN_KERNEL_PROFILE].status)
		return cn_kernel_refusal(scene->model, CN_KERNEL_PROFILE);
	if (!node_of(flame, 0)->samples)
		return "No sample yet: none of these polls was on the CPU as the clock ticked.";
	return NULL;
}

int cn_flame_draw(struct cn_flame *flame, const struct cn_scene *scene, struct cn_canvas *canvas, struct cn_box box)
{
	struct cn_box body = box;
	const char *why;
	int rc = rebuild(flame, scene->model);

	if (!flame->tree)
		return rc;
	flame->n_boxes = 0;
	why = reason(flame, scene, box);
	if (why) {
		cn_canvas_wrap(canvas, (struct cn_box){ box.row + 1, box.col + 2, box.rows - 1, box.cols - 4 },
			CN_STYLE_DIM, why);
		return rc;
	}
	body.rows -= DETAIL_ROWS;
	rc = place(flame, box.cols) ? -ENOMEM : rc;
	draw_boxes(flame, scene, canvas, body);
	draw_detail(flame, scene, canvas, body.row + body.rows, box.cols);
	draw_honesty(scene, canvas, body.row + body.rows, box.cols);
	return rc;
}

/* ------------------------------------------------------------------- keys */

/* The nearest one on the same row. */
static void go_beside(struct cn_flame *flame, bool right)
{
	const struct cn_flame_box *here = box_of(flame, flame->selected), *best = NULL;

	for (size_t i = 0; here && i < flame->n_boxes; i++) {
		const struct cn_flame_box *box = &flame->boxes[i];

		if (box->depth != here->depth || (right ? box->from <= here->from : box->from >= here->from))
			continue;
		if (!best || (right ? box->from < best->from : box->from > best->from))
			best = box;
	}
	if (best)
		flame->selected = best->node;
}

/* To where more is seen: a caller that has called nothing else is as wide. False: all is seen. */
static bool zoom_out(struct cn_flame *flame)
{
	uint32_t node = flame->zoom;

	if (!flame->tree || node == 0)
		return false;
	while (node != 0 && node_of(flame, node)->samples == node_of(flame, flame->zoom)->samples)
		node = node_of(flame, node)->parent;
	flame->zoom = node;
	return true;
}

bool cn_flame_act(struct cn_flame *flame, enum cn_action action)
{
	const bool drawn = flame->tree && flame->n_boxes;
	uint32_t child;

	switch (action) {
	case CN_ACTION_BACK:
		return zoom_out(flame);
	case CN_ACTION_OPEN:
		if (drawn)
			flame->zoom = flame->selected;
		return true;
	case CN_ACTION_DOWN:
		child = drawn ? node_of(flame, flame->selected)->first_child : CN_PROFILE_NONE;
		if (child != CN_PROFILE_NONE && box_of(flame, child))
			flame->selected = child;
		return true;
	case CN_ACTION_UP:
		if (drawn && flame->selected)
			flame->selected = node_of(flame, flame->selected)->parent;
		return true;
	case CN_ACTION_SORT_LEFT:
	case CN_ACTION_SORT_RIGHT:
		if (drawn)
			go_beside(flame, action == CN_ACTION_SORT_RIGHT);
		return true;
	case CN_ACTION_FIRST:
		flame->selected = 0;
		return true;
	default:
		return false;
	}
}
