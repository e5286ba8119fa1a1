/* SPDX-License-Identifier: MIT */
#include "view/block.h"

#include "export/text.h"
#include "widget/format.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const struct cn_block *cn_block_find(const struct cn_model *model, uint64_t number)
{
	const struct cn_block *newest = cn_kernel_block(model, 0), *block = NULL;

	if (newest && number && number <= newest->number)
		block = cn_kernel_block(model, (size_t)(newest->number - number));
	for (size_t i = 0; !block && (newest = cn_kernel_longest(model, i)); i++)
		if (newest->number == number)
			block = newest;
	return block;
}

/* ------------------------------------------------------------------ words */

static const char *call_text(char out[32], const struct cn_block *block)
{
	const char *name = cn_syscall_name((int)block->call);

	if (name)
		snprintf(out, 32, "%s", name);
	else
		snprintf(out, 32, "system call %" PRIu32, block->call);
	return out;
}

const char *cn_block_what(char *out, size_t bytes, const struct cn_scene *scene, const struct cn_block *block)
{
	char call[32], text[128];

	if (block->kind != CN_BLOCK_CALL) {
		snprintf(out, bytes, "%s", cn_block_kind_name(block->kind));
		return out;
	}
	call_text(call, block);
	if (block->owner && *block->owner_name)
		snprintf(out, bytes, "mutex of %s", cn_text_safe(text, sizeof text, block->owner_name, scene->ascii));
	else if (block->owner)
		snprintf(out, bytes, "mutex of thread %" PRIu32, block->owner);
	else if (*block->file)
		snprintf(out, bytes, "%s %s", call, cn_text_safe(text, sizeof text, block->file, scene->ascii));
	else
		snprintf(out, bytes, "%s", call);
	return out;
}

const char *cn_block_waker(char *out, size_t bytes, const struct cn_scene *scene, const struct cn_block *block)
{
	char name[64];

	*out = 0;
	cn_text_safe(name, sizeof name, block->waker_name, scene->ascii);
	if (block->waker_kind == CN_WAKER_INTERRUPT)
		snprintf(out, bytes, "an interrupt");
	else if (block->waker_kind != CN_WAKER_UNKNOWN)
		snprintf(out, bytes, "%s%s%" PRIu32, name, *name ? " " : "", block->waker);
	return out;
}

uint64_t cn_block_age_ns(const struct cn_scene *scene, const struct cn_block *block)
{
	const struct cn_kernel *kernel = cn_model_kernel(scene->model);
	const uint64_t end = block->begin_ns + block->blocked_ns + block->run_queue_ns;

	return kernel && kernel->now_ns > end ? kernel->now_ns - end : 0;
}

/* ------------------------------------------------------------------ stack */

/* The upper half of the addresses is the kernel's, on every machine that this runs on. */
bool cn_is_kernel_code(uint64_t pc)
{
	return pc >> 63;
}

void cn_page_stack(
	struct cn_page *page, const struct cn_scene *scene, const struct cn_stack *stack, uint32_t most, int indent)
{
	struct cn_canvas *paper = &page->paper;
	const int col = 2 + indent, right = paper->cols - 1;
	const uint32_t n = stack->n < most ? stack->n : most;
	char text[512];

	for (uint32_t i = 0; i < n; i++) {
		const bool kernel = cn_is_kernel_code(stack->pc[i]);

		cn_symbol_format(scene->model, stack->pc[i], text, sizeof text);
		cn_canvas_text(paper, page->row, col, 6, CN_STYLE_DIM, kernel ? "kernel" : "");
		cn_canvas_glyph(paper, page->row, col + 7, CN_STYLE_FRAME, CN_GLYPH_VLINE);
		cn_canvas_text(paper, page->row, col + 9, right - col - 9, kernel ? CN_STYLE_DIM : CN_STYLE_SITE, text);
		/* What rests on a search of the stack may never have been called. */
		if (i >= stack->sure)
			cn_canvas_glyph(paper, page->row, col + 6, CN_STYLE_SUSPECT, CN_GLYPH_SUSPECT);
		page->row++;
	}
	if (n < stack->n)
		page->row += cn_canvas_printf(paper, page->row, col + 9, right - col - 9, CN_STYLE_DIM,
				     "and %" PRIu32 " more up to its thread's beginning", stack->n - n) > 0;
	else if (stack->why)
		cn_page_text(page, indent, CN_STYLE_DIM, cn_stack_why(stack->why));
}

