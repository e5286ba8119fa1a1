/* SPDX-License-Identifier: MIT */
/*
 * Each trouble is an async function of its own, spawned as "trouble:NAME". The
 * await (or the call) that is at fault carries the comment "fault: NAME": that
 * is the line a finding should point at.
 *
 * Four of them are about wakers. A pending future promises that somebody will
 * call its task's waker, and there are four ways to break that:
 *
 *     never-registered   it stored none
 *     dropped-waker      it gave one away, and that was thrown away
 *     own-waker          the only one lies in the waiting frame itself
 *     stale-poller       it keeps the one of a task that polled it before
 *
 * All of them can be cancelled, so that the server can always be stopped.
 */
#include "trouble.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include <rouse/rouse.h>

/* A future that polls another only once; see "stale-poller". */
struct once {
	struct rouse_future future;
	int64_t result;
	bool polled;
	struct rouse_notified inner;
};

struct trouble {
	struct rouse_mutex *left, *right;
	struct rouse_notify *a_is_ready, *b_is_ready;
	struct rouse_notify *go; /* nobody says it */
	struct once once;
};

/* ------------------------------------------------------- never-registered */

/* Answers pending and keeps no waker: nobody can ever call back. */
struct forgetful {
	struct rouse_future future;
	int64_t result;
};

static struct rouse_poll forgetful_poll(struct rouse_future *future, struct rouse_context *cx)
{
	(void)future;
	(void)cx;
	return rouse_pending();
}

ROUSE_LEAF(forgetful, forgetful_poll, NULL);

ROUSE_ASYNC(never_registered, int,
	struct forgetful leaf;);
ROUSE_BODY(never_registered)
{
	ROUSE_BEGIN;
	self->leaf = (struct forgetful){ .future = ROUSE_FUTURE_INIT(forgetful) };
	ROUSE_AWAIT_ONLY(&self->leaf); /* fault: never-registered */
	ROUSE_RETURN(0);
	ROUSE_END;
}

/* ---------------------------------------------------------- dropped-waker */

/* Clones its waker, as it should, and then loses it. */
struct careless {
	struct rouse_future future;
	int64_t result;
};

static struct rouse_poll careless_poll(struct rouse_future *future, struct rouse_context *cx)
{
	struct rouse_waker waker = rouse_waker_clone(&cx->waker);

	(void)future;
	rouse_waker_drop(&waker); /* an error path, say, that forgot to wake */
	return rouse_pending();
}

ROUSE_LEAF(careless, careless_poll, NULL);

ROUSE_ASYNC(dropped_waker, int,
	struct careless leaf;);
ROUSE_BODY(dropped_waker)
{
	ROUSE_BEGIN;
	self->leaf = (struct careless){ .future = ROUSE_FUTURE_INIT(careless) };
	ROUSE_AWAIT_ONLY(&self->leaf); /* fault: dropped-waker */
	ROUSE_RETURN(0);
	ROUSE_END;
}

/* -------------------------------------------------------------- own-waker */

/* Keeps its waker where only it can reach it: in itself. */
struct hoarder {
	struct rouse_future future;
	int64_t result;
	struct rouse_waker waker;
};

static struct rouse_poll hoarder_poll(struct rouse_future *future, struct rouse_context *cx)
{
	struct hoarder *hoarder = (struct hoarder *)future;

	if (!hoarder->waker.vtable)
		hoarder->waker = rouse_waker_clone(&cx->waker);
	return rouse_pending();
}

static void hoarder_drop(struct rouse_future *future)
{
	rouse_waker_drop(&((struct hoarder *)future)->waker);
}

ROUSE_LEAF(hoarder, hoarder_poll, hoarder_drop);

ROUSE_ASYNC(own_waker, int,
	struct hoarder leaf;);
ROUSE_BODY(own_waker)
{
	ROUSE_BEGIN;
	self->leaf = (struct hoarder){ .future = ROUSE_FUTURE_INIT(hoarder) };
	ROUSE_AWAIT_ONLY(&self->leaf); /* fault: own-waker */
	ROUSE_RETURN(0);
	ROUSE_END;
}

/* ----------------------------------------------------------- stale-poller */

/*
 * Saves a poll: the inner future has been polled and has a waker, has it not?
 * It has that of the task which polled it first. Now another one waits.
 */
static struct rouse_poll once_poll(struct rouse_future *future, struct rouse_context *cx)
{
	struct once *once = (struct once *)future;

	if (once->polled)
		return rouse_pending();
	once->polled = true;
	once->future.awaiting = &once->inner.future; /* so that readers see what it waits for */
	return rouse_future_poll(&once->inner.future, cx);
}

static void once_drop(struct rouse_future *future)
{
	rouse_future_drop(&((struct once *)future)->inner.future);
}

ROUSE_LEAF(once, once_poll, once_drop);

ROUSE_ASYNC(stale_poller, int,
	struct trouble *trouble;);
ROUSE_BODY(stale_poller)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT_ONLY(&self->trouble->once); /* fault: stale-poller */
	ROUSE_RETURN(0);
	ROUSE_END;
}

