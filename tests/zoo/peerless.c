/* SPDX-License-Identifier: MIT */
/*
 * A receiver keeps a sender of its own channel alive, so the channel never
 * closes, and nobody else can send: it stands in no memory but the receiver's
 * frame. In the twin a task that sleeps for an hour has it too.
 *
 * row: A15
 * finds: peerless likely
 * task: receiver
 * recording: no, memory is searched only on demand
 * looks: 24
 * root: nobody: it stands in no memory
 */
#include "zoo.h"

ROUSE_ASYNC(sender, int,
	struct rouse_mpsc *line;
	struct rouse_sleep sleep;);
ROUSE_BODY(sender)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT_ONLY(rouse_sleep(&self->sleep, (ZOO_TWIN ? 3600 * ROUSE_S : 50 * ROUSE_MS)));
	ROUSE_RETURN(0);
	ROUSE_FINALLY: rouse_mpsc_drop_sender(self->line);
	ROUSE_END;
}

ROUSE_ASYNC(receiver, int,
	struct rouse_mpsc *line;
	uint64_t message;
	int64_t rc;
	struct rouse_mpsc_recv recv;);
ROUSE_BODY(receiver)
{
	ROUSE_BEGIN;
	self->line = ZOO_MADE(rouse_mpsc_new("line", sizeof(uint64_t), 4));
	ZOO_MUST(rouse_spawn_detached(sender, .line = rouse_mpsc_ref_sender(self->line)));
	while (self->rc == 0)
		ROUSE_AWAIT(self->rc, rouse_mpsc_recv(&self->recv, self->line, &self->message)); /* fault */
	ROUSE_RETURN(0);
	ROUSE_FINALLY: rouse_mpsc_drop_receiver(self->line);
	rouse_mpsc_drop_sender(self->line);
	ROUSE_END;
}

static void start(void)
{
	ZOO_MUST(rouse_spawn_detached(receiver));
}

ZOO_BY_ITSELF(ZOO_WORKERS(2), NULL, start)
