/* SPDX-License-Identifier: MIT */
#include "sched/runtime.h"

void rouse_yield_to_others(struct rouse_context *cx)
{
	rouse_waker_wake_by_ref(&cx->waker);
}

static struct rouse_poll poll(struct rouse_future *future, struct rouse_context *cx)
{
	struct rouse_yield *yield = (struct rouse_yield *)future;

	if (yield->yielded)
		return rouse_ready();
	yield->yielded = 1;
	/* While it runs this only marks it NOTIFIED: the end of the poll puts it behind the others. */
	rouse_waker_wake_by_ref(&cx->waker);
	return rouse_pending();
}

static const struct rouse_future_type yield_type = { .name = "rouse_yield", .file = __FILE__, .line = __LINE__,
	.kind = ROUSE_SITE_LEAF, .bytes = sizeof(struct rouse_yield), .result_offset = offsetof(struct rouse_yield, result),
	.result_bytes = sizeof(int64_t), .node_offset = offsetof(struct rouse_yield, wait), .op = ROUSE_OP_YIELD, .poll = poll };
ROUSE_REGISTER_TYPE_(yield_type);

struct rouse_yield *rouse_yield(struct rouse_yield *storage)
{
	*storage = (struct rouse_yield){ .future = { .type = &yield_type } };
	storage->wait.op = ROUSE_OP_YIELD;
	return storage;
}
