/* SPDX-License-Identifier: MIT */
/*
 * A ring here stands for a ring there: a buffer that doubles while it may, and
 * then goes round. Within one, records stand in the order in which they were
 * written, which is not that of their times: a poll is written when it is over,
 * and its time is when it began. So whoever wants order of time gets pointers,
 * sorted then: that is asked for a few times a second, records come a million.
 */
#include "model/events.h"
#include "model/private.h"

#include <errno.h>
#include <stdlib.h>

enum { THIEVES_MAX = 64 /* workers of a runtime */ };
enum { RINGS_MAX = CN_WORKERS_MAX + 1023 /* foreign threads */, FIRST_CAPACITY = 1024 };

struct ring {
	struct cn_event *events;
	uint32_t capacity;
	uint64_t put;    /* ever; the newest is at (put - 1) % capacity */
	uint64_t end_ns; /* of the newest */
};

struct cn_event_store {
	struct {
		struct ring *rings;
		uint32_t n;
		uint64_t *stolen; /* THIEVES_MAX squared, NULL while nobody has stolen */
	} runtimes[CN_RUNTIMES_MAX];
	uint64_t newest;
	uint64_t unkept;
	uint64_t capacity; /* of all rings */
};

uint64_t cn_event_end_ns(const struct cn_event *event)
{
	const bool lasts = event->kind == ROUSE_EVENT_POLL || event->kind == ROUSE_EVENT_PARK ||
			   event->kind == CN_EVENT_GAP;

	if (!lasts)
		return event->ns;
	return event->arg > UINT64_MAX - event->ns ? UINT64_MAX : event->ns + event->arg;
}

/* ---------------------------------------------------------------- keeping */

static struct cn_event_store *store_free(struct cn_event_store *store)
{
	for (size_t i = 0; store && i < CN_RUNTIMES_MAX; i++) {
		for (uint32_t k = 0; k < store->runtimes[i].n; k++)
			free(store->runtimes[i].rings[k].events);
		free(store->runtimes[i].rings);
		free(store->runtimes[i].stolen);
	}
	free(store);
	return NULL;
}

void cn_events_free(struct cn_model *model)
{
	model->kept_events = store_free(model->kept_events);
}

void cn_model_keep_events(struct cn_model *model, bool keep)
{
	if (!keep)
		cn_events_free(model);
	if (keep && !model->keeps_events)
		model->keeps_events_ns = model->now_ns;
	model->keeps_events = keep;
}

bool cn_model_keeps_events(const struct cn_model *model)
{
	return model->keeps_events;
}

uint64_t cn_events_newest(const struct cn_model *model)
{
	return model->kept_events ? model->kept_events->newest : 0;
}

uint64_t cn_events_unkept(const struct cn_model *model)
{
	return model->kept_events ? model->kept_events->unkept : 0;
}

/* NULL: too many, or no memory. */
static struct ring *ring_of(struct cn_event_store *store, uint32_t runtime, uint32_t index)
{
	struct ring *const had = store->runtimes[runtime].rings;
	const uint32_t n = store->runtimes[runtime].n;

	if (index >= RINGS_MAX)
		return NULL;
	if (index < n)
		return &had[index];
	struct ring *rings = realloc(had, (index + 1) * sizeof *rings);

	if (!rings)
		return NULL;
	for (uint32_t i = n; i <= index; i++)
		rings[i] = (struct ring){ 0 };
	store->runtimes[runtime].rings = rings;
	store->runtimes[runtime].n = index + 1;
	return &rings[index];
}

/* Room that the oldest need not give up. Not having it is no failure unless there is none at all. */
static void grow(struct cn_event_store *store, struct ring *ring)
{
	const uint32_t capacity = ring->capacity ? 2 * ring->capacity : FIRST_CAPACITY;
	struct cn_event *events;

	if (capacity > CN_EVENTS_OF_RING || store->capacity + capacity - ring->capacity > CN_EVENTS_IN_ALL)
		return;
	events = realloc(ring->events, capacity * sizeof *events);
	if (!events)
		return;
	store->capacity += capacity - ring->capacity;
	ring->events = events;
	ring->capacity = capacity;
}

