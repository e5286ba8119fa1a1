/* SPDX-License-Identifier: MIT */
/*
 * comes_and_goes - "on" on stdin makes a deadlock of two tasks, "off" takes it
 * out by aborting one of them. What was done is said. Ends with stdin.
 */
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include <rouse/rouse.h>

ROUSE_ASYNC(crossing, int,
	struct rouse_mutex *first;
	struct rouse_mutex *second;
	struct rouse_notify *go;
	union { struct rouse_mutex_lock lock; struct rouse_notified notified; };);
ROUSE_BODY(crossing)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT_ONLY(rouse_mutex_lock(&self->lock, self->first));
	ROUSE_AWAIT_ONLY(rouse_notified(&self->notified, self->go));
	ROUSE_AWAIT_ONLY(rouse_mutex_lock(&self->lock, self->second)); /* fault: crossing */
	ROUSE_RETURN(rouse_mutex_unlock(self->second));
	ROUSE_FINALLY: (void)rouse_mutex_unlock(self->first);
	ROUSE_END;
}

static struct {
	struct rouse_mutex *left, *right;
	struct rouse_notify *go;
	struct rouse_task *a, *b;
} stage;

static void until(const struct rouse_task *task, enum rouse_task_state state)
{
	while (rouse_task_get_state(task) < state)
		sched_yield();
}

static int on(void)
{
	stage.a = rouse_spawn(crossing, .first = stage.left, .second = stage.right, .go = stage.go);
	stage.b = rouse_spawn(crossing, .first = stage.right, .second = stage.left, .go = stage.go);
	if (!stage.a || !stage.b)
		return 1;
	until(stage.a, ROUSE_TASK_PENDING);
	until(stage.b, ROUSE_TASK_PENDING);
	rouse_notify_all(stage.go); /* from here on they are scheduled, until they wait for their second lock */
	until(stage.a, ROUSE_TASK_PENDING);
	until(stage.b, ROUSE_TASK_PENDING);
	return 0;
}

static int off(void)
{
	rouse_task_abort(stage.a);
	until(stage.a, ROUSE_TASK_COMPLETE);
	until(stage.b, ROUSE_TASK_COMPLETE); /* so that the locks are free for the next time */
	rouse_task_detach(stage.a);
	rouse_task_detach(stage.b);
	stage.a = stage.b = NULL;
	return 0;
}

int main(void)
{
	struct rouse_runtime *runtime;
	struct rouse_guard guard;
	char line[16];
	int failed = 0;

	if (rouse_runtime_new(ROUSE_RUNTIME_OPTS(.name = "comes and goes", .workers = 2), &runtime))
		return 1;
	guard = rouse_enter(runtime);
	stage.left = rouse_mutex_new("left");
	stage.right = rouse_mutex_new("right");
	stage.go = rouse_notify_new("go");
	failed = !stage.left || !stage.right || !stage.go;
	puts("ready");
	fflush(stdout);
	while (!failed && fgets(line, sizeof line, stdin)) {
		line[strcspn(line, "\n")] = 0;
		failed = strcmp(line, "on") == 0 ? on() : off();
		puts(line);
		fflush(stdout);
	}
	if (stage.a)
		off();
	failed = rouse_block_until_idle(runtime) || failed;
	rouse_leave(&guard);
	rouse_notify_free(stage.go);
	rouse_mutex_free(stage.right);
	rouse_mutex_free(stage.left);
	rouse_runtime_free(runtime);
	return failed;
}
