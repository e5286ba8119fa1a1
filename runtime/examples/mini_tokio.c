/* SPDX-License-Identifier: MIT */
/*
 * mini_tokio - a root task that spawns two others and waits.
 *
 * Prints "hello" at once, "world" after 100 ms, "await" after 200 ms. The two
 * spawns name no runtime: a task is polled with its runtime in a thread-local,
 * and rouse_spawn() looks there.
 */
#include <stdio.h>

#include <rouse/rouse.h>

ROUSE_ASYNC(say_world, int,
	struct rouse_sleep sleep;);
ROUSE_BODY(say_world)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT_ONLY(rouse_sleep(&self->sleep, 100 * ROUSE_MS));
	puts("world");
	ROUSE_RETURN(0);
	ROUSE_END;
}

ROUSE_ASYNC(say_hello, int, ROUSE_NO_FIELDS);
ROUSE_BODY(say_hello)
{
	ROUSE_BEGIN;
	puts("hello");
	ROUSE_RETURN(0);
	ROUSE_END;
}

ROUSE_ASYNC(root, int,
	struct rouse_sleep sleep;);
ROUSE_BODY(root)
{
	ROUSE_BEGIN;
	if (rouse_spawn_detached(say_world) || rouse_spawn_detached(say_hello))
		ROUSE_RETURN(1);
	ROUSE_AWAIT_ONLY(rouse_sleep(&self->sleep, 200 * ROUSE_MS));
	puts("await");
	ROUSE_RETURN(0);
	ROUSE_END;
}

int main(void)
{
	return ROUSE_MAIN(root);
}
