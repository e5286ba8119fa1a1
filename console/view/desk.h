/* SPDX-License-Identifier: MIT */
/*
 * Several programs in one screen: a seat for each that is open, and behind them
 * the list of those that can be watched. A machine without devices, as the ui.
 *
 *               Enter                      ] of keymap.h
 *     list -------------> seat 1 <--------------------> seat 2 ...
 *      ^                    |
 *      +---- Esc, L --------+   a program that has ended and comes back: R
 */
#ifndef CN_VIEW_DESK_H
#define CN_VIEW_DESK_H

#include "view/driver.h"
#include "view/picker.h"

struct cn_seat {
	struct cn_screen_opts opts;
	struct cn_driver driver;
	bool owned;       /* the session is closed with it */
	int back_pid;     /* of the program, after it has ended and begun anew; 0 = not seen */
	int *before;      /* pids of programs that were there when it was opened: none of them is the program anew */
	size_t n_before;
};

struct cn_desk {
	const struct cn_screen_opts *opts;
	struct cn_reach reach;
	struct cn_seat *seats[CN_SEATS_MAX];
	size_t n, here;
	bool on_list;
	struct cn_picker picker;
	struct cn_canvas canvas; /* of the list */
	struct cn_tabs tabs;
	uint64_t listed_ns; /* when the list was last looked at */
	bool hurried; /* what is drawn answers a key, while a look waits for its own frame: that need not be in it yet */
	int rows, cols;
};

/* opts: of all seats; its session, borrowed, is the first one's, if it is not NULL. 0 or -ENOMEM. */
int cn_desk_init(struct cn_desk *desk, const struct cn_screen_opts *opts, const struct cn_reach *reach, int rows, int cols);
void cn_desk_fini(struct cn_desk *desk);
/* One more seat, which takes the session over if `owned`; it is the one in front. 0, -ENOMEM or -ENOSPC. */
int cn_desk_seat(struct cn_desk *desk, struct cn_session *session, bool owned);
/* The one in front, NULL = the list is. */
struct cn_seat *cn_desk_front(struct cn_desk *desk);
/* Once a second or so: looks who is there, if that is of interest. True: there is something new to show. */
bool cn_desk_tick(struct cn_desk *desk, uint64_t now_ns);
/* Is there a reason for ticks? */
bool cn_desk_ticks(const struct cn_desk *desk);
/* Takes in what the sessions have. Likewise. */
bool cn_desk_pump(struct cn_desk *desk);
const struct cn_canvas *cn_desk_draw(struct cn_desk *desk, uint64_t now_ns);
int cn_desk_resize(struct cn_desk *desk, int rows, int cols);
enum cn_request cn_desk_key(struct cn_desk *desk, uint32_t key, uint64_t now_ns);

#endif
