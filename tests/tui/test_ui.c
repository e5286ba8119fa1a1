/* SPDX-License-Identifier: MIT */
/* What keys do, on a recorded stream. */
#include "stage.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void a_deadlock_is_red_and_in_words_by_itself(void **state)
{
	struct stage stage;
	int row;

	(void)state;
	stage_open(&stage, 24, 80, false);
	stage_wait(&stage, 6);
	row = stage_find(&stage, "PROVEN wait cycle");
	assert_int_equal(cn_canvas_at(&stage.driver.canvas, row, 4)->style, CN_STYLE_PROVEN);
	row = stage_find(&stage, "▌");
	stage_assert_selected(&stage, "trouble:deadlock-a");
	assert_int_equal(cn_canvas_at(&stage.driver.canvas, row, 4)->style, CN_STYLE_PROVEN);
	stage_keys(&stage, "Enter");
	stage_find(&stage, "mutex trouble:right");
	stage_find(&stage, "held by");
	stage_close(&stage);
}

static void the_cursor_stays_on_its_task_when_others_overtake_it(void **state)
{
	struct stage stage;

	(void)state;
	stage_open(&stage, 24, 80, false);
	stage_wait(&stage, 1);
	stage_keys(&stage, "/ 'slow-consumer' Enter");
	for (int i = 0; i < 12; i++) {
		stage_assert_selected(&stage, "slow-consumer");
		stage_wait(&stage, 1);
	}
	for (int column = 0; column < 15; column++) {
		stage_keys(&stage, "> i");
		stage_assert_selected(&stage, "slow-consumer");
	}
	stage_close(&stage);
}

static void pause_freezes_the_display_and_says_so(void **state)
{
	struct stage stage;
	char *before, *after;

	(void)state;
	stage_open(&stage, 24, 80, false);
	stage_wait(&stage, 5);
	assert_false(stage_has(&stage, "PAUSED"));
	stage_keys(&stage, "Space");
	stage_find(&stage, "PAUSED");
	before = stage_text(&stage, true);
	assert_int_equal(stage_wait(&stage, 3), 0);
	after = stage_text(&stage, true);
	assert_string_equal(before, after);
	stage_keys(&stage, "j Enter Esc Space");
	assert_false(stage_has(&stage, "PAUSED"));
	assert_int_equal(stage_wait(&stage, 3), 3);
	free(before);
	free(after);
	stage_close(&stage);
}

static void a_filter_counts_its_matches_and_esc_clears_it(void **state)
{
	struct stage stage;

	(void)state;
	stage_open(&stage, 24, 80, false);
	stage_wait(&stage, 10);
	stage_keys(&stage, "f 'CLIENT pending'");
	stage_find(&stage, "5 of 17");
	stage_keys(&stage, "Enter");
	stage_find(&stage, "filter CLIENT pending: 5 of 17");
	stage_find(&stage, "client 127.0.0.1");
	assert_false(stage_has(&stage, " serve "));
	stage_keys(&stage, "Esc");
	stage_find(&stage, "1/17");
	stage_keys(&stage, "f 'zzz' Backspace Backspace Backspace Enter");
	stage_find(&stage, "1/17");
	stage_close(&stage);
}

static void keys_typed_into_a_prompt_do_nothing_else(void **state)
{
	struct stage stage;

	(void)state;
	stage_open(&stage, 24, 80, false);
	stage_wait(&stage, 10);
	stage_keys(&stage, "f 'q2w?' Enter");
	assert_int_equal(stage.driver.ui.view, CN_VIEW_TASKS);
	stage_find(&stage, "No row matches");
	stage_close(&stage);
}

static void search_goes_round_both_ways(void **state)
{
	struct stage stage;

	(void)state;
	stage_open(&stage, 40, 120, false);
	stage_wait(&stage, 10);
	stage_keys(&stage, "/ 'deadlock' Enter");
	stage_assert_selected(&stage, "deadlock-a");
	stage_keys(&stage, "n");
	stage_assert_selected(&stage, "deadlock-b");
	stage_keys(&stage, "n");
	stage_assert_selected(&stage, "deadlock-a");
	stage_keys(&stage, "N");
	stage_assert_selected(&stage, "deadlock-b");
	stage_keys(&stage, "/ 'nowhere' Enter n");
	stage_find(&stage, "no match for nowhere");
	stage_assert_selected(&stage, "deadlock-b");
	stage_close(&stage);
}

