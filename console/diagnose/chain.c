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
#include "diagnose/chain.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "diagnose/report.h"
#include "export/text.h"
#include "widget/format.h"

enum { LINKS_MAX = 400, HOPS_MAX = 24, AWAITS_SHOWN = 64, WORKERS_SHOWN = 16 };

struct builder {
	const struct cn_model *model;
	struct cn_chain *chain;
	uint32_t capacity;
	uint32_t hops;
	bool guessed; /* a guess lies on the path from the first task to here */
	int rc;
};

/* What comes next hangs here. */
struct place {
	uint32_t parent;
	uint16_t depth; /* branches above */
	enum cn_relation relation;
	bool either;
	bool last;
};

static const struct place start = { .relation = CN_RELATION_START, .last = true };

static struct place under(uint32_t parent, const struct builder *b, enum cn_relation relation)
{
	return (struct place){
		.parent = parent, .depth = b->chain->links[parent].depth, .relation = relation, .last = true
	};
}

/* The new link's index, UINT32_MAX when there is no room. */
static uint32_t add(struct builder *b, struct place place, enum cn_link_kind kind, uint64_t id, uint8_t runtime)
{
	struct cn_chain *chain = b->chain;

	if (b->rc || chain->n == LINKS_MAX) {
		chain->truncated = true;
		return UINT32_MAX;
	}
	if (chain->n == b->capacity) {
		uint32_t capacity = b->capacity ? b->capacity * 2 : 16;
		struct cn_link *links = realloc(chain->links, capacity * sizeof *links);

		if (!links) {
			b->rc = -ENOMEM;
			return UINT32_MAX;
		}
		chain->links = links;
		b->capacity = capacity;
	}
	chain->links[chain->n] = (struct cn_link){ .kind = (uint8_t)kind,
		.relation = (uint8_t)place.relation,
		.either = place.either,
		.last = place.last,
		.runtime = runtime,
		.depth = place.depth,
		.parent = chain->n ? place.parent : 0,
		.id = id };
	return chain->n++;
}

