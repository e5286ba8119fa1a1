/* SPDX-License-Identifier: MIT */
/*
 * Absences that go on, made into frames (kernel_waits) with each round. The
 * programs know only since when; what a thread waits for is asked of the system
 * now, also where that had begun before anybody looked.
 */
#ifndef BL_WAITS_H
#define BL_WAITS_H

#include "loader/blocks.h"
#include "loader/sched.h"

/* Of absences that have lasted `block_ns` or more now, what could be found out. 0, or as bl_sink_send(). */
int bl_waits_send(struct bl_blocks *waits, const struct bl_sched *sched, const struct bl_sched_result *result,
	uint64_t now_ns, uint64_t block_ns);
/* Cuts up what /proc/PID/task/TID/syscall says. False: the thread is in no system call. */
bool bl_waits_call(const char *text, uint32_t *ret_number, uint64_t ret_arguments[3]);

#endif
