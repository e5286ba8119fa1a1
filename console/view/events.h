/* SPDX-License-Identifier: MIT */
/* Ring events in words. */
#ifndef CN_VIEW_EVENTS_H
#define CN_VIEW_EVENTS_H

#include "view/page.h"

/* Why there are none to show, and what to do about it. */
const char *cn_events_hint(const struct cn_scene *scene);
/*
 * What happened to a task, the newest first: spawned, woken, polled, ended; and,
 * where the kernel is asked, what its polls were blocked by, all in one order of
 * time, for both have the same clock.
 */
void cn_page_events(struct cn_page *page, const struct cn_scene *scene, uint64_t task);

#endif
