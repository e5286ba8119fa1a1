/* SPDX-License-Identifier: MIT */
/* Views of what happens over time, and the pages of resources. */
#include "golden.h"
#include "shop.h"

#include <stdlib.h>
#include <string.h>

#include "model/ended.h"

/* clang-format off */
static const struct set_screen screens[] = {
	{ "views-menu", 24, 80, false, WITH_EVENTS, "v j" },
	{ "views-menu-small", 10, 40, true, WITH_EVENTS, "v" },
	{ "views-menu-large", 60, 200, false, WITH_EVENTS, "v" },
	{ "timeline", 24, 80, false, WITH_EVENTS, "9" },
	{ "timeline-ascii", 24, 80, true, WITH_EVENTS, "9" },
	{ "timeline-small", 10, 40, false, WITH_EVENTS, "9" },
	{ "timeline-large", 60, 200, false, WITH_EVENTS, "9" },
	{ "timeline-cursor", 24, 80, false, WITH_EVENTS, "9 PgUp PgUp Right Right" },
	{ "timeline-zoomed", 24, 80, false, WITH_EVENTS, "9 j PgUp + + +" },
	{ "timeline-lost", 24, 80, true, WITH_EVENTS, "9 PgUp Right Right" },
	{ "timeline-none", 24, 80, false, WITHOUT_EVENTS, "9" },
	{ "timeline-none-yet", 24, 80, false, KEEPS_NONE_YET, "9" },
	{ "dashboard", 24, 80, false, WITHOUT_EVENTS, "0" },
	{ "dashboard-ascii", 24, 80, true, WITHOUT_EVENTS, "0" },
	{ "dashboard-small", 10, 40, false, WITHOUT_EVENTS, "0" },
	{ "dashboard-large", 60, 200, false, WITHOUT_EVENTS, "0" },
	{ "heat", 24, 80, false, WITHOUT_EVENTS, "v h" },
	{ "heat-ascii", 24, 80, true, WITHOUT_EVENTS, "v h" },
	{ "heat-small", 10, 40, false, WITHOUT_EVENTS, "v h" },
	{ "heat-large", 60, 200, false, WITHOUT_EVENTS, "v h" },
	{ "tree", 24, 80, false, WITHOUT_EVENTS, "v t" },
	{ "tree-ascii", 24, 80, true, WITHOUT_EVENTS, "v t" },
	{ "tree-small", 10, 40, false, WITHOUT_EVENTS, "v t" },
	{ "tree-large", 60, 200, false, WITHOUT_EVENTS, "v t" },
	{ "tree-folded", 24, 80, false, WITHOUT_EVENTS, "v t j -" },
	{ "wakes", 24, 80, false, WITHOUT_EVENTS, "v w" },
	{ "wakes-recorded", 24, 80, false, WITH_EVENTS, "v w" },
	{ "wakes-ascii", 24, 80, true, WITH_EVENTS, "v w" },
	{ "wakes-small", 10, 40, false, WITH_EVENTS, "v w" },
	{ "wakes-large", 60, 200, false, WITH_EVENTS, "v w" },
	{ "shares", 24, 80, false, WITHOUT_EVENTS, "v m" },
	{ "shares-recorded", 24, 80, false, WITH_EVENTS, "v m" },
	{ "shares-ascii", 24, 80, true, WITH_EVENTS, "v m" },
	{ "shares-small", 10, 40, false, WITH_EVENTS, "v m" },
	{ "shares-large", 60, 200, false, WITH_EVENTS, "v m" },
	{ "task-events", 60, 80, false, WITH_EVENTS, "j j j Enter" },
	{ "task-events-ascii", 24, 80, true, WITH_EVENTS, "j j j Enter G" },
	{ "task-events-small", 10, 40, false, WITH_EVENTS, "j j j Enter G" },
	{ "task-events-large", 60, 200, false, WITH_EVENTS, "j j j Enter" },
};
/* clang-format on */

