/* SPDX-License-Identifier: MIT */
/*
 * The one table of keys: what they do, the bar at the bottom and the help are
 * made of it.
 */
#ifndef CN_VIEW_KEYMAP_H
#define CN_VIEW_KEYMAP_H

#include "term/key.h"

/*
 * Action, keys, word in the bar ("" = not there), what the help says. The bar
 * takes them in this order while there is room.
 */
#define CN_ACTIONS(X)                                                                                                  \
	X(OPEN, "Enter", "open", "open the task of this row, or the resource")                                         \
	X(BACK, "Esc", "back", "back; clears the filter of a table")                                                   \
	X(WHY, "w", "why", "why it does not run: the whole chain, and the command for a shell")                        \
	X(HELP, "? h F1", "help", "these keys")                                                                        \
	X(QUIT, "q F10 C-c", "quit", "back from a page; quit from a table")                                            \
	X(FILTER, "f \\ F4", "filter", "only rows that match: words, fields (see below); Esc clears")                  \
	X(PAUSE, "Space", "pause", "freeze what is shown, and go on")                                                  \
	X(SORT, "s F6", "sort", "choose the column to sort by")                                                        \
	X(COLUMNS, "c F2", "columns", "choose columns: shown, hidden, in which order")                                 \
	X(INVERT, "i I", "invert", "turn the order round")                                                             \
	X(SEARCH, "/ F3", "search", "go to a row that has this text")                                                  \
	X(SEARCH_NEXT, "n", "", "next match")                                                                          \
	X(SEARCH_BACK, "N", "", "match before")                                                                        \
	X(SORT_LEFT, "< Left", "", "sort by the column to the left")                                                   \
	X(SORT_RIGHT, "> Right", "", "sort by the column to the right")                                                \
	X(RATES, "t", "", "what rates are over: the last look, the last 10 s, since attach")                          \
	X(MARK, "m", "", "mark this row, or no more; marks stay with their task")                                      \
	X(MARKED, "*", "", "marked rows first; marked rows only; all as they come")                                    \
	X(UNMARK, "M", "", "mark no row")                                                                              \
	X(DOWN, "j Down", "", "one row down")                                                                          \
	X(UP, "k Up", "", "one row up")                                                                                \
	X(PAGE_DOWN, "PgDn C-d C-f", "", "a page down")                                                                \
	X(PAGE_UP, "PgUp C-u C-b", "", "a page up")                                                                    \
	X(FIRST, "g Home", "", "first row")                                                                            \
	X(LAST, "G End", "", "last row")                                                                               \
	X(STEP_BACK, "[", "", "of a recording: halt, and one look back")                                               \
	X(STEP_ON, "]", "", "and one look on; Space plays on")                                                         \
	X(LEAP_BACK, "{", "", "ten looks back")                                                                        \
	X(LEAP_ON, "}", "", "ten looks on")                                                                            \
	X(TO_START, "(", "", "to its first look")                                                                      \
	X(TO_END, ")", "", "to its last look")                                                                         \
	X(SLOWER, ",", "", "half as fast")                                                                             \
	X(FASTER, ".", "", "twice as fast")                                                                            \
	X(NEXT_VIEW, "Tab", "", "next view")                                                                           \
	X(PREV_VIEW, "S-Tab", "", "view before")                                                                       \
	X(VIEW_1, "1", "", "tasks")                                                                                    \
	X(VIEW_2, "2", "", "workers and queues")                                                                       \
	X(VIEW_3, "3 r", "", "resources: locks, channels, sockets")                                                    \
	X(VIEW_4, "4", "", "findings")                                                                                 \
	X(VIEW_5, "5", "", "help")                                                                                     \
	X(VIEW_6, "6", "", "groups: tasks that stand alike, counted")                                                  \
	X(VIEW_7, "7", "", "blocks: what kept polls off the CPU (rouse --kernel PID)")                                 \
	X(VIEW_8, "8", "", "flame: where polls are on the CPU (--kernel=all); arrows move, Enter zooms in, Esc out")   \
	X(VIEW_9, "9", "", "timeline: what each worker did; arrows move, + and - zoom, Enter opens the task, G goes on")\
	X(VIEW_0, "0", "", "dashboard: all at a glance, over time")                                                    \
	X(TREE, "F5", "", "tree: who has spawned whom")                                                                \
	X(VIEWS, "v", "views", "choose a view: there are more than digits")                                            \
	X(EVENTS, "e", "record", "record events (raises the program's level to 2), and record no more")                \
	X(ZOOM_IN, "+ =", "", "nearer, in the timeline; unfold, in the tree")                                          \
	X(ZOOM_OUT, "-", "", "farther; fold")                                                                          \
	X(PROFILE, "p", "flame", "the flame of this row alone: of its task, or its spawn site")                        \
	X(PROGRAMS, "L", "", "the programs that can be watched; Esc in a table leads there, too")                      \
	X(NEXT_PROGRAM, "C-n", "", "next program, of several that are open")                                           \
	X(PREV_PROGRAM, "C-p", "", "program before")                                                                   \
	X(REATTACH, "R", "", "open a program again that has ended, and has come back")                                 \
	X(REDRAW, "C-l", "", "draw everything again")

enum cn_action {
	CN_ACTION_NONE,
#define X(name, keys, word, help) CN_ACTION_##name,
	CN_ACTIONS(X)
#undef X
	CN_ACTION_COUNT
};

enum cn_action cn_action_of_key(uint32_t key);
/* "j Down", "open", "one row down". */
const char *cn_action_keys(enum cn_action action);
const char *cn_action_word(enum cn_action action);
const char *cn_action_help(enum cn_action action);

#endif
