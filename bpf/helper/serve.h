/* SPDX-License-Identifier: MIT */
/* One client, from what it asks for to its end. */
#ifndef BH_HELPER_SERVE_H
#define BH_HELPER_SERVE_H

#include <stdint.h>

/*
 * Blocks until the client has closed, the process it follows has ended, or it
 * was refused: then the last frame is an Error. Takes the socket. `client`: the
 * user who asks. 0 or -errno.
 */
int bh_serve(int fd, uint32_t client);

/* Tells a client that it is not served, without waiting. Borrows the socket. */
void bh_refuse(int fd, int code, const char *text);

#endif
