/* SPDX-License-Identifier: MIT */
/*
 * Notify: wakes a waiter, or remembers one permit for the next. Waiters carry
 * in `arg` the number of the last notify_all before they came; a notify_all
 * ends those with a number below its own and so leaves alone whoever comes back
 * while it wakes, though it drops the lock after every batch.
 *
 * What notify_one gave must not be lost: a future dropped after it was granted
 * passes it on. What notify_all gave was for that waiter only.
 *
 * The record's value is one word for both, so that a permit need not be stored or
 * taken under the lock, and no moment shows a permit beside somebody who waits:
 *
 *            store (N1)                wait (N4, resource lock held)
 *   PERMIT <------------- 0 ----------------------------> WAITED
 *      |                  ^ ^                               |
 *      +---- take (N2) ---+ +---- the last waiter goes -----+
 *
 * 0 and PERMIT move by read-modify-writes alone, WAITED belongs to whoever holds
 * the lock, as does the list. The release of N1 pairs with the acquire of N2, N3
 * and N4: what was done before a notify is seen by who takes its permit, and also
 * by who comes to wait just after it, looks once more, and then waits. For that a
 * notify that changes nothing (the permit is there already; nobody waits for
 * notify_all, N3) is a read-modify-write too.
 */
#include "sync/leaf.h"

#include <errno.h>

#define FROM_ONE UINT64_MAX /* in arg, once granted: by notify_one */

enum { PERMIT = 1, WAITED = ROUSE_NOTIFY_WAITED }; /* resource.value; else 0 */

struct rouse_notify {
	struct rs_resource resource;
	struct rs_waitlist waiters;
	uint64_t epoch; /* notify_all calls so far */
};

/* N2 */
static bool take_permit(struct rouse_notify *notify)
{
	uint64_t seen = PERMIT;

	return rs_load(&notify->resource.value, RS_RELAXED) == PERMIT &&
	       rs_cas(&notify->resource.value, &seen, 0ull, RS_ACQUIRE, RS_RELAXED);
}

/* N1, again over one that is there. False: somebody waits. */
static bool store_permit(struct rouse_notify *notify)
{
	uint64_t seen = rs_load(&notify->resource.value, RS_RELAXED);

	while (seen != WAITED)
		if (rs_cas(&notify->resource.value, &seen, (uint64_t)PERMIT, RS_ACQ_REL, RS_RELAXED))
			return true;
	return false;
}

/* N3; a look beforehand spares those who wait the cache line. */
static bool nobody_waits(struct rouse_notify *notify)
{
	return rs_load(&notify->resource.value, RS_RELAXED) != WAITED &&
	       rs_fetch_add(&notify->resource.value, 0ull, RS_ACQ_REL) != WAITED;
}

/* N4, before this waiter is in the list. False: there was a permit, which is taken. */
static bool wait_locked(struct rouse_notify *notify)
{
	uint64_t seen = 0;

	if (notify->waiters.head)
		return true; /* WAITED already */
	while (!rs_cas(&notify->resource.value, &seen, (uint64_t)WAITED, RS_ACQUIRE, RS_RELAXED)) {
		if (take_permit(notify))
			return false;
		seen = 0;
	}
	return true;
}

/* After waiters have gone. Relaxed: whoever found WAITED comes for the lock. */
static void settle_locked(struct rouse_notify *notify)
{
	if (!notify->waiters.head && rs_load(&notify->resource.value, RS_RELAXED) == WAITED)
		rs_record(&notify->resource.value, 0ull);
}

static struct rouse_waker grant_locked(struct rouse_notify *notify, struct rouse_wait *wait)
{
	struct rouse_waker waker = rs_wait_grant_locked(&notify->waiters, wait);

	settle_locked(notify);
	return waker;
}

static void notified_drop(struct rouse_future *f)
{
	struct rouse_notified *self = (struct rouse_notified *)f;
	struct rouse_notify *notify = self->notify;
	struct rouse_waker waker = { 0, 0 };

	if (rs_wait_state(&self->wait) == ROUSE_WAIT_IDLE || !rs_resource_there(&notify->resource))
		return;
	rs_lock_take(&notify->resource.lock);
	bool waited = rs_wait_cancel_locked(&notify->waiters, &self->wait, &waker);

	settle_locked(notify);
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
		if (!wait_locked(notify))
			return rs_leaf_end(self, 0);
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
	if (rs_wait_state(&self->wait) == ROUSE_WAIT_IDLE) {
		if (!rs_coop_spend(cx))
			return rouse_pending();
		if (take_permit(self->notify))
			return rs_leaf_end(self, 0);
	}
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
	rs_record(&resource->last_user_a, rs_current_task_id()); /* before: who takes the permit may free it all */
	if (store_permit(notify))
		return;
	rs_lock_take(&resource->lock);
	struct rouse_wait *wait = notify->waiters.head;

	if (wait) {
		wait->arg = FROM_ONE;
		waker = grant_locked(notify, wait);
	} else {
		(void)store_permit(notify); /* nobody can come to wait meanwhile */
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
	rs_record(&resource->last_user_a, rs_current_task_id());
	if (nobody_waits(notify))
		return;
	rs_lock_take(&resource->lock);
	uint64_t epoch = ++notify->epoch;

	batch.n = 0;
	while ((wait = notify->waiters.head) && wait->arg < epoch) {
		rs_wake_batch_add(&batch, grant_locked(notify, wait));
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
