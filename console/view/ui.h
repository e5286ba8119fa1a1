/* SPDX-License-Identifier: MIT */
/*
 * The interactive screen as a machine without devices: keys and scenes go in,
 * a canvas comes out. What it shows is a function of (scenes, keys, size), so
 * that tests need no terminal.
 *
 *             1..9, v, Tab             Enter             w
 *     views ------------> views   views ------> task page ------> why page
 *                                   ^            |  ^               |
 *                                   +-- Esc, q --+  +--- Esc, q ----+
 *
 * `w` in a table opens the why page at once; `p` the view of the flame, for what
 * the row is about, from which Esc leads back. Enter in the table of blocks
 * opens the page of that block, in that of resources the page of that one, from
 * which Enter leads on to who has it. Where the kernel is not asked, its views (blocks,
 * flame) are not there. Prompts (filter, search, sort, views) take all keys until
 * Enter or Esc. Some views are pictures (picture.h), which take keys first.
 */
#ifndef CN_VIEW_UI_H
#define CN_VIEW_UI_H

#include "view/derived.h"
#include "view/flame.h"
#include "view/keymap.h"
#include "view/layout.h"
#include "view/input.h"
#include "view/page.h"
#include "view/sheet.h"
#include "view/timeline.h"

/* name, title, short title, key in the menu of views, what it is. Those that are a digit are keys by themselves, too. */
#define CN_VIEWS(X)                                                                                                    \
	X(TASKS, "Tasks", "Task", "1", "all tasks")                                                                    \
	X(WORKERS, "Workers", "Work", "2", "workers and queues")                                                       \
	X(RESOURCES, "Resources", "Res", "3", "locks, channels, sockets")                                              \
	X(FINDINGS, "Findings", "Find", "4", "what is wrong")                                                          \
	X(HELP, "Help", "Help", "5", "keys and signs")                                                                 \
	X(GROUPS, "Groups", "Grp", "6", "tasks that stand alike")                                                      \
	X(BLOCKS, "Blocks", "Blk", "7", "what kept polls off the CPU")                                                 \
	X(FLAME, "Flame", "Flm", "8", "where polls are on the CPU")                                                    \
	X(TIMELINE, "Timeline", "Time", "9", "what each worker did")                                                   \
	X(DASHBOARD, "Dashboard", "Dash", "0", "all at a glance, over time")                                           \
	X(HEAT, "Heat map", "Heat", "h", "how long polls and waits took")                                              \
	X(TREE, "Tree", "Tree", "t", "who spawned whom")                                                               \
	X(WAKES, "Wakes", "Wake", "w", "who wakes whom")                                                               \
	X(SHARES, "Microstates", "Micro", "m", "workers' time; who steals")
enum cn_view {
#define X(name, title, brief, key, help) CN_VIEW_##name,
	CN_VIEWS(X)
#undef X
	CN_VIEW_COUNT
};

enum cn_prompt { CN_PROMPT_NONE, CN_PROMPT_FILTER, CN_PROMPT_SEARCH, CN_PROMPT_SORT, CN_PROMPT_COLUMNS, CN_PROMPT_VIEWS };
enum cn_page_kind { CN_PAGE_NONE, CN_PAGE_TASK, CN_PAGE_WHY, CN_PAGE_BLOCK, CN_PAGE_RESOURCE };

struct cn_ui {
	enum cn_view view;
	enum cn_page_kind page_kind; /* over the view */
	enum cn_page_kind under;     /* where Esc leads from the why page */
	uint64_t task;               /* of the page */
	uint64_t block;              /* number, of the page of one */
	uint64_t resource;           /* serial, of the page of one */
	uint64_t why_task;           /* the last one asked about, 0 = none */
	enum cn_prompt prompt;
	int choice;                  /* column under the cursor of the sort menu, view of that of views */
	struct cn_input input;       /* what is being typed */
	bool offered;                /* what could come next is shown below it */
	enum cn_rates rates;        /* what rates are over */
	struct cn_past past[2];      /* what was searched, and what was filtered by */
	uint64_t origin;             /* row under the cursor when a search began, 0 = none */
	char note[96];               /* said in the bar until the next key */
	struct cn_sheet sheets[CN_VIEW_COUNT]; /* those that are none of pages and pictures */
	struct cn_page page, preview;
	struct cn_flame flame;
	struct cn_timeline timeline;
	uint32_t shares_top;   /* first worker in sight of the microstates */
	struct cn_folds folds; /* of the tree */
	struct cn_derived derived;
	struct {
		bool set;
		enum cn_view view;
		enum cn_page_kind page_kind, under;
	} flame_from;                /* where it was opened for a row */
	int page_rows;               /* of the box that scrolls */
};

