/* SPDX-License-Identifier: MIT */
/*
 * A program started under the eyes of the probes.
 *
 * Probes can be attached by pid only when the files that hold them are mapped,
 * and librouse.so is mapped by the dynamic linker, long after exec. So the
 * program runs, traced, up to its entry point: a breakpoint is put where the
 * kernel says the program begins (AT_ENTRY), which the dynamic linker jumps to
 * when its work is done. There it is held until everything is attached. That is
 * exact for programs that link the runtime in, statically or not; what a
 * library's constructor did before is missed.
 */
#include "loader/loader.h"
#include "loader/why.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__x86_64__)

#define BREAKPOINT 0xccul /* int3 */
#define BREAKPOINT_MASK 0xfful

/* In the child: asks to be traced, execs, or tells the parent why not. */
static void run(char *const argv[], int out_fd, int tell)
{
	int error;

	if (dup2(out_fd, STDOUT_FILENO) < 0 || ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
		error = errno;
	else {
		execvp(argv[0], argv);
		error = errno;
	}
	/* Should this fail as well, the parent sees the exit code. */
	if (write(tell, &error, sizeof(error)) != (ssize_t)sizeof(error))
		_exit(126);
	_exit(127);
}

/* Waits for the child's next stop: its signal, or -ECHILD if it has ended instead. */
static int next_stop(int pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFSTOPPED(status) ? WSTOPSIG(status) : -ECHILD;
}

static int entry_point(int pid, uint64_t *ret_entry)
{
	char name[32];
	Elf64_auxv_t pair;
	FILE *auxv;
	int rc = -ENOEXEC;

	snprintf(name, sizeof(name), "/proc/%d/auxv", pid);
	auxv = fopen(name, "re");
	if (!auxv)
		return -errno;
	while (rc < 0 && fread(&pair, sizeof(pair), 1, auxv) == 1 && pair.a_type != AT_NULL) {
		if (pair.a_type != AT_ENTRY)
			continue;
		*ret_entry = pair.a_un.a_val;
		rc = 0;
	}
	fclose(auxv);
	return rc;
}

/* Lets it run up to the breakpoint; signals that come before are its own. */
static int run_to_breakpoint(int pid)
{
	int signal = 0;

	do {
		if (ptrace(PTRACE_CONT, pid, NULL, (void *)(intptr_t)signal) != 0)
			return -errno;
		signal = next_stop(pid);
	} while (signal > 0 && signal != SIGTRAP);
	return signal < 0 ? signal : 0;
}

static int run_to_entry(int pid)
{
	struct user_regs_struct registers;
	uint64_t entry = 0;
	unsigned long patched;
	long word;
	int rc;

	rc = entry_point(pid, &entry);
	if (rc < 0)
		return rc;
	errno = 0;
	word = ptrace(PTRACE_PEEKTEXT, pid, (void *)entry, NULL);
	if (errno)
		return -errno;
	patched = ((unsigned long)word & ~BREAKPOINT_MASK) | BREAKPOINT;
	if (ptrace(PTRACE_POKETEXT, pid, (void *)entry, (void *)patched) != 0)
		return -errno;
	rc = run_to_breakpoint(pid);
	if (rc < 0)
		return rc;
	if (ptrace(PTRACE_POKETEXT, pid, (void *)entry, (void *)word) != 0 ||
		ptrace(PTRACE_GETREGS, pid, NULL, &registers) != 0)
		return -errno;
	if (registers.rip != entry + 1)
		return -ENOEXEC;
	registers.rip = entry;
	return ptrace(PTRACE_SETREGS, pid, NULL, &registers) != 0 ? -errno : 0;
}

int bl_start(char *const argv[], int out_fd, int *ret_pid, struct bl_why *why)
{
	int tell[2], pid, error = 0, rc;

	if (pipe2(tell, O_CLOEXEC) != 0)
		return bl_fail(why, -errno, "cannot start %s: %s", argv[0], strerror(errno));
	pid = fork();
	if (pid == 0)
		run(argv, out_fd, tell[1]);
	rc = pid < 0 ? -errno : 0;
	close(tell[1]);
	if (rc == 0 && read(tell[0], &error, sizeof(error)) == (ssize_t)sizeof(error)) {
		rc = -error;
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	close(tell[0]);
	if (rc < 0)
		return bl_fail(why, rc, "cannot start %s: %s", argv[0], strerror(-rc));
	/* The stop at exec; from here on the child dies with us. */
	rc = next_stop(pid);
	if (rc >= 0 && ptrace(PTRACE_SETOPTIONS, pid, NULL, (void *)PTRACE_O_EXITKILL) != 0)
		rc = -errno;
	if (rc >= 0)
		rc = run_to_entry(pid);
	if (rc < 0) {
		bl_kill(pid);
		return bl_fail(why, rc, "cannot hold %s at its entry point: %s", argv[0], strerror(-rc));
	}
	*ret_pid = pid;
	return 0;
}

#else

int bl_start(char *const argv[], int out_fd, int *ret_pid, struct bl_why *why)
{
	(void)out_fd;
	(void)ret_pid;
	return bl_fail(
		why, -EOPNOTSUPP, "a program cannot be held on this machine: start %s and name its pid", argv[0]);
}

#endif

int bl_go(int pid)
{
	return ptrace(PTRACE_DETACH, pid, NULL, NULL) != 0 ? -errno : 0;
}

void bl_kill(int pid)
{
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}
