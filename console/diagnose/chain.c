/* SPDX-License-Identifier: MIT */
/*
 * From a task down to what would make it run.
 *
 * Each task is followed through its await frames to the leaf, the leaf to what
 * it waits for, that to whoever has it or would give it, and so on until a
 * root: a timer, the network, a worker that is busy, a task shown above. Owners
 * of mutexes and joined tasks are exact; who last used a channel or a semaphore
 * is a guess and marked so. Bounded in links, hops and awaits of one task.
 */
#include "diagnose/links.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "diagnose/report.h"
#include "export/text.h"
#include "widget/format.h"

enum { HOPS_MAX = 24, AWAITS_SHOWN = 64, WORKERS_SHOWN = 16 };

static const struct cn_spot start = { .relation = CN_RELATION_START, .last = true };

void cn_add_branch(struct cn_builder *b, uint32_t parent, enum cn_relation relation, uint64_t id, bool guess,
	uint32_t i, uint32_t n)
{
	struct cn_spot spot = cn_spot_under(parent, b, relation);
	bool before = b->guessed;
	uint32_t link = b->chain->n;

	spot.depth = (uint16_t)(spot.depth + (n > 1));
	spot.either = n > 1;
	spot.last = i + 1 == n;
	b->guessed = before || guess;
	cn_add_task(b, spot, id);
	b->guessed = before;
	if (link < b->chain->n)
		b->chain->links[link].guess = guess;
}

void cn_add_user(struct cn_builder *b, uint32_t parent, enum cn_relation relation, uint64_t id, bool guess)
{
	cn_add_branch(b, parent, relation, id, guess, 0, 1);
}

/* ------------------------------------------------------------------- awaits */

static uint16_t child_after(const struct cn_task *task, uint16_t parent, uint16_t from)
{
	for (uint16_t i = from; i < task->n_awaits && i < AWAITS_SHOWN; i++)
		if (i != parent && task->awaits[i].parent == parent)
			return i;
	return UINT16_MAX;
}

/* A recursion as deep as the chain, at most AWAITS_SHOWN for each of HOPS_MAX tasks. */
static void add_await(struct cn_builder *b, struct cn_spot spot, const struct cn_task *task, uint16_t index)
{
	const struct cn_await *await = &task->awaits[index];
	uint16_t child = child_after(task, index, (uint16_t)(index + 1));
	uint16_t next = child == UINT16_MAX ? child : child_after(task, index, (uint16_t)(child + 1));
	bool all = cn_model_site(b->model, task->runtime, await->at)->kind == ROUSE_SITE_JOIN;
	uint32_t link = cn_link_add(b, spot, CN_LINK_AWAIT, 0, task->runtime);

	if (link == UINT32_MAX)
		return;
	b->chain->links[link].type = await->type;
	b->chain->links[link].at = await->at;
	b->chain->links[link].op = await->op;
	b->chain->links[link].wait_state = await->wait_state;
	b->chain->links[link].since_ns = await->since_ns;
	if (task->n_awaits > AWAITS_SHOWN)
		b->chain->truncated = true;
	if (child == UINT16_MAX) {
		cn_add_wait(b, link, task, await);
		return;
	}
	if (next != UINT16_MAX)
		cn_link_say(b, link, "%s", all ? "all of these:" : "the first of these:");
	for (bool branch = next != UINT16_MAX; child != UINT16_MAX; child = next) {
		struct cn_spot here = cn_spot_under(link, b, CN_RELATION_AWAITS);

		next = child_after(task, index, (uint16_t)(child + 1));
		here.depth = (uint16_t)(here.depth + branch);
		here.either = branch && !all;
		here.last = next == UINT16_MAX;
		add_await(b, here, task, child);
	}
}

/* -------------------------------------------------------------------- tasks */

/* Shown already? In a chain without guesses that closes a ring when it lies on the way here. */
static bool shown_above(struct cn_builder *b, uint32_t link)
{
	struct cn_chain *chain = b->chain;
	uint64_t id = chain->links[link].id;

	for (uint32_t i = chain->links[link].parent; i != link; i = chain->links[i].parent) {
		if (chain->links[i].kind == CN_LINK_TASK && chain->links[i].id == id) {
			chain->links[link].cycle = true;
			chain->cycle = chain->cycle || !b->guessed;
			cn_link_say(b, link, "%s", b->guessed ? "shown above" : "back to where it stood: a ring");
			return true;
		}
		if (i == 0)
			break;
	}
	for (uint32_t i = 0; i < link; i++) {
		if (chain->links[i].kind == CN_LINK_TASK && chain->links[i].id == id) {
			cn_link_say(b, link, "shown above");
			return true;
		}
	}
	return false;
}

static void say_state(struct cn_builder *b, uint32_t link, const struct cn_task *task)
{
	uint64_t ns = cn_task_in_state_ns(b->model, task);
	char time[CN_FORMAT_BYTES];

	cn_link_say(b, link, "%s", cn_task_state_name(task->state));
	if (ns && task->state < ROUSE_TASK_COMPLETE)
		cn_link_say(b, link, " for %s", cn_format_ns(time, ns));
	cn_link_say(b, link, ", %u poll%s", task->polls, task->polls == 1 ? "" : "s");
}

