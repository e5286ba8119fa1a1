/* SPDX-License-Identifier: MIT */
/*
 * The course of a look, for each runtime:
 *
 *     page -> GenerationBegin, new strings and sites
 *          -> each chunk, window by window: resources, tasks and their chains
 *          -> workers, drops, events
 *          -> a search of the program's memory, piece by piece, if one is due
 *          -> histograms, Removed, Lost, GenerationEnd
 *
 * What a stream knows of a runtime (which rows it has seen, where it is in the
 * rings) lives in struct ri_runtime. It is valid only as long as every frame
 * reached its reader: a look that ends early makes the next one a keyframe.
 */
#include "inspect/look.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "drain/events.h"
#include "drain/histogram.h"
#include "inspect/hidden.h"
#include "inspect/procfs.h"
#include "inspect/publish.h"
#include "inspect/references.h"

void ri_runtime_fini(struct ri_runtime *runtime)
{
	ri_sites_fini(&runtime->sites);
	ri_strings_fini(&runtime->strings);
	for (uint32_t i = 0; i < runtime->chunk_count; i++)
		free(runtime->chunks[i].seen);
	ri_hidden_free(runtime->chunks);
	ri_hidden_free(runtime->spans);
	free(runtime->threads);
	ri_rings_fini(&runtime->rings);
	ri_early_fini(&runtime->early);
	ri_watches_fini(&runtime->watches);
	*runtime = (struct ri_runtime){ 0 };
}

/* ------------------------------------------------------- finding runtimes */

static struct ri_runtime *runtime_at(struct rouse_inspect *inspect, uint64_t address)
{
	struct ri_runtime *free_slot = NULL;

	for (size_t i = 0; i < RI_RUNTIMES_MAX; i++) {
		struct ri_runtime *runtime = &inspect->runtimes[i];

		if (runtime->used && runtime->address == address)
			return runtime;
		if (!runtime->used && !free_slot)
			free_slot = runtime;
	}
	return free_slot;
}

/* A page that cannot be read (yet, or any more) is no runtime; only a wrong version is worth an error. */
static int meet(struct rouse_inspect *inspect, uint64_t address, uint64_t mapped)
{
	struct ri_runtime *runtime = runtime_at(inspect, address);
	struct rouse_page page;
	int rc = ri_page_read(&inspect->memory, address, mapped, &page);

	if (rc < 0 || !runtime)
		return rc;
	if (runtime->used && runtime->started_ticks != page.started_ticks)
		ri_runtime_fini(runtime); /* another one where the first had been */
	runtime->used = runtime->present = true;
	runtime->address = address;
	runtime->mapped = mapped;
	runtime->started_ticks = page.started_ticks;
	runtime->page = page;
	return 0;
}

int ri_look_find(struct rouse_inspect *inspect)
{
	struct ri_mapping mappings[RI_RUNTIMES_MAX];
	int n = (int)inspect->n_pages, met = 0, wrong_version = 0;

	ri_memory_refill(&inspect->memory);
	for (size_t i = 0; i < RI_RUNTIMES_MAX; i++)
		inspect->runtimes[i].present = false;
	for (int i = 0; i < n; i++)
		mappings[i] = (struct ri_mapping){ inspect->pages[i], 0 };
	if (inspect->is_process) {
		int rc = ri_process_renew(&inspect->process);

		if (rc < 0)
			return rc;
		n = ri_proc_mappings(inspect->process.tid, mappings, RI_RUNTIMES_MAX);
	} else if (inspect->core) {
		n = ri_core_mappings(inspect->core, mappings, RI_RUNTIMES_MAX);
	}
	for (int i = 0; i < n && i < RI_RUNTIMES_MAX; i++) {
		int rc = meet(inspect, mappings[i].address, mappings[i].bytes);

		if (rc == -EACCES || rc == -ESRCH)
			return rc;
		met += rc == 0;
		wrong_version += rc == -EPROTO;
	}
	if (n < 0)
		return n;
	return met == 0 && wrong_version ? -EPROTO : met;
}

/* ----------------------------------------------------------------- chunks */

static bool is_sound(const struct rouse_chunk_entry *entry)
{
	uint32_t smallest = entry->kind == ROUSE_CHUNK_TASK ? ROUSE_CELL_BYTES : sizeof(struct rouse_resource_record);
	uint64_t bytes = (uint64_t)entry->stride * entry->cells;

	return (entry->kind == ROUSE_CHUNK_TASK || entry->kind == ROUSE_CHUNK_RESOURCE) && entry->address &&
	       entry->address % 8 == 0 && entry->stride % 8 == 0 && entry->stride >= smallest &&
	       entry->stride <= RI_STRIDE_MAX && entry->cells <= RI_SLOTS_MAX &&
	       entry->address + bytes >= entry->address;
}

