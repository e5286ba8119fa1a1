/* SPDX-License-Identifier: MIT */
/*
 * What can be set in a file, by --set and for some by the environment: the one
 * table from which the reader, `rouse config`, the manual and the tests come.
 *
 * A key that is called as an option means what the option does, for every verb
 * that takes it; the rest is the screen's. Behind them come tables of keys:
 *
 *     [thresholds]   each of `rouse check --help`
 *     [sort]         each view that is a table: the column to begin with
 *     [colors]       each role of widget/style.h
 *
 * The command line beats --set, which beats the environment, which beats the file.
 */
#ifndef CN_CLI_SETTINGS_H
#define CN_CLI_SETTINGS_H

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>

#include "cli/cli.h"
#include "config/toml.h"
#include "term/style.h"
#include "view/preferences.h"

/* option, kind (as TOML writes it; NUMBER also takes text with a unit, LIST one word), default, an example */
#define CN_OPTION_SETTINGS(X)                                                                                          \
	X(THEME, STRING, "dark", "light")                                                                              \
	X(COLOR, STRING, "auto", "256")                                                                                \
	X(ASCII, BOOL, "false", "true")                                                                                \
	X(DELAY, NUMBER, "1", "0.5")                                                                                   \
	X(RETENTION, NUMBER, "6", "60")                                                                                \
	X(LEVEL, NUMBER, "", "1")                                                                                      \
	X(KERNEL, LIST, "", "sched,syscalls,faults")                                                                   \
	X(SOURCE, STRING, "auto", "socket")                                                                            \
	X(TIMEOUT, NUMBER, "5000", "10000")                                                                            \
	X(LOOKS, NUMBER, "3", "5")                                                                                     \
	X(INTERVAL, NUMBER, "250", "1000")                                                                             \
	X(FAIL_ON, STRING, "suspect", "likely")                                                                        \
	X(MIN_INTERVAL, NUMBER, "10", "60")                                                                            \
	X(ALL, BOOL, "false", "true")

/* name, key, kind, default, an example, help */
#define CN_SCREEN_SETTINGS(X)                                                                                          \
	X(VIEW, "view", STRING, "tasks", "groups", "the view that the screen begins with")                             \
	X(REATTACH, "reattach", BOOL, "false", "true",                                                                 \
		"open a program again by itself that has ended and comes back (else R does)")                          \
	X(MOUSE, "mouse", BOOL, "true", "false", "take clicks and the wheel (false: the terminal selects text)")       \
	X(ENDED, "ended", STRING, "show", "hide", "rows of tasks that have ended and are not joined yet: show, hide")

struct cn_setting {
	const char *table; /* "" = none */
	const char *key;
	enum cn_toml_kind kind;
	const char *standard; /* as text: "" = not set */
	const char *example;
	const char *help;
	int option; /* enum cn_option, -1 = it is none */
};

size_t cn_setting_count(void);
const struct cn_setting *cn_setting_at(size_t index);
/* "busy" or "thresholds.poll". */
const char *cn_setting_name(char out[CN_TOML_PATH_BYTES], const struct cn_setting *setting);
/* The words that can be said there: the i-th, NULL = there are no more, or they are too many to name. */
const char *cn_setting_word(const struct cn_setting *setting, unsigned int i);

enum cn_origin { CN_ORIGIN_DEFAULT, CN_ORIGIN_FILE, CN_ORIGIN_ENVIRONMENT, CN_ORIGIN_SET };

struct cn_config {
	char path[PATH_MAX]; /* "" = none is looked for */
	bool there;          /* it was read */
	struct cn_setting_value {
		char *text; /* NULL = the default */
		enum cn_origin origin;
		unsigned int line;        /* in the file */
		const char *variable;     /* of the environment */
	} *values; /* cn_setting_count() */
};

/*
 * Finds and reads the file: `path`, else ROUSE_CONFIG (empty: none), else
 * rouse/config.toml in XDG_CONFIG_HOME or ~/.config; only the last may be
 * missing. CN_EXIT_OK, or CN_EXIT_USAGE: it has been said what is wrong where.
 */
int cn_config_read(const char *path, struct cn_config *ret_config);
/* "thresholds.poll=2", for --set. Likewise. */
int cn_config_set(struct cn_config *config, const char *assignment);
void cn_config_free(struct cn_config *config);

/* A file with all that can be set, each with its default, in comments. */
void cn_config_print_default(FILE *out);
/* A value as it stands in a file. */
void cn_config_print_value(FILE *out, const struct cn_setting *setting, const char *text);

/* What is set but for options: into these. Values have been checked. */
void cn_config_apply(const struct cn_config *config, struct cn_diagnose_opts *diagnose, struct cn_theme *theme,
	struct cn_preferences *preferences);

#endif
