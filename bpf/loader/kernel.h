/* SPDX-License-Identifier: MIT */
/**
 * kernel.h - all groups of BPF programs at once, as a stream of frames.
 *
 * Each group is loaded and attached on its own: one that fails is told in
 * Kernel.status and Kernel.why, and the others measure. The frames are those
 * that rouse.proto calls the kernel's side; Hello comes first.
 *
 *     bl_kernel_open(pid, &opts, &kernel, &why);
 *     while (bl_kernel_pump(kernel, 100, take_frame, arg) == BL_GOES_ON)
 *             ;
 *     bl_kernel_close(kernel);
 *
 * Not thread-safe. Nothing stays attached when the caller dies: links are its
 * descriptors.
 */
#ifndef BL_LOADER_KERNEL_H
#define BL_LOADER_KERNEL_H

#include <stddef.h>
#include <stdint.h>

#include "loader/follow.h"

/* As on the wire. */
enum bl_group { BL_GROUP_SCHED = 1, BL_GROUP_SYSCALLS, BL_GROUP_FAULTS, BL_GROUP_PROFILE, BL_GROUP_MAX };

struct bl_kernel_opts {
	size_t size;         /* sizeof(struct bl_kernel_opts) */
	uint32_t groups;     /* 1 << BL_GROUP_..., of each */
	uint32_t round_ms;   /* 0 = 1000 */
	uint32_t tasks;      /* entries by task; 0 = 16384 */
	uint32_t profile_hz; /* 0 = 99; at most 1000 */
	uint32_t ring_bytes; /* for blocks, and again for samples: a power of two; 0 = 1 MiB */
	uint64_t block_ns;   /* absences so long are told one by one; 0 = 1 ms */
};

struct bl_kernel;

/** Takes a frame without its prefix; borrowed during the call. A negative answer ends the pumping. */
typedef int (*bl_kernel_frame)(void *arg, const uint8_t *bytes, size_t n);

/** As bl_sched_open(): fails if the process cannot be followed at all, or if not one group could be attached. */
int bl_kernel_open(int pid, const struct bl_kernel_opts *opts, struct bl_kernel **ret_kernel, struct bl_why *why);
/**
 * Waits so long at most, hands out what has come (blocks and samples at once,
 * sums when a round is due), and at the process's end a last round. enum
 * bl_end, or a negative error of this or of `frame`.
 */
int bl_kernel_pump(struct bl_kernel *kernel, int timeout_ms, bl_kernel_frame frame, void *arg);
/** Detaches, at once. NULL is fine. */
void bl_kernel_close(struct bl_kernel *kernel);

#endif