static void screens_equal_their_golden_files(void **state)
{
	(void)state;
	set_check_golden(screens, sizeof screens / sizeof *screens, open_set);
}

static void no_screen_leaves_ascii_in_the_c_locale(void **state)
{
	(void)state;
	set_check_ascii(screens, sizeof screens / sizeof *screens, open_set);
}

static void a_view_s_own_key_chooses_it_in_the_menu(void **state)
{
	struct set set;

	(void)state;
	open_set(&set, 24, 80, false, WITH_EVENTS);
	keys(&set, "v 9");
	assert_int_equal(set.ui.view, CN_VIEW_TIMELINE);
	keys(&set, "v k k k Enter");
	assert_int_equal(set.ui.view, CN_VIEW_GROUPS);
	keys(&set, "v Esc");
	assert_int_equal(set.ui.prompt, CN_PROMPT_NONE);
	assert_int_equal(set.ui.view, CN_VIEW_GROUPS);
	close_set(&set);
}

static void the_timeline_stands_while_its_cursor_is_moved(void **state)
{
	struct set set;
	uint64_t end_ns;

	(void)state;
	open_set(&set, 24, 80, false, WITH_EVENTS);
	keys(&set, "9 Right");
	assert_int_equal(set.ui.timeline.end_ns, 0);
	keys(&set, "Left Left");
	end_ns = set.ui.timeline.end_ns;
	assert_int_equal(end_ns, 20 * S);
	look_once_more(set.model, 21 * S, 6);
	keys(&set, "C-l");
	assert_int_equal(set.ui.timeline.shown_end_ns, end_ns);
	assert_true(shows(&set, "held"));
	keys(&set, "G");
	assert_int_equal(set.ui.timeline.shown_end_ns, 21 * S);
	/* Past the left edge the window follows. */
	keys(&set, "PgUp PgUp PgUp");
	assert_true(set.ui.timeline.end_ns < 21 * S);
	close_set(&set);
}

static void spawn_sites_of_one_function_are_told_apart_by_their_lines(void **state)
{
	struct look look;
	struct set set;

	(void)state;
	open_set(&set, 24, 80, false, WITH_EVENTS);
	keys(&set, "9");
	assert_true(shows(&set, "serve  "));
	look = look_with(set.model, 20 * S, (struct look_opts){ .changes_only = true });
	look.workers[0] = (struct worker_row){ .index = 0, .state = ROUSE_WORKER_PARKED };
	look.workers[1] = (struct worker_row){ .index = 1, .state = ROUSE_WORKER_PARKED };
	look.n_workers = 2;
	look_site(&look, (struct site_row){ .id = 4, .kind = ROUSE_SITE_SPAWN, .name = 12, .file = 1, .line = 99 });
	look_end(&look);
	keys(&set, "C-l");
	assert_true(shows(&set, "serve:102"));
	assert_true(shows(&set, "serve:99"));
	close_set(&set);
}

static void the_poll_under_the_cursor_leads_to_its_task(void **state)
{
	struct set set;

	(void)state;
	open_set(&set, 24, 80, false, WITH_EVENTS);
	keys(&set, "9 PgUp PgUp");
	assert_int_equal(set.ui.timeline.task, SERVE_A);
	assert_true(shows(&set, "woken at most 2.00ms before, by the reactor"));
	assert_true(shows(&set, "spawned at shop.c:102"));
	keys(&set, "w");
	assert_int_equal(set.ui.page_kind, CN_PAGE_WHY);
	assert_int_equal(set.ui.task, SERVE_A);
	keys(&set, "q Enter");
	assert_int_equal(set.ui.page_kind, CN_PAGE_TASK);
	close_set(&set);
}

