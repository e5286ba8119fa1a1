/* SPDX-License-Identifier: MIT */
/*
 * A producer waits for room in a full channel, whose receiver waits for room in
 * the next one; the cause is the slow consumer at the end.
 *
 * row: A34
 * finds: back-pressure likely
 * task: consumer
 */
#include "zoo.h"

static struct rouse_mpsc *raw, *cooked;

ROUSE_ASYNC(producer, int,
	uint64_t message;
	int64_t rc;
	union { struct rouse_mpsc_send send; struct rouse_sleep sleep; };);
ROUSE_BODY(producer)
{
	ROUSE_BEGIN;
	for (; self->rc == 0; self->message++) {
		ROUSE_AWAIT(self->rc, rouse_mpsc_send(&self->send, raw, &self->message));
		ROUSE_AWAIT_ONLY(rouse_sleep(&self->sleep, 10 * ROUSE_MS));
	}
	ROUSE_RETURN(0);
	ROUSE_FINALLY: rouse_mpsc_drop_sender(raw);
	ROUSE_END;
}

ROUSE_ASYNC(middle, int,
	uint64_t message;
	int64_t rc;
	union { struct rouse_mpsc_send send; struct rouse_mpsc_recv recv; };);
ROUSE_BODY(middle)
{
	ROUSE_BEGIN;
	while (self->rc == 0) {
		ROUSE_AWAIT(self->rc, rouse_mpsc_recv(&self->recv, raw, &self->message));
		if (self->rc == 0)
			ROUSE_AWAIT(self->rc, rouse_mpsc_send(&self->send, cooked, &self->message));
	}
	ROUSE_RETURN(0);
	ROUSE_FINALLY: rouse_mpsc_drop_receiver(raw);
	rouse_mpsc_drop_sender(cooked);
	ROUSE_END;
}

ROUSE_ASYNC(consumer, int,
	uint64_t message;
	int64_t rc;
	union { struct rouse_mpsc_recv recv; struct rouse_sleep sleep; };);
ROUSE_BODY(consumer)
{
	ROUSE_BEGIN;
	while (self->rc == 0) {
		ROUSE_AWAIT(self->rc, rouse_mpsc_recv(&self->recv, cooked, &self->message));
		ROUSE_AWAIT_ONLY(rouse_sleep(&self->sleep, ZOO_TWIN ? ROUSE_MS : 600 * ROUSE_S)); /* fault */
	}
	ROUSE_RETURN(0);
	ROUSE_FINALLY: rouse_mpsc_drop_receiver(cooked);
	ROUSE_END;
}

static void make(void)
{
	raw = ZOO_MADE(rouse_mpsc_new("raw", sizeof(uint64_t), 4));
	cooked = ZOO_MADE(rouse_mpsc_new("cooked", sizeof(uint64_t), 4));
}

static void start_producer(void)
{
	ZOO_MUST(rouse_spawn_detached(producer));
}

static void start_middle(void)
{
	ZOO_MUST(rouse_spawn_detached(middle));
}

static void start_consumer(void)
{
	ZOO_MUST(rouse_spawn_detached(consumer));
}

ZOO(ZOO_WORKERS(2), make, start_producer, start_middle, start_consumer)
