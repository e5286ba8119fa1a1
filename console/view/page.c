/* SPDX-License-Identifier: MIT */
#include "view/page.h"
#include "diagnose/chain.h"

#include <errno.h>
#include <string.h>

int cn_page_start(struct cn_page *page, int cols, enum cn_charset charset)
{
	page->row = 0;
	page->paper.charset = charset;
	if (page->paper.cols != cols || !page->paper.cells)
		return cn_canvas_resize(&page->paper, CN_PAGE_ROWS, cols);
	cn_canvas_clear(&page->paper);
	return 0;
}

void cn_page_fini(struct cn_page *page)
{
	cn_canvas_fini(&page->paper);
}

void cn_page_show(struct cn_page *page, struct cn_canvas *canvas, struct cn_box box)
{
	const int rows = page->row < CN_PAGE_ROWS ? page->row : CN_PAGE_ROWS;
	const int last = rows > box.rows ? rows - box.rows : 0;

	if (page->scroll > last)
		page->scroll = last;
	for (int row = 0; row < box.rows && page->scroll + row < rows; row++)
		for (int col = 0; col < box.cols; col++) {
			const struct cn_cell *from = cn_canvas_at(&page->paper, page->scroll + row, col);
			struct cn_cell *to = cn_canvas_at(canvas, box.row + row, box.col + col);

			if (from && to)
				*to = *from;
		}
	if (page->scroll < last)
		cn_canvas_glyph(canvas, box.row + box.rows - 1, box.col + box.cols - 1, CN_STYLE_KEY, CN_GLYPH_DOWN);
	if (page->scroll > 0)
		cn_canvas_glyph(canvas, box.row, box.col + box.cols - 1, CN_STYLE_KEY, CN_GLYPH_UP);
}

void cn_page_heading(struct cn_page *page, const char *title)
{
	struct cn_canvas *paper = &page->paper;
	const int width = paper->cols - 2;

	page->row += page->row > 0;
	cn_canvas_rule(paper, page->row, 1, width);
	cn_canvas_put(paper, page->row, 3, CN_STYLE_PLAIN, ' ');
	cn_canvas_put(paper, page->row, 4 + cn_canvas_text(paper, page->row, 4, width - 6, CN_STYLE_TITLE, title),
		CN_STYLE_PLAIN, ' ');
	page->row++;
}

void cn_page_text(struct cn_page *page, int indent, enum cn_style style, const char *text)
{
	const struct cn_box box = { page->row, 2 + indent, CN_PAGE_ROWS - page->row, page->paper.cols - 4 - indent };

	page->row += cn_canvas_wrap(&page->paper, box, style, text);
}

/* ------------------------------------------------------------------ chain */

/* One piece of a line, of one style; answers the column after it. */
static int draw_piece(struct cn_page *page, int col, enum cn_style style, const char *text, size_t bytes)
{
	char piece[sizeof((struct cn_line *)NULL)->text];

	if (bytes >= sizeof piece)
		bytes = sizeof piece - 1;
	memcpy(piece, text, bytes);
	piece[bytes] = 0;
	return col + cn_canvas_text(&page->paper, page->row, col, page->paper.cols - col - 1, style, piece);
}

static void draw_line(void *arg, const struct cn_line *line)
{
	struct cn_page *page = arg;
	const size_t n = strlen(line->text);
	size_t at = 0;
	int col = 2;

	for (uint32_t i = 0; i < line->n_spans; i++) {
		const struct cn_span *span = &line->spans[i];
		const size_t from = span->from < n ? span->from : n;
		const size_t end = from + span->bytes < n ? from + span->bytes : n;

		if (from < at)
			continue;
		col = draw_piece(page, col, CN_STYLE_PLAIN, line->text + at, from - at);
		col = draw_piece(page, col, (enum cn_style)span->style, line->text + from, end - from);
		at = end;
	}
	draw_piece(page, col, CN_STYLE_PLAIN, line->text + at, n - at);
	page->row++;
}

void cn_page_chain(struct cn_page *page, const struct cn_scene *scene, uint64_t task)
{
	const enum cn_charset charset = scene->ascii ? CN_CHARSET_ASCII : CN_CHARSET_UTF8;
	struct cn_chain chain;
	const int rc = cn_chain_build(scene->model, scene->findings, task, &chain);

	if (rc < 0) {
		cn_page_text(page, 0, CN_STYLE_DIM,
			rc == -ENOENT ? "This task has ended." : "There is no memory to follow its chain.");
		return;
	}
	cn_chain_draw(scene->model, &chain, charset, page->paper.cols - 4, draw_line, page);
	cn_chain_free(&chain);
}

void cn_page_finding(struct cn_page *page, const struct cn_scene *scene, const struct cn_finding *finding)
{
	struct cn_canvas *paper = &page->paper;
	const enum cn_style style = finding->active ? cn_class_style(finding->class) : CN_STYLE_DIM;
	char site[256];
	int col = 2;

	cn_canvas_glyph(paper, page->row, col, style, cn_class_glyph(finding->class));
	col += 2;
	col += 1 + cn_canvas_text(paper, page->row, col, paper->cols - col - 1, style, cn_class_word(finding->class));
	col += 2 + cn_canvas_text(paper, page->row, col, paper->cols - col - 1, style, cn_finding_title(finding->code));
	cn_canvas_text(paper, page->row, col, paper->cols - col - 1, CN_STYLE_SITE,
		cn_finding_site(site, sizeof site, scene, finding));
	page->row++;
	cn_page_text(page, 2, CN_STYLE_DIM, cn_finding_help(finding->code));
}

void cn_finding_page(struct cn_page *page, const struct cn_scene *scene, const struct cn_finding *finding)
{
	cn_page_finding(page, scene, finding);
	cn_page_text(page, 2, CN_STYLE_PLAIN, finding->evidence);
	cn_canvas_glyph(&page->paper, page->row, 4, CN_STYLE_GOOD, CN_GLYPH_ARROW);
	cn_page_text(page, 4, CN_STYLE_GOOD, cn_finding_advice(finding->code));
}

void cn_why_page(struct cn_page *page, const struct cn_scene *scene, uint64_t id)
{
	struct cn_canvas *paper = &page->paper;
	char who[256], command[320];
	int width;

	cn_page_heading(page, cn_who_text(who, sizeof who, scene, id));
	/* In the heading, where it is seen however long the chain; below it where that is too narrow. */
	snprintf(command, sizeof command, " in a shell: rouse why %s %llu ", scene->target, (unsigned long long)id);
	width = cn_canvas_width(paper, command);
	if (cn_canvas_width(paper, who) + width + 10 < paper->cols)
		cn_canvas_text(paper, page->row - 1, paper->cols - 3 - width, width, CN_STYLE_STRONG, command);
	else
		cn_page_text(page, 0, CN_STYLE_STRONG, command + 1);
	cn_page_chain(page, scene, id);
}