static void count_stolen(struct cn_event_store *store, const struct cn_event *event)
{
	uint64_t **stolen = &store->runtimes[event->runtime].stolen;

	if (event->kind != ROUSE_EVENT_STEAL || event->worker >= THIEVES_MAX || event->arg32 >= THIEVES_MAX)
		return;
	if (!*stolen)
		*stolen = calloc((size_t)THIEVES_MAX * THIEVES_MAX, sizeof **stolen);
	if (*stolen)
		(*stolen)[event->worker * THIEVES_MAX + event->arg32] += event->arg;
}

uint64_t cn_events_stolen(const struct cn_model *model, size_t runtime, uint32_t thief, uint32_t victim)
{
	const struct cn_event_store *store = model->kept_events;

	if (!store || runtime >= CN_RUNTIMES_MAX || thief >= THIEVES_MAX || victim >= THIEVES_MAX)
		return 0;
	return store->runtimes[runtime].stolen ? store->runtimes[runtime].stolen[thief * THIEVES_MAX + victim] : 0;
}

static void put(struct cn_event_store *store, struct ring *ring, struct cn_event event)
{
	const uint64_t end_ns = cn_event_end_ns(&event);

	count_stolen(store, &event);
	event.number = ++store->newest;
	if (ring->put == ring->capacity)
		grow(store, ring);
	if (!ring->capacity) {
		store->unkept++;
		return;
	}
	ring->events[ring->put++ % ring->capacity] = event;
	if (end_ns > ring->end_ns)
		ring->end_ns = end_ns;
}

/* Between what is known of this ring and what comes now. */
static void put_gap(struct cn_event_store *store, struct ring *ring, uint8_t runtime,
	const Rouse__V1__Events *events)
{
	const uint64_t lost = events->lost_before, from_ns = ring->put ? ring->end_ns : events->base_ns;

	put(store, ring,
		(struct cn_event){ .kind = CN_EVENT_GAP,
			.runtime = runtime,
			.worker = (uint16_t)CN_COLUMN(events, worker, 0, CN_NO_WORKER),
			.ns = from_ns,
			.arg = events->base_ns > from_ns ? events->base_ns - from_ns : 0,
			.arg32 = lost > UINT32_MAX ? UINT32_MAX : (uint32_t)lost });
}

void cn_apply_events(struct cn_model *model, const Rouse__V1__Events *events)
{
	struct cn_event_store *store = model->kept_events;
	const uint8_t runtime = model->current ? (uint8_t)model->current->shown.index : 0;
	uint64_t ns = events->base_ns;
	struct ring *ring;

	for (size_t i = 0; i < events->n_kind; i++)
		if (events->kind[i] < ROUSE_EVENT_MAX)
			model->events[events->kind[i]]++;
	for (size_t i = 0; i < events->n_kind && cn_model_keeps_ended(model); i++)
		if (events->kind[i] == ROUSE_EVENT_COMPLETE)
			cn_ended_tell(model, CN_COLUMN(events, task, i, 0), CN_COLUMN(events, arg32, i, 0));
	if (!model->keeps_events || !model->current)
		return;
	if (!store)
		store = model->kept_events = calloc(1, sizeof *store);
	ring = store ? ring_of(store, runtime, events->ring) : NULL;
	if (!ring) {
		if (store)
			store->unkept += events->n_kind;
		return;
	}
	if (events->lost_before)
		put_gap(store, ring, runtime, events);
	for (size_t i = 0; i < events->n_kind; i++) {
		ns += (uint64_t)CN_COLUMN(events, delta_ns, i, 0);
		if (events->kind[i] == ROUSE_EVENT_NONE || events->kind[i] >= ROUSE_EVENT_MAX)
			continue;
		put(store, ring,
			(struct cn_event){ .kind = (uint8_t)events->kind[i],
				.runtime = runtime,
				.ns = ns,
				.task = CN_COLUMN(events, task, i, 0),
				.worker = (uint16_t)CN_COLUMN(events, worker, i, CN_NO_WORKER),
				.arg32 = CN_COLUMN(events, arg32, i, 0),
				.arg = CN_COLUMN(events, arg, i, 0) });
	}
}

/* ---------------------------------------------------------------- listing */

