/* SPDX-License-Identifier: MIT */
/* Histograms of single tasks, made from their events. */
#ifndef RI_DRAIN_WATCH_H
#define RI_DRAIN_WATCH_H

#include <rouse/layout.h>
#include <stdbool.h>
#include <stddef.h>

enum { RI_WATCH_MAX = 16, RI_WATCH_POLLS = 64 };

/* One task: its histograms, and wakes and polls that have not found each other yet. */
struct ri_watch {
	uint64_t task; /* 0 = unused */
	struct rouse_histogram_pair histograms;
	struct {
		uint32_t poll; /* number of the poll that the wake led to */
		uint64_t wake_ticks, poll_ticks;
	} open[RI_WATCH_POLLS]; /* by poll number, modulo */
};

struct ri_watches {
	struct ri_watch *watches; /* RI_WATCH_MAX, once there is one */
	size_t n;
};

void ri_watches_fini(struct ri_watches *watches);
/* Makes `tasks` the watched ones; those that were watched already keep what they have. 0 or -ENOMEM. */
int ri_watches_set(struct ri_watches *watches, const uint64_t *tasks, size_t n);
/* Takes an event into account, if it is about a watched task. */
void ri_watches_feed(struct ri_watches *watches, const struct rouse_clock_anchor *clock,
	const struct rouse_event *event);

#endif
