/* SPDX-License-Identifier: MIT */
#include "source/resolve.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "export/text.h"
#include "source/source.h"

enum { TARGETS_MAX = 1024, COMM_BYTES = 15 /* the kernel cuts names of programs here */ };

int cn_targets(struct rouse_target **ret_targets)
{
	struct rouse_target *targets = calloc(TARGETS_MAX, sizeof *targets);
	int n;

	if (!targets)
		return -ENOMEM;
	n = rouse_inspect_list(targets, TARGETS_MAX);
	if (n < 0) {
		free(targets);
		return n;
	}
	*ret_targets = targets;
	return n < TARGETS_MAX ? n : TARGETS_MAX;
}

static bool is_called(const struct rouse_target *target, const char *name)
{
	if (strcmp(target->program, name) == 0 || strcmp(target->runtime, name) == 0)
		return true;
	return strlen(target->program) == COMM_BYTES && strncmp(target->program, name, COMM_BYTES) == 0;
}

static int several(const struct rouse_target *targets, int n, const char *name, struct cn_why *why)
{
	char pids[256] = "";
	size_t used = 0;

	for (int i = 0; i < n && used < sizeof pids - 16; i++)
		if (is_called(&targets[i], name))
			used += (size_t)snprintf(
				pids + used, sizeof pids - used, "%s%d", used ? ", " : "", targets[i].pid);
	return cn_why_set(why, -ENOTUNIQ, "several programs are called %s: say which, by pid: %s", cn_safe(name), pids);
}

static int by_name(const char *name, struct cn_aim *aim, struct cn_why *why)
{
	struct rouse_target *targets;
	int n = cn_targets(&targets), found = 0, rc = 0;

	if (n < 0)
		return cn_why_set(why, n, "cannot look through /proc: %s", strerror(-n));
	for (int i = 0; i < n; i++) {
		if (!is_called(&targets[i], name))
			continue;
		found++;
		aim->pid = targets[i].pid;
		if (targets[i].agent)
			memcpy(aim->socket, targets[i].socket, sizeof aim->socket);
	}
	if (found == 0)
		rc = cn_why_set(why, -ESRCH,
			"no program or runtime called %s can be watched; `rouse list` shows all that can",
			cn_safe(name));
	else if (found > 1)
		rc = several(targets, n, name, why);
	free(targets);
	return rc;
}

/* Has it a socket? Asked of the list, which knows where those of other users and namespaces are. */
static int by_pid(int pid, struct cn_aim *aim)
{
	struct rouse_target *targets;
	int n = cn_targets(&targets);

	aim->pid = pid;
	if (n < 0)
		return 0; /* then its memory has to do */
	for (int i = 0; i < n; i++)
		if (targets[i].pid == pid && targets[i].agent)
			memcpy(aim->socket, targets[i].socket, sizeof aim->socket);
	free(targets);
	return 0;
}

static bool is_file(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* A program may be called as a file that is here, so a name alone has to be a core file's. */
static bool is_core(const char *path)
{
	Elf64_Ehdr header = { .e_type = ET_NONE };
	int fd = is_file(path) ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;
	bool is_read = fd >= 0 && read(fd, &header, sizeof header) == (ssize_t)sizeof header;

	if (fd >= 0)
		close(fd);
	return is_read && memcmp(header.e_ident, ELFMAG, SELFMAG) == 0 && header.e_type == ET_CORE;
}

/* "127.0.0.1:6669", "[::1]:6669", "localhost:6669": what no program is called. */
static bool is_address(const char *target)
{
	const char *port = strrchr(target, ':');

	if (!port || strspn(port + 1, "0123456789") != strlen(port + 1) || !port[1] || strlen(target) >= 64)
		return false;
	return strncmp(target, "localhost:", 10) == 0 || strncmp(target, "[::1]:", 6) == 0 ||
	       (strspn(target, "0123456789.") == (size_t)(port - target) && strchr(target, '.'));
}

int cn_resolve(const char *target, enum cn_source_kind kind, struct cn_aim *ret_aim, struct cn_why *why)
{
	struct cn_aim aim = { 0 };
	char *end;
	long pid;
	int rc = 0;

	errno = 0;
	pid = strtol(target, &end, 10);
	if ((kind == CN_SOURCE_ANY || kind == CN_SOURCE_SOCKET) && is_address(target)) {
		strcpy(aim.tcp, target);
	} else if (kind == CN_SOURCE_CORE || (kind == CN_SOURCE_ANY && strchr(target, '/') && is_file(target))) {
		aim.core = true;
	} else if (strchr(target, '/')) {
		if (strlen(target) >= sizeof aim.socket)
			return cn_why_set(why, -ENAMETOOLONG, "%s is too long for a socket's path", cn_safe(target));
		memcpy(aim.socket, target, strlen(target) + 1);
	} else if (*target && !*end && errno == 0 && pid > 0 && pid <= INT32_MAX) {
		rc = by_pid((int)pid, &aim);
	} else if (kind == CN_SOURCE_ANY && is_core(target)) {
		aim.core = true;
	} else {
		rc = by_name(target, &aim, why);
	}
	if (rc == 0)
		*ret_aim = aim;
	return rc;
}
