/* SPDX-License-Identifier: MIT */
/*
 * The screen in a terminal emulator (libvterm) at the end of a pseudo terminal:
 * what really arrives, in which colours, and how the terminal is left.
 */
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vterm.h>

enum { RAW_BYTES = 1 << 20, PATIENCE_MS = 10000 };

struct terminal {
	VTerm *vt;
	VTermScreen *screen;
	int master;
	pid_t pid;
	int rows, cols;
	bool alternate, cursor_visible;
	char *raw; /* the end of all that came */
	size_t n_raw;
};

static int on_property(VTermProp prop, VTermValue *value, void *arg)
{
	struct terminal *t = arg;

	if (prop == VTERM_PROP_ALTSCREEN)
		t->alternate = value->boolean;
	if (prop == VTERM_PROP_CURSORVISIBLE)
		t->cursor_visible = value->boolean;
	return 1;
}

static const VTermScreenCallbacks callbacks = { .settermprop = on_property };

/* environment: NAME=VALUE pairs that differ from a plain xterm-256color in C.UTF-8, NULL at the end. */
static void open_program(
	struct terminal *t, int rows, int cols, const char *const *environment, const char *const *line)
{
	struct winsize size = { .ws_row = (unsigned short)rows, .ws_col = (unsigned short)cols };

	*t = (struct terminal){ .rows = rows, .cols = cols, .cursor_visible = true };
	t->raw = calloc(1, RAW_BYTES);
	t->vt = vterm_new(rows, cols);
	assert_true(t->raw && t->vt);
	vterm_set_utf8(t->vt, 1);
	t->screen = vterm_obtain_screen(t->vt);
	vterm_screen_set_callbacks(t->screen, &callbacks, t);
	vterm_screen_enable_altscreen(t->screen, 1);
	vterm_screen_reset(t->screen, 1);
	t->pid = forkpty(&t->master, NULL, NULL, &size);
	assert_true(t->pid >= 0);
	if (t->pid == 0) {
		setenv("TERM", "xterm-256color", 1);
		setenv("LC_ALL", "C.UTF-8", 1);
		unsetenv("NO_COLOR");
		unsetenv("ROUSE_SCRIPT");
		unsetenv("LINES");
		unsetenv("COLUMNS");
		for (; *environment; environment++)
			putenv((char *)*environment);
		execvp(line[0], (char *const *)line);
		_exit(127);
	}
	fcntl(t->master, F_SETFD, FD_CLOEXEC);
}

static const char *built(char out[512], const char *name)
{
	snprintf(out, 512, "%s/%s", getenv("ROUSE_BUILD_ROOT"), name);
	return out;
}

static const char *recording(char out[512])
{
	snprintf(out, 512, "%s/tests/tui/trouble.frames", getenv("ROUSE_SOURCE_ROOT"));
	return out;
}

static void open_terminal(struct terminal *t, int rows, int cols, const char *const *environment)
{
	char player[512], frames[512];
	const char *const line[] = { built(player, "tests/tui/screen_player"), recording(frames), NULL };

	open_program(t, rows, cols, environment, line);
}

/* Takes in what the program writes. False: it has closed its side. */
static bool feed(struct terminal *t, int timeout_ms)
{
	struct pollfd ready = { .fd = t->master, .events = POLLIN };
	char bytes[8192];
	ssize_t n;

	if (poll(&ready, 1, timeout_ms) <= 0)
		return true;
	n = read(t->master, bytes, sizeof bytes);
	if (n <= 0)
		return false;
	if (t->n_raw + (size_t)n >= RAW_BYTES)
		t->n_raw = 0;
	memcpy(t->raw + t->n_raw, bytes, (size_t)n);
	t->n_raw += (size_t)n;
	t->raw[t->n_raw] = 0;
	vterm_input_write(t->vt, bytes, (size_t)n);
	return true;
}

static void row_text(const struct terminal *t, int row, char *out, size_t bytes)
{
	const VTermRect rect = { row, row + 1, 0, t->cols };
	const size_t n = vterm_screen_get_text(t->screen, out, bytes - 1, rect);

	out[n < bytes ? n : bytes - 1] = 0;
}

