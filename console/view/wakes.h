/* SPDX-License-Identifier: MIT */
/*
 * Who wakes whom, by spawn sites: from the wake that each task remembers as its
 * last (level 1), and, while events are recorded, from every single one.
 */
#ifndef CN_VIEW_WAKES_H
#define CN_VIEW_WAKES_H

#include "view/page.h"

/* In place of a spawn site: what is no task has its enum rouse_wake_source below this. */
enum { CN_WAKER_SITES = 16, CN_WAKER_ENDED = CN_WAKER_SITES - 1 /* a task that is gone, and nobody knows its site */ };

struct cn_wake_pair {
	uint64_t key;
	uint32_t from; /* CN_WAKER_SITES + spawn site, or what is below */
	uint32_t to;   /* spawn site */
	uint64_t tasks; /* that were last woken so */
	uint64_t wakes; /* that were recorded */
	uint64_t task;  /* one that was woken so: the last one known */
	uint64_t waker; /* and by whom, 0 = no task */
	uint64_t latest_ns;
	uint8_t runtime;
};

struct cn_wakes {
	struct cn_wake_pair *pairs;
	size_t n;
	bool partial; /* some are left out: too many pairs */
};

/* 0, or -ENOMEM: then there are none. */
int cn_wakes_build(const struct cn_model *model, struct cn_wakes *wakes);
void cn_wakes_free(struct cn_wakes *wakes);

/* Of one task: by whom it was woken, and whom it woke, as far as events tell. Nothing if none are recorded. */
void cn_page_wakes(struct cn_page *page, const struct cn_scene *scene, uint64_t task);

#endif
