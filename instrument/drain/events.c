/* SPDX-License-Identifier: MIT */
/* From ring records to Events: ticks become nanoseconds, times become differences; watched tasks get their share. */
#include "drain/events.h"

#include <errno.h>

#include "inspect/look.h"

struct event_sink {
	struct rouse_inspect *inspect;
	struct ri_runtime *runtime;
	int rc; /* of the way out; not to be mistaken for memory that could not be read */
};

static int take_events(void *arg, uint32_t ring, uint64_t first, uint64_t lost_before,
	const struct rouse_event *records, size_t n)
{
	_Static_assert((int)RI_RING_PIECE <= (int)RI_ROWS, "a piece of a ring is one message");
	struct event_sink *sink = arg;
	const struct rouse_clock_anchor *clock = &sink->runtime->page.anchor;
	uint64_t base = ri_clock_ns(clock, records[0].ticks), previous = base;
	struct ri_event_batch batch;

	for (batch.n = 0; batch.n < n;) {
		const struct rouse_event *event = &records[batch.n];
		bool has_duration = event->kind == ROUSE_EVENT_POLL || event->kind == ROUSE_EVENT_PARK;
		uint64_t now = ri_clock_ns(clock, event->ticks);

		ri_watches_feed(&sink->runtime->watches, clock, event);
		ri_event_put(&batch,
			&(struct ri_event_row){ (int64_t)(now - previous), event->kind, event->task, event->worker,
				event->arg32,
				has_duration ? ri_clock_duration_ns(clock, event->arg) : event->arg });
		previous = now;
	}
	if (sink->inspect->look.opts.events)
		sink->rc = ri_out_events(&sink->inspect->out, &batch, ring, first, lost_before, base);
	return sink->rc;
}

int ri_events_begin(struct rouse_inspect *inspect, struct ri_runtime *runtime)
{
	const struct rouse_look_opts *opts = &inspect->look.opts;
	int rc = ri_watches_set(&runtime->watches, opts->watch, opts->n_watch);

	if (rc < 0)
		return rc;
	if (!opts->events && !opts->n_watch) {
		ri_rings_detach(&runtime->rings);
		return 0;
	}
	rc = ri_rings_attach(&runtime->rings, &inspect->memory, &runtime->page);
	if (rc == -ENOMEM)
		return rc;
	if (rc < 0) {
		inspect->look.complete = false;
		return 0;
	}
	ri_rings_count_foreign(&runtime->rings, &runtime->page);
	return (int)runtime->rings.count;
}

int ri_events_send(struct rouse_inspect *inspect, struct ri_runtime *runtime, uint32_t ring)
{
	struct event_sink sink = { inspect, runtime, 0 };

	if (ri_rings_drain(&runtime->rings, &inspect->memory, &runtime->page, ring, take_events, &sink) < 0 &&
		sink.rc == 0)
		inspect->look.complete = false;
	return sink.rc;
}

int ri_events_end(struct rouse_inspect *inspect, struct ri_runtime *runtime)
{
	uint64_t lost = runtime->rings.lost - runtime->rings.lost_told;

	runtime->rings.lost_told = runtime->rings.lost;
	return lost ? ri_out_lost(&inspect->out, lost, 0) : 0;
}
