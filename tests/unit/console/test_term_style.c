/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "term/key.h"
#include "widget/glyph.h"
#include "term/style.h"

#include <errno.h>

static const enum cn_depth depths[] = { CN_DEPTH_MONO, CN_DEPTH_8, CN_DEPTH_16, CN_DEPTH_256 };

static void without_colour_nothing_has_one(void **state)
{
	(void)state;
	for (int style = 0; style < CN_STYLE_COUNT; style++)
		for (int selected = 0; selected < 2; selected++) {
			const struct cn_look look = cn_style_look((enum cn_style)style, selected, CN_DEPTH_MONO);

			assert_int_equal(look.foreground, -1);
			assert_int_equal(look.background, -1);
		}
}

static void colours_exist_at_their_depth(void **state)
{
	(void)state;
	for (size_t i = 1; i < sizeof depths / sizeof depths[0]; i++)
		for (int style = 0; style < CN_STYLE_COUNT; style++)
			for (int selected = 0; selected < 2; selected++) {
				const struct cn_look look = cn_style_look((enum cn_style)style, selected, depths[i]);

				assert_in_range(look.foreground + 1, 0, (int)depths[i]);
				assert_in_range(look.background + 1, 0, (int)depths[i]);
			}
}

static void proven_is_red_and_stands_out_without_colour(void **state)
{
	(void)state;
	assert_int_equal(cn_style_look(CN_STYLE_PROVEN, false, CN_DEPTH_8).foreground, 1);
	assert_int_equal(cn_style_look(CN_STYLE_PROVEN, false, CN_DEPTH_16).foreground, 9);
	assert_int_equal(cn_style_look(CN_STYLE_PROVEN, false, CN_DEPTH_256).foreground, 196);
	assert_true(cn_style_look(CN_STYLE_PROVEN, false, CN_DEPTH_MONO).reverse);
}

static bool same(struct cn_look a, struct cn_look b)
{
	return a.foreground == b.foreground && a.background == b.background && a.bold == b.bold && a.dim == b.dim &&
	       a.underline == b.underline && a.reverse == b.reverse;
}

static void the_selected_row_differs_from_the_others_at_every_depth(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof depths / sizeof depths[0]; i++)
		for (int style = 0; style < CN_STYLE_COUNT; style++)
			assert_false(same(cn_style_look((enum cn_style)style, false, depths[i]),
				cn_style_look((enum cn_style)style, true, depths[i])));
}

static void findings_of_different_class_look_different_in_colour(void **state)
{
	(void)state;
	for (size_t i = 1; i < sizeof depths / sizeof depths[0]; i++) {
		assert_false(same(cn_style_look(CN_STYLE_PROVEN, false, depths[i]),
			cn_style_look(CN_STYLE_LIKELY, false, depths[i])));
		assert_false(same(cn_style_look(CN_STYLE_LIKELY, false, depths[i]),
			cn_style_look(CN_STYLE_SUSPECT, false, depths[i])));
	}
}

/* Meanings that stand side by side on the screen. PLAIN ends a row. */
static const enum cn_style neighbours[][5] = {
	{ CN_STYLE_PROVEN, CN_STYLE_LIKELY, CN_STYLE_SUSPECT, CN_STYLE_GOOD },
	{ CN_STYLE_RUNNING, CN_STYLE_SCHEDULED, CN_STYLE_PENDING, CN_STYLE_DONE },
	{ CN_STYLE_TAB, CN_STYLE_TAB_HERE },
	{ CN_STYLE_HEADER, CN_STYLE_SORTED },
	{ CN_STYLE_KEY, CN_STYLE_BAR },
	{ CN_STYLE_GRAPH, CN_STYLE_GRAPH_OTHER },
	{ CN_STYLE_NAME, CN_STYLE_SITE, CN_STYLE_MATCH },
	{ CN_STYLE_STRONG, CN_STYLE_DIM, CN_STYLE_TITLE, CN_STYLE_BADGE },
	{ CN_STYLE_DIM, CN_STYLE_LIKELY, CN_STYLE_BADGE },
};

/* Of these too where there is no colour; signs and words tell the rest. */
static bool has_attributes(size_t row)
{
	return row == 0 || row == 2 || row == 3;
}

static void compare_neighbours(const struct cn_theme *theme, enum cn_depth depth, const enum cn_style *row)
{
	for (int a = 0; row[a]; a++)
		for (int b = a + 1; row[b]; b++) {
			const bool alike = same(cn_theme_look(theme, row[a], false, depth),
				cn_theme_look(theme, row[b], false, depth));

			if (alike)
				print_error("%s, %d colours: %c and %c\n", cn_theme_name(theme->base), depth,
					cn_style_letter(row[a]), cn_style_letter(row[b]));
			assert_false(alike);
		}
}

static void in_every_theme_a_meaning_differs_from_its_neighbours(void **state)
{
	(void)state;
	for (int base = 0; base < CN_THEME_COUNT; base++)
		for (size_t depth = 0; depth < sizeof depths / sizeof depths[0]; depth++)
			for (size_t row = 0; row < sizeof neighbours / sizeof neighbours[0]; row++) {
				const struct cn_theme theme = { .base = (enum cn_theme_base)base };

				if ((depth && base != CN_THEME_MONO) || has_attributes(row))
					compare_neighbours(&theme, depths[depth], neighbours[row]);
			}
}

