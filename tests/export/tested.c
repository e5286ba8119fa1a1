/* SPDX-License-Identifier: MIT */
/*
 * tested POLL_MS STATUS - a test program as `rouse run` has it: a poll of its one task takes so long; a while later,
 * in which there are looks, it ends with that status. A negative one is a signal that it sends itself.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <rouse/rouse.h>

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * ROUSE_S + (uint64_t)now.tv_nsec;
}

ROUSE_ASYNC(computes, int,
	uint64_t ms, end_ns;
	struct rouse_sleep sleep;);
ROUSE_BODY(computes)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT_ONLY(rouse_sleep(&self->sleep, ROUSE_MS)); /* a poll of its own from here */
	self->end_ns = now_ns() + self->ms * ROUSE_MS;
	while (now_ns() < self->end_ns)
		continue;
	ROUSE_AWAIT_ONLY(rouse_sleep(&self->sleep, 400 * ROUSE_MS)); /* some looks */
	ROUSE_RETURN(0);
	ROUSE_END;
}

int main(int argc, char **argv)
{
	const int status = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 0;
	int rc = ROUSE_MAIN(computes, .ms = argc > 1 ? strtoul(argv[1], NULL, 10) : 0);

	if (status < 0)
		raise(-status);
	return rc ? 1 : status;
}
