/* SPDX-License-Identifier: MIT */
/* Histograms on their way out: those of spawn sites, summed over workers, and those of watched tasks. */
#ifndef RI_DRAIN_HISTOGRAM_H
#define RI_DRAIN_HISTOGRAM_H

struct rouse_inspect;
struct ri_runtime;

/* Sends every histogram that is not empty. 0, -errno or RI_UNREADABLE (inspect/look.h). */
int ri_histograms_send(struct rouse_inspect *inspect, struct ri_runtime *runtime);

#endif
