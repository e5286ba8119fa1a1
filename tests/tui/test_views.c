/* SPDX-License-Identifier: MIT */
/*
 * Views of what happens over time, from looks and events made by hand: a shop
 * with two workers. `main` has spawned `accept`, that three `serve`, and `log`,
 * which all of them wake.
 */
#include "golden.h"
#include "looks.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "model/events.h"
#include "model/heat.h"
#include "model/kernel.h"
#include "stage.h"
#include "view/strips.h"
#include "view/ui.h"

enum { MAIN = 20, ACCEPT, SERVE_A, SERVE_B, SERVE_C, LOG, ENDED };
enum { TID = 4001, LINES = 100 };

static const struct {
	uint64_t id, parent, waker;
	uint32_t name, site;
} tasks[] = {
	{ MAIN, 0, ROUSE_WAKE_TIMER, 10, 1 },
	{ ACCEPT, MAIN, ROUSE_WAKE_IO, 11, 2 },
	{ SERVE_A, ACCEPT, ROUSE_WAKE_IO, 12, 3 },
	{ SERVE_B, ACCEPT, LOG, 12, 3 },
	{ SERVE_C, ENDED, LOG, 12, 3 },
	{ LOG, MAIN, SERVE_A, 13, 4 },
};
static const char *const names[] = { "main", "accept", "serve", "log" };

struct set {
	struct cn_model *model;
	struct cn_findings *findings;
	struct cn_ui ui;
	struct cn_canvas canvas;
	struct cn_scene scene;
};

/* ------------------------------------------------------------------ looks */

static void send_tables(struct look *look)
{
	look_string(look, 1, "src/shop.c");
	for (uint32_t i = 0; i < 4; i++) {
		look_string(look, 10 + i, names[i]);
		look_site(look,
			(struct site_row){
				.id = 1 + i, .kind = ROUSE_SITE_SPAWN, .name = 10 + i, .file = 1, .line = LINES + i });
	}
}

static void send_tasks(struct look *look, uint64_t now_ns)
{
	for (size_t i = 0; i < sizeof tasks / sizeof tasks[0]; i++)
		look_task(look, (struct task_row){ .id = tasks[i].id,
					.parent = tasks[i].parent,
					.state = ROUSE_TASK_PENDING,
					.name = tasks[i].name,
					.spawn_site = tasks[i].site,
					.spawned_ns = (1 + i) * S,
					.edge_ns = now_ns - 5 * MS,
					.last_waker = tasks[i].waker,
					.polls = 100 * (uint32_t)(1 + i),
					.wakes = 90 * (uint32_t)(1 + i),
					.waker_refs = 1,
					.busy_ns = (1 + i) * 50 * MS,
					.valid = 1 });
}

static void send_workers(struct look *look, uint64_t now_ns, unsigned int looks)
{
	for (uint32_t i = 0; i < 2; i++)
		look->workers[i] = (struct worker_row){ .index = i,
			.tid = TID + i,
			.state = ROUSE_WORKER_PARKED,
			.state_since_ns = now_ns - 300 * MS,
			.counters = { .polls = (1 + i) * 1000 * looks * looks,
				.wakes = 900 * looks,
				.spawned = 7 * looks,
				.stolen = i * 40 * looks,
				.busy_ticks = (1 + i) * 200 * MS * looks,
				.park_ticks = (7 - 3 * i) * 100 * MS * looks },
			.local_depth = looks % 3,
			.next_deadline_ns = UINT64_MAX };
	look->n_workers = 2;
}

/* Fast polls always, slow ones in every second look. */
static void send_histograms(struct look *look, unsigned int looks)
{
	uint32_t poll[ROUSE_HISTOGRAM_BUCKETS] = { 0 }, delay[ROUSE_HISTOGRAM_BUCKETS] = { 0 };

	poll[10] = 5000 * looks;
	poll[14] = 300 * looks;
	poll[25] = looks / 2;
	delay[12] = 4000 * looks;
	delay[16] = 90 * looks;
	delay[20] = 3 * (looks / 2);
	look_histograms(look, 3, poll, delay);
}

