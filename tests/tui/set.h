/* SPDX-License-Identifier: MIT */
/*
 * A screen over a model that a test fills by hand. The test opens it:
 *
 *     set_begin(&set, ascii);      an empty model
 *     ... frames are applied to set.model ...
 *     set_show(&set, rows, cols, ascii);
 */
#ifndef SET_H
#define SET_H

#include "test.h"
#include "view/ui.h"

struct set {
	struct cn_model *model;
	struct cn_findings *findings;
	struct cn_shapes shapes; /* built by the test, if it wants any */
	struct cn_spent *spent;
	struct cn_ui ui;
	struct cn_canvas canvas;
	struct cn_scene scene;
};

void set_begin(struct set *set, bool ascii);
void set_show(struct set *set, int rows, int cols, bool ascii);
void close_set(struct set *set);
/* Names of keys; draws after each. */
void keys(struct set *set, const char *names_of_keys);
bool shows(const struct set *set, const char *what);

/* What a golden file shows: the set, opened as `how` says, after these keys. */
struct set_screen {
	const char *name;
	int rows, cols;
	bool ascii;
	int how;
	const char *keys;
};
typedef void set_open(struct set *set, int rows, int cols, bool ascii, int how);

void set_check_golden(const struct set_screen *screens, size_t n, set_open *open);
/* The same screens in the C locale: no cell of any has another character than ASCII's. */
void set_check_ascii(const struct set_screen *screens, size_t n, set_open *open);

#endif
