/* SPDX-License-Identifier: MIT */
/* The process that has the privileges to load BPF programs: rouse-probe. */
#ifndef CN_SOURCE_HELPER_H
#define CN_SOURCE_HELPER_H

#include <sys/types.h>

/* Where it serves, if it was installed as a service. */
#define CN_HELPER_SOCKET "/run/rouse/probe.sock"

struct cn_helper {
	int fd;      /* -1 = none */
	pid_t child; /* 0 = not ours */
};

/* Both: 0, or -errno: -ENOENT there is none. Nothing is waited for. */
int cn_helper_start(struct cn_helper *ret_helper);
int cn_helper_connect(struct cn_helper *ret_helper);
/* Also ends it, if it is ours. May be called again. */
void cn_helper_end(struct cn_helper *helper);

#endif
