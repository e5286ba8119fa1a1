/* SPDX-License-Identifier: MIT */
/*
 * A wake is in the waker's ring, the poll that follows in the poller's, and
 * the rings are read one after the other: they arrive in any order. What ties
 * them together is the number of the poll. A wake says how many polls there
 * had been (the one in progress included), so it leads to the next one; the
 * spawn leads to the first. Whichever of the two comes second completes the
 * delay; the place in the table is then free for a poll 64 later.
 */
#include "drain/watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "inspect/page.h"

void ri_watches_fini(struct ri_watches *watches)
{
	free(watches->watches);
	*watches = (struct ri_watches){ 0 };
}

static bool contains(const uint64_t *tasks, size_t n, uint64_t task)
{
	for (size_t i = 0; i < n; i++)
		if (tasks[i] == task)
			return true;
	return false;
}

static struct ri_watch *find(struct ri_watches *watches, uint64_t task)
{
	for (size_t i = 0; i < watches->n; i++)
		if (watches->watches[i].task == task)
			return &watches->watches[i];
	return NULL;
}

int ri_watches_set(struct ri_watches *watches, const uint64_t *tasks, size_t n)
{
	size_t kept = 0;

	if (n && !watches->watches && !(watches->watches = calloc(RI_WATCH_MAX, sizeof *watches->watches)))
		return -ENOMEM;
	for (size_t i = 0; i < watches->n; i++) {
		if (!contains(tasks, n, watches->watches[i].task))
			continue;
		if (kept != i)
			watches->watches[kept] = watches->watches[i];
		kept++;
	}
	watches->n = kept;
	for (size_t i = 0; i < n && watches->n < RI_WATCH_MAX; i++)
		if (tasks[i] && !find(watches, tasks[i]))
			watches->watches[watches->n++] = (struct ri_watch){ .task = tasks[i] };
	return 0;
}

static void count(struct rouse_histogram *histogram, uint64_t ns)
{
	uint32_t bucket = ns < 2 ? 0 : 63 - (uint32_t)__builtin_clzll(ns);

	histogram->count[bucket < ROUSE_HISTOGRAM_BUCKETS ? bucket : ROUSE_HISTOGRAM_BUCKETS - 1]++;
}

/* One half of (wake, poll) has come. */
static void meet(struct ri_watch *watch, const struct rouse_clock_anchor *clock, uint32_t poll, uint64_t wake_ticks,
	uint64_t poll_ticks)
{
	__typeof__(watch->open[0]) *open = &watch->open[poll % RI_WATCH_POLLS];

	if (open->poll != poll) {
		open->poll = poll;
		open->wake_ticks = open->poll_ticks = 0;
	}
	if (wake_ticks && !open->wake_ticks)
		open->wake_ticks = wake_ticks;
	if (poll_ticks)
		open->poll_ticks = poll_ticks;
	if (!open->wake_ticks || !open->poll_ticks)
		return;
	uint64_t delay = open->poll_ticks > open->wake_ticks ? open->poll_ticks - open->wake_ticks : 0;

	count(&watch->histograms.delay, ri_clock_duration_ns(clock, delay));
	open->wake_ticks = open->poll_ticks = 0;
}

void ri_watches_feed(struct ri_watches *watches, const struct rouse_clock_anchor *clock,
	const struct rouse_event *event)
{
	struct ri_watch *watch = event->task ? find(watches, event->task) : NULL;

	if (!watch)
		return;
	switch (event->kind) {
	case ROUSE_EVENT_SPAWN:
		meet(watch, clock, 1, event->ticks, 0);
		break;
	case ROUSE_EVENT_WAKE:
		meet(watch, clock, event->arg32 + 1, event->ticks, 0);
		break;
	case ROUSE_EVENT_POLL:
		count(&watch->histograms.poll, ri_clock_duration_ns(clock, event->arg));
		meet(watch, clock, event->arg32, 0, event->ticks);
		break;
	default:
		break;
	}
}
