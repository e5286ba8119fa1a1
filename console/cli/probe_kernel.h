/* SPDX-License-Identifier: MIT */
/*
 * The groups of `rouse probe` that are read through a session, as the screen
 * reads them: --blocks, --faults and --profile.
 */
#ifndef CN_CLI_PROBE_KERNEL_H
#define CN_CLI_PROBE_KERNEL_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/paint.h"
#include "cli/probe_group.h"
#include "export/json.h"
#include "model/kernel.h"
#include "source/session.h"

enum { CN_PROBED_LOOK_MS = 1000 /* between looks at the runtime, if nothing is urgent */ };

struct cn_probed {
	const struct cn_group *group;
	struct cn_group_opts opts;
	enum cn_kernel_group wanted; /* without it there is nothing to tell */
	uint32_t groups;             /* 1 << enum cn_kernel_group: that one, and what adds to it */
	struct cn_session *session;
	/* Something may have come. NULL = nothing is said before the end. */
	void (*seen)(struct cn_probed *probed);
};

/* Opens, and follows until the time is over: CN_EXIT_OK, or it has been said why not. Closed by the caller. */
int cn_probed_follow(struct cn_probed *probed);
const struct cn_model *cn_probed_model(const struct cn_probed *probed);
double cn_probed_seconds(const struct cn_probed *probed);

/* What is missing of it. */
bool cn_probed_lossy(const struct cn_probed *probed);
void cn_probed_losses_json(struct cn_json *json, const struct cn_probed *probed);
void cn_probed_losses_print(const struct cn_paint *paint, const struct cn_probed *probed);
/* "server (123)  WHAT in 3.002 s of its polls" */
void cn_probed_title(const struct cn_paint *paint, const struct cn_probed *probed, const char *what);
/* What has been printed to standard output went there: the exit code. */
int cn_probed_finish(const struct cn_probed *probed);

/* "reader", or "(ended)". Hostile. */
const char *cn_probed_task(const struct cn_model *model, uint64_t task);
/* Members "task", "name" and "spawned_at". */
void cn_probed_task_json(
	struct cn_json *json, const struct cn_model *model, uint64_t task, size_t runtime, uint32_t site);

#endif
