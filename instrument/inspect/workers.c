/* SPDX-License-Identifier: MIT */
/* Worker records: where each thread is, its counters, its queue. */
#include "inspect/look.h"

#include <stddef.h>
#include <string.h>

enum {
	COUNTERS = sizeof(struct rouse_counters) / 8,
	/* 11 columns and the counters, each number as wide as it can be, and some heads. */
	ROWS = (RP_FRAME_MAX - 128) / (11 * 10 + COUNTERS * 10)
};

struct batch {
	size_t n;
	uint32_t index[ROWS], tid[ROWS], state[ROWS], local_depth[ROWS], timers[ROWS];
	uint64_t current_task[ROWS], poll_start_ns[ROWS], in_transit[ROWS], state_since_ns[ROWS], lifo_task[ROWS],
		next_deadline_ns[ROWS];
	uint64_t counters[ROWS * COUNTERS];
};

static int read_record(struct rouse_inspect *inspect, const struct rouse_page *page, uint32_t index,
	struct rouse_worker_record *record)
{
	return ri_memory_read(&inspect->memory,
		page->address + page->off_workers + (uint64_t)index * sizeof *record, record, sizeof *record);
}

static void gather(uint64_t *sum, uint64_t sample)
{
	if (sample == 0 || *sum == sample)
		return;
	*sum = *sum == 0 ? sample : UINT64_MAX;
}

int ri_workers_sample(struct rouse_inspect *inspect, struct ri_runtime *runtime)
{
	enum { AT_ONCE = sizeof inspect->scratch / ROUSE_WORKER_BYTES };
	const struct rouse_page *page = &runtime->page;
	struct rouse_worker_record *records = (struct rouse_worker_record *)(void *)inspect->scratch;
	uint64_t foreign;
	int rc = 0;

	for (uint32_t i = 0; i < page->workers && rc == 0; i += AT_ONCE) {
		uint32_t n = page->workers - i < AT_ONCE ? page->workers - i : AT_ONCE;

		rc = ri_memory_read(&inspect->memory,
			page->address + page->off_workers + (uint64_t)i * ROUSE_WORKER_BYTES, records,
			(size_t)n * ROUSE_WORKER_BYTES);
		for (uint32_t j = 0; j < n && rc == 0; j++)
			gather(&inspect->look.in_transit[i + j], records[j].in_transit);
	}
	if (rc == 0)
		rc = ri_memory_read(&inspect->memory,
			page->address + offsetof(struct rouse_page, foreign_in_transit), &foreign, sizeof foreign);
	if (rc == 0 && foreign)
		inspect->look.in_transit[RI_WORKERS_MAX] = UINT64_MAX;
	return rc;
}

