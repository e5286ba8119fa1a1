/* SPDX-License-Identifier: MIT */
/**
 * rouse/sync.h - mutex, semaphore, notify, oneshot, channels.
 *
 * Every object is made for the current runtime, is seen by the console with
 * its kind, name, creation site and users, and may be used from any thread
 * (await only in tasks). `_new` answers NULL with errno set (ROUSE_ENORUNTIME,
 * ENOMEM). An object may outlive its runtime: every call on it then answers
 * -ROUSE_EORPHAN, and `_free` still works. Waiters are served first come,
 * first served. Dropping a waiting future gives back what it was granted.
 *
 * The `_new` macros remember where they are called; `name` may be NULL and is
 * cut at 23 bytes.
 */
#ifndef ROUSE_SYNC_H
#define ROUSE_SYNC_H

#include <rouse/runtime.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ROUSE_RESOURCE_SITE_                                                                       \
	__extension__({                                                                            \
		static uint32_t rouse_resource_index_;                                             \
		ROUSE_SITE_(rouse_resource_site_, ROUSE_SITE_RESOURCE, NULL, &rouse_resource_index_); \
		&rouse_resource_site_;                                                             \
	})

/* ------------------------------------------------------------------ mutex */

struct rouse_mutex;
#define rouse_mutex_new(NAME) rouse_mutex_new_((NAME), ROUSE_RESOURCE_SITE_)
ROUSE_API struct rouse_mutex *rouse_mutex_new_(const char *name, const struct rouse_site *site);
/** Takes the reference. Nobody may hold or await it. NULL is fine. */
ROUSE_API void rouse_mutex_free(struct rouse_mutex *mutex);

/** Locks. Result: 0 (the lock belongs to this task), -EDEADLK if it already does, -ROUSE_EORPHAN. */
struct rouse_mutex_lock {
	struct rouse_future future;
	int64_t result;
	struct rouse_wait wait;
	struct rouse_mutex *mutex;
};
ROUSE_API struct rouse_mutex_lock *rouse_mutex_lock(struct rouse_mutex_lock *storage, struct rouse_mutex *mutex);
/** Locks if free: 0 or -EBUSY, -EDEADLK, -ROUSE_EORPHAN. Never suspends. */
ROUSE_API int rouse_mutex_try_lock(struct rouse_mutex *mutex);
/** 0, or -ROUSE_ENOTOWNER if the running task does not hold it. */
ROUSE_API int rouse_mutex_unlock(struct rouse_mutex *mutex);
/** Hands the held lock to another task: 0, -ROUSE_ENOTOWNER, -EINVAL (id 0). */
ROUSE_API int rouse_mutex_transfer(struct rouse_mutex *mutex, uint64_t task_id);

/* -------------------------------------------------------------- semaphore */

struct rouse_semaphore;
#define rouse_semaphore_new(NAME, PERMITS) rouse_semaphore_new_((NAME), (PERMITS), ROUSE_RESOURCE_SITE_)
ROUSE_API struct rouse_semaphore *rouse_semaphore_new_(const char *name, uint32_t permits,
	const struct rouse_site *site);
/**
 * The same, whose permits belong to the task that took them, as a lock does: a pool of connections, say. Only that task
 * may release them, or hand them on. So who has them is always exactly known, and whoever waits for permits of tasks
 * that have ended, or of its own, is told so for certain. At most ROUSE_OWNED_PERMITS_MAX, at least 1: else EINVAL.
 */
#define ROUSE_OWNED_PERMITS_MAX 256u
#define rouse_semaphore_new_owned(NAME, PERMITS) rouse_semaphore_new_owned_((NAME), (PERMITS), ROUSE_RESOURCE_SITE_)
ROUSE_API struct rouse_semaphore *rouse_semaphore_new_owned_(const char *name, uint32_t permits,
	const struct rouse_site *site);
ROUSE_API void rouse_semaphore_free(struct rouse_semaphore *semaphore);
/** Takes n permits, all at once, in order. Result: 0, -ROUSE_ECLOSED, -ROUSE_EORPHAN. */
struct rouse_semaphore_acquire {
	struct rouse_future future;
	int64_t result;
	struct rouse_wait wait;
	struct rouse_semaphore *semaphore;
	uint32_t n;
	uint32_t reserved;
	uint64_t task; /* whose the permits are once they are granted: who polled it last */
};
ROUSE_API struct rouse_semaphore_acquire *rouse_semaphore_acquire(struct rouse_semaphore_acquire *storage,
	struct rouse_semaphore *semaphore, uint32_t n);
/** 0, -ROUSE_EEMPTY, -ROUSE_ECLOSED, -ROUSE_EORPHAN. */
ROUSE_API int rouse_semaphore_try_acquire(struct rouse_semaphore *semaphore, uint32_t n);
/**
 * Gives n permits (also ones that were never taken: then there are more). 0, -ROUSE_EORPHAN; of an owned semaphore
 * -ROUSE_ENOTOWNER if the caller has not as many. Any thread.
 */
ROUSE_API int rouse_semaphore_release(struct rouse_semaphore *semaphore, uint32_t n);
/** Hands n permits that the caller has to another task: 0, -ROUSE_ENOTOWNER, -EINVAL (id 0), -ROUSE_EORPHAN. */
ROUSE_API int rouse_semaphore_transfer(struct rouse_semaphore *semaphore, uint32_t n, uint64_t task_id);
/** Ends all waits with -ROUSE_ECLOSED. */
ROUSE_API void rouse_semaphore_close(struct rouse_semaphore *semaphore);

/* ----------------------------------------------------------------- notify */

