/* SPDX-License-Identifier: MIT */
/*
 * stacked - threads that stand in functions known by name:
 *
 *     task napper     nap_outer > nap_middle > nap_inner > nanosleep
 *     task pauser     pause_outer > pause_inner > a system call that saves no register, above what earlier calls left
 *     task spinner    spin_outer > spin_inner, which computes
 *     blocking job    dig > dig_inner > nanosleep
 *
 * and two workers with nothing to do. "stacked" is said when this stands; it ends when stdin is closed. With the word
 * "leave" the main thread ends then, and nothing else.
 */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <rouse/rouse.h>

/* A function of its own, as it is written. */
#if __has_attribute(noclone)
#define PLAIN __attribute__((noinline, noclone))
#else
#define PLAIN __attribute__((noinline))
#endif
/* Something comes after the call, so that it is one, and no jump. */
#define AFTER() __asm__ volatile("" ::: "memory")

enum { STANDING = 4 };

static int standing;

static void stands(void)
{
	__atomic_add_fetch(&standing, 1, __ATOMIC_SEQ_CST);
}

static const struct timespec long_time = { .tv_sec = 3600 };

PLAIN static void nap_inner(void)
{
	char room[2048];

	__asm__ volatile("" ::"r"(room) : "memory");
	stands();
	nanosleep(&long_time, NULL); /* line: nap_inner */
	AFTER();
}

PLAIN static void nap_middle(void (*inner)(void))
{
	inner();
	AFTER();
}

PLAIN static void nap_outer(void)
{
	nap_middle(nap_inner);
	AFTER();
}

/* Fills the stack below with frames that look as good as those in use. */
PLAIN static int leave_traces(int depth)
{
	volatile int here = depth;

	if (depth > 0)
		here += leave_traces(depth - 1);
	AFTER();
	return here;
}

PLAIN static void pause_inner(void)
{
	char room[2048];

	__asm__ volatile("" ::"r"(room) : "memory");
	stands();
	syscall(SYS_pause); /* line: pause_inner */
	AFTER();
}

PLAIN static void pause_outer(void)
{
	pause_inner();
	AFTER();
}

PLAIN static unsigned long spin_inner(void)
{
	static volatile unsigned long turns;

	stands();
	for (;;)
		turns++; /* line: spin_inner */
	return turns;
}

PLAIN static void spin_outer(void)
{
	spin_inner();
	AFTER();
}

PLAIN static void dig_inner(void)
{
	stands();
	clock_nanosleep(CLOCK_MONOTONIC, 0, &long_time, NULL); /* line: dig_inner */
	AFTER();
}

static int64_t dig(void *arg)
{
	(void)arg;
	dig_inner();
	return 0;
}

ROUSE_ASYNC(napper, int, ROUSE_NO_FIELDS);
ROUSE_BODY(napper)
{
	ROUSE_BEGIN;
	leave_traces(60);
	nap_outer();
	ROUSE_RETURN(0);
	ROUSE_END;
}

ROUSE_ASYNC(pauser, int, ROUSE_NO_FIELDS);
ROUSE_BODY(pauser)
{
	ROUSE_BEGIN;
	leave_traces(60);
	pause_outer();
	ROUSE_RETURN(0);
	ROUSE_END;
}

ROUSE_ASYNC(spinner, int, ROUSE_NO_FIELDS);
ROUSE_BODY(spinner)
{
	ROUSE_BEGIN;
	spin_outer();
	ROUSE_RETURN(0);
	ROUSE_END;
}

ROUSE_ASYNC(digger, int, int64_t rc; struct rouse_blocking job;);
ROUSE_BODY(digger)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT(self->rc, rouse_blocking(&self->job, dig, NULL));
	ROUSE_RETURN((int)self->rc);
	ROUSE_END;
}

int main(int argc, char **argv)
{
	struct rouse_runtime *runtime;
	char byte;

	if (rouse_runtime_new(ROUSE_RUNTIME_OPTS(.name = "stacked", .workers = 5), &runtime))
		return 1;
	rouse_enter(runtime);
	if (rouse_spawn_detached(digger) || rouse_spawn_detached(napper) || rouse_spawn_detached(pauser) ||
		rouse_spawn_detached(spinner))
		return 1;
	while (__atomic_load_n(&standing, __ATOMIC_SEQ_CST) < STANDING)
		sched_yield();
	puts("stacked");
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		continue;
	if (argc > 1 && strcmp(argv[1], "leave") == 0)
		pthread_exit(NULL);
	_exit(0); /* what stands in a poll cannot be shut down */
}
