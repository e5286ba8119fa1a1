/* SPDX-License-Identifier: MIT */
/*
 * Two tasks, two locks, two orders.
 *
 * row: A9
 * finds: wait-cycle proven
 * task: left right
 * root: back to where it stood: a ring
 */
#include "zoo.h"

static struct rouse_mutex *fork_a, *fork_b;
static struct rouse_notify *left_has, *right_has;

#define TAKE(MUTEX) ROUSE_AWAIT_ONLY(rouse_mutex_lock(&self->lock, (MUTEX)))

ROUSE_ASYNC(left, int,
	union { struct rouse_mutex_lock lock; struct rouse_notified notified; struct rouse_sleep sleep; };);
ROUSE_BODY(left)
{
	ROUSE_BEGIN;
	for (;;) {
		TAKE(fork_a);
		rouse_notify_one(left_has);
		if (!ZOO_TWIN)
			ROUSE_AWAIT_ONLY(rouse_notified(&self->notified, right_has));
		TAKE(fork_b); /* fault: left */
		(void)rouse_mutex_unlock(fork_b);
		(void)rouse_mutex_unlock(fork_a);
		ROUSE_AWAIT_ONLY(rouse_sleep(&self->sleep, 50 * ROUSE_MS));
	}
	ROUSE_FINALLY: (void)rouse_mutex_unlock(fork_a); /* says no if it is not held: fine */
	(void)rouse_mutex_unlock(fork_b);
	ROUSE_END;
}

ROUSE_ASYNC(right, int,
	union { struct rouse_mutex_lock lock; struct rouse_notified notified; struct rouse_sleep sleep; };);
ROUSE_BODY(right)
{
	ROUSE_BEGIN;
	for (;;) {
		TAKE(ZOO_TWIN ? fork_a : fork_b);
		rouse_notify_one(right_has);
		if (!ZOO_TWIN)
			ROUSE_AWAIT_ONLY(rouse_notified(&self->notified, left_has));
		TAKE(ZOO_TWIN ? fork_b : fork_a); /* fault: right */
		(void)rouse_mutex_unlock(fork_b);
		(void)rouse_mutex_unlock(fork_a);
		ROUSE_AWAIT_ONLY(rouse_sleep(&self->sleep, 70 * ROUSE_MS));
	}
	ROUSE_FINALLY: (void)rouse_mutex_unlock(fork_a);
	(void)rouse_mutex_unlock(fork_b);
	ROUSE_END;
}

static void make(void)
{
	fork_a = ZOO_MADE(rouse_mutex_new("fork_a"));
	fork_b = ZOO_MADE(rouse_mutex_new("fork_b"));
	left_has = ZOO_MADE(rouse_notify_new("left_has"));
	right_has = ZOO_MADE(rouse_notify_new("right_has"));
}

static void start_left(void)
{
	ZOO_MUST(rouse_spawn_detached(left));
}

static void start_right(void)
{
	ZOO_MUST(rouse_spawn_detached(right));
}

ZOO(ZOO_WORKERS(2), make, start_left, start_right)