static void first_last_and_pages_stay_in_the_table(void **state)
{
	struct stage stage;

	(void)state;
	stage_open(&stage, 12, 80, false);
	stage_wait(&stage, 10);
	stage_keys(&stage, "G");
	stage_find(&stage, "17/17");
	stage_keys(&stage, "j PgDn Down");
	stage_find(&stage, "17/17");
	stage_keys(&stage, "PgUp");
	assert_false(stage_has(&stage, "17/17"));
	stage_keys(&stage, "g k Up PgUp");
	stage_find(&stage, "1/17");
	stage_close(&stage);
}

static void a_finding_leads_to_its_task_and_back(void **state)
{
	struct stage stage;

	(void)state;
	stage_open(&stage, 24, 80, false);
	stage_wait(&stage, 10);
	stage_keys(&stage, "4");
	stage_assert_selected(&stage, "wait cycle");
	stage_keys(&stage, "Enter");
	stage_find(&stage, "trouble:deadlock-a #94");
	stage_keys(&stage, "q");
	stage_assert_selected(&stage, "wait cycle");
	stage_close(&stage);
}

static void why_says_the_command_that_repeats_it(void **state)
{
	struct stage stage;
	char command[64];

	(void)state;
	stage_open(&stage, 40, 120, false);
	stage_wait(&stage, 10);
	stage_keys(&stage, "Enter w");
	snprintf(command, sizeof command, "rouse why %u 94", cn_model_target(cn_session_model(stage.session))->pid);
	stage_find(&stage, command);
	assert_int_equal(stage.driver.ui.why_task, 94);
	stage_keys(&stage, "Esc");
	assert_int_equal(stage.driver.ui.page_kind, CN_PAGE_TASK);
	stage_keys(&stage, "Esc");
	assert_int_equal(stage.driver.ui.page_kind, CN_PAGE_NONE);
	stage_close(&stage);
}

static void q_leaves_pages_first_and_then_the_program(void **state)
{
	struct stage stage;

	(void)state;
	stage_open(&stage, 24, 80, false);
	stage_wait(&stage, 3);
	stage_keys(&stage, "Enter");
	assert_int_equal(cn_driver_key(&stage.driver, 'q'), CN_REQUEST_NOTHING);
	assert_int_equal(cn_driver_key(&stage.driver, 'q'), CN_REQUEST_QUIT);
	stage_keys(&stage, "Enter");
	assert_int_equal(cn_driver_key(&stage.driver, CN_CTRL('c')), CN_REQUEST_QUIT);
	stage_close(&stage);
}

/* Those of other programs that are not for us are answered, not swallowed. */
static void a_key_that_does_nothing_says_so_until_the_next(void **state)
{
	struct stage stage;
	char *text;

	(void)state;
	stage_open(&stage, 24, 80, false);
	stage_wait(&stage, 3);
	stage_keys(&stage, "Z");
	text = stage_text(&stage, false);
	assert_non_null(strstr(text, "Z does nothing: ? shows the keys"));
	free(text);
	stage_keys(&stage, "r");
	text = stage_text(&stage, false);
	assert_null(strstr(text, "does nothing"));
	assert_non_null(strstr(text, "[3 Resources]"));
	free(text);
	stage_close(&stage);
}

static void the_watched_task_is_told_to_the_session(void **state)
{
	struct stage stage;

	(void)state;
	stage_open(&stage, 24, 80, false);
	stage_wait(&stage, 10);
	assert_int_equal(stage.driver.watched, 0);
	stage_keys(&stage, "Enter");
	assert_int_equal(stage.driver.watched, 94);
	stage_keys(&stage, "Esc");
	assert_int_equal(stage.driver.watched, 0);
	stage_close(&stage);
}

static void a_row_without_a_task_says_so(void **state)
{
	struct stage stage;

	(void)state;
	stage_open(&stage, 24, 80, false);
	stage_wait(&stage, 10);
	stage_keys(&stage, "3 f 'timer wheel' Enter w");
	stage_find(&stage, "this row has no task to show");
	stage_close(&stage);
}

