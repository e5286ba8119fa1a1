/* SPDX-License-Identifier: MIT */
#include "loader/names.h"
#include "loader/follow.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FRESH_NS 100000000ull
#define THREADS_MAX 65536u

/* System calls whose first argument is a descriptor, and which may wait. */
static const uint32_t on_descriptors[] = { SYS_read, SYS_write, SYS_readv, SYS_writev, SYS_pread64, SYS_pwrite64,
	SYS_recvfrom, SYS_sendto, SYS_recvmsg, SYS_sendmsg, SYS_accept, SYS_accept4, SYS_connect, SYS_fsync,
	SYS_fdatasync, SYS_ioctl };

/* Of our own descriptor for the same; -1: it cannot be had. */
static ssize_t read_own(int pid, uint32_t fd, char *file, size_t bytes)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	int own = pidfd < 0 ? -1 : (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
	char name[64];
	ssize_t n = -1;

	if (own >= 0) {
		snprintf(name, sizeof(name), "/proc/self/fd/%d", own);
		n = readlink(name, file, bytes);
		close(own);
	}
	if (pidfd >= 0)
		close(pidfd);
	return n;
}

/*
 * /proc/PID/fd is a directory of the target's user. Whoever may trace it, but
 * not read such a directory, gets the descriptor itself for a moment.
 */
static ssize_t read_file(int pid, uint32_t fd, char *file, size_t bytes)
{
	char name[64];
	ssize_t n;

	snprintf(name, sizeof(name), "/proc/%d/fd/%u", pid, fd);
	n = readlink(name, file, bytes);
	return n < 0 && (errno == EACCES || errno == EPERM) ? read_own(pid, fd, file, bytes) : n;
}

void bl_names_file(int pid, uint32_t number, uint64_t argument, char ret_file[BL_FILE_BYTES])
{
	ssize_t n = 0;

	for (size_t i = 0; i < sizeof(on_descriptors) / sizeof(*on_descriptors); i++) {
		if (on_descriptors[i] != number || argument > INT32_MAX)
			continue;
		n = read_file(pid, (uint32_t)argument, ret_file, BL_FILE_BYTES - 1);
		break;
	}
	ret_file[n > 0 ? n : 0] = '\0';
}

/* The text between `prefix` and the end of its line; NULL if there is none. */
static const char *line_of(const char *status, const char *prefix, int *ret_length)
{
	const char *at = strstr(status, prefix);

	if (!at)
		return NULL;
	at += strlen(prefix);
	*ret_length = (int)strcspn(at, "\n");
	return at;
}

static void take_thread(struct bl_names *names, const char *status)
{
	int length = 0, name_length = 0;
	const char *ids = line_of(status, "\nNSpid:", &length), *name = line_of(status, "Name:\t", &name_length);
	struct bl_thread_name *thread;
	const char *last = NULL;

	for (int i = 0; ids && i < length; i++)
		if (ids[i] == '\t')
			last = ids + i;
	if (!last || !name)
		return;
	if (names->n == names->room) {
		size_t room = names->room ? 2 * names->room : 64;
		struct bl_thread_name *more = realloc(names->threads, room * sizeof(*more));

		if (!more)
			return;
		names->threads = more;
		names->room = room;
	}
	thread = &names->threads[names->n++];
	thread->tid = (uint32_t)strtoul(last + 1, NULL, 10);
	snprintf(thread->name, sizeof(thread->name), "%.*s", name_length, name);
}

static void look(struct bl_names *names, int pid)
{
	char name[320], status[4096];
	struct dirent *entry;
	DIR *all;

	names->n = 0;
	snprintf(name, sizeof(name), "/proc/%d/task", pid);
	all = opendir(name);
	while (all && names->n < THREADS_MAX && (entry = readdir(all))) {
		FILE *file;

		snprintf(name, sizeof(name), "/proc/%d/task/%s/status", pid, entry->d_name);
		file = *entry->d_name != '.' ? fopen(name, "re") : NULL;
		if (!file)
			continue;
		status[fread(status, 1, sizeof(status) - 1, file)] = '\0';
		fclose(file);
		take_thread(names, status);
	}
	if (all)
		closedir(all);
	names->looked_ns = bl_now_ns();
}

static const struct bl_thread_name *find(const struct bl_names *names, uint32_t tid)
{
	for (size_t i = 0; i < names->n; i++)
		if (names->threads[i].tid == tid)
			return &names->threads[i];
	return NULL;
}

bool bl_names_thread(struct bl_names *names, int pid, uint32_t tid, char ret_name[BL_NAME_BYTES])
{
	const struct bl_thread_name *thread;

	if (bl_now_ns() - names->looked_ns >= FRESH_NS)
		look(names, pid);
	thread = find(names, tid);
	if (!thread)
		return false;
	memcpy(ret_name, thread->name, BL_NAME_BYTES);
	return true;
}

void bl_names_fini(struct bl_names *names)
{
	free(names->threads);
	*names = (struct bl_names){ 0 };
}
