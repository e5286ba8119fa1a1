/* SPDX-License-Identifier: MIT */
/*
 * What a task waits for, and who would end that: the next link of a chain, or
 * its root.
 */
#include "diagnose/links.h"
#include "diagnose/report.h"
#include "export/text.h"
#include "widget/format.h"

static void say_amount(struct cn_builder *b, uint32_t link, const struct cn_resource *r)
{
	switch (r->kind) {
	case ROUSE_RESOURCE_MUTEX:
		cn_link_say(b, link, "%s", r->value ? "free" : "locked");
		break;
	case ROUSE_RESOURCE_SEMAPHORE:
		cn_link_say(b, link, "%llu of %llu permits free", (unsigned long long)r->value,
			(unsigned long long)r->capacity);
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
	else if (r->owner >> 63)
		CN_ROOT(b, link, r->runtime, "thread %llu, which is not one of the runtime's, holds it",
			(unsigned long long)(r->owner & ~(1ull << 63)));
	else
		CN_ROOT(b, link, r->runtime, "it is being handed over just now");
}

static void after_job(struct cn_builder *b, uint32_t link, const struct cn_resource *r)
{
	const struct cn_runtime *runtime = cn_model_runtime(b->model, r->runtime);

	if (r->value == 0 && runtime)
		CN_ROOT(b, link, r->runtime,
			"no thread has taken the job: %llu queued, %llu of %llu threads, %llu idle",
			(unsigned long long)runtime->blocking_queued, (unsigned long long)runtime->blocking_threads,
			(unsigned long long)runtime->blocking_limit, (unsigned long long)runtime->blocking_idle);
	else
		CN_ROOT(b, link, r->runtime, "thread %llu of the blocking pool runs the job",
			(unsigned long long)r->owner);
}

/* Who would end the wait. */
static void after_resource(
	struct cn_builder *b, uint32_t link, const struct cn_resource *r, const struct cn_await *await)
{
	switch (await->op) {
	case ROUSE_OP_LOCK:
		after_mutex(b, link, r);
		break;
	case ROUSE_OP_ACQUIRE:
		if (cn_is_task_id(r->last_user_a))
			cn_add_user(b, link, CN_RELATION_USED_BY, r->last_user_a, true);
		break;
	case ROUSE_OP_RECV:
	case ROUSE_OP_ONESHOT_RECV:
		if (cn_is_task_id(r->last_user_a))
			cn_add_user(b, link, CN_RELATION_SENT_BY, r->last_user_a, true);
		else
			CN_ROOT(b, link, r->runtime, "nobody has sent to it so far");
		break;
	case ROUSE_OP_SEND:
		if (cn_is_task_id(r->last_user_b))
			cn_add_user(b, link, CN_RELATION_TAKEN_BY, r->last_user_b, true);
		else
			CN_ROOT(b, link, r->runtime, "nobody has received from it so far");
		break;
	case ROUSE_OP_NOTIFIED:
		CN_ROOT(b, link, r->runtime, "whoever notifies it next");
		break;
	case ROUSE_OP_READ:
		CN_ROOT(b, link, r->runtime, "%s",
			r->kind == ROUSE_RESOURCE_FD ? "whatever makes it readable"
						     : "the other end: nothing has come from it");
		break;
	case ROUSE_OP_WRITE:
		CN_ROOT(b, link, r->runtime, "%s",
			r->kind == ROUSE_RESOURCE_FD ? "whatever makes it writable"
						     : "the other end: it does not read, and buffers are full");
		break;
	case ROUSE_OP_ACCEPT:
		CN_ROOT(b, link, r->runtime, "a client that connects");
		break;
	case ROUSE_OP_CONNECT:
		CN_ROOT(b, link, r->runtime, "the server: it has not answered yet");
		break;
	case ROUSE_OP_BLOCKING:
		after_job(b, link, r);
		break;
	default:
		break;
	}
}

void cn_add_wakers(struct cn_builder *b, uint32_t link, const struct cn_task *task)
{
	if (task->waker_refs == 0)
		CN_ROOT(b, link, task->runtime, "nobody: no waker of this task exists");
	else if (task->own_wakers >= task->waker_refs)
		CN_ROOT(b, link, task->runtime, "only itself: its %s in its own frame",
			task->waker_refs == 1 ? "one waker lies" : "wakers all lie");
	else
		CN_ROOT(b, link, task->runtime, "whoever holds its waker%s (%u): not a part of the runtime",
			task->waker_refs == 1 ? "" : "s", task->waker_refs);
}

static void add_timer(struct cn_builder *b, uint32_t link, const struct cn_task *task, const struct cn_await *await)
{
	uint64_t now = cn_builder_now(b, task->runtime);
	char time[CN_FORMAT_BYTES];

	if (await->arg > now)
		CN_ROOT(b, link, task->runtime, "a timer, due in %s", cn_format_ns(time, await->arg - now));
	else
		CN_ROOT(b, link, task->runtime, "a timer, due %s ago: it fires when a worker turns the wheel",
			cn_format_ns(time, now - await->arg));
}

void cn_add_wait(struct cn_builder *b, uint32_t link, const struct cn_task *task, const struct cn_await *await)
{
	const struct cn_resource *r;

	if (await->wait_state == ROUSE_WAIT_GRANTED) {
		CN_ROOT(b, link, task->runtime, "it has been given what it waited for, and is about to be woken");
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
			after_resource(b, resource, r, await);
	} else {
		cn_add_wakers(b, link, task);
	}
}
