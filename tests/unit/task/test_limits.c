/* SPDX-License-Identifier: MIT */
/* Where a task's references run out, and where a panic has nobody to blame: a word and an end, never a torn state. */
#include "test.h"

#include <rouse/rouse.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "task/cell.h"

ROUSE_ASYNC(idle, int, ROUSE_NO_FIELDS);
ROUSE_BODY(idle)
{
	ROUSE_BEGIN;
	ROUSE_END;
}

/* Runs it in a process of its own, which must be aborted with these words on stderr. */
static void assert_aborts(void (*fn)(void), const char *words)
{
	char said[512] = "";
	int ends[2], status;

	assert_int_equal(pipe(ends), 0);
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
		signal(SIGABRT, SIG_DFL);
		dup2(ends[1], STDERR_FILENO);
		fn();
		_exit(0);
	}
	close(ends[1]);
	for (ssize_t n = 0, at = 0; (n = read(ends[0], said + at, sizeof said - 1 - (size_t)at)) > 0; at += n)
		;
	close(ends[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	assert_non_null(strstr(said, words));
}

static void clone_for_ever(void)
{
	struct rouse_runtime *runtime;

	if (rouse_runtime_new(ROUSE_RUNTIME_OPTS(.current_thread = true), &runtime))
		return;
	struct rouse_task *task = rouse_spawn_on(runtime, idle);
	const struct rouse_waker waker = { task, &rs_task_waker_vtable };

	for (uint32_t i = 0; i <= 1u << ROUSE_WAKER_BITS; i++)
		(void)rouse_waker_clone(&waker);
}

/* A leaf future clones under its resource's lock, which a panic would leave taken. */
static void one_waker_too_many_ends_the_process(void **state)
{
	(void)state;
	assert_aborts(clone_for_ever, "too many wakers");
}

static void handles_leave_room_for_the_completer(void **state)
{
	(void)state;
	const uint64_t flags = ROUSE_RUNNING | ROUSE_JOIN_INTEREST | ROUSE_JOIN_WAKER;
	uint64_t word = flags | ROUSE_HANDLE_ONE, handles = 1;
	bool join;

	while (rs_state_ref(&word, ROUSE_HANDLE_ONE, ROUSE_HANDLE_MASK))
		handles++;
	assert_int_equal(handles, (1u << ROUSE_HANDLE_BITS) - 2);
	assert_int_equal(rs_state_finish(&word, 0, &join), RS_NOTHING);
	assert_true(join);
	for (; handles; handles--)
		assert_int_equal(rs_state_unref(&word, ROUSE_HANDLE_ONE), RS_NOTHING);
	assert_int_equal(rs_state_unref(&word, ROUSE_HANDLE_ONE), RS_FREE);
}

/* ---- a waker of the program's own that panics, called by the worker between polls */
static void *same(void *data)
{
	return data;
}
static void panics(void *data)
{
	(void)data;
	rouse_panic("a waker must not");
}
static void nothing(void *data)
{
	(void)data;
}
static const struct rouse_waker_vtable panicking = { same, panics, panics, nothing };

ROUSE_ASYNC(sleeps, int, struct rouse_sleep sleep; struct rouse_sleep foreign; struct rouse_context cx;);
ROUSE_BODY(sleeps)
{
	ROUSE_BEGIN;
	self->cx = *cx;
	self->cx.waker = (struct rouse_waker){ self, &panicking };
	(void)rouse_future_poll(&rouse_sleep(&self->foreign, ROUSE_MS)->future, &self->cx);
	ROUSE_AWAIT_ONLY(rouse_sleep(&self->sleep, 3600 * ROUSE_S));
	ROUSE_END;
}

static void a_timer_calls_it(void)
{
	struct rouse_runtime *runtime;

	if (rouse_runtime_new(ROUSE_RUNTIME_OPTS(.current_thread = true), &runtime) == 0)
		(void)rouse_block_on(runtime, NULL, sleeps);
}

static void a_panic_between_polls_is_no_tasks(void **state)
{
	(void)state;
	assert_aborts(a_timer_calls_it, "panic outside any task");
}

TEST_MAIN(cmocka_unit_test(one_waker_too_many_ends_the_process), cmocka_unit_test(handles_leave_room_for_the_completer),
	cmocka_unit_test(a_panic_between_polls_is_no_tasks));
