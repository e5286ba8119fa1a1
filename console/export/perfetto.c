/* SPDX-License-Identifier: MIT */
/*
 * Records come by ring and look, a poll when it is over; a track wants them by
 * time. So they are copied as they come, sorted once at the end, and walked in
 * that order with what is known of each task: a small state machine.
 *
 *     spawn --> scheduled --poll--> running --> waiting --wake--> scheduled
 *                                      |  woken meanwhile            ^
 *                                      +-----------------------------+
 */
#include "export/perfetto.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "export/names.h"
#include "export/text.h"
#include "export/trace_packets.h"
#include "model/events.h"
#include "model/slots.h"

enum { NAMES_MAX = 1 << 20, RUNTIMES = 256, ROWS_MAX = 1 << 21, NAME_BYTES = CN_SAFE_BYTES, HERE = 0xff /* a gap of ours */ };
#define PROCESS 1ull
#define TASKS 2ull
#define LANE (1ull << 60)
#define TASK (2ull << 60)
#define COUNTER (3ull << 60)

/* A task that something happened to. */
struct task_row {
	uint64_t key;
	uint64_t last_ns;  /* of its track */
	uint64_t poll_end_ns;
	uint64_t wake_ns;
	uint64_t flow;     /* of the wake that nothing has come of yet, 0 = none */
	size_t wake;       /* its packet */
	size_t open;       /* the packet that began what is open, + 1; 0 = nothing is */
	uint32_t name, site;
	bool named, tracked;
	uint8_t runtime;
};

/* A worker, or the other threads of a runtime; or a counter. */
struct lane_row {
	uint64_t key;
	uint64_t end_ns; /* of its last slice */
	uint32_t name, tid;
	bool counter;
};

struct cn_trace {
	struct cn_event *events;
	size_t n, capacity;
	uint64_t newest, taken_ns;
	struct cn_trace_stats stats;
	struct cn_names names;
	struct cn_slots tasks, lanes;
	struct task_row *tracked[CN_TRACE_TASKS];
	size_t n_tracked;
	struct cn_packets packets;
	struct cn_packet_site *sites;
	size_t n_sites;
	uint64_t gap_ns[RUNTIMES]; /* when the last gap of a runtime ended */
	uint32_t scheduled, running, waiting;
	int error;
};

/* ---------------------------------------------------------------- beginnings */

static uint32_t name_of(struct cn_trace *trace, const char *format, const char *text)
{
	char raw[2 * NAME_BYTES], safe[NAME_BYTES];
	uint32_t number = 0;
	int rc;

	snprintf(raw, sizeof raw, format, text);
	rc = cn_names_add(&trace->names, cn_text_safe(safe, sizeof safe, raw, false), &number);
	if (rc == -ENOMEM)
		trace->error = rc;
	return number; /* of too many, the first: "..." */
}

int cn_trace_new(struct cn_trace **ret_trace)
{
	struct cn_trace *trace = calloc(1, sizeof *trace);

	if (!trace)
		return -ENOMEM;
	cn_names_init(&trace->names, NAMES_MAX);
	cn_slots_init(&trace->tasks, sizeof(struct task_row), ROWS_MAX);
	cn_slots_init(&trace->lanes, sizeof(struct lane_row), ROWS_MAX);
	(void)name_of(trace, "%s", "...");
	trace->scheduled = name_of(trace, "%s", "scheduled");
	trace->running = name_of(trace, "%s", "running");
	trace->waiting = name_of(trace, "%s", "waiting");
	if (trace->error) {
		cn_trace_free(trace);
		return -ENOMEM;
	}
	*ret_trace = trace;
	return 0;
}

void cn_trace_free(struct cn_trace *trace)
{
	if (!trace)
		return;
	cn_packets_fini(&trace->packets);
	cn_slots_fini(&trace->tasks);
	cn_slots_fini(&trace->lanes);
	cn_names_fini(&trace->names);
	free(trace->events);
	free(trace->sites);
	free(trace);
}

void cn_trace_stats(const struct cn_trace *trace, struct cn_trace_stats *ret_stats)
{
	*ret_stats = trace->stats;
}

static void *row_of(struct cn_trace *trace, struct cn_slots *slots, uint64_t key)
{
	void *row = NULL;
	int rc = key ? cn_slots_put(slots, key, &row) : -E2BIG;

	if (rc == -ENOMEM)
		trace->error = rc;
	return row;
}

