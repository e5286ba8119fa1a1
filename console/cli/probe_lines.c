/* SPDX-License-Identifier: MIT */
/*
 * Frames of a probe, made into lines on standard output, as text or as JSON.
 */
#include "cli/probe_lines.h"
#include "widget/format.h"

#include <inttypes.h>
#include <rouse/layout.h>
#include <stdio.h>

static const char *wake_source(uint64_t waker)
{
	static const char *const TEXT[] = {
#define X(NAME, TEXT) [ROUSE_WAKE_##NAME] = TEXT,
		ROUSE_WAKE_SOURCES(X)
#undef X
	};

	return waker < ROUSE_WAKE_SOURCE_MAX ? TEXT[waker] : "an unknown source";
}

static const char *state_text(uint64_t state)
{
	static const char *const TEXT[] = {
#define X(NAME, TEXT) [ROUSE_TASK_##NAME] = TEXT,
		ROUSE_TASK_STATES(X)
#undef X
	};

	return state < ROUSE_TASK_STATE_MAX ? TEXT[state] : "unknown";
}

static const char *event_text(uint32_t kind)
{
	static const char *const TEXT[] = {
#define X(NAME, TEXT) [ROUSE_EVENT_##NAME] = TEXT,
		ROUSE_EVENTS(X)
#undef X
	};

	return kind < ROUSE_EVENT_MAX ? TEXT[kind] : "unknown";
}

/* What every line begins with. */
static void print_head(const struct cn_probe_lines *lines, uint64_t ns, uint32_t tid, const char *event, uint64_t task)
{
	double seconds = ns > lines->started_ns ? (double)(ns - lines->started_ns) / 1e9 : 0;

	if (lines->json)
		printf("{\"event\":\"%s\",\"ns\":%" PRIu64 ",\"tid\":%" PRIu32 ",\"task\":%" PRIu64, event, ns, tid,
			task);
	else
		printf("%12.6f %7" PRIu32 "  %-9s task %-8" PRIu64, seconds, tid, event, task);
}

struct event {
	uint32_t kind, tid, arg32;
	uint64_t ns, task, arg;
};

static void print_event_json(const struct cn_probe_lines *lines, const struct event *e)
{
	print_head(lines, e->ns, e->tid, event_text(e->kind), e->task);
	switch (e->kind) {
	case ROUSE_EVENT_SPAWN:
		printf(",\"site\":%" PRIu32 ",\"parent\":%" PRIu64, e->arg32, e->arg);
		break;
	case ROUSE_EVENT_WAKE:
		if (e->arg >= ROUSE_FIRST_TASK_ID)
			printf(",\"waker\":%" PRIu64, e->arg);
		else
			printf(",\"source\":\"%s\"", wake_source(e->arg));
		printf(",\"polls\":%" PRIu32, e->arg32);
		break;
	case ROUSE_EVENT_POLL:
		printf(",\"poll\":%" PRIu32 ",\"duration_ns\":%" PRIu64, e->arg32, e->arg);
		break;
	case ROUSE_EVENT_COMPLETE:
		printf(",\"state\":\"%s\"", state_text(e->arg32));
		break;
	}
	printf("}\n");
}

/* A poll is printed when it ends, and stands at that time. */
static void print_event_text(const struct cn_probe_lines *lines, const struct event *e)
{
	char duration[CN_FORMAT_BYTES];

	print_head(lines, e->kind == ROUSE_EVENT_POLL ? e->ns + e->arg : e->ns, e->tid, event_text(e->kind), e->task);
	switch (e->kind) {
	case ROUSE_EVENT_SPAWN:
		if (e->arg)
			printf(" site %" PRIu32 ", by task %" PRIu64, e->arg32, e->arg);
		else
			printf(" site %" PRIu32 ", outside any task", e->arg32);
		break;
	case ROUSE_EVENT_WAKE:
		if (e->arg >= ROUSE_FIRST_TASK_ID)
			printf(" by task %" PRIu64 ", after poll %" PRIu32, e->arg, e->arg32);
		else
			printf(" by %s, after poll %" PRIu32, wake_source(e->arg), e->arg32);
		break;
	case ROUSE_EVENT_POLL:
		printf(" poll %" PRIu32 " took %s", e->arg32, cn_format_ns(duration, e->arg));
		break;
	case ROUSE_EVENT_COMPLETE:
		printf(" %s", state_text(e->arg32));
		break;
	}
	printf("\n");
}

