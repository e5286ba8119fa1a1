/* SPDX-License-Identifier: MIT */
/* Of a task's page, what the kernel says: where the time of its polls went, and what kept them longest. */
#include "view/block.h"
#include "view/columns.h"
#include "widget/format.h"

#include <inttypes.h>
#include <stdio.h>

enum { BLOCKS_SHOWN = 3, FRAMES_SHOWN = 8 };

/* Told apart without colours too. */
static const enum cn_glyph signs[CN_PARTS] = { CN_GLYPH_FULL, CN_GLYPH_DARK, CN_GLYPH_SHADE, CN_GLYPH_LIGHT,
	CN_GLYPH_CROSS };

/* A column belongs to the part that its middle lies in. */
static void draw_bar(struct cn_page *page, const struct cn_split *split, uint64_t whole_ns)
{
	const int width = page->paper.cols - 4;
	uint64_t end = 0;
	int part = -1;

	for (int col = 0; col < width; col++) {
		const double middle = (col + 0.5) * (double)whole_ns / width;

		while (part < CN_PARTS - 1 && (double)end <= middle)
			end += cn_part_ns(split, ++part);
		cn_canvas_glyph(&page->paper, page->row, 2 + col, cn_part_style(part), signs[part]);
	}
	page->row++;
}

static void draw_part(
	struct cn_page *page, const struct cn_spent *spent, uint64_t whole_ns, int part, int col, int width)
{
	struct cn_canvas *paper = &page->paper;
	const uint64_t ns = cn_part_ns(&spent->split, part);
	const enum cn_style style = ns ? CN_STYLE_PLAIN : CN_STYLE_DIM;
	char time[CN_FORMAT_BYTES], share[CN_FORMAT_BYTES], count[CN_FORMAT_BYTES];

	cn_canvas_glyph(paper, page->row, col, cn_part_style(part), signs[part]);
	cn_canvas_text(paper, page->row, col + 2, 11, style, cn_part_word(part));
	cn_canvas_right(paper, page->row, col + 13, 7, style, cn_format_ns(time, ns));
	cn_canvas_right(paper, page->row, col + 21, 5, style, cn_format_share(share, ns, whole_ns));
	if (part && ns && spent->sum)
		cn_canvas_printf(paper, page->row, col + 28, width - 28, CN_STYLE_DIM, "%s %s",
			cn_format_count(count, spent->sum->times[part - 1]),
			spent->sum->times[part - 1] == 1 ? "time" : "times");
}

static void draw_split(struct cn_page *page, const struct cn_spent *spent)
{
	const struct cn_kernel_sum *sum = spent->sum;
	uint64_t whole_ns = 0;
	char text[128], time[CN_FORMAT_BYTES];

	for (int part = 0; part < CN_PARTS; part++)
		whole_ns += cn_part_ns(&spent->split, part);
	if (!whole_ns) {
		cn_page_text(page, 0, CN_STYLE_DIM, "It has not been polled since.");
		return;
	}
	draw_bar(page, &spent->split, whole_ns);
	for (int part = 0; part < CN_PARTS; part++, page->row++)
		draw_part(page, spent, whole_ns, part, 2, page->paper.cols - 4);
	if (sum && sum->longest_ns && sum->longest_kind < CN_OFF_KIND_MAX) {
		snprintf(text, sizeof text, "longest stretch off the CPU: %s, %s", cn_format_ns(time, sum->longest_ns),
			cn_part_word(1 + sum->longest_kind));
		cn_page_text(page, 0, CN_STYLE_PLAIN, text);
	}
}

static void draw_count(struct cn_page *page, const char *label, const char *text)
{
	cn_canvas_text(&page->paper, page->row, 2, 13, CN_STYLE_DIM, label);
	cn_page_text(page, 14, CN_STYLE_PLAIN, text);
}

