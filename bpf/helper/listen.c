/* SPDX-License-Identifier: MIT */
/*
 * Everybody may connect, since it is asked of each who that is, by the kernel.
 * So one user must not be able to take all places: a few are the most that
 * anybody but root has.
 */
#include "listen.h"

#include <errno.h>
#include <signal.h>
#include <poll.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "serve.h"

enum { CLIENTS_MAX = 16, CLIENTS_OF_ONE_MAX = 4, GIVEN_FD = 3, EVERYBODY = 0666 };

struct client {
	pid_t child; /* 0 = a free place */
	uint32_t user;
};

struct service {
	int fd, signals;
	sigset_t before;
	struct client clients[CLIENTS_MAX];
};

/* ----------------------------------------------------------------- the socket */

static bool is_given(const struct sockaddr_un *address)
{
	struct sockaddr_un name = { 0 };
	socklen_t bytes = sizeof(name), int_bytes = sizeof(int);
	int listens = 0;

	return getsockopt(GIVEN_FD, SOL_SOCKET, SO_ACCEPTCONN, &listens, &int_bytes) == 0 && listens &&
	       getsockname(GIVEN_FD, (struct sockaddr *)&name, &bytes) == 0 && name.sun_family == AF_UNIX &&
	       strncmp(name.sun_path, address->sun_path, sizeof(name.sun_path)) == 0;
}

/* What is left of one that has ended without having removed it. */
static void remove_stale(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct stat file;

	if (fd < 0)
		return;
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) && errno == ECONNREFUSED &&
		lstat(address->sun_path, &file) == 0 && S_ISSOCK(file.st_mode))
		unlink(address->sun_path);
	close(fd);
}

static int make_socket(const struct sockaddr_un *address, int *ret_fd, struct bl_why *why)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), rc = 0;
	mode_t before;

	if (fd < 0)
		return bl_fail(why, -errno, "cannot make a socket: %s", strerror(errno));
	remove_stale(address);
	before = umask(0777 & ~EVERYBODY);
	if (bind(fd, (const struct sockaddr *)address, sizeof(*address)) || listen(fd, CLIENTS_MAX))
		rc = bl_fail(why, -errno, "cannot listen at %s: %s", address->sun_path, strerror(errno));
	umask(before);
	if (rc) {
		close(fd);
		return rc;
	}
	*ret_fd = fd;
	return 0;
}

/* ---------------------------------------------------------------- its clients */

static struct client *free_place(struct service *service, uint32_t user)
{
	struct client *place = NULL;
	int of_user = 0;

	for (int i = 0; i < CLIENTS_MAX; i++) {
		struct client *client = &service->clients[i];

		if (!client->child)
			place = client;
		else if (client->user == user)
			of_user++;
	}
	return user && of_user >= CLIENTS_OF_ONE_MAX ? NULL : place;
}

/* In the child: it ends with its parent, or on its own. */
static void serve_as_child(const struct service *service, int fd, uint32_t user, pid_t parent)
{
	close(service->fd);
	close(service->signals);
	sigprocmask(SIG_SETMASK, &service->before, NULL);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) || getppid() != parent)
		_exit(1);
	_exit(bh_serve(fd, user) ? 1 : 0);
}

static void take_client(struct service *service)
{
	const pid_t parent = getpid();
	struct client *place;
	struct ucred peer;
	socklen_t bytes = sizeof(peer);
	int fd = accept4(service->fd, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &bytes)) {
		close(fd);
		return;
	}
	place = free_place(service, peer.uid);
	if (place) {
		place->user = peer.uid;
		place->child = fork();
		if (place->child == 0)
			serve_as_child(service, fd, peer.uid, parent);
		if (place->child < 0)
			place->child = 0;
	} else {
		bh_refuse(fd, -EBUSY, "rouse-probe serves as many as it may already: end another rouse --kernel");
	}
	close(fd);
}

/* True: it was asked to end. */
static bool take_signals(struct service *service)
{
	struct signalfd_siginfo info;
	pid_t ended;

	while (read(service->signals, &info, sizeof(info)) == sizeof(info))
		if (info.ssi_signo != SIGCHLD)
			return true;
	while ((ended = waitpid(-1, NULL, WNOHANG)) > 0)
		for (int i = 0; i < CLIENTS_MAX; i++)
			if (service->clients[i].child == ended)
				service->clients[i].child = 0;
	return false;
}

static int serve(struct service *service, struct bl_why *why)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, &service->before);
	service->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (service->signals < 0)
		return bl_fail(why, -errno, "cannot wait for signals: %s", strerror(errno));
	for (;;) {
		struct pollfd ready[] = { { .fd = service->fd, .events = POLLIN },
			{ .fd = service->signals, .events = POLLIN } };

		if (poll(ready, 2, -1) < 0 && errno != EINTR)
			return bl_fail(why, -errno, "cannot wait for clients: %s", strerror(errno));
		if (ready[1].revents && take_signals(service))
			break;
		if (ready[0].revents)
			take_client(service);
	}
	close(service->signals);
	return 0;
}

int bh_listen(const char *path, struct bl_why *why)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct service service = { .fd = GIVEN_FD };
	bool given;
	int rc = 0;

	if (strlen(path) >= sizeof(address.sun_path))
		return bl_fail(why, -ENAMETOOLONG, "%s is too long for a socket's path", path);
	memcpy(address.sun_path, path, strlen(path) + 1);
	given = is_given(&address);
	if (!given)
		rc = make_socket(&address, &service.fd, why);
	if (rc)
		return rc;
	rc = serve(&service, why);
	close(service.fd);
	if (!given)
		unlink(path);
	return rc;
}
