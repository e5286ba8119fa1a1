/* SPDX-License-Identifier: MIT */
/* The target's memory and its mappings. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "stack/private.h"

/* ------------------------------------------------------------------ memory */

static bool read_process(const struct rn_target *target, uint64_t address, void *buffer, size_t bytes)
{
	struct iovec to = { buffer, bytes }, from = { (void *)(uintptr_t)address, bytes };
	char path[40];
	ssize_t n = process_vm_readv(target->tid, &to, 1, &from, 1, 0);
	int fd;

	if (n == (ssize_t)bytes)
		return true;
	if (n >= 0 || (errno != ENOSYS && errno != EPERM)) /* else it may only be filtered */
		return false;
	snprintf(path, sizeof path, "/proc/%d/mem", target->tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = pread(fd, buffer, bytes, (off_t)address);
	close(fd);
	return n == (ssize_t)bytes;
}

static bool in_one_map(const struct rn_target *target, uint64_t a, uint64_t b)
{
	return rn_map_at(target, a) == rn_map_at(target, b);
}

static bool is_constant(const struct rn_target *target, uint64_t address, size_t bytes)
{
	const struct rn_map *map = rn_map_at(target, address);

	return map && !map->writable && bytes <= map->to - address;
}

bool rn_read(struct rn_target *target, uint64_t address, void *buffer, size_t bytes)
{
	const struct rn_regs *regs = &target->regs;
	uint64_t into = address - regs->value[RN_SP];

	if (regs->copy_bytes && address >= regs->value[RN_SP]) {
		if (into <= regs->copy_bytes && bytes <= regs->copy_bytes - into) {
			memcpy(buffer, regs->copy + into, bytes);
			return true;
		}
		if (!regs->past && in_one_map(target, address, regs->value[RN_SP]))
			target->beyond = true;
	}
	if (regs->past && !is_constant(target, address, bytes)) {
		target->cut = target->cut || in_one_map(target, address, regs->value[RN_SP]);
		return false;
	}
	return target->tid > 0 && read_process(target, address, buffer, bytes);
}

/* ---------------------------------------------------------------- mappings */

const struct rn_map *rn_map_at(const struct rn_target *target, uint64_t address)
{
	size_t low = 0, high = target->n_maps;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct rn_map *map = &target->maps[middle];

		if (address < map->from)
			high = middle;
		else if (address >= map->to)
			low = middle + 1;
		else
			return map;
	}
	return NULL;
}

static uint64_t digest(uint64_t sum, const char *text)
{
	for (; *text; text++)
		sum = (sum ^ (unsigned char)*text) * 0x100000001b3u;
	return sum;
}

static int add_map(struct rn_target *target, size_t *capacity, struct rn_map map)
{
	if (target->n_maps == *capacity) {
		size_t more = *capacity ? 2 * *capacity : 256;
		struct rn_map *maps = realloc(target->maps, more * sizeof *maps);

		if (!maps)
			return -ENOMEM;
		target->maps = maps;
		*capacity = more;
	}
	target->maps[target->n_maps++] = map;
	return 0;
}

/* "7f12-7f34 r-xp 00000000 08:01 1234   /lib/x": lines are as long as a path may be. */
static int read_lines(struct rn_target *target, FILE *file)
{
	uint64_t sum = 0xcbf29ce484222325u;
	size_t capacity = 0, bytes = 0;
	char *line = NULL;
	int rc = 0;

	free(target->maps);
	target->maps = NULL;
	target->n_maps = 0;
	while (rc == 0 && target->n_maps < RN_MAPS_MAX && getline(&line, &bytes, file) > 0) {
		struct rn_map map = { 0 };
		char mode[5];

		/* The kernel's own line: its numbers fit. NOLINTNEXTLINE(cert-err34-c) */
		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %*s %*s %" SCNu64, &map.from, &map.to, mode,
			    &map.inode) != 4)
			continue;
		map.writable = mode[1] == 'w';
		map.code = mode[2] == 'x';
		if (map.code && map.inode)
			sum = digest(sum, line);
		rc = add_map(target, &capacity, map);
	}
	free(line);
	if (rc)
		return rc;
	if (!target->n_maps)
		return -ESRCH; /* it is ending: its memory has gone */
	rc = sum != target->files;
	target->files = sum;
	return rc;
}

/* A thread that still has memory: the first one, unless it has ended before the others. */
static int living_thread(int pid)
{
	char path[64], byte;
	DIR *threads;
	struct dirent *entry;
	int found = 0;

	snprintf(path, sizeof path, "/proc/%d/task", pid);
	threads = opendir(path);
	if (!threads)
		return errno == ENOENT ? -ESRCH : -errno;
	while (!found && (entry = readdir(threads))) {
		int tid = (int)strtol(entry->d_name, NULL, 10), fd;

		if (tid <= 0)
			continue;
		snprintf(path, sizeof path, "/proc/%d/task/%d/maps", pid, tid);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			continue;
		if (read(fd, &byte, 1) == 1)
			found = tid;
		else if (errno == EACCES || errno == EPERM)
			found = -EACCES;
		close(fd);
	}
	closedir(threads);
	return found ? found : -ESRCH;
}

int rn_maps_read(struct rn_target *target)
{
	char path[64];
	FILE *file;
	int rc = living_thread(target->pid);

	if (rc < 0)
		return rc;
	target->tid = rc;
	snprintf(path, sizeof path, "/proc/%d/task/%d/maps", target->pid, target->tid);
	file = fopen(path, "re");
	if (!file)
		return errno == ENOENT ? -ESRCH : -errno;
	rc = read_lines(target, file);
	fclose(file);
	return rc;
}

/* ----------------------------------------------------------------- threads */

/* Thread `tid` of process `pid` as it is numbered in its own, innermost, PID namespace: 0 = it is not there. */
static uint32_t own_number(int pid, uint32_t tid, bool *ret_elsewhere)
{
	char path[64], *line = NULL, *last;
	size_t bytes = 0;
	uint32_t number = 0;
	FILE *file;

	snprintf(path, sizeof path, "/proc/%d/task/%u/status", pid, tid);
	file = fopen(path, "re");
	if (!file)
		return 0;
	while (!number && getline(&line, &bytes, file) > 0) {
		if (strncmp(line, "NSpid:", 6) != 0)
			continue;
		last = strrchr(line, '\t'); /* outermost first */
		number = (uint32_t)strtoul(last, NULL, 10);
		*ret_elsewhere = last != line + 6;
	}
	free(line);
	fclose(file);
	return number;
}

uint32_t rn_tid_here(int pid, uint32_t tid)
{
	bool elsewhere = false;
	char path[64];
	DIR *threads;
	struct dirent *entry;
	uint32_t found = 0;

	if (own_number(pid, tid, &elsewhere) == tid && !elsewhere)
		return tid;
	snprintf(path, sizeof path, "/proc/%d/task", pid);
	threads = opendir(path);
	while (threads && !found && (entry = readdir(threads))) {
		uint32_t here = (uint32_t)strtoul(entry->d_name, NULL, 10);

		if (here && own_number(pid, here, &elsewhere) == tid)
			found = here;
	}
	if (threads)
		closedir(threads);
	return found;
}