static int find_row(const struct terminal *t, const char *what)
{
	char text[4096];

	for (int row = 0; row < t->rows; row++) {
		row_text(t, row, text, sizeof text);
		if (strstr(text, what))
			return row;
	}
	return -1;
}

/* Until the text is on the screen; the row. */
static int expect(struct terminal *t, const char *what)
{
	char text[4096];

	for (int waited = 0; waited < PATIENCE_MS; waited += 20) {
		const int row = find_row(t, what);

		if (row >= 0)
			return row;
		if (!feed(t, 20))
			break;
	}
	for (int row = 0; row < t->rows; row++) {
		row_text(t, row, text, sizeof text);
		print_error("%s\n", text);
	}
	fail_msg("\"%s\" did not come", what);
	return -1;
}

/* As the program said last; libvterm would heed the first of two modes only. */
static bool takes_mouse(const struct terminal *t)
{
	bool takes = false;

	for (const char *at = t->raw; (at = strstr(at, "\x1b[?1006;1000")); at++)
		takes = at[strlen("\x1b[?1006;1000")] == 'h';
	return takes;
}

static void type(struct terminal *t, const char *text)
{
	assert_int_equal(write(t->master, text, strlen(text)), (ssize_t)strlen(text));
}

static VTermScreenCell cell_at(const struct terminal *t, int row, int col)
{
	VTermScreenCell cell;

	assert_int_equal(vterm_screen_get_cell(t->screen, (VTermPos){ row, col }, &cell), 1);
	vterm_screen_convert_color_to_rgb(t->screen, &cell.fg);
	return cell;
}

static bool is_red(const struct terminal *t, int row, int col)
{
	const VTermScreenCell cell = cell_at(t, row, col);

	return cell.fg.rgb.red > 150 && cell.fg.rgb.green < 100 && cell.fg.rgb.blue < 100;
}

/* Reads on until the program has ended; its wait status. */
static int ended(struct terminal *t)
{
	int status = -1;

	while (feed(t, PATIENCE_MS))
		;
	assert_int_equal(waitpid(t->pid, &status, 0), t->pid);
	return status;
}

static void close_terminal(struct terminal *t)
{
	close(t->master);
	vterm_free(t->vt);
	free(t->raw);
}

static const char *const plain[] = { NULL };

static void a_deadlock_is_red_in_256_colours(void **state)
{
	struct terminal t;
	int row;

	(void)state;
	open_terminal(&t, 24, 80, plain);
	row = expect(&t, "PROVEN wait cycle");
	assert_true(is_red(&t, row, 3));
	assert_true(cell_at(&t, row, 3).attrs.bold);
	assert_true(t.alternate);
	assert_false(t.cursor_visible);
	type(&t, "q");
	assert_int_equal(ended(&t), 0);
	assert_false(t.alternate);
	assert_true(t.cursor_visible);
	close_terminal(&t);
}

static void eight_colours_do_as_well(void **state)
{
	static const char *const linux_console[] = { "TERM=linux", NULL };
	char player[512], frames[512];
	/* Without the mouse, which there is libgpm's: that leaks what it has found out. */
	const char *const line[] = { built(player, "tests/tui/screen_player"), recording(frames), "--no-mouse", NULL };
	struct terminal t;

	(void)state;
	open_program(&t, 24, 80, linux_console, line);
	assert_true(is_red(&t, expect(&t, "PROVEN wait cycle"), 3));
	type(&t, "q");
	assert_int_equal(ended(&t), 0);
	close_terminal(&t);
}

static void no_color_leaves_words_and_attributes(void **state)
{
	static const char *const no_color[] = { "NO_COLOR=1", NULL };
	struct terminal t;
	int row;

	(void)state;
	open_terminal(&t, 24, 80, no_color);
	row = expect(&t, "PROVEN wait cycle");
	assert_false(is_red(&t, row, 3));
	assert_true(cell_at(&t, row, 3).attrs.reverse);
	type(&t, "q");
	assert_int_equal(ended(&t), 0);
	close_terminal(&t);
}

