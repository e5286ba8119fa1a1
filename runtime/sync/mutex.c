/* SPDX-License-Identifier: MIT */
/*
 * The mutex. Fair: an unlock hands the lock to the longest waiter, which is its
 * owner before it runs, so nobody barges in and `owner` is exact at any time.
 *
 *             take (cas)              wait (resource lock held)
 *     FREE ----------------> HELD ------------------------------> CONTENDED
 *      ^                      |  ^                                 |  |
 *      +------ release (cas) -+  +------ hand_on, last waiter -----+  |
 *      |                                                              |
 *      +---------------- hand_on, all waiters dropped ----------------+
 *
 * FREE and HELD move by compare-and-swap alone: an uncontended lock and unlock
 * cost one each. A word that is CONTENDED belongs to whoever holds the resource
 * lock, as does the list of waiters; then `owner` is written by hand_on, else
 * by the owner itself. A waiter's node says in `arg` which task it waits for.
 *
 * HANDED says that the owner got the lock as a waiter and has not come for it.
 * The flags belong to the resource lock, as everywhere: the runtime's end sets
 * ORPHANED among them. hand_on sets it there; who ends it takes the lock again,
 * but only if it is set. That is seen without the lock: hand_on sets it before
 * the grant (release), and until the new owner has taken note, or given the lock
 * away, nobody else may hand on what it owns.
 *
 * A task that ends without unlocking leaves the lock to its id: no policy here,
 * it is for a reader to find.
 */
#include "sync/leaf.h"

#include "sched/runtime.h"

#include <errno.h>

enum { FREE = 0, HELD = 1, CONTENDED = 2 };

struct rouse_mutex {
	struct rs_resource resource;
	struct rs_waitlist waiters;
	uint32_t word;
};

static void own(struct rouse_mutex *mutex, uint64_t id, uint64_t since)
{
	rs_record(&mutex->resource.owner, id);
	rs_record(&mutex->resource.owner_since, since);
	rs_record(&mutex->resource.last_user_a, id);
	rs_record(&mutex->resource.value, 0ull);
}

static void disown(struct rouse_mutex *mutex)
{
	rs_record(&mutex->resource.owner, 0ull);
	rs_record(&mutex->resource.value, 1ull);
}

static bool owned_by(const struct rouse_mutex *mutex, uint64_t id)
{
	return rs_load(&mutex->resource.owner, RS_RELAXED) == id; /* nobody else stores or clears the caller's id */
}

static bool take(struct rouse_mutex *mutex, uint64_t id)
{
	uint32_t expected = FREE;

	/* M1: acquire pairs with the releases M2 and M3: what the last owner did is seen. */
	if (!rs_cas(&mutex->word, &expected, (uint32_t)HELD, RS_ACQUIRE, RS_RELAXED))
		return false;
	own(mutex, id, rs_edge_stamp());
	return true;
}

static void set_handed_locked(struct rouse_mutex *mutex, bool handed)
{
	uint8_t others = mutex->resource.flags & (uint8_t)~ROUSE_RESOURCE_HANDED;

	rs_record(&mutex->resource.flags, (uint8_t)(others | (handed ? ROUSE_RESOURCE_HANDED : 0)));
}

/* The owner has come for the lock, or has no more use for it. */
static void end_handing(struct rouse_mutex *mutex)
{
	if (!(rs_load(&mutex->resource.flags, RS_RELAXED) & ROUSE_RESOURCE_HANDED))
		return;
	rs_lock_take(&mutex->resource.lock);
	set_handed_locked(mutex, false);
	rs_lock_drop(&mutex->resource.lock);
}

/* Gives the lock to the longest waiter, or frees it if none is left. */
static void hand_on(struct rouse_mutex *mutex)
{
	struct rouse_waker waker = { 0, 0 };
	struct rouse_wait *next;

	rs_lock_take(&mutex->resource.lock);
	next = mutex->waiters.head;
	if (next) {
		own(mutex, next->arg, rs_stamp());
		set_handed_locked(mutex, true);
		/* Relaxed: the new owner sees it by the release of its grant. */
		rs_store(&mutex->word, next->next ? (uint32_t)CONTENDED : (uint32_t)HELD, RS_RELAXED);
		waker = rs_wait_grant_locked(&mutex->waiters, next);
	} else {
		disown(mutex);
		rs_store(&mutex->word, (uint32_t)FREE, RS_RELEASE); /* M3: pairs with M1 */
	}
	rs_lock_drop(&mutex->resource.lock);
	rs_wake_granted(&waker, ROUSE_WAKE_FOREIGN);
}

static void release(struct rouse_mutex *mutex)
{
	uint32_t expected = HELD;

	end_handing(mutex);
	if (rs_load(&mutex->word, RS_RELAXED) == HELD) {
		disown(mutex); /* before the word: afterwards the record is the next owner's */
		if (rs_cas(&mutex->word, &expected, (uint32_t)FREE, RS_RELEASE, RS_RELAXED)) /* M2: pairs with M1 */
			return;
	}
	hand_on(mutex);
}

