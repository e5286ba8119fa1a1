/* SPDX-License-Identifier: MIT */
/**
 * faults.h - page faults within polls: the kernel's side of one rouse process.
 *
 * What is counted is described in ../faults.bpf.c. It is used like sched.h.
 */
#ifndef BL_LOADER_FAULTS_H
#define BL_LOADER_FAULTS_H

#include "loader/counts.h"
#include "loader/follow.h"

struct bl_faults;

/** Attaches to process `pid`; `tasks`: entries by task, 0 = 16384. Errors: as bl_sched_open(). */
int bl_faults_open(int pid, uint32_t tasks, struct bl_faults **ret_faults, struct bl_why *why);
/** Detaches, at once. NULL is fine. */
void bl_faults_close(struct bl_faults *faults);
/** Waits so long, or until the process ends, and looks for new workers. enum bl_end, or a negative error. */
int bl_faults_wait(struct bl_faults *faults, int timeout_ms);
/** What there is so far; as often as wanted. The result holds until the next look. */
int bl_faults_gather(struct bl_faults *faults, const struct bl_counts_result **ret_result, struct bl_why *why);
/** Since when it is counted, and how many of its workers are not. */
const struct bl_follow *bl_faults_follow(const struct bl_faults *faults);

#endif
