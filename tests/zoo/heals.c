/* SPDX-License-Identifier: MIT */
/*
 * Two tasks wait for each other, until somebody aborts one: what was found must
 * be over then.
 *
 * row: A9, that heals
 * finds: wait-cycle proven
 * task: left right
 * line: heals
 * root: back to where it stood: a ring
 */
#include "zoo.h"

static struct rouse_mutex *fork_a, *fork_b;
static struct rouse_notify *left_has, *right_has;
static struct rouse_task *left_task;

#define TAKE(MUTEX) ROUSE_AWAIT_ONLY(rouse_mutex_lock(&self->lock, (MUTEX)))

ROUSE_ASYNC(left, int,
	union { struct rouse_mutex_lock lock; struct rouse_notified notified; };);
ROUSE_BODY(left)
{
	ROUSE_BEGIN;
	TAKE(fork_a);
	rouse_notify_one(left_has);
	if (!ZOO_TWIN)
		ROUSE_AWAIT_ONLY(rouse_notified(&self->notified, right_has));
	TAKE(fork_b); /* fault: left */
	ROUSE_RETURN(0);
	ROUSE_FINALLY: (void)rouse_mutex_unlock(fork_a);
	(void)rouse_mutex_unlock(fork_b);
	ROUSE_END;
}

ROUSE_ASYNC(right, int,
	union { struct rouse_mutex_lock lock; struct rouse_notified notified; };);
ROUSE_BODY(right)
{
	ROUSE_BEGIN;
	TAKE(ZOO_TWIN ? fork_a : fork_b);
	rouse_notify_one(right_has);
	if (!ZOO_TWIN)
		ROUSE_AWAIT_ONLY(rouse_notified(&self->notified, left_has));
	TAKE(ZOO_TWIN ? fork_b : fork_a); /* fault: right */
	ROUSE_RETURN(0);
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
	left_task = ZOO_MADE(rouse_spawn(left));
}

static void start_right(void)
{
	ZOO_MUST(rouse_spawn_detached(right));
}

static void heal(void)
{
	rouse_task_abort(left_task);
}

ZOO_THEN(ZOO_WORKERS(2), make, NULL, heal, start_left, start_right)
