/* SPDX-License-Identifier: MIT */
/*
 * Two tasks take two locks in opposite orders, but in turns: it never comes to
 * a deadlock. One day the turns will be gone.
 *
 * row: A16
 * finds: lock-order likely
 * task: forth back
 * looks: 14
 * core: no, one look sees one order
 */
#include "zoo.h"

static struct rouse_mutex *inner, *outer;
static struct rouse_notify *turn_forth, *turn_back;

#define TAKE(MUTEX) ROUSE_AWAIT_ONLY(rouse_mutex_lock(&self->lock, (MUTEX)))

ROUSE_ASYNC(forth, int,
	union { struct rouse_mutex_lock lock; struct rouse_notified notified; struct rouse_sleep sleep; };);
ROUSE_BODY(forth)
{
	ROUSE_BEGIN;
	for (;;) {
		ROUSE_AWAIT_ONLY(rouse_notified(&self->notified, turn_forth));
		TAKE(outer);
		ROUSE_AWAIT_ONLY(rouse_sleep(&self->sleep, 20 * ROUSE_MS));
		TAKE(inner);
		ROUSE_AWAIT_ONLY(rouse_sleep(&self->sleep, 700 * ROUSE_MS)); /* fault: forth */
		(void)rouse_mutex_unlock(inner);
		(void)rouse_mutex_unlock(outer);
		rouse_notify_one(turn_back);
	}
	ROUSE_FINALLY: (void)rouse_mutex_unlock(inner);
	(void)rouse_mutex_unlock(outer);
	ROUSE_END;
}

ROUSE_ASYNC(back, int,
	union { struct rouse_mutex_lock lock; struct rouse_notified notified; struct rouse_sleep sleep; };);
ROUSE_BODY(back)
{
	ROUSE_BEGIN;
	for (;;) {
		ROUSE_AWAIT_ONLY(rouse_notified(&self->notified, turn_back));
		TAKE(ZOO_TWIN ? outer : inner);
		ROUSE_AWAIT_ONLY(rouse_sleep(&self->sleep, 20 * ROUSE_MS));
		TAKE(ZOO_TWIN ? inner : outer);
		ROUSE_AWAIT_ONLY(rouse_sleep(&self->sleep, 700 * ROUSE_MS)); /* fault: back */
		(void)rouse_mutex_unlock(inner);
		(void)rouse_mutex_unlock(outer);
		rouse_notify_one(turn_forth);
	}
	ROUSE_FINALLY: (void)rouse_mutex_unlock(inner);
	(void)rouse_mutex_unlock(outer);
	ROUSE_END;
}

static void make(void)
{
	inner = ZOO_MADE(rouse_mutex_new("inner"));
	outer = ZOO_MADE(rouse_mutex_new("outer"));
	turn_forth = ZOO_MADE(rouse_notify_new("turn_forth"));
	turn_back = ZOO_MADE(rouse_notify_new("turn_back"));
	rouse_notify_one(turn_forth);
}

static void start_forth(void)
{
	ZOO_MUST(rouse_spawn_detached(forth));
}

static void start_back(void)
{
	ZOO_MUST(rouse_spawn_detached(back));
}

ZOO(ZOO_WORKERS(2), make, start_forth, start_back)
