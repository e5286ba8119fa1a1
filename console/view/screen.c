/* SPDX-License-Identifier: MIT */
/*
 * The interactive loop: one poll() on the terminal and the session. It draws
 * when something has changed, and now and then when nothing comes, so that the
 * age of what is shown is true.
 */
#include "view/driver.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

enum { AGE_MS = 1000 };

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

/* False: the user wants to leave. */
static bool take_events(struct cn_driver *driver, struct cn_term *term, bool *ret_changed)
{
	enum cn_term_event event;
	uint32_t key;
	int rows, cols;

	while ((event = cn_term_next(term, &key)) != CN_TERM_NOTHING) {
		enum cn_request request = CN_REQUEST_NOTHING;

		*ret_changed = true;
		if (event == CN_TERM_QUIT)
			return false;
		if (event == CN_TERM_KEY)
			request = cn_driver_key(driver, key);
		if (request == CN_REQUEST_QUIT)
			return false;
		if (request == CN_REQUEST_REDRAW)
			cn_term_redraw(term);
		cn_term_size(term, &rows, &cols);
		if ((rows != driver->canvas.rows || cols != driver->canvas.cols) &&
			cn_canvas_resize(&driver->canvas, rows, cols) < 0)
			return false;
		/* The next key means what it would mean on the screen that this one led to. */
		if (event == CN_TERM_KEY)
			cn_driver_draw(driver);
	}
	return true;
}

static void loop(struct cn_driver *driver, struct cn_term *term)
{
	const int interval = driver->opts->delay_ms ? (int)driver->opts->delay_ms : 1000;
	bool changed = true;

	for (;;) {
		const bool idle = driver->ended || cn_session_paused(driver->opts->session);
		struct pollfd fds[CN_TERM_FDS + 1] = { 0 };
		int tty[CN_TERM_FDS], rc;

		if (changed) {
			cn_driver_draw(driver);
			cn_term_show(term, &driver->canvas);
		}
		changed = false;
		cn_term_fds(term, tty);
		for (int i = 0; i < CN_TERM_FDS; i++)
			fds[i] = (struct pollfd){ .fd = tty[i], .events = POLLIN };
		fds[CN_TERM_FDS] =
			(struct pollfd){ .fd = idle ? -1 : cn_session_fd(driver->opts->session), .events = POLLIN };
		rc = poll(fds, CN_TERM_FDS + 1, idle ? AGE_MS : 2 * interval + AGE_MS);
		if (rc < 0 && errno != EINTR)
			return;
		changed = rc == 0;
		if (fds[0].revents & (POLLHUP | POLLERR | POLLNVAL))
			return;
		if (!take_events(driver, term, &changed))
			return;
		/* Nothing came for long: a pump all the same, for it takes the time. */
		if (fds[CN_TERM_FDS].revents || (rc == 0 && !idle))
			changed |= cn_driver_pump(driver);
	}
}

int cn_screen_run(const struct cn_screen_opts *opts)
{
	const char *script = opts->script ? opts->script : getenv("ROUSE_SCRIPT");
	struct cn_driver driver;
	struct cn_term *term;
	int rows, cols, rc;

	if (script)
		return cn_screen_script(opts, script);
	rc = cn_term_open(opts->color, &term);
	if (rc < 0) {
		fprintf(stderr, "rouse: cannot open a screen: %s. For text use: rouse top -b -n 1 %s\n", reason(rc),
			cn_session_target(opts->session));
		return CN_EXIT_USAGE;
	}
	cn_term_size(term, &rows, &cols);
	rc = cn_driver_init(&driver, opts, rows, cols);
	if (rc == 0)
		loop(&driver, term);
	cn_term_close(term);
	if (rc < 0)
		fprintf(stderr, "rouse: there is no memory for a screen\n");
	if (driver.ended)
		fprintf(stderr, "rouse: %s\n", driver.why.text);
	/* What was asked on the screen can be asked again in the shell that it gives way to. */
	if (driver.ui.why_task)
		printf("rouse why %s %llu\n", cn_session_target(opts->session), (unsigned long long)driver.ui.why_task);
	cn_driver_fini(&driver);
	return rc < 0 ? CN_EXIT_USAGE : CN_EXIT_OK;
}
