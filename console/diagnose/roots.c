/* SPDX-License-Identifier: MIT */
/*
 * What a task waits for, and who would end that: the next link of a chain, or
 * its root.
 */
#include <stdio.h>
#include <time.h>

#include "diagnose/links.h"
#include "diagnose/report.h"
#include "export/text.h"
#include "widget/format.h"

enum { THREADS_SHOWN = 8 };

/* How long ago the lock was given to a future that has not taken it: in polls of its task. */
static void say_handed(struct cn_builder *b, uint32_t link, const struct cn_resource *r)
{
	const struct cn_task *owner = cn_model_task(b->model, r->owner);
	uint32_t polls = owner && owner->polls > r->handed_polls ? owner->polls - r->handed_polls : 0;

	if (!(r->flags & ROUSE_RESOURCE_HANDED) || !owner)
		return;
	if (polls)
		cn_link_say(b, link, ": given to a future of its owner, which has not looked at it in %u poll%s since",
			polls, polls == 1 ? "" : "s");
	else
		cn_link_say(b, link, ": just given to its owner");
}

/* Permits that are a task's already, which has not run with them since. */
static void say_granted(struct cn_builder *b, uint32_t link, const struct cn_resource *r)
{
	if (r->flags & ROUSE_RESOURCE_UNTRACKED)
		cn_link_say(b, link, ", not all who hold them are known");
	if (r->granted)
		cn_link_say(b, link, ", %u given and not taken yet", r->granted);
}

static void say_amount(struct cn_builder *b, uint32_t link, const struct cn_resource *r)
{
	switch (r->kind) {
	case ROUSE_RESOURCE_MUTEX:
		cn_link_say(b, link, "%s", r->value ? "free" : "locked");
		say_handed(b, link, r);
		break;
	case ROUSE_RESOURCE_SEMAPHORE:
		cn_link_say(b, link, "%llu of %llu permits free", (unsigned long long)r->value,
			(unsigned long long)r->capacity);
		say_granted(b, link, r);
		break;
	case ROUSE_RESOURCE_ONESHOT:
		cn_link_say(b, link, "%s", r->value ? "sent" : r->side_a ? "not sent yet" : "its sender is gone");
		break;
	case ROUSE_RESOURCE_MPSC:
		cn_link_say(b, link, "%llu of %llu queued, %llu sender%s", (unsigned long long)r->value,
			(unsigned long long)r->capacity, (unsigned long long)r->side_a, r->side_a == 1 ? "" : "s");
		break;
	case ROUSE_RESOURCE_UNBOUNDED:
		cn_link_say(b, link, "%llu queued, %llu sender%s", (unsigned long long)r->value,
			(unsigned long long)r->side_a, r->side_a == 1 ? "" : "s");
		break;
	case ROUSE_RESOURCE_LISTENER:
	case ROUSE_RESOURCE_SOCKET:
	case ROUSE_RESOURCE_FD:
		cn_link_say(b, link, "fd %llu", (unsigned long long)r->value);
		break;
	case ROUSE_RESOURCE_NOTIFY:
		cn_link_say(b, link, "%s", r->value ? "a permit is stored" : "not notified");
		break;
	default:
		break;
	}
	if (r->flags & ROUSE_RESOURCE_CLOSED)
		cn_link_say(b, link, ", closed");
	if (r->waiters > 1)
		cn_link_say(b, link, ", %u tasks wait for it", r->waiters);
}

static uint32_t add_resource(struct cn_builder *b, uint32_t parent, const struct cn_resource *r)
{
	uint32_t link = cn_link_add(
		b, cn_spot_under(parent, b, CN_RELATION_WAITS_FOR), CN_LINK_RESOURCE, r->serial, r->runtime);

	if (link == UINT32_MAX)
		return link;
	b->chain->links[link].at = r->site;
	b->chain->links[link].since_ns = r->owner_since_ns;
	say_amount(b, link, r);
	return link;
}

static void after_mutex(struct cn_builder *b, uint32_t link, const struct cn_resource *r)
{
	if (cn_is_task_id(r->owner))
		cn_add_user(b, link, CN_RELATION_HELD_BY, r->owner, false);
	else if (r->owner & CN_THREAD_ID)
		cn_add_thread(b, cn_spot_under(link, b, CN_RELATION_HELD_BY), r->runtime, (uint32_t)r->owner);
	else
		CN_ROOT(b, link, r->runtime, "it is being handed over just now");
}

