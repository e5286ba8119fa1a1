/* SPDX-License-Identifier: MIT */
/*
 * Where agents have their sockets: in the user's runtime directory, which the
 * environment names for oneself, and which has a usual place for everybody;
 * in /tmp where there is none. A program that was started in another
 * environment than ours may have chosen differently, so who looks for its
 * socket tries all places.
 */
#include "inspect/socket_path.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <rouse/inspect.h>

static int fitted(int n, size_t bytes)
{
	return n < 0 || (size_t)n >= bytes ? -ENAMETOOLONG : 0;
}

int ri_socket_dir(enum ri_socket_place place, uint32_t uid, char *path, size_t bytes)
{
	const char *own = uid == geteuid() ? secure_getenv("XDG_RUNTIME_DIR") : NULL;

	switch (place) {
	case RI_SOCKET_XDG:
		return own && own[0] == '/' ? fitted(snprintf(path, bytes, "%s/rouse", own), bytes) : -ENOENT;
	case RI_SOCKET_RUN:
		return fitted(snprintf(path, bytes, "/run/user/%u/rouse", uid), bytes);
	case RI_SOCKET_TMP:
		return fitted(snprintf(path, bytes, "/tmp/rouse-%u", uid), bytes);
	default:
		return -ENOENT;
	}
}

/* The directory itself is ours to make; the one it is in is not. */
static bool has_parent(const char *dir)
{
	char parent[96];
	const char *slash = strrchr(dir, '/');
	struct stat st;

	snprintf(parent, sizeof parent, "%.*s/", (int)(slash - dir), dir);
	return stat(parent, &st) == 0 && S_ISDIR(st.st_mode);
}

int ri_socket_home(uint32_t uid, char *path, size_t bytes)
{
	int rc = -ENOENT;

	for (int place = 0; place < RI_SOCKET_PLACES; place++) {
		rc = ri_socket_dir((enum ri_socket_place)place, uid, path, bytes);
		if (rc == 0 && has_parent(path))
			return 0;
	}
	return rc < 0 ? rc : -ENOENT;
}

bool ri_socket_exists(const char *path, uint32_t uid)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISSOCK(st.st_mode) && st.st_uid == uid;
}

/* Of a line of /proc/net/unix: Num RefCount Protocol Flags Type St Inode Path. */
static bool listens_at(const char *line, const char *path)
{
	enum { ACCEPTS = 1 << 16 };
	const size_t length = strlen(path);
	unsigned int flags;
	int at = 0;

	/* The kernel's own line: its numbers fit. NOLINTNEXTLINE(cert-err34-c) */
	if (sscanf(line, "%*s %*s %*s %x %*s %*s %*s %n", &flags, &at) != 1 || !at || !(flags & ACCEPTS))
		return false;
	return strncmp(line + at, path, length) == 0 && line[at + length] == '\n';
}

bool ri_socket_is_served(int pid, const char *path)
{
	char name[40], *line = NULL;
	size_t size = 0;
	bool found = false;
	FILE *file;

	snprintf(name, sizeof name, "/proc/%d/net/unix", pid);
	file = fopen(name, "re");
	if (!file)
		return true;
	while (!found && getline(&line, &size, file) > 0)
		found = listens_at(line, path);
	free(line);
	fclose(file);
	return found;
}

bool ri_socket_is_dead(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = -1;
	bool dead;

	if (strlen(path) < sizeof address.sun_path)
		fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return false;
	strcpy(address.sun_path, path);
	dead = connect(fd, (const struct sockaddr *)&address, sizeof address) < 0 && errno == ECONNREFUSED;
	close(fd);
	return dead;
}

static int in_dir(const char *dir, int pid, char *path, size_t bytes)
{
	return fitted(snprintf(path, bytes, "%s/%d.sock", dir, pid), bytes);
}

int rouse_socket_path(int pid, uint32_t uid, char *path, size_t bytes)
{
	char dir[96];
	int rc;

	for (int place = 0; place < RI_SOCKET_PLACES; place++) {
		if (ri_socket_dir((enum ri_socket_place)place, uid, dir, sizeof dir) == 0 &&
			in_dir(dir, pid, path, bytes) == 0 && ri_socket_exists(path, uid))
			return 0;
	}
	rc = ri_socket_home(uid, dir, sizeof dir);
	return rc < 0 ? rc : in_dir(dir, pid, path, bytes);
}
