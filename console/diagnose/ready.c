/* SPDX-License-Identifier: MIT */
/*
 * What a task waits for is there, and it sleeps: its wake was lost.
 *
 * Rouse's own objects hand over instead of waking to compete: whoever waits
 * while there is something to have is waiting for nothing. Two looks with equal
 * stamps, and the object as it was, exclude a hand-over under way; the hands of
 * threads that carry one say so (in_transit).
 */
#include <errno.h>
#include <stdlib.h>

#include "diagnose/sift.h"
#include "export/text.h"

/* A waiter, and the object that has what it wants. */
struct waiter {
	const struct cn_task *task;
	const struct cn_await *await;
	const struct cn_resource *resource; /* NULL: a task that is joined */
};

struct waiters {
	struct waiter *list;
	size_t n, capacity;
};

/* The most that any waiter of a semaphore wants, and whether one of them has been given something already. */
struct claim {
	uint64_t serial; /* first: a row of cn_slots */
	uint64_t most;
	bool granted;
};

const char *cn_is_there(const struct cn_resource *r, const struct cn_await *await)
{
	switch (await->op) {
	case ROUSE_OP_LOCK:
		return r->value == 1 ? "the lock is free" : NULL;
	case ROUSE_OP_ACQUIRE:
		return r->value >= await->arg ? "the permits are there" : NULL;
	case ROUSE_OP_NOTIFIED:
		return r->value ? "a permit is stored" : NULL;
	case ROUSE_OP_ONESHOT_RECV:
		return r->value ? "the value has been sent" : !r->side_a ? "its sender is gone" : NULL;
	case ROUSE_OP_RECV:
		return r->value ? "messages are queued" : !r->side_a ? "all senders are gone" : NULL;
	case ROUSE_OP_SEND:
		return r->kind == ROUSE_RESOURCE_MPSC && r->value < r->capacity ? "there is room" : NULL;
	case ROUSE_OP_BLOCKING:
		return r->value == 2 ? "the job is done" : NULL;
	default:
		return NULL;
	}
}

static int note(struct waiters *waiters, struct waiter waiter)
{
	if (waiters->n == waiters->capacity) {
		size_t capacity = waiters->capacity ? 2 * waiters->capacity : 16;
		struct waiter *list = realloc(waiters->list, capacity * sizeof *list);

		if (!list)
			return -ENOMEM;
		waiters->list = list;
		waiters->capacity = capacity;
	}
	waiters->list[waiters->n++] = waiter;
	return 0;
}

static int look_at(const struct cn_model *model, const struct cn_task *task, struct waiters *waiters)
{
	const struct cn_runtime *runtime = cn_model_runtime(model, task->runtime);
	int rc = 0;

	for (uint16_t i = task->leaf; rc == 0 && i < task->n_awaits; i++) {
		const struct cn_await *await = &task->awaits[i];
		const struct cn_resource *r;

		if (await->wait_state != ROUSE_WAIT_WAITING ||
			(cn_is_task_id(await->waker_task) && await->waker_task != task->id))
			continue;
		if (await->op == ROUSE_OP_JOIN) {
			const struct cn_task *joined = cn_model_task(model, await->resource);

			if (joined && joined->state >= ROUSE_TASK_COMPLETE && cn_task_settled(model, joined))
				rc = note(waiters, (struct waiter){ task, await, NULL });
			continue;
		}
		r = cn_model_resource(model, await->resource);
		if (r && r->changed_look < runtime->looks && cn_is_there(r, await))
			rc = note(waiters, (struct waiter){ task, await, r });
	}
	return rc;
}

/* Of the objects in question, what all their waiters want. */
static int claim(struct cn_slots *claims, const struct cn_task *task)
{
	for (uint16_t i = 0; i < task->n_awaits; i++) {
		const struct cn_await *await = &task->awaits[i];
		struct claim *row = await->op == ROUSE_OP_JOIN ? NULL : cn_slots_find(claims, await->resource);

		if (!row || await->wait_state == ROUSE_WAIT_IDLE)
			continue;
		row->granted = row->granted || await->wait_state == ROUSE_WAIT_GRANTED;
		if (await->op == ROUSE_OP_ACQUIRE && await->arg > row->most)
			row->most = await->arg;
	}
	return 0;
}

static int make_claims(const struct cn_model *model, const struct waiters *waiters, struct cn_slots *claims)
{
	void *row;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < waiters->n; i++)
		if (waiters->list[i].resource)
			rc = cn_slots_put(claims, waiters->list[i].resource->serial, &row);
	for (size_t i = 0; rc == 0 && claims->live && i < cn_model_task_slots(model); i++) {
		const struct cn_task *task = cn_model_task_at(model, i);

		if (task && task->n_awaits && task->state < ROUSE_TASK_COMPLETE)
			rc = claim(claims, task);
	}
	return rc;
}

static void report(struct cn_diagnosis *diagnosis, const struct waiter *waiter)
{
	const struct cn_model *model = diagnosis->model;
	const struct cn_resource *r = waiter->resource;
	struct cn_report report = cn_report_about(
		CN_FINDING_LOST_WAKE, cn_stands(model, waiter->task) ? CN_PROVEN : CN_INCOMPLETE, waiter->task);

	report.finding.since_ns = waiter->await->since_ns;
	if (!r) {
		cn_evidence(&report, "joins task %llu, which has ended, and was not woken",
			(unsigned long long)waiter->await->resource);
	} else {
		report.finding.resource = r->serial;
		report.still ^= r->value << 20;
		cn_evidence(&report, "waits for %s %s, and %s (%llu); it was not woken", cn_resource_kind_name(r->kind),
			cn_safe(cn_resource_name(model, r)), cn_is_there(r, waiter->await),
			(unsigned long long)r->value);
	}
	cn_explained(diagnosis, waiter->task->id);
	cn_report(diagnosis, &report);
}

void cn_rule_ready(struct cn_diagnosis *diagnosis)
{
	const struct cn_model *model = diagnosis->model;
	struct waiters waiters = { 0 };
	const struct cn_task *task;
	struct cn_slots claims;

	cn_slots_init(&claims, sizeof(struct claim), SIZE_MAX);
	for (size_t i = 0; diagnosis->rc == 0 && (task = cn_marked(diagnosis, CN_MARK_READY, &i));)
		if (task->valid && !(task->flags & ROUSE_CANCELLED))
			diagnosis->rc = look_at(model, task, &waiters);
	if (diagnosis->rc == 0)
		diagnosis->rc = make_claims(model, &waiters, &claims);
	for (size_t i = 0; diagnosis->rc == 0 && i < waiters.n; i++) {
		const struct waiter *waiter = &waiters.list[i];
		const struct claim *row = waiter->resource ? cn_slots_find(&claims, waiter->resource->serial) : NULL;

		/* First come, first served: permits may lie there for one who wants more. */
		if (!row || (!row->granted && waiter->resource->value >= row->most))
			report(diagnosis, waiter);
	}
	cn_slots_fini(&claims);
	free(waiters.list);
}
