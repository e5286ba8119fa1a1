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
	unsigned int timeout_ms;    /* printed frames: given up when a look is so late; 0 = 5000 */
	enum cn_depth color;        /* CN_DEPTH_AUTO unless asked */
	bool ascii;                 /* even where the locale could do more */
	int rows, cols;             /* of printed frames; 0 = LINES and COLUMNS, else 24 and 80 */
	bool no_mouse;              /* leave it to the terminal */
	const char *where;          /* the filter of tasks to begin with; NULL = none */
	const char *script;         /* path; NULL = ROUSE_SCRIPT, if set */
	const struct cn_preferences *preferences; /* borrowed; NULL = none */
};

/* Until the user quits. An exit status; says on stderr why it cannot. */
int cn_screen_run(const struct cn_screen_opts *opts);
/* How the screen reaches programs beside those that are open; tests have their own. */
struct rouse_target;
struct cn_reach {
	/* Opens a program by what a shell would call it: 0, or a negative errno with *why set. */
	int (*open)(void *arg, const char *target, struct cn_session **ret_session, struct cn_why *why);
	/* As cn_targets(). NULL: there is no list. */
	int (*list)(void *arg, struct rouse_target **ret_targets);
	void *arg;
};

/*
 * The same for opts->session, which may be NULL, and others beside it, all
 * borrowed; reach (NULL = none) lets it list programs and open more.
 */
int cn_screen_run_several(const struct cn_screen_opts *opts, const struct cn_reach *reach,
	struct cn_session *const *more, size_t n_more);
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
