/* SPDX-License-Identifier: MIT */
/* The list of programs and several of them in one screen, without devices: programs are files of frames. */
#include "golden.h"
#include "stage.h"
#include "test.h"

#include "view/desk.h"
#include "view/mouse.h"
#include "view/preferences.h"

#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SECOND 1000000000ull

/* What the world has: programs of these pids, all of which are the recorded one. */
struct world {
	int pids[8];
	size_t n;
	int refused; /* a pid that does not open */
	int opened;
};

static int list(void *arg, struct rouse_target **ret_targets)
{
	const struct world *world = arg;
	struct rouse_target *targets = calloc(8, sizeof *targets);

	assert_non_null(targets);
	for (size_t i = 0; i < world->n; i++) {
		targets[i] = (struct rouse_target){
			.pid = world->pids[i], .runtimes = 1, .tasks = 12, .readable = true, .agent = i % 2 == 0
		};
		strcpy(targets[i].program, "mini_redis");
		strcpy(targets[i].runtime, i ? "second\x1b[31m" : "first");
	}
	*ret_targets = targets;
	return (int)world->n;
}

static struct cn_session *frames(void)
{
	const struct cn_session_opts opts = { .kind = CN_SOURCE_FRAMES, .interval_ms = 500 };
	struct cn_session *session = NULL;
	struct cn_why why = { 0 };
	char path[512];

	if (cn_session_open(stage_path(path, "trouble.frames"), &opts, &session, &why) < 0)
		fail_msg("%s", why.text);
	return session;
}

static int open_one(void *arg, const char *target, struct cn_session **ret_session, struct cn_why *why)
{
	struct world *world = arg;

	if (atoi(target) == world->refused) {
		snprintf(why->text, sizeof why->text, "not permitted to read process %s", target);
		return why->code = -EACCES;
	}
	world->opened++;
	*ret_session = frames();
	return 0;
}

struct table {
	struct cn_desk desk;
	struct cn_screen_opts opts;
	struct world world;
	struct cn_preferences preferences;
	uint64_t now_ns;
};

static void set(struct table *table, struct cn_session *first, int rows, int cols)
{
	const struct cn_reach reach = { .open = open_one, .list = list, .arg = &table->world };

	table->opts = (struct cn_screen_opts){ .session = first, .delay_ms = 500, .preferences = &table->preferences };
	table->now_ns = 100 * SECOND;
	assert_int_equal(cn_desk_init(&table->desk, &table->opts, &reach, rows, cols), 0);
}

/* Time does, and somebody looks who is there. */
static bool passes(struct table *table, uint64_t ns)
{
	table->now_ns += ns;
	return cn_desk_tick(&table->desk, table->now_ns);
}

static enum cn_request press(struct table *table, const char *names)
{
	enum cn_request request = CN_REQUEST_NOTHING;
	char copy[128], *rest = NULL;
	uint32_t key;

	strcpy(copy, names);
	for (char *name = strtok_r(copy, " ", &rest); name; name = strtok_r(NULL, " ", &rest)) {
		assert_int_equal(cn_key_parse(name, &key), 0);
		request = cn_desk_key(&table->desk, key, table->now_ns);
		cn_desk_draw(&table->desk, table->now_ns);
	}
	return request;
}

static bool shows(struct table *table, const char *what)
{
	const struct cn_canvas *canvas = cn_desk_draw(&table->desk, table->now_ns);
	char *text = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&text, &n);
	bool found;

	cn_canvas_print(canvas, out);
	fclose(out);
	found = strstr(text, what);
	if (!found)
		print_message("%s", text);
	free(text);
	return found;
}