static void print_lost(const struct cn_probe_lines *lines, uint64_t records)
{
	if (records == 0 || !lines->print)
		return;
	if (lines->json)
		printf("{\"event\":\"lost\",\"records\":%" PRIu64 "}\n", records);
	else
		printf("%12s %" PRIu64 " records were lost here\n", "", records);
}

/* Counts a line; false once there were enough of them. */
static bool wanted(struct cn_probe_lines *lines)
{
	if (lines->limit && lines->printed >= lines->limit)
		return false;
	lines->printed++;
	return lines->print;
}

static uint32_t at32(const uint32_t *column, size_t n, size_t i)
{
	return i < n ? column[i] : 0;
}

static uint64_t at64(const uint64_t *column, size_t n, size_t i)
{
	return i < n ? column[i] : 0;
}

static void print_events(struct cn_probe_lines *lines, const Rouse__V1__Events *events)
{
	uint64_t ns = events->base_ns;

	print_lost(lines, events->lost_before);
	for (size_t i = 0; i < events->n_kind; i++) {
		struct event e = {
			.kind = events->kind[i],
			.tid = at32(events->tid, events->n_tid, i),
			.task = at64(events->task, events->n_task, i),
			.arg32 = at32(events->arg32, events->n_arg32, i),
			.arg = at64(events->arg, events->n_arg, i),
		};

		ns += i < events->n_delta_ns ? (uint64_t)events->delta_ns[i] : 0;
		e.ns = ns;
		if (!wanted(lines))
			continue;
		if (lines->json)
			print_event_json(lines, &e);
		else
			print_event_text(lines, &e);
	}
}

struct verdict {
	uint32_t tid, poll;
	uint64_t task, start, duration, blocked, queued, on_cpu;
};

static void print_verdict_json(const struct cn_probe_lines *lines, const struct verdict *v)
{
	print_head(lines, v->start, v->tid, "long_poll", v->task);
	printf(",\"poll\":%" PRIu32 ",\"duration_ns\":%" PRIu64, v->poll, v->duration);
	printf(",\"on_cpu_ns\":%" PRIu64 ",\"blocked_ns\":%" PRIu64 ",\"run_queue_ns\":%" PRIu64 "}\n", v->on_cpu,
		v->blocked, v->queued);
}

static void print_verdict_text(const struct cn_probe_lines *lines, const struct verdict *v)
{
	char text[4][CN_FORMAT_BYTES];

	print_head(lines, v->start + v->duration, v->tid, "long poll", v->task);
	printf(" poll %" PRIu32 " took %s: %s on CPU, %s blocked off CPU, %s waiting for a CPU\n", v->poll,
		cn_format_ns(text[0], v->duration), cn_format_ns(text[1], v->on_cpu), cn_format_ns(text[2], v->blocked),
		cn_format_ns(text[3], v->queued));
}

static void print_verdicts(struct cn_probe_lines *lines, const Rouse__V1__PollVerdicts *verdicts)
{
	for (size_t i = 0; i < verdicts->n_task; i++) {
		struct verdict v = {
			.task = verdicts->task[i],
			.poll = at32(verdicts->poll, verdicts->n_poll, i),
			.tid = at32(verdicts->worker_tid, verdicts->n_worker_tid, i),
			.start = at64(verdicts->start_ns, verdicts->n_start_ns, i),
			.duration = at64(verdicts->duration_ns, verdicts->n_duration_ns, i),
			.blocked = at64(verdicts->off_cpu_ns, verdicts->n_off_cpu_ns, i),
			.queued = at64(verdicts->run_queue_ns, verdicts->n_run_queue_ns, i),
		};

		if (v.duration > v.blocked + v.queued)
			v.on_cpu = v.duration - v.blocked - v.queued;
		if (!wanted(lines))
			continue;
		if (lines->json)
			print_verdict_json(lines, &v);
		else
			print_verdict_text(lines, &v);
	}
}

void cn_probe_lines_frame(struct cn_probe_lines *lines, const Rouse__V1__Frame *frame)
{
	switch (frame->body_case) {
	case ROUSE__V1__FRAME__BODY_EVENTS:
		print_events(lines, frame->events);
		break;
	case ROUSE__V1__FRAME__BODY_POLL_VERDICTS:
		print_verdicts(lines, frame->poll_verdicts);
		break;
	case ROUSE__V1__FRAME__BODY_LOST:
		print_lost(lines, frame->lost->events);
		break;
	default:
		break;
	}
}
