/* SPDX-License-Identifier: MIT */
/*
 * Screens against files that somebody has looked at. After a wanted change:
 *
 *     GENERATE=1 meson test --suite tui
 *
 * and look at the difference before it is committed.
 */
#ifndef GOLDEN_H
#define GOLDEN_H

#include "test.h"
#include "widget/canvas.h"

/* Is the canvas what golden/NAME.txt says: its text, and a letter a cell for its styles? Fails when it is not. */
void golden_check(const char *name, const struct cn_canvas *canvas);

#endif