static void the_c_locale_gets_ascii_and_nothing_else(void **state)
{
	static const char *const c_locale[] = { "LC_ALL=C", NULL };
	struct terminal t;

	(void)state;
	open_terminal(&t, 24, 80, c_locale);
	expect(&t, "X PROVEN wait cycle");
	type(&t, "2");
	expect(&t, "[2 Workers]");
	type(&t, "q");
	assert_int_equal(ended(&t), 0);
	for (size_t i = 0; i < t.n_raw; i++)
		assert_true((unsigned char)t.raw[i] < 0x80);
	close_terminal(&t);
}

static void arrows_and_enter_arrive_as_keys(void **state)
{
	struct terminal t;

	(void)state;
	open_terminal(&t, 24, 80, plain);
	expect(&t, "long polls"); /* from here on the first rows stay */
	type(&t, "\x1bOB");
	expect(&t, "2/1");
	type(&t, "\x1bOA");
	expect(&t, "1/1");
	type(&t, "\r");
	expect(&t, "why");
	expect(&t, "trouble:deadlock-a #");
	type(&t, "\x1b");
	expect(&t, "1/1");
	type(&t, "q");
	assert_int_equal(ended(&t), 0);
	close_terminal(&t);
}

/* As xterm tells it, in SGR's way (1006): the button, column and row from 1, M for down, m for up. */
static void the_mouse_selects_opens_sorts_and_scrolls(void **state)
{
	struct terminal t;
	char click[64];
	int row;

	(void)state;
	open_terminal(&t, 24, 80, plain);
	expect(&t, "8.38s"); /* the age of its tasks at the end of the recording: nothing moves any more */
	assert_true(takes_mouse(&t));
	row = find_row(&t, "◦ trouble:dropped-waker") + 1;
	snprintf(click, sizeof click, "\x1b[<0;10;%dM\x1b[<0;10;%dm", row, row);
	type(&t, click);
	expect(&t, "4/1");
	type(&t, "\x1b[<65;10;12M");
	expect(&t, "7/1");
	type(&t, "\x1b[<64;10;12M");
	expect(&t, "4/1");
	type(&t, click);
	expect(&t, "trouble:dropped-waker #");
	expect(&t, "Esc back"); /* its last row: nothing of the table is left to be taken for the next one */
	type(&t, "q");
	expect(&t, "4/1");
	/* A tab, and back. */
	row = find_row(&t, "3 Resources") + 1;
	snprintf(click, sizeof click, "\x1b[<0;26;%dM\x1b[<0;26;%dm", row, row);
	type(&t, click);
	expect(&t, "[3 Resources]");
	type(&t, "q");
	assert_int_equal(ended(&t), 0);
	assert_false(takes_mouse(&t));
	close_terminal(&t);
}

static void resize(struct terminal *t, int rows, int cols)
{
	const struct winsize size = { .ws_row = (unsigned short)rows, .ws_col = (unsigned short)cols };

	t->rows = rows;
	t->cols = cols;
	vterm_set_size(t->vt, rows, cols);
	assert_int_equal(ioctl(t->master, TIOCSWINSZ, &size), 0);
}

static void a_resize_is_drawn_at_once_and_too_small_recovers(void **state)
{
	struct terminal t;

	(void)state;
	open_terminal(&t, 24, 80, plain);
	expect(&t, "PROVEN wait cycle");
	resize(&t, 10, 40);
	expect(&t, "[1 Task]");
	resize(&t, 4, 20);
	expect(&t, "too small");
	expect(&t, "20x4");
	resize(&t, 50, 150);
	expect(&t, "multi-thread");
	type(&t, "q");
	assert_int_equal(ended(&t), 0);
	close_terminal(&t);
}