/* Polls the future once, hands it to the other task, and goes on with its life. */
ROUSE_ASYNC(first_poller, int,
	struct trouble *trouble;
	struct rouse_sleep sleep;);
ROUSE_BODY(first_poller)
{
	ROUSE_BEGIN;
	self->trouble->once = (struct once){ .future = ROUSE_FUTURE_INIT(once) };
	rouse_notified(&self->trouble->once.inner, self->trouble->go);
	(void)rouse_future_poll(&self->trouble->once.future, cx);
	if (rouse_spawn_detached_named("trouble:stale-poller", stale_poller, .trouble = self->trouble))
		rouse_future_drop(&self->trouble->once.future);
	for (;;)
		ROUSE_AWAIT_ONLY(rouse_sleep(&self->sleep, ROUSE_S));
	ROUSE_END;
}

/* --------------------------------------------------------------- deadlock */

/* Two tasks, two locks, two orders. Each says that it has its first lock before the other asks for it. */
ROUSE_ASYNC(deadlock_a, int,
	struct trouble *trouble;
	union { struct rouse_mutex_lock lock; struct rouse_notified notified; };);
ROUSE_BODY(deadlock_a)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT_ONLY(rouse_mutex_lock(&self->lock, self->trouble->left));
	rouse_notify_one(self->trouble->a_is_ready);
	ROUSE_AWAIT_ONLY(rouse_notified(&self->notified, self->trouble->b_is_ready));
	ROUSE_AWAIT_ONLY(rouse_mutex_lock(&self->lock, self->trouble->right)); /* fault: deadlock-a */
	ROUSE_RETURN(rouse_mutex_unlock(self->trouble->right));
	ROUSE_FINALLY: (void)rouse_mutex_unlock(self->trouble->left); /* says no if it was never locked: fine */
	ROUSE_END;
}

ROUSE_ASYNC(deadlock_b, int,
	struct trouble *trouble;
	union { struct rouse_mutex_lock lock; struct rouse_notified notified; };);
ROUSE_BODY(deadlock_b)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT_ONLY(rouse_mutex_lock(&self->lock, self->trouble->right));
	rouse_notify_one(self->trouble->b_is_ready);
	ROUSE_AWAIT_ONLY(rouse_notified(&self->notified, self->trouble->a_is_ready));
	ROUSE_AWAIT_ONLY(rouse_mutex_lock(&self->lock, self->trouble->left)); /* fault: deadlock-b */
	ROUSE_RETURN(rouse_mutex_unlock(self->trouble->left));
	ROUSE_FINALLY: (void)rouse_mutex_unlock(self->trouble->right);
	ROUSE_END;
}

/* ---------------------------------------------------------- blocks-worker */

static void block_for(uint64_t ns)
{
	struct timespec rest = { .tv_sec = (time_t)(ns / ROUSE_S), .tv_nsec = (long)(ns % ROUSE_S) };

	while (nanosleep(&rest, &rest) && errno == EINTR)
		continue;
}

/* Every two seconds it sleeps as a thread does, and its worker with it. */
ROUSE_ASYNC(blocks_worker, int,
	struct rouse_sleep sleep;);
ROUSE_BODY(blocks_worker)
{
	ROUSE_BEGIN;
	for (;;) {
		ROUSE_AWAIT_ONLY(rouse_sleep(&self->sleep, 1800 * ROUSE_MS)); /* fault: blocks-worker */
		block_for(200 * ROUSE_MS); /* in the poll that goes on from there */
	}
	ROUSE_END;
}

/* -------------------------------------------------------------- self-wake */

/*
 * A timer that, instead of being told, keeps asking: it wakes its own task
 * until the time has come. Every so often it rests, or it would eat a core.
 */
#define ASKS_IN_A_ROW 500u

struct impatient {
	struct rouse_future future;
	int64_t result;
	uint64_t deadline_ns;
	unsigned asked;
	struct rouse_sleep rest;
};

static struct rouse_poll impatient_poll(struct rouse_future *future, struct rouse_context *cx)
{
	struct impatient *timer = (struct impatient *)future;

	if (rouse_now_ns() >= timer->deadline_ns)
		return rouse_ready();
	if (timer->future.awaiting) {
		if (!rouse_future_poll(&timer->rest.future, cx).ready)
			return rouse_pending();
		timer->future.awaiting = NULL;
	}
	if (++timer->asked % ASKS_IN_A_ROW == 0) {
		timer->future.awaiting = &rouse_sleep(&timer->rest, 5 * ROUSE_MS)->future;
		return rouse_future_poll(&timer->rest.future, cx);
	}
	rouse_waker_wake_by_ref(&cx->waker); /* the promise is kept, in the worst way */
	return rouse_pending();
}

static void impatient_drop(struct rouse_future *future)
{
	struct impatient *timer = (struct impatient *)future;

	if (timer->future.awaiting)
		rouse_future_drop(&timer->rest.future);
}

ROUSE_LEAF(impatient, impatient_poll, impatient_drop);

static struct impatient *impatient(struct impatient *storage, uint64_t ns)
{
	*storage = (struct impatient){ .future = ROUSE_FUTURE_INIT(impatient), .deadline_ns = rouse_now_ns() + ns };
	return storage;
}

