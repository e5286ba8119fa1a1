/* SPDX-License-Identifier: MIT */
/* Events on their way out, a ring at a time. */
#ifndef RI_DRAIN_EVENTS_H
#define RI_DRAIN_EVENTS_H

#include <stdint.h>

struct rouse_inspect;
struct ri_runtime;

/* Takes note of what the look wants. The number of rings to be sent: 0 if it wants no events; or -errno. */
int ri_events_begin(struct rouse_inspect *inspect, struct ri_runtime *runtime);
/* Sends what one ring has, if events are wanted, and feeds the watches. 0 or -errno of the way out. */
int ri_events_send(struct rouse_inspect *inspect, struct ri_runtime *runtime, uint32_t ring);
/* Says what was lost since the last one that came to its end. */
int ri_events_end(struct rouse_inspect *inspect, struct ri_runtime *runtime);

#endif