void cn_ui_init(struct cn_ui *ui);
void cn_ui_fini(struct cn_ui *ui);
/* Draws everything. 0, or -ENOMEM: something is missing. */
int cn_ui_draw(struct cn_ui *ui, const struct cn_scene *scene, struct cn_canvas *canvas);

enum cn_request { CN_REQUEST_NOTHING, CN_REQUEST_QUIT, CN_REQUEST_PAUSE /* or go on */, CN_REQUEST_REDRAW,
	CN_REQUEST_EVENTS /* are to be recorded, or no more */,
	/* Of the desk: */ CN_REQUEST_LIST, CN_REQUEST_NEXT_PROGRAM, CN_REQUEST_PREV_PROGRAM, CN_REQUEST_REATTACH };
/* What the key asks of the world outside; the rest happens in here. */
enum cn_request cn_ui_key(struct cn_ui *ui, const struct cn_scene *scene, uint32_t key);
/* What a key does that has this action. */
enum cn_request cn_ui_act(struct cn_ui *ui, const struct cn_scene *scene, enum cn_action action);
/* To a view, if it is there; else says why not. */
void cn_ui_go(struct cn_ui *ui, const struct cn_scene *scene, int view);
/* The same of a key that is the mouse, over what was drawn last. */
enum cn_request cn_ui_mouse(
	struct cn_ui *ui, const struct cn_scene *scene, const struct cn_canvas *canvas, uint32_t key);
/* Is that view there? */
bool cn_ui_has_view(const struct cn_scene *scene, int view);
/* A table, and no page over it. */
bool cn_ui_on_table(const struct cn_ui *ui);
/* The resource whose page is open, 0 = none. */
uint64_t cn_ui_resource(const struct cn_ui *ui);
/* The task whose own histograms are looked at, 0 = none. */
uint64_t cn_ui_watched(const struct cn_ui *ui);

/* prompt.c: typing into the bar. */
void cn_prompt_open(struct cn_ui *ui, enum cn_prompt prompt);
void cn_prompt_key(struct cn_ui *ui, const struct cn_scene *scene, uint32_t key);
/* As when something else is clicked on. */
void cn_prompt_leave(struct cn_ui *ui);
void cn_prompt_draw(const struct cn_ui *ui, struct cn_canvas *canvas, struct cn_box box);
/* The next (1), the one before (-1), or this row on (0), if one has the searched text; else says that none has. */
void cn_prompt_search(struct cn_ui *ui, const struct cn_scene *scene, int direction);

/* Parts of the frame around the views: header.c, bar.c, gauges.c. */
size_t cn_ui_alerts(const struct cn_ui *ui, const struct cn_scene *scene);
void cn_header_draw(const struct cn_ui *ui, const struct cn_scene *scene, struct cn_canvas *canvas,
	const struct cn_layout *layout);
void cn_bar_draw_keys(const struct cn_ui *ui, const struct cn_scene *scene, struct cn_canvas *canvas,
	struct cn_box box);
/* The key of a view in the menu of views, and the view of a key: -1 = there is none. */
const char *cn_view_key(int view);
int cn_view_of_key(uint32_t key);
void cn_views_draw(const struct cn_ui *ui, struct cn_canvas *canvas, struct cn_box box);
/* chooser.c: the menus of columns, over the body. */
void cn_menu_key(struct cn_ui *ui, uint32_t key);
void cn_menu_draw_keys(struct cn_canvas *canvas, struct cn_box box);
void cn_menu_draw(const struct cn_ui *ui, struct cn_canvas *canvas, struct cn_box box);
/* The row under the cursor, in more words. 0 or -ENOMEM. */
int cn_preview_draw(struct cn_ui *ui, const struct cn_scene *scene, struct cn_canvas *canvas, struct cn_box box);
/* Queue depths and rates of the runtime over time; answers the rows used. */
int cn_gauges_draw(const struct cn_scene *scene, struct cn_canvas *canvas, struct cn_box box);

#endif