static void say(struct builder *b, uint32_t link, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void say(struct builder *b, uint32_t link, const char *format, ...)
{
	va_list args;
	char *text;
	size_t used;

	if (link == UINT32_MAX)
		return;
	text = b->chain->links[link].text;
	used = strlen(text);
	va_start(args, format);
	vsnprintf(text + used, sizeof b->chain->links[link].text - used, format, args);
	va_end(args);
}

#define ROOT(B, PARENT, RUNTIME, ...)                                                                                  \
	say((B), add((B), under((PARENT), (B), CN_RELATION_ENDS_IN), CN_LINK_ROOT, 0, (RUNTIME)), __VA_ARGS__)

static uint64_t now_of(const struct builder *b, uint8_t runtime)
{
	const struct cn_runtime *of = cn_model_runtime(b->model, runtime);

	return of ? of->now_ns : 0;
}

static void add_task(struct builder *b, struct place place, uint64_t id);

/* One more task, unless it is nobody; `guess`: it only used the thing last. */
static void add_user(struct builder *b, uint32_t parent, enum cn_relation relation, uint64_t id, bool guess)
{
	bool before = b->guessed;
	uint32_t link = b->chain->n;

	b->guessed = before || guess;
	add_task(b, under(parent, b, relation), id);
	b->guessed = before;
	if (link < b->chain->n)
		b->chain->links[link].guess = guess;
}

/* --------------------------------------------------------- what it waits for */

static void say_amount(struct builder *b, uint32_t link, const struct cn_resource *r)
{
	switch (r->kind) {
	case ROUSE_RESOURCE_MUTEX:
		say(b, link, "%s", r->value ? "free" : "locked");
		break;
	case ROUSE_RESOURCE_SEMAPHORE:
		say(b, link, "%llu of %llu permits free", (unsigned long long)r->value,
			(unsigned long long)r->capacity);
		break;
	case ROUSE_RESOURCE_ONESHOT:
		say(b, link, "%s", r->value ? "sent" : r->side_a ? "not sent yet" : "its sender is gone");
		break;
	case ROUSE_RESOURCE_MPSC:
		say(b, link, "%llu of %llu queued, %llu sender%s", (unsigned long long)r->value,
			(unsigned long long)r->capacity, (unsigned long long)r->side_a, r->side_a == 1 ? "" : "s");
		break;
	case ROUSE_RESOURCE_UNBOUNDED:
		say(b, link, "%llu queued, %llu sender%s", (unsigned long long)r->value, (unsigned long long)r->side_a,
			r->side_a == 1 ? "" : "s");
		break;
	case ROUSE_RESOURCE_LISTENER:
	case ROUSE_RESOURCE_SOCKET:
	case ROUSE_RESOURCE_FD:
		say(b, link, "fd %llu", (unsigned long long)r->value);
		break;
	case ROUSE_RESOURCE_NOTIFY:
		say(b, link, "%s", r->value ? "a permit is stored" : "not notified");
		break;
	default:
		break;
	}
	if (r->flags & ROUSE_RESOURCE_CLOSED)
		say(b, link, ", closed");
	if (r->waiters > 1)
		say(b, link, ", %u tasks wait for it", r->waiters);
}

static uint32_t add_resource(struct builder *b, uint32_t parent, const struct cn_resource *r)
{
	uint32_t link = add(b, under(parent, b, CN_RELATION_WAITS_FOR), CN_LINK_RESOURCE, r->serial, r->runtime);

	if (link == UINT32_MAX)
		return link;
	b->chain->links[link].at = r->site;
	b->chain->links[link].since_ns = r->owner_since_ns;
	say_amount(b, link, r);
	return link;
}

static void after_mutex(struct builder *b, uint32_t link, const struct cn_resource *r)
{
	if (cn_is_task_id(r->owner))
		add_user(b, link, CN_RELATION_HELD_BY, r->owner, false);
	else if (r->owner >> 63)
		ROOT(b, link, r->runtime, "thread %llu, which is not one of the runtime's, holds it",
			(unsigned long long)(r->owner & ~(1ull << 63)));
	else
		ROOT(b, link, r->runtime, "it is being handed over just now");
}

static void after_job(struct builder *b, uint32_t link, const struct cn_resource *r)
{
	const struct cn_runtime *runtime = cn_model_runtime(b->model, r->runtime);

	if (r->value == 0 && runtime)
		ROOT(b, link, r->runtime, "no thread has taken the job: %llu queued, %llu of %llu threads, %llu idle",
			(unsigned long long)runtime->blocking_queued, (unsigned long long)runtime->blocking_threads,
			(unsigned long long)runtime->blocking_limit, (unsigned long long)runtime->blocking_idle);
	else
		ROOT(b, link, r->runtime, "thread %llu of the blocking pool runs the job",
			(unsigned long long)r->owner);
}

/* Who would end the wait. */
static void after_resource(struct builder *b, uint32_t link, const struct cn_resource *r, const struct cn_await *await)
{
	switch (await->op) {
	case ROUSE_OP_LOCK:
		after_mutex(b, link, r);
		break;
	case ROUSE_OP_ACQUIRE:
		if (cn_is_task_id(r->last_user_a))
			add_user(b, link, CN_RELATION_USED_BY, r->last_user_a, true);
		break;
	case ROUSE_OP_RECV:
	case ROUSE_OP_ONESHOT_RECV:
		if (cn_is_task_id(r->last_user_a))
			add_user(b, link, CN_RELATION_SENT_BY, r->last_user_a, true);
		else
			ROOT(b, link, r->runtime, "nobody has sent to it so far");
		break;
	case ROUSE_OP_SEND:
		if (cn_is_task_id(r->last_user_b))
			add_user(b, link, CN_RELATION_TAKEN_BY, r->last_user_b, true);
		else
			ROOT(b, link, r->runtime, "nobody has received from it so far");
		break;
	case ROUSE_OP_NOTIFIED:
		ROOT(b, link, r->runtime, "whoever notifies it next");
		break;
	case ROUSE_OP_READ:
		ROOT(b, link, r->runtime, "%s",
			r->kind == ROUSE_RESOURCE_FD ? "whatever makes it readable"
						     : "the other end: nothing has come from it");
		break;
	case ROUSE_OP_WRITE:
		ROOT(b, link, r->runtime, "%s",
			r->kind == ROUSE_RESOURCE_FD ? "whatever makes it writable"
						     : "the other end: it does not read, and buffers are full");
		break;
	case ROUSE_OP_ACCEPT:
		ROOT(b, link, r->runtime, "a client that connects");
		break;
	case ROUSE_OP_CONNECT:
		ROOT(b, link, r->runtime, "the server: it has not answered yet");
		break;
	case ROUSE_OP_BLOCKING:
		after_job(b, link, r);
		break;
	default:
		break;
	}
}

/* A leaf that waits with nothing we can see: all there is to say is who holds wakers. */
static void add_wakers(struct builder *b, uint32_t link, const struct cn_task *task)
{
	if (task->waker_refs == 0)
		ROOT(b, link, task->runtime, "nobody: no waker of this task exists");
	else if (task->own_wakers >= task->waker_refs)
		ROOT(b, link, task->runtime, "only itself: its %s in its own frame",
			task->waker_refs == 1 ? "one waker lies" : "wakers all lie");
	else
		ROOT(b, link, task->runtime, "whoever holds its waker%s (%u): not a part of the runtime",
			task->waker_refs == 1 ? "" : "s", task->waker_refs);
}

static void add_timer(struct builder *b, uint32_t link, const struct cn_task *task, const struct cn_await *await)
{
	uint64_t now = now_of(b, task->runtime);
	char time[CN_FORMAT_BYTES];

	if (await->arg > now)
		ROOT(b, link, task->runtime, "a timer, due in %s", cn_format_ns(time, await->arg - now));
	else
		ROOT(b, link, task->runtime, "a timer, due %s ago: it fires when a worker turns the wheel",
			cn_format_ns(time, now - await->arg));
}

static void add_wait(struct builder *b, uint32_t link, const struct cn_task *task, const struct cn_await *await)
{
	const struct cn_resource *r;

	if (await->wait_state == ROUSE_WAIT_GRANTED) {
		ROOT(b, link, task->runtime, "it has been given what it waited for, and is about to be woken");
	} else if (await->wait_state != ROUSE_WAIT_WAITING) {
		add_wakers(b, link, task);
	} else if (cn_is_task_id(await->waker_task) && await->waker_task != task->id) {
		const struct cn_task *other = cn_model_task(b->model, await->waker_task);

		ROOT(b, link, task->runtime,
			"the waker in it would wake %s (%llu), which polled it first, not this task",
			other ? cn_safe(cn_task_name(b->model, other)) : "a task that has ended",
			(unsigned long long)await->waker_task);
	} else if (await->op == ROUSE_OP_JOIN) {
		add_user(b, link, CN_RELATION_JOINS, await->resource, false);
	} else if (await->op == ROUSE_OP_SLEEP) {
		add_timer(b, link, task, await);
	} else if ((r = cn_model_resource(b->model, await->resource)) != NULL) {
		uint32_t resource = add_resource(b, link, r);

		if (resource != UINT32_MAX)
			after_resource(b, resource, r, await);
	} else {
		add_wakers(b, link, task);
	}
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
static void add_await(struct builder *b, struct place place, const struct cn_task *task, uint16_t index)
{
	const struct cn_await *await = &task->awaits[index];
	uint16_t child = child_after(task, index, (uint16_t)(index + 1));
	uint16_t next = child == UINT16_MAX ? child : child_after(task, index, (uint16_t)(child + 1));
	bool all = cn_model_site(b->model, task->runtime, await->at)->kind == ROUSE_SITE_JOIN;
	uint32_t link = add(b, place, CN_LINK_AWAIT, 0, task->runtime);

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
		add_wait(b, link, task, await);
		return;
	}
	if (next != UINT16_MAX)
		say(b, link, "%s", all ? "all of these:" : "the first of these:");
	for (bool branch = next != UINT16_MAX; child != UINT16_MAX; child = next) {
		struct place here = under(link, b, CN_RELATION_AWAITS);

		next = child_after(task, index, (uint16_t)(child + 1));
		here.depth = (uint16_t)(here.depth + branch);
		here.either = branch && !all;
		here.last = next == UINT16_MAX;
		add_await(b, here, task, child);
	}
}

/* -------------------------------------------------------------------- tasks */

/* Shown already? In a chain without guesses that closes a ring when it lies on the way here. */
static bool shown_above(struct builder *b, uint32_t link)
{
	struct cn_chain *chain = b->chain;
	uint64_t id = chain->links[link].id;

	for (uint32_t i = chain->links[link].parent; i != link; i = chain->links[i].parent) {
		if (chain->links[i].kind == CN_LINK_TASK && chain->links[i].id == id) {
			chain->links[link].cycle = true;
			chain->cycle = chain->cycle || !b->guessed;
			say(b, link, "%s", b->guessed ? "shown above" : "back to where it stood: a ring");
			return true;
		}
		if (i == 0)
			break;
	}
	for (uint32_t i = 0; i < link; i++) {
		if (chain->links[i].kind == CN_LINK_TASK && chain->links[i].id == id) {
			say(b, link, "shown above");
			return true;
		}
	}
	return false;
}

static void say_state(struct builder *b, uint32_t link, const struct cn_task *task)
{
	uint64_t ns = cn_task_in_state_ns(b->model, task);
	char time[CN_FORMAT_BYTES];

	say(b, link, "%s", cn_task_state_name(task->state));
	if (ns && task->state < ROUSE_TASK_COMPLETE)
		say(b, link, " for %s", cn_format_ns(time, ns));
	say(b, link, ", %u poll%s", task->polls, task->polls == 1 ? "" : "s");
}

static void add_running(struct builder *b, uint32_t link, const struct cn_task *task)
{
	uint32_t site = cn_task_await_site(b->model, task);
	uint32_t worker = add(b, under(link, b, CN_RELATION_RUN_BY), CN_LINK_WORKER, task->worker, task->runtime);
	char time[CN_FORMAT_BYTES];

	if (worker == UINT32_MAX)
		return;
	b->chain->links[worker].at = site;
	say(b, worker, "in poll %u for %s%s", task->polls, cn_format_ns(time, cn_task_in_state_ns(b->model, task)),
		site ? ", resumed from" : "");
}

/* What keeps a worker from taking the task. */
static void add_worker(
	struct builder *b, struct place place, const struct cn_runtime *runtime, const struct cn_worker *w)
{
	const struct cn_task *task = cn_model_task(b->model, w->current_task);
	uint32_t link = add(b, place, CN_LINK_WORKER, w->index, (uint8_t)runtime->index);
	char time[CN_FORMAT_BYTES];
	uint32_t site;

	if (link == UINT32_MAX)
		return;
	if (!task || task->state != ROUSE_TASK_RUNNING) {
		say(b, link, "%s", cn_worker_state_name(w->state));
		return;
	}
	site = cn_task_await_site(b->model, task);
	b->chain->links[link].at = site;
	say(b, link, "%s in %s (%llu) for %s%s", cn_worker_state_name(w->state), cn_safe(cn_task_name(b->model, task)),
		(unsigned long long)task->id, cn_format_ns(time, cn_task_in_state_ns(b->model, task)),
		site ? ", resumed from" : "");
}

/* Any worker may take it: each is named with what it does instead. */
static void add_scheduled(struct builder *b, uint32_t link, const struct cn_task *task)
{
	const struct cn_runtime *runtime = cn_model_runtime(b->model, task->runtime);
	const char *source = cn_wake_source_name(task->last_waker);
	const struct cn_task *waker = cn_model_task(b->model, task->last_waker);
	uint32_t n = 0, root = add(b, under(link, b, CN_RELATION_ENDS_IN), CN_LINK_ROOT, 0, task->runtime);

	say(b, root, "a worker that takes it from its queue; it was woken by %s%s",
		source  ? source
		: waker ? cn_safe(cn_task_name(b->model, waker))
			: "a task that has ended",
		task->flags & ROUSE_CANCELLED ? ", and is being cancelled" : "");
	for (uint32_t i = 0; i < runtime->n_workers; i++)
		n += !runtime->workers[i].foreign;
	for (uint32_t i = 0, k = 0; i < runtime->n_workers && root != UINT32_MAX; i++) {
		struct place place = under(root, b, CN_RELATION_RUN_BY);

		if (runtime->workers[i].foreign)
			continue;
		k++;
		if (k > WORKERS_SHOWN) {
			b->chain->truncated = true;
			break;
		}
		place.depth = (uint16_t)(place.depth + (n > 1));
		place.either = n > 1;
		place.last = k == n || k == WORKERS_SHOWN;
		add_worker(b, place, runtime, &runtime->workers[i]);
	}
}

static void add_task(struct builder *b, struct place place, uint64_t id)
{
	const struct cn_task *task = cn_model_task(b->model, id);
	uint32_t link = add(b, place, CN_LINK_TASK, id, task ? task->runtime : 0);

	if (link == UINT32_MAX)
		return;
	if (!task) {
		say(b, link, "has ended");
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
		ROOT(b, link, task->runtime, "it was prepared, and has not been started");
	else if (task->state == ROUSE_TASK_PENDING && task->n_awaits)
		add_await(b, under(link, b, CN_RELATION_AWAITS), task, 0);
	else if (task->state == ROUSE_TASK_PENDING)
		add_wakers(b, link, task);
}

/* ------------------------------------------------------------------ verdict */

/* A task in a queue waits behind those that keep the workers, if they keep every one. */
static const struct cn_finding *find_busy(
	const struct cn_model *model, const struct cn_chain *chain, const struct cn_findings *findings)
{
	const struct cn_task *task = cn_model_task(model, chain->links[0].id);
	const struct cn_runtime *runtime = cn_model_runtime(model, task->runtime);
	const struct cn_finding *best = NULL;

	if (!findings || task->state != ROUSE_TASK_SCHEDULED)
		return NULL;
	for (uint32_t i = 0; i < runtime->n_workers; i++) {
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

static void judge(struct builder *b)
{
	struct cn_chain *chain = b->chain;
	const struct cn_task *task = cn_model_task(b->model, chain->links[0].id);
	const struct cn_finding *f = chain->finding;
	bool own = false;

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

int cn_chain_build(
	const struct cn_model *model, const struct cn_findings *findings, uint64_t task, struct cn_chain *ret_chain)
{
	struct cn_chain chain = { .valid = true };
	struct builder b = { .model = model, .chain = &chain };

	if (!cn_model_task(model, task))
		return -ENOENT;
	add_task(&b, start, task);
	if (b.rc) {
		cn_chain_free(&chain);
		return b.rc;
	}
	chain.finding = find(model, &chain, findings);
	judge(&b);
	*ret_chain = chain;
	return 0;
}

void cn_chain_free(struct cn_chain *chain)
{
	free(chain->links);
	*chain = (struct cn_chain){ 0 };
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
