/* SPDX-License-Identifier: MIT */
/*
 * Back-pressure: senders wait for room in a full channel, whose receiver waits
 * for room in the next one, and so on. The cause is at the end: the first
 * receiver that does not wait to send. Who receives is taken to be who received
 * last: a channel has one consumer.
 */
#include "diagnose/load.h"
#include "diagnose/sift.h"
#include "export/text.h"
#include "widget/format.h"

enum { HOPS_MAX = 64, SURELY = 5 /* times the threshold: a consumer of one channel may be meant to be slow */ };

/* The full channel that the task waits to send to; NULL: it does not. */
static const struct cn_resource *blocked_on(const struct cn_model *model, const struct cn_task *task)
{
	const struct cn_await *await = task->state == ROUSE_TASK_PENDING && task->waiting ? cn_task_leaf(task) : NULL;
	const struct cn_resource *channel =
		await && await->op == ROUSE_OP_SEND ? cn_model_resource(model, await->resource) : NULL;

	return channel && channel->capacity && channel->value >= channel->capacity ? channel : NULL;
}

struct chain {
	const struct cn_resource *last; /* the channel that the consumer at the end should empty */
	const struct cn_task *consumer; /* NULL: nobody has ever received, or it has ended */
	uint32_t channels;
};

static struct chain follow(const struct cn_model *model, const struct cn_resource *channel)
{
	struct chain chain = { 0 };

	while (channel && chain.channels < HOPS_MAX) {
		chain.channels++;
		chain.last = channel;
		chain.consumer = cn_model_task(model, channel->last_user_b);
		channel = chain.consumer ? blocked_on(model, chain.consumer) : NULL;
	}
	if (channel) /* a ring, or longer than anybody believes */
		chain.last = NULL;
	return chain;
}

static void say_what_it_does(struct cn_report *report, const struct cn_model *model, const struct cn_task *consumer)
{
	char time[CN_FORMAT_BYTES];
	const struct cn_await *await = cn_task_leaf(consumer);

	cn_evidence(report, "; %s (%llu), which receives from it, is %s", cn_safe(cn_task_name(model, consumer)),
		(unsigned long long)consumer->id, cn_task_state_name(consumer->state));
	if (cn_task_in_state_ns(model, consumer))
		cn_evidence(report, " for %s", cn_format_ns(time, cn_task_in_state_ns(model, consumer)));
	if (consumer->state == ROUSE_TASK_PENDING && await && consumer->waiting)
		cn_evidence(report, " (%s)", cn_op_name(await->op));
}

/* About the channel at the end: found once, however many wait in front of it. */
static void report_pressure(
	struct cn_diagnosis *diagnosis, const struct cn_task *sender, const struct chain *chain, uint64_t waited_ns)
{
	const struct cn_model *model = diagnosis->model;
	const struct cn_resource *channel = chain->last;
	bool sure = chain->channels > 1 || waited_ns >= SURELY * diagnosis->opts.back_pressure;
	struct cn_report report =
		cn_report_about(CN_FINDING_BACK_PRESSURE, sure ? CN_LIKELY : CN_SUSPECT, chain->consumer);
	char time[CN_FORMAT_BYTES];

	report.finding.runtime = channel->runtime;
	report.finding.resource = channel->serial;
	report.finding.owner = chain->consumer ? chain->consumer->id : 0;
	report.about = channel->serial;
	if (!chain->consumer)
		report.site = channel->site;
	if (report.finding.n_tasks < CN_FINDING_TASKS)
		report.finding.tasks[report.finding.n_tasks++] = sender->id;
	cn_evidence(&report, "%s (%llu) has waited for %s to send; ", cn_safe(cn_task_name(model, sender)),
		(unsigned long long)sender->id, cn_format_ns(time, waited_ns));
	if (chain->channels > 1)
		cn_evidence(&report, "%u full channels on, ", chain->channels);
	cn_evidence(&report, "channel %s is full (%llu), and %u wait for room in it",
		cn_safe(cn_resource_name(model, channel)), (unsigned long long)channel->value, channel->waiters);
	if (chain->consumer)
		say_what_it_does(&report, model, chain->consumer);
	else
		cn_evidence(&report, "; nobody has received from it, or who did has ended");
	cn_report(diagnosis, &report);
}

void cn_rule_pressure(struct cn_diagnosis *diagnosis)
{
	const struct cn_model *model = diagnosis->model;
	const struct cn_task *task;

	for (size_t i = 0; (task = cn_marked(diagnosis, CN_MARK_SENDS, &i));) {
		const struct cn_resource *channel = blocked_on(model, task);
		const struct cn_runtime *runtime = channel ? cn_model_runtime(model, task->runtime) : NULL;
		const struct cn_await *await = channel ? cn_task_leaf(task) : NULL;
		struct chain chain;

		if (!runtime || cn_lasted(diagnosis, task->runtime, await->since_ns) < diagnosis->opts.back_pressure ||
			!cn_task_settled(model, task) || cn_is_explained(diagnosis, task->id))
			continue;
		chain = follow(model, channel);
		if (!chain.last || (chain.consumer && cn_is_explained(diagnosis, chain.consumer->id)))
			continue;
		if (!cn_reported(diagnosis, CN_FINDING_BACK_PRESSURE, chain.last->serial))
			report_pressure(diagnosis, task, &chain, cn_lasted(diagnosis, task->runtime, await->since_ns));
		cn_explained(diagnosis, task->id);
	}
}
