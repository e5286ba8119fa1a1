/* SPDX-License-Identifier: MIT */
/*
 * forks - a program that forks while its runtime lives. Each line on stdin is a
 * command, answered with one line:
 *
 *     fork   a child that goes on as this program: "PID WORD", the word for
 *            what it got when it tried to spawn a task
 *     exec   a child that becomes another program: "PID exec"
 *     spawn  a task of the parent, waited for: "spawned"
 *
 * Children stay until the parent's end of a pipe is closed.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <rouse/rouse.h>

ROUSE_ASYNC(quick, int, struct rouse_yield yield;);
ROUSE_BODY(quick)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT_ONLY(rouse_yield(&self->yield));
	ROUSE_RETURN(7);
	ROUSE_END;
}

/* Says what a child of a fork is told, and stays. */
static void live_as_child(int told, int life)
{
	struct rouse_task *task = rouse_spawn(quick);
	const char *word = task ? "spawned" : errno == ROUSE_EFORKED ? "forked" : "other";
	char byte;

	if (write(told, word, strlen(word)) < 0)
		_exit(1);
	close(told);
	while (read(life, &byte, 1) > 0)
		continue;
	_exit(0);
}

static int fork_one(const int life[2])
{
	int told[2];
	char word[16] = "";
	pid_t pid;

	if (pipe(told))
		return 1;
	pid = fork();
	if (pid == 0) {
		close(life[1]);
		close(told[0]);
		live_as_child(told[1], life[0]);
	}
	close(told[1]);
	if (pid < 0 || read(told[0], word, sizeof word - 1) < 0)
		return 1;
	close(told[0]);
	printf("%d %s\n", (int)pid, word);
	return 0;
}

/* Nothing is inherited but what has no close-on-exec flag: the pipe, as its stdin. */
static int exec_one(const int life[2])
{
	pid_t pid = fork();

	if (pid == 0) {
		close(life[1]);
		dup2(life[0], STDIN_FILENO);
		execlp("cat", "cat", (char *)NULL);
		_exit(127);
	}
	printf("%d exec\n", (int)pid);
	return pid < 0;
}

static int spawn_one(struct rouse_runtime *runtime)
{
	int result = 0;

	if (rouse_block_on(runtime, &result, quick) || result != 7)
		return 1;
	puts("spawned");
	return 0;
}

int main(void)
{
	struct rouse_runtime *runtime;
	struct rouse_guard guard;
	char line[16];
	int life[2], rc = 0;

	if (pipe(life) || rouse_runtime_new(ROUSE_RUNTIME_OPTS(.name = "forks"), &runtime))
		return 1;
	guard = rouse_enter(runtime);
	puts("ready");
	fflush(stdout);
	while (rc == 0 && fgets(line, sizeof line, stdin)) {
		if (strcmp(line, "fork\n") == 0)
			rc = fork_one(life);
		else if (strcmp(line, "exec\n") == 0)
			rc = exec_one(life);
		else
			rc = spawn_one(runtime);
		fflush(stdout);
	}
	close(life[1]);
	while (wait(NULL) > 0)
		continue;
	rouse_leave(&guard);
	rouse_runtime_free(runtime);
	return rc;
}
