/* SPDX-License-Identifier: MIT */
/* The four capabilities that following takes, and none else: of whatever this process was given. */
#ifndef BH_HELPER_PRIVILEGES_H
#define BH_HELPER_PRIVILEGES_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Drops all others from every set (from the bounding set only with CAP_SETPCAP,
 * which no more than root has; else it means nothing, for exec gains nothing
 * from here on), becomes the user who has started a setuid program, and sets
 * no_new_privs. 0 or -errno.
 */
int bh_privileges_shed(void);

/* Those that are missing, "CAP_BPF, CAP_PERFMON", or "": `others` = to follow another user's process than ours. */
size_t bh_privileges_missing(bool others, char *text, size_t bytes);

#endif
