/* SPDX-License-Identifier: MIT */
#include "drain/histogram.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "inspect/look.h"

enum {
	BUCKETS = ROUSE_HISTOGRAM_BUCKETS,
	ROWS = (RP_FRAME_MAX - 64) / (2 * BUCKETS * 5 + 15),
	SITES = ROUSE_HISTOGRAM_SITES
};

struct batch {
	size_t n;
	uint32_t site[ROWS];
	uint64_t task[ROWS];
	uint32_t poll[ROWS * BUCKETS], delay[ROWS * BUCKETS];
};

static int flush(struct rouse_inspect *inspect, struct batch *batch)
{
	Rouse__V1__Histograms message = ROUSE__V1__HISTOGRAMS__INIT;
	Rouse__V1__Frame frame = ROUSE__V1__FRAME__INIT;

	if (batch->n == 0)
		return 0;
	message.buckets = BUCKETS;
	message.n_site = message.n_task = batch->n;
	message.n_poll = message.n_delay = batch->n * BUCKETS;
	message.site = batch->site;
	message.task = batch->task;
	message.poll = batch->poll;
	message.delay = batch->delay;
	frame.body_case = ROUSE__V1__FRAME__BODY_HISTOGRAMS;
	frame.histograms = &message;
	batch->n = 0;
	return ri_out_frame(&inspect->out, &frame);
}

static bool is_empty(const struct rouse_histogram_pair *pair)
{
	static const struct rouse_histogram_pair none;

	return memcmp(pair, &none, sizeof none) == 0;
}

static int put(struct rouse_inspect *inspect, struct batch *batch, uint32_t site, uint64_t task,
	const struct rouse_histogram_pair *pair)
{
	int rc = batch->n == ROWS ? flush(inspect, batch) : 0;
	size_t n = batch->n;

	if (rc < 0 || is_empty(pair))
		return rc;
	batch->site[n] = site;
	batch->task[n] = task;
	memcpy(batch->poll + n * BUCKETS, pair->poll.count, sizeof pair->poll.count);
	memcpy(batch->delay + n * BUCKETS, pair->delay.count, sizeof pair->delay.count);
	batch->n++;
	return 0;
}

/* Counts that reach the end of 32 bits stay there. */
static void add(struct rouse_histogram *sum, const struct rouse_histogram *h)
{
	for (uint32_t i = 0; i < BUCKETS; i++)
		sum->count[i] = sum->count[i] > UINT32_MAX - h->count[i] ? UINT32_MAX : sum->count[i] + h->count[i];
}

/* How many of the histograms are in use: they are given out in order. */
static uint32_t histograms_in_use(const struct ri_sites *sites)
{
	uint32_t n = 0;

	for (uint32_t i = 1; i < sites->count; i++)
		if (sites->entries[i].kind == ROUSE_SITE_SPAWN && sites->entries[i].histogram > n)
			n = sites->entries[i].histogram;
	return n < SITES ? n : SITES;
}

static int sum_up(struct rouse_inspect *inspect, const struct rouse_page *page, uint32_t n,
	struct rouse_histogram_pair *sums)
{
	struct rouse_histogram_pair *row = (struct rouse_histogram_pair *)(void *)inspect->first_look;

	_Static_assert(SITES * sizeof *row <= RI_WINDOW_BYTES, "a worker's histograms fit into the window");
	for (uint32_t i = 0; i <= page->workers; i++) {
		uint64_t worker = i < page->workers ? i : page->worker_capacity;

		if (ri_memory_read(&inspect->memory,
			    page->address + page->off_histograms + worker * SITES * sizeof *row, row,
			    n * sizeof *row) < 0)
			return RI_UNREADABLE;
		for (uint32_t j = 0; j < n; j++) {
			add(&sums[j].poll, &row[j].poll);
			add(&sums[j].delay, &row[j].delay);
		}
	}
	return 0;
}

static int send_sites(struct rouse_inspect *inspect, struct ri_runtime *runtime, struct batch *batch)
{
	const struct ri_sites *sites = &runtime->sites;
	struct rouse_histogram_pair sums[SITES];
	uint32_t n = histograms_in_use(sites);
	int rc;

	memset(sums, 0, sizeof sums);
	rc = sum_up(inspect, &runtime->page, n, sums);
	for (uint32_t i = 1; i < sites->count && rc == 0; i++) {
		const struct rouse_site_entry *entry = &sites->entries[i];

		if (entry->kind == ROUSE_SITE_SPAWN && entry->histogram && entry->histogram <= n)
			rc = put(inspect, batch, i, 0, &sums[entry->histogram - 1]);
	}
	return rc;
}

int ri_histograms_send(struct rouse_inspect *inspect, struct ri_runtime *runtime)
{
	struct batch *batch = malloc(sizeof *batch);
	int rc;

	if (!batch)
		return -ENOMEM;
	batch->n = 0;
	rc = send_sites(inspect, runtime, batch);
	for (size_t i = 0; i < runtime->watches.n && rc == 0; i++)
		rc = put(inspect, batch, 0, runtime->watches.watches[i].task, &runtime->watches.watches[i].histograms);
	if (rc == 0)
		rc = flush(inspect, batch);
	free(batch);
	return rc;
}
