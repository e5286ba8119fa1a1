/* SPDX-License-Identifier: MIT */
/*
 * Rings of tasks that wait for each other: depth-first search, three times.
 *
 *     exact     among the dead of the exact graph            PROVEN
 *     likely    among the dead of the likely one             LIKELY
 *     way out   over locks and joins that have a select or
 *               a timeout beside them: the ring will break
 *               by itself, again and again                   LIKELY
 *
 * The dead (graph.h) are more than the rings: whoever waits behind one is dead
 * too, and is not reported, for `why` leads it here. A ring of one is told by
 * those who know its kind.
 */
#include <errno.h>
#include <stdlib.h>

#include "diagnose/graph.h"
#include "diagnose/sift.h"
#include "export/text.h"
#include "widget/format.h"

enum { PATH_MAX_TASKS = 1 << 16 };

struct node {
	uint64_t id; /* first: a row of cn_slots */
	const struct cn_task *task;
	uint32_t next, next_target; /* await to follow next, and which of its targets */
	uint32_t followed;          /* the await that was followed last */
	uint32_t place;             /* on the path + 1; 0 = not on it */
	bool either;                /* the edge that was followed last has a way out beside it */
	bool guess;                 /* ... is not exact */
	bool entered;
};

struct search {
	struct cn_diagnosis *diagnosis;
	const struct cn_graph *graph;
	bool way_out; /* the third search */
	struct cn_slots nodes;
	struct node **path;
	uint32_t n, capacity;
};

static const struct cn_await *followed(const struct node *node)
{
	return &node->task->awaits[node->followed];
}

/* ------------------------------------------------------------------ a ring */

static void describe_wait(const struct cn_model *model, struct cn_report *report, const struct cn_await *await,
	const struct cn_task *next)
{
	const struct cn_resource *r = cn_model_resource(model, await->resource);
	const char *what = r ? cn_safe(cn_resource_name(model, r)) : "?", *who = cn_safe(cn_task_name(model, next));
	unsigned long long id = next->id;

	switch (await->op) {
	case ROUSE_OP_LOCK:
		cn_evidence(report, "waits for mutex %s, which %s (%llu) has held", what, who, id);
		break;
	case ROUSE_OP_ACQUIRE:
		cn_evidence(report, "waits for %llu permit%s of semaphore %s, of which %s (%llu) has taken some",
			(unsigned long long)await->arg, await->arg == 1 ? "" : "s", what, who, id);
		break;
	case ROUSE_OP_SEND:
		cn_evidence(report, "waits for room in channel %s, from which %s (%llu) received last", what, who, id);
		break;
	default:
		cn_evidence(report, "waits for a message of channel %s, which %s (%llu) could send", what, who, id);
		break;
	}
}

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
	if (await->op == ROUSE_OP_JOIN)
		cn_evidence(
			report, "joins %s (%llu)", cn_safe(cn_task_name(model, next)), (unsigned long long)next->id);
	else
		describe_wait(model, report, await, next);
	if (mutex && mutex->owner_since_ns && runtime->now_ns > mutex->owner_since_ns)
		cn_evidence(report, " for %s", cn_format_ns(held, runtime->now_ns - mutex->owner_since_ns));
}

static enum cn_class class_of(const struct search *search, bool guess, bool stands)
{
	if (search->way_out || guess)
		return CN_LIKELY;
	return stands ? CN_PROVEN : CN_INCOMPLETE;
}

/* The ring is path[from .. n). It is told from its oldest task on, so that it is the same ring in every look. */
static void report_ring(struct search *search, uint32_t from)
{
	const struct cn_model *model = search->diagnosis->model;
	uint32_t n = search->n - from, oldest = 0;
	bool either = false, guess = false, stands = true;
	struct cn_report report;

	for (uint32_t i = 0; i < n; i++) {
		const struct node *node = search->path[from + i];

		if (!cn_task_settled(model, node->task))
			return;
		if (node->task->id < search->path[from + oldest]->task->id)
			oldest = i;
		either = either || node->either;
		guess = guess || node->guess;
		stands = stands && cn_stands(model, node->task);
	}
	if (n == 1 || (search->way_out && !either) ||
		(!search->way_out && guess != (search->graph->trust != CN_TRUST_EXACT)))
		return; /* told elsewhere, or in the pass before */
	report = cn_report_about(
		CN_FINDING_WAIT_CYCLE, class_of(search, guess, stands), search->path[from + oldest]->task);
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
		cn_explained(search->diagnosis, node->task->id);
	}
	report.finding.owner = report.finding.tasks[1];
	if (followed(search->path[from + oldest])->op != ROUSE_OP_JOIN)
		report.finding.resource = followed(search->path[from + oldest])->resource;
	if (search->way_out)
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
	node->entered = true;
	node->place = ++search->n;
	search->path[search->n - 1] = node;
	return 0;
}

/* Through the living only where there is a way out, through the dead only where there is none. */
static bool takes_part(const struct search *search, const struct cn_task *task)
{
	if (search->way_out)
		return task->state == ROUSE_TASK_PENDING && !cn_graph_dead(search->graph, task->id);
	return cn_graph_dead(search->graph, task->id);
}

static bool leads_on(const struct search *search, unsigned int op)
{
	return !search->way_out || op == ROUSE_OP_LOCK || op == ROUSE_OP_JOIN;
}

/* The next task that this one waits for, NULL when there is no more. */
static const struct cn_task *follow(const struct search *search, struct node *node)
{
	const struct cn_model *model = search->diagnosis->model;
	const struct cn_task *task = node->task;

	while (node->next < task->n_awaits) {
		const struct cn_await *await = &task->awaits[node->next];
		const struct cn_task *next;
		bool exact;
		uint64_t id = leads_on(search, await->op)
				      ? cn_graph_target(search->graph, task, await, node->next_target++, &exact)
				      : 0;

		if (!id) {
			node->next++;
			node->next_target = 0;
			continue;
		}
		next = cn_model_task(model, id);
		if (!next || !takes_part(search, next))
			continue;
		node->followed = node->next;
		node->guess = !exact;
		node->either = cn_either(model, task, (uint16_t)node->next);
		return next;
	}
	return NULL;
}

/* Each task is entered once; a task on the path that is met again closes a ring. */
static int visit(struct search *search, const struct cn_task *start)
{
	struct node *node;
	int rc = enter(search, start, &node);

	if (rc || node->entered)
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
		else if (!node->entered)
			rc = push(search, node);
	}
	return rc;
}

/* Only who waits can be in a ring. */
static const struct cn_task *next(const struct search *search, size_t *at)
{
	const struct cn_task *task;

	if (search->way_out)
		return cn_marked(search->diagnosis, CN_MARK_BRANCHES, at);
	do
		task = cn_graph_next_dead(search->graph, at);
	while (task && !task->waiting);
	return task;
}

static void search_all(struct cn_diagnosis *diagnosis, const struct cn_graph *graph, bool way_out)
{
	struct search search = { .diagnosis = diagnosis, .graph = graph, .way_out = way_out };
	const struct cn_task *task;

	cn_slots_init(&search.nodes, sizeof(struct node), SIZE_MAX);
	for (size_t i = 0; diagnosis->rc == 0 && (task = next(&search, &i));)
		diagnosis->rc = visit(&search, task);
	cn_slots_fini(&search.nodes);
	free(search.path);
}

void cn_rule_cycles(struct cn_diagnosis *diagnosis)
{
	search_all(diagnosis, diagnosis->exact, false);
	search_all(diagnosis, diagnosis->likely, false);
	search_all(diagnosis, diagnosis->exact, true);
}