/* -------------------------------------------------------------------- taking */

static uint32_t site_of(struct cn_trace *trace, const struct cn_model *model, size_t runtime, uint32_t index)
{
	const struct cn_site *site = cn_model_site(model, runtime, index);
	struct cn_packet_site row;
	struct cn_packet_site *sites;

	if (!site->line)
		return CN_PACKET_NO_SITE;
	row = (struct cn_packet_site){ name_of(trace, "%s", cn_path_short(cn_model_string(model, runtime, site->file))),
		name_of(trace, "%s", cn_model_string(model, runtime, site->name)), site->line };
	for (size_t i = trace->n_sites; i-- > 0;)
		if (memcmp(&trace->sites[i], &row, sizeof row) == 0)
			return (uint32_t)i;
	sites = reallocarray(trace->sites, trace->n_sites + 1, sizeof *sites);
	if (!sites) {
		trace->error = -ENOMEM;
		return CN_PACKET_NO_SITE;
	}
	trace->sites = sites;
	sites[trace->n_sites] = row;
	return (uint32_t)trace->n_sites++;
}

/* What it is called has to be asked while it lives; of one that no look has seen, its spawn site tells. */
static void meet(struct cn_trace *trace, const struct cn_model *model, const struct cn_event *event)
{
	struct task_row *row = row_of(trace, &trace->tasks, event->task);
	const struct cn_task *task;
	const struct cn_site *site;

	if (!row || row->named)
		return;
	if (!row->name) {
		row->site = CN_PACKET_NO_SITE;
		row->runtime = event->runtime;
		row->name = name_of(trace, "%s", "task");
		trace->stats.tasks++;
	}
	task = cn_model_task(model, event->task);
	if (task) {
		row->name = name_of(trace, "%s", cn_task_name(model, task));
		row->site = site_of(trace, model, task->runtime, task->spawn_site);
		row->named = true;
	} else if (event->kind == ROUSE_EVENT_SPAWN) {
		site = cn_model_site(model, event->runtime, event->arg32);
		row->site = site_of(trace, model, event->runtime, event->arg32);
		if (*cn_model_string(model, event->runtime, site->name))
			row->name = name_of(trace, "%s", cn_model_string(model, event->runtime, site->name));
	}
}

static int keep(struct cn_trace *trace, const struct cn_event *event)
{
	if (trace->n == CN_TRACE_EVENTS) {
		trace->stats.left_out++;
		return 0;
	}
	if (trace->n == trace->capacity) {
		size_t capacity = trace->capacity ? 2 * trace->capacity : 4096;
		struct cn_event *events = reallocarray(trace->events, capacity, sizeof *events);

		if (!events)
			return -ENOMEM;
		trace->events = events;
		trace->capacity = capacity;
	}
	trace->events[trace->n++] = *event;
	return 0;
}

static void count(struct cn_trace *trace, const struct cn_runtime *runtime, uint32_t index, const char *format,
	const char *which, uint64_t value)
{
	const struct cn_packet packet = { .ns = runtime->now_ns,
		.track = COUNTER | (uint64_t)runtime->index << 32 | index,
		.type = CN_PACKET_COUNTER,
		.value = value,
		.site = CN_PACKET_NO_SITE };
	struct lane_row *lane = row_of(trace, &trace->lanes, packet.track);

	if (!lane || (lane->counter && runtime->now_ns <= lane->end_ns))
		return;
	if (!lane->counter)
		lane->name = name_of(trace, format, which);
	lane->counter = true;
	lane->end_ns = runtime->now_ns;
	if (cn_packets_put(&trace->packets, &packet, NULL))
		trace->error = -ENOMEM;
}

static void take_counters(struct cn_trace *trace, const struct cn_model *model)
{
	for (size_t i = 0; i < cn_model_runtimes(model); i++) {
		const struct cn_runtime *runtime = cn_model_runtime(model, i);

		if (!runtime)
			continue;
		count(trace, runtime, 1, "live tasks of %s", runtime->name, runtime->live_tasks);
		count(trace, runtime, 2, "global queue of %s", runtime->name, runtime->inject_depth);
		for (uint32_t k = 0; k < runtime->n_workers; k++) {
			const struct cn_worker *worker = &runtime->workers[k];
			char number[16];

			snprintf(number, sizeof number, "%u", worker->index);
			if (!worker->foreign)
				count(trace, runtime, 16 + worker->index, "queue of worker %s", number,
					worker->local_depth + (worker->lifo_task != 0));
		}
	}
}

