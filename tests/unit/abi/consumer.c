/* SPDX-License-Identifier: MIT */
/* A user's first program, built by consumer.sh the way a user builds it. */
#include <rouse/rouse.h>
#include <stdio.h>

ROUSE_ASYNC(child, int, int n; struct rouse_yield yield;);
ROUSE_BODY(child)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT_ONLY(rouse_yield(&self->yield));
	ROUSE_RETURN(self->n + 1);
	ROUSE_END;
}

ROUSE_ASYNC(app, int, int answer, rc; struct rouse_join join;);
ROUSE_BODY(app)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT(self->rc, rouse_join(&self->join, rouse_spawn(child, .n = 41), &self->answer));
	printf("%d %d\n", self->rc, self->answer);
	ROUSE_RETURN(0);
	ROUSE_END;
}

int main(void)
{
	return ROUSE_MAIN(app);
}
