/* SPDX-License-Identifier: MIT */
#include "source/helper.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHILD_FD = 3, EXIT_NO_EXEC = 127 };

/* ------------------------------------------------------------------ starting */

static bool is_there(const char *directory, const char *rest, char path[PATH_MAX])
{
	const int n = snprintf(path, PATH_MAX, "%s/%s", directory, rest);

	return n > 0 && n < PATH_MAX && access(path, X_OK) == 0;
}

/* Beside this program, where it is in the tree of a build, or where it is installed. */
static bool find(char path[PATH_MAX])
{
	char own[PATH_MAX];
	const ssize_t n = readlink("/proc/self/exe", own, sizeof own - 1);
	char *base;

	if (n > 0) {
		own[n] = '\0';
		base = strrchr(own, '/');
		if (base)
			*base = '\0';
		if (base && (is_there(own, "rouse-probe", path) || is_there(own, "../bpf/helper/rouse-probe", path)))
			return true;
	}
	return is_there(ROUSE_LIBEXECDIR, "rouse/rouse-probe", path);
}

/*
 * It gets the socket and nothing else of ours: no descriptor, no blocked
 * signal, not the terminal, whose Ctrl-C and Ctrl-Z are not for it.
 */
static void become(const char *path, int fd)
{
	char *const arguments[] = { (char *)"rouse-probe", (char *)"--fd", (char *)"3", NULL };
	char *const environment[] = { NULL };
	sigset_t none;
	int null = open("/dev/null", O_RDWR);

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid();
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0 || dup2(null, STDERR_FILENO) < 0)
		_exit(EXIT_NO_EXEC);
	if (fd == CHILD_FD ? fcntl(fd, F_SETFD, 0) : dup2(fd, CHILD_FD) < 0)
		_exit(EXIT_NO_EXEC);
	close_range(CHILD_FD + 1, UINT_MAX, 0);
	execve(path, arguments, environment);
	_exit(EXIT_NO_EXEC);
}

int cn_helper_start(struct cn_helper *ret_helper)
{
	char path[PATH_MAX];
	int ends[2];
	pid_t child;

	if (!find(path))
		return -ENOENT;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		return -errno;
	child = fork();
	if (child == 0)
		become(path, ends[1]);
	close(ends[1]);
	if (child < 0) {
		const int rc = -errno;

		close(ends[0]);
		return rc;
	}
	*ret_helper = (struct cn_helper){ .fd = ends[0], .child = child };
	return 0;
}

/* ---------------------------------------------------------------- connecting */

/* Whoever serves there could tell us anything. */
static int check_server(int fd)
{
	struct ucred peer;
	socklen_t bytes = sizeof peer;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &bytes))
		return -errno;
	return peer.uid == 0 || peer.uid == geteuid() ? 0 : -EACCES;
}

int cn_helper_connect(struct cn_helper *ret_helper)
{
	const struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = CN_HELPER_SOCKET };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), rc;

	if (fd < 0)
		return -errno;
	rc = connect(fd, (const struct sockaddr *)&address, sizeof address) ? -errno : check_server(fd);
	if (rc) {
		close(fd);
		return rc;
	}
	*ret_helper = (struct cn_helper){ .fd = fd };
	return 0;
}

/* Killed it leaves nothing behind, so there is no need to be patient with it. */
void cn_helper_end(struct cn_helper *helper)
{
	if (helper->fd >= 0)
		close(helper->fd);
	helper->fd = -1;
	if (helper->child) {
		kill(helper->child, SIGKILL);
		while (waitpid(helper->child, NULL, 0) < 0 && errno == EINTR)
			;
	}
	helper->child = 0;
}
