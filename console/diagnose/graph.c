/* SPDX-License-Identifier: MIT */
#include "diagnose/graph.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "diagnose/load.h"

#include "diagnose/sift.h"

struct node {
	uint64_t id; /* first: a row of cn_slots */
	const struct cn_task *task;
	bool dead;
	bool waits; /* in the work list */
};

struct cn_graph_edge {
	uint64_t to, from;
};

/* ------------------------------------------------------------------ resources */

static const struct cn_resource *settled_resource(const struct cn_graph *graph, uint64_t serial)
{
	const struct cn_resource *resource = cn_model_resource(graph->model, serial);
	const struct cn_runtime *runtime = resource ? cn_model_runtime(graph->model, resource->runtime) : NULL;

	return runtime && resource->changed_look < runtime->looks ? resource : NULL;
}

/*
 * May the holders of this semaphore be believed to be all who will release?
 * Owned: nobody else may. Else, if permits have come home to it from those who
 * had taken them, and never from others.
 */
static bool holders_count(const struct cn_graph *graph, const struct cn_resource *semaphore)
{
	if (semaphore->flags & ROUSE_RESOURCE_OWNED)
		return true;
	return graph->trust >= CN_TRUST_LIKELY && cn_is_lock_like(semaphore);
}

static bool waits_for_tasks(const struct cn_task *task)
{
	return task->waiting && cn_waits_for_tasks(cn_task_leaf(task)->op);
}

/*
 * Servers wait for messages all day, and a search of memory is not for nothing:
 * only if whoever sent last has ended, or waits for others itself.
 */
static bool is_suspicious(const struct cn_graph *graph, const struct cn_task *task, const struct cn_resource *channel)
{
	const struct cn_task *sender = cn_model_task(graph->model, channel->last_user_a);

	if (task->kind == ROUSE_KIND_DAEMON || cn_calm_ns(graph->diagnosis, task) < graph->diagnosis->opts.leaked)
		return false;
	return !sender || sender->state >= ROUSE_TASK_COMPLETE || sender == task ||
	       (sender->state == ROUSE_TASK_PENDING && waits_for_tasks(sender));
}

/* The tasks whose frames hold the channel, if they are all who do. */
static const struct cn_detail *peers(
	const struct cn_graph *graph, const struct cn_task *task, const struct cn_resource *channel)
{
	if (graph->trust < CN_TRUST_LIKELY || channel->value || channel->flags & ROUSE_RESOURCE_CLOSED ||
		!is_suspicious(graph, task, channel))
		return NULL;
	return cn_searched(graph->diagnosis, channel->serial, (uint64_t)task->stamp << 32 | task->polls);
}

uint64_t cn_graph_target(const struct cn_graph *graph, const struct cn_task *task, const struct cn_await *await,
	size_t i, bool *ret_exact)
{
	const struct cn_resource *resource;
	const struct cn_holder *holders;
	const struct cn_detail *detail;

	*ret_exact = true;
	if (await->wait_state != ROUSE_WAIT_WAITING)
		return 0;
	if (await->op == ROUSE_OP_JOIN)
		return i == 0 ? await->resource : 0;
	resource = settled_resource(graph, await->resource);
	if (!resource)
		return 0;
	switch (await->op) {
	case ROUSE_OP_LOCK:
		return i == 0 && resource->flags & ROUSE_RESOURCE_OWNED && cn_is_task_id(resource->owner)
			       ? resource->owner
			       : 0;
	case ROUSE_OP_ACQUIRE:
		*ret_exact = resource->flags & ROUSE_RESOURCE_OWNED;
		if (!holders_count(graph, resource) || i >= cn_model_holders(graph->model, resource->serial, &holders))
			return 0;
		return cn_is_task_id(holders[i].task) ? holders[i].task : 0;
	case ROUSE_OP_SEND:
		*ret_exact = false;
		return i == 0 && graph->trust >= CN_TRUST_LIKELY && cn_is_task_id(resource->last_user_b)
			       ? resource->last_user_b
			       : 0;
	case ROUSE_OP_RECV:
	case ROUSE_OP_ONESHOT_RECV:
		*ret_exact = false;
		detail = peers(graph, task, resource);
		return detail && i < detail->n_places ? detail->places[i].task : 0;
	default:
		return 0;
	}
}

/* ------------------------------------------------------------- alive or dead */

/* Nothing in it but what it waits for could make it run. */
static bool may_be_dead(const struct cn_model *model, const struct cn_task *task)
{
	const struct cn_runtime *runtime = cn_model_runtime(model, task->runtime);

	return runtime && runtime->complete && task->state == ROUSE_TASK_PENDING && task->polls && task->valid &&
	       !(task->flags & ROUSE_CANCELLED) && cn_task_settled(model, task);
}