int cn_trace_take(struct cn_trace *trace, const struct cn_model *model)
{
	const struct cn_event_filter filter = { .after = trace->newest };
	const uint64_t now_ns = cn_model_now_ns(model);
	struct cn_event_list list = { 0 };
	int rc = cn_events_list(model, &filter, &list);
	/* Of a recording all comes at once: what gave way is older than what is there. */
	const uint64_t since_ns = trace->taken_ns ? trace->taken_ns : list.n ? list.at[0]->ns : now_ns;
	const uint64_t until_ns = trace->taken_ns && now_ns > since_ns ? now_ns : since_ns;

	for (size_t i = 0; i < list.n && rc == 0; i++) {
		rc = keep(trace, list.at[i]);
		if (list.at[i]->task)
			meet(trace, model, list.at[i]);
	}
	if (rc == 0 && list.overwritten) /* they came faster than we took them: of whichever ring */
		rc = keep(trace, &(struct cn_event){ .kind = CN_EVENT_GAP,
					 .ns = since_ns,
					 .arg = until_ns - since_ns,
					 .arg32 = list.overwritten < UINT32_MAX ? (uint32_t)list.overwritten : UINT32_MAX,
					 .worker = CN_NO_WORKER,
					 .runtime = HERE });
	trace->newest = cn_events_newest(model);
	trace->taken_ns = now_ns;
	cn_event_list_fini(&list);
	take_counters(trace, model);
	return rc ? rc : trace->error;
}

/* ------------------------------------------------------------------- walking */

static size_t put(struct cn_trace *trace, const struct cn_packet *packet)
{
	size_t index = 0;

	if (cn_packets_put(&trace->packets, packet, &index))
		trace->error = -ENOMEM;
	return index;
}

static void close_task(struct cn_trace *trace, struct task_row *row, uint64_t ns)
{
	if (!row->open)
		return;
	row->open = 0;
	row->last_ns = ns > row->last_ns ? ns : row->last_ns;
	put(trace, &(struct cn_packet){ .ns = row->last_ns, .track = TASK | row->key, .type = CN_PACKET_END });
}

static void open_task(struct cn_trace *trace, struct task_row *row, uint64_t ns, uint32_t name)
{
	close_task(trace, row, ns);
	if (!row->tracked && trace->n_tracked < CN_TRACE_TASKS) {
		row->tracked = true;
		trace->tracked[trace->n_tracked++] = row;
	}
	if (!row->tracked)
		return;
	row->last_ns = ns > row->last_ns ? ns : row->last_ns;
	row->open = 1 + put(trace, &(struct cn_packet){ .ns = row->last_ns,
				       .track = TASK | row->key,
				       .type = CN_PACKET_BEGIN,
				       .name = name,
				       .site = CN_PACKET_NO_SITE });
}

static struct lane_row *lane_of(struct cn_trace *trace, const struct cn_event *event)
{
	return row_of(trace, &trace->lanes,
		event->runtime == HERE ? LANE | 1ull << 59 : LANE | (uint64_t)event->runtime << 32 | (event->worker + 1u));
}

/* Something that lasted. Times of one thread do not overlap; a clock that is set anew must not make them. */
static void slice(struct cn_trace *trace, struct lane_row *lane, const struct cn_event *event, struct cn_packet packet)
{
	const uint64_t end = cn_event_end_ns(event);

	packet.track = lane->key;
	packet.ns = event->ns > lane->end_ns ? event->ns : lane->end_ns;
	packet.type = CN_PACKET_BEGIN;
	put(trace, &packet);
	lane->end_ns = end > packet.ns ? end : packet.ns;
	put(trace, &(struct cn_packet){ .ns = lane->end_ns, .track = lane->key, .type = CN_PACKET_END });
}

static size_t instant(struct cn_trace *trace, const struct lane_row *lane, const struct cn_event *event,
	const char *format, const char *category, struct cn_packet packet)
{
	const struct task_row *row = event->task ? cn_slots_find(&trace->tasks, event->task) : NULL;

	packet.ns = event->ns;
	packet.track = lane->key;
	packet.type = CN_PACKET_INSTANT;
	packet.task = event->task;
	packet.category = category;
	packet.site = CN_PACKET_NO_SITE;
	packet.name = name_of(trace, format, row ? cn_names_text(&trace->names, row->name) : "");
	return put(trace, &packet);
}

