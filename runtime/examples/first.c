/* SPDX-License-Identifier: MIT */
/* The README's program. Look at it while it sleeps: ./first & rouse why first app */
#include <rouse/rouse.h>
#include <stdio.h>
#include <stdlib.h>

ROUSE_ASYNC(square, int, int n; struct rouse_sleep sleep;);
ROUSE_BODY(square)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT_ONLY(rouse_sleep(&self->sleep, (uint64_t)self->n * ROUSE_S));
	ROUSE_RETURN(self->n * self->n);
	ROUSE_END;
}

ROUSE_ASYNC(app, int, int n, answer; int64_t rc; struct rouse_join join;);
ROUSE_BODY(app)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT(self->rc, rouse_join(&self->join, rouse_spawn(square, .n = self->n), &self->answer));
	ROUSE_RETURN(self->rc ? 1 : printf("%d\n", self->answer) < 0);
	ROUSE_END;
}

int main(int argc, char **argv)
{
	return ROUSE_MAIN(app, .n = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 30);
}
