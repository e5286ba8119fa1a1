/* SPDX-License-Identifier: MIT */
/* What only the files of this room know of the model. */
#ifndef CN_MODEL_PRIVATE_H
#define CN_MODEL_PRIVATE_H

#include <rouse.pb-c.h>

#include "model/ended.h"
#include "model/heat.h"
#include "model/model.h"
#include "model/pace.h"
#include "model/slots.h"
#include "model/tables.h"

enum {
	CN_RUNTIMES_MAX = 64,
	CN_WORKERS_MAX = 1025,
	CN_TASKS_LIMIT = 4 << 20,
	CN_RESOURCES_LIMIT = 1 << 20,
	CN_AWAITS_MAX = 4096, /* of one task */
	CN_WATCHED_MAX = 16,
	CN_THREADS_MAX = 4096,
	CN_DROPS_MAX = 4096,
	CN_HOLDERS_MAX = 1024, /* of one semaphore */
	CN_STACKS_MAX = 64,    /* of one runtime */
	CN_SYMBOLS_LIMIT = 1 << 16
};

/*
 * Rows of the look in progress carry its number, `shown.looks` + 1. What
 * describes the look itself waits in `next` until the look is whole.
 */
struct cn_runtime_state {
	struct cn_runtime shown;
	struct cn_runtime next; /* the members that GenerationBegin sets */
	bool open;              /* a generation has begun and not ended */
	bool keyframe;
	bool cut; /* something of it was left out here */
	uint32_t *touched; /* slots of tasks of which the look in progress has told something */
	size_t n_touched, touched_capacity;
	struct cn_strings strings;
	struct cn_sites sites;
	/* evidence */
	struct cn_thread *threads;
	uint32_t n_threads, threads_look; /* the last look that brought any */
	struct cn_drop *drops; /* of the last look that brought any */
	uint32_t n_drops;
	uint32_t queues_look;
	struct cn_stack stacks[CN_STACKS_MAX];
	struct cn_heat heat;
};

struct cn_watched {
	uint64_t task;
	struct cn_histogram histogram;
};

struct cn_model {
	struct cn_target target;
	struct cn_runtime_state *runtimes[CN_RUNTIMES_MAX];
	struct cn_runtime_state *current; /* of the generation in progress, NULL between them */
	struct cn_slots tasks;
	struct cn_slots resources;
	struct cn_slots waits; /* of resources that are not known (yet): see waits.c */
	struct cn_paces paces;
	struct cn_ended_tasks ended;
	struct cn_watched watched[CN_WATCHED_MAX];
	struct cn_detail details[CN_DETAILS_MAX];
	struct cn_socket sockets[CN_DETAILS_MAX];
	struct cn_slots symbols;
	struct cn_kernel_state *kernel; /* NULL: it was not asked */
	uint64_t generations;
	uint64_t now_ns;
	uint64_t lost_events, lost_generations;
	uint64_t events[ROUSE_EVENT_MAX];
	bool keeps_events;
	uint64_t keeps_events_ns; /* since that look */
	struct cn_event_store *kept_events; /* NULL: none have come */
	void (*tell_found)(void *arg, const Rouse__V1__Frame *frame); /* NULL: nobody records */
	void *found_arg;
	int error;
	char error_text[256];
};

/* The i-th entry of a column, or `absent` if the column is. */
#define CN_COLUMN(table, name, i, absent) ((table)->n_##name ? (table)->name[i] : (absent))

static inline uint32_t cn_look_in_progress(const struct cn_runtime_state *runtime)
{
	return runtime->shown.looks + 1;
}

/* All answer 0 or -ENOMEM. */
int cn_begin_generation(struct cn_model *model, const Rouse__V1__GenerationBegin *begin);
void cn_end_generation(struct cn_model *model, const Rouse__V1__GenerationEnd *end);
int cn_apply_strings(struct cn_runtime_state *runtime, const Rouse__V1__Strings *strings);
int cn_apply_sites(struct cn_runtime_state *runtime, const Rouse__V1__Sites *sites);
int cn_apply_workers(struct cn_model *model, struct cn_runtime_state *runtime, const Rouse__V1__Workers *workers);
int cn_apply_tasks(struct cn_model *model, struct cn_runtime_state *runtime, const Rouse__V1__Tasks *tasks);
int cn_apply_awaits(struct cn_model *model, struct cn_runtime_state *runtime, const Rouse__V1__AwaitFrames *awaits);
int cn_apply_resources(struct cn_model *model, struct cn_runtime_state *runtime, const Rouse__V1__Resources *resources);
int cn_apply_histograms(struct cn_model *model, struct cn_runtime_state *runtime,
	const Rouse__V1__Histograms *histograms);
/* waits.c. Its waits are counted where they point to, or no more; a resource takes those that were there before it. */
void cn_waits_init(struct cn_slots *waits);
int cn_waits_join(struct cn_model *model, const struct cn_task *task);
void cn_waits_leave(struct cn_model *model, const struct cn_task *task);
void cn_waits_found(struct cn_model *model, struct cn_resource *resource);
/* Among tasks in that state (its number + 1) from now on; 0 = among none. */
void cn_count_task(const struct cn_model *model, struct cn_task *task, uint8_t counted);
void cn_remove_task(struct cn_model *model, uint64_t id);
void cn_remove_resource(struct cn_model *model, uint64_t serial);
/* Bodies that are evidence; others are passed over. */
int cn_apply_evidence(struct cn_model *model, struct cn_runtime_state *runtime, const struct Rouse__V1__Frame *frame);
/* Look `look` is whole: threads that it did not bring have ended, if it brought any. */
void cn_settle_threads(struct cn_runtime_state *runtime, uint32_t look);
void cn_apply_stacks(struct cn_runtime_state *runtime, const Rouse__V1__Stacks *rows);
int cn_apply_symbols(struct cn_model *model, const struct cn_runtime_state *runtime, const Rouse__V1__Symbols *rows);
void cn_symbols_init(struct cn_slots *symbols);
void cn_symbols_fini(struct cn_slots *symbols);
void cn_kernel_free(struct cn_kernel_state *kernel);
/* Counts them, and keeps them if somebody asks for that. */
void cn_apply_events(struct cn_model *model, const Rouse__V1__Events *events);
void cn_events_free(struct cn_model *model);

#endif
