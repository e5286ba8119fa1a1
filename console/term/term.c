/* SPDX-License-Identifier: MIT */
/*
 * Curses as a device that shows cells. newterm() rather than initscr(), which
 * exits the program on a TERM it does not know.
 *
 * Signals come through a signalfd while the terminal is ours, so that all of
 * resize, suspend, resume and quit happen between two draws and nothing but
 * plain code runs. Fatal ones cannot wait: their handler writes the bytes that
 * give the terminal back, prepared at open, and dies of the same signal.
 */
#include "term/term.h"
#include "term/style.h"

#include <curses.h>
#include <term.h>
#undef lines /* term.h takes common words */
#undef columns
#undef key_end
#undef bell

#include <errno.h>
#include <langinfo.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { RESTORE_BYTES = 256 };

struct cn_term {
	SCREEN *screen;
	enum cn_depth depth;
	int rows, cols;
	int signals; /* signalfd */
	sigset_t outer_mask;
	bool all; /* the next show sends everything */
};

/* For the handler of fatal signals only. */
static struct {
	struct termios tty;
	char bytes[RESTORE_BYTES];
	size_t n;
	volatile sig_atomic_t armed;
} restore;

static const int fatal[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS };

enum cn_charset cn_term_charset(void)
{
	return strcmp(nl_langinfo(CODESET), "UTF-8") == 0 ? CN_CHARSET_UTF8 : CN_CHARSET_ASCII;
}

static const struct {
	const char *text;
	enum cn_depth depth;
} depths[] = { { "auto", CN_DEPTH_AUTO }, { "never", CN_DEPTH_MONO }, { "8", CN_DEPTH_8 }, { "16", CN_DEPTH_16 },
	{ "256", CN_DEPTH_256 } };

int cn_term_parse_depth(const char *text, enum cn_depth *ret_depth)
{
	for (size_t i = 0; i < sizeof depths / sizeof depths[0]; i++)
		if (strcmp(text, depths[i].text) == 0) {
			*ret_depth = depths[i].depth;
			return 0;
		}
	return -EINVAL;
}

const char *cn_term_depth_word(unsigned int i)
{
	return i < sizeof depths / sizeof depths[0] ? depths[i].text : NULL;
}

/* ---------------------------------------------------------- fatal signals */

static void on_fatal(int number)
{
	const struct sigaction action = { .sa_handler = SIG_DFL };

	if (restore.armed) {
		restore.armed = 0;
		/* Nothing can be done about an error here. */
		if (write(STDOUT_FILENO, restore.bytes, restore.n) >= 0)
			tcsetattr(STDIN_FILENO, TCSANOW, &restore.tty);
	}
	sigaction(number, &action, NULL);
	raise(number);
}

/* A capability's bytes without its padding, "$<5>". */
static void add_capability(const char *name)
{
	const char *text = tigetstr(name);

	if (!text || text == (const char *)-1)
		return;
	while (*text && restore.n < sizeof restore.bytes) {
		if (text[0] == '$' && text[1] == '<' && strchr(text, '>'))
			text = strchr(text, '>') + 1;
		else
			restore.bytes[restore.n++] = *text++;
	}
}

static void arm_restore(const struct termios *tty)
{
	struct sigaction action = { .sa_handler = on_fatal };

	restore.tty = *tty;
	restore.n = 0;
	add_capability("sgr0");
	add_capability("cnorm");
	add_capability("rmkx");
	add_capability("rmcup");
	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < sizeof fatal / sizeof fatal[0]; i++)
		sigaction(fatal[i], &action, NULL);
	restore.armed = 1;
}

static void disarm_restore(void)
{
	const struct sigaction action = { .sa_handler = SIG_DFL };

	restore.armed = 0;
	for (size_t i = 0; i < sizeof fatal / sizeof fatal[0]; i++)
		sigaction(fatal[i], &action, NULL);
}

/* exit() from anywhere, with the screen still up. */
static void at_exit(void)
{
	if (restore.armed) {
		endwin();
		disarm_restore();
	}
}

/* ------------------------------------------------------------------- open */

static enum cn_depth find_depth(enum cn_depth asked)
{
	const char *no_color = getenv("NO_COLOR");
	int depth = asked, have = 0;

	/* COLORS is known from here on. */
	if (has_colors() && start_color() == OK && use_default_colors() == OK)
		have = COLORS;

	if (asked == CN_DEPTH_AUTO)
		depth = no_color && *no_color ? 0 : 256;
	if (depth > have)
		depth = have;
	return depth >= 256 ? CN_DEPTH_256 : depth >= 16 ? CN_DEPTH_16 : depth >= 8 ? CN_DEPTH_8 : CN_DEPTH_MONO;
}