/* Ten seconds on worker 0, of which two are lost; half of it on worker 1. */
static void send_events(struct look *look, uint64_t from_ns)
{
	struct event_row rows[200];
	size_t n = 0;

	rows[n++] = (struct event_row){ from_ns, ROUSE_EVENT_SPAWN, ENDED, 3, ACCEPT };
	for (uint64_t i = 0; i < 40; i++) {
		const uint64_t at = from_ns + i * 100 * MS, task = SERVE_A + i / 10 % 2;

		rows[n++] = (struct event_row){ at - 2 * MS, ROUSE_EVENT_WAKE, task, (uint32_t)i, ROUSE_WAKE_IO };
		rows[n++] = (struct event_row){ at + 20 * MS, ROUSE_EVENT_WAKE, LOG, (uint32_t)i, task };
		rows[n++] = (struct event_row){ at, ROUSE_EVENT_POLL, task, (uint32_t)i, (20 + 7 * (i % 10)) * MS };
	}
	rows[n++] = (struct event_row){ from_ns + 4 * S, ROUSE_EVENT_PARK, 0, 1, 1 * S };
	look_events(look, 0, 0, 0, rows, n);
	n = 0;
	rows[n++] = (struct event_row){ from_ns + 7 * S, ROUSE_EVENT_WAKE, ENDED, 1, MAIN };
	rows[n++] = (struct event_row){ from_ns + 7 * S, ROUSE_EVENT_POLL, ENDED, 1, 900 * MS };
	rows[n++] = (struct event_row){ from_ns + 8 * S, ROUSE_EVENT_COMPLETE, ENDED, ROUSE_TASK_COMPLETE, 0 };
	rows[n++] = (struct event_row){ from_ns + 8 * S, ROUSE_EVENT_PARK, 0, 1, 1600 * MS };
	look_events(look, 0, 0, 12345, rows, n);
	n = 0;
	rows[n++] = (struct event_row){ from_ns + 5 * S, ROUSE_EVENT_PARK, 0, 0, 1 * S };
	for (uint64_t i = 0; i < 20; i++) {
		const uint64_t at = from_ns + 6 * S + i * 180 * MS;

		rows[n++] = (struct event_row){ at, ROUSE_EVENT_POLL, LOG, (uint32_t)i, (5 + 8 * i) * MS };
		rows[n++] = (struct event_row){ at + 170 * MS, ROUSE_EVENT_STEAL, 0, 0, 2 };
	}
	look_events(look, 1, 1, 0, rows, n);
}

static void look_once(struct cn_model *model, uint64_t now_ns, unsigned int looks, bool events)
{
	struct look look = look_with(model, now_ns, (struct look_opts){ .level = events ? 3 : 2 });

	send_tables(&look);
	send_tasks(&look, now_ns);
	send_workers(&look, now_ns, looks);
	send_histograms(&look, looks);
	if (events)
		send_events(&look, now_ns - 10 * S);
	look_end(&look);
}

/* A poll of serve_b that did not only compute. */
static void put_block(struct cn_model *model, uint64_t begin_ns)
{
	const struct cn_block block = { .begin_ns = begin_ns,
		.blocked_ns = 30 * MS,
		.task = SERVE_B,
		.site = 3,
		.tid = TID,
		.kind = CN_BLOCK_CALL,
		.call = SYS_nanosleep,
		.waker_kind = CN_WAKER_INTERRUPT };

	assert_int_equal(cn_kernel_put_block(model, &block), 0);
}

enum given { WITHOUT_EVENTS, KEEPS_NONE_YET, WITH_EVENTS };

static void open_set(struct set *set, int rows, int cols, bool ascii, enum given given)
{
	assert_non_null(setlocale(LC_CTYPE, ascii ? "C" : "C.UTF-8"));
	*set = (struct set){ .model = cn_model_new(), .findings = cn_findings_new() };
	assert_true(set->model && set->findings);
	assert_int_equal(look_hello(set->model, "socket"), CN_APPLIED);
	cn_model_keep_events(set->model, given != WITHOUT_EVENTS);
	for (unsigned int i = 0; i < 5; i++)
		look_once(set->model, (15 + i) * S, i, false);
	look_once(set->model, 20 * S, 5, given == WITH_EVENTS);
	if (given == WITH_EVENTS)
		put_block(set->model, 11 * S + 540 * MS);
	cn_ui_init(&set->ui);
	assert_int_equal(cn_canvas_init(&set->canvas, rows, cols, ascii ? CN_CHARSET_ASCII : CN_CHARSET_UTF8), 0);
	set->scene = (struct cn_scene){ .model = set->model,
		.findings = set->findings,
		.target = "4000",
		.now_ns = cn_model_now_ns(set->model),
		.interval_ns = 1 * S,
		.ascii = ascii };
	assert_int_equal(cn_ui_draw(&set->ui, &set->scene, &set->canvas), 0);
}

