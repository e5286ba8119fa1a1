/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "looks.h"

#include <string.h>

#include <frame.h>

int look_apply(struct cn_model *model, const Rouse__V1__Frame *frame)
{
	assert_int_equal(rp_frame_validate(frame), 0);
	return cn_model_apply(model, frame);
}

int look_hello(struct cn_model *model, const char *source)
{
	Rouse__V1__Hello hello = ROUSE__V1__HELLO__INIT;
	Rouse__V1__Frame frame = ROUSE__V1__FRAME__INIT;
	char program[] = "prog", from[16], *names[] = { program };

	strncpy(from, source, sizeof from - 1);
	from[sizeof from - 1] = 0;
	hello.protocol = RP_PROTOCOL;
	hello.pid = 4711;
	hello.program = program;
	hello.source = from;
	hello.n_runtimes = 1;
	hello.runtimes = names;
	frame.body_case = ROUSE__V1__FRAME__BODY_HELLO;
	frame.hello = &hello;
	return look_apply(model, &frame);
}

struct look look_with(struct cn_model *model, uint64_t now_ns, struct look_opts opts)
{
	Rouse__V1__GenerationBegin begin = ROUSE__V1__GENERATION_BEGIN__INIT;
	Rouse__V1__Frame frame = ROUSE__V1__FRAME__INIT;
	char name[] = "rt";

	begin.runtime = opts.runtime;
	begin.keyframe = !opts.changes_only;
	begin.mono_ns = now_ns;
	begin.level = opts.level ? opts.level - 1 : 1;
	begin.state = opts.state ? opts.state : ROUSE_RUNTIME_ACTIVE;
	begin.long_poll_ns = 10 * MS;
	begin.target_stopped = opts.stopped;
	begin.foreign_in_transit = opts.foreign_in_transit;
	begin.inject_depth = opts.inject_depth;
	begin.blocking_queued = opts.blocking_queued;
	begin.blocking_threads = opts.blocking_threads;
	begin.blocking_idle = opts.blocking_idle;
	begin.blocking_limit = opts.blocking_limit;
	begin.watchdog_ns = opts.watchdog_ns;
	begin.stopping_ns = opts.stopping_ns;
	begin.driver_worker = opts.driver_worker;
	begin.runtime_name = name;
	frame.body_case = ROUSE__V1__FRAME__BODY_BEGIN;
	frame.begin = &begin;
	assert_int_equal(look_apply(model, &frame), CN_APPLIED);
	return (struct look){ .model = model, .runtime = opts.runtime };
}

struct look look_at(struct cn_model *model, uint64_t now_ns)
{
	return look_with(model, now_ns, (struct look_opts){ 0 });
}

void look_string(struct look *look, uint32_t index, const char *text)
{
	Rouse__V1__Strings strings = ROUSE__V1__STRINGS__INIT;
	Rouse__V1__Frame frame = ROUSE__V1__FRAME__INIT;
	char copy[256];
	ProtobufCBinaryData bytes = { strlen(text), (uint8_t *)copy };

	assert_true(bytes.len < sizeof copy);
	memcpy(copy, text, bytes.len);
	strings.first = index;
	strings.n_text = 1;
	strings.text = &bytes;
	frame.body_case = ROUSE__V1__FRAME__BODY_STRINGS;
	frame.strings = &strings;
	assert_int_equal(look_apply(look->model, &frame), CN_APPLIED);
}

/* A table of one row. */
#define X(TYPE, NAME)                                                                                                  \
	table.n_##NAME = 1;                                                                                            \
	table.NAME = &row.NAME;

void look_site(struct look *look, struct site_row row)
{
	Rouse__V1__Sites table = ROUSE__V1__SITES__INIT;
	Rouse__V1__Frame frame = ROUSE__V1__FRAME__INIT;

	SITE_ROW(X)
	frame.body_case = ROUSE__V1__FRAME__BODY_SITES;
	frame.sites = &table;
	assert_int_equal(look_apply(look->model, &frame), CN_APPLIED);
}

