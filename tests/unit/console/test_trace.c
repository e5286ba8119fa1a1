/* SPDX-License-Identifier: MIT */
/* Ring events as a trace: what follows from which, and what is said where some were lost. */
#include "test.h"

#include "export/perfetto.h"
#include "looks.h"
#include "model/events.h"

#include <stdlib.h>
#include <string.h>

#include <perfetto.pb-c.h>

struct record {
	uint32_t kind, worker, arg32;
	uint64_t ns, task, arg;
};

struct scene {
	struct cn_model *model;
	struct cn_trace *trace;
	char *bytes;
	size_t n;
	Perfetto__Protos__Trace *read;
};

static int make(void **state)
{
	static struct scene scene;

	scene = (struct scene){ .model = cn_model_new() };
	*state = &scene;
	cn_model_keep_events(scene.model, true);
	return cn_trace_new(&scene.trace);
}

static int unmake(void **state)
{
	struct scene *scene = *state;

	if (scene->read)
		perfetto__protos__trace__free_unpacked(scene->read, NULL);
	free(scene->bytes);
	cn_trace_free(scene->trace);
	cn_model_free(scene->model);
	return 0;
}

/* A ring says these, after so many that were lost. */
static void apply(struct cn_model *model, uint64_t lost, const struct record *records, size_t n)
{
	uint32_t kinds[8], workers[8], arg32s[8];
	uint64_t tasks[8], args[8];
	int64_t deltas[8];
	Rouse__V1__Events rows = ROUSE__V1__EVENTS__INIT;
	Rouse__V1__Frame frame = ROUSE__V1__FRAME__INIT;

	assert_true(n <= 8);
	for (size_t i = 0; i < n; i++) {
		kinds[i] = records[i].kind;
		workers[i] = records[i].worker;
		arg32s[i] = records[i].arg32;
		tasks[i] = records[i].task;
		args[i] = records[i].arg;
		deltas[i] = i ? (int64_t)(records[i].ns - records[i - 1].ns) : 0;
	}
	rows.base_ns = records[0].ns;
	rows.lost_before = lost;
	rows.kind = kinds;
	rows.worker = workers;
	rows.arg32 = arg32s;
	rows.task = tasks;
	rows.arg = args;
	rows.delta_ns = deltas;
	rows.n_kind = rows.n_worker = rows.n_arg32 = rows.n_task = rows.n_arg = rows.n_delta_ns = n;
	frame.body_case = ROUSE__V1__FRAME__BODY_EVENTS;
	frame.events = &rows;
	assert_int_equal(look_apply(model, &frame), CN_APPLIED);
}

/* And that is looked at. */
static void say(struct scene *scene, uint64_t lost, const struct record *records, size_t n)
{
	struct look look = look_at(scene->model, 100 * S);

	apply(scene->model, lost, records, n);
	look_end(&look);
	assert_int_equal(cn_trace_take(scene->trace, scene->model), 0);
}

static void write_and_read(struct scene *scene)
{
	FILE *out = open_memstream(&scene->bytes, &scene->n);

	assert_non_null(out);
	assert_int_equal(cn_trace_write(scene->trace, scene->model, out), 0);
	assert_int_equal(fclose(out), 0);
	scene->read = perfetto__protos__trace__unpack(NULL, scene->n, (const uint8_t *)scene->bytes);
	assert_non_null(scene->read);
}

/* "begin running 100, end 200, ..." of the one track whose name begins like that. */
static const char *told(const struct scene *scene, const char *track)
{
	static const char *const types[] = { "", "begin", "end", "instant", "counter" };
	static char text[2048];
	uint64_t uuid = 0;

	text[0] = 0;
	for (size_t i = 0; i < scene->read->n_packet; i++) {
		const Perfetto__Protos__TracePacket *packet = scene->read->packet[i];
		const Perfetto__Protos__TrackEvent *event = packet->track_event;
		const size_t n = strlen(text);

		if (packet->track_descriptor && strncmp(packet->track_descriptor->name, track, strlen(track)) == 0)
			uuid = packet->track_descriptor->uuid;
		if (event && event->track_uuid == uuid)
			snprintf(text + n, sizeof text - n, "%s%s%s%s %llu", n ? ", " : "", types[event->type],
				event->name ? " " : "", event->name ? event->name : "",
				(unsigned long long)packet->timestamp);
	}
	return text;
}

