/* SPDX-License-Identifier: MIT */
/*
 * Notify: wakes a waiter, or remembers one permit for the next. Waiters carry
 * in `arg` the number of the last notify_all before they came; a notify_all
 * ends those with a number below its own and so leaves alone whoever comes back
 * while it wakes, though it drops the lock after every batch.
 *
 * What notify_one gave must not be lost: a future dropped after it was granted
 * passes it on. What notify_all gave was for that waiter only.
 */
#include "sync/leaf.h"

#include <errno.h>

#define FROM_ONE UINT64_MAX /* in arg, once granted: by notify_one */

struct rouse_notify {
	struct rs_resource resource;
	struct rs_waitlist waiters;
	uint64_t epoch; /* notify_all calls so far */
};

static void notified_drop(struct rouse_future *f)
{
	struct rouse_notified *self = (struct rouse_notified *)f;
	struct rouse_notify *notify = self->notify;
	struct rouse_waker waker = { 0, 0 };

	if (rs_wait_state(&self->wait) == ROUSE_WAIT_IDLE || !rs_resource_there(&notify->resource))
		return;
	rs_lock_take(&notify->resource.lock);
	bool waited = rs_wait_cancel_locked(&notify->waiters, &self->wait, &waker);

	rs_lock_drop(&notify->resource.lock);
	rouse_waker_drop(&waker);
	(void)rs_leaf_end(self, -ECANCELED);
	if (!waited && self->wait.arg == FROM_ONE)
		rouse_notify_one(notify);
}

static struct rouse_poll notified_locked(struct rouse_notified *self, struct rouse_context *cx)
{
	struct rouse_notify *notify = self->notify;
	enum rouse_wait_state state = rs_wait_state(&self->wait);

	if (state == ROUSE_WAIT_GRANTED)
		return rs_leaf_end(self, 0);
	if (state == ROUSE_WAIT_IDLE) {
		if (notify->resource.value) {
			rs_record(&notify->resource.value, 0ull);
			return rs_leaf_end(self, 0);
		}
		self->wait.arg = notify->epoch;
	}
	rs_record(&notify->resource.last_user_b, rs_current_task_id());
	rs_wait_register_locked(&notify->waiters, &self->wait, cx, notify->resource.serial);
	return rouse_pending();
}

static struct rouse_poll notified_poll(struct rouse_future *f, struct rouse_context *cx)
{
	struct rouse_notified *self = (struct rouse_notified *)f;
	struct rs_resource *resource = &self->notify->resource;
	int rc = rs_resource_check(resource);

	if (rc) {
		notified_drop(f);
		return rs_leaf_end(self, rc);
	}
	if (rs_wait_state(&self->wait) == ROUSE_WAIT_GRANTED)
		return rs_leaf_end(self, 0);
	if (rs_wait_state(&self->wait) == ROUSE_WAIT_IDLE && !rs_coop_spend(cx))
		return rouse_pending();
	rs_lock_take(&resource->lock);
	struct rouse_poll poll = notified_locked(self, cx);

	rs_lock_drop(&resource->lock);
	return poll;
}

RS_LEAF(rouse_notified, notified_poll, notified_drop, ROUSE_OP_NOTIFIED);

struct rouse_notified *rouse_notified(struct rouse_notified *storage, struct rouse_notify *notify)
{
	rs_leaf_init(storage, &rouse_notified_rouse_type);
	storage->notify = notify;
	return storage;
}

void rouse_notify_one(struct rouse_notify *notify)
{
	struct rs_resource *resource = &notify->resource;
	struct rouse_waker waker = { 0, 0 };

	if (!rs_resource_there(resource))
		return;
	rs_lock_take(&resource->lock);
	rs_record(&resource->last_user_a, rs_current_task_id());
	struct rouse_wait *wait = notify->waiters.head;

	if (wait) {
		wait->arg = FROM_ONE;
		waker = rs_wait_grant_locked(&notify->waiters, wait);
	} else {
		rs_record(&resource->value, 1ull);
	}
	rs_lock_drop(&resource->lock);
	rs_wake_granted(&waker, ROUSE_WAKE_FOREIGN);
}

void rouse_notify_all(struct rouse_notify *notify)
{
	struct rs_resource *resource = &notify->resource;
	struct rs_wake_batch batch; /* its room need not be cleared */
	struct rouse_wait *wait;

	if (!rs_resource_there(resource))
		return;
	rs_lock_take(&resource->lock);
	rs_record(&resource->last_user_a, rs_current_task_id());
	uint64_t epoch = ++notify->epoch;

	batch.n = 0;
	while ((wait = notify->waiters.head) && wait->arg < epoch) {
		rs_wake_batch_add(&batch, rs_wait_grant_locked(&notify->waiters, wait));
		if (rs_wake_batch_full(&batch)) {
			rs_lock_drop(&resource->lock);
			rs_wake_batch_flush(&batch, ROUSE_WAKE_FOREIGN);
			rs_lock_take(&resource->lock);
		}
	}
	rs_lock_drop(&resource->lock);
	rs_wake_batch_flush(&batch, ROUSE_WAKE_FOREIGN);
}

struct rouse_notify *rouse_notify_new_(const char *name, const struct rouse_site *site)
{
	struct rouse_notify *notify = rs_resource_new(sizeof *notify, ROUSE_RESOURCE_NOTIFY, name, site);

	if (!notify)
		return NULL;
	rs_record(&notify->resource.capacity, 1ull);
	rs_record(&notify->resource.side_a, 1ull);
	return notify;
}

void rouse_notify_free(struct rouse_notify *notify)
{
	if (notify && rs_resource_there(&notify->resource))
		rs_resource_retire(&notify->resource);
}
