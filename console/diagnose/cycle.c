/* SPDX-License-Identifier: MIT */
/*
 * Rings of tasks that wait for each other: depth-first search in the graph
 *
 *     task --waits to lock--> mutex --owned by--> task
 *     task --joins----------------------------> task
 *
 * Mutexes and joins only: their owners are exact. A ring of awaits without a
 * way out (no select or timeout above them) is for ever. It is a stable
 * property, so a sound verdict needs no instant snapshot: each edge was there
 * in two looks, with equal stamps and the same owner, hence all the time in
 * between; so were all of them at once when the first of the looks had ended.
 * What was not equal in two looks is not reported at all.
 *
 * A ring with a way out (a timeout) will break by itself, again and again: LIKELY.
 */
#include <errno.h>
#include <stdlib.h>

#include "diagnose/report.h"
#include "export/text.h"
#include "model/slots.h"
#include "widget/format.h"

enum { PATH_MAX_TASKS = 1 << 16 };

struct node {
	uint64_t id; /* first: a row of cn_slots */
	const struct cn_task *task;
	uint32_t next;  /* await to follow next */
	uint32_t place; /* on the path + 1; 0 = not on it */
	bool either;    /* the edge that was followed last has a way out beside it */
};

struct search {
	struct cn_diagnosis *diagnosis;
	struct cn_slots nodes;
	struct node **path;
	uint32_t n, capacity;
	bool with_either; /* second pass: edges with a way out too */
};

/* Whom this await waits for, if that is exact and stood still; 0 = nobody. */
static uint64_t edge(const struct cn_model *model, const struct cn_task *task, const struct cn_await *await)
{
	const struct cn_runtime *runtime = cn_model_runtime(model, task->runtime);
	const struct cn_resource *mutex;

	if (await->wait_state != ROUSE_WAIT_WAITING)
		return 0;
	if (await->op == ROUSE_OP_JOIN)
		return await->resource;
	if (await->op != ROUSE_OP_LOCK)
		return 0;
	mutex = cn_model_resource(model, await->resource);
	if (!mutex || !(mutex->flags & ROUSE_RESOURCE_OWNED) || !cn_is_task_id(mutex->owner) ||
		mutex->changed_look >= runtime->looks)
		return 0;
	return mutex->owner;
}

static const struct cn_await *followed(const struct node *node)
{
	return &node->task->awaits[node->next - 1];
}

/* ------------------------------------------------------------------ a ring */

static void describe(
	const struct cn_model *model, struct cn_report *report, const struct node *node, const struct cn_task *next)
{
	const struct cn_task *task = node->task;
	const struct cn_await *await = followed(node);
	const struct cn_site *site = cn_model_site(model, task->runtime, cn_task_await_site(model, task));
	const struct cn_resource *mutex = await->op == ROUSE_OP_LOCK ? cn_model_resource(model, await->resource) : NULL;
	const struct cn_runtime *runtime = cn_model_runtime(model, task->runtime);
	char held[CN_FORMAT_BYTES];

	cn_evidence(report, "%s%s (%llu) at %s:%u ", *report->finding.evidence ? "; " : "",
		cn_safe(cn_task_name(model, task)), (unsigned long long)task->id,
		cn_safe(cn_path_base(cn_model_string(model, task->runtime, site->file))), site->line);
	if (!mutex) {
		cn_evidence(
			report, "joins %s (%llu)", cn_safe(cn_task_name(model, next)), (unsigned long long)next->id);
		return;
	}
	cn_evidence(report, "waits for mutex %s, which %s (%llu) has held", cn_safe(cn_resource_name(model, mutex)),
		cn_safe(cn_task_name(model, next)), (unsigned long long)next->id);
	if (mutex->owner_since_ns && runtime->now_ns > mutex->owner_since_ns)
		cn_evidence(report, " for %s", cn_format_ns(held, runtime->now_ns - mutex->owner_since_ns));
}

static void note_member(struct cn_diagnosis *diagnosis, uint64_t id)
{
	void *row;
	int rc = cn_slots_put(&diagnosis->in_rings, id, &row);

	if (rc)
		diagnosis->rc = rc;
}

