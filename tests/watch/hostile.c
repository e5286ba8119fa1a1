/* SPDX-License-Identifier: MIT */
/*
 * hostile - everything that can have a name has one that would take over the
 * terminal of whoever prints it as it is: the process, the runtime, tasks,
 * locks. The tasks deadlock, so that the names come into findings and chains
 * too. Stays until its stdin is closed.
 */
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <rouse/rouse.h>

#define RED "\x1b[31mred\x07"               /* colour, bell */
#define TITLE "\x1b]0;owned\x07\r\n\x7f"     /* the window's title; a line that is forged */
#define RUNTIME "\x1b[2J\xc2\x9b" "5m\xff"   /* clears; the C1 form of ESC [; broken UTF-8 */
#define PROCESS "\x1b]2;x\x07\n) R 1"       /* and as /proc/PID/stat parsers dislike it */

struct lock_pair {
	struct rouse_mutex *first, *second;
	struct rouse_notify *mine, *others;
};

/* Takes its first lock, waits until the other has its own, then wants that. */
ROUSE_ASYNC(lover, int,
	struct lock_pair pair;
	union { struct rouse_mutex_lock lock; struct rouse_notified notified; };);
ROUSE_BODY(lover)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT_ONLY(rouse_mutex_lock(&self->lock, self->pair.first));
	rouse_notify_one(self->pair.mine);
	ROUSE_AWAIT_ONLY(rouse_notified(&self->notified, self->pair.others));
	ROUSE_AWAIT_ONLY(rouse_mutex_lock(&self->lock, self->pair.second));
	ROUSE_RETURN(rouse_mutex_unlock(self->pair.second));
	ROUSE_FINALLY: (void)rouse_mutex_unlock(self->pair.first);
	ROUSE_END;
}

int main(void)
{
	struct rouse_runtime *runtime;
	struct lock_pair a, b;
	struct rouse_guard guard;
	int rc;
	char byte;

	prctl(PR_SET_NAME, PROCESS);
	if (rouse_runtime_new(ROUSE_RUNTIME_OPTS(.name = RUNTIME, .workers = 1), &runtime))
		return 1;
	guard = rouse_enter(runtime);
	a = (struct lock_pair){ rouse_mutex_new(RED), rouse_mutex_new(TITLE), rouse_notify_new(RED), rouse_notify_new(TITLE) };
	b = (struct lock_pair){ a.second, a.first, a.others, a.mine };
	if (!a.first || !a.second || !a.mine || !a.others)
		return 1;
	rc = rouse_spawn_detached_named(RED, lover, .pair = a);
	if (rc == 0)
		rc = rouse_spawn_detached_named(TITLE, lover, .pair = b);
	if (rc == 0) {
		puts("ready");
		fflush(stdout);
		while (read(STDIN_FILENO, &byte, 1) > 0)
			continue;
	}
	rouse_runtime_shutdown(runtime, ROUSE_S, NULL, NULL);
	rouse_leave(&guard);
	rouse_mutex_free(a.first);
	rouse_mutex_free(a.second);
	rouse_notify_free(a.mine);
	rouse_notify_free(a.others);
	rouse_runtime_free(runtime);
	return rc ? 1 : 0;
}
