/* SPDX-License-Identifier: MIT */
/*
 * The terminal: shows a canvas, gives keys, and is always put back as it was,
 * on exit, on a fatal signal and while suspended. The only room that knows
 * curses.
 */
#ifndef CN_TERM_TERM_H
#define CN_TERM_TERM_H

#include "term/key.h"
#include "widget/canvas.h"

enum cn_depth { CN_DEPTH_AUTO = -1, CN_DEPTH_MONO = 0, CN_DEPTH_8 = 8, CN_DEPTH_16 = 16, CN_DEPTH_256 = 256 };

struct cn_term;

/* The charset of the locale, after setlocale(). */
enum cn_charset cn_term_charset(void);
/* "auto", "never", "8", "16", "256": 0 or -EINVAL. */
int cn_term_parse_depth(const char *text, enum cn_depth *ret_depth);
/* The i-th of them; NULL = there are no more. */
const char *cn_term_depth_word(unsigned int i);

/*
 * Takes over stdin and stdout. One at a time.
 * -ENOTTY: one of them is no terminal; -ENOTSUP: it cannot move its cursor;
 * -EINVAL: TERM is not known here.
 * AUTO: NO_COLOR, else what the terminal can.
 */
int cn_term_open(enum cn_depth depth, struct cn_term **ret_term);
/* Clicks and the wheel come as keys, and the terminal selects no text (but with Shift). */
void cn_term_take_mouse(struct cn_term *term);
void cn_term_close(struct cn_term *term);
void cn_term_size(const struct cn_term *term, int *ret_rows, int *ret_cols);
void cn_term_show(struct cn_term *term, const struct cn_canvas *canvas);
/* The next show sends everything again. */
void cn_term_redraw(struct cn_term *term);

enum cn_term_event {
	CN_TERM_NOTHING,
	CN_TERM_KEY,
	CN_TERM_CHANGED, /* another size, or back from being suspended: show again */
	CN_TERM_QUIT     /* SIGINT, SIGTERM, SIGHUP */
};
/* What poll() shall watch for POLLIN. */
enum { CN_TERM_FDS = 2 };
void cn_term_fds(const struct cn_term *term, int ret_fds[CN_TERM_FDS]);
/* Never blocks, but while suspended. Call until NOTHING. */
enum cn_term_event cn_term_next(struct cn_term *term, uint32_t *ret_key);

#endif
