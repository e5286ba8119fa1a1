/* SPDX-License-Identifier: MIT */
/* What session.c and playback.c share. */
#ifndef CN_SOURCE_SESSION_PRIVATE_H
#define CN_SOURCE_SESSION_PRIVATE_H

#include <limits.h>

#include "source/source.h"

struct cn_replay;
struct cn_tee;
struct rp_decoder;

struct cn_session {
	struct cn_source *source;
	struct rp_decoder *decoder;
	struct cn_model *model;
	struct cn_findings *findings;
	struct cn_diagnose_opts diagnose;
	struct cn_wish wish;
	struct cn_why *why; /* of the pump in progress */
	int generations;    /* it has completed */
	bool frames;        /* from a file: they bring their own pid */
	bool own_time;      /* a file has its own */
	uint64_t detail[CN_WANTS_MAX]; /* asked for from outside; diagnosis comes first */
	size_t n_detail;
	enum cn_stacks stacks;
	uint32_t stacks_ms;
	struct cn_stacker *stacker; /* NULL until it is needed */
	struct cn_kernel_wish kernel;
	struct cn_kernel_stream *kernel_stream; /* NULL until a first look has told whose threads are whose */
	int epoll;                              /* over source and kernel_stream, -1 = there is the source alone */
	struct cn_replay *replay;   /* `source`, if that is a recording */
	struct cn_tee *tee;         /* NULL: nobody records */
	uint64_t pumped_ns;         /* when the last pump was */
	uint8_t *hello;             /* the last one, for who begins to record later */
	size_t hello_bytes;
	int pid;                    /* of the target as this system has it, 0 = none */
	char target[PATH_MAX];
};

#endif
