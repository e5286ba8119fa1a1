/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "crash/crash.h"

#define PATIENCE_NS 2000000000ull /* a thread in an uninterruptible call stops when that ends, if ever */

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static bool is_known(const struct ri_crash *crash, int tid)
{
	for (size_t i = crash->n_threads; i-- > 0;)
		if (crash->threads[i].tid == tid)
			return true;
	return false;
}

/* Who has ended meanwhile is not there; who cannot be seized goes on. */
static bool seize(struct ri_crash *crash, int tid)
{
	if (tid == crash->tid || is_known(crash, tid) || crash->n_threads == RI_CRASH_THREADS)
		return false;
	if (ptrace(PTRACE_SEIZE, tid, NULL, NULL) < 0) {
		if (errno == ESRCH)
			return false;
	} else {
		(void)ptrace(PTRACE_INTERRUPT, tid, NULL, NULL); /* fails for one that ends, which waitpid() tells */
	}
	crash->threads[crash->n_threads++] = (struct ri_crash_thread){ .tid = tid };
	return true;
}

static int number_of(const char *text)
{
	int n = 0;

	for (; *text >= '0' && *text <= '9'; text++)
		n = n * 10 + (*text - '0');
	return *text ? 0 : n;
}

/* One walk through the threads: how many were met for the first time. */
static size_t seize_all(struct ri_crash *crash)
{
	size_t met = 0;
	long n;

	if (lseek(crash->task_fd, 0, SEEK_SET) < 0)
		return 0;
	while ((n = syscall(SYS_getdents64, crash->task_fd, crash->text, sizeof crash->text)) > 0) {
		for (long at = 0; at < n;) {
			const struct dirent64 *entry = (const struct dirent64 *)(const void *)(crash->text + at);
			int tid = number_of(entry->d_name);

			met += tid > 0 && seize(crash, tid);
			at += entry->d_reclen;
		}
	}
	return met;
}

static void read_registers(struct ri_crash_thread *thread)
{
	struct iovec to = { thread->registers, sizeof thread->registers };

	thread->stopped = ptrace(PTRACE_GETREGSET, thread->tid, NT_PRSTATUS, &to) == 0;
}

/* Until it stops, ends (tid 0), or the time is up. */
static void wait_for(struct ri_crash_thread *thread, uint64_t end_ns)
{
	const struct timespec pause = { .tv_nsec = 100000 };
	int status, n;

	while ((n = waitpid(thread->tid, &status, __WALL | WNOHANG)) == 0 && now_ns() < end_ns)
		nanosleep(&pause, NULL);
	if (n == 0 || (n < 0 && errno == ECHILD))
		return;
	if (n < 0 || !WIFSTOPPED(status)) {
		thread->tid = 0;
		return;
	}
	/* A stop of its own kind, or the arrival of a signal, which it gets when it is released. */
	if (status >> 16 != PTRACE_EVENT_STOP)
		thread->signal = WSTOPSIG(status);
	read_registers(thread);
}

void ri_crash_stop(struct ri_crash *crash)
{
	const uint64_t end_ns = now_ns() + PATIENCE_NS;
	size_t first = 0;

	/* Threads that are not stopped yet make new ones. */
	while (seize_all(crash) > 0 && now_ns() < end_ns)
		for (; first < crash->n_threads; first++)
			wait_for(&crash->threads[first], end_ns);
	for (size_t i = 0; i < crash->n_threads; i++)
		crash->went_on += crash->threads[i].tid && !crash->threads[i].stopped;
	crash->went_on += crash->n_threads == RI_CRASH_THREADS; /* there may be others */
}

void ri_crash_release(struct ri_crash *crash)
{
	for (size_t i = 0; i < crash->n_threads; i++)
		if (crash->threads[i].stopped)
			(void)ptrace(PTRACE_DETACH, crash->threads[i].tid, NULL, (void *)(intptr_t)crash->threads[i].signal);
}

uint64_t ri_crash_registers(const ucontext_t *context, elf_gregset_t registers)
{
#if defined(__x86_64__)
	/* In the order of struct user_regs_struct; -1: the call's number, it is in none; no base of gs. */
	static const int8_t from[] = { REG_R15, REG_R14, REG_R13, REG_R12, REG_RBP, REG_RBX, REG_R11, REG_R10, REG_R9,
		REG_R8, REG_RAX, REG_RCX, REG_RDX, REG_RSI, REG_RDI, -1, REG_RIP, REG_CSGSFS, REG_EFL, REG_RSP };
	enum { CS = 17, SS = 20, FS_BASE = 21 };
	uint64_t words[ELF_NGREG] = { 0 };
	uint64_t segments = (uint64_t)context->uc_mcontext.gregs[REG_CSGSFS];

	for (size_t i = 0; i < sizeof from; i++)
		words[i] = from[i] < 0 ? UINT64_MAX : (uint64_t)context->uc_mcontext.gregs[from[i]];
	words[CS] = segments & 0xffff;
	words[SS] = segments >> 48;
	words[FS_BASE] = (uintptr_t)__builtin_thread_pointer();
	memcpy(registers, words, sizeof words);
	return (uint64_t)context->uc_mcontext.gregs[REG_RSP];
#elif defined(__aarch64__)
	memcpy(registers, context->uc_mcontext.regs, sizeof(elf_gregset_t)); /* then sp, pc, pstate: the same order */
	return context->uc_mcontext.sp;
#elif defined(__riscv)
	memcpy(registers, context->uc_mcontext.__gregs, sizeof(elf_gregset_t));
	return context->uc_mcontext.__gregs[2];
#else
	(void)context;
	memset(registers, 0, sizeof(elf_gregset_t)); /* not known for this machine */
	return 0;
#endif
}
