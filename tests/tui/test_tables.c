/* SPDX-License-Identifier: MIT */
/* What tables can, by keys and the mouse: filter, choose columns, mark, sort. */
#include "stage.h"

#include <stdlib.h>
#include <string.h>

/* What is wrong is said below a caret, and what is right before it, or was, goes on to filter. */
static void a_query_filters_while_it_is_typed(void **state)
{
	struct stage stage;
	char *row;

	(void)state;
	stage_open(&stage, 24, 80, false);
	stage_wait(&stage, 10);
	stage_keys(&stage, "f 'client polls>'");
	assert_int_equal(stage.driver.ui.sheets[CN_VIEW_TASKS].list.n, 5);
	stage_keys(&stage, "C-u 'state:pending polls>'");
	stage_find(&stage, "filter: state:pending polls>");
	row = stage_row(&stage, stage_find(&stage, "^ polls wants a count"));
	assert_int_equal(strchr(row, '^') - row, (int)strlen(" filter: state:pending polls>"));
	free(row);
	assert_int_equal(stage.driver.ui.sheets[CN_VIEW_TASKS].list.n, 17);
	stage_keys(&stage, "'1k'");
	stage_find(&stage, "6 of 17");
	stage_keys(&stage, "' -name~client' Enter");
	stage_find(&stage, "filter state:pending polls>1");
	stage_find(&stage, ": 1 of 17");
	stage_find(&stage, "self-wake");
	assert_false(stage_has(&stage, "client 127"));
	stage_close(&stage);
}

/* Enter keeps no nonsense, and a click beside it only what makes sense. */
static void a_query_that_is_wrong_is_not_kept(void **state)
{
	struct stage stage;

	(void)state;
	stage_open(&stage, 24, 80, false);
	stage_wait(&stage, 10);
	stage_keys(&stage, "f 'client age>1x' Enter");
	stage_find(&stage, "^ age wants a time");
	stage_keys(&stage, "Backspace 's' Enter");
	stage_find(&stage, "filter client age>1s: 5 of 17");
	stage_keys(&stage, "f ' polls>' Click@0,0");
	stage_find(&stage, "filter client age>1s : 5 of 17");
	stage_keys(&stage, "f C-u '| a' Click@0,0");
	stage_find(&stage, "/17");
	assert_false(stage_has(&stage, "filter |"));
	stage_close(&stage);
}

static void a_field_that_a_table_has_not_is_said(void **state)
{
	struct stage stage;

	(void)state;
	stage_open(&stage, 24, 80, false);
	stage_wait(&stage, 10);
	stage_keys(&stage, "3 f 'p99>5ms'");
	stage_find(&stage, "^ rows of this table have no p99");
	stage_keys(&stage, "C-u 'kind:mutex waiters>0' Enter");
	stage_find(&stage, "filter kind:mutex waiters>0: 2 of ");
	stage_close(&stage);
}

