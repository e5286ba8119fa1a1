/* SPDX-License-Identifier: MIT */
/* What run, batch and script share: a session, a ui, and the canvas they meet on. */
#ifndef CN_VIEW_DRIVER_H
#define CN_VIEW_DRIVER_H

#include "view/screen.h"
#include "view/ui.h"

enum { CN_EXIT_OK = 0, CN_EXIT_USAGE = 2, CN_EXIT_GONE = 3, CN_EXIT_TIMEOUT = 7 };

struct cn_driver {
	const struct cn_screen_opts *opts;
	struct cn_ui ui;
	struct cn_canvas canvas;
	uint64_t watched; /* as last told to the session */
	uint64_t resource; /* whose page was open */
	uint64_t wants[CN_WANTS_MAX]; /* likewise */
	size_t n_wants;
	enum cn_stacks stacks;
	struct cn_shapes shapes; /* of generation shapes_at; made only while they are shown */
	uint64_t shapes_at;
	struct cn_spent *spent; /* of the shapes, as of these stamps */
	uint64_t spent_at, spent_kernel;
	struct cn_why why;
	/* What there is to say of a program that has ended, in place of that; "" = nothing. */
	char gone[sizeof((struct cn_why *)0)->text];
	const struct cn_tabs *tabs; /* borrowed; NULL = there is but one program */
	bool printed;     /* onto paper, as it were: no keys will come */
	bool ended;       /* nothing more will come: `why` says the reason */
	bool hurried;     /* the next frame is a key's: see the scene's */
};

int cn_driver_init(struct cn_driver *driver, const struct cn_screen_opts *opts, int rows, int cols);
void cn_driver_fini(struct cn_driver *driver);
/*
 * Takes in what there is; true: there is something new to show. Paused, the
 * session is left alone: what was on its way already stays there, so the
 * display does not move by so much as a generation.
 */
bool cn_driver_pump(struct cn_driver *driver);
int cn_driver_draw(struct cn_driver *driver);
/* What is left for the caller: to quit, or to draw all again. */
enum cn_request cn_driver_key(struct cn_driver *driver, uint32_t key);

#endif