static short pair_of(enum cn_style style, bool selected)
{
	return (short)(1 + 2 * style + selected);
}

static void init_colours(enum cn_depth depth)
{
	if (depth == CN_DEPTH_MONO)
		return;
	for (int style = 0; style < CN_STYLE_COUNT; style++)
		for (int selected = 0; selected < 2; selected++) {
			const struct cn_look look = cn_style_look((enum cn_style)style, selected, depth);

			init_pair(pair_of((enum cn_style)style, selected), look.foreground, look.background);
		}
}

static int init_signals(struct cn_term *term)
{
	sigset_t ours;

	sigemptyset(&ours);
	sigaddset(&ours, SIGWINCH);
	sigaddset(&ours, SIGTSTP);
	sigaddset(&ours, SIGCONT);
	sigaddset(&ours, SIGINT);
	sigaddset(&ours, SIGTERM);
	sigaddset(&ours, SIGHUP);
	term->signals = signalfd(-1, &ours, SFD_CLOEXEC | SFD_NONBLOCK);
	if (term->signals < 0)
		return -errno;
	pthread_sigmask(SIG_BLOCK, &ours, &term->outer_mask);
	return 0;
}

/* Asked before newterm() is: that would print, and leave memory behind, on a TERM it does not know. */
static int check_terminal(void)
{
	const char *name = getenv("TERM");
	int found, rc = 0;

	if (!name || !*name || strcmp(name, "dumb") == 0)
		return -ENOTSUP;
	if (setupterm(NULL, STDOUT_FILENO, &found) != OK)
		return -EINVAL;
	/* Without it no cell can be reached but by printing everything before it. */
	if (!cursor_address)
		rc = -ENOTSUP;
	del_curterm(cur_term);
	return rc;
}

static void read_size(struct cn_term *term)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row && size.ws_col)
		resizeterm(size.ws_row, size.ws_col);
	getmaxyx(stdscr, term->rows, term->cols);
}

int cn_term_open(enum cn_depth depth, struct cn_term **ret_term)
{
	static bool registered;
	struct cn_term *term;
	struct termios tty;
	int rc;

	if (tcgetattr(STDIN_FILENO, &tty) < 0 || !isatty(STDOUT_FILENO))
		return -ENOTTY;
	rc = check_terminal();
	if (rc < 0)
		return rc;
	term = calloc(1, sizeof *term);
	if (!term)
		return -ENOMEM;
	rc = init_signals(term);
	if (rc < 0)
		goto fail;
	set_escdelay(25);
	term->screen = newterm(NULL, stdout, stdin);
	rc = -EINVAL;
	if (!term->screen)
		goto fail_signals;
	arm_restore(&tty);
	if (!registered)
		registered = atexit(at_exit) == 0;
	cbreak();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	leaveok(stdscr, TRUE);
	curs_set(0);
	term->depth = find_depth(depth);
	init_colours(term->depth);
	read_size(term);
	*ret_term = term;
	return 0;

fail_signals:
	pthread_sigmask(SIG_SETMASK, &term->outer_mask, NULL);
	close(term->signals);
fail:
	free(term);
	return rc;
}

/* Told at once: waiting for what might become a click would delay every one. */
void cn_term_take_mouse(struct cn_term *term)
{
	static const char off[] = "\033[?1006;1000l";

	(void)term;
	if (!mousemask(BUTTON1_PRESSED | BUTTON4_PRESSED | BUTTON5_PRESSED, NULL))
		return;
	mouseinterval(0);
	if (restore.n + sizeof off - 1 <= sizeof restore.bytes) {
		memcpy(restore.bytes + restore.n, off, sizeof off - 1);
		restore.n += sizeof off - 1;
	}
}

void cn_term_close(struct cn_term *term)
{
	if (!term)
		return;
	endwin();
	disarm_restore();
	delscreen(term->screen);
	pthread_sigmask(SIG_SETMASK, &term->outer_mask, NULL);
	close(term->signals);
	free(term);
}

void cn_term_size(const struct cn_term *term, int *ret_rows, int *ret_cols)
{
	*ret_rows = term->rows;
	*ret_cols = term->cols;
}

/* ------------------------------------------------------------------- show */

static attr_t attributes(const struct cn_look *look)
{
	return (look->bold ? A_BOLD : 0) | (look->dim ? A_DIM : 0) | (look->underline ? A_UNDERLINE : 0) |
	       (look->reverse ? A_REVERSE : 0);
}

