/* SPDX-License-Identifier: MIT */
/* The screen as text, a frame a generation: for pipes, for logs, for those without a terminal. */
#include "view/driver.h"

#include <errno.h>
#include <stdlib.h>

enum { CN_NO_FRAME = -1 /* a recording is at its end */, ROWS = 24, COLS = 80, SIZE_MAX_SANE = 1000, TIMEOUT_MS = 5000 };

static int size_of(int asked, const char *variable, int otherwise)
{
	const char *text = getenv(variable);
	long size = asked > 0 ? asked : text ? strtol(text, NULL, 10) : 0;

	if (size <= 0)
		size = otherwise;
	return size < SIZE_MAX_SANE ? (int)size : SIZE_MAX_SANE;
}

/* One more whole look: an exit status. */
static int next_frame(struct cn_driver *driver)
{
	const struct cn_screen_opts *opts = driver->opts;
	const int patience = (int)(2 * opts->delay_ms + (opts->timeout_ms ? opts->timeout_ms : TIMEOUT_MS));
	struct cn_playback playback;
	int rc;

	if (cn_driver_pump(driver) && !driver->ended)
		return CN_EXIT_OK;
	if (cn_session_playback(opts->session, &playback) && playback.look == playback.looks)
		return CN_NO_FRAME;
	rc = driver->ended ? driver->why.code : cn_session_wait(opts->session, patience, &driver->why);
	if (rc == 0)
		return CN_EXIT_OK;
	fprintf(stderr, "rouse: %s\n", driver->why.text);
	return rc == -ETIMEDOUT ? CN_EXIT_TIMEOUT : CN_EXIT_GONE;
}

int cn_screen_batch(const struct cn_screen_opts *opts, FILE *out, unsigned long frames)
{
	struct cn_driver driver;
	int rc =
		cn_driver_init(&driver, opts, size_of(opts->rows, "LINES", ROWS), size_of(opts->cols, "COLUMNS", COLS));

	if (rc < 0) {
		fprintf(stderr, "rouse: there is no memory for a frame\n");
		return CN_EXIT_USAGE;
	}
	driver.printed = true;
	cn_session_hurry(opts->session);
	for (unsigned long i = 0; rc == CN_EXIT_OK && (frames == 0 || i < frames); i++) {
		rc = next_frame(&driver);
		if (rc != CN_EXIT_OK)
			break;
		cn_driver_draw(&driver);
		if (i)
			fputc('\n', out);
		cn_canvas_print(&driver.canvas, out);
		/* Whoever reads has gone: so may we. */
		if (fflush(out) != 0)
			break;
	}
	cn_driver_fini(&driver);
	return rc == CN_NO_FRAME ? CN_EXIT_OK : rc;
}
