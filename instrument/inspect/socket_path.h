/* SPDX-License-Identifier: MIT */
/* Places where agents keep their sockets, best first. */
#ifndef RI_SOCKET_PATH_H
#define RI_SOCKET_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ri_socket_place { RI_SOCKET_XDG, RI_SOCKET_RUN, RI_SOCKET_TMP, RI_SOCKET_PLACES };

/* The directory of a place for a user: 0, -ENOENT if this user has no such place, -ENAMETOOLONG. */
int ri_socket_dir(enum ri_socket_place place, uint32_t uid, char *path, size_t bytes);
/* The directory where a new socket of this user belongs; it may not exist yet. 0 or -errno. */
int ri_socket_home(uint32_t uid, char *path, size_t bytes);
/* Whether a socket of that user is there, be it a dead process's. Anybody can put something into /tmp. */
bool ri_socket_exists(const char *path, uint32_t uid);
/*
 * Whether somebody listens there, as a process of that network namespace sees
 * it: whoever was killed leaves its socket, and a later process may get its pid.
 * Asks the kernel, not the agent. True if that cannot be told.
 */
bool ri_socket_is_served(int pid, const char *path);
/* Whether nobody listens there. Told by a connection, which is closed at once. */
bool ri_socket_is_dead(const char *path);

#endif