static void enter_leads_from_a_resource_to_who_has_it_and_escape_back(void **state)
{
	struct stage stage;

	(void)state;
	stage_open(&stage, 24, 80, false);
	stage_wait(&stage, 10);
	stage_keys(&stage, "3 Enter");
	stage_find(&stage, "held by       trouble:deadlock-b");
	/* To look at a lock is not to watch its holder, which would cost the program. */
	assert_int_equal(stage.driver.watched, 0);
	assert_int_equal(stage.driver.n_wants, 1);
	assert_int_equal(stage.driver.wants[0], 83);
	stage_keys(&stage, "Enter");
	stage_find(&stage, "trouble:deadlock-b #95");
	assert_int_equal(stage.driver.watched, 95);
	stage_keys(&stage, "Esc");
	stage_find(&stage, "held by       trouble:deadlock-b");
	stage_keys(&stage, "w");
	assert_int_equal(stage.driver.ui.page_kind, CN_PAGE_WHY);
	stage_keys(&stage, "Esc Esc");
	assert_int_equal(stage.driver.ui.page_kind, CN_PAGE_NONE);
	assert_int_equal(stage.driver.ui.view, CN_VIEW_RESOURCES);
	stage_close(&stage);
}

static void every_key_of_the_table_is_a_key_and_belongs_to_one_action(void **state)
{
	(void)state;
	for (int action = 1; action < CN_ACTION_COUNT; action++) {
		const char *keys = cn_action_keys((enum cn_action)action);

		assert_true(*cn_action_help((enum cn_action)action) != 0);
		while (*keys) {
			const size_t n = strcspn(keys, " ");
			char name[16] = "";
			uint32_t key;

			memcpy(name, keys, n);
			assert_int_equal(cn_key_parse(name, &key), 0);
			assert_int_equal(cn_action_of_key(key), action);
			keys += n + (keys[n] == ' ');
		}
	}
}

static bool overlaps(struct cn_box a, struct cn_box b)
{
	return a.rows && b.rows && a.row < b.row + b.rows && b.row < a.row + a.rows;
}

static void boxes_fill_every_size_without_overlap(void **state)
{
	(void)state;
	for (int rows = 0; rows <= 120; rows++)
		for (int cols = 0; cols <= 250; cols += cols < 40 ? 1 : 7)
			for (size_t alerts = 0; alerts < 8; alerts++) {
				const struct cn_layout layout = cn_layout(rows, cols, alerts);
				const struct cn_box boxes[] = { layout.title, layout.totals, layout.alerts, layout.tabs,
					layout.body, layout.preview, layout.bar };
				int sum = 0;

				if (layout.too_small) {
					assert_true(rows < CN_LEAST_ROWS || cols < CN_LEAST_COLS);
					continue;
				}
				for (size_t i = 0; i < 7; i++) {
					assert_true(boxes[i].rows >= 0 && boxes[i].row >= 0);
					assert_true(boxes[i].row + boxes[i].rows <= rows && boxes[i].cols == cols);
					sum += boxes[i].rows;
					for (size_t k = 0; k < i; k++)
						assert_false(overlaps(boxes[i], boxes[k]));
				}
				assert_int_equal(sum, rows);
				assert_true(layout.body.rows >= 4);
				assert_true((size_t)layout.alerts.rows <= alerts);
			}
}

static void every_view_draws_at_every_size(void **state)
{
	static const char *const views[] = { "1", "2", "3", "4", "5", "6", "1 Enter", "1 Enter w",
		"3 Enter", "9", "0", "v h", "v t", "v w", "v m", "v", "Esc 1 s" };
	struct stage stage;

	(void)state;
	stage_open(&stage, 24, 80, false);
	stage_wait(&stage, 10);
	for (size_t i = 0; i < sizeof views / sizeof views[0]; i++) {
		stage_keys(&stage, views[i]);
		for (int rows = 0; rows <= 70; rows += 1 + rows / 12)
			for (int cols = 0; cols <= 220; cols += 1 + cols / 12) {
				assert_int_equal(cn_canvas_resize(&stage.driver.canvas, rows, cols), 0);
				assert_int_equal(cn_driver_draw(&stage.driver), 0);
			}
	}
	stage_close(&stage);
}

/* A key; one of four is the mouse, somewhere, mostly on the screen. */
/* Any keys in any order at any size: nothing breaks, and no cell holds what a terminal would obey. */
static void a_monkey_breaks_nothing(void **state)
{
	uint64_t random = test_seed();

	(void)state;
	for (int round = 0; round < 8; round++) {
		struct stage stage;

		stage_open(&stage, 24, 80, round % 2);
		for (int step = 0; step < 250; step++) {
			stage_any_key(&stage, &random);
			stage_wait(&stage, test_random(&random) % 20 == 0);
		}
		stage_close(&stage);
	}
}