static void show_cell(const struct cn_term *term, int row, int col, const struct cn_cell *cell)
{
	const enum cn_style style = (enum cn_style)cell->style;
	const struct cn_look look = cn_style_look(style, cell->selected, term->depth);
	const wchar_t text[3] = { (wchar_t)cell->text, (wchar_t)cell->mark, 0 };
	const short pair = term->depth > CN_DEPTH_MONO ? pair_of(style, cell->selected) : 0;
	cchar_t out;

	if (setcchar(&out, text, attributes(&look), pair, NULL) == OK)
		mvadd_wch(row, col, &out);
}

void cn_term_show(struct cn_term *term, const struct cn_canvas *canvas)
{
	if (term->all)
		clearok(curscr, TRUE);
	term->all = false;
	erase();
	for (int row = 0; row < canvas->rows && row < term->rows; row++)
		for (int col = 0; col < canvas->cols && col < term->cols; col++) {
			const struct cn_cell *cell = cn_canvas_at(canvas, row, col);

			if (cell->text)
				show_cell(term, row, col, cell);
		}
	refresh();
}

void cn_term_redraw(struct cn_term *term)
{
	term->all = true;
}

/* ----------------------------------------------------------------- events */

void cn_term_fds(const struct cn_term *term, int ret_fds[CN_TERM_FDS])
{
	ret_fds[0] = STDIN_FILENO;
	ret_fds[1] = term->signals;
}

/*
 * Stops by SIGTSTP's own default action, which, unlike SIGSTOP, does nothing
 * where no shell is there to continue us. (curses has a handler, too.)
 */
static void suspend(struct cn_term *term)
{
	struct sigaction own = { .sa_handler = SIG_DFL }, before;
	sigset_t stop;

	endwin();
	restore.armed = 0;
	sigemptyset(&stop);
	sigaddset(&stop, SIGTSTP);
	sigaction(SIGTSTP, &own, &before);
	raise(SIGTSTP);
	pthread_sigmask(SIG_UNBLOCK, &stop, NULL); /* stops here */
	pthread_sigmask(SIG_BLOCK, &stop, NULL);
	sigaction(SIGTSTP, &before, NULL);
	restore.armed = 1;
	term->all = true;
	read_size(term);
}

static enum cn_term_event next_signal(struct cn_term *term)
{
	struct signalfd_siginfo info;

	if (read(term->signals, &info, sizeof info) != (ssize_t)sizeof info)
		return CN_TERM_NOTHING;
	switch (info.ssi_signo) {
	case SIGTSTP:
		suspend(term);
		return CN_TERM_CHANGED;
	case SIGWINCH:
		read_size(term);
		return CN_TERM_CHANGED;
	case SIGCONT:
		term->all = true;
		return CN_TERM_CHANGED;
	default:
		return CN_TERM_QUIT;
	}
}

static bool curses_key(int code, uint32_t *ret_key)
{
	static const struct {
		int curses;
		uint32_t key;
	} map[] = {
#define X(name, text, curses) { curses, CN_KEY_##name },
		CN_KEYS(X)
#undef X
			{ KEY_ENTER, CN_KEY_ENTER },
		{ KEY_BACKSPACE, CN_KEY_BACKSPACE },
	};

	for (size_t i = 0; i < sizeof map / sizeof map[0]; i++)
		if (map[i].curses == code) {
			*ret_key = map[i].key;
			return true;
		}
	return false;
}

static bool mouse_key(uint32_t *ret_key)
{
	enum cn_mouse what;
	MEVENT event;

	if (getmouse(&event) != OK || event.x < 0 || event.y < 0 || event.x >= CN_MOUSE_SIDE || event.y >= CN_MOUSE_SIDE)
		return false;
	if (event.bstate & BUTTON1_PRESSED)
		what = CN_MOUSE_CLICK;
	else if (event.bstate & BUTTON4_PRESSED)
		what = CN_MOUSE_WHEEL_UP;
	else if (event.bstate & BUTTON5_PRESSED)
		what = CN_MOUSE_WHEEL_DOWN;
	else
		return false;
	*ret_key = cn_key_of_mouse(what, (uint32_t)event.y, (uint32_t)event.x);
	return true;
}

enum cn_term_event cn_term_next(struct cn_term *term, uint32_t *ret_key)
{
	const enum cn_term_event event = next_signal(term);
	wint_t code;

	if (event != CN_TERM_NOTHING)
		return event;
	for (;;) {
		const int kind = get_wch(&code);

		if (kind == ERR)
			return CN_TERM_NOTHING;
		if (kind == KEY_CODE_YES) {
			if (code == KEY_MOUSE ? !mouse_key(ret_key) : !curses_key((int)code, ret_key))
				continue;
			return CN_TERM_KEY;
		}
		*ret_key = code == '\n' ? CN_KEY_ENTER : code == '\b' ? CN_KEY_BACKSPACE : (uint32_t)code;
		return CN_TERM_KEY;
	}
}
