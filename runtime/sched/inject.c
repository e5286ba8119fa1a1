/* SPDX-License-Identifier: MIT */
#include "sched/inject.h"

void rs_inject_push_any(struct rs_inject *inject, struct rs_batch batch)
{
	/* The stack is newest first, so the chain goes in reversed. */
	struct rouse_task *top = NULL, *bottom = batch.first;

	for (struct rouse_task *t = batch.first, *next; t; t = next) {
		next = t == batch.last ? NULL : t->link;
		RS_PUT(&t->link, top);
		top = t;
	}
	struct rouse_task *old = rs_load(&inject->incoming, RS_RELAXED);

	do
		RS_PUT(&bottom->link, old);
	while (!rs_cas(&inject->incoming, &old, top, RS_RELEASE, RS_RELAXED)); /* I1 */
	rs_fetch_add(inject->depth, (uint64_t)batch.n, RS_RELAXED);
}

static void take_incoming_locked(struct rs_inject *inject)
{
	struct rouse_task *t = rs_exchange(&inject->incoming, NULL, RS_ACQUIRE); /* I1 */
	struct rouse_task *oldest = NULL, *newest = t;

	for (struct rouse_task *next; t; t = next) {
		next = t->link;
		RS_PUT(&t->link, oldest);
		oldest = t;
	}
	if (!oldest)
		return;
	if (inject->last)
		RS_PUT(&inject->last->link, oldest);
	else
		rs_store(&inject->first, oldest, RS_RELAXED);
	inject->last = newest;
}

struct rs_batch rs_inject_pop_any(struct rs_inject *inject, uint32_t max)
{
	struct rs_batch batch = { 0 };

	if (!rs_inject_maybe_any(inject) || !rs_lock_try(&inject->lock))
		return batch;
	if (rs_load(&inject->incoming, RS_RELAXED))
		take_incoming_locked(inject);
	batch.first = inject->first;
	for (struct rouse_task *t = inject->first; t && batch.n < max; t = t->link) {
		batch.last = t;
		batch.n++;
	}
	if (batch.n) {
		rs_store(&inject->first, batch.last->link, RS_RELAXED);
		if (!inject->first)
			inject->last = NULL;
	}
	rs_lock_drop(&inject->lock);
	if (batch.n) {
		batch.last->link = NULL;
		rs_fetch_sub(inject->depth, (uint64_t)batch.n, RS_RELAXED);
	}
	return batch;
}

bool rs_inject_maybe_any(const struct rs_inject *inject)
{
	return rs_load(&inject->incoming, RS_ACQUIRE) || rs_load(&inject->first, RS_RELAXED);
}