static void a_task_is_scheduled_runs_and_waits_until_it_ends(void **state)
{
	struct scene *scene = *state;
	const struct record records[] = { { ROUSE_EVENT_SPAWN, 0, 0, 100, 20, 0 },
		{ ROUSE_EVENT_POLL, 0, 1, 200, 20, 50 },
		{ ROUSE_EVENT_WAKE, 0, 1, 300, 20, ROUSE_WAKE_TIMER },
		{ ROUSE_EVENT_WAKE, 0, 2, 420, 20, ROUSE_WAKE_WHILE_RUNNING }, /* in the poll that follows */
		{ ROUSE_EVENT_POLL, 0, 2, 400, 20, 50 },
		{ ROUSE_EVENT_POLL, 0, 3, 500, 20, 60 },
		{ ROUSE_EVENT_COMPLETE, 0, ROUSE_TASK_COMPLETE, 555, 20, 0 } };

	say(scene, 0, records, 7);
	write_and_read(scene);
	assert_string_equal(told(scene, "task 20"),
		"begin scheduled 100, end 200, begin running 200, end 250, begin waiting 250, end 300, begin scheduled 300, "
		"end 400, begin running 400, end 450, begin scheduled 450, end 500, begin running 500, end 560");
	assert_string_equal(told(scene, "worker 0"),
		"instant spawn task 100, begin task 200, end 250, instant wake task 300, begin task 400, instant wake task 420, "
		"end 450, begin task 500, instant end task 555, end 560");
}

static size_t flows(const struct scene *scene)
{
	size_t begun = 0, ended = 0;

	for (size_t i = 0; i < scene->read->n_packet; i++) {
		const Perfetto__Protos__TrackEvent *event = scene->read->packet[i]->track_event;

		begun += event ? event->n_flow_ids : 0;
		ended += event ? event->n_terminating_flow_ids : 0;
	}
	assert_int_equal(begun, ended);
	return ended;
}

static void where_events_were_lost_nothing_is_claimed(void **state)
{
	struct scene *scene = *state;
	const struct record before[] = { { ROUSE_EVENT_POLL, 0, 1, 200, 20, 50 },
		{ ROUSE_EVENT_WAKE, 0, 1, 300, 20, ROUSE_WAKE_TIMER } };
	const struct record after[] = { { ROUSE_EVENT_POLL, 0, 9, 900, 20, 50 },
		{ ROUSE_EVENT_WAKE, 0, 9, 960, 20, ROUSE_WAKE_TIMER },
		{ ROUSE_EVENT_POLL, 0, 10, 1000, 20, 50 } };
	struct cn_trace_stats stats;

	say(scene, 0, before, 2);
	say(scene, 7, after, 3);
	write_and_read(scene);
	cn_trace_stats(scene->trace, &stats);
	assert_int_equal(stats.lost, 7);
	/* Not scheduled until 900: who knows what it did. */
	assert_string_equal(told(scene, "task 20"),
		"begin running 200, end 250, begin waiting 250, end 300, begin scheduled 300, end 300, begin running 900, "
		"end 950, begin waiting 950, end 960, begin scheduled 960, end 1000, begin running 1000, end 1050, begin "
		"waiting 1050, end 1050");
	assert_string_equal(told(scene, "worker 0"),
		"begin task 200, end 250, instant wake task 300, begin events lost 300, end 900, begin task 900, end 950, "
		"instant wake task 960, begin task 1000, end 1050");
	assert_int_equal(flows(scene), 1); /* the wake of 300 did not lead to the poll of 900 */
}

/* As many as a ring keeps came before anybody looked, and one more. */
static void what_gave_way_before_the_first_look_hides_nothing_of_what_is_there(void **state)
{
	struct scene *scene = *state;
	const struct record wake = { ROUSE_EVENT_WAKE, 0, 1, 300, 20, ROUSE_WAKE_TIMER };
	const struct record rest[] = { { ROUSE_EVENT_WAKE, 0, 1, 400, 20, ROUSE_WAKE_TIMER },
		{ ROUSE_EVENT_POLL, 0, 2, 500, 20, 50 } };
	struct cn_trace_stats stats;
	struct look look = look_at(scene->model, 99 * S);

	for (int i = 0; i < CN_EVENTS_OF_RING - 1; i++)
		apply(scene->model, 0, &wake, 1);
	apply(scene->model, 0, rest, 2);
	look_end(&look);
	assert_int_equal(cn_trace_take(scene->trace, scene->model), 0);
	write_and_read(scene);
	cn_trace_stats(scene->trace, &stats);
	assert_int_equal(stats.lost, 1);
	assert_int_equal(stats.events, CN_EVENTS_OF_RING);
	assert_int_equal(stats.first_ns, 300);
	assert_int_equal(flows(scene), 1);
}

static void polls_that_a_clock_makes_overlap_do_not_in_a_trace(void **state)
{
	struct scene *scene = *state;
	const struct record records[] = { { ROUSE_EVENT_POLL, 0, 1, 200, 20, 50 }, { ROUSE_EVENT_POLL, 0, 2, 240, 20, 20 } };

	say(scene, 0, records, 2);
	write_and_read(scene);
	assert_string_equal(told(scene, "worker 0"), "begin task 200, end 250, begin task 250, end 260");
}

#define T(name) cmocka_unit_test_setup_teardown(name, make, unmake)
TEST_MAIN(T(a_task_is_scheduled_runs_and_waits_until_it_ends), T(where_events_were_lost_nothing_is_claimed),
	T(what_gave_way_before_the_first_look_hides_nothing_of_what_is_there),
	T(polls_that_a_clock_makes_overlap_do_not_in_a_trace));