/* The ring is path[from .. n). It is told from its oldest task on, so that it is the same ring in every look. */
static void report_ring(struct search *search, uint32_t from)
{
	const struct cn_model *model = search->diagnosis->model;
	uint32_t n = search->n - from, oldest = 0;
	bool either = false, stands = true;
	struct cn_report report;

	for (uint32_t i = 0; i < n; i++) {
		const struct node *node = search->path[from + i];

		if (!cn_task_settled(model, node->task))
			return;
		if (node->task->id < search->path[from + oldest]->task->id)
			oldest = i;
		either = either || node->either;
		stands = stands && cn_stands(model, node->task);
	}
	if (either != search->with_either)
		return; /* without a way out: told in the first pass */
	report = cn_report_about(CN_FINDING_WAIT_CYCLE,
		either   ? CN_LIKELY
		: stands ? CN_PROVEN
			 : CN_INCOMPLETE,
		search->path[from + oldest]->task);
	report.finding.n_tasks = n;
	report.still = 0;
	for (uint32_t i = 0; i < n; i++) {
		const struct node *node = search->path[from + (oldest + i) % n];
		const struct node *next = search->path[from + (oldest + i + 1) % n];

		if (i < CN_FINDING_TASKS)
			report.finding.tasks[i] = node->task->id;
		if (node->task->edge_ns > report.finding.since_ns) /* the last one closed the ring */
			report.finding.since_ns = node->task->edge_ns;
		report.still =
			(report.still ^ node->task->stamp ^ (uint64_t)node->task->polls << 24) * 0x9e3779b97f4a7c15ull;
		describe(model, &report, node, next->task);
		note_member(search->diagnosis, node->task->id);
	}
	report.finding.owner = report.finding.tasks[n > 1];
	if (followed(search->path[from + oldest])->op == ROUSE_OP_LOCK)
		report.finding.resource = followed(search->path[from + oldest])->resource;
	if (either)
		cn_evidence(&report, "; a select or timeout is its only way out");
	cn_report(search->diagnosis, &report);
}

/* ------------------------------------------------------------------ search */

static int enter(struct search *search, const struct cn_task *task, struct node **ret_node)
{
	void *row;
	int rc = cn_slots_put(&search->nodes, task->id, &row);

	if (rc)
		return rc;
	*ret_node = row;
	(*ret_node)->task = task;
	return 0;
}

static int push(struct search *search, struct node *node)
{
	if (search->n == search->capacity) {
		uint32_t capacity = search->capacity ? search->capacity * 2 : 64;
		struct node **path =
			search->n < PATH_MAX_TASKS ? realloc(search->path, capacity * sizeof(struct node *)) : NULL;

		if (!path)
			return -ENOMEM;
		search->path = path;
		search->capacity = capacity;
	}
	node->place = ++search->n;
	search->path[search->n - 1] = node;
	return 0;
}

/* The next task that this one waits for, NULL when there is no more. */
static const struct cn_task *follow(const struct search *search, struct node *node)
{
	const struct cn_model *model = search->diagnosis->model;
	const struct cn_task *task = node->task;

	while (node->next < task->n_awaits) {
		uint64_t id = edge(model, task, &task->awaits[node->next++]);
		const struct cn_task *next = id ? cn_model_task(model, id) : NULL;

		if (!next || next->state != ROUSE_TASK_PENDING)
			continue;
		node->either = cn_either(model, task, (uint16_t)(node->next - 1));
		if (!node->either || search->with_either)
			return next;
	}
	return NULL;
}

/* Each task is entered once; a task on the path that is met again closes a ring. */
static int visit(struct search *search, const struct cn_task *start)
{
	struct node *node;
	int rc = enter(search, start, &node);

	if (rc || node->next)
		return rc;
	rc = push(search, node);
	while (rc == 0 && search->n) {
		const struct cn_task *task = follow(search, search->path[search->n - 1]);

		if (!task) {
			search->path[--search->n]->place = 0;
			continue;
		}
		rc = enter(search, task, &node);
		if (rc)
			break;
		if (node->place)
			report_ring(search, node->place - 1);
		else if (!node->next)
			rc = push(search, node);
	}
	return rc;
}

static bool may_be_in_a_ring(const struct cn_task *task)
{
	const struct cn_await *leaf = cn_task_leaf(task);

	return task->state == ROUSE_TASK_PENDING && task->waiting &&
	       (task->waiting > 1 || leaf->op == ROUSE_OP_LOCK || leaf->op == ROUSE_OP_JOIN);
}

void cn_rule_cycles(struct cn_diagnosis *diagnosis)
{
	const struct cn_model *model = diagnosis->model;

	for (int pass = 0; pass < 2 && diagnosis->rc == 0; pass++) {
		struct search search = { .diagnosis = diagnosis, .with_either = pass == 1 };

		cn_slots_init(&search.nodes, sizeof(struct node), SIZE_MAX);
		for (size_t i = 0; i < cn_model_task_slots(model) && diagnosis->rc == 0; i++) {
			const struct cn_task *task = cn_model_task_at(model, i);

			if (task && may_be_in_a_ring(task))
				diagnosis->rc = visit(&search, task);
		}
		cn_slots_fini(&search.nodes);
		free(search.path);
	}
}
