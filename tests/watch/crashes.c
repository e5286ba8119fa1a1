/* SPDX-License-Identifier: MIT */
/*
 * crashes MODE - two tasks wait for each other; then, in a poll or in the main
 * thread, at a line from stdin:
 *
 *     segv     a write to address 16, in a poll
 *     bus      a read behind the end of a mapped file, in a poll
 *     ill      an instruction that is none, in a poll
 *     fpe      a division by zero, in a poll
 *     abort    abort(), in a poll
 *     panic    a panic outside of any task
 *     deep     a recursion deeper than any stack, in a poll
 *     both     in two polls at once
 *     handled  as segv, with a handler of the program's own, which ends it with 7
 *     twice    the same, but it calls abort()
 *     sent     nothing: the signal comes from outside
 *     child    as segv, in a child made by fork()
 *     ask N B  as segv; before, signal N is to write a file of B bytes of memory at most, and the program goes on
 *     untraced, alone, mute
 *              as segv, in a process that may not use ptrace(), nor clone(), nor lives on after pwrite()
 *
 * "ready" is said when it waits for that line.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <rouse/crash.h>
#include <rouse/rouse.h>

enum { HEAP_BYTES = 16 << 20 };

static struct {
	struct rouse_mutex *left, *right;
	atomic_int locked, crashing;
	atomic_bool at_rest; /* nobody but culprits does anything */
	const char *mode;
	char *behind; /* the end of a file */
	char *heap;   /* more than is to be written */
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

static __attribute__((noinline)) int recurse(volatile int *above)
{
	volatile int room[256];

	room[0] = above ? above[0] + 1 : 0;
	return room[0] < 1 << 30 ? recurse(room) + room[0] : 0;
}

static __attribute__((noinline)) void go_wrong(void)
{
	volatile int zero = 0;

	if (strcmp(stage.mode, "bus") == 0)
		printf("%d\n", stage.behind[0]);
	else if (strcmp(stage.mode, "ill") == 0)
		__builtin_trap();
	else if (strcmp(stage.mode, "fpe") == 0)
		printf("%d\n", 1000 / zero);
	else if (strcmp(stage.mode, "abort") == 0)
		abort();
	else if (strcmp(stage.mode, "deep") == 0)
		printf("%d\n", recurse(NULL));
	else
		*(volatile int *)(uintptr_t)(zero + 16) = 1;
}

ROUSE_ASYNC(culprit, int, struct rouse_yield yield; int round;);
ROUSE_BODY(culprit)
{
	ROUSE_BEGIN;
	for (self->round = 0; self->round < 100 || !atomic_load(&stage.at_rest); self->round++)
		ROUSE_AWAIT_ONLY(rouse_yield(&self->yield));
	atomic_fetch_add(&stage.crashing, 1);
	while (strcmp(stage.mode, "both") == 0 && atomic_load(&stage.crashing) < 2)
		continue;
	go_wrong();
	ROUSE_RETURN(0);
	ROUSE_END;
}

static void end_by_hand(int signal)
{
	if (strcmp(stage.mode, "twice") == 0)
		abort();
	_exit(signal == SIGSEGV ? 7 : 8);
}

static int cross(void)
{
	struct rouse_task *tasks[2];

	stage.left = rouse_mutex_new("left");
	stage.right = rouse_mutex_new("right");
	if (!stage.left || !stage.right)
		return -1;
	tasks[0] = rouse_spawn_named("goes right", crossing, .first = stage.left, .second = stage.right);
	tasks[1] = rouse_spawn_named("goes left", crossing, .first = stage.right, .second = stage.left);
	for (int i = 0; i < 2; i++) {
		if (!tasks[i])
			return -1;
		while (atomic_load(&stage.locked) < 2 || rouse_task_get_state(tasks[i]) != ROUSE_TASK_PENDING)
			sched_yield();
		rouse_task_detach(tasks[i]);
	}
	return 0;
}

static int forbid(unsigned int call, unsigned int instead)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, instead),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = { sizeof filter / sizeof filter[0], filter };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -1 :
	       (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program);
}

static int restrain(void)
{
	if (strcmp(stage.mode, "untraced") == 0)
		return forbid(SYS_ptrace, SECCOMP_RET_ERRNO | EPERM);
	if (strcmp(stage.mode, "alone") == 0)
		return forbid(SYS_clone, SECCOMP_RET_ERRNO | EPERM);
	return strcmp(stage.mode, "mute") == 0 ? forbid(SYS_pwrite64, SECCOMP_RET_KILL_PROCESS) : 0;
}

static int map_a_file(void)
{
	int fd = memfd_create("empty", MFD_CLOEXEC);
	void *at = fd < 0 ? MAP_FAILED : mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);

	stage.behind = at;
	return at == MAP_FAILED ? -1 : 0;
}

static int run(void)
{
	char line[16];

	puts("ready");
	fflush(stdout);
	if (!fgets(line, sizeof line, stdin))
		return 0;
	if (strcmp(stage.mode, "panic") == 0)
		rouse_panic("nobody's fault");
	if (strcmp(stage.mode, "child") == 0) {
		int status, pid = fork();

		if (pid == 0)
			go_wrong();
		if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFSIGNALED(status) || WTERMSIG(status) != SIGSEGV)
			return 9;
		return 0;
	}
	int culprits = strcmp(stage.mode, "both") == 0 ? 2 : 1;

	for (int i = 0; i < culprits; i++)
		if (rouse_spawn_detached(culprit))
			return 1;
	atomic_store(&stage.at_rest, true);
	for (;;)
		pause();
}

int main(int argc, char **argv)
{
	const struct rouse_runtime_opts opts = { .size = sizeof opts, .workers = 2 };
	struct sigaction own = { .sa_handler = end_by_hand };
	struct rouse_runtime *runtime;

	if (argc < 2)
		return 2;
	stage.mode = argv[1];
	if ((strcmp(stage.mode, "handled") == 0 || strcmp(stage.mode, "twice") == 0) && sigaction(SIGSEGV, &own, NULL) < 0)
		return 1;
	if (strcmp(stage.mode, "ask") == 0) {
		const struct rouse_crash_opts asked = { .size = sizeof asked,
			.signal = argc > 2 ? atoi(argv[2]) : 0,
			.max_bytes = argc > 3 ? strtoull(argv[3], NULL, 10) : 0 };

		if (rouse_record_on_crash(&asked) < 0 || rouse_record_on_crash(&asked) != -EALREADY)
			return 1;
	}
	if (argc > 3 && !(stage.heap = malloc(HEAP_BYTES)))
		return 1;
	if (stage.heap)
		memset(stage.heap, 'x', HEAP_BYTES);
	if (map_a_file() < 0 || rouse_runtime_new(&opts, &runtime) < 0)
		return 1;
	struct rouse_guard guard = rouse_enter(runtime);
	int rc = cross() < 0 || restrain() < 0 ? 1 : run();

	rouse_leave(&guard);
	return rc;
}
