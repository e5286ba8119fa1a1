/* SPDX-License-Identifier: MIT */
#include "inspect/procfs.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rouse/layout.h>

static FILE *open_proc(int pid, const char *name, int *ret_rc)
{
	char path[48];

	snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
	FILE *file = fopen(path, "re");

	if (!file)
		*ret_rc = errno == ENOENT || errno == ESRCH ? -ESRCH :
			  errno == EPERM || errno == EACCES ? -EACCES : -errno;
	return file;
}

/* The number at *at, which goes behind it and the character after it; false if there is none. */
static bool take_number(const char **at, int base, uint64_t *ret_number)
{
	char *end;

	errno = 0;
	*ret_number = strtoull(*at, &end, base);
	if (end == *at || errno || *end == 0)
		return false;
	*at = end + 1;
	return true;
}

/* Goes behind the next `n` words. */
static void skip_words(const char **at, int n)
{
	for (; n > 0; n--) {
		*at += strspn(*at, " ");
		*at += strcspn(*at, " ");
	}
}

struct vma {
	uint64_t start, end, offset, inode;
};

/* address-address perms offset major:minor inode     path; false: not a mapping of ours. */
static bool parse_vma(const char *line, struct vma *vma)
{
	static const char name[] = "/memfd:" ROUSE_MEMFD_NAME " (deleted)\n";
	const char *at = line;

	if (!strstr(line, name)) /* most lines by far */
		return false;
	if (!take_number(&at, 16, &vma->start) || !take_number(&at, 16, &vma->end))
		return false;
	skip_words(&at, 1);
	if (!take_number(&at, 16, &vma->offset))
		return false;
	skip_words(&at, 1);
	if (!take_number(&at, 10, &vma->inode))
		return false;
	return vma->end > vma->start && strcmp(at + strspn(at, " "), name) == 0;
}

/* The kernel splits a mapping whose parts got different flags: neighbours of one file that continue it are joined. */
int ri_proc_mappings(int pid, struct ri_mapping *mappings, size_t capacity)
{
	uint64_t inode = 0, end = 0, length = 0;
	size_t n = 0, size = 0;
	char *line = NULL;
	int rc = 0;
	FILE *file = open_proc(pid, "maps", &rc);

	if (!file)
		return rc;
	while (getline(&line, &size, file) > 0) {
		struct vma vma;

		if (!parse_vma(line, &vma))
			continue;
		if (n > 0 && vma.inode == inode && vma.start == end && vma.offset == length) {
			length += vma.end - vma.start;
		} else if (vma.offset == 0) {
			n++;
			length = vma.end - vma.start;
			if (n <= capacity)
				mappings[n - 1].address = vma.start;
		} else {
			continue;
		}
		inode = vma.inode;
		end = vma.end;
		if (n <= capacity)
			mappings[n - 1].bytes = length;
	}
	/* A process that may be listed but not read fails here, not at open. */
	if (ferror(file))
		rc = errno == EPERM || errno == EACCES ? -EACCES : -ESRCH;
	free(line);
	fclose(file);
	return rc < 0 ? rc : (int)n;
}

/* pid (comm, which may contain anything) state ppid ...; start time is field 22, the size of its memory 23. */
int ri_proc_stat(int pid, struct ri_proc_stat *ret_stat)
{
	struct ri_proc_stat stat = { 0 };
	uint64_t size;
	char text[1024];
	int rc = 0;
	FILE *file = open_proc(pid, "stat", &rc);

	if (!file)
		return rc;
	size_t n = fread(text, 1, sizeof text - 1, file);
	fclose(file);
	text[n] = 0;
	char *open = strchr(text, '('), *close = strrchr(text, ')');

	if (!open || !close || close < open || close[1] != ' ')
		return -ESRCH;
	snprintf(stat.program, sizeof stat.program, "%.*s", (int)(close - open - 1), open + 1);
	const char *at = close + 2; /* field 3 */

	stat.state = *at;
	skip_words(&at, 19);
	if (!take_number(&at, 10, &stat.start_time) || !take_number(&at, 10, &size))
		return -ESRCH;
	stat.has_memory = size != 0 && !strchr("ZX", stat.state);
	*ret_stat = stat;
	return 0;
}

/* Calls `is_wanted` with the threads of a process until it says yes: that thread, or -ESRCH, -EACCES. */
static int find_thread(int pid, bool (*is_wanted)(int pid, int tid, int arg), int arg)
{
	struct dirent *entry;
	char path[32];
	int found = 0;

	snprintf(path, sizeof path, "/proc/%d/task", pid);
	DIR *threads = opendir(path);

	if (!threads)
		return errno == EACCES || errno == EPERM ? -EACCES : -ESRCH;
	while (!found && (entry = readdir(threads))) {
		long tid = strtol(entry->d_name, NULL, 10);

		if (tid > 0 && tid <= INT32_MAX && is_wanted(pid, (int)tid, arg))
			found = (int)tid;
	}
	closedir(threads);
	return found ? found : -ESRCH;
}

static bool has_memory(int pid, int tid, int arg)
{
	struct ri_proc_stat stat = { 0 };

	(void)pid;
	(void)arg;
	return ri_proc_stat(tid, &stat) == 0 && stat.has_memory;
}

int ri_proc_memory_tid(int pid)
{
	struct ri_proc_stat stat = { 0 };
	int rc = ri_proc_stat(pid, &stat);

	if (rc < 0 || stat.has_memory)
		return rc < 0 ? rc : pid;
	rc = find_thread(pid, has_memory, 0);
	return rc == -ESRCH && !strchr("ZX", stat.state) ? pid : rc;
}

bool ri_proc_is_stopped(int tid)
{
	struct ri_proc_stat stat = { .state = 0 };
	int rc = ri_proc_stat(tid, &stat);

	return rc == -ESRCH || (rc == 0 && strchr("TtZX", stat.state));
}

/*
 * What the thread is to itself: the last number of "NSpid:", which begins with
 * what it is to us. A kernel without namespaces has no such line. 0: it has gone.
 */
int ri_proc_ns_tid(int pid, int tid)
{
	static const char key[] = "NSpid:";
	char name[32], *line = NULL;
	size_t size = 0;
	int rc = 0, own = tid;

	snprintf(name, sizeof name, "task/%d/status", tid);
	FILE *file = open_proc(pid, name, &rc);

	if (!file)
		return 0;
	while (getline(&line, &size, file) > 0) {
		const char *at = line + strlen(key);
		uint64_t number;

		if (strncmp(line, key, strlen(key)) != 0)
			continue;
		while (take_number(&at, 10, &number))
			own = number <= INT32_MAX ? (int)number : 0;
		break;
	}
	free(line);
	fclose(file);
	return own;
}

static bool is_called(int pid, int tid, int ns_tid)
{
	return ri_proc_ns_tid(pid, tid) == ns_tid;
}

int ri_proc_os_tid(int pid, int ns_tid)
{
	if (ns_tid <= 0)
		return -ESRCH;
	/* It shares our namespace, nearly always. */
	return is_called(pid, ns_tid, ns_tid) ? ns_tid : find_thread(pid, is_called, ns_tid);
}