static void add_running(struct cn_builder *b, uint32_t link, const struct cn_task *task)
{
	uint32_t site = cn_task_await_site(b->model, task);
	uint32_t worker =
		cn_link_add(b, cn_spot_under(link, b, CN_RELATION_RUN_BY), CN_LINK_WORKER, task->worker, task->runtime);
	char time[CN_FORMAT_BYTES];

	if (worker == UINT32_MAX)
		return;
	b->chain->links[worker].at = site;
	cn_link_say(b, worker, "in poll %u for %s%s", task->polls,
		cn_format_ns(time, cn_task_in_state_ns(b->model, task)), site ? ", resumed from" : "");
	cn_add_thread_of(b, worker, task->runtime, task->worker);
}

/* Any worker may take it: each is named with what it does instead. */
static void add_scheduled(struct cn_builder *b, uint32_t link, const struct cn_task *task)
{
	const struct cn_runtime *runtime = cn_model_runtime(b->model, task->runtime);
	const char *source = cn_wake_source_name(task->last_waker);
	const struct cn_task *waker = cn_model_task(b->model, task->last_waker);
	uint32_t n = 0,
		 root = cn_link_add(b, cn_spot_under(link, b, CN_RELATION_ENDS_IN), CN_LINK_ROOT, 0, task->runtime);

	cn_link_say(b, root, "a worker that takes it from its queue; it was woken by %s%s",
		source  ? source
		: waker ? cn_safe(cn_task_name(b->model, waker))
			: "a task that has ended",
		task->flags & ROUSE_CANCELLED ? ", and is being cancelled" : "");
	if (!runtime) /* no look at it is whole yet */
		return;
	for (uint32_t i = 0; i < runtime->n_workers; i++)
		n += !runtime->workers[i].foreign;
	for (uint32_t i = 0, k = 0; i < runtime->n_workers && root != UINT32_MAX; i++) {
		struct cn_spot spot = cn_spot_under(root, b, CN_RELATION_RUN_BY);

		if (runtime->workers[i].foreign)
			continue;
		k++;
		if (k > WORKERS_SHOWN) {
			b->chain->truncated = true;
			break;
		}
		spot.depth = (uint16_t)(spot.depth + (n > 1));
		spot.either = n > 1;
		spot.last = k == n || k == WORKERS_SHOWN;
		cn_add_worker(b, spot, runtime, &runtime->workers[i]);
	}
}

void cn_add_task(struct cn_builder *b, struct cn_spot spot, uint64_t id)
{
	const struct cn_task *task = cn_model_task(b->model, id);
	uint32_t link = cn_link_add(b, spot, CN_LINK_TASK, id, task ? task->runtime : 0);

	if (link == UINT32_MAX)
		return;
	if (!task) {
		cn_link_say(b, link, "has ended");
		return;
	}
	if (shown_above(b, link))
		return;
	say_state(b, link, task);
	b->chain->links[link].at = task->spawn_site;
	b->chain->valid = b->chain->valid && (task->valid || task->state != ROUSE_TASK_PENDING);
	if (b->hops == HOPS_MAX) {
		b->chain->truncated = true;
		return;
	}
	b->hops++;
	if (task->state == ROUSE_TASK_RUNNING)
		add_running(b, link, task);
	else if (task->state == ROUSE_TASK_SCHEDULED)
		add_scheduled(b, link, task);
	else if (task->state == ROUSE_TASK_CREATED)
		CN_ROOT(b, link, task->runtime, "it was prepared, and has not been started");
	else if (task->state == ROUSE_TASK_PENDING && task->n_awaits)
		add_await(b, cn_spot_under(link, b, CN_RELATION_AWAITS), task, 0);
	else if (task->state == ROUSE_TASK_PENDING)
		cn_add_wakers(b, link, task);
}

/* -------------------------------------------------------------------- whole */

int cn_chain_build(
	const struct cn_model *model, const struct cn_findings *findings, uint64_t task, struct cn_chain *ret_chain)
{
	struct cn_chain chain = { .valid = true };
	struct cn_builder b = { .model = model, .findings = findings, .chain = &chain };

	if (!cn_model_task(model, task))
		return -ENOENT;
	cn_add_task(&b, start, task);
	if (b.rc) {
		cn_chain_free(&chain);
		return b.rc;
	}
	cn_chain_judge(model, findings, &chain);
	*ret_chain = chain;
	return 0;
}
void cn_chain_free(struct cn_chain *chain)
{
	free(chain->links);
	*chain = (struct cn_chain){ 0 };
}

size_t cn_chain_wants(const struct cn_chain *chain, uint64_t *ret_ids, size_t max)
{
	size_t n = 0;

	for (uint32_t i = 0; i < chain->n && n < max; i++) {
		const struct cn_link *link = &chain->links[i];
		bool asked = link->kind != CN_LINK_RESOURCE && link->kind != CN_LINK_TASK;

		for (size_t k = 0; k < n && !asked; k++)
			asked = ret_ids[k] == link->id;
		if (!asked)
			ret_ids[n++] = link->id;
	}
	return n;
}

bool cn_chain_has_threads(const struct cn_chain *chain)
{
	for (uint32_t i = 0; i < chain->n; i++)
		if (chain->links[i].kind == CN_LINK_THREAD || chain->links[i].kind == CN_LINK_WORKER)
			return true;
	return false;
}

const char *cn_link_kind_name(unsigned int kind)
{
	static const char *const texts[] = {
#define X(name, text) text,
		CN_LINKS(X)
#undef X
	};

	return kind < CN_LINK_KIND_MAX ? texts[kind] : "unknown";
}

const char *cn_relation_name(unsigned int relation)
{
	static const char *const texts[] = {
#define X(name, text) text,
		CN_RELATIONS(X)
#undef X
	};

	return relation < CN_RELATION_MAX ? texts[relation] : "unknown";
}