ROUSE_ASYNC(self_wake, int,
	struct impatient timer;);
ROUSE_BODY(self_wake)
{
	ROUSE_BEGIN;
	for (;;)
		ROUSE_AWAIT_ONLY(impatient(&self->timer, 3600 * ROUSE_S)); /* fault: self-wake */
	ROUSE_END;
}

/* -------------------------------------------------------- growing-channel */

/* Ten messages every ten milliseconds into a channel that takes everything. */
ROUSE_ASYNC(growing_channel, int,
	struct rouse_mpsc *backlog;
	uint64_t message;
	unsigned i;
	int rc;
	struct rouse_sleep sleep;);
ROUSE_BODY(growing_channel)
{
	ROUSE_BEGIN;
	while (self->rc == 0) {
		for (self->i = 0; self->i < 10 && self->rc == 0; self->i++, self->message++)
			self->rc = rouse_mpsc_try_send(self->backlog, &self->message);
		ROUSE_AWAIT_ONLY(rouse_sleep(&self->sleep, 10 * ROUSE_MS));
	}
	ROUSE_RETURN(self->rc);
	ROUSE_FINALLY: rouse_mpsc_drop_sender(self->backlog);
	ROUSE_END;
}

/* Takes one message every ten milliseconds. */
ROUSE_ASYNC(slow_consumer, int,
	struct rouse_mpsc *backlog;
	uint64_t message;
	int64_t rc;
	union { struct rouse_mpsc_recv recv; struct rouse_sleep sleep; };);
ROUSE_BODY(slow_consumer)
{
	ROUSE_BEGIN;
	for (;;) {
		ROUSE_AWAIT(self->rc, rouse_mpsc_recv(&self->recv, self->backlog, &self->message));
		if (self->rc)
			break;
		ROUSE_AWAIT_ONLY(rouse_sleep(&self->sleep, 10 * ROUSE_MS));
	}
	ROUSE_RETURN(0);
	ROUSE_FINALLY: rouse_mpsc_drop_receiver(self->backlog);
	ROUSE_END;
}

static int start_growing_channel(void)
{
	struct rouse_mpsc *backlog =
		rouse_mpsc_new("trouble:backlog", sizeof(uint64_t), 0); /* fault: growing-channel */
	int consumer, producer;

	if (!backlog)
		return -errno;
	/* Each side belongs to its task, also when the spawn fails. */
	consumer = rouse_spawn_detached_named("trouble:slow-consumer", slow_consumer, .backlog = backlog);
	producer = rouse_spawn_detached_named("trouble:growing-channel", growing_channel, .backlog = backlog);
	return consumer ? consumer : producer;
}

/* ------------------------------------------------------------------ start */

static int make_objects(struct trouble *trouble)
{
	trouble->left = rouse_mutex_new("trouble:left");
	trouble->right = rouse_mutex_new("trouble:right");
	trouble->a_is_ready = rouse_notify_new("trouble:a-is-ready");
	trouble->b_is_ready = rouse_notify_new("trouble:b-is-ready");
	trouble->go = rouse_notify_new("trouble:go");
	if (!trouble->left || !trouble->right || !trouble->a_is_ready || !trouble->b_is_ready || !trouble->go)
		return -errno;
	return 0;
}

static int spawn_tasks(struct trouble *trouble)
{
	int rc = start_growing_channel();

	if (rc == 0)
		rc = rouse_spawn_detached_named("trouble:never-registered", never_registered);
	if (rc == 0)
		rc = rouse_spawn_detached_named("trouble:dropped-waker", dropped_waker);
	if (rc == 0)
		rc = rouse_spawn_detached_named("trouble:own-waker", own_waker);
	if (rc == 0)
		rc = rouse_spawn_detached_named("trouble:first-poller", first_poller, .trouble = trouble);
	if (rc == 0)
		rc = rouse_spawn_detached_named("trouble:deadlock-a", deadlock_a, .trouble = trouble);
	if (rc == 0)
		rc = rouse_spawn_detached_named("trouble:deadlock-b", deadlock_b, .trouble = trouble);
	if (rc == 0)
		rc = rouse_spawn_detached_named("trouble:blocks-worker", blocks_worker);
	if (rc == 0)
		rc = rouse_spawn_detached_named("trouble:self-wake", self_wake);
	return rc;
}

int trouble_start(struct trouble **ret_trouble)
{
	struct trouble *trouble = calloc(1, sizeof *trouble);
	int rc;

	if (!trouble)
		return -ENOMEM;
	*ret_trouble = trouble; /* the tasks spawned so far use it, whatever fails next */
	rc = make_objects(trouble);
	return rc ? rc : spawn_tasks(trouble);
}

void trouble_free(struct trouble *trouble)
{
	if (!trouble)
		return;
	rouse_mutex_free(trouble->left);
	rouse_mutex_free(trouble->right);
	rouse_notify_free(trouble->a_is_ready);
	rouse_notify_free(trouble->b_is_ready);
	rouse_notify_free(trouble->go);
	free(trouble);
}
