/* SPDX-License-Identifier: MIT */
#include "loader/frames.h"

#include <errno.h>
#include <rouse/layout.h>
#include <string.h>

#include "frame.h"

static const uint32_t EVENT_KIND[] = {
	[BL_SPAWN] = ROUSE_EVENT_SPAWN,
	[BL_WAKE] = ROUSE_EVENT_WAKE,
	[BL_POLL] = ROUSE_EVENT_POLL,
	[BL_COMPLETE] = ROUSE_EVENT_COMPLETE,
};

void bl_frames_to(struct bl_frames *frames, bl_frame_fn frame, void *arg)
{
	frames->frame = frame;
	frames->arg = arg;
}

static int send(struct bl_frames *frames, const Rouse__V1__Frame *frame)
{
	size_t n;
	int rc;

	rc = rp_frame_pack(frame, frames->bytes, sizeof(frames->bytes), &n);
	return rc < 0 ? rc : frames->frame(frames->arg, frames->bytes, n);
}

int bl_frames_hello(struct bl_frames *frames, int pid, const char *program)
{
	Rouse__V1__Hello hello = ROUSE__V1__HELLO__INIT;
	Rouse__V1__Frame frame = ROUSE__V1__FRAME__INIT;

	hello.protocol = RP_PROTOCOL;
	hello.pid = (uint32_t)pid;
	hello.program = (char *)program;
	hello.source = (char *)"bpf";
	hello.hz = 1000000000;
	hello.version = (char *)ROUSE_VERSION;
	frame.body_case = ROUSE__V1__FRAME__BODY_HELLO;
	frame.hello = &hello;
	return send(frames, &frame);
}

static int send_events(struct bl_frames *frames)
{
	struct bl_events *e = &frames->events;
	Rouse__V1__Events events = ROUSE__V1__EVENTS__INIT;
	Rouse__V1__Frame frame = ROUSE__V1__FRAME__INIT;

	events.first = e->first;
	events.lost_before = e->lost_before;
	events.base_ns = e->base_ns;
	events.n_delta_ns = events.n_kind = events.n_task = events.n_arg32 = events.n_arg = events.n_tid = e->n;
	events.delta_ns = e->delta_ns;
	events.kind = e->kind;
	events.task = e->task;
	events.arg32 = e->arg32;
	events.arg = e->arg;
	events.tid = e->tid;
	frame.body_case = ROUSE__V1__FRAME__BODY_EVENTS;
	frame.events = &events;
	e->n = 0;
	e->lost_before = 0;
	return send(frames, &frame);
}

static int send_verdicts(struct bl_frames *frames)
{
	struct bl_verdicts *v = &frames->verdicts;
	Rouse__V1__PollVerdicts verdicts = ROUSE__V1__POLL_VERDICTS__INIT;
	Rouse__V1__Frame frame = ROUSE__V1__FRAME__INIT;

	if (v->n == 0)
		return 0;
	verdicts.n_task = verdicts.n_poll = verdicts.n_worker_tid = verdicts.n_start_ns = v->n;
	verdicts.n_duration_ns = verdicts.n_off_cpu_ns = verdicts.n_run_queue_ns = v->n;
	verdicts.task = v->task;
	verdicts.poll = v->poll;
	verdicts.worker_tid = v->tid;
	verdicts.start_ns = v->start_ns;
	verdicts.duration_ns = v->duration_ns;
	verdicts.off_cpu_ns = v->blocked_ns;
	verdicts.run_queue_ns = v->run_queue_ns;
	frame.body_case = ROUSE__V1__FRAME__BODY_POLL_VERDICTS;
	frame.poll_verdicts = &verdicts;
	v->n = 0;
	return send(frames, &frame);
}

/* At most one of them has rows. */
int bl_frames_flush(struct bl_frames *frames)
{
	return frames->events.n ? send_events(frames) : send_verdicts(frames);
}

/* The counts in records of different CPUs may be seen out of order; only growth is news. */
static int note_gap(struct bl_frames *frames, uint32_t lost)
{
	int32_t gap = (int32_t)(lost - (uint32_t)frames->lost);
	int rc;

	if (gap <= 0)
		return 0;
	rc = bl_frames_flush(frames);
	frames->lost += (uint32_t)gap;
	frames->events.lost_before += (uint32_t)gap;
	return rc;
}

static int add_verdict(struct bl_frames *frames, const struct bl_verdict *verdict)
{
	struct bl_verdicts *v = &frames->verdicts;
	int rc = frames->events.n ? send_events(frames) : 0;
	size_t i = v->n++;

	v->task[i] = verdict->record.task;
	v->poll[i] = verdict->record.arg32;
	v->tid[i] = verdict->record.tid;
	v->start_ns[i] = verdict->record.ns;
	v->duration_ns[i] = verdict->record.arg;
	v->blocked_ns[i] = verdict->blocked_ns;
	v->run_queue_ns[i] = verdict->run_queue_ns;
	return rc == 0 && v->n == BL_FRAME_VERDICTS ? send_verdicts(frames) : rc;
}

static int add_event(struct bl_frames *frames, const struct bl_record *record)
{
	struct bl_events *e = &frames->events;
	int rc = send_verdicts(frames);
	size_t i = e->n++;

	if (i == 0) {
		e->first = frames->delivered - 1 + frames->lost;
		e->base_ns = e->last_ns = record->ns;
	}
	e->delta_ns[i] = (int64_t)(record->ns - e->last_ns);
	e->last_ns = record->ns;
	e->kind[i] = EVENT_KIND[record->kind];
	e->tid[i] = record->tid;
	e->task[i] = record->task;
	e->arg32[i] = record->arg32;
	e->arg[i] = record->arg;
	return rc == 0 && e->n == BL_FRAME_EVENTS ? send_events(frames) : rc;
}

int bl_frames_add(struct bl_frames *frames, const void *record, size_t n)
{
	const struct bl_record *r = record;
	int rc;

	if (n < sizeof(*r) || r->kind < BL_SPAWN || r->kind > BL_VERDICT)
		return -EPROTO;
	if (r->kind == BL_VERDICT && n < sizeof(struct bl_verdict))
		return -EPROTO;
	rc = note_gap(frames, r->lost);
	frames->delivered++;
	if (rc < 0)
		return rc;
	return r->kind == BL_VERDICT ? add_verdict(frames, record) : add_event(frames, r);
}

int bl_frames_end(struct bl_frames *frames, uint64_t total)
{
	Rouse__V1__Lost lost = ROUSE__V1__LOST__INIT;
	Rouse__V1__Frame frame = ROUSE__V1__FRAME__INIT;
	int rc = bl_frames_flush(frames);

	/* A gap just before a verdict has found no Events frame to stand in. */
	lost.events = total - frames->lost + frames->events.lost_before;
	frames->lost = total;
	frames->events.lost_before = 0;
	if (rc < 0 || lost.events == 0)
		return rc;
	frame.body_case = ROUSE__V1__FRAME__BODY_LOST;
	frame.lost = &lost;
	return send(frames, &frame);
}