static void close_set(struct set *set)
{
	cn_ui_fini(&set->ui);
	cn_canvas_fini(&set->canvas);
	cn_findings_free(set->findings);
	cn_model_free(set->model);
}

static void keys(struct set *set, const char *names_of_keys)
{
	char name[32];
	int n;

	while (sscanf(names_of_keys, "%31s%n", name, &n) == 1) {
		uint32_t key;

		assert_int_equal(cn_key_parse(name, &key), 0);
		cn_ui_key(&set->ui, &set->scene, key);
		assert_int_equal(cn_ui_draw(&set->ui, &set->scene, &set->canvas), 0);
		names_of_keys += n;
	}
}

static bool shows(const struct set *set, const char *what)
{
	char *text = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&text, &n);
	bool found;

	assert_non_null(out);
	cn_canvas_print(&set->canvas, out);
	fclose(out);
	found = strstr(text, what) != NULL;
	free(text);
	return found;
}

/* ------------------------------------------------------------------ tests */

/* clang-format off */
static const struct screen {
	const char *name;
	int rows, cols;
	bool ascii;
	enum given given;
	const char *keys;
} screens[] = {
	{ "views-menu", 24, 80, false, WITH_EVENTS, "v j" },
	{ "views-menu-small", 10, 40, true, WITH_EVENTS, "v" },
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
};
/* clang-format on */

static void screens_equal_their_golden_files(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof screens / sizeof screens[0]; i++) {
		struct set set;

		open_set(&set, screens[i].rows, screens[i].cols, screens[i].ascii, screens[i].given);
		keys(&set, screens[i].keys);
		golden_check(screens[i].name, &set.canvas);
		close_set(&set);
	}
}

static void no_screen_leaves_ascii_in_the_c_locale(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof screens / sizeof screens[0]; i++) {
		struct set set;

		open_set(&set, screens[i].rows, screens[i].cols, true, screens[i].given);
		keys(&set, screens[i].keys);
		for (int cell = 0; cell < set.canvas.rows * set.canvas.cols; cell++)
			assert_true(set.canvas.cells[cell].text < 0x7f);
		close_set(&set);
	}
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
	look_once(set.model, 21 * S, 6, false);
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

