/* SPDX-License-Identifier: MIT */
/*
 * Futures made of futures: timeout, and_then, map. Children hang on `awaiting`
 * and `sibling` like those of an async function, and `at` is a site of its own
 * kind, so that an await chain reads through them; timeout's children are
 * alternatives. A combinator owns its children from the moment it is built.
 */
#include <errno.h>
#include <rouse/time.h>

#define SITE(NAME, KIND)                                                                           \
	static const struct rouse_site NAME##_site = { #NAME, __FILE__, __LINE__, (KIND), NULL, NULL }; \
	ROUSE_REGISTER_SITE_(NAME##_site_ref, NAME##_site)
SITE(rouse_timeout, ROUSE_SITE_SELECT);
SITE(rouse_and_then, ROUSE_SITE_AWAIT);
SITE(rouse_map, ROUSE_SITE_AWAIT);

/* `awaiting` moves on after each, so that a drop whose FINALLY panicked can be repeated. */
static void drop_children(struct rouse_future *f)
{
	while (f->awaiting) {
		rouse_future_drop(f->awaiting);
		f->awaiting = f->awaiting->sibling;
	}
}

/* ---------------------------------------------------------------- timeout */

static struct rouse_poll timeout_poll(struct rouse_future *f, struct rouse_context *cx)
{
	struct rouse_timeout *self = (struct rouse_timeout *)f;

	f->at = &rouse_timeout_site;
	if (rouse_future_poll(f->awaiting, cx).ready)
		self->result = 0;
	else if (rouse_future_poll(&self->sleep.future, cx).ready)
		self->result = self->sleep.result ? self->sleep.result : -ETIMEDOUT;
	else
		return rouse_pending();
	drop_children(f);
	return rouse_ready();
}

ROUSE_TYPE_(rouse_timeout, ROUSE_SITE_COMBINATOR, timeout_poll, drop_children, 0, 0);

struct rouse_timeout *rouse_timeout_(struct rouse_timeout *storage, uint64_t ns, struct rouse_future *child)
{
	storage->future = (struct rouse_future)ROUSE_FUTURE_INIT(rouse_timeout);
	storage->result = 0;
	storage->future.awaiting = child;
	child->sibling = &rouse_sleep(&storage->sleep, ns)->future;
	return storage;
}

/* --------------------------------------------------------------- and_then */

static struct rouse_poll and_then_poll(struct rouse_future *f, struct rouse_context *cx)
{
	struct rouse_and_then *self = (struct rouse_and_then *)f;

	f->at = &rouse_and_then_site;
	while (rouse_future_poll(f->awaiting, cx).ready) {
		struct rouse_future *done = f->awaiting;
		rouse_next_fn next = self->next;

		f->awaiting = NULL; /* user code runs now */
		self->next = NULL;
		if (!next) {
			self->result = rouse_future_result(done);
			return rouse_ready();
		}
		f->awaiting = next(self->arg, done, &self->result);
		if (!f->awaiting)
			return rouse_ready();
	}
	return rouse_pending();
}

ROUSE_TYPE_(rouse_and_then, ROUSE_SITE_COMBINATOR, and_then_poll, drop_children, 0, 0);

struct rouse_and_then *rouse_and_then_(struct rouse_and_then *storage, struct rouse_future *first, rouse_next_fn next,
	void *arg)
{
	*storage = (struct rouse_and_then){ .future = ROUSE_FUTURE_INIT(rouse_and_then), .next = next, .arg = arg };
	storage->future.awaiting = first;
	return storage;
}

/* -------------------------------------------------------------------- map */

static struct rouse_poll map_poll(struct rouse_future *f, struct rouse_context *cx)
{
	struct rouse_map *self = (struct rouse_map *)f;
	struct rouse_future *child = f->awaiting;

	f->at = &rouse_map_site;
	if (!rouse_future_poll(child, cx).ready)
		return rouse_pending();
	f->awaiting = NULL; /* user code runs now */
	self->result = self->fn(self->arg, rouse_future_result(child));
	return rouse_ready();
}

ROUSE_TYPE_(rouse_map, ROUSE_SITE_COMBINATOR, map_poll, drop_children, 0, 0);

struct rouse_map *rouse_map_(struct rouse_map *storage, struct rouse_future *child, rouse_map_fn fn, void *arg)
{
	*storage = (struct rouse_map){ .future = ROUSE_FUTURE_INIT(rouse_map), .fn = fn, .arg = arg };
	storage->future.awaiting = child;
	return storage;
}
