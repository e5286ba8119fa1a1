/* SPDX-License-Identifier: MIT */
/* What `rouse run` has seen of a command, and how it tells. */
#ifndef CN_CLI_RUN_H
#define CN_CLI_RUN_H

#include <limits.h>

#include "cli/cli.h"

enum { CN_RUN_FINDINGS_MAX = 64 };

/* outcome, word, what it says */
#define CN_RUN_OUTCOMES(X)                                                                                             \
	X(WELL, "well", "ended by itself")                                                                             \
	X(TIMEOUT, "timeout", "did not end in time, and was killed")                                                   \
	X(CRASHED, "crashed", "was ended by a signal")                                                                 \
	X(FAILED, "failed", "ended with a status of its own that is not 0")                                            \
	X(FINDINGS, "findings", "has something wrong")                                                                 \
	X(BUDGET, "budget", "took longer than it may")                                                                 \
	X(LEAKS, "leaks", "leaks")
enum cn_run_outcome {
#define X(name, word, text) CN_RUN_##name,
	CN_RUN_OUTCOMES(X)
#undef X
};
const char *cn_run_word(enum cn_run_outcome outcome);
const char *cn_run_text(enum cn_run_outcome outcome); /* as the command's predicate */

/* The longest that was seen, and of what. */
struct cn_run_longest {
	uint64_t ns; /* a lower bound: see run.c */
	char task[64], place[128];
};

struct cn_run_result {
	struct cn_cli *cli;
	struct cn_session *session; /* as the last look left it; NULL = it was never seen */
	int pid, status;            /* as waitpid() has it */
	bool timed_out;
	uint32_t looks;
	uint64_t duration_ns;
	struct cn_run_longest poll, scheduled;
	struct cn_finding findings[CN_RUN_FINDINGS_MAX]; /* each as it was when it was strongest */
	size_t n_findings, more_findings;
	enum cn_run_outcome outcome;
	int exit;
	char core[PATH_MAX]; /* what the command left when it crashed; empty = nothing */
};

/* To `out` as --format says. */
void cn_run_report(FILE *out, const struct cn_run_result *result);

#endif