/* What the other groups have counted. */
static void draw_counts(struct cn_page *page, const struct cn_scene *scene, const struct cn_kernel_sum *sum)
{
	const struct cn_kernel *kernel = cn_model_kernel(scene->model);
	const struct cn_kernel_sum none = { 0 };
	char text[96], number[CN_FORMAT_BYTES];

	if (!sum)
		sum = &none;
	if (cn_kernel_measures(scene->model, CN_KERNEL_SYSCALLS)) {
		snprintf(text, sizeof text, "%" PRIu64 ", %s in them", sum->calls, cn_format_ns(number, sum->calls_ns));
		draw_count(page, "system calls", text);
	}
	if (cn_kernel_measures(scene->model, CN_KERNEL_FAULTS)) {
		snprintf(text, sizeof text, "%" PRIu64, sum->faults);
		draw_count(page, "page faults", text);
	}
	if (cn_kernel_measures(scene->model, CN_KERNEL_PROFILE)) {
		snprintf(text, sizeof text, "%" PRIu64 ", %s of all%s", sum->samples,
			cn_format_share(number, sum->samples, kernel->samples),
			scene->printed || !sum->samples ? "" : "; p shows where it was");
		draw_count(page, "samples", text);
	}
}

static void draw_block(struct cn_page *page, const struct cn_scene *scene, const struct cn_block *block)
{
	struct cn_canvas *paper = &page->paper;
	char text[256], time[CN_FORMAT_BYTES];
	int col = 2;

	cn_canvas_right(paper, page->row, col, 6, CN_STYLE_STRONG, cn_format_ns(time, block->blocked_ns));
	col += 8;
	col += 2 + cn_canvas_text(paper, page->row, col, paper->cols - col - 1,
			   block->owner ? CN_STYLE_LIKELY : CN_STYLE_PLAIN,
			   cn_block_what(text, sizeof text, scene, block));
	cn_block_waker(text, sizeof text, scene, block);
	if (*text)
		cn_canvas_printf(paper, page->row, col, paper->cols - col - 1, CN_STYLE_DIM, "ended by %s", text);
	page->row++;
	cn_page_stack(page, scene, &block->stack, FRAMES_SHOWN, 8);
}

static void draw_blocks(struct cn_page *page, const struct cn_scene *scene, uint64_t task)
{
	const struct cn_block *block;
	int shown = 0;
	bool any;

	for (size_t i = 0; shown < BLOCKS_SHOWN && (block = cn_kernel_longest(scene->model, i)); i++) {
		if (block->task != task)
			continue;
		if (shown++ == 0)
			cn_page_heading(page, "its longest blocks");
		draw_block(page, scene, block);
	}
	any = shown > 0;
	/* Longer ones of others may have taken their places. */
	for (size_t i = 0; !any && shown < BLOCKS_SHOWN && (block = cn_kernel_block(scene->model, i)); i++) {
		if (block->task != task)
			continue;
		if (shown++ == 0)
			cn_page_heading(page, "its newest blocks");
		draw_block(page, scene, block);
	}
}

void cn_page_spent(struct cn_page *page, const struct cn_scene *scene, const struct cn_task *task)
{
	const struct cn_kernel *kernel = cn_model_kernel(scene->model);
	const struct cn_spent spent = cn_spent_of_task(scene, task);
	char title[96], time[CN_FORMAT_BYTES];

	if (!kernel || !kernel->rounds)
		return;
	snprintf(title, sizeof title, "time in polls, of the last %s",
		cn_format_ns(time, kernel->now_ns > kernel->since_ns ? kernel->now_ns - kernel->since_ns : 0));
	cn_page_heading(page, title);
	if (spent.timed)
		draw_split(page, &spent);
	else
		cn_page_text(page, 0, CN_STYLE_DIM,
			cn_kernel_is_shown(scene) ? "The runtime does not stamp its polls, so it is not known."
						  : "The kernel's scheduler is not asked, or may not be.");
	draw_counts(page, scene, spent.sum);
	draw_blocks(page, scene, task->id);
}