/* Nobody has taken the job: what the pool's threads do instead. */
static void add_pool(struct cn_builder *b, uint32_t link, const struct cn_runtime *runtime)
{
	size_t threads = cn_model_threads(b->model, runtime->index);
	uint32_t n = 0, k = 0;

	for (size_t i = 0; i < threads; i++)
		n += cn_model_thread_at(b->model, runtime->index, i)->role == ROUSE_THREAD_BLOCKING;
	for (size_t i = 0; i < threads && k < THREADS_SHOWN; i++) {
		const struct cn_thread *thread = cn_model_thread_at(b->model, runtime->index, i);
		struct cn_spot spot = cn_spot_under(link, b, CN_RELATION_RUN_BY);

		if (thread->role != ROUSE_THREAD_BLOCKING)
			continue;
		k++;
		spot.depth = (uint16_t)(spot.depth + (n > 1));
		spot.either = n > 1;
		spot.last = k == n || k == THREADS_SHOWN;
		cn_add_thread(b, spot, (uint8_t)runtime->index, thread->tid);
	}
	b->chain->truncated = b->chain->truncated || n > THREADS_SHOWN;
}

static void after_job(struct cn_builder *b, uint32_t link, const struct cn_resource *r)
{
	const struct cn_runtime *runtime = cn_model_runtime(b->model, r->runtime);
	char code[160];

	if (r->side_a)
		cn_link_say(b, link, "%s", cn_code_text(code, sizeof code, b->model, r->side_a));
	if (r->value == 0 && runtime) {
		uint32_t root =
			cn_link_add(b, cn_spot_under(link, b, CN_RELATION_ENDS_IN), CN_LINK_ROOT, 0, r->runtime);

		cn_link_say(b, root, "no thread has taken the job: %llu queued, %llu of %llu threads, %llu idle",
			(unsigned long long)runtime->blocking_queued, (unsigned long long)runtime->blocking_threads,
			(unsigned long long)runtime->blocking_limit, (unsigned long long)runtime->blocking_idle);
		if (root != UINT32_MAX)
			add_pool(b, root, runtime);
	} else if (r->value == 1) {
		cn_add_thread(b, cn_spot_under(link, b, CN_RELATION_RUN_BY), r->runtime, (uint32_t)r->owner);
	} else {
		CN_ROOT(b, link, r->runtime, "the job is done: its task is about to be woken");
	}
}

/* Who would end the wait. */
static void after_resource(struct cn_builder *b, uint32_t link, const struct cn_resource *r, const struct cn_task *task,
	const struct cn_await *await)
{
	switch (await->op) {
	case ROUSE_OP_LOCK:
		after_mutex(b, link, r);
		break;
	case ROUSE_OP_ACQUIRE:
		cn_add_holders(b, link, r, await->arg);
		break;
	case ROUSE_OP_RECV:
	case ROUSE_OP_ONESHOT_RECV:
	case ROUSE_OP_SEND:
		cn_add_other_end(b, link, r, task, await);
		break;
	case ROUSE_OP_NOTIFIED:
		CN_ROOT(b, link, r->runtime, "whoever notifies it next");
		break;
	case ROUSE_OP_READ:
	case ROUSE_OP_WRITE:
	case ROUSE_OP_ACCEPT:
	case ROUSE_OP_CONNECT:
		cn_add_socket(b, link, r, await);
		break;
	case ROUSE_OP_BLOCKING:
		after_job(b, link, r);
		break;
	default:
		break;
	}
}

/* Who let go of the last waker, where and when; or that there never was one. */
static void add_nobody(struct cn_builder *b, uint32_t link, const struct cn_task *task)
{
	const struct cn_drop *drop = cn_model_drop(b->model, task->runtime, task->id);
	const struct cn_finding *finding = b->findings ? cn_findings_of_task(b->findings, task->id) : NULL;
	const struct cn_task *by = drop ? cn_model_task(b->model, drop->by) : NULL;
	uint64_t now = cn_builder_now(b, task->runtime);
	char time[CN_FORMAT_BYTES], code[160], who[200];
	uint32_t root;

	if (!drop && finding && finding->code == CN_FINDING_NEVER_REGISTERED) {
		CN_ROOT(b, link, task->runtime, "nobody: no waker of this task was ever given out");
		return;
	}
	if (!drop) {
		CN_ROOT(b, link, task->runtime, "nobody: no waker of this task exists");
		return;
	}
	if (drop->by & CN_THREAD_ID)
		snprintf(who, sizeof who, "thread %llu", (unsigned long long)(drop->by & ~CN_THREAD_ID));
	else if (by)
		snprintf(who, sizeof who, "%s (%llu)", cn_safe(cn_task_name(b->model, by)),
			(unsigned long long)drop->by);
	else
		snprintf(who, sizeof who, "task %llu, which has ended,", (unsigned long long)drop->by);
	root = cn_link_add(b, cn_spot_under(link, b, CN_RELATION_ENDS_IN), CN_LINK_ROOT, 0, task->runtime);
	cn_link_say(b, root, "nobody: %s dropped its last waker", who);
	if (now > drop->ns)
		cn_link_say(b, root, " %s ago", cn_format_ns(time, now - drop->ns));
	if (drop->pc)
		cn_link_say(b, root, ", in %s", cn_code_text(code, sizeof code, b->model, drop->pc));
}

