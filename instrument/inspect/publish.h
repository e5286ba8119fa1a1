/* SPDX-License-Identifier: MIT */
/* The frames of a look that are not rows of memory: Hello, begin, end, tables, what has gone; and when rows leave. */
#ifndef RI_PUBLISH_H
#define RI_PUBLISH_H

#include "inspect/look.h"

/* All answer 0 or -errno of the way out. */
int ri_publish_hello(struct rouse_inspect *inspect, const char *source);
int ri_publish_begin(struct rouse_inspect *inspect, struct ri_runtime *runtime, uint32_t state);
int ri_publish_end(struct rouse_inspect *inspect, struct ri_runtime *runtime);
/* Sites that are new to the stream, and the strings they use. */
int ri_publish_sites(struct rouse_inspect *inspect, struct ri_runtime *runtime);
/* The rows collected so far, the strings they use first. */
int ri_publish_rows(struct rouse_inspect *inspect, struct ri_runtime *runtime);
/* Notes a task or resource that has gone; sends what was noted. */
int ri_publish_removal(struct rouse_inspect *inspect, bool is_resource, uint64_t id);
int ri_publish_removed(struct rouse_inspect *inspect);

#endif
