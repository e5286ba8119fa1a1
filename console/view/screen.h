/* SPDX-License-Identifier: MIT */
/*
 * The screen of one session: interactive, in a terminal; printed, for pipes;
 * or driven by a script, for tests.
 */
#ifndef CN_VIEW_SCREEN_H
#define CN_VIEW_SCREEN_H

#include <stdbool.h>
#include <stdio.h>

#include "source/session.h"
#include "term/term.h"

struct cn_preferences;
struct cn_screen_opts {
	struct cn_session *session; /* borrowed */
	unsigned int delay_ms;      /* between looks, as the session was opened with; 0 = 1000 */
	enum cn_depth color;        /* CN_DEPTH_AUTO unless asked */
	bool ascii;                 /* even where the locale could do more */
	int rows, cols;             /* of printed frames; 0 = LINES and COLUMNS, else 24 and 80 */
	const char *where;          /* the filter of tasks to begin with; NULL = none */
	const char *script;         /* path; NULL = ROUSE_SCRIPT, if set */
	const struct cn_preferences *preferences; /* borrowed; NULL = none */
};

/* Until the user quits. An exit status; says on stderr why it cannot. */
int cn_screen_run(const struct cn_screen_opts *opts);
/* Prints `frames` frames (0 = until the target goes), each a blank line after the other. An exit status. */
int cn_screen_batch(const struct cn_screen_opts *opts, FILE *out, unsigned long frames);

/*
 * A script is read line by line; nothing in it waits for time:
 *
 *     key j G Enter     keys, by name
 *     type TEXT         the rest of the line, a key a character
 *     wait [N]          take in N more generations (1)
 *     size ROWS COLS
 *     save FILE         the screen as text; - is stdout
 *     styles FILE       the screen as letters of styles
 *     # comment
 */
int cn_screen_script(const struct cn_screen_opts *opts, const char *path);

#endif