/* Makes the word CONTENDED, or takes the lock if it has become free: true. With the resource lock held. */
static bool take_or_contend_locked(struct rouse_mutex *mutex, uint64_t id)
{
	uint32_t seen;

	do {
		if (take(mutex, id))
			return true;
		seen = HELD;
	} while (!rs_cas(&mutex->word, &seen, (uint32_t)CONTENDED, RS_RELAXED, RS_RELAXED) && seen == FREE);
	return false;
}

static void lock_drop(struct rouse_future *f)
{
	struct rouse_mutex_lock *self = (struct rouse_mutex_lock *)f;
	struct rouse_mutex *mutex = self->mutex;
	struct rouse_waker waker = { 0, 0 };

	if (rs_wait_state(&self->wait) == ROUSE_WAIT_IDLE || !rs_resource_there(&mutex->resource))
		return;
	rs_lock_take(&mutex->resource.lock);
	bool waited = rs_wait_cancel_locked(&mutex->waiters, &self->wait, &waker);

	rs_lock_drop(&mutex->resource.lock);
	rouse_waker_drop(&waker);
	(void)rs_leaf_end(self, -ECANCELED);
	if (!waited)
		release(mutex); /* it was handed over, and nobody took it */
}

/* Registers, unless meanwhile the lock has come our way: true. */
static bool wait_or_take(struct rouse_mutex_lock *self, struct rouse_context *cx, uint64_t id)
{
	struct rouse_mutex *mutex = self->mutex;

	rs_lock_take(&mutex->resource.lock);
	enum rouse_wait_state state = rs_wait_state(&self->wait);
	bool mine = state == ROUSE_WAIT_GRANTED ||
		    (state == ROUSE_WAIT_IDLE && take_or_contend_locked(mutex, id));

	if (!mine) {
		rs_store(&self->wait.arg, id, RS_RELAXED);
		rs_wait_register_locked(&mutex->waiters, &self->wait, cx, mutex->resource.serial);
	}
	rs_lock_drop(&mutex->resource.lock);
	return mine;
}

static struct rouse_poll lock_poll(struct rouse_future *f, struct rouse_context *cx)
{
	struct rouse_mutex_lock *self = (struct rouse_mutex_lock *)f;
	struct rouse_mutex *mutex = self->mutex;
	uint64_t id = rs_self_id();
	int rc = rs_resource_check(&mutex->resource);

	if (rc) {
		lock_drop(f);
		return rs_leaf_end(self, rc);
	}
	if (rs_wait_state(&self->wait) == ROUSE_WAIT_IDLE) {
		if (owned_by(mutex, id))
			return rs_leaf_end(self, -EDEADLK);
		if (!rs_coop_spend(cx))
			return rouse_pending();
		if (take(mutex, id))
			return rs_leaf_end(self, 0);
	}
	if (rs_wait_state(&self->wait) != ROUSE_WAIT_GRANTED && !wait_or_take(self, cx, id))
		return rouse_pending();
	if (!owned_by(mutex, id)) /* the future went to another task after it was granted */
		own(mutex, id, rs_stamp());
	end_handing(mutex);
	return rs_leaf_end(self, 0);
}

RS_LEAF(rouse_mutex_lock, lock_poll, lock_drop, ROUSE_OP_LOCK);

struct rouse_mutex_lock *rouse_mutex_lock(struct rouse_mutex_lock *storage, struct rouse_mutex *mutex)
{
	rs_leaf_init(storage, &rouse_mutex_lock_rouse_type);
	storage->mutex = mutex;
	return storage;
}

int rouse_mutex_try_lock(struct rouse_mutex *mutex)
{
	uint64_t id = rs_self_id();
	int rc = rs_resource_check(&mutex->resource);

	if (rc)
		return rc;
	if (owned_by(mutex, id))
		return -EDEADLK;
	return take(mutex, id) ? 0 : -EBUSY;
}

int rouse_mutex_unlock(struct rouse_mutex *mutex)
{
	int rc = rs_resource_check(&mutex->resource);

	if (rc)
		return rc;
	if (!owned_by(mutex, rs_self_id()))
		return -ROUSE_ENOTOWNER;
	release(mutex);
	return 0;
}

int rouse_mutex_transfer(struct rouse_mutex *mutex, uint64_t task_id)
{
	int rc = rs_resource_check(&mutex->resource);

	if (rc)
		return rc;
	if (!owned_by(mutex, rs_self_id()))
		return -ROUSE_ENOTOWNER;
	if (!task_id)
		return -EINVAL;
	end_handing(mutex); /* before: afterwards it is the new owner's */
	own(mutex, task_id, rs_stamp());
	return 0;
}

struct rouse_mutex *rouse_mutex_new_(const char *name, const struct rouse_site *site)
{
	struct rouse_mutex *mutex = rs_resource_new(sizeof *mutex, ROUSE_RESOURCE_MUTEX, name, site);

	if (!mutex)
		return NULL;
	rs_resource_mark(&mutex->resource, ROUSE_RESOURCE_OWNED);
	rs_record(&mutex->resource.value, 1ull);
	rs_record(&mutex->resource.capacity, 1ull);
	rs_record(&mutex->resource.side_a, 1ull);
	return mutex;
}

void rouse_mutex_free(struct rouse_mutex *mutex)
{
	if (mutex && rs_resource_there(&mutex->resource))
		rs_resource_retire(&mutex->resource);
}
