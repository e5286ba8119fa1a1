/* SPDX-License-Identifier: MIT */
#include "inspect/procthread.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NS_PER_S 1000000000ull

/* The whole file, as text; false if it is not there, or may not be read. */
static bool read_text(int pid, uint32_t tid, const char *name, char *text, size_t bytes)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/%d/task/%u/%s", pid, tid, name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return false;
	ssize_t n = read(fd, text, bytes - 1);

	close(fd);
	text[n > 0 ? n : 0] = 0;
	return n > 0;
}

/* Goes behind the next `n` words. */
static const char *skip_words(const char *at, int n)
{
	for (; n > 0; n--) {
		at += strspn(at, " ");
		at += strcspn(at, " ");
	}
	return at;
}

/* tid (name, which may contain anything) state ...; user and system time are fields 14 and 15, in clock ticks. */
bool ri_parse_thread_stat(const char *text, struct ri_proc_thread *thread)
{
	const char *open = strchr(text, '('), *close = strrchr(text, ')');
	long hz = sysconf(_SC_CLK_TCK);
	char *end;

	if (!open || !close || close < open || close[1] != ' ' || close[2] == 0)
		return false;
	snprintf(thread->name, sizeof thread->name, "%.*s", (int)(close - open - 1), open + 1);
	thread->state = close[2];
	uint64_t ticks = strtoull(skip_words(close + 2, 11), &end, 10);

	ticks += strtoull(end, NULL, 10);
	thread->cpu_ns = hz > 0 ? ticks * (NS_PER_S / (uint64_t)hz) : 0;
	return true;
}

/* Time on a CPU, time waiting for one, turns. All 0 where the kernel does not count: then `stat` has the coarser time. */
void ri_parse_schedstat(const char *text, struct ri_proc_thread *thread)
{
	char *end;
	uint64_t cpu_ns = strtoull(text, &end, 10), run_queue_ns = strtoull(end, NULL, 10);

	thread->cpu_ns = cpu_ns ? cpu_ns : thread->cpu_ns;
	thread->run_queue_ns = run_queue_ns;
}

/* "running", or "-1 SP PC" (blocked, but not in a system call), or "NUMBER six arguments SP PC". */
void ri_parse_syscall(const char *text, struct ri_proc_thread *thread)
{
	enum { ARGUMENTS = 6 };
	char *end;
	long number = strtol(text, &end, 10);
	bool in_one = number >= 0 && number < INT32_MAX;

	if (end == text || *end != ' ')
		return;
	if (in_one) {
		thread->syscall = (uint32_t)number + 1;
		thread->argument = strtoull(end, NULL, 16);
	}
	thread->pc = strtoull(skip_words(end, in_one ? ARGUMENTS + 1 : 1), NULL, 16);
}

int ri_proc_thread(int pid, uint32_t tid, struct ri_proc_thread *ret_thread)
{
	struct ri_proc_thread thread = { .state = 0 };
	char text[1024];

	if (!read_text(pid, tid, "stat", text, sizeof text) || !ri_parse_thread_stat(text, &thread))
		return -ESRCH;
	if (read_text(pid, tid, "schedstat", text, sizeof text))
		ri_parse_schedstat(text, &thread);
	if (read_text(pid, tid, "syscall", text, sizeof text))
		ri_parse_syscall(text, &thread);
	*ret_thread = thread;
	return 0;
}

int ri_proc_thread_name(int pid, uint32_t tid, char ret_name[RI_THREAD_NAME])
{
	char text[64];

	if (!read_text(pid, tid, "comm", text, sizeof text))
		return -ESRCH;
	snprintf(ret_name, RI_THREAD_NAME, "%.*s", (int)strcspn(text, "\n"), text);
	return 0;
}
