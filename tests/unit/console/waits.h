/* SPDX-License-Identifier: MIT */
/*
 * A program of tasks that wait, said in a few lines: who waits how for which
 * resource, who holds what, what a search of memory finds. Looked at as often
 * as a test likes, with everything standing still unless the test moves it.
 */
#ifndef WAITS_H
#define WAITS_H

#include "tables.h"

enum { WAITS_MAX = 16, TASKS_MAX = 16, RESOURCES_MAX = 8, HOLDERS_MAX = 8, PLACES_MAX = 8 };

struct wait {
	uint32_t op;
	uint64_t on;  /* resource, or task for a join */
	uint64_t arg; /* ACQUIRE: permits */
	uint64_t since_ns;
	bool granted;
};

struct actor {
	uint64_t id;
	struct wait waits[3]; /* op 0 ends; several: a select */
	bool all;             /* ... or all of them */
	uint32_t state;       /* 0 = pending */
	uint32_t kind, flags;
	uint32_t wakers;       /* + 1; 0 = one */
	uint32_t own_wakers;   /* in its own frame */
	uint32_t stamp, polls; /* 0 = 5 and 2 */
	uint64_t edge_ns, enqueue_ns;
	bool torn;
};

struct thing {
	uint64_t serial;
	uint32_t kind, flags;
	uint64_t value, capacity, owner, since_ns, side_a, side_b, last_a, last_b;
	uint32_t granted;
	struct holding {
		uint64_t task, permits, since_ns;
	} holders[HOLDERS_MAX]; /* task 0 ends */
};

struct found {
	uint64_t id; /* 0 = nothing is said */
	struct {
		uint64_t task, count; /* task 0 = elsewhere */
	} places[PLACES_MAX];
	size_t n;
	bool partial;
};

struct play {
	struct cn_model *model;
	struct cn_findings *findings;
	struct cn_diagnose_opts opts;
	struct actor actors[TASKS_MAX]; /* id 0 ends */
	struct thing things[RESOURCES_MAX];
	struct found found[4];
	uint64_t in_transit;
	bool incomplete;
	uint64_t now_ns;
	bool wanted; /* what diagnosis wants is found only if it was wanted */
};

/* Setup and teardown of a cmocka test; the state is the play. */
int play_begin(void **state);
int play_end(void **state);
/* Looks again and again, a second apart. */
void play_look(struct play *play, int times);
const struct cn_finding *play_finding(const struct play *play, enum cn_finding_code code);
/* Looks four times; the finding then. */
const struct cn_finding *play_out(struct play *play, enum cn_finding_code code);
/* Does diagnosis want to know more of it? */
bool play_wants(const struct play *play, uint64_t id);

#endif
