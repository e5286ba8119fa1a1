/* SPDX-License-Identifier: MIT */
/* Threads as /proc has them: their numbers in other namespaces, and by which of them memory is reached. */
#include "test.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "inspect/memory.h"
#include "inspect/procfs.h"

struct thread {
	pthread_t thread;
	pthread_barrier_t barrier;
	int tid;
};

static void *stay(void *arg)
{
	struct thread *t = arg;

	t->tid = (int)gettid();
	pthread_barrier_wait(&t->barrier); /* it is known */
	pthread_barrier_wait(&t->barrier); /* it may go */
	return NULL;
}

static void start(struct thread *t)
{
	assert_int_equal(pthread_barrier_init(&t->barrier, NULL, 2), 0);
	assert_int_equal(pthread_create(&t->thread, NULL, stay, t), 0);
	pthread_barrier_wait(&t->barrier);
}

static void end(struct thread *t)
{
	pthread_barrier_wait(&t->barrier);
	pthread_join(t->thread, NULL);
	pthread_barrier_destroy(&t->barrier);
}

static void a_thread_of_our_namespace_is_what_it_says(void **state)
{
	const int pid = (int)getpid();
	struct thread t;

	(void)state;
	start(&t);
	assert_int_equal(ri_proc_os_tid(pid, pid), pid);
	assert_int_equal(ri_proc_os_tid(pid, t.tid), t.tid);
	assert_int_equal(ri_proc_os_tid(pid, 1), -ESRCH); /* it is another process's */
	assert_int_equal(ri_proc_os_tid(pid, 0), -ESRCH);
	assert_int_equal(ri_proc_os_tid(pid, -1), -ESRCH);
	end(&t);
	assert_int_equal(ri_proc_os_tid(pid, t.tid), -ESRCH);
}

/* Tells what it is to itself, and stays until it is killed. */
static void live_in_a_namespace(int tell)
{
	struct thread t;
	pid_t child;

	if (unshare(CLONE_NEWPID) < 0)
		_exit(1);
	child = fork();
	if (child == 0) {
		start(&t);
		(void)!write(tell, &(int){ t.tid }, sizeof(int));
		for (;;)
			pause();
	}
	(void)!write(tell, &(int){ (int)child }, sizeof(int));
	waitpid(child, NULL, 0);
	_exit(0);
}

static void a_thread_of_another_namespace_is_found_by_its_number_there(void **state)
{
	int pipes[2], first, second;

	(void)state;
	if (geteuid() != 0)
		test_skip("root is needed to make a namespace of processes");
	assert_int_equal(pipe(pipes), 0);
	pid_t parent = fork();

	if (parent == 0)
		live_in_a_namespace(pipes[1]);
	close(pipes[1]);
	bool is_permitted = read(pipes[0], &first, sizeof first) == (ssize_t)sizeof first;

	if (is_permitted) {
		assert_int_equal(read(pipes[0], &second, sizeof second), sizeof second);
		/* Either of the two may have been the first to speak: the smaller number is that inside. */
		int pid = first > second ? first : second, inside = first > second ? second : first;
		int tid = ri_proc_os_tid(pid, inside);

		assert_true(inside > 1);
		assert_int_equal(ri_proc_os_tid(pid, 1), pid);
		assert_true(tid > pid);
		assert_int_equal(ri_proc_os_tid(pid, inside + 1), -ESRCH);
		assert_int_equal(ri_proc_os_tid(pid, pid), -ESRCH);
		kill(pid, SIGKILL);
	}
	close(pipes[0]);
	assert_int_equal(waitpid(parent, NULL, 0), parent);
	if (!is_permitted)
		test_skip("kernel: no namespace of processes is permitted here");
}

static void memory_is_reached_by_a_thread_that_lives(void **state)
{
	const int pid = (int)getpid();
	struct ri_process process;
	siginfo_t info;
	char byte;

	(void)state;
	assert_int_equal(ri_proc_memory_tid(pid), pid);
	pid_t child = fork();

	if (child == 0)
		_exit(0);
	assert_int_equal(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
	assert_int_equal(ri_proc_memory_tid(child), -ESRCH); /* a zombie */
	assert_int_equal(ri_process_open(&process, child), -ESRCH);
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_int_equal(ri_proc_memory_tid(child), -ESRCH);
	/* The thread by which it was reached so far has ended. */
	assert_int_equal(ri_process_open(&process, pid), 0);
	process.tid = child;
	assert_int_equal(ri_process_read(&process, (uint64_t)(uintptr_t)&pid, &byte, 1), 0);
	assert_int_equal(byte, *(const char *)&pid);
	assert_int_equal(process.tid, pid);
	ri_process_close(&process);
}

TEST_MAIN(cmocka_unit_test(a_thread_of_our_namespace_is_what_it_says),
	cmocka_unit_test(a_thread_of_another_namespace_is_found_by_its_number_there),
	cmocka_unit_test(memory_is_reached_by_a_thread_that_lives));