/* Chunks never change. If one does, nothing known of this runtime holds. */
static bool take_chunk(struct ri_chunk *chunk, const struct rouse_chunk_entry *entry)
{
	bool same = memcmp(&chunk->entry, entry, sizeof *entry) == 0;

	if (same || !is_sound(entry))
		return same || chunk->entry.kind == 0;
	bool was_unused = chunk->entry.kind == 0;

	free(chunk->seen);
	*chunk = (struct ri_chunk){ *entry, NULL };
	return was_unused;
}

static int update_chunks(struct rouse_inspect *inspect, struct ri_runtime *runtime)
{
	const struct rouse_page *page = &runtime->page;
	struct rouse_chunk_entry *entries = (struct rouse_chunk_entry *)(void *)inspect->first_look;
	const uint32_t at_once = RI_WINDOW_BYTES / sizeof *entries;

	if (page->chunk_count > runtime->chunk_count) {
		struct ri_chunk *chunks = ri_hidden_grow(runtime->chunks, page->chunk_count * sizeof *chunks);

		if (!chunks)
			return -ENOMEM;
		runtime->chunks = chunks;
		runtime->chunk_count = page->chunk_count;
	}
	for (uint32_t i = 0; i < page->chunk_count; i += at_once) {
		uint32_t n = page->chunk_count - i < at_once ? page->chunk_count - i : at_once;
		uint64_t address = page->address + page->off_chunks + (uint64_t)i * sizeof *entries;

		if (ri_memory_read(&inspect->memory, address, entries, n * sizeof *entries) < 0)
			return RI_UNREADABLE;
		for (uint32_t j = 0; j < n; j++) {
			if (memcmp(&runtime->chunks[i + j].entry, &entries[j], sizeof *entries) != 0)
				runtime->n_spans = 0;
			if (!take_chunk(&runtime->chunks[i + j], &entries[j]))
				runtime->told = false;
		}
	}
	return 0;
}

static bool remember_slots(struct ri_runtime *runtime, struct ri_chunk *chunk)
{
	if (chunk->seen)
		return true;
	if (chunk->entry.cells > RI_SLOTS_MAX - runtime->slots)
		return false;
	chunk->seen = calloc(chunk->entry.cells ? chunk->entry.cells : 1, sizeof *chunk->seen);
	if (chunk->seen)
		runtime->slots += chunk->entry.cells;
	return chunk->seen != NULL;
}

/*
 * How many slots of the chunk are to be looked at. The tasks of a core have
 * been told once and for all; resources are few, and wheels are counted by them.
 */
static uint32_t slots_of(const struct rouse_inspect *inspect, const struct ri_chunk *chunk)
{
	bool is_told = inspect->core && !inspect->look.keyframe && chunk->entry.kind == ROUSE_CHUNK_TASK;

	return chunk->entry.kind && !is_told ? chunk->entry.cells : 0;
}

/* Where a core was cut, a window may end: then as much of it as there is. False: nothing is. */
static bool narrow(const struct rouse_inspect *inspect, const struct ri_chunk *chunk, uint32_t first, uint32_t *n)
{
	uint8_t byte;

	for (; inspect->core && *n > 0; *n /= 2) {
		uint64_t end = chunk->entry.address + (uint64_t)chunk->entry.stride * (first + *n);

		if (ri_core_read(inspect->core, end - 1, &byte, 1) == 0)
			break;
	}
	return *n > 0;
}

/* The next window of the runtime's chunks: 1, 0 when there is none, or -errno. */
static int step_window(struct rouse_inspect *inspect, struct ri_runtime *runtime)
{
	struct ri_look *look = &inspect->look;
	struct ri_chunk *chunk;
	int rc = RI_UNREADABLE;

	while (look->chunk < runtime->chunk_count && look->slot >= slots_of(inspect, &runtime->chunks[look->chunk])) {
		look->chunk++;
		look->slot = 0;
	}
	if (look->chunk == runtime->chunk_count)
		return 0;
	chunk = &runtime->chunks[look->chunk];
	uint32_t n = RI_WINDOW_BYTES / chunk->entry.stride, left = chunk->entry.cells - look->slot;

	n = n < left ? n : left;
	n = n < RI_WINDOW_SLOTS ? n : RI_WINDOW_SLOTS;
	if (narrow(inspect, chunk, look->slot, &n) && remember_slots(runtime, chunk))
		rc = chunk->entry.kind == ROUSE_CHUNK_TASK ?
			     ri_tasks_window(inspect, runtime, chunk, look->slot, n) :
			     ri_resources_window(inspect, runtime, chunk, look->slot, n);
	if (rc < 0)
		return rc;
	look->slot += n;
	if (rc == RI_UNREADABLE) {
		look->complete = false;
		look->slot = chunk->entry.cells; /* the rest of it will not be better */
	}
	return 1;
}