static uint64_t newer(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

uint64_t ri_workers_newest(struct rouse_inspect *inspect, const struct ri_runtime *runtime)
{
	const struct rouse_page *page = &runtime->page;
	struct rouse_worker_record record;
	uint64_t ticks = newer(page->anchor.ticks, newer(page->started_ticks, page->watchdog_ticks));

	ticks = newer(ticks, page->stopping_ticks);
	for (uint32_t i = 0; i < page->workers && read_record(inspect, page, i, &record) == 0; i++)
		ticks = newer(ticks, newer(record.poll_start, record.state_since));
	return ri_clock_ns(&page->anchor, ticks);
}

/* Depth of the ring, and the task in the LIFO slot. Unreadable: unknown, and the look is not complete. */
static void read_queue(struct rouse_inspect *inspect, struct ri_runtime *runtime, uint64_t address, uint32_t *ret_depth,
	uint64_t *ret_lifo)
{
	struct {
		uint64_t head, pad0[7];
		uint32_t tail, pad1;
		uint64_t lifo;
	} queue;

	_Static_assert(offsetof(struct rouse_queue_record, tail) == 64, "queue record");
	_Static_assert(offsetof(struct rouse_queue_record, lifo) == 72, "queue record");
	if (!address)
		return;
	if (ri_memory_read(&inspect->memory, address, &queue, sizeof queue) < 0) {
		inspect->look.complete = false;
		return;
	}
	uint32_t depth = queue.tail - (uint32_t)queue.head;

	*ret_depth = depth <= ROUSE_QUEUE_SLOTS ? depth : ROUSE_QUEUE_SLOTS; /* head and tail were not read at once */
	if (queue.lifo)
		*ret_lifo = ri_task_at(inspect, runtime, queue.lifo);
}

static uint32_t armed_timers(const struct ri_look *look, uint64_t wheel)
{
	for (uint32_t i = 0; wheel && i < look->n_wheels; i++)
		if (look->wheels[i].serial == wheel)
			return (uint32_t)look->wheels[i].armed;
	return 0;
}

static void put_counters(const struct rouse_clock_anchor *clock, const struct rouse_counters *counters, uint64_t *out)
{
	size_t i = 0;

#define X(NAME, TEXT)                                                                              \
	out[i++] = strstr(#NAME, "_ticks") ? ri_clock_duration_ns(clock, counters->NAME) : counters->NAME;
	ROUSE_COUNTERS(X)
#undef X
}

static void put_row(struct rouse_inspect *inspect, struct ri_runtime *runtime, struct batch *batch,
	const struct rouse_worker_record *record, uint32_t index, uint64_t in_transit)
{
	const struct rouse_clock_anchor *clock = &runtime->page.anchor;
	uint32_t depth = 0;
	uint64_t lifo = 0;
	size_t n = batch->n++;

	if (index < RI_WORKERS_MAX) {
		inspect->look.queues[index] = record->queue;
		inspect->look.worker_tids[index] = record->state == ROUSE_WORKER_STOPPED ? 0 : record->tid;
	}
	read_queue(inspect, runtime, record->queue, &depth, &lifo);
	batch->index[n] = index;
	batch->tid[n] = record->tid;
	batch->state[n] = record->state;
	batch->current_task[n] = record->current_task;
	batch->poll_start_ns[n] = ri_clock_ns(clock, record->poll_start);
	gather(&in_transit, record->in_transit);
	batch->in_transit[n] = in_transit;
	batch->state_since_ns[n] = ri_clock_ns(clock, record->state_since);
	batch->local_depth[n] = depth;
	batch->lifo_task[n] = lifo;
	batch->timers[n] = armed_timers(&inspect->look, record->timers);
	batch->next_deadline_ns[n] = record->next_deadline;
	put_counters(clock, &record->counters, batch->counters + n * COUNTERS);
}

static int flush(struct rouse_inspect *inspect, struct batch *batch, bool has_foreign)
{
	Rouse__V1__Workers message = ROUSE__V1__WORKERS__INIT;
	Rouse__V1__Frame frame = ROUSE__V1__FRAME__INIT;

#define TAKE(NAME) (message.n_##NAME = batch->n, message.NAME = batch->NAME)
	TAKE(index), TAKE(tid), TAKE(state), TAKE(current_task), TAKE(poll_start_ns), TAKE(in_transit);
	TAKE(state_since_ns), TAKE(local_depth), TAKE(lifo_task), TAKE(timers), TAKE(next_deadline_ns);
#undef TAKE
	message.counter_columns = COUNTERS;
	message.n_counters = batch->n * COUNTERS;
	message.counters = batch->counters;
	message.has_foreign = has_foreign;
	frame.body_case = ROUSE__V1__FRAME__BODY_WORKERS;
	frame.workers = &message;
	batch->n = 0;
	return ri_out_frame(&inspect->out, &frame);
}

int ri_workers_send(struct rouse_inspect *inspect, struct ri_runtime *runtime)
{
	const struct rouse_page *page = &runtime->page;
	struct rouse_worker_record record;
	struct batch batch;
	int rc = 0;

	batch.n = 0;
	for (uint32_t i = 0; i <= page->workers; i++) {
		bool is_foreign = i == page->workers;

		/* The foreign threads' record stands behind all that workers could use. */
		if (read_record(inspect, page, is_foreign ? page->worker_capacity : i, &record) < 0)
			return RI_UNREADABLE;
		put_row(inspect, runtime, &batch, &record, is_foreign ? page->worker_capacity : i,
			inspect->look.in_transit[is_foreign ? RI_WORKERS_MAX : i]);
		if (batch.n == ROWS || is_foreign)
			rc = flush(inspect, &batch, is_foreign);
		if (rc < 0)
			return rc;
	}
	return 0;
}
