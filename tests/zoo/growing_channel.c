/* SPDX-License-Identifier: MIT */
/*
 * Ten messages come in the time that it takes to handle one, and the channel
 * takes them all. In the twin the consumer handles ten as well.
 *
 * row: A33
 * finds: growing-channel likely
 * task: producer
 * looks: 24
 * core: no, growth is seen from look to look
 */
#include "zoo.h"

static struct rouse_mpsc *backlog;

ROUSE_ASYNC(producer, int,
	uint64_t message;
	unsigned int i;
	int rc;
	struct rouse_sleep sleep;);
ROUSE_BODY(producer)
{
	ROUSE_BEGIN;
	while (self->rc == 0) {
		for (self->i = 0; self->i < 10 && self->rc == 0; self->i++, self->message++)
			self->rc = rouse_mpsc_try_send(backlog, &self->message);
		ROUSE_AWAIT_ONLY(rouse_sleep(&self->sleep, 10 * ROUSE_MS));
	}
	ROUSE_RETURN(self->rc);
	ROUSE_FINALLY: rouse_mpsc_drop_sender(backlog);
	ROUSE_END;
}

ROUSE_ASYNC(consumer, int,
	uint64_t message;
	unsigned int i;
	int64_t rc;
	union { struct rouse_mpsc_recv recv; struct rouse_sleep sleep; };);
ROUSE_BODY(consumer)
{
	ROUSE_BEGIN;
	while (self->rc == 0) {
		for (self->i = 0; self->i < (ZOO_TWIN ? 10 : 1) && self->rc == 0; self->i++)
			ROUSE_AWAIT(self->rc, rouse_mpsc_recv(&self->recv, backlog, &self->message));
		if (!ZOO_TWIN)
			ROUSE_AWAIT_ONLY(rouse_sleep(&self->sleep, 10 * ROUSE_MS));
	}
	ROUSE_RETURN(0);
	ROUSE_FINALLY: rouse_mpsc_drop_receiver(backlog);
	ROUSE_END;
}

static void make(void)
{
	backlog = ZOO_MADE(rouse_mpsc_new("backlog", sizeof(uint64_t), 0)); /* fault */
}

static void start_producer(void)
{
	ZOO_MUST(rouse_spawn_detached(producer));
}

static void start_consumer(void)
{
	ZOO_MUST(rouse_spawn_detached(consumer));
}

ZOO(ZOO_WORKERS(2), make, start_producer, start_consumer)