static void walk_poll(struct cn_trace *trace, struct lane_row *lane, struct task_row *row, const struct cn_event *event)
{
	const uint64_t end = cn_event_end_ns(event);
	struct cn_packet packet = { .name = row->name,
		.site = row->site,
		.task = row->key,
		.what = "poll",
		.value = event->arg32,
		.category = "poll" };

	if (row->flow && row->wake_ns >= trace->gap_ns[row->runtime] && row->wake_ns <= event->ns) {
		trace->packets.all[row->wake].flow = packet.flow = row->flow;
		trace->stats.flows++;
	}
	row->flow = 0;
	slice(trace, lane, event, packet);
	open_task(trace, row, event->ns, trace->running);
	row->poll_end_ns = end;
	open_task(trace, row, end, trace->waiting);
}

static void walk_wake(struct cn_trace *trace, struct lane_row *lane, struct task_row *row, const struct cn_event *event)
{
	row->wake = instant(trace, lane, event, "wake %s", "wake", (struct cn_packet){ 0 });
	row->wake_ns = event->ns;
	row->flow = event->number;
	if (event->ns >= row->poll_end_ns)
		open_task(trace, row, event->ns, trace->scheduled);
	else if (row->open) /* what comes after the poll that is on */
		trace->packets.all[row->open - 1].name = trace->scheduled;
}

static void walk_end(struct cn_trace *trace, struct lane_row *lane, struct task_row *row, const struct cn_event *event)
{
	instant(trace, lane, event, "end %s", "task", (struct cn_packet){ 0 });
	if (row->open && event->ns <= row->poll_end_ns) {
		trace->packets.all[row->open - 1].type = 0; /* nothing comes after it */
		row->open = 0;
	}
	close_task(trace, row, event->ns);
}

static void walk_gap(struct cn_trace *trace, struct lane_row *lane, const struct cn_event *event)
{
	const struct cn_packet packet = { .name = name_of(trace, "%s", "events lost"),
		.what = "records",
		.value = event->arg32,
		.category = "lost",
		.site = CN_PACKET_NO_SITE };

	trace->stats.lost += event->arg32;
	if (event->worker == CN_NO_WORKER) /* a track of several threads has no slices */
		instant(trace, lane, event, "events lost", "lost", packet);
	else
		slice(trace, lane, event, packet);
	for (size_t i = 0; i < RUNTIMES; i++)
		if ((event->runtime == HERE || event->runtime == i) && cn_event_end_ns(event) > trace->gap_ns[i])
			trace->gap_ns[i] = cn_event_end_ns(event);
	for (size_t i = 0; i < trace->n_tracked; i++)
		if (event->runtime == HERE || trace->tracked[i]->runtime == event->runtime)
			close_task(trace, trace->tracked[i], event->ns);
}

static void walk(struct cn_trace *trace, const struct cn_event *event)
{
	struct task_row *row = event->task ? cn_slots_find(&trace->tasks, event->task) : NULL;
	struct lane_row *lane = lane_of(trace, event);

	if (!lane)
		return;
	if (event->kind == CN_EVENT_GAP)
		walk_gap(trace, lane, event);
	else if (event->kind == ROUSE_EVENT_PARK)
		slice(trace, lane, event,
			(struct cn_packet){ .name = name_of(trace, "%s", event->arg32 ? "in the driver" : "parked"),
				.category = "idle",
				.site = CN_PACKET_NO_SITE });
	else if (event->kind == ROUSE_EVENT_STEAL)
		instant(trace, lane, event, "steal", "steal", (struct cn_packet){ .what = "tasks", .value = event->arg });
	else if (!row)
		return;
	else if (event->kind == ROUSE_EVENT_POLL)
		walk_poll(trace, lane, row, event);
	else if (event->kind == ROUSE_EVENT_WAKE)
		walk_wake(trace, lane, row, event);
	else if (event->kind == ROUSE_EVENT_COMPLETE)
		walk_end(trace, lane, row, event);
	else if (event->kind == ROUSE_EVENT_SPAWN) {
		instant(trace, lane, event, "spawn %s", "task", (struct cn_packet){ 0 });
		open_task(trace, row, event->ns, trace->scheduled);
	}
}

