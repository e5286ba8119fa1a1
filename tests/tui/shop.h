/* SPDX-License-Identifier: MIT */
/*
 * What happens over time, from looks and events made by hand: a shop with two
 * workers. `main` has spawned `accept`, that three `serve`, and `log`, which all
 * of them wake. One serve has ended; what it had spawned goes on.
 */
#ifndef SHOP_H
#define SHOP_H

#include "looks.h"
#include "set.h"

enum { MAIN = 20, ACCEPT, SERVE_A, SERVE_B, SERVE_C, LOG, ENDED };
enum { TID = 4001 };
enum { SEATS = 5, CLEANING, LINE_OUT };

/* Six looks, a second apart, the last one at 20 s; with events, ten seconds of them came with that. */
enum given { WITHOUT_EVENTS, KEEPS_NONE_YET, WITH_EVENTS };
void open_set(struct set *set, int rows, int cols, bool ascii, int given);
/* One more look at the tasks and workers, without events. */
void look_once_more(struct cn_model *model, uint64_t now_ns, unsigned int looks);
/* Seats in the shop, of which two are taken; a job; a line to somebody. */
void look_at_resources(struct cn_model *model, uint64_t now_ns);

#endif
