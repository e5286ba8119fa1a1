/* SPDX-License-Identifier: MIT */
/*
 * A buffer of 128 KiB lives in every task's frame. The twin has it on the heap
 * while it is needed.
 *
 * row: A40
 * finds: large-frame suspect
 * task: roomy
 */
#include <stdlib.h>
#include <string.h>

#include "zoo.h"

enum { BYTES = 128 * 1024 };

/* On one line, for compilers differ in which of several they name. */
ROUSE_ASYNC(roomy, int, struct rouse_sleep sleep; char *page; char buffer[ZOO_TWIN ? 1 : BYTES];); /* fault */
ROUSE_BODY(roomy)
{
	ROUSE_BEGIN;
	for (;;) {
		self->page = ZOO_TWIN ? ZOO_MADE(malloc(BYTES)) : self->buffer;
		memset(self->page, 'x', BYTES);
		if (ZOO_TWIN)
			free(self->page);
		ROUSE_AWAIT_ONLY(rouse_sleep(&self->sleep, 200 * ROUSE_MS));
	}
	ROUSE_END;
}

static void start(void)
{
	ZOO_MUST(rouse_spawn_detached(roomy));
}

ZOO(ZOO_WORKERS(2), NULL, start)
