/* SPDX-License-Identifier: MIT */
/*
 * Events of one worker as a strip of cells, each a piece of time: how much of it
 * was in polls and of which spawn site most, how much parked, in the driver,
 * how much of it is not known. What the timeline draws, without a canvas.
 */
#ifndef CN_VIEW_STRIPS_H
#define CN_VIEW_STRIPS_H

#include "model/events.h"
#include "model/model.h"

enum cn_strip_part { CN_STRIP_PARKED, CN_STRIP_DRIVER, CN_STRIP_GAP, CN_STRIP_PARTS };

struct cn_strip_cell {
	uint64_t poll_ns;                 /* in polls, of all sites */
	uint64_t part_ns[CN_STRIP_PARTS]; /* not in polls */
	uint64_t site_ns;                 /* of the one site that had most */
	uint32_t site;                    /* 0 = not known */
	bool known;                       /* the ring tells of this time at all */
};

struct cn_window {
	uint64_t from_ns, span_ns;
	uint32_t cells;
};

/* Where a task was spawned, even if it has ended, as far as events tell. 0 = not known. */
struct cn_spawns {
	struct cn_spawn {
		uint64_t task;
		uint32_t site;
	} *at;
	size_t n;
};
/* 0 or -ENOMEM. */
int cn_spawns_build(const struct cn_model *model, size_t runtime, struct cn_spawns *ret_spawns);
void cn_spawns_free(struct cn_spawns *spawns);
uint32_t cn_spawn_site(const struct cn_model *model, const struct cn_spawns *spawns, uint64_t task);

/*
 * Fills `cells`, window->cells of them, from events in any order: of that worker
 * alone, of which `known` is of. 0 or -ENOMEM.
 */
int cn_strip_fill(const struct cn_model *model, const struct cn_spawns *spawns, const struct cn_worker *worker,
	const struct cn_event_list *events, struct cn_events_known known, const struct cn_window *window,
	struct cn_strip_cell *cells);
/* [from, to) of a cell. */
uint64_t cn_window_cell_ns(const struct cn_window *window, uint32_t cell);

#endif
