/* SPDX-License-Identifier: MIT */
/*
 * What a cell says at every single instruction. A machine that is short of
 * CPUs may keep a worker from going on anywhere, and whoever looks then sees
 * what is there. So a program is stepped through instruction by instruction,
 * and read at each.
 */
#include "test.h"

#include <errno.h>
#include <rouse/rouse.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROUNDS = 3 };

/* Shared with the program that is stepped. */
static struct {
	struct rouse_task *tasks[2];
} *shared;

/* Two that take turns, so that one's last poll is over before the other one's begins. */
ROUSE_ASYNC(turn, int, int left; struct rouse_yield yield;);
ROUSE_BODY(turn)
{
	ROUSE_BEGIN;
	for (self->left = ROUNDS; self->left; self->left--)
		ROUSE_AWAIT_ONLY(rouse_yield(&self->yield));
	ROUSE_END;
}

ROUSE_ASYNC(both, int, int i; struct rouse_task *tasks[2]; struct rouse_join join;);
ROUSE_BODY(both)
{
	ROUSE_BEGIN;
	for (self->i = 0; self->i < 2; self->i++)
		shared->tasks[self->i] = self->tasks[self->i] = rouse_spawn(turn);
	raise(SIGSTOP); /* from here on it is stepped */
	for (self->i = 0; self->i < 2; self->i++)
		ROUSE_AWAIT_ONLY(rouse_join(&self->join, self->tasks[self->i], NULL));
	ROUSE_END;
}

static void be_stepped(void)
{
	struct rouse_runtime *runtime;

	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
		_exit(errno == EPERM ? 77 : 1);
	if (rouse_runtime_new(ROUSE_RUNTIME_OPTS(.current_thread = true), &runtime) ||
		rouse_block_on(runtime, NULL, both))
		_exit(1);
	_exit(0);
}

static struct rouse_cell_record cell_of(pid_t pid, int i)
{
	struct rouse_cell_record cell;
	struct iovec to = { &cell, sizeof cell }, from = { shared->tasks[i], sizeof cell };

	assert_int_equal(process_vm_readv(pid, &to, 1, &from, 1, 0), sizeof cell);
	return cell;
}

/*
 * Whoever runs began after the other one's last poll. Had it the stamp of the
 * end of its own last poll, that would be older.
 */
static void look(pid_t pid, bool seen[2][ROUNDS + 2])
{
	struct rouse_cell_record cells[2] = { cell_of(pid, 0), cell_of(pid, 1) };

	for (int i = 0; i < 2; i++) {
		if (rouse_state_of(cells[i].state) != ROUSE_TASK_RUNNING)
			continue;
		assert_true(cells[i].edge_ticks && cells[i].edge_ticks >= cells[1 - i].edge_ticks);
		assert_in_range(cells[i].polls, 0, ROUNDS + 1);
		seen[i][cells[i].polls] = true;
	}
}

static bool both_have_ended(pid_t pid)
{
	return (cell_of(pid, 0).state & ROUSE_COMPLETE) && (cell_of(pid, 1).state & ROUSE_COMPLETE);
}

static void a_task_that_is_seen_running_says_since_when_at_every_instruction(void **state)
{
	bool seen[2][ROUNDS + 2] = { { false } };
	int status, rc;
	pid_t pid;

	(void)state;
	shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(shared, MAP_FAILED);
	pid = fork();
	if (pid == 0)
		be_stepped();
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		test_skip("kernel: ptrace is not permitted");
	assert_true(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
	do {
		look(pid, seen);
		rc = ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL);
		assert_int_equal(rc, 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSTOPPED(status));
	} while (!both_have_ended(pid));
	for (int poll = 1; poll <= ROUNDS + 1; poll++)
		assert_true(seen[0][poll] && seen[1][poll]);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	munmap(shared, sizeof *shared);
}

TEST_MAIN(cmocka_unit_test(a_task_that_is_seen_running_says_since_when_at_every_instruction));