/* Each cell is asked for what the events say of its time, and nothing is counted twice. */
static void cells_of_a_strip_share_out_the_time(void **state)
{
	const struct cn_window window = { .from_ns = 1000, .span_ns = 1000, .cells = 7 };
	const struct cn_event events[] = { { .kind = ROUSE_EVENT_POLL, .ns = 900, .arg = 350, .task = 1 },
		{ .kind = ROUSE_EVENT_PARK, .ns = 1300, .arg = 200, .arg32 = 1 },
		{ .kind = CN_EVENT_GAP, .ns = 1600, .arg = 100, .arg32 = 9 },
		{ .kind = ROUSE_EVENT_POLL, .ns = 1900, .arg = 500, .task = 2 } };
	const struct cn_event *at[] = { &events[0], &events[1], &events[2], &events[3] };
	const struct cn_event_list list = { .at = at, .n = 4 };
	const struct cn_worker worker = { .state = ROUSE_WORKER_SEARCHING };
	struct cn_spawn spawned[] = { { 1, 11 }, { 2, 12 } };
	const struct cn_spawns spawns = { spawned, 2 };
	uint64_t poll_ns = 0, driver_ns = 0, gap_ns = 0;
	struct cn_strip_cell cells[7];
	struct set set;

	(void)state;
	open_set(&set, 24, 80, false, WITHOUT_EVENTS);
	assert_int_equal(cn_strip_fill(set.model, &spawns, &worker, &list, 900, &window, cells), 0);
	for (int i = 0; i < 7; i++) {
		poll_ns += cells[i].poll_ns;
		driver_ns += cells[i].part_ns[CN_STRIP_DRIVER];
		gap_ns += cells[i].part_ns[CN_STRIP_GAP];
		assert_true(cells[i].known);
		assert_int_equal(cells[i].part_ns[CN_STRIP_PARKED], 0);
	}
	assert_int_equal(poll_ns, 250 + 100);
	assert_int_equal(driver_ns, 200);
	assert_int_equal(gap_ns, 100);
	assert_int_equal(cells[0].site, 11);
	assert_int_equal(cells[6].site, 12);
	/* Before the first record nothing is known. */
	assert_int_equal(cn_strip_fill(set.model, &spawns, &worker, &(struct cn_event_list){ 0 }, 1500, &window, cells), 0);
	assert_false(cells[0].known);
	assert_true(cells[6].known);
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

static void the_newest_look_of_the_heat_is_what_was_added_to_all_sites(void **state)
{
	const struct cn_heat *heat;
	const struct cn_histogram *look;
	struct set set;
	uint64_t ns;

	(void)state;
	open_set(&set, 24, 80, false, WITHOUT_EVENTS);
	heat = cn_model_heat(set.model, 0);
	assert_non_null(heat);
	assert_int_equal(heat->n, 5); /* of six looks: the first is of no span of time */
	look = cn_heat_look(heat, 0, &ns);
	assert_int_equal(ns, 20 * S);
	assert_int_equal(look->poll[10], 5000);
	assert_int_equal(look->poll[25], 0);
	look = cn_heat_look(heat, 1, &ns);
	assert_int_equal(ns, 19 * S);
	assert_int_equal(look->poll[25], 1);
	assert_int_equal(look->delay[20], 3);
	assert_null(cn_heat_look(heat, 5, &ns));
	assert_null(cn_model_heat(set.model, 1));
	close_set(&set);
}

/* Counts go round; a site that has gone takes its counts along, and is no negative number of polls. */
static void heat_is_never_negative(void **state)
{
	static struct cn_heat heat;
	struct cn_histogram sums = { .poll = { [3] = UINT32_MAX - 1 }, .delay = { [4] = 100 } };
	uint64_t ns;

	(void)state;
	cn_heat_add(&heat, &sums, 1);
	sums.poll[3] = 4;
	sums.delay[4] = 40;
	cn_heat_add(&heat, &sums, 2);
	assert_int_equal(cn_heat_look(&heat, 0, &ns)->poll[3], 6);
	assert_int_equal(cn_heat_look(&heat, 0, &ns)->delay[4], 0);
	for (uint64_t i = 0; i < 2 * CN_HISTORY_SAMPLES; i++)
		cn_heat_add(&heat, &sums, 3 + i);
	assert_non_null(cn_heat_look(&heat, CN_HISTORY_SAMPLES - 1, &ns));
	assert_int_equal(ns, 3 + CN_HISTORY_SAMPLES);
	assert_null(cn_heat_look(&heat, CN_HISTORY_SAMPLES, &ns));
}

/* A look of nothing but tasks: id, and who spawned it. */
static struct cn_model *family(const uint64_t *members, size_t n)
{
	struct cn_model *model = cn_model_new();
	struct look look;

	assert_non_null(model);
	look = look_at(model, 1 * S);
	for (size_t i = 0; i < n; i++)
		look_task(&look, (struct task_row){ .id = members[2 * i], .parent = members[2 * i + 1], .valid = 1 });
	look_end(&look);
	return model;
}

static const struct cn_tree_node *node_of(const struct cn_model *model, const struct cn_tree *tree, uint64_t id)
{
	for (size_t i = 0; i < tree->n; i++)
		if (cn_model_task_at(model, i) && cn_model_task_at(model, i)->id == id)
			return &tree->nodes[i];
	fail_msg("no task %llu", (unsigned long long)id);
	return NULL;
}

static void a_tree_has_children_below_their_parent_in_order_of_ids(void **state)
{
	static const uint64_t members[][2] = { { 50, 20 }, { 20, 0 }, { 40, 30 }, { 30, 20 }, { 60, 99 }, { 35, 30 } };
	static const uint64_t order[] = { 20, 30, 35, 40, 50, 60 };
	struct cn_model *model = family(&members[0][0], 6);
	struct cn_folds folds = { 0 };
	struct cn_tree tree = { 0 };

	(void)state;
	assert_int_equal(cn_tree_build(model, &folds, &tree), 0);
	for (uint32_t i = 0; i < 6; i++)
		assert_int_equal(node_of(model, &tree, order[i])->position, i);
	assert_int_equal(node_of(model, &tree, 20)->kids, 2);
	assert_int_equal(node_of(model, &tree, 20)->below, 4);
	assert_int_equal(node_of(model, &tree, 40)->depth, 2);
	assert_int_equal(node_of(model, &tree, 60)->depth, 0); /* who spawned it has ended */
	assert_int_equal(cn_folds_toggle(&folds, 20), 0);
	assert_int_equal(cn_tree_build(model, &folds, &tree), 0);
	assert_true(node_of(model, &tree, 20)->visible && node_of(model, &tree, 20)->folded);
	assert_false(node_of(model, &tree, 30)->visible || node_of(model, &tree, 35)->visible);
	assert_true(node_of(model, &tree, 60)->visible);
	assert_int_equal(cn_folds_toggle(&folds, 20), 0);
	assert_int_equal(folds.n, 0);
	cn_folds_free(&folds);
	cn_tree_free(&tree);
	cn_model_free(model);
}

static void many_children_are_folded_to_begin_with(void **state)
{
	uint64_t members[CN_TREE_MANY + 2][2] = { { 20, 0 } };
	struct cn_folds folds = { 0 };
	struct cn_tree tree = { 0 };
	struct cn_model *model;

	(void)state;
	for (uint64_t i = 1; i < CN_TREE_MANY + 2; i++) {
		members[i][0] = 20 + i;
		members[i][1] = 20;
	}
	model = family(&members[0][0], CN_TREE_MANY + 2);
	assert_int_equal(cn_tree_build(model, &folds, &tree), 0);
	assert_true(node_of(model, &tree, 20)->folded);
	assert_int_equal(node_of(model, &tree, 20)->below, CN_TREE_MANY + 1);
	assert_int_equal(cn_folds_toggle(&folds, 20), 0);
	assert_int_equal(cn_tree_build(model, &folds, &tree), 0);
	assert_true(node_of(model, &tree, 21)->visible);
	cn_folds_free(&folds);
	cn_tree_free(&tree);
	cn_model_free(model);
}

/* A target may say anything of who spawned whom; each task still stands there once. */
static void a_ring_of_parents_is_a_tree_all_the_same(void **state)
{
	static const uint64_t members[][2] = { { 20, 22 }, { 21, 20 }, { 22, 21 }, { 30, 30 }, { 40, 22 } };
	struct cn_model *model = family(&members[0][0], 5);
	struct cn_folds folds = { 0 };
	struct cn_tree tree = { 0 };
	unsigned int seen = 0;

	(void)state;
	assert_int_equal(cn_tree_build(model, &folds, &tree), 0);
	for (size_t i = 0; i < 5; i++) {
		const struct cn_tree_node *node = node_of(model, &tree, members[i][0]);

		assert_true(node->visible && node->position < 5);
		assert_false(seen >> node->position & 1);
		seen |= 1u << node->position;
	}
	cn_tree_free(&tree);
	cn_model_free(model);
}

static const struct cn_wake_pair *pair_of(const struct cn_wakes *wakes, uint32_t from, uint32_t to)
{
	for (size_t i = 0; i < wakes->n; i++)
		if (wakes->pairs[i].from == from && wakes->pairs[i].to == to)
			return &wakes->pairs[i];
	fail_msg("no pair %u -> %u", from, to);
	return NULL;
}

static void wakes_are_counted_by_spawn_sites(void **state)
{
	struct cn_wakes wakes = { 0 };
	struct set set;

	(void)state;
	open_set(&set, 24, 80, false, WITHOUT_EVENTS);
	assert_int_equal(cn_wakes_build(set.model, &wakes), 0);
	assert_int_equal(pair_of(&wakes, CN_WAKER_SITES + 4, 3)->tasks, 2); /* log -> serve */
	assert_int_equal(pair_of(&wakes, CN_WAKER_SITES + 4, 3)->wakes, 0);
	assert_int_equal(pair_of(&wakes, ROUSE_WAKE_TIMER, 1)->task, MAIN);
	cn_wakes_free(&wakes);
	close_set(&set);

	open_set(&set, 24, 80, false, WITH_EVENTS);
	assert_int_equal(cn_wakes_build(set.model, &wakes), 0);
	assert_int_equal(pair_of(&wakes, ROUSE_WAKE_IO, 3)->wakes, 40);
	assert_int_equal(pair_of(&wakes, CN_WAKER_SITES + 3, 4)->wakes, 40);
	/* Of a task that has ended, its spawn tells where it belongs. */
	assert_int_equal(pair_of(&wakes, CN_WAKER_SITES + 1, 3)->wakes, 1);
	cn_wakes_free(&wakes);
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

/* The runtime adds a sleep to its sums when it ends; here one takes longer than the time between looks. */
static void a_sleep_in_progress_is_a_part_of_its_worker_s_time(void **state)
{
	struct cn_model *model = cn_model_new();
	const struct cn_worker *worker;

	(void)state;
	assert_non_null(model);
	for (uint64_t now = 10; now < 13; now++) {
		struct look look = look_at(model, now * S);

		look.workers[0] = (struct worker_row){ .tid = TID,
			.state = ROUSE_WORKER_PARKED,
			.state_since_ns = 5 * S,
			.counters = { .park_ticks = 2 * S, .busy_ticks = 1 * S } };
		look.workers[1] = (struct worker_row){ .index = 1,
			.tid = TID + 1,
			.state = ROUSE_WORKER_POLLING,
			.current_task = 77,
			.poll_start_ns = 11 * S,
			.counters = { .busy_ticks = 1 * S } };
		look.n_workers = 2;
		look_end(&look);
	}
	worker = &cn_model_runtime(model, 0)->workers[0];
	assert_int_equal(worker->parked_ns, 9 * S);
	assert_int_equal(worker->parked_ns - worker->prev_parked_ns, 1 * S);
	assert_int_equal(worker->polled_ns, worker->prev_polled_ns);
	worker = &cn_model_runtime(model, 0)->workers[1];
	assert_int_equal(worker->polled_ns, 2 * S);
	assert_int_equal(worker->polled_ns - worker->prev_polled_ns, 1 * S);
	assert_int_equal(worker->parked_ns, 0);
	cn_model_free(model);
}

static void stolen_tasks_are_counted_by_thief_and_victim(void **state)
{
	struct set set;

	(void)state;
	open_set(&set, 24, 80, false, WITH_EVENTS);
	assert_int_equal(cn_events_stolen(set.model, 0, 1, 0), 20 * 2);
	assert_int_equal(cn_events_stolen(set.model, 0, 0, 1), 0);
	assert_int_equal(cn_events_stolen(set.model, 1, 1, 0), 0);
	assert_int_equal(cn_events_stolen(set.model, 0, UINT32_MAX, 0), 0);
	close_set(&set);
}

TEST_MAIN(cmocka_unit_test(screens_equal_their_golden_files), cmocka_unit_test(no_screen_leaves_ascii_in_the_c_locale),
	cmocka_unit_test(a_view_s_own_key_chooses_it_in_the_menu),
	cmocka_unit_test(the_timeline_stands_while_its_cursor_is_moved),
	cmocka_unit_test(the_poll_under_the_cursor_leads_to_its_task),
	cmocka_unit_test(cells_of_a_strip_share_out_the_time),
	cmocka_unit_test(blocks_stand_among_the_events_of_their_task),
	cmocka_unit_test(the_newest_look_of_the_heat_is_what_was_added_to_all_sites),
	cmocka_unit_test(heat_is_never_negative),
	cmocka_unit_test(a_tree_has_children_below_their_parent_in_order_of_ids),
	cmocka_unit_test(many_children_are_folded_to_begin_with),
	cmocka_unit_test(a_ring_of_parents_is_a_tree_all_the_same), cmocka_unit_test(wakes_are_counted_by_spawn_sites),
	cmocka_unit_test(a_task_s_page_says_who_woke_it_and_whom_it_woke),
	cmocka_unit_test(a_sleep_in_progress_is_a_part_of_its_worker_s_time),
	cmocka_unit_test(stolen_tasks_are_counted_by_thief_and_victim));
