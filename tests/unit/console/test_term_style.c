/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "term/key.h"
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
	cmocka_unit_test(keys_have_the_names_that_scripts_use));