/* One order of time for what the runtime and what the kernel say. */
static void blocks_stand_among_the_events_of_their_task(void **state)
{
	static const char *const order[] = { "poll 16 took", "blocked 30.0ms in nanosleep", "poll 15 took" };
	const char *at[3];
	struct set set;
	char *text = NULL;
	size_t n = 0;
	FILE *out;

	(void)state;
	open_set(&set, 60, 100, false, WITH_EVENTS);
	set.ui.page_kind = CN_PAGE_TASK;
	set.ui.task = SERVE_B;
	keys(&set, "C-l");
	out = open_memstream(&text, &n);
	assert_non_null(out);
	cn_canvas_print(&set.ui.page.paper, out);
	fclose(out);
	for (int i = 0; i < 3; i++) {
		at[i] = strstr(text, order[i]);
		if (!at[i])
			fail_msg("\"%s\" is not on the page:\n%s", order[i], text);
	}
	assert_true(at[0] < at[1] && at[1] < at[2]);
	free(text);
	close_set(&set);
}

static void a_task_s_page_says_who_woke_it_and_whom_it_woke(void **state)
{
	struct set set;
	char *text = NULL;
	size_t n = 0;
	FILE *out;

	(void)state;
	open_set(&set, 60, 100, false, WITH_EVENTS);
	set.ui.page_kind = CN_PAGE_TASK;
	set.ui.task = SERVE_A;
	keys(&set, "C-l");
	out = open_memstream(&text, &n);
	assert_non_null(out);
	cn_canvas_print(&set.ui.page.paper, out);
	fclose(out);
	assert_non_null(strstr(text, "woken by the reactor 20 times"));
	assert_non_null(strstr(text, "wakes    log #25 20 times"));
	free(text);
	close_set(&set);
}

static char *resource_page(struct set *set, uint64_t serial)
{
	char *text = NULL;
	size_t n = 0;
	FILE *out;

	set->ui.page_kind = CN_PAGE_RESOURCE;
	set->ui.resource = serial;
	keys(set, "C-l");
	out = open_memstream(&text, &n);
	assert_non_null(out);
	cn_canvas_print(&set->ui.page.paper, out);
	fclose(out);
	return text;
}

static void assert_says(const char *text, const char *what)
{
	if (!strstr(text, what))
		fail_msg("\"%s\" is not on the page:\n%s", what, text);
}

static void a_resource_s_page_says_what_its_kind_knows(void **state)
{
	struct set set;
	char *text;

	(void)state;
	open_set(&set, 24, 80, false, WITHOUT_EVENTS);
	look_at_resources(set.model, 21 * S);
	text = resource_page(&set, SEATS);
	assert_says(text, "semaphore #5 seats  6 of 8 free");
	assert_says(text, "held by       serve #22: 1, for 3.00s");
	assert_says(text, "thread 4711: 1, for 90.0ms");
	free(text);
	text = resource_page(&set, CLEANING);
	assert_says(text, "function      0x1234");
	assert_says(text, "runs on       thread 4712, for 2.00s");
	free(text);
	text = resource_page(&set, LINE_OUT);
	assert_says(text, "bytes read    5000, 0/s"); /* its first look: nothing is known of how fast */
	assert_says(text, "at            127.0.0.1:80");
	assert_says(text, "peer 127.0.0.1:4444");
	assert_says(text, "17 bytes to read, 4 sent and not acknowledged");
	free(text);
	text = resource_page(&set, 999);
	assert_says(text, "This resource is gone.");
	free(text);
	close_set(&set);
}