/* ------------------------------------------------------------------- page */

/* A label, and beside it a text of as many rows as it needs. */
static void draw_line(struct cn_page *page, const char *label, enum cn_style style, const char *text)
{
	enum { LABEL = 14 };

	if (!*text)
		return;
	cn_canvas_text(&page->paper, page->row, 2, LABEL - 1, CN_STYLE_DIM, label);
	cn_page_text(page, LABEL, style, text);
}

static void draw_times(struct cn_page *page, const struct cn_scene *scene, const struct cn_block *block)
{
	char text[128], time[CN_FORMAT_BYTES], age[CN_FORMAT_BYTES];

	snprintf(text, sizeof text, "for %s; it ended %s ago", cn_format_ns(time, block->blocked_ns),
		cn_format_ns(age, cn_block_age_ns(scene, block)));
	draw_line(page, "blocked", CN_STYLE_STRONG, text);
	if (!block->run_queue_ns)
		return;
	snprintf(text, sizeof text, "for %s more, until there was a CPU for it",
		cn_format_ns(time, block->run_queue_ns));
	draw_line(page, "run queue", CN_STYLE_SCHEDULED, text);
}

static void draw_call(struct cn_page *page, const struct cn_block *block)
{
	char text[128], call[32];

	if (block->kind != CN_BLOCK_CALL)
		return;
	snprintf(text, sizeof text, "%s(0x%" PRIx64 ", 0x%" PRIx64 ", 0x%" PRIx64 ", ...)", call_text(call, block),
		block->arguments[0], block->arguments[1], block->arguments[2]);
	draw_line(page, "system call", CN_STYLE_PLAIN, text);
}

static void draw_others(struct cn_page *page, const struct cn_scene *scene, const struct cn_block *block)
{
	static const char *const kinds[] = { "", ", of this program", ", of another program", "" };
	char text[320], name[160];

	draw_line(page, "file", CN_STYLE_SITE, cn_text_safe(text, sizeof text, block->file, scene->ascii));
	if (block->owner) {
		cn_text_safe(name, sizeof name, block->owner_name, scene->ascii);
		snprintf(text, sizeof text, "thread %" PRIu32 "%s%s had it", block->owner, *name ? ", " : "", name);
		draw_line(page, "mutex", CN_STYLE_LIKELY, text);
	}
	cn_block_waker(name, sizeof name, scene, block);
	snprintf(text, sizeof text, "%s%s", *name ? name : "not known who",
		block->waker_kind <= CN_WAKER_INTERRUPT ? kinds[block->waker_kind] : "");
	draw_line(page, "ended by", CN_STYLE_PLAIN, text);
}

static void draw_whose(struct cn_page *page, const struct cn_scene *scene, const struct cn_block *block)
{
	char text[400], who[160], site[160];

	cn_who_text(who, sizeof who, scene, block->task);
	cn_site_text(site, sizeof site, scene, block->runtime, block->site);
	snprintf(text, sizeof text, "%s%s%s", who, *site ? ", spawned at " : "", site);
	draw_line(page, "in a poll of", CN_STYLE_NAME, text);
	snprintf(text, sizeof text, "%" PRIu32, block->tid);
	draw_line(page, "its thread", CN_STYLE_PLAIN, text);
}

void cn_block_page(struct cn_page *page, const struct cn_scene *scene, uint64_t number)
{
	const struct cn_block *block = cn_block_find(scene->model, number);
	char text[256];

	if (!block) {
		cn_page_text(
			page, 0, CN_STYLE_DIM, "This block is no longer kept: many have come since, and longer ones.");
		return;
	}
	cn_page_heading(page, cn_block_what(text, sizeof text, scene, block));
	draw_times(page, scene, block);
	draw_whose(page, scene, block);
	draw_call(page, block);
	draw_others(page, scene, block);
	cn_page_heading(page, "where it stood, innermost first");
	cn_page_stack(page, scene, &block->stack, CN_STACK_MAX, 0);
	if (!block->stack.n && !block->stack.why)
		cn_page_text(page, 0, CN_STYLE_DIM, "No stack came with it.");
}
