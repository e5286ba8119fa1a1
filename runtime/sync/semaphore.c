/* SPDX-License-Identifier: MIT */
/*
 * The semaphore: permits, and waiters who each want some at once. The longest
 * waiter goes first even if a later one could go now, so that a large request
 * is not starved by small ones; for the same reason nobody takes past a queue.
 * Free permits stay visible in `value` while the first waiter wants more.
 *
 * Permits granted to a waiter are its task's at once, before that runs: the task
 * that polled the future last. Another that fetches them gets them written over.
 */
#include "sync/semaphore.h"

#include "sched/runtime.h"
#include "sync/holders.h"
#include "sync/leaf.h"

#include <errno.h>
#include <inttypes.h>

struct rouse_semaphore {
	struct rs_resource resource;
	struct rs_waitlist waiters; /* arg: permits wanted */
	struct rs_holders holders;
	struct rouse_holder_record entries[]; /* of holders */
};
_Static_assert(sizeof(struct rouse_semaphore) + ROUSE_OWNED_PERMITS_MAX * sizeof(struct rouse_holder_record) <= RS_SLOT_MAX,
	"an owned semaphore fits into a slot");

static void used_by(struct rs_resource *resource, uint64_t task)
{
	rs_record(&resource->owner, task);
	rs_record(&resource->last_user_a, task);
}

static bool take_locked(struct rouse_semaphore *semaphore, uint32_t n)
{
	if (semaphore->waiters.head || semaphore->resource.value < n)
		return false;
	rs_record(&semaphore->resource.value, semaphore->resource.value - n);
	rs_holders_add_locked(&semaphore->resource, &semaphore->holders, rs_self_id(), n, rs_edge_stamp());
	used_by(&semaphore->resource, rs_current_task_id());
	return true;
}

/* `task` gives permits back; if there were not so many, there are now. */
static void give_locked(struct rouse_semaphore *semaphore, uint64_t task, uint32_t n)
{
	struct rs_resource *resource = &semaphore->resource;

	rs_record(&resource->value, resource->value + n);
	if (resource->value > resource->capacity)
		rs_record(&resource->capacity, resource->value);
	rs_holders_remove_locked(resource, &semaphore->holders, task, n);
}

static bool may_give_locked(const struct rouse_semaphore *semaphore, uint64_t task, uint32_t n)
{
	return !(semaphore->resource.flags & ROUSE_RESOURCE_OWNED) ||
	       rs_holders_of_locked(&semaphore->holders, task) >= n;
}

static struct rouse_semaphore_acquire *acquire_of(struct rouse_wait *wait)
{
	return (struct rouse_semaphore_acquire *)(void *)rs_leaf_of(wait);
}

static struct rouse_waker grant_locked(struct rouse_semaphore *semaphore, struct rouse_wait *wait)
{
	struct rs_resource *resource = &semaphore->resource;
	struct rouse_semaphore_acquire *acquire = acquire_of(wait);

	rs_record(&resource->value, resource->value - acquire->n);
	rs_record(&resource->granted, resource->granted + acquire->n);
	rs_holders_add_locked(resource, &semaphore->holders, acquire->task, acquire->n, rs_stamp());
	return rs_wait_grant_locked(&semaphore->waiters, wait);
}

/* The end of a grant: fetched by a poll, or dropped. */
static void fetch_locked(struct rouse_semaphore_acquire *self)
{
	struct rs_resource *resource = &self->semaphore->resource;

	rs_record(&resource->granted, resource->granted - self->n);
}

/* Serves the queue as far as the permits go. Called with the lock, which is dropped. */
static void serve_locked(struct rouse_semaphore *semaphore)
{
	struct rs_resource *resource = &semaphore->resource;
	struct rs_wake_batch batch; /* its room need not be cleared */
	struct rouse_wait *wait;

	batch.n = 0;
	while ((wait = semaphore->waiters.head) && wait->arg <= resource->value) {
		rs_wake_batch_add(&batch, grant_locked(semaphore, wait));
		if (rs_wake_batch_full(&batch)) {
			rs_lock_drop(&resource->lock);
			rs_wake_batch_flush(&batch, ROUSE_WAKE_FOREIGN);
			rs_lock_take(&resource->lock);
		}
	}
	rs_lock_drop(&resource->lock);
	rs_wake_batch_flush(&batch, ROUSE_WAKE_FOREIGN);
}

