/* SPDX-License-Identifier: MIT */
/* From what a person types to a process, a socket or a core file. */
#ifndef CN_SOURCE_RESOLVE_H
#define CN_SOURCE_RESOLVE_H

#include <rouse/inspect.h>

#include "source/session.h"

struct cn_aim {
	int pid;          /* 0: only the socket is known */
	char socket[108]; /* "": there is none */
	char tcp[64];     /* "127.0.0.1:6669": neither of the above; "" = it is none */
	bool core;        /* none of these: what was typed is the path of a core file */
};

/*
 * A pid, a loopback address and port, a program's or runtime's name, a path (it has a slash), or the name
 * of a core file that is here: 0, or as cn_session_open() with *why set.
 * `kind` is what it has to be, unless ANY; that an agent or memory is there is not looked at.
 */
int cn_resolve(const char *target, enum cn_source_kind kind, struct cn_aim *ret_aim, struct cn_why *why);
/* All processes that can be watched, by pid: their number, or a negative error. *ret_targets is freed by free(). */
int cn_targets(struct rouse_target **ret_targets);

#endif
