/* SPDX-License-Identifier: MIT */
/*
 * The semaphore: permits, and waiters who each want some at once. The longest
 * waiter goes first even if a later one could go now, so that a large request
 * is not starved by small ones; for the same reason nobody takes past a queue.
 * Free permits stay visible in `value` while the first waiter wants more.
 */
#include "sync/leaf.h"

#include <errno.h>

struct rouse_semaphore {
	struct rs_resource resource;
	struct rs_waitlist waiters; /* arg: permits wanted */
};

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
	used_by(&semaphore->resource, rs_current_task_id());
	return true;
}

/* Serves the queue as far as the permits go. Called with the lock, which is dropped. */
static void serve_locked(struct rouse_semaphore *semaphore)
{
	struct rs_resource *resource = &semaphore->resource;
	struct rs_wake_batch batch; /* its room need not be cleared */
	struct rouse_wait *wait;

	batch.n = 0;
	while ((wait = semaphore->waiters.head) && wait->arg <= resource->value) {
		rs_record(&resource->value, resource->value - wait->arg);
		rs_wake_batch_add(&batch, rs_wait_grant_locked(&semaphore->waiters, wait));
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
	if (!rs_wait_cancel_locked(&self->semaphore->waiters, &self->wait, &waker) && self->result == 0)
		rs_record(&resource->value, resource->value + self->n); /* granted, and nobody took it */
	(void)rs_leaf_end(self, -ECANCELED);
	/* Also when it only waited: a large request that leaves the head makes way for others. */
	serve_locked(self->semaphore);
	rouse_waker_drop(&waker);
}

/* READY as far as the lock's holder can say; else the waiter is registered. */
static struct rouse_poll acquire_locked(struct rouse_semaphore_acquire *self, struct rouse_context *cx)
{
	struct rouse_semaphore *semaphore = self->semaphore;
	enum rouse_wait_state state = rs_wait_state(&self->wait);

	if (state == ROUSE_WAIT_GRANTED)
		return rs_leaf_end(self, self->result);
	if (rs_resource_closed(&semaphore->resource) && state == ROUSE_WAIT_IDLE)
		return rs_leaf_end(self, -ROUSE_ECLOSED);
	if (state == ROUSE_WAIT_IDLE && take_locked(semaphore, self->n))
		return rs_leaf_end(self, 0);
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
	if (rs_wait_state(&self->wait) == ROUSE_WAIT_GRANTED) {
		if (self->result == 0)
			used_by(resource, rs_current_task_id());
		return rs_leaf_end(self, self->result);
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
	rs_record(&resource->value, resource->value + n);
	if (resource->value > resource->capacity)
		rs_record(&resource->capacity, resource->value);
	serve_locked(semaphore);
	return 0;
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

struct rouse_semaphore *rouse_semaphore_new_(const char *name, uint32_t permits, const struct rouse_site *site)
{
	struct rouse_semaphore *semaphore = rs_resource_new(sizeof *semaphore, ROUSE_RESOURCE_SEMAPHORE, name, site);

	if (!semaphore)
		return NULL;
	rs_record(&semaphore->resource.value, (uint64_t)permits);
	rs_record(&semaphore->resource.capacity, (uint64_t)permits);
	rs_record(&semaphore->resource.side_a, 1ull);
	return semaphore;
}

void rouse_semaphore_free(struct rouse_semaphore *semaphore)
{
	if (semaphore && rs_resource_there(&semaphore->resource))
		rs_resource_retire(&semaphore->resource);
}
