/* SPDX-License-Identifier: MIT */
/*
 * hello_join - spawn a task, wait for it, use its result.
 */
#include <stdio.h>

#include <rouse/rouse.h>

ROUSE_ASYNC(greet, const char *, ROUSE_NO_FIELDS);
ROUSE_BODY(greet)
{
	ROUSE_BEGIN;
	ROUSE_RETURN("Hello, rouse!");
	ROUSE_END;
}

/* Awaiting a task answers how it ended; its result goes where join was told to put it. */
ROUSE_ASYNC(app, int,
	const char *greeting;
	struct rouse_task *task;
	int64_t rc;
	struct rouse_join join;);
ROUSE_BODY(app)
{
	ROUSE_BEGIN;
	self->task = rouse_spawn(greet);
	if (!self->task)
		ROUSE_RETURN(1);
	ROUSE_AWAIT(self->rc, rouse_join(&self->join, self->task, &self->greeting));
	if (self->rc) {
		fprintf(stderr, "hello_join: the task did not return: %s\n", rouse_strerror((int)self->rc));
		ROUSE_RETURN(1);
	}
	puts(self->greeting);
	ROUSE_RETURN(0);
	ROUSE_END;
}

int main(void)
{
	return ROUSE_MAIN(app);
}
