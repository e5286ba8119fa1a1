/* SPDX-License-Identifier: MIT */
/* Defects of tokio-console that could be ours: see console/README.md. */
#include "stage.h"
#include "test.h"

#include <ctype.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What a cell shows, as a number: "4.88s", "<1%", "135k". False: it is none. */
static bool number_of(const char *text, double *ret_value, double *ret_step)
{
	static const struct {
		const char *unit;
		double factor;
	} units[] = { { "ns", 1e-9 }, { "us", 1e-6 }, { "ms", 1e-3 }, { "s", 1 }, { "%", 1 }, { "k", 1e3 }, { "M", 1e6 },
		{ "G", 1e9 }, { "", 1 } };
	char *end;
	const char *point;

	if (!isdigit((unsigned char)*text))
		return false;
	*ret_value = strtod(text, &end);
	point = memchr(text, '.', (size_t)(end - text));
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
		if (strcmp(end, units[i].unit) == 0) {
			/* How much it may have been rounded. */
			*ret_step = units[i].factor;
			for (const char *digit = point ? point + 1 : end; digit < end; digit++)
				*ret_step /= 10;
			*ret_value *= units[i].factor;
			return true;
		}
	return false;
}

/* Of a table in that order: are the cells of the column? Cells that are no numbers stand wherever they like. */
static int check_order(struct stage *stage, struct cn_sheet *sheet, int column, bool descending)
{
	const struct cn_scene scene = { .model = cn_session_model(stage->session),
		.findings = cn_session_findings(stage->session),
		.shapes = &stage->driver.shapes,
		.now_ns = cn_session_now_ns(stage->session),
		.interval_ns = 500000000 };
	char before_text[CN_ROW_BYTES] = "";
	double before = 0, value, step;
	bool first = true;
	int compared = 0;

	for (size_t i = sheet->list.top; i < sheet->list.n && i < sheet->list.top + 40; i++) {
		const size_t index = sheet->list.entries[i].index;
		char room[CN_ROW_BYTES];
		const char *text = sheet->kind->text(&scene, index, (size_t)column, room);
		struct cn_text cell = { .glyph = -1 };

		if (text) {
			const int order = strcasecmp(before_text, text);

			if (!first && (descending ? order < 0 : order > 0))
				fail_msg("%s by %s: \"%s\" before \"%s\"", sheet->kind->name,
					sheet->kind->columns[column].title, before_text, text);
			snprintf(before_text, sizeof before_text, "%s", text);
		} else {
			sheet->kind->cell(&scene, index, (size_t)column, &cell);
			if (!number_of(cell.text, &value, &step))
				continue;
			if (!first && (descending ? before + step < value : before > value + step))
				fail_msg("%s by %s: %g before %s", sheet->kind->name, sheet->kind->columns[column].title,
					before, cell.text);
			before = value;
		}
		compared += !first;
		first = false;
	}
	return compared;
}

static void a_column_orders_by_what_it_shows(void **state)
{
	struct stage stage;
	int compared = 0;

	(void)state;
	stage_open(&stage, 60, 200, false);
	stage_wait(&stage, 10);
	cn_session_pause(stage.session, true);
	for (int view = 0; view < CN_VIEW_COUNT; view++) {
		struct cn_sheet *sheet = &stage.driver.ui.sheets[view];

		if (!sheet->kind || view == CN_VIEW_TREE || view == CN_VIEW_WAKES)
			continue;
		stage.driver.ui.view = (enum cn_view)view;
		assert_int_equal(cn_driver_draw(&stage.driver), 0);
		for (int column = 0; column < (int)sheet->kind->n_columns; column++)
			for (int descending = 0; descending < 2; descending++) {
				sheet->sorted = column;
				sheet->descending = descending;
				assert_int_equal(cn_driver_draw(&stage.driver), 0);
				if (sheet->sorted == column) /* it is there */
					compared += check_order(&stage, sheet, column, descending);
			}
	}
	assert_true(compared > 200);
	stage_close(&stage);
}

static void a_resource_leads_to_the_task_that_holds_it(void **state)
{
	struct stage stage;

	(void)state;
	stage_open(&stage, 40, 120, false);
	stage_wait(&stage, 10);
	stage_keys(&stage, "3 / 'trouble:right' Enter Enter Enter");
	stage_find(&stage, "trouble:deadlock-b #");
	stage_find(&stage, "pending for");
	stage_find(&stage, "mutex");
	stage_close(&stage);
}

static int utf8(void **state)
{
	(void)state;
	return setlocale(LC_ALL, "C.UTF-8") ? 0 : -1;
}

TEST_MAIN_WITH(utf8, NULL, cmocka_unit_test(a_column_orders_by_what_it_shows),
	cmocka_unit_test(a_resource_leads_to_the_task_that_holds_it));