static void a_crash_gives_the_terminal_back(void **state)
{
	struct terminal t;
	struct termios before, during, after;
	int status;

	(void)state;
	open_terminal(&t, 24, 80, plain);
	assert_int_equal(tcgetattr(t.master, &before), 0);
	expect(&t, "PROVEN wait cycle");
	assert_int_equal(tcgetattr(t.master, &during), 0);
	assert_false(during.c_lflag & ICANON);
	kill(t.pid, SIGSEGV);
	status = ended(&t);
	assert_true(!WIFEXITED(status) || WEXITSTATUS(status) != 0);
	assert_false(t.alternate);
	assert_true(t.cursor_visible);
	assert_false(takes_mouse(&t));
	assert_int_equal(tcgetattr(t.master, &after), 0);
	assert_int_equal(after.c_lflag & (ICANON | ECHO), before.c_lflag & (ICANON | ECHO));
	close_terminal(&t);
}

static void a_terminating_signal_is_a_clean_end(void **state)
{
	struct terminal t;

	(void)state;
	open_terminal(&t, 24, 80, plain);
	expect(&t, "PROVEN wait cycle");
	kill(t.pid, SIGTERM);
	assert_int_equal(ended(&t), 0);
	assert_false(t.alternate);
	close_terminal(&t);
}

static void a_terminal_that_cannot_is_refused_with_a_hint(void **state)
{
	static const char *const dumb[] = { "TERM=dumb", NULL }, *const strange[] = { "TERM=no-such-terminal", NULL };
	struct terminal t;

	(void)state;
	open_terminal(&t, 24, 200, dumb);
	expect(&t, "rouse top -b");
	assert_int_equal(WEXITSTATUS(ended(&t)), 2);
	close_terminal(&t);
	open_terminal(&t, 24, 200, strange);
	expect(&t, "not known");
	assert_int_equal(WEXITSTATUS(ended(&t)), 2);
	close_terminal(&t);
}

/* A shell that waits for its job, and for a line before it lets it go on. */
static void suspended_it_gives_the_terminal_back_and_continued_it_draws_again(void **state)
{
	static const char script[] = "set -m; \"$0\" \"$1\"; echo halted; read line; fg >/dev/null; echo over $?";
	char player[512], frames[512];
	const char *const line[] = { "bash", "-c", script, built(player, "tests/tui/screen_player"), recording(frames),
		NULL };
	struct terminal t;

	(void)state;
	open_program(&t, 24, 80, plain, line);
	expect(&t, "PROVEN wait cycle");
	type(&t, "\x1a");
	expect(&t, "halted");
	assert_false(t.alternate);
	assert_true(t.cursor_visible);
	assert_false(takes_mouse(&t));
	assert_int_equal(find_row(&t, "PROVEN wait cycle"), -1);
	type(&t, "\n");
	expect(&t, "PROVEN wait cycle");
	assert_true(t.alternate);
	assert_false(t.cursor_visible);
	assert_true(takes_mouse(&t));
	type(&t, "q");
	assert_int_equal(ended(&t), 0);
	assert_true(find_row(&t, "over 0") >= 0);
	close_terminal(&t);
}

static void the_theme_and_own_colours_arrive(void **state)
{
	char rouse[512], frames[512];
	const char *const own[] = { built(rouse, "console/rouse"), "--frames", recording(frames), "-d", "0.02",
		"--theme", "light", "--set", "colors.proven=bold 46 on 17", "--set", "view=findings", NULL };
	const char *const mono[] = { rouse, "--frames", frames, "--theme", "mono", NULL };
	struct terminal t;
	VTermScreenCell cell;
	int row;

	(void)state;
	open_program(&t, 24, 80, plain, own);
	row = expect(&t, "PROVEN     waker dropped"); /* not the selected row */
	expect(&t, "[4 Findings]");
	cell = cell_at(&t, row, 3);
	vterm_screen_convert_color_to_rgb(t.screen, &cell.bg);
	assert_true(cell.attrs.bold);
	assert_true(cell.fg.rgb.green > 200 && cell.fg.rgb.red < 50);
	assert_true(cell.bg.rgb.blue > 50 && cell.bg.rgb.green < 50);
	type(&t, "q");
	assert_int_equal(ended(&t), 0);
	close_terminal(&t);
	open_program(&t, 24, 80, plain, mono);
	row = expect(&t, "PROVEN wait cycle");
	assert_true(cell_at(&t, row, 3).attrs.reverse);
	type(&t, "q");
	assert_int_equal(ended(&t), 0);
	assert_null(strstr(t.raw, "38;5;"));
	close_terminal(&t);
}