void look_task(struct look *look, struct task_row row)
{
	Rouse__V1__Tasks table = ROUSE__V1__TASKS__INIT;
	Rouse__V1__Frame frame = ROUSE__V1__FRAME__INIT;

	TASK_ROW(X)
	frame.body_case = ROUSE__V1__FRAME__BODY_TASKS;
	frame.tasks = &table;
	assert_int_equal(look_apply(look->model, &frame), CN_APPLIED);
	look->tasks++;
}

void look_resource(struct look *look, struct resource_row row)
{
	Rouse__V1__Resources table = ROUSE__V1__RESOURCES__INIT;
	Rouse__V1__Frame frame = ROUSE__V1__FRAME__INIT;

	RESOURCE_ROW(X)
	frame.body_case = ROUSE__V1__FRAME__BODY_RESOURCES;
	frame.resources = &table;
	assert_int_equal(look_apply(look->model, &frame), CN_APPLIED);
}
#undef X

void look_awaits(struct look *look, uint64_t task, struct await_row *rows, size_t n)
{
	Rouse__V1__AwaitFrames table = ROUSE__V1__AWAIT_FRAMES__INIT;
	Rouse__V1__Frame frame = ROUSE__V1__FRAME__INIT;
	struct {
#define X(TYPE, NAME) TYPE NAME[LOOK_AWAITS_MAX];
		AWAIT_ROW(X)
#undef X
	} columns;

	assert_true(n <= LOOK_AWAITS_MAX);
	for (size_t i = 0; i < n; i++) {
		rows[i].task = task;
		rows[i].depth_index = (uint32_t)i;
#define X(TYPE, NAME)                                                                                                  \
	columns.NAME[i] = rows[i].NAME;                                                                                \
	table.NAME = columns.NAME;                                                                                     \
	table.n_##NAME = n;
		AWAIT_ROW(X)
#undef X
	}
	frame.body_case = ROUSE__V1__FRAME__BODY_AWAITS;
	frame.awaits = &table;
	assert_int_equal(look_apply(look->model, &frame), CN_APPLIED);
}

void look_histogram(struct look *look, uint32_t site, const uint32_t poll[ROUSE_HISTOGRAM_BUCKETS])
{
	const uint32_t delay[ROUSE_HISTOGRAM_BUCKETS] = { 0 };

	look_histograms(look, site, poll, delay);
}

void look_histograms(struct look *look, uint32_t site, const uint32_t poll[ROUSE_HISTOGRAM_BUCKETS],
	const uint32_t delay[ROUSE_HISTOGRAM_BUCKETS])
{
	Rouse__V1__Histograms table = ROUSE__V1__HISTOGRAMS__INIT;
	Rouse__V1__Frame frame = ROUSE__V1__FRAME__INIT;
	uint32_t polls[ROUSE_HISTOGRAM_BUCKETS], delays[ROUSE_HISTOGRAM_BUCKETS];
	uint64_t task = 0;

	memcpy(polls, poll, sizeof polls);
	memcpy(delays, delay, sizeof delays);
	table.buckets = ROUSE_HISTOGRAM_BUCKETS;
	table.n_site = table.n_task = 1;
	table.site = &site;
	table.task = &task;
	table.n_poll = table.n_delay = ROUSE_HISTOGRAM_BUCKETS;
	table.poll = polls;
	table.delay = delays;
	frame.body_case = ROUSE__V1__FRAME__BODY_HISTOGRAMS;
	frame.histograms = &table;
	assert_int_equal(look_apply(look->model, &frame), CN_APPLIED);
}

