/* SPDX-License-Identifier: MIT */
#include "permit.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { STATUS_BYTES = 4096 }; /* the user ids stand far in front */

/* The next one of the line. */
static bool take_id(const char **at, uint32_t *ret_id)
{
	char *end;
	unsigned long id;

	if (**at != '\t')
		return false;
	id = strtoul(*at, &end, 10);
	if (end == *at || id > UINT32_MAX)
		return false;
	*ret_id = (uint32_t)id;
	*at = end;
	return true;
}

int bh_owner_parse(const char *status, struct bh_owner *ret_owner)
{
	static const char word[] = "\nUid:";
	const char *at = strstr(status, word); /* a name cannot fake that line: newlines in it are escaped */
	uint32_t real, effective, saved;

	if (at)
		at += sizeof(word) - 1;
	if (!at || !take_id(&at, &real) || !take_id(&at, &effective) || !take_id(&at, &saved))
		return -EBADMSG;
	ret_owner->real = real;
	ret_owner->effective = effective;
	ret_owner->saved = saved;
	return 0;
}

bool bh_owner_permits(const struct bh_owner *owner, uint32_t client)
{
	if (client == 0)
		return true;
	return owner->real == client && owner->effective == client && owner->saved == client && owner->file == client;
}

static int read_owner(int pid, struct bh_owner *ret_owner)
{
	char name[32], text[STATUS_BYTES];
	struct stat file;
	ssize_t n;
	int fd;

	snprintf(name, sizeof(name), "/proc/%d/status", pid);
	fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = fstat(fd, &file) ? -1 : read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n < 0)
		return -ESRCH;
	text[n] = '\0';
	ret_owner->file = file.st_uid;
	return bh_owner_parse(text, ret_owner);
}

static bool has_ended(int pidfd)
{
	struct pollfd ended = { .fd = pidfd, .events = POLLIN };

	return poll(&ended, 1, 0) != 0;
}

/* The number belonged to the process of the descriptor all the time if that has not ended afterwards. */
int bh_permit_again(uint32_t client, int pid, int pidfd, struct bl_why *why)
{
	struct bh_owner owner = { 0 };
	int rc = read_owner(pid, &owner);

	if (rc == 0 && has_ended(pidfd))
		rc = -ESRCH;
	if (rc == -EACCES || rc == -EPERM)
		return bl_fail(why, -EPERM, "not permitted to see whose process %d is: it needs CAP_SYS_PTRACE", pid);
	if (rc)
		return bl_fail(why, -ESRCH, "there is no process %d", pid);
	if (bh_owner_permits(&owner, client))
		return 0;
	if (owner.real == client && owner.effective == client && owner.saved == client)
		return bl_fail(why, -EPERM,
			"process %d keeps its memory to itself (setuid, capabilities, or by prctl): only root may "
			"follow it",
			pid);
	return bl_fail(why, -EPERM, "process %d is one of user %u, and you are %u: only they or root may follow it",
		pid, owner.effective, client);
}

int bh_permit(uint32_t client, int pid, int *ret_pidfd, struct bl_why *why)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0), rc;

	if (pidfd < 0)
		return bl_fail(why, -ESRCH, "there is no process %d", pid);
	rc = bh_permit_again(client, pid, pidfd, why);
	if (rc) {
		close(pidfd);
		return rc;
	}
	*ret_pidfd = pidfd;
	return 0;
}