static int by_time(const void *left, const void *right)
{
	const struct cn_event *a = left, *b = right;

	if (a->ns != b->ns)
		return a->ns < b->ns ? -1 : 1;
	return a->number < b->number ? -1 : a->number > b->number;
}

static void walk_all(struct cn_trace *trace)
{
	struct cn_trace_stats *stats = &trace->stats;

	if (trace->n)
		qsort(trace->events, trace->n, sizeof trace->events[0], by_time);
	for (size_t i = 0; i < trace->n && !trace->error; i++) {
		const uint64_t end = cn_event_end_ns(&trace->events[i]);

		stats->last_ns = end > stats->last_ns ? end : stats->last_ns;
		stats->events += trace->events[i].kind != CN_EVENT_GAP;
		walk(trace, &trace->events[i]);
	}
	stats->first_ns = trace->n ? trace->events[0].ns : 0;
	stats->tracks = trace->n_tracked;
	for (size_t i = 0; i < trace->n_tracked && !trace->error; i++)
		close_task(trace, trace->tracked[i], stats->last_ns);
}

/* ------------------------------------------------------------------- writing */

static uint32_t tid_of(const struct cn_model *model, size_t runtime, uint32_t worker)
{
	const struct cn_runtime *of = cn_model_runtime(model, runtime);

	for (uint32_t i = 0; of && i < of->n_workers; i++)
		if (of->workers[i].index == worker && !of->workers[i].foreign)
			return of->workers[i].tid;
	return 0;
}

static int write_lane(struct cn_trace *trace, const struct cn_model *model, const struct lane_row *lane, FILE *out)
{
	const size_t runtime = lane->key >> 32 & 0xff;
	const uint32_t worker = (uint32_t)lane->key - 1;
	const struct cn_runtime *of = cn_model_runtime(model, runtime);
	struct cn_track track = { .uuid = lane->key, .parent = PROCESS, .counter = lane->counter };
	char name[2 * NAME_BYTES];

	if (lane->counter)
		snprintf(name, sizeof name, "%s", cn_names_text(&trace->names, lane->name));
	else if (lane->key & 1ull << 59)
		snprintf(name, sizeof name, "rouse");
	else if (worker == CN_NO_WORKER)
		snprintf(name, sizeof name, "other threads of %s", of ? of->name : "");
	else
		snprintf(name, sizeof name, "worker %u of %s", worker, of ? of->name : "");
	track.name = name;
	if (!lane->counter && worker != CN_NO_WORKER) {
		track.pid = cn_model_target(model)->pid;
		track.tid = tid_of(model, runtime, worker);
	}
	return cn_track_write(out, &track);
}

static int write_tracks(struct cn_trace *trace, const struct cn_model *model, FILE *out)
{
	const struct cn_target *target = cn_model_target(model);
	int rc = cn_track_write(out, &(struct cn_track){ .uuid = PROCESS, .name = target->program, .pid = target->pid });

	for (size_t i = 0; i < trace->lanes.used && rc == 0; i++)
		rc = write_lane(trace, model, cn_slots_at(&trace->lanes, i), out);
	if (rc == 0)
		rc = cn_track_write(out, &(struct cn_track){ .uuid = TASKS, .parent = PROCESS, .name = "tasks" });
	for (size_t i = 0; i < trace->n_tracked && rc == 0; i++) {
		const struct task_row *row = trace->tracked[i];
		char name[2 * NAME_BYTES];

		snprintf(name, sizeof name, "%s %llu", cn_names_text(&trace->names, row->name),
			(unsigned long long)row->key);
		rc = cn_track_write(out, &(struct cn_track){ .uuid = TASK | row->key, .parent = TASKS, .name = name });
	}
	return rc;
}

int cn_trace_write(struct cn_trace *trace, const struct cn_model *model, FILE *out)
{
	int rc;

	walk_all(trace);
	if (trace->error)
		return trace->error;
	trace->packets.sites = trace->sites;
	trace->packets.n_sites = trace->n_sites;
	trace->packets.names = &trace->names;
	rc = write_tracks(trace, model, out);
	return rc ? rc : cn_packets_write(out, &trace->packets);
}