/* ------------------------------------------------------------- the course */

/*
 * Names of tasks that ended stay in the string table until a keyframe begins it
 * anew. A stream without keyframes gets one when they have become the most of it.
 */
static bool strings_have_outgrown(const struct ri_runtime *runtime)
{
	enum { ENOUGH = 1 << 20, FACTOR = 4 };

	return runtime->strings.text_used > ENOUGH && runtime->strings.text_used / FACTOR > runtime->keyframe_text;
}

static int begin_generation(struct rouse_inspect *inspect, struct ri_runtime *runtime)
{
	struct ri_look *look = &inspect->look;
	int rc;

	ri_memory_refill(&inspect->memory);
	look->chunk = look->slot = look->tasks = look->torn = look->n_wheels = 0;
	look->n_job_tids = look->n_descriptors = 0;
	look->complete = !inspect->core || ri_core_is_whole(inspect->core);
	memset(look->in_transit, 0, sizeof look->in_transit);
	memset(look->queues, 0, sizeof look->queues);
	memset(look->worker_tids, 0, sizeof look->worker_tids);
	rc = update_chunks(inspect, runtime);
	if (rc < 0)
		return rc;
	if (rc > 0)
		look->complete = false;
	look->keyframe = !look->opts.changes_only || !runtime->told || strings_have_outgrown(runtime);
	if (look->keyframe) {
		ri_strings_reset(&runtime->strings);
	} else if (inspect->core) {
		look->tasks = runtime->last.tasks;
		look->torn = runtime->last.torn;
		look->complete = look->complete && runtime->last.complete;
	}
	/* What a site is called can wait for the next look; that its table could not be read has to be said. */
	if (ri_sites_update(&runtime->sites, &inspect->memory, &runtime->page) < 0)
		look->complete = false;
	rc = ri_publish_begin(inspect, runtime, runtime->page.state);
	return rc < 0 ? rc : ri_publish_sites(inspect, runtime);
}

/* Memory that could not be read is said at the end; only the way out can fail. */
static int settle(struct rouse_inspect *inspect, int rc)
{
	if (rc == RI_UNREADABLE)
		inspect->look.complete = false;
	return rc < 0 ? rc : 0;
}

/* All chunks have been seen. */
static int begin_events(struct rouse_inspect *inspect, struct ri_runtime *runtime)
{
	int rc = ri_publish_rows(inspect, runtime);

	if (rc == 0)
		rc = settle(inspect, ri_workers_send(inspect, runtime));
	if (rc == 0)
		rc = settle(inspect, ri_queues_send(inspect, runtime));
	if (rc == 0)
		rc = ri_threads_send(inspect, runtime);
	if (rc == 0)
		rc = settle(inspect, ri_drops_send(inspect, runtime));
	if (rc == 0)
		rc = ri_sockets_send(inspect, runtime);
	if (rc == 0)
		rc = ri_events_begin(inspect, runtime);
	inspect->look.rings = rc > 0 ? (uint32_t)rc : 0;
	inspect->look.ring = 0;
	return rc < 0 ? rc : 0;
}

static int end_generation(struct rouse_inspect *inspect, struct ri_runtime *runtime)
{
	int rc = inspect->look.rings ? ri_events_end(inspect, runtime) : 0;

	if (rc == 0)
		rc = settle(inspect, ri_histograms_send(inspect, runtime));
	if (rc == 0)
		rc = ri_publish_removed(inspect);
	if (rc == 0)
		rc = ri_publish_end(inspect, runtime);
	runtime->told = rc == 0;
	runtime->last.tasks = inspect->look.tasks;
	runtime->last.torn = inspect->look.torn;
	runtime->last.complete = inspect->look.complete;
	if (inspect->look.keyframe)
		runtime->keyframe_text = runtime->strings.text_used;
	return rc;
}

/* The last word about a runtime: an empty keyframe. */
static int take_leave(struct rouse_inspect *inspect, struct ri_runtime *runtime)
{
	int rc = 0;

	if (runtime->told) {
		inspect->look.keyframe = inspect->look.complete = true;
		inspect->look.tasks = inspect->look.torn = 0;
		rc = ri_publish_begin(inspect, runtime, ROUSE_RUNTIME_STOPPED);
		if (rc == 0)
			rc = ri_publish_end(inspect, runtime);
	}
	ri_runtime_fini(runtime);
	return rc;
}

