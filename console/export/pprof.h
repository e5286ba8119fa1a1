/* SPDX-License-Identifier: MIT */
/*
 * The samples of a model as pprof reads them (pprof.proto), not compressed:
 * `pprof -top FILE`. Samples carry labels: "task" (its name), "task_id" and
 * "spawn_site"; their values are how many, and nanoseconds on a CPU.
 */
#ifndef CN_EXPORT_PPROF_H
#define CN_EXPORT_PPROF_H

#include <stdint.h>
#include <stdio.h>

#include "export/profile.h"

/*
 * `time_ns`: since 1970, of the profile's beginning, 0 = not known. Frames beyond
 * as many different addresses as a tree has nodes are left out. 0 or -errno.
 */
int cn_pprof_write(const struct cn_model *model, const struct cn_profile_wish *wish, uint64_t time_ns, FILE *out);

#endif