static bool has_no_waker(const struct cn_task *task)
{
	return !task->waker_refs;
}

/* While the graph is built, everybody that may be dead is. */
static bool is_dead(const struct cn_graph *graph, uint64_t id, bool building)
{
	const struct cn_task *task;
	const struct node *node;

	if (building) {
		task = cn_model_task(graph->model, id);
		return task && may_be_dead(graph->model, task);
	}
	node = cn_slots_find(&graph->nodes, id);
	return node && node->dead;
}

static bool lock_is_dead(const struct cn_graph *graph, const struct cn_resource *mutex, bool building)
{
	if (!(mutex->flags & ROUSE_RESOURCE_OWNED) || mutex->value || !cn_is_task_id(mutex->owner))
		return false;
	return cn_ended(graph->model, mutex->owner) || is_dead(graph, mutex->owner, building);
}

/* Even with all permits that the living can give back, there would not be enough. */
static bool acquire_is_dead(
	const struct cn_graph *graph, const struct cn_resource *semaphore, uint64_t wanted, bool building)
{
	const struct cn_holder *holders;
	size_t n = cn_model_holders(graph->model, semaphore->serial, &holders);
	uint64_t can_be = semaphore->value;

	if (!holders_count(graph, semaphore) || semaphore->flags & ROUSE_RESOURCE_CLOSED ||
		(wanted > semaphore->capacity && !(semaphore->flags & ROUSE_RESOURCE_OWNED)))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!cn_is_task_id(holders[i].task) ||
			!(cn_ended(graph->model, holders[i].task) || is_dead(graph, holders[i].task, building)))
			can_be += holders[i].permits;
	return can_be < wanted;
}

static bool send_is_dead(const struct cn_graph *graph, const struct cn_resource *channel, bool building)
{
	return graph->trust >= CN_TRUST_LIKELY && channel->capacity && channel->value >= channel->capacity &&
	       !(channel->flags & ROUSE_RESOURCE_CLOSED) && cn_is_task_id(channel->last_user_b) &&
	       !cn_ended(graph->model, channel->last_user_b) && is_dead(graph, channel->last_user_b, building);
}

static bool receive_is_dead(
	const struct cn_graph *graph, const struct cn_task *task, const struct cn_resource *channel, bool building)
{
	const struct cn_detail *detail = peers(graph, task, channel);

	for (uint32_t i = 0; detail && i < detail->n_places; i++)
		if (!cn_ended(graph->model, detail->places[i].task) &&
			!is_dead(graph, detail->places[i].task, building))
			return false;
	return detail != NULL;
}

static bool leaf_is_dead(
	const struct cn_graph *graph, const struct cn_task *task, const struct cn_await *await, bool building)
{
	const struct cn_resource *resource;

	if (await->wait_state != ROUSE_WAIT_WAITING)
		return false;
	if (await->op == ROUSE_OP_JOIN)
		return !cn_ended(graph->model, await->resource) && is_dead(graph, await->resource, building);
	resource = settled_resource(graph, await->resource);
	if (!resource)
		return false;
	switch (await->op) {
	case ROUSE_OP_LOCK:
		return lock_is_dead(graph, resource, building);
	case ROUSE_OP_ACQUIRE:
		return acquire_is_dead(graph, resource, await->arg, building);
	case ROUSE_OP_SEND:
		return send_is_dead(graph, resource, building);
	case ROUSE_OP_RECV:
	case ROUSE_OP_ONESHOT_RECV:
		return receive_is_dead(graph, task, resource, building);
	default:
		return false;
	}
}

/*
 * Bottom up: parents stand before their children. A join of futures needs them
 * all, anything else with several children the first that is ready.
 */
static bool task_is_dead(const struct cn_graph *graph, const struct cn_task *task, bool building)
{
	enum { AWAITS_MAX = 256 };
	uint16_t dead[AWAITS_MAX], children[AWAITS_MAX];

	if (has_no_waker(task))
		return true;
	/* Most tasks wait for one thing, and that is no task. */
	if (!task->waiting || task->n_awaits > AWAITS_MAX || (task->waiting == 1 && !waits_for_tasks(task)))
		return false;
	memset(dead, 0, task->n_awaits * sizeof dead[0]);
	memset(children, 0, task->n_awaits * sizeof children[0]);
	for (uint16_t i = task->n_awaits; i-- > 0;) {
		const struct cn_await *await = &task->awaits[i];
		bool all = cn_model_site(graph->model, task->runtime, await->at)->kind == ROUSE_SITE_JOIN;
		bool is = children[i] ? (all ? dead[i] > 0 : dead[i] == children[i])
				      : leaf_is_dead(graph, task, await, building);

		if (i == 0)
			return is;
		if (await->parent >= i)
			return false;
		children[await->parent]++;
		dead[await->parent] = (uint16_t)(dead[await->parent] + is);
	}
	return false;
}

