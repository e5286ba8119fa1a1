/* SPDX-License-Identifier: MIT */
/*
 * Which processes can be watched. A runtime shows in /proc/PID/maps, so it is
 * found with or without an agent. Processes whose maps we may not read are
 * listed only if there is a socket for them: everything else would be guessing.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "inspect/look.h"
#include "inspect/procfs.h"
#include "inspect/socket_path.h"

static bool owner_of(int pid, uint32_t *ret_uid)
{
	char path[32];
	struct stat st;

	snprintf(path, sizeof path, "/proc/%d", pid);
	if (stat(path, &st) < 0)
		return false;
	*ret_uid = st.st_uid;
	return true;
}

/* Live tasks from the exact counters: no need to look at any task. */
static uint64_t live_tasks(struct ri_memory *memory, const struct rouse_page *page)
{
	struct rouse_worker_record record;
	uint64_t live = 0;

	for (uint32_t i = 0; i <= page->workers; i++) {
		uint64_t index = i < page->workers ? i : page->worker_capacity;

		if (ri_memory_read(memory, page->address + page->off_workers + index * sizeof record, &record,
			    sizeof record) < 0)
			continue;
		live += record.counters.spawned - record.counters.completed - record.counters.cancelled -
			record.counters.panicked;
	}
	return live;
}

/* What can be said of the runtimes of a process; false: it has none. */
static bool describe(int pid, struct rouse_target *target)
{
	struct ri_mapping mappings[RI_RUNTIMES_MAX];
	struct ri_process process;
	struct rouse_page page;
	bool other_version = false;
	int n = ri_process_open(&process, pid);

	if (n < 0)
		return false;
	n = ri_proc_mappings(process.tid, mappings, RI_RUNTIMES_MAX);
	if (n == -EACCES)
		return target->agent;
	if (n <= 0)
		return false;
	struct ri_memory memory = { .read = ri_process_read, .arg = &process };

	ri_memory_refill(&memory);
	for (int i = 0; i < n && i < RI_RUNTIMES_MAX; i++) {
		int rc = ri_page_read(&memory, mappings[i].address, mappings[i].bytes, &page);

		other_version |= rc == -EPROTO;
		if (rc < 0)
			continue;
		if (!target->readable)
			snprintf(target->runtime, sizeof target->runtime, "%s", page.name);
		target->readable = true;
		target->runtimes++;
		target->tasks += live_tasks(&memory, &page);
	}
	ri_process_close(&process);
	target->other_version = other_version && !target->readable;
	return target->readable || target->other_version || target->agent;
}

static bool fill_target(int pid, struct rouse_target *target)
{
	struct ri_proc_stat stat;
	uint32_t uid;

	*target = (struct rouse_target){ .pid = pid };
	if (!owner_of(pid, &uid) || ri_proc_stat(pid, &stat) < 0)
		return false;
	snprintf(target->program, sizeof target->program, "%s", stat.program);
	target->agent = rouse_socket_path(pid, uid, target->socket, sizeof target->socket) == 0 &&
			ri_socket_exists(target->socket, uid) && ri_socket_is_served(pid, target->socket);
	if (!target->agent)
		target->socket[0] = 0;
	return describe(pid, target);
}

static int by_pid(const void *a, const void *b)
{
	int x = ((const struct rouse_target *)a)->pid, y = ((const struct rouse_target *)b)->pid;

	return (x > y) - (x < y);
}

int rouse_inspect_list(struct rouse_target *targets, size_t capacity)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	size_t n = 0;

	if (!proc)
		return -errno;
	while ((entry = readdir(proc))) {
		struct rouse_target target;
		char *end;
		long pid = strtol(entry->d_name, &end, 10);

		if (*end || pid <= 0 || !fill_target((int)pid, &target))
			continue;
		if (n < capacity)
			targets[n] = target;
		n++;
	}
	closedir(proc);
	qsort(targets, n < capacity ? n : capacity, sizeof *targets, by_pid);
	return (int)n;
}
