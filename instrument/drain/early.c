/* SPDX-License-Identifier: MIT */
#include "drain/early.h"

#include <string.h>
#include <time.h>

#include "drain/events.h"
#include "inspect/hidden.h"
#include "inspect/look.h"

void ri_early_fini(struct ri_early *early)
{
	ri_hidden_free(early->frames);
	*early = (struct ri_early){ 0 };
}

/* Room for one more frame, of any size. */
static bool has_room(struct ri_early *early)
{
	const size_t wanted = early->used + sizeof(uint32_t) + RP_FRAME_MAX;
	size_t room = early->room ? early->room : 4 * RP_FRAME_MAX;
	uint8_t *frames;

	if (wanted <= early->room)
		return true;
	if (wanted > RI_EARLY_BYTES)
		return false;
	while (room < wanted)
		room *= 2;
	frames = ri_hidden_grow(early->frames, room);
	if (!frames)
		return false;
	early->frames = frames;
	early->room = room;
	return true;
}

/* 1: it was taken, and is the last that can be. */
static int keep(void *arg, const uint8_t *bytes, size_t n)
{
	struct ri_early *early = arg;
	const uint32_t length = (uint32_t)n;

	memcpy(early->frames + early->used, &length, sizeof length);
	memcpy(early->frames + early->used + sizeof length, bytes, n);
	early->used += sizeof length + n;
	return has_room(early) ? 0 : 1;
}

int ri_early_send(struct rouse_inspect *inspect, struct ri_runtime *runtime)
{
	struct ri_early *early = &runtime->early;
	const size_t end = early->sent + RI_EARLY_STEP;
	int rc = 0;

	while (rc == 0 && early->sent < early->used && early->sent < end) {
		uint32_t length;

		memcpy(&length, early->frames + early->sent, sizeof length);
		early->sent += sizeof length + length;
		rc = inspect->out.fn(inspect->out.arg, early->frames + early->sent - length, length);
	}
	if (rc < 0)
		return rc;
	if (early->sent < early->used)
		return 1;
	early->sent = early->used = 0;
	return 0;
}

/* ----------------------------------------------------------------- the rhythm */

static uint64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* `most` records came to one ring since the last time; a quarter of it shall be new the next time, lest a late call lose any. */
static uint64_t next_wait(const struct ri_early *early, uint64_t elapsed_ns, uint64_t most, uint64_t capacity,
	uint64_t spent_ns)
{
	uint64_t wait = early->wait_ns * 2;

	if (most && elapsed_ns < RI_EARLY_MOST_NS) {
		const uint64_t quarter = elapsed_ns * (capacity / 4) / most;

		wait = quarter < wait ? quarter : wait;
	}
	if (wait < spent_ns * (RI_EARLY_SHARE - 1))
		wait = spent_ns * (RI_EARLY_SHARE - 1);
	if (wait < RI_EARLY_LEAST_NS)
		wait = RI_EARLY_LEAST_NS;
	return wait < RI_EARLY_MOST_NS ? wait : RI_EARLY_MOST_NS;
}

static void drain(struct rouse_inspect *inspect, struct ri_runtime *runtime, uint64_t now_ns)
{
	struct ri_early *early = &runtime->early;
	const struct ri_out out = inspect->out;
	const uint64_t began = cpu_ns();
	uint64_t most = 0;
	struct rouse_page page;

	ri_memory_refill(&inspect->memory);
	if (ri_page_read(&inspect->memory, runtime->address, runtime->mapped, &page) == 0 &&
		page.started_ticks == runtime->started_ticks && page.ring_count == runtime->rings.count) {
		runtime->page.anchor = page.anchor;
		inspect->out = (struct ri_out){ keep, early, inspect->scratch };
		for (uint32_t i = 0; i < runtime->rings.count && has_room(early); i++) {
			struct ri_ring *ring = &runtime->rings.rings[i];

			(void)ri_events_send(inspect, runtime, i); /* what could not be read now, the look says */
			most = ring->cursor - ring->paced > most ? ring->cursor - ring->paced : most;
			ring->paced = ring->cursor;
		}
		inspect->out = out;
	}
	early->wait_ns = next_wait(early, now_ns - early->at_ns, most, runtime->page.ring_capacity, cpu_ns() - began);
	early->at_ns = now_ns;
}

/*
 * What is kept is handed out before what is in the rings. So while a look hands
 * it out, which may take longer than a ring holds, more can be kept; when it has
 * come to the rings themselves, no more.
 */
static bool may_keep(const struct rouse_inspect *inspect, size_t runtime)
{
	const struct ri_look *look = &inspect->look;

	if (!look->active || runtime != look->runtime)
		return !look->active || runtime > look->runtime;
	return look->phase < RI_PHASE_RINGS ||
	       (look->phase == RI_PHASE_RINGS && inspect->runtimes[runtime].early.used > 0);
}

uint64_t ri_early_drain(struct rouse_inspect *inspect, uint64_t now_ns)
{
	uint64_t next_ns = UINT64_MAX;

	if (inspect->core || (!inspect->look.opts.events && !inspect->look.opts.n_watch))
		return next_ns;
	for (size_t i = 0; i < RI_RUNTIMES_MAX; i++) {
		struct ri_runtime *runtime = &inspect->runtimes[i];
		struct ri_early *early = &runtime->early;

		if (!runtime->used || !runtime->told || !runtime->rings.attached || !may_keep(inspect, i))
			continue;
		if (!early->wait_ns) {
			early->at_ns = now_ns;
			early->wait_ns = RI_EARLY_FIRST_NS;
		}
		if (early->at_ns + early->wait_ns <= now_ns)
			drain(inspect, runtime, now_ns);
		if (early->at_ns + early->wait_ns < next_ns)
			next_ns = early->at_ns + early->wait_ns;
	}
	return next_ns;
}
