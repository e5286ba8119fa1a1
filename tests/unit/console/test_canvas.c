/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "widget/canvas.h"
#include "widget/utf8.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>

static struct cn_canvas canvas;

static void assert_row(int row, const char *expected)
{
	char *text = NULL, *line;
	size_t n = 0;
	FILE *out = open_memstream(&text, &n);

	cn_canvas_print(&canvas, out);
	fclose(out);
	line = text;
	for (int i = 0; i < row; i++)
		line = strchr(line, '\n') + 1;
	*strchr(line, '\n') = 0;
	assert_string_equal(line, expected);
	free(text);
}

static void start(int rows, int cols, enum cn_charset charset)
{
	assert_int_equal(cn_canvas_init(&canvas, rows, cols, charset), 0);
}

static int stop(void **state)
{
	(void)state;
	cn_canvas_fini(&canvas);
	return 0;
}

static int utf8_locale(void **state)
{
	(void)state;
	return setlocale(LC_CTYPE, "C.UTF-8") ? 0 : -1;
}

static void text_that_fits_exactly_keeps_its_last_letter(void **state)
{
	(void)state;
	start(1, 10, CN_CHARSET_UTF8);
	assert_int_equal(cn_canvas_text(&canvas, 0, 0, 5, CN_STYLE_PLAIN, "abcde"), 5);
	assert_row(0, "abcde");
}

static void text_that_is_too_long_ends_in_an_ellipsis(void **state)
{
	(void)state;
	start(2, 10, CN_CHARSET_UTF8);
	assert_int_equal(cn_canvas_text(&canvas, 0, 0, 5, CN_STYLE_PLAIN, "abcdef"), 5);
	assert_row(0, "abcd…");
	assert_int_equal(cn_canvas_tail(&canvas, 1, 0, 5, CN_STYLE_PLAIN, "abcdef"), 5);
	assert_row(1, "…cdef");
}

static void the_ascii_charset_has_no_byte_above_127(void **state)
{
	(void)state;
	start(1, 40, CN_CHARSET_ASCII);
	for (int i = 0; i < CN_GLYPH_COUNT; i++)
		cn_canvas_glyph(&canvas, 0, i, CN_STYLE_PLAIN, (enum cn_glyph)i);
	for (int i = 0; i < CN_GLYPH_COUNT; i++)
		assert_in_range(cn_canvas_at(&canvas, 0, i)->text, 0x20, 0x7e);
	for (unsigned int i = 0; i <= 8; i++)
		assert_in_range(cn_glyph_block(CN_CHARSET_ASCII, i), 0x20, 0x7e);
	for (unsigned int i = 0; i < 25; i++)
		assert_in_range(cn_glyph_dots(CN_CHARSET_ASCII, i / 5, i % 5), 0x20, 0x7e);
	cn_canvas_clear(&canvas);
	cn_canvas_text(&canvas, 0, 0, 20, CN_STYLE_PLAIN, "na\xc3\xafve");
	assert_row(0, "na?ve");
}

static void glyphs_are_one_column_wide(void **state)
{
	(void)state;
	for (int i = 0; i < CN_GLYPH_COUNT; i++)
		assert_int_equal(cn_utf8_width(cn_glyph(CN_CHARSET_UTF8, (enum cn_glyph)i)), 1);
}

/* What a terminal would obey must not get into a cell, whatever way it is drawn. */
static void hostile_names_never_reach_a_cell(void **state)
{
	static const char *const names[] = { "\x1b[31mred", "\x1b]0;title\x07", "a\nb", "a\rb", "\x7f", "\xc2\23331m",
		"\xe2\x80\256evil", "\xff\xfe", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82",
		"\xef\xbb\xbf" };

	(void)state;
	start(1, 40, CN_CHARSET_UTF8);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		cn_canvas_clear(&canvas);
		cn_canvas_text(&canvas, 0, 0, 40, CN_STYLE_PLAIN, names[i]);
		cn_canvas_put(&canvas, 0, 39, CN_STYLE_PLAIN, 0x1b);
		for (int col = 0; col < 40; col++) {
			const struct cn_cell *cell = cn_canvas_at(&canvas, 0, col);

			assert_true(cn_utf8_width(cell->text) == 1);
			assert_int_equal(cell->mark, 0);
		}
		assert_true(cn_canvas_at(&canvas, 0, 39)->text == 0xfffd);
	}
}

static void broken_utf8_costs_one_sign_a_byte(void **state)
{
	(void)state;
	start(1, 20, CN_CHARSET_UTF8);
	cn_canvas_text(&canvas, 0, 0, 20, CN_STYLE_PLAIN, "a\xe2\x82z\xff!");
	assert_row(0, "a\xef\xbf\xbd\xef\xbf\xbdz\xef\xbf\xbd!");
}

/* Overlong forms, surrogates, and what is past the end: each could smuggle something past a filter. */
static void what_is_not_utf8_is_broken_at_its_first_byte(void **state)
{
	static const char *const broken[] = { "\xc0\xaf", "\xc1\xbf", "\xe0\x80\xaf", "\xe0\x9f\xbf", "\xed\xa0\x80",
		"\xed\xbf\xbf", "\xf0\x80\x80\xaf", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\x80",
		"\xff", "\xe2\x82", "\xe2(\xa1", "\xf0\x9f\x98" };

	(void)state;
	for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
		const char *at = broken[i];

		assert_true(cn_utf8_next(&at) == CN_UTF8_BROKEN);
		assert_ptr_equal(at, broken[i] + 1);
	}
}

