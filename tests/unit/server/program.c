/* SPDX-License-Identifier: MIT */
#include "program.h"

#include <stdlib.h>
#include <string.h>

#include <frame.h>

ROUSE_ASYNC(sleeper, int, struct rouse_sleep sleep; int64_t rc;);
ROUSE_BODY(sleeper)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT(self->rc, rouse_sleep(&self->sleep, 100000 * ROUSE_S));
	ROUSE_RETURN(0);
	ROUSE_END;
}

ROUSE_ASYNC(spawner, int, size_t n; size_t i; struct rouse_yield yield;);
ROUSE_BODY(spawner)
{
	ROUSE_BEGIN;
	for (self->i = 0; self->i < self->n; self->i++)
		rouse_spawn_detached(sleeper);
	ROUSE_AWAIT_ONLY(rouse_yield(&self->yield));
	ROUSE_RETURN(0);
	ROUSE_END;
}

struct rouse_runtime *program_start(size_t sleepers)
{
	struct rouse_runtime *runtime;

	/* On one thread, tasks run in order: all have slept once the spawner comes back from its yield. */
	if (rouse_runtime_new(ROUSE_RUNTIME_OPTS(.name = "program", .current_thread = true), &runtime) < 0 ||
		rouse_block_on(runtime, NULL, spawner, .n = sleepers) < 0)
		abort();
	return runtime;
}

void program_add(struct rouse_runtime *runtime, const char *name)
{
	rouse_task_detach(rouse_spawn_named_on(runtime, name, sleeper));
}

size_t program_subscribe(uint8_t *bytes, size_t capacity, const struct subscribe *subscribe)
{
	static uint64_t watch[64];
	Rouse__V1__Subscribe message = ROUSE__V1__SUBSCRIBE__INIT;
	Rouse__V1__Frame frame = ROUSE__V1__FRAME__INIT;
	size_t n;

	message.interval_ms = subscribe->interval_ms;
	message.level = subscribe->level;
	message.events = subscribe->events;
	message.pause = subscribe->pause;
	message.n_watch = subscribe->n_watch;
	message.watch = watch;
	message.n_detail = subscribe->n_detail;
	message.detail = subscribe->detail;
	frame.body_case = ROUSE__V1__FRAME__BODY_SUBSCRIBE;
	frame.subscribe = &message;
	if (rp_frame_encode(&frame, bytes, capacity, &n) < 0)
		abort();
	return n;
}
