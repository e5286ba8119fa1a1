/* SPDX-License-Identifier: MIT */
#include "inspect/publish.h"

#include <string.h>
#include <time.h>

#include "inspect/procfs.h"

struct text {
	char text[32];
};

/* Strings of protobuf are UTF-8, and decoders may insist; names of a target are anything. */
static void copy_text(struct text *to, const char *from)
{
	size_t n = strnlen(from, sizeof to->text - 1);

	for (size_t i = 0; i < n; i++)
		to->text[i] = from[i] >= 0x20 && from[i] < 0x7f ? from[i] : '?';
	to->text[n] = 0;
}

static void fill_program(const struct rouse_inspect *inspect, struct text *program)
{
	struct ri_proc_stat stat;

	if (inspect->is_process && ri_proc_stat(inspect->process.pid, &stat) == 0)
		copy_text(program, stat.program);
	else if (inspect->core && *inspect->core->program)
		copy_text(program, inspect->core->program);
	else
		copy_text(program, inspect->runtimes[0].used ? inspect->runtimes[0].page.name : "");
}

int ri_publish_hello(struct rouse_inspect *inspect, const char *source)
{
	Rouse__V1__Hello hello = ROUSE__V1__HELLO__INIT;
	Rouse__V1__Frame frame = ROUSE__V1__FRAME__INIT;
	struct text program, source_text, names[RI_RUNTIMES_MAX];
	char *runtimes[RI_RUNTIMES_MAX], version[] = ROUSE_VERSION, note[256] = "";
	int rc;

	for (size_t i = 0; i < RI_RUNTIMES_MAX && inspect->runtimes[i].used; i++) {
		copy_text(&names[i], inspect->runtimes[i].page.name);
		runtimes[hello.n_runtimes++] = names[i].text;
	}
	fill_program(inspect, &program);
	copy_text(&source_text, source ? source : inspect->core ? "core" : "memory");
	if (inspect->core)
		ri_core_note(inspect->core, note, sizeof note);
	hello.note = note;
	hello.protocol = RP_PROTOCOL;
	hello.layout = ROUSE_LAYOUT_VERSION;
	hello.program = program.text;
	hello.source = source_text.text;
	hello.runtimes = runtimes;
	hello.version = version;
	if (inspect->is_process)
		hello.pid = (uint32_t)inspect->process.pid;
	else if (inspect->core)
		hello.pid = (uint32_t)inspect->core->pid;
	if (inspect->runtimes[0].used) {
		const struct rouse_page *page = &inspect->runtimes[0].page;

		if (!hello.pid)
			hello.pid = page->pid;
		if (page->anchor.mult)
			hello.hz = (uint64_t)((double)(1ull << 32) * 1e9 / (double)page->anchor.mult + 0.5);
		hello.start_ns = ri_clock_ns(&page->anchor, page->started_ticks);
	}
	frame.body_case = ROUSE__V1__FRAME__BODY_HELLO;
	frame.hello = &hello;
	rc = ri_out_frame(&inspect->out, &frame);
	inspect->said_hello = rc == 0;
	return rc;
}

