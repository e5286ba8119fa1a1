/* SPDX-License-Identifier: MIT */
/* What the macros of rouse/async.h call: polling children, dropping frames. */
#include "sched/runtime.h"

#include <errno.h>
#include <string.h>

const struct rouse_site rouse_site_done = { "done", __FILE__, __LINE__, ROUSE_SITE_AWAIT, NULL, NULL };
const struct rouse_site rouse_site_finally = { "finally", __FILE__, __LINE__, ROUSE_SITE_AWAIT, NULL, NULL };

/* ------------------------------------------------------------ any future */

struct rouse_poll rouse_future_poll(struct rouse_future *future, struct rouse_context *cx)
{
	if (future->at == &rouse_site_done)
		rouse_async_polled_after_end_(future);
	struct rouse_poll p = future->type->poll(future, cx);

	if (p.ready)
		future->at = &rouse_site_done;
	return p;
}

void rouse_future_drop(struct rouse_future *future)
{
	if (!future->type || future->at == &rouse_site_done)
		return;
	if (future->type->drop)
		future->type->drop(future);
	future->at = &rouse_site_done;
}

int64_t rouse_future_result(const struct rouse_future *future)
{
	const char *at = (const char *)future + future->type->result_offset;
	int64_t wide;
	int32_t narrow;

	if (future->type->result_bytes == sizeof narrow) {
		memcpy(&narrow, at, sizeof narrow);
		return narrow;
	}
	ROUSE_ASSERT(future->type->result_bytes == sizeof wide);
	memcpy(&wide, at, sizeof wide);
	return wide;
}

void rouse_async_polled_after_end_(struct rouse_future *f)
{
	rouse_panic("%s was polled after it had ended", f->type->name);
}

/* ---------------------------------------------------------- async functions */

/* If a FINALLY panics, the next walk (rs_drop_future) finds that child ended and goes on. */
static void drop_children(struct rouse_future *f)
{
	while (f->awaiting) {
		rouse_future_drop(f->awaiting);
		f->awaiting = f->awaiting->sibling;
	}
}

void rouse_async_drop_(struct rouse_future *f)
{
	drop_children(f);
	if (f->at == &rouse_site_finally) /* it panicked there: it has had its run */
		return;
	f->at = &rouse_site_finally;
	(void)f->type->poll(f, NULL);
}

void rouse_debug_scribble_(struct rouse_context *cx)
{
	volatile unsigned char stack[2048];

	for (size_t i = 0; i < sizeof stack; i++)
		stack[i] = 0xa5;
	rouse_waker_wake_by_ref(&cx->waker);
}

/* --------------------------------------------------------- select and join */

void rouse_async_link_(struct rouse_future *f, struct rouse_future *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		list[i]->sibling = i + 1 < n ? list[i + 1] : NULL;
	f->awaiting = list[0];
}

static uint32_t count(const struct rouse_future *f)
{
	uint32_t n = 0;

	for (const struct rouse_future *c = f->awaiting; c; c = c->sibling)
		n++;
	return n;
}

static struct rouse_future *nth(struct rouse_future *f, uint32_t i)
{
	struct rouse_future *c = f->awaiting;

	while (i--)
		c = c->sibling;
	return c;
}

/* A start that moves with the task's polls. */
static uint32_t first_arm(const struct rouse_context *cx, uint32_t n)
{
	return cx->task && n ? cx->task->polls % n : 0;
}

struct rouse_poll rouse_async_poll_select_(struct rouse_future *f, struct rouse_context *cx)
{
	uint32_t n = count(f), start = first_arm(cx, n);

	for (uint32_t i = 0; i < n; i++) {
		struct rouse_future *c = nth(f, (start + i) % n);

		if (rouse_future_poll(c, cx).ready)
			return rouse_ready();
	}
	return rouse_pending();
}

/* Exactly one has ended: the select stopped there. The others are dropped. */
int rouse_async_take_index_(struct rouse_future *f)
{
	int which = 0, i = 0;

	for (const struct rouse_future *c = f->awaiting; c; c = c->sibling, i++)
		if (c->at == &rouse_site_done)
			which = i;
	drop_children(f);
	return which;
}

struct rouse_poll rouse_async_poll_join_(struct rouse_future *f, struct rouse_context *cx)
{
	for (struct rouse_future **link = &f->awaiting; *link;) {
		if (rouse_future_poll(*link, cx).ready)
			*link = (*link)->sibling;
		else
			link = &(*link)->sibling;
	}
	return f->awaiting ? rouse_pending() : rouse_ready();
}