static void acquire_drop(struct rouse_future *f)
{
	struct rouse_semaphore_acquire *self = (struct rouse_semaphore_acquire *)f;
	struct rs_resource *resource = &self->semaphore->resource;
	struct rouse_waker waker = { 0, 0 };

	if (rs_wait_state(&self->wait) == ROUSE_WAIT_IDLE || !rs_resource_there(resource))
		return;
	rs_lock_take(&resource->lock);
	if (!rs_wait_cancel_locked(&self->semaphore->waiters, &self->wait, &waker) && self->result == 0) {
		fetch_locked(self); /* granted, and nobody took it */
		give_locked(self->semaphore, self->task, self->n);
	}
	(void)rs_leaf_end(self, -ECANCELED);
	/* Also when it only waited: a large request that leaves the head makes way for others. */
	serve_locked(self->semaphore);
	rouse_waker_drop(&waker);
}

static struct rouse_poll end_granted_locked(struct rouse_semaphore_acquire *self)
{
	struct rouse_semaphore *semaphore = self->semaphore;
	uint64_t id = rs_self_id();

	if (self->result == 0) {
		fetch_locked(self);
		if (self->task != id)
			rs_holders_move_locked(
				&semaphore->resource, &semaphore->holders, self->task, id, self->n, rs_stamp());
		used_by(&semaphore->resource, rs_current_task_id());
	}
	return rs_leaf_end(self, self->result);
}

/* READY as far as the lock's holder can say; else the waiter is registered. */
static struct rouse_poll acquire_locked(struct rouse_semaphore_acquire *self, struct rouse_context *cx)
{
	struct rouse_semaphore *semaphore = self->semaphore;
	enum rouse_wait_state state = rs_wait_state(&self->wait);

	if (state == ROUSE_WAIT_GRANTED)
		return end_granted_locked(self);
	if (rs_resource_closed(&semaphore->resource) && state == ROUSE_WAIT_IDLE)
		return rs_leaf_end(self, -ROUSE_ECLOSED);
	if (state == ROUSE_WAIT_IDLE && take_locked(semaphore, self->n))
		return rs_leaf_end(self, 0);
	self->task = rs_self_id();
	rs_wait_register_locked(&semaphore->waiters, &self->wait, cx, semaphore->resource.serial);
	return rouse_pending();
}

static struct rouse_poll acquire_poll(struct rouse_future *f, struct rouse_context *cx)
{
	struct rouse_semaphore_acquire *self = (struct rouse_semaphore_acquire *)f;
	struct rs_resource *resource = &self->semaphore->resource;
	int rc = rs_resource_check(resource);

	if (rc) {
		acquire_drop(f);
		return rs_leaf_end(self, rc);
	}
	if (rs_wait_state(&self->wait) == ROUSE_WAIT_IDLE && !rs_coop_spend(cx))
		return rouse_pending();
	rs_lock_take(&resource->lock);
	struct rouse_poll poll = acquire_locked(self, cx);

	rs_lock_drop(&resource->lock);
	return poll;
}

RS_LEAF(rouse_semaphore_acquire, acquire_poll, acquire_drop, ROUSE_OP_ACQUIRE);

struct rouse_semaphore_acquire *rouse_semaphore_acquire(struct rouse_semaphore_acquire *storage,
	struct rouse_semaphore *semaphore, uint32_t n)
{
	rs_leaf_init(storage, &rouse_semaphore_acquire_rouse_type);
	storage->semaphore = semaphore;
	storage->n = n;
	storage->wait.arg = n;
	return storage;
}

int rouse_semaphore_try_acquire(struct rouse_semaphore *semaphore, uint32_t n)
{
	int rc = rs_resource_check(&semaphore->resource);

	if (rc)
		return rc;
	rs_lock_take(&semaphore->resource.lock);
	if (rs_resource_closed(&semaphore->resource))
		rc = -ROUSE_ECLOSED;
	else if (!take_locked(semaphore, n))
		rc = -ROUSE_EEMPTY;
	rs_lock_drop(&semaphore->resource.lock);
	return rc;
}

