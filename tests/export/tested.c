/* SPDX-License-Identifier: MIT */
/*
 * tested POLL_MS STATUS - a test program as `rouse run` has it: a poll of its one task takes so long; a while later,
 * in which there are looks, it ends with that status. A negative one is a signal that its task sends it.
 *
 * tested leaks|spawns - until its input ends it spawns a task every 10 ms, that waits for ever, or does not.
 */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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
	int signal;
	struct rouse_sleep sleep;);
ROUSE_BODY(computes)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT_ONLY(rouse_sleep(&self->sleep, ROUSE_MS)); /* a poll of its own from here */
	self->end_ns = now_ns() + self->ms * ROUSE_MS;
	while (now_ns() < self->end_ns)
		continue;
	ROUSE_AWAIT_ONLY(rouse_sleep(&self->sleep, 400 * ROUSE_MS)); /* some looks */
	if (self->signal)
		raise(self->signal);
	ROUSE_RETURN(0);
	ROUSE_END;
}

static struct rouse_notify *never;

ROUSE_ASYNC(request, int,
	bool leaks;
	struct rouse_notified notified;);
ROUSE_BODY(request)
{
	ROUSE_BEGIN;
	if (self->leaks)
		ROUSE_AWAIT_ONLY(rouse_notified(&self->notified, never));
	ROUSE_RETURN(0);
	ROUSE_END;
}

static bool input_has_ended(void)
{
	struct pollfd input = { .fd = 0, .events = POLLIN };

	return poll(&input, 1, 0) != 0;
}

ROUSE_ASYNC(serves, int,
	bool leaks;
	struct rouse_sleep sleep;);
ROUSE_BODY(serves)
{
	ROUSE_BEGIN;
	never = rouse_notify_new("never");
	while (never && !input_has_ended()) {
		if (rouse_spawn_detached(request, .leaks = self->leaks) < 0)
			ROUSE_RETURN(1);
		ROUSE_AWAIT_ONLY(rouse_sleep(&self->sleep, 10 * ROUSE_MS));
	}
	ROUSE_RETURN(!never);
	ROUSE_END;
}

int main(int argc, char **argv)
{
	if (argc == 2 && (strcmp(argv[1], "leaks") == 0 || strcmp(argv[1], "spawns") == 0))
		return ROUSE_MAIN(serves, .leaks = strcmp(argv[1], "leaks") == 0);

	const int status = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 0;
	int rc = ROUSE_MAIN(computes, .ms = argc > 1 ? strtoul(argv[1], NULL, 10) : 0, .signal = status < 0 ? -status : 0);

	return rc ? 1 : status;
}
