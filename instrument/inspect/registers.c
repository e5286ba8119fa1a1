/* SPDX-License-Identifier: MIT */
#include "inspect/registers.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "inspect/hidden.h"

/* ------------------------------------------------------- threads of /proc */

static ssize_t read_file(const struct ri_process *process, uint32_t tid, const char *name, char *text, size_t bytes)
{
	char path[64];
	FILE *file;
	size_t n;

	snprintf(path, sizeof path, "/proc/%d/task/%u/%s", process->tid, tid, name);
	file = fopen(path, "re");
	if (!file)
		return -ESRCH;
	n = fread(text, 1, bytes - 1, file);
	fclose(file);
	text[n] = 0;
	return (ssize_t)n;
}

/* "running", or "-1 sp pc", or "number 6 arguments sp pc". */
static void parse_syscall(struct ri_hand *thread, char *text)
{
	enum { ARGUMENTS = 6 };
	char *at = text, *end;
	long number = strtol(at, &end, 10);

	if (end == at)
		return;
	at = end;
	thread->sleeps = true;
	thread->syscall = (int)number;
	for (int i = 0; number >= 0 && i < ARGUMENTS; i++)
		thread->words[thread->n_words++] = strtoull(at, &at, 16);
	thread->sp = strtoull(at, &at, 16);
}

int ri_process_hand(void *arg, struct ri_hand *thread)
{
	const struct ri_process *process = arg;
	const char *key;
	char text[4096];
	struct ri_hand now = { .tid = thread->os_tid, .os_tid = thread->os_tid, .syscall = -1 };

	if (read_file(process, now.os_tid, "status", text, sizeof text) <= 0)
		return -ESRCH;
	(void)sscanf(text, "Name: %15[^\n]", now.name);
	/* Last is what it is to itself. */
	if ((key = strstr(text, "\nNSpid:"))) {
		char *at = (char *)(uintptr_t)key + strlen("\nNSpid:"), *end;

		for (unsigned long tid; tid = strtoul(at, &end, 10), end != at && *at != '\n'; at = end) {
			now.tid = (uint32_t)tid;
			if (*end == '\n')
				break;
		}
	}
	if (read_file(process, now.os_tid, "syscall", text, sizeof text) > 0)
		parse_syscall(&now, text);
	*thread = now;
	return 0;
}

int ri_process_hands(void *arg, struct ri_hand *threads, size_t capacity)
{
	const struct ri_process *process = arg;
	struct dirent *entry;
	char path[32];
	size_t n = 0;

	snprintf(path, sizeof path, "/proc/%d/task", process->tid);
	DIR *dir = opendir(path);

	if (!dir)
		return errno == EACCES || errno == EPERM ? -EACCES : -ESRCH;
	while ((entry = readdir(dir))) {
		struct ri_hand thread = { .os_tid = (uint32_t)strtoul(entry->d_name, NULL, 10) };

		if (thread.os_tid == 0 || ri_process_hand(arg, &thread) < 0)
			continue;
		if (n++ < capacity)
			threads[n - 1] = thread;
	}
	closedir(dir);
	return (int)n;
}

/* --------------------------------------------------- what they may keep */

static bool in_futex(const struct ri_hand *thread)
{
	return thread->sleeps && thread->syscall == SYS_futex;
}

static bool in_epoll(const struct ri_hand *thread)
{
	if (!thread->sleeps)
		return false;
#ifdef SYS_epoll_wait
	if (thread->syscall == SYS_epoll_wait)
		return true;
#endif
#ifdef SYS_epoll_pwait2
	if (thread->syscall == SYS_epoll_pwait2)
		return true;
#endif
	return thread->syscall == SYS_epoll_pwait;
}

/* The futex that it sleeps on is one of rouse_block_on(). */
static bool is_blocked(struct rouse_inspect *inspect, const struct ri_hand *thread)
{
	const size_t before = offsetof(struct rouse_blocked_record, word);
	uint64_t magic;

	return in_futex(thread) && thread->n_words && thread->words[0] > before &&
	       ri_memory_read(&inspect->memory, thread->words[0] - before, &magic, sizeof magic) == 0 &&
	       magic == ROUSE_BLOCKED_MAGIC;
}

