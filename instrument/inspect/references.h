/* SPDX-License-Identifier: MIT */
/*
 * Where in the program's memory the handle of a resource, or the wakers of a
 * task, stand: what a garbage collector learns by marking, found on demand by
 * a conservative search. Two verdicts rest on "nowhere", so finding too little
 * must not happen; finding too much only keeps them silent.
 *
 * Counted is
 *   - for a resource, each aligned word that points into its slot;
 *   - for a task, each aligned pair {cell, vtable of task wakers}; on a
 *     thread's stack the cell alone, since a compiler may store the halves of a
 *     waker apart there. A pair in a wait node is the task's own registration:
 *     it counts too, in whose frames it stands.
 *
 * Searched is all that can have been written (regions.h), and what is known of
 * threads' registers (registers.h). Left out is only
 *   - the runtime's own page: tables and records, no program writes there;
 *   - a resource's own slot: who gets at it through itself has it already;
 *   - free slots (id 0): given back, whatever they still hold;
 *   - in a task's slot what lies behind its frame: nobody's since the slot was taken;
 *   - memory of readers (hidden.h), which hold copies of all this;
 *   - the part of a stack that is not in use: below the stack pointer (and the
 *     128 bytes that a function may use there) of a thread that is clear in the
 *     sense of registers.h, and of a worker that sleeps between polls the part
 *     below its loop: its frames there are the runtime's, and what of the user's
 *     lies between is left over from polls. Only where the low end of the stack
 *     is known, and if the thread slept before and after the rest of that
 *     mapping was read; else it is read as well. Stacks that a program carves
 *     out of such a stack, below one of these threads, would be missed.
 * Freed memory of malloc cannot be told, nor ended futures in a live frame:
 * they count. Other resources' slots count: a job's argument, a oneshot's value.
 * Frames of a task that has ended count as elsewhere: its result may be a handle.
 *
 * What this cannot see: pointers that are encoded (xored, compressed, cut), and
 * one that moves. The program runs meanwhile, so a pointer can go from memory
 * that is still to be read to memory that has been. Therefore whoever concludes
 * from "nowhere" needs two complete searches (their generations differ) between
 * which no task concerned has moved (equal stamps); the second is made in the
 * next look. After that the same id is searched for every RI_SEARCH_AGAIN_NS,
 * as long as it is asked for.
 *
 * "Complete": all of the above was read, no limit was met, and no thread can
 * have had the pointer in a register all the time.
 */
#ifndef RI_REFERENCES_H
#define RI_REFERENCES_H

#include "inspect/look.h"
#include "inspect/registers.h"

enum {
	RI_REGIONS_MAX = 1 << 16,
	RI_SEARCH_WINDOW = 1 << 18, /* read at once; fits into a core's cache */
	RI_SEARCH_STEP = 1 << 20,   /* read in a step */
	RI_PLACES_MAX = 1024,
	RI_LOOSE_MAX = 1 << 13, /* found outside of slots: whose frame it is, is asked at the end */
	RI_BOXED_MAX = 1 << 16, /* frames outside of slots */
	RI_HITS_MAX = 1 << 20,
	RI_SEARCHES_AT_ONCE = 2 /* for an id, before it has to wait */
};
#define RI_SEARCH_BYTES_MAX (4ull << 30)
#define RI_SEARCH_NS_MAX 2000000000ull /* on a CPU */
#define RI_SEARCH_AGAIN_NS 5000000000ull

struct ri_needle {
	uint64_t id;
	uint64_t address; /* of the slot */
	uint64_t bytes;   /* resource: of the slot; task: 1, a waker points to its first byte */
	bool is_task;
};

struct ri_place {
	uint32_t needle;
	uint64_t task;
	uint64_t count;
};

/* A run of slots, by address. */
struct ri_slots {
	uint64_t address, end;
	uint32_t stride, kind;
};

struct ri_boxed {
	uint64_t address; /* of the frame */
	uint64_t task;
};

/* A search in progress, and what was searched for before. In hidden memory. */
struct ri_references {
	struct {
		uint64_t id;
		uint64_t last_ns;
		uint32_t searches;
	} past[RI_DETAIL_MAX];
	bool active;
	bool complete;
	uint64_t bytes_left, ns_left;
	uint64_t vtable;

	struct ri_needle needles[RI_DETAIL_MAX];
	size_t n_needles;
	uint64_t low, span; /* all addresses that are searched for lie in [low, low + span) */

	/* the haystack */
	size_t n_regions, region;
	uint64_t cursor, end; /* of the region: what is still to be read */
	uint64_t held_to;     /* up to here its pages are known to hold something */
	uint64_t left_out;    /* its beginning that was left out ends here; 0 = nothing was */
	size_t sleeper;       /* whose stack that is: index into standers */
	bool is_stack;
	bool entered;
	size_t n_standers, n_standers_after;
	uint64_t half; /* address behind the last word, if that was the cell of needle half_needle; else 0 */
	uint32_t half_needle;

	/* the finds */
	struct ri_place places[RI_PLACES_MAX];
	size_t n_places, last_place;
	struct {
		uint64_t address;
		uint32_t needle;
	} loose[RI_LOOSE_MAX];
	size_t n_loose, hits;
	struct ri_slots *slots;
	size_t n_slots;
	size_t n_boxed;
	uint64_t known_slot; /* as last read, 0 = none */
	uint64_t known_end;  /* finds at or behind it are nobody's */
	uint64_t known_task;

	struct ri_region regions[RI_REGIONS_MAX];
	struct ri_stander standers[RI_STANDERS_MAX], standers_after[RI_STANDERS_MAX];
	struct ri_boxed boxed[RI_BOXED_MAX];
};

/* All rows of the runtime have been seen: is there something to be searched for? 0 or -errno. */
int ri_references_begin(struct rouse_inspect *inspect, struct ri_runtime *runtime);
/* 1: to be continued; 0: done, rows were sent; or -errno of the way out. */
int ri_references_step(struct rouse_inspect *inspect, struct ri_runtime *runtime);
void ri_references_free(struct ri_references *references);

/* -------- haystack.c: what is read */
/* Gets hold of regions and threads. */
void ri_haystack_begin(struct rouse_inspect *inspect, struct ri_references *references);
/* The next piece, at most RI_SEARCH_STEP bytes: false: there is none. */
bool ri_haystack_step(struct rouse_inspect *inspect, struct ri_runtime *runtime, struct ri_references *references);
/* Registers; and whether anything could have stayed unseen. */
void ri_haystack_end(struct rouse_inspect *inspect, struct ri_references *references);

/* -------- needles.c: what is found in it */
void ri_needles_scan(struct rouse_inspect *inspect, const struct ri_runtime *runtime, struct ri_references *references,
	const uint64_t *words, size_t n, uint64_t address);
/* A word that stands nowhere in memory: a register. */
void ri_needles_word(struct ri_references *references, uint64_t word);
/* Finds in frames that lie outside of slots become their tasks'. */
void ri_needles_settle(
	struct rouse_inspect *inspect, const struct ri_runtime *runtime, struct ri_references *references);

#endif
