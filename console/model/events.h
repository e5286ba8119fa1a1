/* SPDX-License-Identifier: MIT */
/*
 * The newest records of the runtimes' rings (level 2): spawns, polls, wakes,
 * ends, parks, steals, one by one. Part of the model: read through it, written
 * by cn_model_apply(). Kept only while somebody asks for it: else they are
 * counted (cn_model_events()) and passed over.
 *
 * Of each ring so many are kept; the oldest give way. Records that were
 * overwritten in the program before they were read stand as a gap in their
 * place: where a gap is, nothing is known of what that ring's thread did.
 *
 *     struct cn_event_list list = { 0 };
 *     struct cn_event_filter filter = { .task = id };
 *
 *     if (cn_events_list(model, &filter, &list) == 0)
 *             for (size_t i = 0; i < list.n; i++)
 *                     use(list.at[i]);
 *     cn_event_list_fini(&list);
 */
#ifndef CN_MODEL_EVENTS_H
#define CN_MODEL_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rouse/layout.h>

struct cn_model;

enum {
	CN_EVENTS_OF_RING = 1 << 16, /* kept at most */
	CN_EVENTS_IN_ALL = 1 << 20,  /* of all rings together, 40 bytes each; later rings then keep fewer */
	CN_EVENT_GAP = ROUSE_EVENT_NONE
};

struct cn_event {
	uint64_t number; /* 1, 2, ... as they came, over all rings */
	uint64_t ns;     /* CLOCK_MONOTONIC; of a poll, a park and a gap its start */
	uint64_t task;   /* 0 = none */
	uint64_t arg;    /* as in rouse/layout.h; of a poll, a park and a gap how many ns it took */
	uint32_t arg32;  /* as in rouse/layout.h; of a gap how many records are missing, at most 2^32 - 1 */
	uint16_t worker; /* index; CN_NO_WORKER = a thread that is none */
	uint8_t kind;    /* enum rouse_event_kind, or CN_EVENT_GAP */
	uint8_t runtime;
};

/* When it was over: its own time if it took none. */
uint64_t cn_event_end_ns(const struct cn_event *event);

/* From now on, or no more: then all that was kept is forgotten. */
void cn_model_keep_events(struct cn_model *model, bool keep);
bool cn_model_keeps_events(const struct cn_model *model);
/* The number of the newest one, 0 = none. */
uint64_t cn_events_newest(const struct cn_model *model);
/* Those that came and found no room at all: of too many rings, or there is no memory. */
uint64_t cn_events_unkept(const struct cn_model *model);

/*
 * From when to when its kept records tell all that a worker did, but for gaps.
 * Records may be older: a ring still has those of a time when somebody else
 * asked, but nothing of what came between. since_ns UINT64_MAX = there is none.
 */
struct cn_events_known {
	uint64_t since_ns, until_ns;
};
struct cn_events_known cn_events_known(const struct cn_model *model, size_t runtime, uint32_t worker);

/* Tasks that worker `thief` took from worker `victim` since events are kept, those that are no longer kept included. */
uint64_t cn_events_stolen(const struct cn_model *model, size_t runtime, uint32_t thief, uint32_t victim);

/* All of it has to be true; what is 0 is not asked. */
struct cn_event_filter {
	uint64_t after;          /* number: only newer ones, for those who read on */
	uint64_t from_ns, to_ns; /* it began before to_ns, and was not over before from_ns */
	uint64_t task;           /* what happened to that task; no gaps */
	uint64_t by;             /* what that task, or enum rouse_wake_source, woke or spawned */
	uint32_t kinds;          /* 1 << kind, of each */
	uint32_t worker;         /* index + 1; its gaps, too */
	uint32_t runtime;        /* index + 1 */
};

struct cn_event_list {
	const struct cn_event **at; /* by time; of equal times as they came. Borrowed until the next frame */
	size_t n, capacity;
	uint64_t overwritten; /* newer than filter.after, and no longer kept here, of whatever kind */
};

/* Fills the list anew. 0 or -ENOMEM. */
int cn_events_list(const struct cn_model *model, const struct cn_event_filter *filter, struct cn_event_list *list);
void cn_event_list_fini(struct cn_event_list *list);

#endif