static void a_script_drives_the_screen(void **state)
{
	static const char text[] =
		"# keys, frames, sizes\nwait 10\nsize 30 100\nkey j Enter\nkey q\ntype f\ntype cli\nkey Enter\n";
	char path[] = "/tmp/rouse-script-XXXXXX", out_path[64], *out;
	const struct cn_session_opts opts = { .kind = CN_SOURCE_FRAMES };
	struct cn_screen_opts screen = { .delay_ms = 500 };
	struct stage stage;
	struct cn_why why;
	char frames[512];
	size_t n = 0;
	FILE *file;

	(void)state;
	file = fdopen(mkstemp(path), "w");
	assert_non_null(file);
	snprintf(out_path, sizeof out_path, "%s.out", path);
	fprintf(file, "%ssave %s\n", text, out_path);
	fclose(file);
	assert_int_equal(cn_session_open(stage_path(frames, "trouble.frames"), &opts, &screen.session, &why), 0);
	assert_int_equal(cn_screen_script(&screen, path), 0);
	cn_session_close(screen.session);

	stage_open(&stage, 30, 100, false);
	stage_wait(&stage, 10);
	stage_keys(&stage, "j Enter q f 'cli' Enter");
	out = stage_text(&stage, false);
	stage_close(&stage);
	{
		char *saved = NULL;

		file = fopen(out_path, "re");
		assert_non_null(file);
		assert_true(getdelim(&saved, &n, 0, file) > 0);
		fclose(file);
		assert_string_equal(saved, out);
		free(saved);
	}
	free(out);
	unlink(path);
	unlink(out_path);
}

static void batch_prints_frames_without_a_bar(void **state)
{
	const struct cn_session_opts opts = { .kind = CN_SOURCE_FRAMES };
	struct cn_screen_opts screen = { .delay_ms = 500, .rows = 24, .cols = 80 };
	struct cn_why why;
	char frames[512], *text = NULL, *second;
	size_t n = 0;
	FILE *out = open_memstream(&text, &n);
	int rows = 0;

	(void)state;
	assert_int_equal(cn_session_open(stage_path(frames, "trouble.frames"), &opts, &screen.session, &why), 0);
	assert_int_equal(cn_screen_batch(&screen, out, 2), 0);
	cn_session_close(screen.session);
	fclose(out);
	for (const char *c = text; *c; c++)
		rows += *c == '\n';
	assert_int_equal(rows, 24 + 1 + 24);
	assert_null(strstr(text, "quit"));
	assert_null(strstr(text, "press"));
	assert_null(strstr(text, "▌"));
	second = strstr(text + 1, " rouse ");
	assert_non_null(second);
	free(text);
}

TEST_MAIN_WITH(stage_utf8, NULL, cmocka_unit_test(a_deadlock_is_red_and_in_words_by_itself),
	cmocka_unit_test(the_cursor_stays_on_its_task_when_others_overtake_it),
	cmocka_unit_test(pause_freezes_the_display_and_says_so),
	cmocka_unit_test(a_filter_counts_its_matches_and_esc_clears_it),
	cmocka_unit_test(keys_typed_into_a_prompt_do_nothing_else), cmocka_unit_test(search_goes_round_both_ways),
	cmocka_unit_test(first_last_and_pages_stay_in_the_table),
	cmocka_unit_test(a_finding_leads_to_its_task_and_back), cmocka_unit_test(why_says_the_command_that_repeats_it),
	cmocka_unit_test(q_leaves_pages_first_and_then_the_program),
	cmocka_unit_test(a_key_that_does_nothing_says_so_until_the_next),
	cmocka_unit_test(the_watched_task_is_told_to_the_session), cmocka_unit_test(a_row_without_a_task_says_so),
	cmocka_unit_test(enter_leads_from_a_resource_to_who_has_it_and_escape_back),
	cmocka_unit_test(every_key_of_the_table_is_a_key_and_belongs_to_one_action),
	cmocka_unit_test(boxes_fill_every_size_without_overlap), cmocka_unit_test(every_view_draws_at_every_size),
	cmocka_unit_test(a_monkey_breaks_nothing), cmocka_unit_test(a_script_drives_the_screen),
	cmocka_unit_test(batch_prints_frames_without_a_bar));