static void the_list_shows_programs_as_they_come_and_go(void **state)
{
	struct table table = { .world = { .n = 0 } };

	(void)state;
	set(&table, NULL, 24, 80);
	assert_true(passes(&table, 0));
	golden_check("programs-none", cn_desk_draw(&table.desk, table.now_ns));
	table.world = (struct world){ .pids = { 100, 200, 300 }, .n = 3 };
	assert_false(passes(&table, SECOND / 2)); /* not yet */
	assert_true(passes(&table, SECOND));
	golden_check("programs-new", cn_desk_draw(&table.desk, table.now_ns));
	passes(&table, 20 * SECOND);
	press(&table, "j");
	golden_check("programs", cn_desk_draw(&table.desk, table.now_ns));
	/* The cursor stays with the process. */
	table.world = (struct world){ .pids = { 50, 200 }, .n = 2 };
	passes(&table, SECOND);
	assert_true(shows(&table, "50 mini_redis"));
	assert_int_equal(cn_picker_current(&table.desk.picker)->target.pid, 200);
	assert_int_equal(press(&table, "q"), CN_REQUEST_QUIT);
	cn_desk_fini(&table.desk);
}

static void enter_opens_a_program_and_esc_leads_back(void **state)
{
	struct table table = { .world = { .pids = { 100, 200 }, .n = 2 } };

	(void)state;
	set(&table, NULL, 24, 80);
	passes(&table, 0);
	cn_desk_draw(&table.desk, table.now_ns);
	press(&table, "j Enter");
	assert_int_equal(table.world.opened, 1);
	assert_true(cn_desk_pump(&table.desk));
	assert_true(shows(&table, "[1 Tasks]"));
	press(&table, "Enter Esc"); /* a page and back to the table */
	assert_non_null(cn_desk_front(&table.desk));
	press(&table, "/ d Enter Esc"); /* what was searched for is what Esc clears first */
	assert_non_null(cn_desk_front(&table.desk));
	press(&table, "Esc");
	assert_null(cn_desk_front(&table.desk));
	assert_true(shows(&table, "2 programs"));
	press(&table, "Esc"); /* and from the list to where one was */
	assert_non_null(cn_desk_front(&table.desk));
	assert_int_equal(press(&table, "q"), CN_REQUEST_QUIT);
	cn_desk_fini(&table.desk);
}

/* Where the n-th row of the list stands, pressed. */
static void click_row(struct table *table, unsigned int n)
{
	const struct cn_canvas *canvas = cn_desk_draw(&table->desk, table->now_ns);

	for (int row = 0; row < canvas->rows; row++)
		if (cn_canvas_at(canvas, row, 4)->hot == CN_HOT_ROW + n) {
			cn_desk_key(&table->desk, cn_key_of_mouse(CN_MOUSE_CLICK, (uint32_t)row, 4), table->now_ns);
			return;
		}
	fail_msg("no row %u can be clicked on", n);
}

static void a_click_chooses_a_program_and_another_one_opens_it(void **state)
{
	struct table table = { .world = { .pids = { 100, 200, 300 }, .n = 3 } };

	(void)state;
	set(&table, NULL, 24, 80);
	passes(&table, 0);
	click_row(&table, 2);
	assert_int_equal(cn_picker_current(&table.desk.picker)->target.pid, 300);
	press(&table, "WheelUp@0,0 Click@0,0");
	assert_int_equal(cn_picker_current(&table.desk.picker)->target.pid, 200);
	assert_int_equal(table.world.opened, 0);
	click_row(&table, 1);
	assert_int_equal(table.world.opened, 1);
	assert_non_null(cn_desk_front(&table.desk));
	cn_desk_fini(&table.desk);
}

static void a_program_that_does_not_open_is_told_and_the_list_stays(void **state)
{
	struct table table = { .world = { .pids = { 100 }, .n = 1, .refused = 100 } };

	(void)state;
	set(&table, NULL, 24, 80);
	passes(&table, 0);
	cn_desk_draw(&table.desk, table.now_ns);
	press(&table, "Enter");
	assert_null(cn_desk_front(&table.desk));
	assert_true(shows(&table, "not permitted to read process 100"));
	press(&table, "k");
	assert_true(shows(&table, "Enter open"));
	cn_desk_fini(&table.desk);
}