void look_events(struct look *look, uint32_t ring, uint32_t worker, uint64_t lost_before, const struct event_row *rows,
	size_t n)
{
	enum { MOST = 256 };
	Rouse__V1__Events table = ROUSE__V1__EVENTS__INIT;
	Rouse__V1__Frame frame = ROUSE__V1__FRAME__INIT;
	uint32_t kinds[MOST], workers[MOST], arg32s[MOST];
	uint64_t tasks[MOST], args[MOST];
	int64_t deltas[MOST];

	assert_true(n && n <= MOST);
	for (size_t i = 0; i < n; i++) {
		kinds[i] = rows[i].kind;
		workers[i] = worker;
		arg32s[i] = rows[i].arg32;
		tasks[i] = rows[i].task;
		args[i] = rows[i].arg;
		deltas[i] = i ? (int64_t)(rows[i].ns - rows[i - 1].ns) : 0;
	}
	table.ring = ring;
	table.lost_before = lost_before;
	table.base_ns = rows[0].ns;
	table.kind = kinds;
	table.worker = workers;
	table.arg32 = arg32s;
	table.task = tasks;
	table.arg = args;
	table.delta_ns = deltas;
	table.n_kind = table.n_worker = table.n_arg32 = table.n_task = table.n_arg = table.n_delta_ns = n;
	frame.body_case = ROUSE__V1__FRAME__BODY_EVENTS;
	frame.events = &table;
	assert_int_equal(look_apply(look->model, &frame), CN_APPLIED);
}

void look_removed(struct look *look, uint64_t task, uint64_t resource)
{
	Rouse__V1__Removed removed = ROUSE__V1__REMOVED__INIT;
	Rouse__V1__Frame frame = ROUSE__V1__FRAME__INIT;

	removed.n_task = task != 0;
	removed.task = &task;
	removed.n_resource = resource != 0;
	removed.resource = &resource;
	frame.body_case = ROUSE__V1__FRAME__BODY_REMOVED;
	frame.removed = &removed;
	assert_int_equal(look_apply(look->model, &frame), CN_APPLIED);
}

static void send_workers(struct look *look)
{
	struct worker_row only = { .tid = look->tid,
		.in_transit = look->in_transit,
		.current_task = look->current_task,
		.counters = look->counters };
	const struct worker_row *rows = look->n_workers ? look->workers : &only;
	size_t n = look->n_workers ? look->n_workers : 1;
	Rouse__V1__Workers table = ROUSE__V1__WORKERS__INIT;
	Rouse__V1__Frame frame = ROUSE__V1__FRAME__INIT;
	uint64_t counters[LOOK_WORKERS_MAX][sizeof look->counters / sizeof(uint64_t)];
	struct {
#define X(TYPE, NAME) TYPE NAME[LOOK_WORKERS_MAX];
		WORKER_ROW(X)
#undef X
	} columns;

	assert_true(n <= LOOK_WORKERS_MAX);
	for (size_t i = 0; i < n; i++) {
		memcpy(counters[i], &rows[i].counters, sizeof counters[i]);
#define X(TYPE, NAME)                                                                                                  \
	columns.NAME[i] = rows[i].NAME;                                                                                \
	table.NAME = columns.NAME;                                                                                     \
	table.n_##NAME = n;
		WORKER_ROW(X)
#undef X
	}
	table.counter_columns = sizeof counters[0] / sizeof counters[0][0];
	table.n_counters = n * table.counter_columns;
	table.counters = counters[0];
	frame.body_case = ROUSE__V1__FRAME__BODY_WORKERS;
	frame.workers = &table;
	assert_int_equal(look_apply(look->model, &frame), CN_APPLIED);
}

void look_end(struct look *look)
{
	Rouse__V1__GenerationEnd end = ROUSE__V1__GENERATION_END__INIT;
	Rouse__V1__Frame frame = ROUSE__V1__FRAME__INIT;

	send_workers(look);
	end.lost_events = look->lost_events;
	end.emitted_events = look->emitted_events;
	end.complete = !look->incomplete;
	end.tasks = look->tasks;
	frame.body_case = ROUSE__V1__FRAME__BODY_END;
	frame.end = &end;
	assert_int_equal(look_apply(look->model, &frame), CN_APPLIED_GENERATION);
}

const struct cn_finding *finding_of(const struct cn_findings *findings, enum cn_finding_code code)
{
	for (size_t i = 0; i < cn_findings_count(findings); i++)
		if (cn_findings_at(findings, i)->code == code)
			return cn_findings_at(findings, i);
	return NULL;
}
