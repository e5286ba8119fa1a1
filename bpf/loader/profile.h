/* SPDX-License-Identifier: MIT */
/**
 * profile.h - samples of polls on the CPU: the kernel's side of one rouse process.
 *
 * What is counted and told is described in ../profile.bpf.c. It is used like
 * sched.h.
 */
#ifndef BL_LOADER_PROFILE_H
#define BL_LOADER_PROFILE_H

#include "loader/counts.h"
#include "loader/follow.h"

struct bl_profile_opts {
	uint32_t tasks; /* entries by task; 0 = 16384 */
	uint32_t hz;
	uint32_t ring_bytes;                                  /* a power of two, at least four pages */
	int (*sample)(void *arg, void *record, size_t bytes); /* a struct bl_sample, cut off behind its stack */
	void *arg;
};

struct bl_profile;

/** Attaches to process `pid`. Errors: as bl_sched_open(). */
int bl_profile_open(int pid, const struct bl_profile_opts *opts, struct bl_profile **ret_profile, struct bl_why *why);
/** Detaches, at once. NULL is fine. */
void bl_profile_close(struct bl_profile *profile);
/** Waits so long, or until the process ends, and looks for new workers. enum bl_end, or a negative error. */
int bl_profile_wait(struct bl_profile *profile, int timeout_ms);
/** Hands out the samples that have come. 0, or a negative error, also of opts.sample. */
int bl_profile_drain(struct bl_profile *profile);
/** What there is so far; as often as wanted. The result holds until the next look. */
int bl_profile_gather(struct bl_profile *profile, const struct bl_counts_result **ret_result, struct bl_why *why);
/** Since when it is counted, and how many of its workers are not. */
const struct bl_follow *bl_profile_follow(const struct bl_profile *profile);

#endif