static uint64_t clock_now(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Memory that is not a process (a core, an image) stands still at the last moment that it knows. */
static uint64_t look_time(const struct rouse_inspect *inspect, const struct ri_runtime *runtime, clockid_t clock)
{
	const struct rouse_clock_anchor *anchor = &runtime->page.anchor;

	if (inspect->is_process)
		return clock_now(clock);
	return runtime->newest_ns + (clock == CLOCK_REALTIME ? anchor->real_ns - anchor->mono_ns : 0);
}

int ri_publish_begin(struct rouse_inspect *inspect, struct ri_runtime *runtime, uint32_t state)
{
	Rouse__V1__GenerationBegin begin = ROUSE__V1__GENERATION_BEGIN__INIT;
	Rouse__V1__Frame frame = ROUSE__V1__FRAME__INIT;
	struct rouse_page *page = &runtime->page;
	struct text name;

	copy_text(&name, page->name);
	begin.number = ++inspect->generation;
	begin.runtime = (uint32_t)(runtime - inspect->runtimes);
	begin.keyframe = inspect->look.keyframe;
	begin.mono_ns = look_time(inspect, runtime, CLOCK_MONOTONIC);
	begin.real_ns = look_time(inspect, runtime, CLOCK_REALTIME);
	begin.level = page->level;
	begin.state = state;
	begin.flavor = page->flavor;
	begin.inject_depth = page->inject_depth;
	begin.blocking_queued = page->blocking_queued;
	begin.blocking_threads = page->blocking_threads;
	begin.blocking_idle = page->blocking_idle;
	begin.blocking_limit = page->blocking_limit;
	begin.driver_worker = page->driver_worker;
	begin.foreign_in_transit = page->foreign_in_transit;
	begin.long_poll_ns = page->long_poll_ns;
	begin.watchdog_ns = ri_clock_ns(&page->anchor, page->watchdog_ticks);
	begin.target_stopped =
		inspect->core || (inspect->is_process && ri_proc_is_stopped(inspect->process.tid));
	begin.runtime_name = name.text;
	begin.asked = inspect->look.opts.asked;
	begin.stopping_ns = ri_clock_ns(&page->anchor, page->stopping_ticks);
	frame.body_case = ROUSE__V1__FRAME__BODY_BEGIN;
	frame.begin = &begin;
	return ri_out_frame(&inspect->out, &frame);
}

int ri_publish_end(struct rouse_inspect *inspect, struct ri_runtime *runtime)
{
	Rouse__V1__GenerationEnd end = ROUSE__V1__GENERATION_END__INIT;
	Rouse__V1__Frame frame = ROUSE__V1__FRAME__INIT;

	end.number = inspect->generation;
	end.mono_ns = look_time(inspect, runtime, CLOCK_MONOTONIC);
	end.tasks = inspect->look.tasks;
	end.torn = inspect->look.torn;
	end.complete = inspect->look.complete;
	end.lost_events = runtime->rings.lost;
	end.delivered_events = runtime->rings.delivered;
	end.emitted_events = runtime->rings.emitted;
	frame.body_case = ROUSE__V1__FRAME__BODY_END;
	frame.end = &end;
	return ri_out_frame(&inspect->out, &frame);
}

static uint32_t text_index(struct ri_runtime *runtime, uint32_t offset)
{
	enum { TEXT_MAX = 1024 };
	const char *text = "";
	size_t bytes = ri_sites_text(&runtime->sites, offset, TEXT_MAX, &text);

	return ri_strings_index(&runtime->strings, text, bytes);
}

/* In a keyframe all sites; else, when some became whole, those too that were sent before: it is rare. */
int ri_publish_sites(struct rouse_inspect *inspect, struct ri_runtime *runtime)
{
	const struct ri_sites *sites = &runtime->sites;
	struct ri_site_batch batch;
	int rc = 0;

	batch.n = 0;
	if (!inspect->look.keyframe && !sites->changed)
		return 0;
	for (uint32_t i = 1; i < sites->count && rc == 0; i++) {
		const struct rouse_site_entry *entry = ri_sites_entry(sites, i);

		if (!entry)
			continue;
		ri_site_put(&batch, &(struct ri_site_row){ i, entry->kind, text_index(runtime, entry->name),
			text_index(runtime, entry->file), entry->line, entry->frame_bytes, entry->op });
		if (batch.n == RI_ROWS) {
			rc = ri_out_strings(&inspect->out, &runtime->strings);
			if (rc == 0)
				rc = ri_out_sites(&inspect->out, &batch);
		}
	}
	if (rc == 0)
		rc = ri_out_strings(&inspect->out, &runtime->strings);
	return rc < 0 ? rc : ri_out_sites(&inspect->out, &batch);
}

int ri_publish_rows(struct rouse_inspect *inspect, struct ri_runtime *runtime)
{
	int rc = ri_out_strings(&inspect->out, &runtime->strings);

	if (rc == 0)
		rc = ri_out_resources(&inspect->out, &inspect->resources);
	if (rc == 0)
		rc = ri_out_holders(&inspect->out, &inspect->holders);
	if (rc == 0)
		rc = ri_out_tasks(&inspect->out, &inspect->tasks);
	return rc < 0 ? rc : ri_out_awaits(&inspect->out, &inspect->awaits);
}

int ri_publish_removed(struct rouse_inspect *inspect)
{
	Rouse__V1__Removed removed = ROUSE__V1__REMOVED__INIT;
	Rouse__V1__Frame frame = ROUSE__V1__FRAME__INIT;

	removed.n_task = inspect->n_removed[0];
	removed.task = inspect->removed[0];
	removed.n_resource = inspect->n_removed[1];
	removed.resource = inspect->removed[1];
	inspect->n_removed[0] = inspect->n_removed[1] = 0;
	if (!removed.n_task && !removed.n_resource)
		return 0;
	frame.body_case = ROUSE__V1__FRAME__BODY_REMOVED;
	frame.removed = &removed;
	return ri_out_frame(&inspect->out, &frame);
}

int ri_publish_removal(struct rouse_inspect *inspect, bool is_resource, uint64_t id)
{
	size_t *n = &inspect->n_removed[is_resource];
	int rc = *n == RI_ROWS ? ri_publish_removed(inspect) : 0;

	inspect->removed[is_resource][(*n)++] = id;
	return rc;
}