/* ------------------------------------------------------------------ building */

static int add_edge(struct cn_graph *graph, uint64_t to, uint64_t from)
{
	if (graph->n_edges == graph->capacity) {
		size_t capacity = graph->capacity ? graph->capacity * 2 : 64;
		struct cn_graph_edge *edges = realloc(graph->edges, capacity * sizeof *edges);

		if (!edges)
			return -ENOMEM;
		graph->edges = edges;
		graph->capacity = capacity;
	}
	graph->edges[graph->n_edges++] = (struct cn_graph_edge){ to, from };
	return 0;
}

static int add_node(struct cn_graph *graph, const struct cn_task *task)
{
	void *row;
	int rc = cn_slots_put(&graph->nodes, task->id, &row);
	struct node *node = row;

	if (rc)
		return rc;
	node->task = task;
	node->dead = node->waits = true;
	for (uint16_t i = 0; i < task->n_awaits; i++) {
		uint64_t to;
		bool exact;

		for (size_t k = 0; rc == 0 && (to = cn_graph_target(graph, task, &task->awaits[i], k, &exact)); k++)
			rc = add_edge(graph, to, task->id);
	}
	return rc;
}

static int compare_edges(const void *a, const void *b)
{
	const struct cn_graph_edge *x = a, *y = b;

	if (x->to != y->to)
		return x->to < y->to ? -1 : 1;
	return x->from < y->from ? -1 : x->from > y->from;
}

static size_t first_edge_to(const struct cn_graph *graph, uint64_t to)
{
	size_t low = 0, high = graph->n_edges;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (graph->edges[middle].to < to)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Takes out whoever has a living way out, and looks again at those that waited for it. */
static int settle(struct cn_graph *graph)
{
	size_t n = graph->nodes.used, top = 0;
	struct node **list = calloc(n + 1, sizeof(struct node *));

	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		list[top++] = cn_slots_at(&graph->nodes, i);
	while (top) {
		struct node *node = list[--top];

		node->waits = false;
		if (!node->dead || task_is_dead(graph, node->task, false))
			continue;
		node->dead = false;
		for (size_t i = first_edge_to(graph, node->id); i < graph->n_edges && graph->edges[i].to == node->id;
			i++) {
			struct node *from = cn_slots_find(&graph->nodes, graph->edges[i].from);

			if (!from || !from->dead || from->waits)
				continue;
			from->waits = true;
			list[top++] = from;
		}
	}
	free(list);
	return 0;
}

static int consider(struct cn_graph *graph, const struct cn_task *task)
{
	return may_be_dead(graph->model, task) && task_is_dead(graph, task, true) ? add_node(graph, task) : 0;
}

int cn_graph_init(
	struct cn_graph *graph, struct cn_diagnosis *diagnosis, enum cn_trust trust, const struct cn_graph *wider)
{
	const struct cn_task *task;
	int rc = 0;

	*graph = (struct cn_graph){ .diagnosis = diagnosis, .model = diagnosis->model, .trust = trust };
	cn_slots_init(&graph->nodes, sizeof(struct node), SIZE_MAX);
	for (size_t i = 0; rc == 0 && wider && i < wider->nodes.used; i++)
		rc = consider(graph, ((const struct node *)cn_slots_at(&wider->nodes, i))->task);
	for (size_t i = 0; rc == 0 && !wider && (task = cn_marked(diagnosis, CN_MARK_HELD, &i));)
		rc = consider(graph, task);
	if (graph->n_edges)
		qsort(graph->edges, graph->n_edges, sizeof graph->edges[0], compare_edges);
	return rc ? rc : settle(graph);
}

void cn_graph_fini(struct cn_graph *graph)
{
	cn_slots_fini(&graph->nodes);
	free(graph->edges);
}

bool cn_graph_dead(const struct cn_graph *graph, uint64_t task)
{
	const struct node *node = cn_slots_find(&graph->nodes, task);

	return node && node->dead;
}

const struct cn_task *cn_graph_next_dead(const struct cn_graph *graph, size_t *node)
{
	while (*node < graph->nodes.used) {
		const struct node *at = cn_slots_at(&graph->nodes, (*node)++);

		if (at->dead)
			return at->task;
	}
	return NULL;
}
