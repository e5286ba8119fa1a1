/* SPDX-License-Identifier: MIT */
/*
 * lives MODE - two tasks wait for each other, in a process that is
 *
 *     rest        as it should be
 *     spin        kept busy: every worker is in a poll that does not end
 *     leaderless  without its main thread, which has ended
 *     exit        on its way out: main has returned, and is held up in a handler of atexit()
 *
 * "ready" is said when that stands; it all ends when stdin is closed.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rouse/rouse.h>

enum { WORKERS = 2 };

static struct {
	struct rouse_mutex *left, *right;
	atomic_int locked, spinning;
	atomic_bool enough;
} stage;

ROUSE_ASYNC(crossing, int,
	struct rouse_mutex *first, *second;
	struct rouse_mutex_lock lock;
	struct rouse_yield yield;);
ROUSE_BODY(crossing)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT_ONLY(rouse_mutex_lock(&self->lock, self->first));
	for (atomic_fetch_add(&stage.locked, 1); atomic_load(&stage.locked) < 2;)
		ROUSE_AWAIT_ONLY(rouse_yield(&self->yield));
	ROUSE_AWAIT_ONLY(rouse_mutex_lock(&self->lock, self->second));
	ROUSE_RETURN(0);
	ROUSE_END;
}

ROUSE_ASYNC(spinner, int, ROUSE_NO_FIELDS);
ROUSE_BODY(spinner)
{
	ROUSE_BEGIN;
	atomic_fetch_add(&stage.spinning, 1);
	while (!atomic_load(&stage.enough))
		continue;
	ROUSE_RETURN(0);
	ROUSE_END;
}

static void say_ready(void)
{
	puts("ready");
	fflush(stdout);
}

static void wait_for_the_end(void)
{
	char byte;

	while (read(STDIN_FILENO, &byte, 1) > 0)
		continue;
}

static void hold_up_the_end(void)
{
	say_ready();
	wait_for_the_end();
	_exit(0);
}

/* Goes on when the thread that was the process has ended: then it alone is a zombie. */
static void *outlive(void *arg)
{
	char path[64], state = 0;

	(void)arg;
	snprintf(path, sizeof path, "/proc/self/task/%d/stat", (int)getpid());
	while (state != 'Z') {
		FILE *stat = fopen(path, "re");

		if (!stat || fscanf(stat, "%*d (%*[^)]) %c", &state) != 1)
			_exit(1);
		fclose(stat);
		sched_yield();
	}
	hold_up_the_end();
	return NULL;
}

static bool cross(void)
{
	struct rouse_task *tasks[2];

	stage.left = rouse_mutex_new("left");
	stage.right = rouse_mutex_new("right");
	if (!stage.left || !stage.right)
		return false;
	tasks[0] = rouse_spawn_named("goes right", crossing, .first = stage.left, .second = stage.right);
	tasks[1] = rouse_spawn_named("goes left", crossing, .first = stage.right, .second = stage.left);
	for (int i = 0; i < 2; i++) {
		if (!tasks[i])
			return false;
		while (atomic_load(&stage.locked) < 2 || rouse_task_get_state(tasks[i]) != ROUSE_TASK_PENDING)
			sched_yield();
		rouse_task_detach(tasks[i]);
	}
	return true;
}

static bool spin(void)
{
	for (int i = 0; i < WORKERS; i++)
		if (rouse_spawn_detached(spinner))
			return false;
	while (atomic_load(&stage.spinning) < WORKERS)
		sched_yield();
	return true;
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "rest";
	struct rouse_runtime *runtime;
	struct rouse_guard guard;
	pthread_t other;

	if (rouse_runtime_new(ROUSE_RUNTIME_OPTS(.name = "lives", .workers = WORKERS), &runtime))
		return 1;
	guard = rouse_enter(runtime);
	if (!cross() || (strcmp(mode, "spin") == 0 && !spin()))
		return 1;
	rouse_leave(&guard);
	if (strcmp(mode, "exit") == 0)
		return atexit(hold_up_the_end);
	if (strcmp(mode, "leaderless") == 0) {
		if (pthread_create(&other, NULL, outlive, NULL))
			return 1;
		pthread_exit(NULL);
	}
	hold_up_the_end();
}
