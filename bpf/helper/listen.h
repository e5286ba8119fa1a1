/* SPDX-License-Identifier: MIT */
/* The helper as a service: a socket that everybody may open, and a process for each client. */
#ifndef BH_HELPER_LISTEN_H
#define BH_HELPER_LISTEN_H

#include "loader/why.h"

/*
 * Listens at `path` until SIGTERM or SIGINT; if descriptor 3 does so already
 * (systemd has made it), there. A socket that nobody serves any more is
 * replaced. 0, or -errno with *why set.
 */
int bh_listen(const char *path, struct bl_why *why);

#endif
