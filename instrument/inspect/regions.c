/* SPDX-License-Identifier: MIT */
/*
 * Of a process, every mapping that can be read counts, and private ones that
 * cannot, if there is anything in them: a program may protect what it wrote.
 * Shared ones count if it can write there. Which pages of a private mapping
 * hold anything is said by /proc/PID/pagemap; so a reservation of terabytes
 * costs little, its pages are not brought into being by being read, and code
 * and constants, which are as they are in their files, are left out.
 */
#include "inspect/regions.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Entries of pagemap: Documentation/admin-guide/mm/pagemap.rst. */
#define ENTRY_PRESENT (1ull << 63)
#define ENTRY_SWAPPED (1ull << 62)
#define ENTRY_OF_FILE (1ull << 61)
#define ENTRY_GUARD (1ull << 58)

/* The same as a request, since Linux 6.7, guards since 6.16: <linux/fs.h> of today may be older. */
struct scan {
	uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages;
	uint64_t category_inverted, category_mask, category_anyof_mask, return_mask;
};
struct scanned {
	uint64_t start, end, categories;
};
#define SCAN _IOWR('f', 16, struct scan)
#define SCAN_OF_FILE (1ull << 2)
#define SCAN_PRESENT (1ull << 3)
#define SCAN_SWAPPED (1ull << 4)
#define SCAN_ZERO (1ull << 5)
#define SCAN_GUARD (1ull << 8)

struct line {
	unsigned long long start, end, offset, inode;
	char permissions[5];
	int path; /* offset into the text */
};

static bool parse(const char *text, struct line *line)
{
	/* The kernel's own line: its numbers fit. NOLINTNEXTLINE(cert-err34-c) */
	return sscanf(text, "%llx-%llx %4s %llx %*s %llu %n", &line->start, &line->end, line->permissions,
		       &line->offset, &line->inode, &line->path) == 5 &&
	       line->end > line->start && strlen(line->permissions) == 4;
}

/* What the kernel lends: nothing of the program can be in it. */
static bool is_kernels(const char *path)
{
	return strncmp(path, "[vvar", 5) == 0 || strncmp(path, "[vdso", 5) == 0 || strncmp(path, "[vsyscall", 9) == 0;
}

static bool may_hold(const struct ri_process *process, const struct line *line, const char *path)
{
	bool writable = line->permissions[1] == 'w', shared = line->permissions[3] == 's';

	if (is_kernels(path))
		return false;
	if (shared || process->pagemap_fd < 0)
		return writable;
	return true;
}

static int open_maps(int pid, FILE **ret_file)
{
	char path[32];

	snprintf(path, sizeof path, "/proc/%d/maps", pid);
	*ret_file = fopen(path, "re");
	if (*ret_file)
		return 0;
	return errno == ENOENT || errno == ESRCH ? -ESRCH : errno == EACCES || errno == EPERM ? -EACCES : -errno;
}

static void open_pagemap(struct ri_process *process)
{
	char path[32];

	if (process->pagemap_fd >= 0)
		return;
	snprintf(path, sizeof path, "/proc/%d/pagemap", process->tid);
	process->pagemap_fd = open(path, O_RDONLY | O_CLOEXEC);
}

int ri_process_regions(void *arg, struct ri_region *regions, size_t capacity)
{
	struct ri_process *process = arg;
	uint64_t guard_end = 0;
	char *text = NULL;
	size_t size = 0, n = 0;
	FILE *file;
	int rc = open_maps(process->tid, &file);

	if (rc < 0)
		return rc;
	open_pagemap(process);
	while (getline(&text, &size, file) > 0) {
		struct line line = { .path = 0 };

		if (!parse(text, &line))
			continue;
		const char *path = text + line.path;

		if (may_hold(process, &line, path) && n++ < capacity)
			regions[n - 1] = (struct ri_region){ line.start, line.end - line.start,
				line.permissions[0] == 'r', line.permissions[3] == 's',
				strncmp(path, "[stack]", 7) == 0 || (guard_end && guard_end == line.start) };
		guard_end = strcmp(line.permissions, "---p") == 0 ? line.end : 0;
	}
	rc = ferror(file) ? -EACCES : (int)n;
	free(text);
	fclose(file);
	return rc;
}

enum { RUN_PAGES = 1 << 14 }; /* what is said of more would be old when they are read */

static int scan(int fd, uint64_t not_these, uint64_t address, uint64_t end, struct scanned *found)
{
	struct scan request = { .size = sizeof request,
		.start = address,
		.end = end,
		.vec = (uintptr_t)found,
		.vec_len = 1,
		.max_pages = RUN_PAGES,
		.category_inverted = not_these,
		.category_mask = not_these,
		.category_anyof_mask = SCAN_PRESENT | SCAN_SWAPPED,
		.return_mask = SCAN_PRESENT };

	return ioctl(fd, SCAN, &request);
}

static bool is_held(uint64_t entry)
{
	if (entry & ENTRY_GUARD)
		return false;
	return (entry & ENTRY_SWAPPED) || ((entry & ENTRY_PRESENT) && !(entry & ENTRY_OF_FILE));
}

/* Entry by entry. */
static int walk(int fd, uint64_t page_bytes, uint64_t address, uint64_t end, uint64_t *ret_from, uint64_t *ret_to)
{
	enum { AT_ONCE = 512 };
	uint64_t entries[AT_ONCE], from = 0;
	bool inside = false;

	for (uint64_t page = address; page < end;) {
		uint64_t left = (end - page + page_bytes - 1) / page_bytes, n = left < AT_ONCE ? left : AT_ONCE;
		size_t bytes = (size_t)n * sizeof entries[0];

		if (pread(fd, entries, bytes, (off_t)(page / page_bytes * sizeof entries[0])) != (ssize_t)bytes)
			return -EFAULT;
		for (uint64_t i = 0; i < n; i++, page += page_bytes) {
			if (is_held(entries[i]) == inside)
				continue;
			if (inside) {
				*ret_from = from;
				*ret_to = page;
				return 1;
			}
			inside = true;
			from = page;
		}
	}
	if (!inside)
		return 0;
	*ret_from = from;
	*ret_to = end;
	return 1;
}

int ri_process_held(void *arg, uint64_t address, uint64_t end, uint64_t *ret_from, uint64_t *ret_to)
{
	const struct ri_process *process = arg;
	const uint64_t page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
	struct scanned found = { 0 };
	int n;

	address -= address % page_bytes;
	end += (page_bytes - end % page_bytes) % page_bytes;
	if (process->pagemap_fd < 0) {
		*ret_from = address;
		*ret_to = end;
		return address < end;
	}
	n = scan(process->pagemap_fd, SCAN_OF_FILE | SCAN_ZERO | SCAN_GUARD, address, end, &found);
	if (n < 0 && errno == EINVAL)
		n = scan(process->pagemap_fd, SCAN_OF_FILE | SCAN_ZERO, address, end, &found);
	if (n < 0)
		return walk(process->pagemap_fd, page_bytes, address, end, ret_from, ret_to);
	*ret_from = found.start;
	*ret_to = found.end;
	return n > 0;
}
