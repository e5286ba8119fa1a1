/* SPDX-License-Identifier: MIT */
/*
 * What the groups of `rouse probe` share that sum in the kernel: --sched,
 * --syscalls, and those of probe_kernel.h. Their options, how long they go on, and how what the loader
 * knows (runtimes in the order of memory) is found in the model.
 */
#ifndef CN_CLI_PROBE_GROUP_H
#define CN_CLI_PROBE_GROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/cli.h"
#include "loader/follow.h"
#include "source/session.h"

enum { CN_GROUP_WAIT_MS = 100 };

/* What else a group's line may say. */
enum cn_group_takes { CN_GROUP_SUMS = 1, CN_GROUP_THRESHOLD = 2, CN_GROUP_PROFILE = 4 };

struct cn_group {
	const char *option;  /* that chooses it: "sched" */
	unsigned int takes;  /* enum cn_group_takes, of each */
	const char *follows; /* "the scheduler" */
	const char *synopsis, *help;
};

struct cn_group_opts {
	const char *target;
	uint64_t for_ns; /* 0 = no end */
	size_t rows;
	uint32_t tasks;
	bool json, verbose;
	uint64_t threshold_ns; /* 0 = the usual, as the next one */
	uint32_t hz;
	const char *folded, *pprof; /* files, "-" = standard output, NULL = none */
};

/* Understands the line, what is wrong with it goes to stderr: -1 to go on, or the exit code. */
int cn_group_parse(int argc, char **argv, const struct cn_group *group, struct cn_group_opts *ret_opts);
/* "rouse probe: ..." on stderr; answers `code`. */
int cn_group_fail(enum cn_exit code, const char *text);
/* The process that is meant: CN_EXIT_OK, or it has been said why not. */
int cn_group_aim(const struct cn_group *group, const struct cn_group_opts *opts, int *ret_pid);
/* SIGINT or SIGTERM has come. */
bool cn_group_interrupted(void);
/* What a failure to attach is to the caller; its words go to stderr. */
int cn_group_not_attached(int rc, const struct bl_why *why);
/* The first look at it: CN_EXIT_OK, or it has been said why not. */
int cn_group_look(int pid, struct cn_session **ret_session);
/* From now on SIGINT and SIGTERM end the measuring, not the program. */
void cn_group_heed_signals(void);
/* It says that it begins, then waits until the time is over or the target has ended (*ret_end), by `wait`. 0 or -errno.
 */
int cn_group_wait(const struct cn_group_opts *opts, int pid, struct cn_session *session,
	int (*wait)(void *arg, int timeout_ms), void *arg, enum bl_end *ret_end);
/* Another look, now that it is over. False, with *why set, if it cannot be had. */
bool cn_group_last_look(struct cn_session *session, struct cn_why *why);

/* The loader numbers runtimes as it meets them; a worker's thread tells which one the model calls so. */
uint32_t cn_group_runtime(const struct cn_model *model, const struct bl_followed *workers, size_t n, uint32_t runtime);

/* "no", "exit", "exec". */
const char *cn_group_end(enum bl_end end);
void cn_group_costs_json(struct cn_json *json, const struct bl_cost *costs, bool measured);
void cn_group_costs_print(const struct cn_paint *paint, const struct bl_cost *costs, double seconds);
/* "main.c:17", or that it is not known. */
const char *cn_group_where(const struct cn_model *model, uint32_t runtime, uint32_t site, char *text, size_t bytes);

#endif