static void each_of_several_programs_keeps_its_own_screen(void **state)
{
	struct table table = { .world = { .pids = { 100, 200, 300 }, .n = 3 } };
	struct cn_session *first = frames(), *second = frames();

	(void)state;
	set(&table, first, 24, 80);
	assert_int_equal(cn_desk_seat(&table.desk, second, true), 0);
	table.desk.here = 0;
	for (int i = 0; i < 10; i++)
		cn_desk_pump(&table.desk);
	press(&table, "4");
	golden_check("several", cn_desk_draw(&table.desk, table.now_ns));
	press(&table, "C-n");
	assert_int_equal(table.desk.here, 1);
	assert_true(shows(&table, "[1 Tasks]"));
	assert_true(shows(&table, "2 of 2"));
	press(&table, "2 C-n");
	assert_true(shows(&table, "[4 Findings]"));
	press(&table, "C-p");
	assert_true(shows(&table, "[2 Workers]"));
	press(&table, "L Enter"); /* the recorded pid is none of these: a third one */
	assert_int_equal(table.desk.n, 3);
	assert_int_equal(table.desk.here, 2);
	assert_true(shows(&table, "[trouble.frames]"));
	assert_int_equal(cn_desk_resize(&table.desk, 10, 40), 0);
	assert_true(shows(&table, "[1 Task"));
	press(&table, "C-n");
	assert_true(shows(&table, "[4 Find"));
	cn_desk_fini(&table.desk);
	cn_session_close(first);
}

/* The end of a program, as its session would tell. */
static void end(struct table *table, const char *why)
{
	struct cn_driver *driver = &table->desk.seats[table->desk.here]->driver;

	driver->ended = true;
	snprintf(driver->why.text, sizeof driver->why.text, "%s", why);
}

static void a_program_that_comes_back_is_offered_again(void **state)
{
	struct table table = { .world = { .pids = { 55 }, .n = 1 } }; /* another one of its name */
	struct cn_session *first = frames();

	(void)state;
	set(&table, first, 24, 80);
	for (int i = 0; i < 3; i++)
		cn_desk_pump(&table.desk);
	press(&table, "6");
	assert_false(cn_desk_ticks(&table.desk));
	end(&table, "the connection has ended");
	assert_true(cn_desk_ticks(&table.desk));
	assert_true(passes(&table, SECOND));
	assert_true(shows(&table, "gone; waiting for mini_redis to come back"));
	press(&table, "R"); /* it has not */
	assert_int_equal(table.world.opened, 0);
	table.world = (struct world){ .pids = { 55, 77 }, .n = 2 };
	assert_true(passes(&table, SECOND));
	assert_true(shows(&table, "mini_redis is back, as process 77: R opens it"));
	press(&table, "R");
	assert_int_equal(table.world.opened, 1);
	cn_desk_pump(&table.desk);
	assert_true(shows(&table, "[6 Groups]")); /* where one was */
	assert_false(cn_desk_ticks(&table.desk));
	cn_desk_fini(&table.desk);
	cn_session_close(first);
}

static void it_is_opened_by_itself_where_that_is_set(void **state)
{
	struct table table = { .preferences = { .reattach = true } };
	struct cn_session *first = frames();

	(void)state;
	set(&table, first, 24, 80);
	cn_desk_pump(&table.desk);
	end(&table, "the connection has ended");
	table.world = (struct world){ .pids = { 77 }, .n = 1, .refused = 77 };
	assert_true(passes(&table, SECOND));
	assert_int_equal(table.world.opened, 0); /* it could not be */
	assert_true(shows(&table, "mini_redis is back"));
	table.world.refused = 0;
	assert_true(passes(&table, SECOND));
	assert_int_equal(table.world.opened, 1);
	assert_false(table.desk.seats[0]->driver.ended);
	cn_desk_fini(&table.desk);
	cn_session_close(first);
}

static int utf8(void **state)
{
	(void)state;
	return setlocale(LC_ALL, "C.UTF-8") ? 0 : -1;
}

TEST_MAIN_WITH(utf8, NULL, cmocka_unit_test(the_list_shows_programs_as_they_come_and_go),
	cmocka_unit_test(enter_opens_a_program_and_esc_leads_back),
	cmocka_unit_test(a_click_chooses_a_program_and_another_one_opens_it),
	cmocka_unit_test(a_program_that_does_not_open_is_told_and_the_list_stays),
	cmocka_unit_test(each_of_several_programs_keeps_its_own_screen),
	cmocka_unit_test(a_program_that_comes_back_is_offered_again),
	cmocka_unit_test(it_is_opened_by_itself_where_that_is_set));
