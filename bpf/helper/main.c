/* SPDX-License-Identifier: MIT */
/*
 * rouse-probe: loads BPF programs for who may not, and streams what they see.
 * The only part of rouse that needs privileges, so it is small, apart from the
 * screen, and draws nothing: see README.md of bpf/.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "listen.h"
#include "privileges.h"
#include "serve.h"

enum { EXIT_MISUSE = 2 };

/* So that no descriptor of ours is taken for one of them. */
static void fill_standard_descriptors(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

static int fail(const char *what)
{
	fprintf(stderr, "rouse-probe: %s\n", what);
	return EXIT_FAILURE;
}

static int misuse(void)
{
	fputs("usage: rouse-probe --fd N | --listen PATH\n"
	      "\n"
	      "The part of rouse that needs privileges, started by rouse --kernel (N: a socket) or\n"
	      "by systemd. Users have their own processes followed, root all.\n",
		stderr);
	return EXIT_MISUSE;
}

static int serve_parent(const char *number)
{
	char *end;
	const long fd = strtol(number, &end, 10);
	const int flags = *number && !*end && fd > STDERR_FILENO && fd < 1 << 16 ? fcntl((int)fd, F_GETFD) : -1;

	if (flags < 0)
		return misuse();
	fcntl((int)fd, F_SETFD, flags | FD_CLOEXEC);
	/* After what was shed, which would undo it. Should the parent be gone already, its socket says so. */
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	return bh_serve((int)fd, getuid()) ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	struct bl_why why = { 0 };
	int rc;

	fill_standard_descriptors();
	rc = bh_privileges_shed();
	if (rc) {
		fprintf(stderr, "rouse-probe: cannot give up privileges: %s\n", strerror(-rc));
		return EXIT_FAILURE;
	}
	if (argc != 3)
		return misuse();
	if (strcmp(argv[1], "--fd") == 0)
		return serve_parent(argv[2]);
	if (strcmp(argv[1], "--listen") != 0)
		return misuse();
	return bh_listen(argv[2], &why) ? fail(why.text) : EXIT_SUCCESS;
}