/* Until it is nowhere on the screen. */
static void expect_gone(struct terminal *t, const char *what)
{
	for (int waited = 0; find_row(t, what) >= 0 && waited < PATIENCE_MS; waited += 20)
		feed(t, 20);
	assert_int_equal(find_row(t, what), -1);
}

static pid_t start_as(const char *path)
{
	pid_t pid = fork();

	if (pid == 0) {
		setenv("ROUSE_LISTEN", "0", 1);
		execl(path, path, "60", (char *)NULL);
		_exit(127);
	}
	return pid;
}

/* The program of two waiting tasks, under a name of its own. */
static pid_t start_named(const char *folder, const char *name, char path[static 64])
{
	char program[512];

	snprintf(path, 64, "%s/%s", folder, name);
	assert_int_equal(symlink(built(program, "runtime/examples/first"), path), 0);
	pid_t pid = start_as(path);

	assert_true(pid > 0);
	return pid;
}

static void end_named(pid_t pid, const char *path)
{
	int status;

	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	unlink(path);
}

/* What is new came after the first look, so one is there before. */
static void programs_appear_in_the_list_and_go(void **state)
{
	char rouse[512], folder[] = "/tmp/rouse-list-XXXXXX", old_path[64], new_path[64];
	const char *const line[] = { built(rouse, "console/rouse"), NULL };
	struct terminal t;

	(void)state;
	assert_non_null(mkdtemp(folder));
	pid_t old = start_named(folder, "here-before", old_path);

	open_program(&t, 40, 100, plain, line);
	expect(&t, "rouse  ");
	type(&t, "L"); /* where just one program runs, it was opened */
	expect(&t, "here-before");
	pid_t new = start_named(folder, "only-here", new_path);

	expect(&t, "only-here");
	expect(&t, "its memory, new");
	end_named(new, new_path);
	expect_gone(&t, "only-here");
	type(&t, "q");
	assert_int_equal(ended(&t), 0);
	close_terminal(&t);
	end_named(old, old_path);
	rmdir(folder);
}

static void what_was_asked_stays_in_the_shell(void **state)
{
	struct terminal t;

	(void)state;
	open_terminal(&t, 24, 80, plain);
	expect(&t, "PROVEN wait cycle");
	type(&t, "w");
	expect(&t, "in a shell");
	type(&t, "qq");
	assert_int_equal(ended(&t), 0);
	assert_true(find_row(&t, "rouse why ") >= 0);
	close_terminal(&t);
}

TEST_MAIN(cmocka_unit_test(a_deadlock_is_red_in_256_colours), cmocka_unit_test(eight_colours_do_as_well),
	cmocka_unit_test(no_color_leaves_words_and_attributes),
	cmocka_unit_test(the_c_locale_gets_ascii_and_nothing_else), cmocka_unit_test(arrows_and_enter_arrive_as_keys),
	cmocka_unit_test(the_mouse_selects_opens_sorts_and_scrolls),
	cmocka_unit_test(a_resize_is_drawn_at_once_and_too_small_recovers),
	cmocka_unit_test(a_crash_gives_the_terminal_back), cmocka_unit_test(a_terminating_signal_is_a_clean_end),
	cmocka_unit_test(a_terminal_that_cannot_is_refused_with_a_hint),
	cmocka_unit_test(suspended_it_gives_the_terminal_back_and_continued_it_draws_again),
	cmocka_unit_test(the_theme_and_own_colours_arrive), cmocka_unit_test(programs_appear_in_the_list_and_go),
	cmocka_unit_test(what_was_asked_stays_in_the_shell));
