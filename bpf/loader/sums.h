/* SPDX-License-Identifier: MIT */
/*
 * What the groups have summed, made into the frames of one round: KernelSums and
 * KernelCalls.
 */
#ifndef BL_SUMS_H
#define BL_SUMS_H

#include <stdbool.h>

#include "loader/counts.h"
#include "loader/rows.h"
#include "loader/sched.h"
#include "loader/sink.h"
#include "loader/syscalls.h"

/* Rows that have changed, or all of them. 0, -ENOMEM, or as bl_sink_send(). */
int bl_sums_sched(struct bl_sink *sink, struct bl_rows *rows, const struct bl_sched_result *result, bool all);
int bl_sums_syscalls(struct bl_sink *sink, struct bl_rows *rows, struct bl_rows *calls,
	const struct bl_syscalls_result *result, bool all);
/* Of faults or samples. */
int bl_sums_counts(struct bl_sink *sink, struct bl_rows *rows, enum bl_group group,
	const struct bl_counts_result *result, bool all);

#endif
