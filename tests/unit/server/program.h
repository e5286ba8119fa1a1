/* SPDX-License-Identifier: MIT */
/* A program to be watched: a runtime with tasks that sleep until it is freed. */
#ifndef PROGRAM_H
#define PROGRAM_H

#include <rouse/rouse.h>
#include <stddef.h>
#include <stdint.h>

struct stream;

/* Returns once all sleepers have been spawned and polled. */
struct rouse_runtime *program_start(size_t sleepers);
/* One more, named. */
void program_add(struct rouse_runtime *runtime, const char *name);

/* The bytes of a Subscribe with its prefix; their number. */
struct subscribe {
	uint32_t interval_ms, level;
	int events, pause;
	size_t n_watch;
	uint64_t *detail;
	size_t n_detail;
};
size_t program_subscribe(uint8_t *bytes, size_t capacity, const struct subscribe *subscribe);

#endif
