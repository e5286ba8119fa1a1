/* SPDX-License-Identifier: MIT */
/*
 * Joining. One joiner at a time: the place for its waker is claimed through
 * the cell's join_waker.vtable, published by JOIN_WAKER (S9), taken back by S10.
 * Once the task has ended with JOIN_WAKER set, the completer consumes it.
 *
 *     free --claim--> claimed --write, S9--> set --S10--> claimed --give up--> free
 *                        |                    +--- the task ends: the completer's
 *                        +--- the task ends: the joiner still has its waker
 */
#include "task/join.h"

#include "sched/runtime.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct rouse_waker_vtable claimed;

static bool claim(struct rouse_task *task)
{
	const struct rouse_waker_vtable *none = NULL;

	return rs_cas(&task->join_waker.vtable, &none, &claimed, RS_ACQUIRE, RS_RELAXED);
}

/* The claim is ours. False: the task has ended. */
static bool set_waker(struct rouse_task *task, const struct rouse_waker *from)
{
	struct rouse_waker waker = rouse_waker_clone(from);

	RS_PUT(&task->join_waker.data, waker.data);
	RS_PUT(&task->join_waker.vtable, waker.vtable);
	if (rs_state_set_join(&task->state))
		return true;
	RS_PUT(&task->join_waker.vtable, &claimed);
	rouse_waker_drop(&waker);
	return false;
}

/* Takes the waker back; the claim stays. False: the task has ended, the waker is the completer's. */
static bool clear_waker(struct rouse_task *task)
{
	struct rouse_waker waker;

	if (!rs_state_clear_join(&task->state))
		return false;
	waker = task->join_waker;
	RS_PUT(&task->join_waker.vtable, &claimed);
	rouse_waker_drop(&waker);
	return true;
}

int rs_join_register(struct rouse_task *task, const struct rouse_waker *waker)
{
	if (rs_load(&task->state, RS_ACQUIRE) & ROUSE_COMPLETE)
		return 1;
	if (!claim(task))
		return -ROUSE_EJOINED;
	return set_waker(task, waker) ? 0 : 1;
}

int rs_join_outcome(struct rouse_task *task, void *out)
{
	enum rouse_task_state state = rouse_task_get_state(task);
	const struct rouse_future_type *type = task->future->type;

	if (state == ROUSE_TASK_CANCELLED)
		return -ECANCELED;
	if (state == ROUSE_TASK_PANICKED)
		return -ROUSE_EPANIC;
	if (out)
		memcpy(out, (const char *)task->future + type->result_offset, type->result_bytes);
	return 0;
}

static void copy_panic(struct rouse_join *join)
{
	const struct rouse_panic_record *p = (const struct rouse_panic_record *)(void *)join->task->link;

	if (!p)
		return;
	strncpy(join->message, (const char *)(p + 1), sizeof join->message - 1);
	join->file = (const char *)(uintptr_t)p->file_address;
	join->line = p->line;
}

static void let_go(struct rouse_join *join)
{
	RS_PUT(&join->wait.state, (uint8_t)ROUSE_WAIT_IDLE);
	rouse_task_detach(join->task);
	join->task = NULL;
}

static struct rouse_poll finish(struct rouse_join *join, int64_t result)
{
	join->result = result;
	let_go(join);
	return rouse_ready();
}

static struct rouse_poll ended(struct rouse_join *join)
{
	int outcome = rs_join_outcome(join->task, join->out);

	if (outcome == -ROUSE_EPANIC)
		copy_panic(join);
	return finish(join, outcome);
}

/* What readers see. The reference is the one in the cell: this node holds none. */
static void show(struct rouse_join *join, struct rouse_context *cx)
{
	struct rouse_wait *wait = &join->wait;

	RS_PUT(&wait->waker.data, cx->waker.data);
	RS_PUT(&wait->waker.vtable, cx->waker.vtable);
	RS_PUT(&wait->resource, join->task->id);
	if (wait->state != ROUSE_WAIT_WAITING)
		RS_PUT(&wait->since_ticks, rs_stamp());
	RS_PUT(&wait->poll, cx->task ? cx->task->polls : 0);
	rs_store(&wait->state, (uint8_t)ROUSE_WAIT_WAITING, RS_RELEASE);
}

static struct rouse_poll poll(struct rouse_future *future, struct rouse_context *cx)
{
	struct rouse_join *join = (struct rouse_join *)future;
	struct rouse_task *task = join->task;

	if (!task) {
		join->result = -EINVAL;
		return rouse_ready();
	}
	if (task == cx->task)
		return finish(join, -EDEADLK);
	if (rs_load(&task->state, RS_ACQUIRE) & ROUSE_COMPLETE) {
		join->registered = 0;
		return ended(join);
	}
	if (!join->registered) {
		int rc = rs_join_register(task, &cx->waker);

		if (rc)
			return rc > 0 ? ended(join) : finish(join, rc);
		join->registered = 1;
	} else if (!rouse_waker_will_wake(&task->join_waker, &cx->waker)) {
		if (!clear_waker(task) || !set_waker(task, &cx->waker)) {
			join->registered = 0;
			return ended(join);
		}
	}
	show(join, cx);
	return rouse_pending();
}

static void drop(struct rouse_future *future)
{
	struct rouse_join *join = (struct rouse_join *)future;

	if (!join->task)
		return;
	if (join->registered && clear_waker(join->task))
		rs_store(&join->task->join_waker.vtable, NULL, RS_RELEASE); /* pairs with claim */
	let_go(join);
}

static const struct rouse_future_type join_type = { .name = "rouse_join", .file = __FILE__, .line = __LINE__,
	.kind = ROUSE_SITE_LEAF, .bytes = sizeof(struct rouse_join), .result_offset = offsetof(struct rouse_join, result),
	.result_bytes = sizeof(int64_t), .node_offset = offsetof(struct rouse_join, wait), .op = ROUSE_OP_JOIN,
	.poll = poll, .drop = drop };
ROUSE_REGISTER_TYPE_(join_type);

struct rouse_join *rouse_join(struct rouse_join *storage, struct rouse_task *task, void *result_pointer)
{
	*storage = (struct rouse_join){ .future = { .type = &join_type }, .task = task, .out = result_pointer };
	storage->wait.op = ROUSE_OP_JOIN;
	return storage;
}