static int begin_runtime(struct rouse_inspect *inspect, struct ri_runtime *runtime)
{
	ri_memory_refill(&inspect->memory);
	if (runtime->present &&
		ri_page_read(&inspect->memory, runtime->address, runtime->mapped, &runtime->page) < 0)
		runtime->present = false;
	if (!runtime->present) {
		inspect->look.runtime++;
		return take_leave(inspect, runtime);
	}
	if (!inspect->is_process)
		runtime->newest_ns = ri_workers_newest(inspect, runtime);
	inspect->look.phase = RI_PHASE_CHUNKS;
	return begin_generation(inspect, runtime);
}

static int step(struct rouse_inspect *inspect, struct ri_runtime *runtime)
{
	struct ri_look *look = &inspect->look;
	int rc;

	switch (look->phase) {
	case RI_PHASE_BEGIN:
		return begin_runtime(inspect, runtime);
	case RI_PHASE_CHUNKS:
		rc = step_window(inspect, runtime);
		if (rc != 0)
			return rc;
		look->phase = RI_PHASE_RINGS;
		return begin_events(inspect, runtime);
	case RI_PHASE_RINGS:
		rc = ri_early_send(inspect, runtime);
		if (rc != 0)
			return rc;
		if (look->ring < look->rings)
			return ri_events_send(inspect, runtime, look->ring++);
		look->phase = RI_PHASE_REFERENCES;
		return ri_references_begin(inspect, runtime);
	default:
		rc = ri_references_step(inspect, runtime);
		if (rc != 0)
			return rc;
		look->phase = RI_PHASE_BEGIN;
		look->runtime++;
		return end_generation(inspect, runtime);
	}
}

static void abandon(struct rouse_inspect *inspect)
{
	inspect->look.active = false;
	inspect->tasks.n = inspect->awaits.n = inspect->resources.n = inspect->holders.n = 0;
	inspect->n_removed[0] = inspect->n_removed[1] = 0;
	for (size_t i = 0; i < RI_RUNTIMES_MAX; i++)
		inspect->runtimes[i].told = false;
}

static __attribute__((noinline)) int step_below(struct rouse_inspect *inspect)
{
	struct ri_look *look = &inspect->look;
	int rc;

	look->stack = (uintptr_t)__builtin_frame_address(0);
	if (!look->active)
		return 0;
	while (look->runtime < RI_RUNTIMES_MAX && !inspect->runtimes[look->runtime].used)
		look->runtime++;
	if (look->runtime == RI_RUNTIMES_MAX) {
		look->active = false;
		return 0;
	}
	rc = step(inspect, &inspect->runtimes[look->runtime]);
	if (rc < 0)
		abandon(inspect);
	return rc < 0 ? rc : 1;
}

/* What the caller keeps in registers is stored above what a search of one's own memory leaves out. */
int ri_look_step(struct rouse_inspect *inspect)
{
	__builtin_unwind_init();
	return step_below(inspect);
}

static int open_way_out(struct rouse_inspect *inspect, rouse_frame_fn frame, void *arg)
{
	inspect->out = (struct ri_out){ frame, arg, inspect->scratch };
	return ri_look_find(inspect);
}

int ri_look_hello(struct rouse_inspect *inspect, const char *source, rouse_frame_fn frame, void *arg)
{
	int rc = open_way_out(inspect, frame, arg);

	return rc < 0 ? rc : ri_publish_hello(inspect, source);
}

int ri_look_begin(struct rouse_inspect *inspect, const struct rouse_look_opts *opts, rouse_frame_fn frame, void *arg)
{
	struct ri_look *look = &inspect->look;
	int rc;

	if (opts->size < sizeof *opts || (opts->n_watch && !opts->watch) || opts->n_watch > RI_WATCH_MAX ||
		(opts->n_detail && !opts->detail) || opts->n_detail > RI_DETAIL_MAX)
		return -EINVAL;
	if (look->active)
		abandon(inspect);
	rc = open_way_out(inspect, frame, arg);
	if (rc < 0)
		return rc;
	look->opts = *opts;
	for (size_t i = 0; i < opts->n_watch; i++)
		look->watch[i] = opts->watch[i];
	look->opts.watch = look->watch;
	for (size_t i = 0; i < opts->n_detail; i++)
		look->detail[i] = opts->detail[i];
	look->opts.detail = look->detail;
	look->runtime = 0;
	look->phase = RI_PHASE_BEGIN;
	rc = inspect->said_hello ? 0 : ri_publish_hello(inspect, opts->source);
	look->active = rc == 0;
	return rc;
}
