/* SPDX-License-Identifier: MIT */
/*
 * A ring over four kinds of waiting: the owner of a lock joins a task, which
 * waits for a permit, which is out to a task that waits for a message, whose
 * only sender waits for the lock. In the twin the sender does not need the lock.
 * The channel stands in the frames of its two users only.
 *
 * row: A9
 * finds: wait-cycle likely
 * task: owner joined reader writer
 * recording: no, memory is searched only on demand
 * looks: 24
 * root: LIKELY wait cycle
 */
#include "zoo.h"

static struct rouse_mutex *mutex;
static struct rouse_semaphore *permit;
static struct rouse_notify *lock_is_taken, *permit_is_taken;

ROUSE_ASYNC(joined, int,
	union { struct rouse_notified notified; struct rouse_semaphore_acquire acquire; };);
ROUSE_BODY(joined)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT_ONLY(rouse_notified(&self->notified, permit_is_taken));
	ROUSE_AWAIT_ONLY(rouse_semaphore_acquire(&self->acquire, permit, 1)); /* fault: joined */
	ROUSE_RETURN(rouse_semaphore_release(permit, 1));
	ROUSE_END;
}

ROUSE_ASYNC(owner, int,
	union { struct rouse_mutex_lock lock; struct rouse_join join; };);
ROUSE_BODY(owner)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT_ONLY(rouse_mutex_lock(&self->lock, mutex));
	rouse_notify_one(lock_is_taken);
	ROUSE_AWAIT_ONLY(rouse_join(&self->join, rouse_spawn(joined), NULL)); /* fault: owner */
	ROUSE_RETURN(0);
	ROUSE_FINALLY: (void)rouse_mutex_unlock(mutex);
	ROUSE_END;
}

ROUSE_ASYNC(reader, int,
	struct rouse_mpsc *line;
	uint64_t message;
	int64_t rc;
	union { struct rouse_semaphore_acquire acquire; struct rouse_mpsc_recv recv; };);
ROUSE_BODY(reader)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT(self->rc, rouse_semaphore_acquire(&self->acquire, permit, 1));
	rouse_notify_one(permit_is_taken);
	ROUSE_AWAIT(self->rc, rouse_mpsc_recv(&self->recv, self->line, &self->message));
	ROUSE_AWAIT(self->rc, rouse_mpsc_recv(&self->recv, self->line, &self->message)); /* fault: reader */
	ROUSE_RETURN(rouse_semaphore_release(permit, 1));
	ROUSE_FINALLY: rouse_mpsc_drop_receiver(self->line);
	ROUSE_END;
}

ROUSE_ASYNC(writer, int,
	struct rouse_mpsc *line;
	uint64_t message;
	union { struct rouse_notified notified; struct rouse_mutex_lock lock; struct rouse_mpsc_send send; };);
ROUSE_BODY(writer)
{
	ROUSE_BEGIN;
	/* The first message is all that tells who sends on a channel. */
	ROUSE_AWAIT_ONLY(rouse_mpsc_send(&self->send, self->line, &self->message));
	ROUSE_AWAIT_ONLY(rouse_notified(&self->notified, lock_is_taken));
	if (!ZOO_TWIN)
		ROUSE_AWAIT_ONLY(rouse_mutex_lock(&self->lock, mutex)); /* fault: writer */
	ROUSE_AWAIT_ONLY(rouse_mpsc_send(&self->send, self->line, &self->message));
	ROUSE_RETURN(0);
	ROUSE_FINALLY: (void)rouse_mutex_unlock(mutex);
	rouse_mpsc_drop_sender(self->line);
	ROUSE_END;
}

ROUSE_ASYNC(connector, int,
	struct rouse_mpsc *line;);
ROUSE_BODY(connector)
{
	ROUSE_BEGIN;
	self->line = ZOO_MADE(rouse_mpsc_new("line", sizeof(uint64_t), 1));
	ZOO_MUST(rouse_spawn_detached(reader, .line = self->line));
	ZOO_MUST(rouse_spawn_detached(writer, .line = self->line));
	ROUSE_RETURN(0);
	ROUSE_END;
}

static void make(void)
{
	mutex = ZOO_MADE(rouse_mutex_new("mutex"));
	permit = ZOO_MADE(rouse_semaphore_new_owned("permit", 1));
	lock_is_taken = ZOO_MADE(rouse_notify_new("lock_is_taken"));
	permit_is_taken = ZOO_MADE(rouse_notify_new("permit_is_taken"));
}

static void start_owner(void)
{
	ZOO_MUST(rouse_spawn_detached(owner));
}

static void start_both(void)
{
	ZOO_MUST(rouse_spawn_detached(connector));
}

ZOO_BY_ITSELF(ZOO_WORKERS(2), make, start_owner, start_both)
