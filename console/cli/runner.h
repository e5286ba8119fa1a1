/* SPDX-License-Identifier: MIT */
/*
 * Runs a command for each of a series of events, one at a time, and never waits
 * for it: what comes while it runs stands in line.
 */
#ifndef CN_CLI_RUNNER_H
#define CN_CLI_RUNNER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { CN_RUNNER_WAITING = 64, CN_RUNNER_VARIABLES = 16 };

/* One run: what the command finds in its environment, and on its standard input. */
struct cn_run {
	struct {
		const char *name; /* static */
		char *value;
	} environment[CN_RUNNER_VARIABLES];
	size_t n_environment;
	char *input;
};

struct cn_runner {
	const char *command;                      /* borrowed; for sh -c */
	pid_t running;                            /* 0 = none */
	struct cn_run waiting[CN_RUNNER_WAITING]; /* a ring */
	size_t first, n;
	unsigned long dropped; /* runs that found no place in line, ever */
	bool failed;           /* the last could not be started, or ended with another status than 0 */
	int status;            /* as waitpid() gave it; of `failed` */
};

/* Takes `input` and the values over, whatever becomes of them. False: the line is full. */
bool cn_runner_add(struct cn_runner *runner, struct cn_run run);
void cn_run_set(struct cn_run *run, const char *name, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* After SIGCHLD, and after cn_runner_add(): reaps, and starts the next. 0, or -errno: it could not be started. */
int cn_runner_turn(struct cn_runner *runner);
/* What has not begun is forgotten; what runs goes on by itself. */
void cn_runner_fini(struct cn_runner *runner);

#endif