/* What a hand can do in any order; what has to hold is what sanitizers and asserts see, and that every cell is drawable. */
static void any_keys_at_any_size_draw_something(void **state)
{
	static const char *const pressed[] = { "1", "2", "3", "4", "6", "9", "0", "v h", "v t", "v w", "v m", "Enter", "Esc",
		"w", "Left", "Right", "Up", "Down", "PgUp", "PgDn", "G", "g", "+", "-", "Tab", "S-Tab", "i", "s", "j" };
	enum { STEPS = 3000 };
	uint32_t random = 12345;
	struct set set;

	(void)state;
	open_set(&set, 24, 80, false, WITH_EVENTS);
	for (int i = 0; i < STEPS; i++) {
		random = random * 1664525u + 1013904223u;
		if (random >> 28 == 0)
			assert_int_equal(cn_canvas_resize(&set.canvas, 1 + (int)(random >> 8 & 63),
						 1 + (int)(random >> 16 & 255)),
				0);
		else if (random >> 26 == 4)
			look_once_more(set.model, (21 + (uint64_t)i) * S, 6 + (unsigned int)i);
		keys(&set, pressed[(random >> 10) % (sizeof pressed / sizeof pressed[0])]);
		for (int cell = 0; cell < set.canvas.rows * set.canvas.cols; cell++)
			assert_true(set.canvas.cells[cell].text == 0 || set.canvas.cells[cell].text >= ' ');
	}
	close_set(&set);
}

/* Two have gone, of one of which an event said how: as rows, for the query, and hidden. */
static void look_without_two(struct set *set)
{
	struct look look;

	cn_model_keep_ended(set->model, 6 * S);
	look = look_with(set->model, 21 * S, (struct look_opts){ .changes_only = true });
	cn_ended_tell(set->model, SERVE_A, ROUSE_TASK_PANICKED);
	look_removed(&look, SERVE_A, 0);
	look_removed(&look, SERVE_B, 0);
	look_end(&look);
}

static size_t rows_of(struct set *set, const char *query)
{
	cn_sheet_filter(&set->ui.sheets[CN_VIEW_TASKS], query);
	assert_int_equal(cn_ui_draw(&set->ui, &set->scene, &set->canvas), 0);
	return set->ui.sheets[CN_VIEW_TASKS].list.n;
}

static void open_without_two(struct set *set, int rows, int cols, bool ascii, int given)
{
	open_set(set, rows, cols, ascii, given);
	look_without_two(set);
}

static void tasks_that_have_ended_stay_in_the_table_for_a_while(void **state)
{
	static const struct set_screen ended[] = { { "ended", 24, 80, false, WITHOUT_EVENTS, "Home" },
		{ "ended-ascii", 24, 80, true, WITHOUT_EVENTS, "Home" },
		{ "ended-small", 10, 40, false, WITHOUT_EVENTS, "Home" },
		{ "ended-large", 60, 200, false, WITHOUT_EVENTS, "Home" } };
	struct set set;

	(void)state;
	set_check_golden(ended, sizeof ended / sizeof *ended, open_without_two);
	open_without_two(&set, 24, 80, false, WITHOUT_EVENTS);
	assert_int_equal(rows_of(&set, "state:ended"), 2);
	assert_int_equal(rows_of(&set, "state:panicked"), 1);
	keys(&set, "Enter"); /* there is no page of what has gone but to say so */
	assert_true(shows(&set, "has ended."));
	keys(&set, "Esc");
	set.scene.hide_ended = true;
	assert_int_equal(rows_of(&set, "state:ended"), 0);
	close_set(&set);
}

TEST_MAIN(cmocka_unit_test(screens_equal_their_golden_files),
	cmocka_unit_test(tasks_that_have_ended_stay_in_the_table_for_a_while),
	cmocka_unit_test(no_screen_leaves_ascii_in_the_c_locale),
	cmocka_unit_test(a_view_s_own_key_chooses_it_in_the_menu),
	cmocka_unit_test(the_timeline_stands_while_its_cursor_is_moved),
	cmocka_unit_test(spawn_sites_of_one_function_are_told_apart_by_their_lines),
	cmocka_unit_test(the_poll_under_the_cursor_leads_to_its_task),
	cmocka_unit_test(blocks_stand_among_the_events_of_their_task),
	cmocka_unit_test(a_task_s_page_says_who_woke_it_and_whom_it_woke),
	cmocka_unit_test(any_keys_at_any_size_draw_something),
	cmocka_unit_test(a_resource_s_page_says_what_its_kind_knows));
