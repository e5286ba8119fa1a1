/* SPDX-License-Identifier: MIT */
/*
 * The kernel's stream: who opens it, and its frames into the model. Loading BPF
 * programs takes privileges that the console should not have, so another
 * process does it, rouse-probe: one that we start, or, if that one may not, the
 * one that serves at /run/rouse/probe.sock.
 *
 * That it cannot be had, or ends, is told by the model's groups
 * (cn_kernel_refused()), and is no failure of anything else. Nothing here waits.
 */
#ifndef CN_SOURCE_KERNEL_H
#define CN_SOURCE_KERNEL_H

#include <stdbool.h>

#include "source/session.h"

struct cn_kernel_stream;

/*
 * `epoll` (borrowed) becomes readable when there is something to pump. 0 or
 * -ENOMEM; no other failure is one.
 */
int cn_kernel_stream_open(int pid, const struct cn_kernel_wish *wish, int epoll, struct cn_model *model,
	struct cn_kernel_stream **ret_stream);
/* Stacks are unwound with `stacker` (borrowed), for so long as does not hold up a screen; the rest is kept. */
int cn_kernel_stream_pump(struct cn_kernel_stream *stream, struct cn_stacker *stacker, struct cn_model *model);
/* Nothing more will come. */
bool cn_kernel_stream_ended(const struct cn_kernel_stream *stream);
void cn_kernel_stream_close(struct cn_kernel_stream *stream);

#endif