void cn_add_wakers(struct cn_builder *b, uint32_t link, const struct cn_task *task)
{
	if (task->waker_refs == 0)
		add_nobody(b, link, task);
	else if (task->own_wakers >= task->waker_refs)
		CN_ROOT(b, link, task->runtime, "only itself: its %s in its own frame",
			task->waker_refs == 1 ? "one waker lies" : "wakers all lie");
	else
		CN_ROOT(b, link, task->runtime, "whoever holds its waker%s (%u): not a part of the runtime",
			task->waker_refs == 1 ? "" : "s", task->waker_refs);
}

/* By the clock on the wall, where that is known: two looks at one timer then say the same. */
static void say_clock(struct cn_builder *b, uint32_t link, const struct cn_runtime *runtime, uint64_t due_ns)
{
	uint64_t real_ns = runtime->real_ns + (due_ns - runtime->now_ns);
	time_t seconds = (time_t)(real_ns / 1000000000u);
	struct tm tm;

	if (runtime->real_ns && real_ns >> 63 == 0 && gmtime_r(&seconds, &tm))
		cn_link_say(b, link, " at %02d:%02d:%02d UTC", tm.tm_hour, tm.tm_min, tm.tm_sec);
}

/* Overdue: whose wheel it is in, and what that worker does instead. */
static void add_wheel(struct cn_builder *b, uint32_t link, const struct cn_runtime *runtime, uint64_t serial)
{
	const struct cn_resource *wheel = cn_model_resource(b->model, serial);

	for (uint32_t i = 0; wheel && wheel->kind == ROUSE_RESOURCE_TIMERS && i < runtime->n_workers; i++)
		if (runtime->workers[i].index == wheel->owner && !runtime->workers[i].foreign)
			cn_add_worker(b, cn_spot_under(link, b, CN_RELATION_FIRED_BY), runtime, &runtime->workers[i]);
}

static void add_timer(struct cn_builder *b, uint32_t link, const struct cn_task *task, const struct cn_await *await)
{
	const struct cn_runtime *runtime = cn_model_runtime(b->model, task->runtime);
	uint32_t root = cn_link_add(b, cn_spot_under(link, b, CN_RELATION_ENDS_IN), CN_LINK_ROOT, 0, task->runtime);
	char time[CN_FORMAT_BYTES];

	if (root == UINT32_MAX || !runtime)
		return;
	b->chain->links[root].due_ns = await->arg;
	if (await->arg > runtime->now_ns) {
		cn_link_say(b, root, "a timer, due in %s", cn_format_ns(time, await->arg - runtime->now_ns));
		say_clock(b, root, runtime, await->arg);
		return;
	}
	cn_link_say(b, root, "a timer, overdue by %s: it fires when a worker turns the wheel",
		cn_format_ns(time, runtime->now_ns - await->arg));
	add_wheel(b, root, runtime, await->resource);
}

/* Given, but not looked at: at once it will be; or never, if its task polls other things meanwhile. */
static void add_granted(struct cn_builder *b, uint32_t link, const struct cn_task *task, const struct cn_await *await)
{
	const struct cn_resource *r = cn_model_resource(b->model, await->resource);

	if (r && r->flags & ROUSE_RESOURCE_HANDED && r->owner == task->id && task->polls > r->handed_polls)
		CN_ROOT(b, link, task->runtime,
			"itself: it has been given the lock, and has not looked at this future in %u poll%s since",
			task->polls - r->handed_polls, task->polls - r->handed_polls == 1 ? "" : "s");
	else
		CN_ROOT(b, link, task->runtime, "it has been given what it waited for, and is about to be woken");
}

void cn_add_wait(struct cn_builder *b, uint32_t link, const struct cn_task *task, const struct cn_await *await)
{
	const struct cn_resource *r;

	if (await->wait_state == ROUSE_WAIT_GRANTED) {
		add_granted(b, link, task, await);
	} else if (await->wait_state != ROUSE_WAIT_WAITING) {
		cn_add_wakers(b, link, task);
	} else if (cn_is_task_id(await->waker_task) && await->waker_task != task->id) {
		const struct cn_task *other = cn_model_task(b->model, await->waker_task);

		CN_ROOT(b, link, task->runtime,
			"the waker in it would wake %s (%llu), which polled it first, not this task",
			other ? cn_safe(cn_task_name(b->model, other)) : "a task that has ended",
			(unsigned long long)await->waker_task);
	} else if (await->op == ROUSE_OP_JOIN) {
		cn_add_user(b, link, CN_RELATION_JOINS, await->resource, false);
	} else if (await->op == ROUSE_OP_SLEEP) {
		add_timer(b, link, task, await);
	} else if ((r = cn_model_resource(b->model, await->resource)) != NULL) {
		uint32_t resource = add_resource(b, link, r);

		if (resource != UINT32_MAX)
			after_resource(b, resource, r, task, await);
	} else {
		cn_add_wakers(b, link, task);
	}
}
