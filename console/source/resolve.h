/* SPDX-License-Identifier: MIT */
/* From what a person types to a process or a socket. */
#ifndef CN_SOURCE_RESOLVE_H
#define CN_SOURCE_RESOLVE_H

#include <rouse/inspect.h>

#include "source/session.h"

struct cn_aim {
	int pid;          /* 0: only the socket is known */
	char socket[108]; /* "": there is none */
};

/* A pid, a program's or runtime's name, or a path (it has a slash): 0, or as cn_session_open() with *why set. */
int cn_resolve(const char *target, struct cn_aim *ret_aim, struct cn_why *why);
/* All processes that can be watched, by pid: their number, or a negative error. *ret_targets is freed by free(). */
int cn_targets(struct rouse_target **ret_targets);

#endif