static void judge_worker(const struct rouse_worker_record *record, struct ri_stander *stander)
{
	bool parked = record->state == ROUSE_WORKER_PARKED, driver = record->state == ROUSE_WORKER_DRIVER;

	stander->polls = record->counters.polls;
	if (record->current_task || !record->stack)
		return;
	stander->clear = parked || (driver && in_epoll(&stander->thread)) || record->state == ROUSE_WORKER_SEARCHING;
	stander->idle = !record->in_transit &&
			((parked && in_futex(&stander->thread)) || (driver && in_epoll(&stander->thread)));
	stander->below = stander->idle ? record->stack : 0;
}

/* Is it a thread of this runtime, and what does it do? */
static void judge_by_page(struct rouse_inspect *inspect, const struct rouse_page *page, struct ri_stander *stander)
{
	struct rouse_worker_record record;

	if (stander->thread.tid == page->watchdog_tid)
		stander->clear = true;
	for (uint32_t i = 0; i < page->workers; i++) {
		uint64_t at = page->address + page->off_workers + (uint64_t)i * sizeof record;

		if (ri_memory_read(&inspect->memory, at, &record, offsetof(struct rouse_worker_record, tail)) == 0 &&
			record.tid == stander->thread.tid && record.state != ROUSE_WORKER_STOPPED)
			judge_worker(&record, stander);
	}
}

/* No pool of the process has a thread with a job. */
static bool pools_idle(struct rouse_inspect *inspect)
{
	for (size_t i = 0; i < RI_RUNTIMES_MAX; i++) {
		struct rouse_page page;

		if (!inspect->runtimes[i].used)
			continue;
		if (ri_memory_read(&inspect->memory, inspect->runtimes[i].address, &page, sizeof page) < 0 ||
			page.blocking_idle != page.blocking_threads)
			return false;
	}
	return true;
}

static bool is_named(const struct ri_hand *thread, const char *name)
{
	return strncmp(thread->name, name, sizeof thread->name) == 0;
}

static void judge(struct rouse_inspect *inspect, struct ri_stander *stander)
{
	const struct ri_hand *thread = &stander->thread;

	stander->clear = is_named(thread, "rouse-agent") || is_blocked(inspect, thread) ||
			 (is_named(thread, "rouse-blocking") && pools_idle(inspect));
	for (size_t i = 0; i < RI_RUNTIMES_MAX; i++)
		if (inspect->runtimes[i].used)
			judge_by_page(inspect, &inspect->runtimes[i].page, stander);
	if (inspect->is_process && inspect->process.pid == getpid() && (pid_t)thread->os_tid == gettid()) {
		stander->clear = true;
		stander->below = inspect->look.stack;
	}
}

int ri_registers_look(struct rouse_inspect *inspect, struct ri_stander *standers, size_t capacity)
{
	struct ri_hand *threads;
	int n;

	if (!inspect->memory.hands)
		return -ENOSYS;
	threads = ri_hidden_alloc(capacity * sizeof *threads);
	if (!threads)
		return -ENOMEM;
	n = inspect->memory.hands(inspect->memory.arg, threads, capacity);
	if (n > 0 && (size_t)n > capacity)
		n = -E2BIG;
	for (int i = 0; i < n; i++) {
		standers[i] = (struct ri_stander){ .thread = threads[i] };
		judge(inspect, &standers[i]);
	}
	ri_hidden_free(threads);
	return n;
}

bool ri_registers_rests(struct rouse_inspect *inspect, const struct ri_stander *before)
{
	struct ri_stander now = { .thread = before->thread };

	if (!inspect->memory.hand)
		return true;
	if (before->below && before->below == inspect->look.stack)
		return true; /* the reader itself */
	if (inspect->memory.hand(inspect->memory.arg, &now.thread) < 0)
		return false;
	judge(inspect, &now);
	return now.thread.sleeps && now.thread.sp == before->thread.sp &&
	       now.thread.syscall == before->thread.syscall && now.clear == before->clear && now.idle == before->idle &&
	       now.below == before->below && now.polls == before->polls;
}

bool ri_registers_hide(const struct ri_stander *first, size_t n_first, const struct ri_stander *second, size_t n_second)
{
	for (size_t i = 0; i < n_second; i++) {
		bool clear = second[i].clear || second[i].thread.whole;

		for (size_t k = 0; k < n_first && !clear; k++)
			if (first[k].thread.os_tid == second[i].thread.os_tid)
				clear = first[k].clear || first[k].polls != second[i].polls;
		if (!clear)
			return true;
	}
	return false;
}
