/* SPDX-License-Identifier: MIT */
/*
 * Who may have which process followed: root any, others those that are theirs
 * wholly: by real, effective and saved user id, and that have not shut their
 * memory off (setuid programs, such with capabilities, prctl(PR_SET_DUMPABLE)),
 * of which the kernel says that root owns them. What is told of a process is no
 * more than its owner could read from its memory.
 */
#ifndef BH_HELPER_PERMIT_H
#define BH_HELPER_PERMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "loader/why.h"

struct bh_owner {
	uint32_t real, effective, saved;
	uint32_t file; /* of its files in /proc */
};

/* From the text of /proc/PID/status; `file` is left alone. 0 or -EBADMSG. */
int bh_owner_parse(const char *status, struct bh_owner *ret_owner);
bool bh_owner_permits(const struct bh_owner *owner, uint32_t client);

/*
 * Asks the process as it is now. The descriptor that comes out (the caller
 * closes it) keeps whoever gets the same pid later from being taken for it: ask
 * bh_permit_again() with it when all is opened. 0, -ESRCH, -EPERM.
 */
int bh_permit(uint32_t client, int pid, int *ret_pidfd, struct bl_why *why);
int bh_permit_again(uint32_t client, int pid, int pidfd, struct bl_why *why);

#endif