/* A mark that reverses or hides the letters around it has no width of its own, and must not sit on one. */
static void marks_that_deceive_are_shown_as_what_they_are(void **state)
{
	static const char *const marks[] = { "\xe2\x80\xae", "\xe2\x80\x8b", "\xe2\x81\xa6", "\xef\xbb\xbf", "\xd8\x9c",
		"\xc2\xad", "\xf3\xa0\x81\x81" };

	(void)state;
	start(1, 10, CN_CHARSET_UTF8);
	for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
		char text[16];

		cn_canvas_clear(&canvas);
		snprintf(text, sizeof text, "a%sb", marks[i]);
		cn_canvas_text(&canvas, 0, 0, 10, CN_STYLE_PLAIN, text);
		assert_row(0, "a\xef\xbf\xbd"
			      "b");
	}
}

static void utf8_survives_a_round_trip(void **state)
{
	static const uint32_t codes[] = { 0x24, 0x7f, 0x80, 0x7ff, 0x800, 0xd7ff, 0xe000, 0xffff, 0x10000, 0x10ffff };

	(void)state;
	for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
		char bytes[5] = "";
		const char *at = bytes;

		cn_utf8_put(bytes, codes[i]);
		assert_int_equal(cn_utf8_next(&at), codes[i]);
		assert_int_equal(*at, 0);
	}
}

static void wide_characters_take_two_columns_or_none(void **state)
{
	(void)state;
	start(3, 6, CN_CHARSET_UTF8);
	assert_int_equal(cn_canvas_text(&canvas, 0, 0, 6, CN_STYLE_PLAIN, "日本語"), 6);
	assert_row(0, "日本語");
	cn_canvas_text(&canvas, 1, 0, 4, CN_STYLE_PLAIN, "日本語");
	assert_row(1, "日…");
	cn_canvas_put(&canvas, 2, 5, CN_STYLE_PLAIN, 0x65e5);
	assert_row(2, "");
}

static void drawing_over_half_a_wide_character_removes_all_of_it(void **state)
{
	(void)state;
	start(1, 6, CN_CHARSET_UTF8);
	cn_canvas_text(&canvas, 0, 0, 6, CN_STYLE_PLAIN, "日本語");
	cn_canvas_text(&canvas, 0, 1, 1, CN_STYLE_PLAIN, "x");
	assert_row(0, " x本語");
	cn_canvas_text(&canvas, 0, 4, 1, CN_STYLE_PLAIN, "y");
	assert_row(0, " x本y");
	assert_int_equal(cn_canvas_at(&canvas, 0, 5)->text, ' ');
}

static void a_mark_stays_on_its_letter(void **state)
{
	(void)state;
	start(1, 6, CN_CHARSET_UTF8);
	assert_int_equal(cn_canvas_text(&canvas, 0, 0, 6, CN_STYLE_PLAIN, "e\xcc\x81x"), 2);
	assert_row(0, "e\xcc\x81x");
}

static void drawing_outside_is_clipped(void **state)
{
	(void)state;
	start(2, 4, CN_CHARSET_UTF8);
	cn_canvas_text(&canvas, -1, 0, 4, CN_STYLE_PLAIN, "above");
	cn_canvas_text(&canvas, 2, 0, 4, CN_STYLE_PLAIN, "below");
	cn_canvas_text(&canvas, 0, -2, 6, CN_STYLE_PLAIN, "abcdef");
	cn_canvas_fill(&canvas, (struct cn_box){ 1, 2, 9, 9 }, CN_STYLE_PLAIN, '#');
	assert_row(0, "cdef");
	assert_row(1, "  ##");
}

static void text_wraps_at_blanks_and_says_when_there_is_more(void **state)
{
	(void)state;
	start(3, 10, CN_CHARSET_UTF8);
	assert_int_equal(
		cn_canvas_wrap(&canvas, (struct cn_box){ 0, 0, 2, 10 }, CN_STYLE_PLAIN, "one two three four five"), 2);
	assert_row(0, "one two");
	assert_row(1, "three fou…");
	assert_row(2, "");
}

static void a_word_longer_than_the_line_is_broken(void **state)
{
	(void)state;
	start(3, 4, CN_CHARSET_UTF8);
	assert_int_equal(cn_canvas_wrap(&canvas, (struct cn_box){ 0, 0, 3, 4 }, CN_STYLE_PLAIN, "abcdefgh"), 2);
	assert_row(0, "abcd");
	assert_row(1, "efgh");
}

TEST_MAIN_WITH(utf8_locale, NULL, cmocka_unit_test_teardown(text_that_fits_exactly_keeps_its_last_letter, stop),
	cmocka_unit_test_teardown(text_that_is_too_long_ends_in_an_ellipsis, stop),
	cmocka_unit_test_teardown(the_ascii_charset_has_no_byte_above_127, stop),
	cmocka_unit_test(glyphs_are_one_column_wide), cmocka_unit_test_teardown(hostile_names_never_reach_a_cell, stop),
	cmocka_unit_test_teardown(broken_utf8_costs_one_sign_a_byte, stop),
	cmocka_unit_test(what_is_not_utf8_is_broken_at_its_first_byte),
	cmocka_unit_test_teardown(marks_that_deceive_are_shown_as_what_they_are, stop),
	cmocka_unit_test(utf8_survives_a_round_trip),
	cmocka_unit_test_teardown(wide_characters_take_two_columns_or_none, stop),
	cmocka_unit_test_teardown(drawing_over_half_a_wide_character_removes_all_of_it, stop),
	cmocka_unit_test_teardown(a_mark_stays_on_its_letter, stop),
	cmocka_unit_test_teardown(drawing_outside_is_clipped, stop),
	cmocka_unit_test_teardown(text_wraps_at_blanks_and_says_when_there_is_more, stop),
	cmocka_unit_test_teardown(a_word_longer_than_the_line_is_broken, stop));