static void each_table_answers_for_its_own_fields(void **state)
{
	static const struct {
		const char *keys, *has;
	} queries[] = {
		{ "2 f 'worker:1' Enter", "filter worker:1: 1 of 2" },
		{ "2 f 'busy>101%' Enter", "filter busy>101%: 0 of 2" },
		{ "2 f 'busy>=0% tid>1' Enter", "filter busy>=0% tid>1: 2 of 2" },
		{ "3 f 'finding:proven held>1s' Enter", "filter finding:proven held>1s: 1 of 16" },
		{ "4 f 'finding:proven -finding:cycle at:trouble.c' Enter", "at:trouble.c: 3 of 8" },
		{ "6 f 'tasks>4 name:connection' Enter", "name:connection: 1 of 13" },
		{ "1 f 'site:trouble.c:197 waits:mutex' Enter", "waits:mutex: 1 of 17" },
		{ "F5 f 'state:pending name~client' Enter", "name~client: 5 of 17" },
		{ "v w f 'waker:timer tasks>0 name:slow' Enter", "name:slow: 1 of 13" },
		{ "1 f 'p99>1ms for>0' Enter", "p99>1ms for>0: 1 of 17" },
		{ "1 f 'd99>1us d50<1h' Enter", "d50<1h: 15 of 17" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof queries / sizeof *queries; i++) {
		struct stage stage;

		stage_open(&stage, 24, 160, false);
		stage_wait(&stage, 10);
		stage_keys(&stage, queries[i].keys);
		stage_find(&stage, queries[i].has);
		stage_close(&stage);
	}
}

static void tab_completes_and_up_recalls(void **state)
{
	struct stage stage;

	(void)state;
	stage_open(&stage, 24, 80, false);
	stage_wait(&stage, 10);
	stage_keys(&stage, "F4 'st' Tab 'pe' Tab");
	stage_find(&stage, "filter: state:pending");
	stage_keys(&stage, "' po' Tab Tab");
	stage_find(&stage, "polls>  polls/s>");
	/* What could stand there says more than that something has to. */
	stage_keys(&stage, "C-u 'finding:' Tab");
	stage_find(&stage, "suspect  likely  incomplete  proven");
	stage_keys(&stage, "Esc f 'client' Enter f C-u 'serve' Enter f Up Up");
	stage_find(&stage, "filter: client");
	stage_keys(&stage, "Down Down Enter");
	stage_find(&stage, "filter serve: 1 of 17");
	stage_close(&stage);
}

static void marks_stay_with_their_rows_and_filter(void **state)
{
	struct stage stage;
	char *row;

	(void)state;
	stage_open(&stage, 24, 80, false);
	stage_wait(&stage, 10);
	stage_keys(&stage, "/ 'slow-consumer' Enter m / 'serve' Enter m g");
	stage_find(&stage, "2 marked  1/17");
	row = stage_row(&stage, stage_find(&stage, "slow-consumer"));
	assert_int_equal(strncmp(row, "•", strlen("•")), 0);
	free(row);
	/* First, in the order of the others; and through new looks and another order. */
	stage_keys(&stage, "* g");
	stage_find(&stage, "2 marked first  1/17");
	stage_assert_selected(&stage, "slow-consumer");
	stage_wait(&stage, 2);
	stage_keys(&stage, "> i g");
	row = stage_row(&stage, 9);
	assert_true(strstr(row, "serve") || strstr(row, "slow-consumer"));
	free(row);
	stage_keys(&stage, "*");
	stage_find(&stage, "2 marked only  1/2");
	assert_false(stage_has(&stage, "self-wake"));
	stage_keys(&stage, "G m");
	stage_find(&stage, "1 marked only  1/1");
	stage_keys(&stage, "* f '-marked' Enter");
	stage_find(&stage, "filter -marked: 16 of 17");
	stage_keys(&stage, "Esc M * *");
	stage_find(&stage, "No row is marked");
	stage_keys(&stage, "*");
	stage_find(&stage, "/17");
	stage_close(&stage);
}

/* Presses where the text stands on the screen. */
static void click_on(struct stage *stage, const char *text)
{
	const int row = stage_find(stage, text);
	char *line = stage_row(stage, row), key[64];

	*strstr(line, text) = 0;
	snprintf(key, sizeof key, "Click@%d,%d", row, cn_canvas_width(&stage->driver.canvas, line) + 1);
	free(line);
	stage_keys(stage, key);
}

static void a_click_selects_and_another_one_opens(void **state)
{
	struct stage stage;

	(void)state;
	stage_open(&stage, 24, 80, false);
	stage_wait(&stage, 10);
	click_on(&stage, "self-wake  ");
	stage_assert_selected(&stage, "self-wake");
	click_on(&stage, "self-wake  ");
	assert_int_equal(stage.driver.ui.page_kind, CN_PAGE_TASK);
	stage_keys(&stage, "Esc WheelDown@12,4");
	stage_assert_selected(&stage, "client");
	stage_keys(&stage, "WheelUp@12,4");
	stage_assert_selected(&stage, "self-wake");
	/* Where nothing is, nothing happens. */
	stage_keys(&stage, "Click@0,3 Click@500,500 Click@16383,16383");
	stage_assert_selected(&stage, "self-wake");
	assert_int_equal(stage.driver.ui.page_kind, CN_PAGE_NONE);
	stage_close(&stage);
}

static void a_click_on_a_title_orders_by_it_and_again_turns_it_round(void **state)
{
	struct stage stage;
	const struct cn_sheet *sheet = &stage.driver.ui.sheets[CN_VIEW_TASKS];

	(void)state;
	stage_open(&stage, 24, 80, false);
	stage_wait(&stage, 10);
	click_on(&stage, "POLLS");
	stage_find(&stage, "POLLS▼");
	click_on(&stage, "POLLS▼");
	stage_find(&stage, "POLLS▲");
	assert_false(sheet->descending);
	/* Titles belong to what stands there now. */
	stage_keys(&stage, "c d Space Esc");
	click_on(&stage, "NAME");
	stage_find(&stage, "NAME▲");
	stage_close(&stage);
}

static void tabs_keys_alerts_and_menus_can_be_clicked_on(void **state)
{
	struct stage stage;

	(void)state;
	stage_open(&stage, 60, 120, false);
	stage_wait(&stage, 10);
	click_on(&stage, "2 Workers");
	assert_int_equal(stage.driver.ui.view, CN_VIEW_WORKERS);
	click_on(&stage, "1 Tasks");
	click_on(&stage, "PROVEN waker dropped");
	assert_int_equal(stage.driver.ui.view, CN_VIEW_FINDINGS);
	click_on(&stage, "v more");
	click_on(&stage, "6 Groups      ");
	assert_int_equal(stage.driver.ui.view, CN_VIEW_GROUPS);
	assert_int_equal(stage.driver.ui.prompt, CN_PROMPT_NONE);
	click_on(&stage, "1 Tasks");
	click_on(&stage, "s sort");
	click_on(&stage, "WAKES");
	stage_find(&stage, "by wakes  1/17");
	click_on(&stage, "c columns");
	click_on(&stage, "[ ] WAKES");
	stage_find(&stage, "[x] WAKES");
	click_on(&stage, "2 Workers");
	assert_int_equal(stage.driver.ui.prompt, CN_PROMPT_NONE);
	/* What is typed stays, and the click is not lost. */
	stage_keys(&stage, "1 f 'client'");
	click_on(&stage, "client 127");
	stage_find(&stage, "filter client: 5 of 17");
	click_on(&stage, "q quit");
	stage_close(&stage);
}

static void columns_come_go_and_move_by_a_menu(void **state)
{
	struct stage stage;
	char *titles;

	(void)state;
	stage_open(&stage, 24, 100, false);
	stage_wait(&stage, 10);
	assert_true(stage_has(&stage, "SCHED"));
	assert_false(stage_has(&stage, "P99"));
	/* The cursor begins on the column that orders the rows. */
	stage_keys(&stage, "c j j j Space Esc");
	assert_false(stage_has(&stage, "SCHED"));
	stage_keys(&stage, "c k k Space Right Right Right Esc");
	assert_true(stage_has(&stage, " ID"));
	titles = stage_row(&stage, stage_find(&stage, "FINDING▼"));
	assert_true(strstr(titles, "FINDING") < strstr(titles, " ID"));
	free(titles);
	stage_keys(&stage, "c d Esc");
	assert_true(stage_has(&stage, "SCHED"));
	assert_false(stage_has(&stage, " ID "));
	stage_close(&stage);
}

static void a_hidden_column_orders_and_is_named(void **state)
{
	struct stage stage;

	(void)state;
	stage_open(&stage, 24, 80, false);
	stage_wait(&stage, 10);
	stage_keys(&stage, "s j j j j j j j Enter");
	stage_find(&stage, "by self  1/17");
	stage_assert_selected(&stage, "self-wake");
	stage_close(&stage);
}

static void rates_are_over_a_look_ten_seconds_or_all(void **state)
{
	struct stage stage;
	struct cn_sheet *sheet = &stage.driver.ui.sheets[CN_VIEW_TASKS];
	char wrong[32];

	(void)state;
	stage_open(&stage, 24, 120, false);
	assert_int_equal(
		cn_arrange_parse(&sheet->arrangement, sheet->kind->columns, "name,polls,poll/s,busy%", wrong), 0);
	stage_wait(&stage, 10);
	stage_keys(&stage, "f 'name:blocks-worker polls/s<1' Enter");
	stage_find(&stage, ": 1 of 17");
	stage_keys(&stage, "t");
	stage_find(&stage, "rates are over the last 10 s");
	stage_keys(&stage, "Esc t");
	stage_find(&stage, "rates: all  1/17");
	stage_keys(&stage, "f 'name:blocks-worker busy>5%' Enter");
	stage_find(&stage, ": 1 of 17");
	stage_keys(&stage, "t");
	stage_find(&stage, ": 0 of 17");
	stage_close(&stage);
}

/* A look has come while a key waits: its frame has the rows of the look before, and the next frame those that came. */
static void a_key_is_answered_before_a_look_is_put_in_order(void **state)
{
	struct stage stage;
	const struct cn_sheet *sheets = stage.driver.ui.sheets;
	size_t before;

	(void)state;
	stage_open(&stage, 24, 80, false);
	stage_wait(&stage, 2);
	before = sheets[CN_VIEW_TASKS].list.n;
	for (int i = 0; i < 8; i++)
		assert_true(cn_driver_pump(&stage.driver));
	stage.driver.hurried = true;
	stage_keys(&stage, "j");
	assert_int_equal(sheets[CN_VIEW_TASKS].list.n, before);
	assert_int_equal(sheets[CN_VIEW_TASKS].list.cursor, 1);
	stage_keys(&stage, "2"); /* another table has nothing of before */
	assert_int_equal(sheets[CN_VIEW_WORKERS].filled.generations,
		cn_model_generations(cn_session_model(stage.session)));
	stage_keys(&stage, "1");
	assert_int_equal(sheets[CN_VIEW_TASKS].list.n, before);
	stage.driver.hurried = false;
	stage_keys(&stage, "k");
	assert_true(sheets[CN_VIEW_TASKS].list.n > before);
	stage_close(&stage);
}

TEST_MAIN_WITH(stage_utf8, NULL, cmocka_unit_test(a_query_filters_while_it_is_typed),
	cmocka_unit_test(a_query_that_is_wrong_is_not_kept),
	cmocka_unit_test(a_field_that_a_table_has_not_is_said),
	cmocka_unit_test(each_table_answers_for_its_own_fields), cmocka_unit_test(tab_completes_and_up_recalls),
	cmocka_unit_test(marks_stay_with_their_rows_and_filter),
	cmocka_unit_test(a_click_selects_and_another_one_opens),
	cmocka_unit_test(a_click_on_a_title_orders_by_it_and_again_turns_it_round),
	cmocka_unit_test(tabs_keys_alerts_and_menus_can_be_clicked_on),
	cmocka_unit_test(columns_come_go_and_move_by_a_menu), cmocka_unit_test(a_hidden_column_orders_and_is_named),
	cmocka_unit_test(rates_are_over_a_look_ten_seconds_or_all),
	cmocka_unit_test(a_key_is_answered_before_a_look_is_put_in_order));
