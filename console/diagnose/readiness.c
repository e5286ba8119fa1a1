/* SPDX-License-Identifier: MIT */
/*
 * Something to read, and a task that waits for it: the readiness was lost on
 * the way from the kernel. An edge was cleared away before all was read, or the
 * descriptor was closed, or opened anew, behind the runtime's back.
 *
 * What lies in a socket's buffer comes on demand, and there may be thousands
 * of them at rest. So a few are asked for at a time, in turn; one in which
 * something lies is kept for as long as it lies there, and its task stands still:
 * one that has moved is marked anew, and asked for anew.
 *
 * It is a finding when two answers, so long apart as the threshold says, tell
 * of the same amount, the task has stood still, and the driver has been at
 * work meanwhile: what has only just come would have been reported by then.
 */
#include "diagnose/load.h"
#include "diagnose/memory.h"
#include "diagnose/sift.h"
#include "export/text.h"
#include "widget/format.h"

enum { ANSWERS_MAX = 3 /* empty ones, or looks without any */ };

/* A task, and what it waits to read from. */
struct reader {
	const struct cn_task *task;
	const struct cn_await *await;
	const struct cn_resource *resource;
};

static bool is_socket(const struct cn_resource *resource)
{
	return resource->kind == ROUSE_RESOURCE_SOCKET || resource->kind == ROUSE_RESOURCE_FD ||
	       resource->kind == ROUSE_RESOURCE_LISTENER;
}

/* Of what the task waits for, the socket that it would have been woken for if anything had been seen there. */
static bool reads(const struct cn_model *model, const struct cn_task *task, struct reader *ret_reader)
{
	for (uint16_t i = task->leaf; task->valid && i < task->n_awaits; i++) {
		const struct cn_await *await = &task->awaits[i];
		const struct cn_resource *resource;

		if (await->wait_state != ROUSE_WAIT_WAITING ||
			(await->op != ROUSE_OP_READ && await->op != ROUSE_OP_ACCEPT))
			continue;
		resource = cn_model_resource(model, await->resource);
		if (!resource || !is_socket(resource) ||
			resource->flags & (ROUSE_RESOURCE_READABLE | ROUSE_RESOURCE_CLOSED))
			continue;
		*ret_reader = (struct reader){ task, await, resource };
		return true;
	}
	return false;
}

static bool is_judged(const struct cn_diagnosis *diagnosis, const struct cn_task *task)
{
	const struct cn_runtime *runtime = cn_model_runtime(diagnosis->model, task->runtime);

	return runtime && runtime->complete && runtime->state == ROUSE_RUNTIME_ACTIVE && !runtime->target_stopped &&
	       !(task->flags & ROUSE_CANCELLED) && cn_calm_ns(diagnosis, task) >= diagnosis->opts.readiness;
}

/* ---------------------------------------------------------------- watching */

static struct cn_read_watch *watch_of(struct cn_memory *memory, uint64_t serial)
{
	for (int i = 0; i < CN_READS_MAX; i++)
		if (memory->reads[i].serial == serial)
			return &memory->reads[i];
	return NULL;
}

/* In the order of slots, from behind the one that was asked for last. */
static void ask_for_more(struct cn_diagnosis *diagnosis)
{
	struct cn_memory *memory = diagnosis->memory;
	bool behind = memory->last_read == 0, all = false;
	const struct cn_task *task;
	struct reader reader;

	for (size_t i = 0; watch_of(memory, 0);) {
		struct cn_read_watch *watch;

		task = cn_marked(diagnosis, CN_MARK_READS, &i);
		if (!task && (all || !memory->last_read))
			return;
		if (!task) { /* around, once */
			all = behind = true;
			i = 0;
			continue;
		}
		if (!is_judged(diagnosis, task) || !reads(diagnosis->model, task, &reader))
			continue;
		if (behind && !watch_of(memory, reader.resource->serial)) {
			const struct cn_socket *known = cn_model_socket(diagnosis->model, reader.resource->serial);

			watch = watch_of(memory, 0);
			*watch = (struct cn_read_watch){ .serial = reader.resource->serial,
				.seen_ns = known ? known->ns : 0, /* of another time */
				.asked = memory->clock };
			memory->last_read = watch->serial;
		}
		behind = behind || reader.resource->serial == memory->last_read;
	}
}

