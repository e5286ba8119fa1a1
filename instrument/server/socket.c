/* SPDX-License-Identifier: MIT */
#include "server/socket.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

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

/* True if nobody listens there: connecting is refused, or would have to wait for nobody. */
static bool is_dead(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool dead;

	if (fd < 0)
		return false;
	dead = connect(fd, (const struct sockaddr *)address, sizeof *address) < 0 && errno == ECONNREFUSED;
	close(fd);
	return dead;
}

static int bind_fresh(int fd, const struct sockaddr_un *address)
{
	struct stat st;

	if (bind(fd, (const struct sockaddr *)address, sizeof *address) == 0)
		return 0;
	if (errno != EADDRINUSE)
		return -errno;
	if (lstat(address->sun_path, &st) < 0 || !S_ISSOCK(st.st_mode) || st.st_uid != geteuid() || !is_dead(address))
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

bool ri_socket_peer_allowed(int fd)
{
	struct ucred peer;
	socklen_t size = sizeof peer;

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
	       (peer.uid == geteuid() || peer.uid == 0);
}