struct rouse_notify;
#define rouse_notify_new(NAME) rouse_notify_new_((NAME), ROUSE_RESOURCE_SITE_)
ROUSE_API struct rouse_notify *rouse_notify_new_(const char *name, const struct rouse_site *site);
ROUSE_API void rouse_notify_free(struct rouse_notify *notify);
/** Waits for a notification, or takes the stored one. Result: 0, -ROUSE_EORPHAN. */
struct rouse_notified {
	struct rouse_future future;
	int64_t result;
	struct rouse_wait wait;
	struct rouse_notify *notify;
};
ROUSE_API struct rouse_notified *rouse_notified(struct rouse_notified *storage, struct rouse_notify *notify);
/** Wakes the longest waiter, or stores one permit if there is none. Any thread. */
ROUSE_API void rouse_notify_one(struct rouse_notify *notify);
/** Wakes all who wait now; stores nothing. Any thread. */
ROUSE_API void rouse_notify_all(struct rouse_notify *notify);

/* ---------------------------------------------------------------- oneshot */

/** One value of up to 8 bytes (a number or a pointer), from one sender to one receiver. */
struct rouse_oneshot;
#define rouse_oneshot_new(NAME) rouse_oneshot_new_((NAME), ROUSE_RESOURCE_SITE_)
ROUSE_API struct rouse_oneshot *rouse_oneshot_new_(const char *name, const struct rouse_site *site);
/** Sends; takes the sender's side. 0, -ROUSE_ECLOSED if the receiver is gone, -ROUSE_EORPHAN. Any thread. */
ROUSE_API int rouse_oneshot_send(struct rouse_oneshot *oneshot, uint64_t value);
/** The sender's side goes without sending; the receiver gets -ROUSE_ECLOSED. Any thread. */
ROUSE_API void rouse_oneshot_drop_sender(struct rouse_oneshot *oneshot);
/** The receiver's side goes (also done when a rouse_oneshot_recv ends or is dropped). */
ROUSE_API void rouse_oneshot_drop_receiver(struct rouse_oneshot *oneshot);
/** Takes the receiver's side. Result: 0 with *ret_value set, -ROUSE_ECLOSED, -ROUSE_EORPHAN. */
struct rouse_oneshot_recv {
	struct rouse_future future;
	int64_t result;
	struct rouse_wait wait;
	struct rouse_oneshot *oneshot;
	uint64_t *ret_value;
};
ROUSE_API struct rouse_oneshot_recv *rouse_oneshot_recv(struct rouse_oneshot_recv *storage,
	struct rouse_oneshot *oneshot, uint64_t *ret_value);

/* --------------------------------------------------------------- channels */

/**
 * Many producers, one consumer; messages of a fixed size are copied in and out.
 * A bounded channel suspends senders when full; an unbounded one never does.
 */
struct rouse_mpsc;
/** `capacity` 0 makes it unbounded. Comes with one sender and one receiver reference. */
#define rouse_mpsc_new(NAME, MESSAGE_BYTES, CAPACITY) rouse_mpsc_new_((NAME), (MESSAGE_BYTES), (CAPACITY), ROUSE_RESOURCE_SITE_)
ROUSE_API struct rouse_mpsc *rouse_mpsc_new_(const char *name, size_t message_bytes, size_t capacity,
	const struct rouse_site *site);
/** One more sender. Any thread. Returns its argument. */
ROUSE_API struct rouse_mpsc *rouse_mpsc_ref_sender(struct rouse_mpsc *channel);
/** One sender less; after the last, the receiver gets what is queued, then -ROUSE_ECLOSED. Any thread. */
ROUSE_API void rouse_mpsc_drop_sender(struct rouse_mpsc *channel);
/** The receiver goes: sends answer -ROUSE_ECLOSED, queued messages are discarded. Any thread. */
ROUSE_API void rouse_mpsc_drop_receiver(struct rouse_mpsc *channel);
ROUSE_API size_t rouse_mpsc_len(const struct rouse_mpsc *channel);

/**
 * Copies the message in, waiting for room. It is read at the latest when the future is ready. Result: 0,
 * -ROUSE_ECLOSED, -ROUSE_EORPHAN, -ENOMEM (its memory grows with what is queued).
 */
struct rouse_mpsc_send {
	struct rouse_future future;
	int64_t result;
	struct rouse_wait wait;
	struct rouse_mpsc *channel;
	const void *message;
};
ROUSE_API struct rouse_mpsc_send *rouse_mpsc_send(struct rouse_mpsc_send *storage, struct rouse_mpsc *channel,
	const void *message);
/** 0, -ROUSE_EFULL, -ROUSE_ECLOSED, -ROUSE_EORPHAN, -ENOMEM. Any thread. Never suspends. */
ROUSE_API int rouse_mpsc_try_send(struct rouse_mpsc *channel, const void *message);

/**
 * Result: 0 with the message copied to *ret_message, -ROUSE_ECLOSED when all is over, -ROUSE_EORPHAN, -EBUSY: one
 * receive waits already.
 */
struct rouse_mpsc_recv {
	struct rouse_future future;
	int64_t result;
	struct rouse_wait wait;
	struct rouse_mpsc *channel;
	void *ret_message;
};
ROUSE_API struct rouse_mpsc_recv *rouse_mpsc_recv(struct rouse_mpsc_recv *storage, struct rouse_mpsc *channel,
	void *ret_message);
/** 0, -ROUSE_EEMPTY, -ROUSE_ECLOSED, -ROUSE_EORPHAN. */
ROUSE_API int rouse_mpsc_try_recv(struct rouse_mpsc *channel, void *ret_message);

#ifdef __cplusplus
}
#endif
#endif
