/* SPDX-License-Identifier: MIT */
/*
 * The system calls that polls made: what the kernel has summed, joined to what
 * the model knows of tasks and spawn sites, and to the target's descriptors.
 */
#ifndef CN_CLI_PROBE_CALLS_H
#define CN_CLI_PROBE_CALLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/paint.h"
#include "loader/syscalls.h"
#include "source/session.h"

/* A task, or a system call of a spawn site. */
struct cn_call_row {
	uint64_t id;                /* of the task */
	const struct cn_task *task; /* NULL: of a spawn site, or it has ended */
	uint32_t runtime, site;     /* in the model */
	uint32_t number;            /* of a spawn site */
	struct bl_call_sum sum;
};

struct cn_calls {
	const struct cn_session *session;
	const struct bl_syscalls_result *result;
	struct cn_call_row *tasks, *sites; /* those with most time first */
	size_t n_tasks, n_sites;
	int pid;
	enum bl_end end;
	size_t limit; /* rows to print */
	bool verbose; /* with the costs */
};

/* The model's number of the runtime of that worker. */
uint32_t cn_calls_runtime(const struct cn_calls *calls, uint32_t runtime);
/* Anything that is not in the rows. */
bool cn_calls_lossy(const struct cn_calls *calls);
/* The descriptor that a call was about: -1 if its first argument is none. */
int cn_call_fd(uint32_t number, uint64_t argument);
/* What that descriptor is in the target now: a path, "socket:[...]"; hostile. NULL if it is none any more. */
const char *cn_call_file(const struct cn_calls *calls, int fd, char *text, size_t bytes);
void cn_calls_json(const struct cn_calls *calls);
void cn_calls_print(const struct cn_calls *calls, const struct cn_paint *paint);

/* rouse probe --syscalls; argv[0] is the verb. Answers the exit code. */
int cn_probe_calls_main(int argc, char **argv);

#endif
