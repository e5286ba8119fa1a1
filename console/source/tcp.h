/* SPDX-License-Identifier: MIT */
/* The way to an agent's TCP port: on loopback, with a token. */
#ifndef CN_SOURCE_TCP_H
#define CN_SOURCE_TCP_H

#include "source/session.h"

/* Connects, and shows the token: a descriptor that does not block, or a negative errno with *why set. */
int cn_tcp_connect(const char *address, uint32_t timeout_ms, struct cn_why *why);

#endif