int rouse_semaphore_release(struct rouse_semaphore *semaphore, uint32_t n)
{
	struct rs_resource *resource = &semaphore->resource;
	int rc = rs_resource_check(resource);

	if (rc)
		return rc;
	rs_lock_take(&resource->lock);
	if (!may_give_locked(semaphore, rs_self_id(), n)) {
		rs_lock_drop(&resource->lock);
		return -ROUSE_ENOTOWNER;
	}
	give_locked(semaphore, rs_self_id(), n);
	serve_locked(semaphore);
	return 0;
}

int rouse_semaphore_transfer(struct rouse_semaphore *semaphore, uint32_t n, uint64_t task_id)
{
	struct rs_resource *resource = &semaphore->resource;
	uint64_t id = rs_self_id();
	int rc = rs_resource_check(resource);

	if (rc)
		return rc;
	if (!task_id)
		return -EINVAL;
	rs_lock_take(&resource->lock);
	if (rs_holders_of_locked(&semaphore->holders, id) < n)
		rc = -ROUSE_ENOTOWNER;
	else if (id != task_id)
		rs_holders_move_locked(resource, &semaphore->holders, id, task_id, n, rs_stamp());
	rs_lock_drop(&resource->lock);
	return rc;
}

void rouse_semaphore_close(struct rouse_semaphore *semaphore)
{
	struct rs_resource *resource = &semaphore->resource;

	if (!rs_resource_there(resource))
		return;
	rs_lock_take(&resource->lock);
	rs_resource_close_locked(resource);
	rs_lock_drop(&resource->lock);
	rs_leaf_end_all(resource, &semaphore->waiters, -ROUSE_ECLOSED);
}

static struct rouse_semaphore *make(const char *name, uint32_t permits, uint32_t entries, uint8_t flags,
	const struct rouse_site *site)
{
	struct rouse_semaphore *semaphore = rs_resource_new(
		sizeof *semaphore + entries * sizeof semaphore->entries[0], ROUSE_RESOURCE_SEMAPHORE, name, site);

	if (!semaphore)
		return NULL;
	rs_resource_mark(&semaphore->resource, flags);
	rs_record(&semaphore->resource.value, (uint64_t)permits);
	rs_record(&semaphore->resource.capacity, (uint64_t)permits);
	rs_record(&semaphore->resource.side_a, 1ull);
	rs_record(&semaphore->resource.side_b, (uint64_t)permits);
	rs_holders_init(&semaphore->resource, &semaphore->holders, semaphore->entries, entries);
	return semaphore;
}

struct rouse_semaphore *rouse_semaphore_new_(const char *name, uint32_t permits, const struct rouse_site *site)
{
	return make(name, permits, RS_HOLDERS, 0, site);
}

struct rouse_semaphore *rouse_semaphore_new_owned_(const char *name, uint32_t permits, const struct rouse_site *site)
{
	if (permits && permits <= ROUSE_OWNED_PERMITS_MAX)
		return make(name, permits, permits, ROUSE_RESOURCE_OWNED, site);
	errno = EINVAL;
	return NULL;
}

void rouse_semaphore_free(struct rouse_semaphore *semaphore)
{
	if (semaphore && rs_resource_there(&semaphore->resource))
		rs_resource_retire(&semaphore->resource);
}

/* --------------------------------------------------------------- checking */

const char *rs_semaphore_validate(struct rouse_semaphore *semaphore)
{
	struct rs_resource *resource = &semaphore->resource;
	const char *wrong;

	rs_lock_take(&resource->lock);
	wrong = rs_holders_validate_locked(resource, &semaphore->holders);
	if (!wrong)
		wrong = rs_waitlist_validate_locked(&semaphore->waiters, resource->serial);
	rs_lock_drop(&resource->lock);
	return wrong;
}

void rs_semaphore_dump(struct rouse_semaphore *semaphore, FILE *out)
{
	struct rs_resource *resource = &semaphore->resource;

	rs_lock_take(&resource->lock);
	fprintf(out, "semaphore \"%.24s\": %" PRIu64 " of %" PRIu64 " free%s; ", resource->name, resource->value,
		resource->capacity, rs_resource_closed(resource) ? ", closed" : "");
	rs_holders_dump_locked(resource, &semaphore->holders, out);
	rs_waitlist_dump_locked(&semaphore->waiters, out);
	rs_lock_drop(&resource->lock);
}
