/* SPDX-License-Identifier: MIT */
/*
 * The interactive loop: one poll() on the terminal and the sessions. It draws
 * when something has changed, and now and then when nothing comes, so that the
 * age of what is shown is true.
 *
 * Keys come first. To order a million rows anew takes a while, to draw them in
 * the order that they have none: so a key that comes with a look, or while that
 * is taken in, has its frame in the order of the look before, and the look has
 * its own when no key waits, or when a few have gone before it.
 */
#include "view/desk.h"
#include "view/preferences.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

enum { AGE_MS = 1000, KEYS_BEFORE_LOOK = 4 };

static const char *reason(int rc)
{
	switch (rc) {
	case -ENOTTY:
		return "stdin and stdout must be a terminal";
	case -ENOTSUP:
		return "this terminal cannot move its cursor (see TERM)";
	case -EINVAL:
		return "this terminal is not known here (see TERM)";
	default:
		return "there is no memory for it";
	}
}

/* False: the user wants to leave. *ret_frame: what the last event led to, NULL = there was none. */
static bool take_events(struct cn_desk *desk, struct cn_term *term, const struct cn_canvas **ret_frame)
{
	enum cn_term_event event;
	uint32_t key;
	int rows, cols;

	*ret_frame = NULL;
	while ((event = cn_term_next(term, &key)) != CN_TERM_NOTHING) {
		enum cn_request request = CN_REQUEST_NOTHING;

		if (event == CN_TERM_QUIT)
			return false;
		if (event == CN_TERM_KEY)
			request = cn_desk_key(desk, key, cn_session_clock_ns());
		if (request == CN_REQUEST_QUIT)
			return false;
		if (request == CN_REQUEST_REDRAW)
			cn_term_redraw(term);
		cn_term_size(term, &rows, &cols);
		if (cn_desk_resize(desk, rows, cols) < 0)
			return false;
		/* The next key means what it would mean on the screen that this one led to. */
		*ret_frame = cn_desk_draw(desk, cn_session_clock_ns());
	}
	return true;
}

/* What to wait for: the terminal, and each session from which something may come. Their number. */
static nfds_t descriptors(const struct cn_desk *desk, struct cn_term *term, struct pollfd *fds)
{
	int tty[CN_TERM_FDS];
	nfds_t n = 0;

	cn_term_fds(term, tty);
	for (; n < CN_TERM_FDS; n++)
		fds[n] = (struct pollfd){ .fd = tty[n], .events = POLLIN };
	for (size_t i = 0; i < desk->n; i++) {
		const struct cn_session *session = desk->seats[i]->opts.session;

		if (!desk->seats[i]->driver.ended && !cn_session_paused(session))
			fds[n++] = (struct pollfd){ .fd = cn_session_fd(session), .events = POLLIN };
	}
	return n;
}

static bool key_waits(const struct cn_term *term)
{
	struct pollfd fds[CN_TERM_FDS];
	int tty[CN_TERM_FDS];

	cn_term_fds(term, tty);
	for (int i = 0; i < CN_TERM_FDS; i++)
		fds[i] = (struct pollfd){ .fd = tty[i], .events = POLLIN };
	return poll(fds, CN_TERM_FDS, 0) > 0;
}

static void loop(struct cn_desk *desk, struct cn_term *term)
{
	const int interval = desk->opts->delay_ms ? (int)desk->opts->delay_ms : 1000;
	const struct cn_canvas *frame;
	bool changed = true;
	int before = 0; /* keys that were answered while this change waited for its frame */

	for (;;) {
		struct pollfd fds[CN_TERM_FDS + CN_SEATS_MAX] = { 0 };
		bool news = false;
		nfds_t n;
		int rc;

		if (changed && (before == KEYS_BEFORE_LOOK || !key_waits(term))) {
			desk->hurried = false;
			cn_term_show(term, cn_desk_draw(desk, cn_session_clock_ns()));
			changed = false;
		}
		n = descriptors(desk, term, fds);
		rc = poll(fds, n, n == CN_TERM_FDS || cn_desk_ticks(desk) ? AGE_MS : 2 * interval + AGE_MS);
		if (rc < 0 && errno != EINTR)
			return;
		changed = changed || rc == 0;
		if (fds[0].revents & (POLLHUP | POLLERR | POLLNVAL))
			return;
		desk->hurried = changed;
		if (!take_events(desk, term, &frame))
			return;
		if (frame)
			cn_term_show(term, frame);
		before = changed ? before + (frame != NULL) : 0;
		for (nfds_t i = CN_TERM_FDS; i < n; i++)
			news = news || fds[i].revents;
		/* Nothing came for long: a pump all the same, for it takes the time. */
		if (news || rc == 0)
			changed |= cn_desk_pump(desk);
		changed |= cn_desk_tick(desk, cn_session_clock_ns());
	}
}

static void say_farewell(struct cn_desk *desk)
{
	for (size_t i = 0; i < desk->n; i++) {
		const struct cn_driver *driver = &desk->seats[i]->driver;

		if (driver->ended)
			fprintf(stderr, "rouse: %s\n", driver->why.text);
		/* What was asked on the screen can be asked again in the shell that it gives way to. */
		if (driver->ui.why_task)
			printf("rouse why %s %llu\n", cn_session_target(desk->seats[i]->opts.session),
				(unsigned long long)driver->ui.why_task);
	}
}

int cn_screen_run(const struct cn_screen_opts *opts)
{
	return cn_screen_run_several(opts, NULL, NULL, 0);
}

int cn_screen_run_several(const struct cn_screen_opts *opts, const struct cn_reach *reach,
	struct cn_session *const *more, size_t n_more)
{
	const char *script = opts->script ? opts->script : getenv("ROUSE_SCRIPT");
	struct cn_desk desk;
	struct cn_term *term;
	int rows, cols, rc;

	if (script && opts->session)
		return cn_screen_script(opts, script);
	rc = cn_term_open(opts->color, &term);
	if (rc < 0) {
		fprintf(stderr, "rouse: cannot open a screen: %s. For text use: rouse top -b -n 1 %s\n", reason(rc),
			opts->session ? cn_session_target(opts->session) : "TARGET");
		return CN_EXIT_USAGE;
	}
	if (!opts->no_mouse && !(opts->preferences && opts->preferences->no_mouse))
		cn_term_take_mouse(term);
	cn_term_size(term, &rows, &cols);
	rc = cn_desk_init(&desk, opts, reach, rows, cols);
	for (size_t i = 0; rc == 0 && i < n_more; i++)
		rc = cn_desk_seat(&desk, more[i], false);
	desk.here = 0;
	if (rc == 0)
		loop(&desk, term);
	cn_term_close(term);
	if (rc < 0)
		fprintf(stderr, "rouse: there is no memory for a screen\n");
	say_farewell(&desk);
	cn_desk_fini(&desk);
	return rc < 0 ? CN_EXIT_USAGE : CN_EXIT_OK;
}
