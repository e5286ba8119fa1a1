/* SPDX-License-Identifier: MIT */
#include "server/socket.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "inspect/socket_path.h"

enum { YOUNG_S = 10, SWEPT_MAX = 4096 };

/* In /tmp anybody could have made the directory, or a link in its place, before us. */
static int prepare_dir(const char *path)
{
	char dir[sizeof((struct sockaddr_un *)0)->sun_path];
	const char *slash = strrchr(path, '/');
	struct stat st;

	if (!slash || slash == path)
		return 0;
	snprintf(dir, sizeof dir, "%.*s", (int)(slash - path), path);
	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return -errno;
	if (lstat(dir, &st) < 0)
		return -errno;
	return S_ISDIR(st.st_mode) && st.st_uid == geteuid() && !(st.st_mode & 077) ? 0 : -EPERM;
}

static int bind_fresh(int fd, const struct sockaddr_un *address)
{
	if (bind(fd, (const struct sockaddr *)address, sizeof *address) == 0)
		return 0;
	if (errno != EADDRINUSE)
		return -errno;
	if (!ri_socket_exists(address->sun_path, geteuid()) || !ri_socket_is_dead(address->sun_path))
		return -EADDRINUSE;
	if (unlink(address->sun_path) < 0 || bind(fd, (const struct sockaddr *)address, sizeof *address) < 0)
		return -errno;
	return 0;
}

int ri_socket_listen(const char *path, bool own_dir)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd, rc = 0;

	if (strlen(path) >= sizeof address.sun_path)
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path) + 1);
	if (own_dir)
		rc = prepare_dir(path);
	if (rc < 0)
		return rc;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	/* The file gets the mode of the socket: no moment at which it is wider. */
	if (fchmod(fd, 0600) < 0)
		rc = -errno;
	if (rc == 0)
		rc = bind_fresh(fd, &address);
	if (rc == 0 && listen(fd, 16) < 0) {
		rc = -errno;
		unlink(path);
	}
	if (rc == 0)
		return fd;
	close(fd);
	return rc;
}

/* 0 if that is no name of ours. */
static int pid_of(const char *name)
{
	char *end;
	long pid = strtol(name, &end, 10);

	return end != name && pid > 0 && pid <= INT_MAX && strcmp(end, ".sock") == 0 ? (int)pid : 0;
}

/*
 * Nobody listens yet at a socket that was bound this moment; and where there is
 * such a process, it is about to replace what stands in its way, or does not
 * listen at all. Pids of another namespace look as if they were free: what is
 * served there does not refuse.
 */
static bool is_left_over(int dir, const char *dir_path, const char *name)
{
	char path[sizeof((struct sockaddr_un *)0)->sun_path];
	int pid = pid_of(name);
	struct timespec now;
	struct stat st;

	if (!pid || kill(pid, 0) == 0 || errno != ESRCH)
		return false;
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISSOCK(st.st_mode) || st.st_uid != geteuid())
		return false;
	clock_gettime(CLOCK_REALTIME, &now);
	if (now.tv_sec - st.st_mtim.tv_sec < YOUNG_S)
		return false;
	return snprintf(path, sizeof path, "%s/%s", dir_path, name) < (int)sizeof path && ri_socket_is_dead(path);
}

void ri_socket_sweep(const char *path)
{
	char dir_path[sizeof((struct sockaddr_un *)0)->sun_path];
	const char *slash = strrchr(path, '/');
	struct dirent *entry;
	DIR *dir;

	if (!slash || slash - path >= (ptrdiff_t)sizeof dir_path)
		return;
	snprintf(dir_path, sizeof dir_path, "%.*s", (int)(slash - path), path);
	dir = opendir(dir_path);
	if (!dir)
		return;
	for (int i = 0; i < SWEPT_MAX && (entry = readdir(dir)); i++) {
		if (is_left_over(dirfd(dir), dir_path, entry->d_name))
			unlinkat(dirfd(dir), entry->d_name, 0);
	}
	closedir(dir);
}

bool ri_socket_peer_allowed(int fd)
{
	struct ucred peer;
	socklen_t size = sizeof peer;

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
	       (peer.uid == geteuid() || peer.uid == 0);
}