static bool passes(const struct cn_event_filter *filter, const struct cn_event *event)
{
	if (event->number <= filter->after)
		return false;
	if (filter->from_ns && cn_event_end_ns(event) < filter->from_ns)
		return false;
	if (filter->to_ns && event->ns >= filter->to_ns)
		return false;
	if (filter->task && event->task != filter->task)
		return false;
	if (filter->by && (event->arg != filter->by ||
				  (event->kind != ROUSE_EVENT_WAKE && event->kind != ROUSE_EVENT_SPAWN)))
		return false;
	if (filter->kinds && !(filter->kinds >> event->kind & 1))
		return false;
	if (filter->worker && event->worker != filter->worker - 1)
		return false;
	return !filter->runtime || event->runtime == filter->runtime - 1;
}

static int add(struct cn_event_list *list, const struct cn_event *event)
{
	if (list->n == list->capacity) {
		const size_t capacity = list->capacity ? 2 * list->capacity : FIRST_CAPACITY;
		const struct cn_event **at = realloc(list->at, capacity * sizeof *at);

		if (!at)
			return -ENOMEM;
		list->at = at;
		list->capacity = capacity;
	}
	list->at[list->n++] = event;
	return 0;
}

static int by_time(const void *a, const void *b)
{
	const struct cn_event *x = *(const struct cn_event *const *)a, *y = *(const struct cn_event *const *)b;

	if (x->ns != y->ns)
		return x->ns < y->ns ? -1 : 1;
	return x->number < y->number ? -1 : x->number > y->number;
}

static int list_ring(const struct ring *ring, const struct cn_event_filter *filter, struct cn_event_list *list)
{
	const uint64_t n = ring->put < ring->capacity ? ring->put : ring->capacity;
	int rc = 0;

	for (uint64_t i = ring->put - n; i < ring->put && rc == 0; i++) {
		const struct cn_event *event = &ring->events[i % ring->capacity];

		if (passes(filter, event))
			rc = add(list, event);
	}
	return rc;
}

/* All that came after `after` but for what is still here. */
static uint64_t still_here(const struct ring *ring, uint64_t after)
{
	const uint64_t n = ring->put < ring->capacity ? ring->put : ring->capacity;
	uint64_t low = ring->put - n, high = ring->put;

	while (low < high) { /* numbers grow within a ring */
		const uint64_t middle = low + (high - low) / 2;

		if (ring->events[middle % ring->capacity].number > after)
			high = middle;
		else
			low = middle + 1;
	}
	return ring->put - low;
}

struct cn_events_known cn_events_known(const struct cn_model *model, size_t runtime, uint32_t worker)
{
	const struct cn_event_store *store = model->kept_events;
	struct cn_events_known known = { .since_ns = UINT64_MAX };

	for (uint32_t k = 0; store && runtime < CN_RUNTIMES_MAX && k < store->runtimes[runtime].n; k++) {
		const struct ring *ring = &store->runtimes[runtime].rings[k];
		const struct cn_event *oldest;

		if (!ring->put)
			continue;
		oldest = &ring->events[ring->put > ring->capacity ? ring->put % ring->capacity : 0];
		if (oldest->worker != worker)
			continue;
		known.since_ns = oldest->ns < known.since_ns ? oldest->ns : known.since_ns;
		known.until_ns = ring->end_ns > known.until_ns ? ring->end_ns : known.until_ns;
	}
	if (known.since_ns < model->keeps_events_ns)
		known.since_ns = model->keeps_events_ns;
	return known;
}

int cn_events_list(const struct cn_model *model, const struct cn_event_filter *filter, struct cn_event_list *list)
{
	const struct cn_event_store *store = model->kept_events;
	uint64_t here = 0;
	int rc = 0;

	list->n = 0;
	list->overwritten = 0;
	if (!store)
		return 0;
	for (size_t i = 0; i < CN_RUNTIMES_MAX; i++)
		for (uint32_t k = 0; k < store->runtimes[i].n && rc == 0; k++) {
			rc = list_ring(&store->runtimes[i].rings[k], filter, list);
			here += still_here(&store->runtimes[i].rings[k], filter->after);
		}
	if (store->newest > filter->after)
		list->overwritten = store->newest - filter->after - here;
	if (list->n)
		qsort(list->at, list->n, sizeof list->at[0], by_time);
	return rc;
}

void cn_event_list_fini(struct cn_event_list *list)
{
	free(list->at);
	*list = (struct cn_event_list){ 0 };
}