static void every_theme_has_its_colours_at_every_depth(void **state)
{
	(void)state;
	for (int base = 0; base < CN_THEME_COUNT; base++)
		for (size_t i = 0; i < sizeof depths / sizeof depths[0]; i++)
			for (int style = 0; style < CN_STYLE_COUNT; style++)
				for (int selected = 0; selected < 2; selected++) {
					const struct cn_theme theme = { .base = (enum cn_theme_base)base };
					const int most = base == CN_THEME_MONO ? 0 : (int)depths[i];
					const struct cn_look look =
						cn_theme_look(&theme, (enum cn_style)style, selected, depths[i]);

					assert_in_range(look.foreground + 1, 0, most);
					assert_in_range(look.background + 1, 0, most);
				}
}

/* What has no colour in some theme must not depend on one: the signs of states and of classes are all different. */
static void signs_alone_tell_states_and_classes_apart(void **state)
{
	static const enum cn_glyph rows[][8] = {
		{ CN_GLYPH_CREATED, CN_GLYPH_SCHEDULED, CN_GLYPH_RUNNING, CN_GLYPH_PENDING, CN_GLYPH_COMPLETE,
			CN_GLYPH_PANICKED, CN_GLYPH_CANCELLED, CN_GLYPH_COUNT },
		{ CN_GLYPH_PROVEN, CN_GLYPH_LIKELY, CN_GLYPH_SUSPECT, CN_GLYPH_COUNT },
	};

	(void)state;
	for (int charset = CN_CHARSET_ASCII; charset <= CN_CHARSET_UTF8; charset++)
		for (size_t row = 0; row < sizeof rows / sizeof rows[0]; row++)
			for (int a = 0; rows[row][a] != CN_GLYPH_COUNT; a++)
				for (int b = a + 1; rows[row][b] != CN_GLYPH_COUNT; b++)
					assert_int_not_equal(cn_glyph((enum cn_charset)charset, rows[row][a]),
						cn_glyph((enum cn_charset)charset, rows[row][b]));
}

static void a_look_is_read_from_words(void **state)
{
	static const char *const wrong[] = { "", "purple", "256", "-1", "1 2", "on", "on on", "bold on", "1 on", "red on bold",
		"red on 1 2" };
	struct cn_look look;

	(void)state;
	assert_int_equal(cn_look_parse("bold underline bright-red on 17", &look), 0);
	assert_true(same(look, (struct cn_look){ .foreground = 9, .background = 17, .bold = true, .underline = true }));
	assert_int_equal(cn_look_parse("dim", &look), 0);
	assert_true(same(look, (struct cn_look){ .foreground = -1, .background = -1, .dim = true }));
	assert_int_equal(cn_look_parse("reverse default on blue", &look), 0);
	assert_true(same(look, (struct cn_look){ .foreground = -1, .background = 4, .reverse = true }));
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		assert_int_equal(cn_look_parse(wrong[i], &look), -EINVAL);
}

static void own_colours_are_brought_to_what_the_terminal_has(void **state)
{
	struct cn_theme theme = { .set[CN_STYLE_PROVEN] = true,
		.own[CN_STYLE_PROVEN] = { .foreground = 196, .background = 17, .underline = true } };
	struct cn_look look = cn_theme_look(&theme, CN_STYLE_PROVEN, false, CN_DEPTH_256);

	(void)state;
	assert_int_equal(look.foreground, 196);
	assert_int_equal(look.background, 17);
	look = cn_theme_look(&theme, CN_STYLE_PROVEN, false, CN_DEPTH_16);
	assert_int_equal(look.foreground, 9);
	assert_int_equal(look.background, 0);
	look = cn_theme_look(&theme, CN_STYLE_PROVEN, false, CN_DEPTH_8);
	assert_int_equal(look.foreground, 1);
	assert_true(look.bold && look.underline);
	look = cn_theme_look(&theme, CN_STYLE_PROVEN, false, CN_DEPTH_MONO);
	assert_int_equal(look.foreground, -1);
	assert_true(look.underline);
	assert_int_equal(cn_colour_of_16(231), 15);
	assert_int_equal(cn_colour_of_16(46), 10);
	assert_int_equal(cn_colour_of_16(244), 8);
}

static void keys_have_the_names_that_scripts_use(void **state)
{
	uint32_t key = 0;

	(void)state;
	assert_int_equal(cn_key_parse("j", &key), 0);
	assert_int_equal(key, 'j');
	assert_int_equal(cn_key_parse("C-d", &key), 0);
	assert_int_equal(key, 4);
	assert_int_equal(cn_key_parse("Space", &key), 0);
	assert_int_equal(key, ' ');
	assert_int_equal(cn_key_parse("PgDn", &key), 0);
	assert_int_equal(key, CN_KEY_PAGE_DOWN);
	assert_int_equal(cn_key_parse("\xc3\xa9", &key), 0);
	assert_int_equal(key, 0xe9);
	assert_int_equal(cn_key_parse("", &key), -EINVAL);
	assert_int_equal(cn_key_parse("jj", &key), -EINVAL);
	assert_int_equal(cn_key_parse("\x1b", &key), -EINVAL);
	assert_int_equal(key, 0xe9);
}

TEST_MAIN(cmocka_unit_test(without_colour_nothing_has_one), cmocka_unit_test(colours_exist_at_their_depth),
	cmocka_unit_test(proven_is_red_and_stands_out_without_colour),
	cmocka_unit_test(the_selected_row_differs_from_the_others_at_every_depth),
	cmocka_unit_test(findings_of_different_class_look_different_in_colour),
	cmocka_unit_test(in_every_theme_a_meaning_differs_from_its_neighbours),
	cmocka_unit_test(every_theme_has_its_colours_at_every_depth),
	cmocka_unit_test(signs_alone_tell_states_and_classes_apart), cmocka_unit_test(a_look_is_read_from_words),
	cmocka_unit_test(own_colours_are_brought_to_what_the_terminal_has),
	cmocka_unit_test(keys_have_the_names_that_scripts_use));
