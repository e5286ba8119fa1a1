/* SPDX-License-Identifier: MIT */
/* What a chain comes to: the finding that explains it, and a sentence. */
#include <stdio.h>

#include "diagnose/links.h"

/* A task in a queue waits behind those that keep the workers, if they keep every one. */
static const struct cn_finding *find_busy(
	const struct cn_model *model, const struct cn_chain *chain, const struct cn_findings *findings)
{
	const struct cn_task *task = cn_model_task(model, chain->links[0].id);
	const struct cn_runtime *runtime = cn_model_runtime(model, task->runtime);
	const struct cn_finding *best = NULL;

	if (!findings || task->state != ROUSE_TASK_SCHEDULED)
		return NULL;
	for (uint32_t i = 0; runtime && i < runtime->n_workers; i++) {
		const struct cn_worker *worker = &runtime->workers[i];
		const struct cn_finding *f = cn_findings_of_task(findings, worker->current_task);

		if (worker->foreign)
			continue;
		if (!f || !f->active || f->code != CN_FINDING_BLOCKED_WORKER)
			return NULL;
		best = best ? best : f;
	}
	return best;
}

/* The strongest finding about the task itself; else about one that it waits for. */
static const struct cn_finding *find(
	const struct cn_model *model, const struct cn_chain *chain, const struct cn_findings *findings)
{
	const struct cn_finding *best = findings ? cn_findings_of_task(findings, chain->links[0].id) : NULL;

	for (uint32_t i = 1; findings && !best && i < chain->n; i++)
		if (chain->links[i].kind == CN_LINK_TASK || chain->links[i].kind == CN_LINK_RESOURCE)
			best = cn_findings_of_task(findings, chain->links[i].id);
	return best ? best : find_busy(model, chain, findings);
}

void cn_chain_judge(const struct cn_model *model, const struct cn_findings *findings, struct cn_chain *chain)
{
	const struct cn_task *task = cn_model_task(model, chain->links[0].id);
	const struct cn_finding *f = find(model, chain, findings);
	bool own = false;

	chain->finding = f;
	for (uint32_t i = 0; f && i < f->n_tasks && i < CN_FINDING_TASKS; i++)
		own = own || f->tasks[i] == task->id;
	if (f)
		snprintf(chain->verdict, sizeof chain->verdict, "%s%s: %s.", own ? "" : "it waits behind a ",
			cn_finding_title(f->code), f->evidence);
	else if (task->state >= ROUSE_TASK_COMPLETE)
		snprintf(chain->verdict, sizeof chain->verdict, "It has ended (%s).", cn_task_state_name(task->state));
	else if (chain->cycle)
		snprintf(chain->verdict, sizeof chain->verdict,
			"A ring, as it seems: a second look will tell whether it stands still.");
	else if (task->state == ROUSE_TASK_PENDING && !chain->valid)
		snprintf(chain->verdict, sizeof chain->verdict,
			"It moved while it was read: the chain may be torn. Ask again.");
	else if (task->state == ROUSE_TASK_PENDING)
		snprintf(chain->verdict, sizeof chain->verdict,
			"Nothing is wrong that can be told from here: it waits for what its chain ends in.");
	else
		snprintf(chain->verdict, sizeof chain->verdict, "Nothing is wrong that can be told from here.");
}
