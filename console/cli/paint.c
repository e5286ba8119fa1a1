/* SPDX-License-Identifier: MIT */
#include "cli/paint.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "export/text.h"
#include "term/style.h"
#include "widget/utf8.h"

enum { DEFAULT_COLUMNS = 100, LEAST_COLUMNS = 40, MOST_COLUMNS = 10000 };

static enum cn_depth depth_of(FILE *out, enum cn_depth asked)
{
	const char *term = getenv("TERM"), *no = getenv("NO_COLOR");

	if (asked != CN_DEPTH_AUTO)
		return asked;
	if (!isatty(fileno(out)) || (no && *no) || !term || !*term || strcmp(term, "dumb") == 0)
		return CN_DEPTH_MONO;
	return strstr(term, "256") || getenv("COLORTERM") ? CN_DEPTH_256 : CN_DEPTH_8;
}

static int columns_of(FILE *out)
{
	const char *text = getenv("COLUMNS");
	struct winsize size;
	long given = text ? strtol(text, NULL, 10) : 0;
	int columns = given > 0 && given <= MOST_COLUMNS ? (int)given : 0;

	if (columns <= 0 && ioctl(fileno(out), TIOCGWINSZ, &size) == 0)
		columns = size.ws_col;
	if (columns <= 0)
		columns = DEFAULT_COLUMNS;
	return columns < LEAST_COLUMNS ? LEAST_COLUMNS : columns;
}

void cn_paint_init(struct cn_paint *paint, FILE *out, enum cn_depth asked, bool ascii)
{
	paint->out = out;
	paint->asked = asked;
	paint->depth = depth_of(out, asked);
	paint->charset = ascii ? CN_CHARSET_ASCII : cn_text_charset();
	paint->columns = columns_of(out);
}

/* Of letters, or (10 more in each code) of the ground. */
static void colour(FILE *out, short colour, enum cn_depth depth, int ground)
{
	if (colour < 0)
		return;
	if (depth >= CN_DEPTH_256)
		fprintf(out, ";%d;5;%d", 38 + ground, colour);
	else
		fprintf(out, ";%d", (colour < 8 ? 30 + colour : 90 + colour - 8) + ground);
}

static void on(const struct cn_paint *paint, enum cn_style style)
{
	struct cn_look look;

	if (paint->depth == CN_DEPTH_MONO)
		return;
	look = cn_style_look(style, false, paint->depth);
	fputs("\033[0", paint->out);
	if (look.bold)
		fputs(";1", paint->out);
	if (look.dim)
		fputs(";2", paint->out);
	if (look.underline)
		fputs(";4", paint->out);
	if (look.reverse)
		fputs(";7", paint->out);
	colour(paint->out, look.foreground, paint->depth, 0);
	colour(paint->out, look.background, paint->depth, 10);
	fputs("m", paint->out);
}

static void off(const struct cn_paint *paint)
{
	if (paint->depth != CN_DEPTH_MONO)
		fputs("\033[0m", paint->out);
}

void cn_paint(const struct cn_paint *paint, enum cn_style style, const char *format, ...)
{
	va_list args;

	if (style != CN_STYLE_PLAIN)
		on(paint, style);
	va_start(args, format);
	vfprintf(paint->out, format, args);
	va_end(args);
	if (style != CN_STYLE_PLAIN)
		off(paint);
}

void cn_paint_glyph(const struct cn_paint *paint, enum cn_style style, enum cn_glyph glyph)
{
	char text[8] = "";

	cn_utf8_put(text, cn_glyph(paint->charset, glyph));
	cn_paint(paint, style, "%s", text);
}

/* Columns of text that is safe: the width that wcwidth() gives, nothing negative. */
static int width_of(const char *text)
{
	int width = 0;

	while (*text) {
		int w = cn_utf8_width(cn_utf8_next(&text));

		width += w > 0 ? w : 0;
	}
	return width;
}

void cn_paint_cell(const struct cn_paint *paint, enum cn_style style, int width, const char *text)
{
	char safe[CN_SAFE_BYTES];
	int want = width < 0 ? -width : width, have;

	cn_text_safe(safe, sizeof safe, text, paint->charset == CN_CHARSET_ASCII);
	have = width_of(safe);
	if (have > want) {
		const char *at = safe;
		int used = 0;

		while (*at) {
			const char *from = at;
			int w = cn_utf8_width(cn_utf8_next(&at));

			if (used + (w > 0 ? w : 0) > want - 1) {
				safe[from - safe] = 0;
				break;
			}
			used += w > 0 ? w : 0;
		}
		cn_paint(paint, style, "%s", safe);
		cn_paint_glyph(paint, CN_STYLE_DIM, CN_GLYPH_ELLIPSIS);
		fprintf(paint->out, "%*s", want - 1 - used, "");
		return;
	}
	if (width < 0)
		fprintf(paint->out, "%*s", want - have, "");
	cn_paint(paint, style, "%s", safe);
	if (width > 0)
		fprintf(paint->out, "%*s", want - have, "");
}

void cn_paint_words(const struct cn_paint *paint, enum cn_style style, int used, int indent, const char *text)
{
	bool first = true; /* of its line */
	int at = used;

	while (*text) {
		size_t n = strcspn(text, " ");
		char word[256];
		int width;

		snprintf(word, sizeof word, "%.*s", (int)n, text);
		width = width_of(word);
		if (!first && at + 1 + width > paint->columns) {
			fprintf(paint->out, "\n%*s", indent, "");
			at = indent;
			first = true;
		}
		cn_paint(paint, style, "%s%s", first ? "" : " ", word);
		at += !first + width;
		first = false;
		text += n + strspn(text + n, " ");
	}
	fputc('\n', paint->out);
}
