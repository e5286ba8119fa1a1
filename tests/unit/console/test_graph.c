/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "widget/graph.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>

static struct cn_canvas canvas;

static void assert_canvas(const char *expected)
{
	char *text = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&text, &n);

	cn_canvas_print(&canvas, out);
	fclose(out);
	assert_string_equal(text, expected);
	free(text);
	cn_canvas_fini(&canvas);
}

static struct cn_box start(int rows, int cols, enum cn_charset charset)
{
	setlocale(LC_CTYPE, "C.UTF-8");
	assert_int_equal(cn_canvas_init(&canvas, rows, cols, charset), 0);
	return cn_canvas_box(&canvas);
}

static void the_newest_sample_is_at_the_right_edge(void **state)
{
	static const uint32_t samples[] = { 9, 9, 9, 0, 4 };

	(void)state;
	/* Two columns hold four samples: the oldest is gone. */
	cn_spark_draw(&canvas, start(1, 2, CN_CHARSET_ASCII), samples, 5, 9, CN_STYLE_GRAPH);
	assert_canvas("#:\n");
	cn_spark_draw(&canvas, start(1, 4, CN_CHARSET_ASCII), samples + 3, 2, 9, CN_STYLE_GRAPH);
	assert_canvas("   :\n");
}

static void zero_lies_on_the_base_line_and_one_stands_above_it(void **state)
{
	static const uint32_t samples[] = { 0, 0, 1, 1 };

	(void)state;
	cn_spark_draw(&canvas, start(1, 3, CN_CHARSET_UTF8), samples, 4, 1000000, CN_STYLE_GRAPH);
	assert_canvas(" ⣀⣤\n");
}

static void a_tall_sparkline_fills_from_below(void **state)
{
	static const uint32_t samples[] = { 0, 8, 8, 8 };

	(void)state;
	cn_spark_draw(&canvas, start(2, 2, CN_CHARSET_UTF8), samples, 4, 0, CN_STYLE_GRAPH);
	assert_canvas("⢸⣿\n⣸⣿\n");
}

static void a_bar_shows_any_share_that_is_not_zero(void **state)
{
	(void)state;
	start(3, 10, CN_CHARSET_ASCII);
	cn_bar_draw(&canvas, 0, 0, 10, 1, 0, 1000, CN_STYLE_GRAPH);
	cn_bar_draw(&canvas, 1, 0, 10, 50, 20, 100, CN_STYLE_GRAPH);
	cn_bar_draw(&canvas, 2, 0, 10, 0, 0, 0, CN_STYLE_GRAPH);
	assert_canvas("#---------\n#####..---\n----------\n");
}

static void percentiles_are_the_upper_end_of_their_bucket(void **state)
{
	uint32_t counts[40] = { 0 };

	(void)state;
	assert_int_equal(cn_histogram_percentile(counts, 40, 500), 0);
	counts[10] = 98;
	counts[20] = 1;
	counts[30] = 1;
	assert_int_equal(cn_histogram_total(counts, 40), 100);
	assert_int_equal(cn_histogram_percentile(counts, 40, 500), 2048);
	assert_int_equal(cn_histogram_percentile(counts, 40, 980), 2048);
	assert_int_equal(cn_histogram_percentile(counts, 40, 981), 1u << 21);
	assert_int_equal(cn_histogram_percentile(counts, 40, 990), 1u << 21);
	assert_int_equal(cn_histogram_percentile(counts, 40, 1000), 1ull << 31);
}

static void one_in_a_million_is_still_drawn(void **state)
{
	uint32_t counts[40] = { 0 };

	(void)state;
	counts[10] = 1000000;
	counts[12] = 1;
	cn_histogram_draw(&canvas, start(3, 12, CN_CHARSET_UTF8), counts, 40, CN_STYLE_GRAPH);
	assert_canvas("███\n███     ▁▁▁\n1.02us\n");
}

static void a_narrow_histogram_merges_buckets_and_loses_none(void **state)
{
	uint32_t counts[40];

	(void)state;
	for (int i = 0; i < 40; i++)
		counts[i] = 1;
	cn_histogram_draw(&canvas, start(2, 10, CN_CHARSET_ASCII), counts, 40, CN_STYLE_GRAPH);
	assert_canvas("##########\n0  4.09us\n");
}

static void nothing_to_draw_draws_nothing(void **state)
{
	uint32_t counts[40] = { 0 };

	(void)state;
	start(2, 10, CN_CHARSET_UTF8);
	cn_histogram_draw(&canvas, cn_canvas_box(&canvas), counts, 40, CN_STYLE_GRAPH);
	cn_spark_draw(&canvas, cn_canvas_box(&canvas), counts, 0, 0, CN_STYLE_GRAPH);
	assert_canvas("\n\n");
}

TEST_MAIN(cmocka_unit_test(the_newest_sample_is_at_the_right_edge),
	cmocka_unit_test(zero_lies_on_the_base_line_and_one_stands_above_it),
	cmocka_unit_test(a_tall_sparkline_fills_from_below), cmocka_unit_test(a_bar_shows_any_share_that_is_not_zero),
	cmocka_unit_test(percentiles_are_the_upper_end_of_their_bucket),
	cmocka_unit_test(one_in_a_million_is_still_drawn),
	cmocka_unit_test(a_narrow_histogram_merges_buckets_and_loses_none),
	cmocka_unit_test(nothing_to_draw_draws_nothing));
