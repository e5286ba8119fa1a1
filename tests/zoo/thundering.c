/* SPDX-License-Identifier: MIT */
/*
 * Forty tasks wait for work. Each piece of it wakes them all, and one gets it.
 * The twin wakes one.
 *
 * row: A28
 * finds: thundering likely
 * task: hopeful
 * looks: 24
 * core: no, rates are seen from look to look
 */
#include "zoo.h"

enum { HERD = 40 };

static struct rouse_notify *work;
static unsigned int pieces;

static bool take_piece(void)
{
	unsigned int n = __atomic_load_n(&pieces, __ATOMIC_ACQUIRE);

	while (n && !__atomic_compare_exchange_n(&pieces, &n, n - 1, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		continue;
	return n > 0;
}

ROUSE_ASYNC(hopeful, int,
	struct rouse_notified notified;);
ROUSE_BODY(hopeful)
{
	ROUSE_BEGIN;
	for (;;) {
		ROUSE_AWAIT_ONLY(rouse_notified(&self->notified, work)); /* fault */
		(void)take_piece();
	}
	ROUSE_END;
}

ROUSE_ASYNC(giver, int,
	struct rouse_sleep sleep;);
ROUSE_BODY(giver)
{
	ROUSE_BEGIN;
	for (;;) {
		ROUSE_AWAIT_ONLY(rouse_sleep(&self->sleep, 5 * ROUSE_MS));
		__atomic_add_fetch(&pieces, 1, __ATOMIC_RELEASE);
		if (ZOO_TWIN)
			rouse_notify_one(work);
		else
			rouse_notify_all(work);
	}
	ROUSE_END;
}

static void make(void)
{
	work = ZOO_MADE(rouse_notify_new("work"));
}

static void start_herd(void)
{
	for (int i = 0; i < HERD; i++)
		ZOO_MUST(rouse_spawn_detached(hopeful));
}

static void start_giver(void)
{
	ZOO_MUST(rouse_spawn_detached(giver));
}

ZOO(ZOO_WORKERS(2), make, start_herd, start_giver)