/* What its buffer held: taken once for each answer. */
static void take_answer(struct cn_read_watch *watch, const struct cn_socket *socket)
{
	if (!socket || socket->ns == watch->seen_ns)
		return;
	watch->answers = socket->rx_bytes ? 0 : watch->answers + 1;
	watch->seen_ns = socket->ns;
	if (socket->rx_bytes == watch->bytes)
		return;
	watch->bytes = socket->rx_bytes;
	watch->since_ns = socket->ns;
}

/* ------------------------------------------------------------------- rules */

/* Somebody waits for events, or will when its poll is over; but then that is what is told. */
static bool is_driven(const struct cn_runtime *runtime)
{
	return runtime->driver_worker || runtime->total.driver_turns != runtime->previous.driver_turns;
}

static void report(struct cn_diagnosis *diagnosis, const struct reader *reader, const struct cn_read_watch *watch)
{
	const struct cn_model *model = diagnosis->model;
	const struct cn_resource *resource = reader->resource;
	const struct cn_socket *socket = cn_model_socket(model, resource->serial);
	struct cn_report report = cn_report_about(CN_FINDING_LOST_READINESS, CN_LIKELY, reader->task);
	char time[CN_FORMAT_BYTES];

	report.finding.resource = resource->serial;
	report.finding.since_ns = watch->since_ns;
	cn_evidence(&report, "waits for %s%s%s (fd %llu)", cn_resource_kind_name(resource->kind),
		*cn_resource_name(model, resource) ? " " : "", cn_safe(cn_resource_name(model, resource)),
		(unsigned long long)resource->value);
	cn_evidence(&report, "; in the kernel %llu %s there for at least %s", (unsigned long long)watch->bytes,
		resource->kind == ROUSE_RESOURCE_LISTENER ? "connections have been"
		: watch->bytes == 1                       ? "byte has been"
							  : "bytes have been",
		cn_format_ns(time, watch->seen_ns - watch->since_ns));
	if (socket && *socket->peer)
		cn_evidence(&report, ", from %s", cn_safe(socket->peer));
	cn_evidence(&report, "; the runtime does not have it as readable");
	cn_explained(diagnosis, reader->task->id);
	cn_report(diagnosis, &report);
}

/* Goes on with what is watched; false: it is not worth it any more. */
static bool judge(struct cn_diagnosis *diagnosis, const struct reader *reader, struct cn_read_watch *watch)
{
	const struct cn_runtime *runtime = cn_model_runtime(diagnosis->model, reader->task->runtime);

	take_answer(watch, cn_model_socket(diagnosis->model, watch->serial));
	if (!watch->bytes && (watch->answers || diagnosis->memory->clock - watch->asked > ANSWERS_MAX))
		return false;
	if (watch->bytes && watch->seen_ns >= watch->since_ns + diagnosis->opts.readiness && is_driven(runtime))
		report(diagnosis, reader, watch);
	return true;
}

void cn_rule_readiness(struct cn_diagnosis *diagnosis)
{
	struct cn_memory *memory = diagnosis->memory;
	struct cn_read_watch kept[CN_READS_MAX] = { 0 };
	const struct cn_task *task;
	struct reader reader;
	int n = 0;

	if (cn_target_is_core(cn_model_target(diagnosis->model)))
		return;
	for (size_t i = 0; (task = cn_marked(diagnosis, CN_MARK_READS, &i));) {
		struct cn_read_watch *watch;

		if (!is_judged(diagnosis, task) || !reads(diagnosis->model, task, &reader))
			continue;
		watch = watch_of(memory, reader.resource->serial);
		if (watch && n < CN_READS_MAX && judge(diagnosis, &reader, watch))
			kept[n++] = *watch;
	}
	for (int i = 0; i < CN_READS_MAX; i++)
		memory->reads[i] = kept[i];
	ask_for_more(diagnosis);
	for (int i = 0; i < CN_READS_MAX; i++)
		if (memory->reads[i].serial)
			cn_want(diagnosis, memory->reads[i].serial);
}
