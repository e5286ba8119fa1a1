/* SPDX-License-Identifier: MIT */
#include "loader/records.h"
#include "record.h"

#include <rouse/layout.h>

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

/* No target of ours comes near these. */
enum { WORKERS_MAX = 1024, MAPS_BYTES_MAX = 64 << 20 };

#define SAME(A, TYPE, MEMBER)                                                                                          \
	static_assert(offsetof(struct bl_record_head, A) == offsetof(TYPE, MEMBER), "record.h mirrors "                \
										    "rouse/layout.h")
SAME(tid, struct rouse_worker_record, tid);
SAME(index, struct rouse_worker_record, index);
SAME(current_task, struct rouse_worker_record, current_task);
SAME(current_cell, struct rouse_worker_record, current_cell);
static_assert(BL_CELL_ID == offsetof(struct rouse_cell_record, id), "record.h mirrors rouse/layout.h");
static_assert(BL_CELL_SPAWN_SITE == offsetof(struct rouse_cell_record, spawn_site), "record.h mirrors rouse/layout.h");

int bl_records_peek(int pid, uint64_t address, void *buffer, size_t bytes)
{
	struct iovec here = { buffer, bytes }, there = { (void *)(uintptr_t)address, bytes };
	ssize_t n = process_vm_readv(pid, &here, 1, &there, 1, 0);

	if (n < 0)
		return -errno;
	return (size_t)n == bytes ? 0 : -EFAULT;
}

/* ------------------------------------------------------------------ pages */

size_t bl_pages_in(char *maps, uint64_t *pages, size_t capacity)
{
	static const char name[] = "/memfd:" ROUSE_MEMFD_NAME " (deleted)";
	char *rest = NULL;
	size_t n = 0;

	for (char *line = strtok_r(maps, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		unsigned long long start, end, offset;
		int path = 0;

		if (sscanf(line, "%llx-%llx %*s %llx %*s %*s %n", &start, &end, &offset, &path) != 3 || !path)
			continue;
		if (offset == 0 && end > start && strcmp(line + path, name) == 0 && n < capacity)
			pages[n++] = start;
	}
	return n;
}

/* The whole text; freed by the caller. NULL with *ret_rc set. */
static char *read_maps(int pid, int tid, int *ret_rc)
{
	size_t used = 0, room = 1 << 16;
	char name[64], *text = NULL;
	ssize_t n = 1;
	int fd;

	snprintf(name, sizeof(name), "/proc/%d/task/%d/maps", pid, tid);
	fd = open(name, O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && n > 0 && room <= MAPS_BYTES_MAX) {
		char *more = realloc(text, room);

		if (!more)
			break;
		text = more;
		while ((n = read(fd, text + used, room - 1 - used)) > 0 && (used += (size_t)n) < room - 1)
			;
		room *= 2;
	}
	if (fd < 0 || n != 0) {
		*ret_rc = fd < 0 || n < 0 ? -errno : -ENOMEM;
		free(text);
		text = NULL;
	} else {
		text[used] = '\0';
	}
	if (fd >= 0)
		close(fd);
	return text;
}

/* A process whose main thread has ended has its memory in the others. */
static int thread_with_memory(int pid)
{
	char name[32];
	struct dirent *entry;
	DIR *threads;
	int found = pid;

	snprintf(name, sizeof(name), "/proc/%d/task", pid);
	threads = opendir(name);
	while (threads && (entry = readdir(threads))) {
		int tid = atoi(entry->d_name);

		if (tid > 0 && tid != pid) {
			found = tid;
			break;
		}
	}
	if (threads)
		closedir(threads);
	return found;
}

/* Number of pages, and the thread by which memory can be read; or a negative error. */
static int find_pages(int pid, uint64_t *pages, int *ret_tid)
{
	int rc = 0;
	size_t n;

	*ret_tid = pid;
	for (int i = 0; i < 2; i++) {
		char *maps = read_maps(pid, *ret_tid, &rc);

		if (!maps)
			return rc == -ENOENT ? -ESRCH : rc == -EACCES ? -EPERM : rc;
		n = bl_pages_in(maps, pages, BL_RUNTIMES_MAX);
		const int empty = !*maps;

		free(maps);
		if (n || !empty)
			return (int)n;
		*ret_tid = thread_with_memory(pid);
	}
	return 0;
}

/* ---------------------------------------------------------------- records */

/* Appends to records; the new number, or a negative error. */
static int take_page(int tid, uint64_t address, struct bl_record *records, size_t n, size_t capacity)
{
	struct rouse_page page;
	struct rouse_worker_record record;
	int rc = bl_records_peek(tid, address, &page, sizeof(page));

	if (rc < 0)
		return rc;
	if (memcmp(page.magic, ROUSE_LAYOUT_MAGIC, sizeof(page.magic)) != 0)
		return (int)n; /* not written yet, or somebody else's memfd */
	if (page.version != ROUSE_LAYOUT_VERSION)
		return -EPROTO;
	if (page.workers > WORKERS_MAX || page.total_bytes > 1ull << 40 || page.off_workers > page.total_bytes ||
		page.workers * sizeof(record) > page.total_bytes - page.off_workers)
		return (int)n;
	for (uint32_t i = 0; i < page.workers; i++) {
		uint64_t at = address + page.off_workers + i * sizeof(record);

		rc = bl_records_peek(tid, at, &record, sizeof(record));
		if (rc < 0)
			return rc;
		if (!record.tid)
			continue;
		if (n < capacity)
			records[n] = (struct bl_record){ at, address, i, record.tid };
		n++;
	}
	return (int)n;
}

int bl_records_find(int pid, struct bl_record *records, size_t capacity)
{
	uint64_t pages[BL_RUNTIMES_MAX];
	int tid, n, total = 0, other_version = 0;

	n = find_pages(pid, pages, &tid);
	for (int i = 0; i < n; i++) {
		int rc = take_page(tid, pages[i], records, (size_t)total, capacity);

		if (rc == -EPROTO)
			other_version = rc;
		else if (rc == -EPERM || rc == -ESRCH)
			return rc;
		else if (rc >= 0) /* else: unmapped meanwhile */
			total = rc;
	}
	return n < 0 ? n : total ? total : other_version;
}

int bl_record_task(int pid, uint64_t address, uint64_t *ret_task, uint32_t *ret_site)
{
	struct rouse_worker_record record;
	struct rouse_cell_record cell;
	int rc = bl_records_peek(pid, address, &record, sizeof(record));

	if (rc == -ESRCH)
		rc = bl_records_peek(pid = thread_with_memory(pid), address, &record, sizeof(record));
	if (rc < 0)
		return rc;
	*ret_task = record.current_task;
	*ret_site = 0;
	if (record.current_task && bl_records_peek(pid, record.current_cell, &cell, sizeof(cell)) == 0 &&
		cell.id == record.current_task)
		*ret_site = cell.spawn_site;
	return 0;
}
