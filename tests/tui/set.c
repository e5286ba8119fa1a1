/* SPDX-License-Identifier: MIT */
#include "set.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "golden.h"

void set_begin(struct set *set, bool ascii)
{
	assert_non_null(setlocale(LC_CTYPE, ascii ? "C" : "C.UTF-8"));
	*set = (struct set){ .model = cn_model_new(), .findings = cn_findings_new() };
	assert_true(set->model && set->findings);
}

void set_show(struct set *set, int rows, int cols, bool ascii)
{
	cn_ui_init(&set->ui);
	assert_int_equal(cn_canvas_init(&set->canvas, rows, cols, ascii ? CN_CHARSET_ASCII : CN_CHARSET_UTF8), 0);
	set->scene = (struct cn_scene){ .model = set->model,
		.findings = set->findings,
		.shapes = set->shapes.n ? &set->shapes : NULL,
		.spent = set->spent,
		.target = "4000",
		.now_ns = cn_model_now_ns(set->model),
		.interval_ns = 1000000000,
		.ascii = ascii };
	assert_int_equal(cn_ui_draw(&set->ui, &set->scene, &set->canvas), 0);
}

void close_set(struct set *set)
{
	cn_ui_fini(&set->ui);
	cn_canvas_fini(&set->canvas);
	free(set->spent);
	cn_shapes_free(&set->shapes);
	cn_findings_free(set->findings);
	cn_model_free(set->model);
}

void keys(struct set *set, const char *names_of_keys)
{
	char name[32];
	int n;

	while (sscanf(names_of_keys, "%31s%n", name, &n) == 1) {
		uint32_t key;

		assert_int_equal(cn_key_parse(name, &key), 0);
		cn_ui_key(&set->ui, &set->scene, key);
		assert_int_equal(cn_ui_draw(&set->ui, &set->scene, &set->canvas), 0);
		names_of_keys += n;
	}
}

bool shows(const struct set *set, const char *what)
{
	char *text = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&text, &n);
	bool found;

	assert_non_null(out);
	cn_canvas_print(&set->canvas, out);
	fclose(out);
	found = strstr(text, what) != NULL;
	free(text);
	return found;
}

void set_check_golden(const struct set_screen *screens, size_t n, set_open *open)
{
	for (size_t i = 0; i < n; i++) {
		struct set set;

		open(&set, screens[i].rows, screens[i].cols, screens[i].ascii, screens[i].how);
		keys(&set, screens[i].keys);
		golden_check(screens[i].name, &set.canvas);
		close_set(&set);
	}
}

void set_check_ascii(const struct set_screen *screens, size_t n, set_open *open)
{
	for (size_t i = 0; i < n; i++) {
		struct set set;

		open(&set, screens[i].rows, screens[i].cols, true, screens[i].how);
		keys(&set, screens[i].keys);
		for (int cell = 0; cell < set.canvas.rows * set.canvas.cols; cell++)
			assert_true(set.canvas.cells[cell].text < 0x7f);
		close_set(&set);
	}
}
