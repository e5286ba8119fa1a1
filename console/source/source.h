/* SPDX-License-Identifier: MIT */
/*
 * Where frames come from: the agent's socket, or the target's memory read from
 * outside. All hand out the same frames; all have a descriptor for poll().
 */
#ifndef CN_SOURCE_SOURCE_H
#define CN_SOURCE_SOURCE_H

#include <stdint.h>

#include <rouse/inspect.h>

#include "source/session.h"

enum { CN_WATCH_MAX = 16 };

/* What the console wants to see; the Subscribe of the protocol. */
struct cn_wish {
	uint32_t interval_ms;
	uint32_t level; /* 1 + wanted tracing level; 0 = leave it. Process memory is never written: ignored there. */
	bool events;
	bool pause;
	uint32_t n_watch;
	uint64_t watch[CN_WATCH_MAX];
	uint32_t n_detail;
	uint64_t detail[CN_WANTS_MAX];
	bool peers; /* of sockets: somebody has asked, not diagnosis alone */
	uint32_t keyframe; /* another number than before: the next look has everything, and says this number */
};

struct cn_source {
	int fd; /* readable when read() has something to do */
	bool ended; /* nothing more will come: a file of frames is at its end */
	/* Hands out whole frames, without waiting. 0, or a negative error with *why set: this source is done. */
	int (*read)(struct cn_source *source, rouse_frame_fn frame, void *arg, struct cn_why *why);
	/* Takes effect with the next look. */
	int (*tell)(struct cn_source *source, const struct cn_wish *wish, struct cn_why *why);
	void (*close)(struct cn_source *source);
};

/*
 * `pid` is the process that is expected at the other end, 0 = any. Waits at
 * most answer_ms for a first sign of life: -ETIMEDOUT.
 */
int cn_socket_open(const char *path, int pid, const struct cn_wish *wish, uint32_t answer_ms,
	struct cn_source **ret_source, struct cn_why *why);
/* A port on loopback, "127.0.0.1:6669", with the token of ROUSE_TOKEN or of its file. */
int cn_tcp_open(const char *address, const struct cn_wish *wish, uint32_t answer_ms, struct cn_source **ret_source,
	struct cn_why *why);
int cn_memory_open(int pid, const struct cn_wish *wish, struct cn_source **ret_source, struct cn_why *why);
int cn_core_open(const char *path, const struct cn_wish *wish, struct cn_source **ret_source, struct cn_why *why);
int cn_frames_open(const char *path, const struct cn_wish *wish, struct cn_source **ret_source, struct cn_why *why);

/* Fills *why, answers `code`. */
int cn_why_set(struct cn_why *why, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
