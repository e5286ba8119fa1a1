/* SPDX-License-Identifier: MIT */
/* Keys from a file, screens into files: see screen.h. */
#include "view/driver.h"
#include "widget/utf8.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_BYTES = 512, PATIENCE_MS = 5000, SIDE_MAX = 1000 };

struct script {
	struct cn_driver driver;
	const char *path;
	unsigned int line;
	bool quit;
};

static int complain(const struct script *script, const char *what, const char *detail)
{
	fprintf(stderr, "rouse: %s:%u: %s%s%s\n", script->path, script->line, what, *detail ? ": " : "", detail);
	return CN_EXIT_USAGE;
}

static void press(struct script *script, uint32_t key)
{
	if (!script->quit)
		script->quit = cn_driver_key(&script->driver, key) == CN_REQUEST_QUIT;
	cn_driver_draw(&script->driver);
}

static int do_keys(struct script *script, char *names)
{
	for (char *rest = NULL, *name = strtok_r(names, " ", &rest); name; name = strtok_r(NULL, " ", &rest)) {
		uint32_t key;

		if (cn_key_parse(name, &key) < 0)
			return complain(script, "there is no such key", name);
		press(script, key);
	}
	return CN_EXIT_OK;
}

static int do_type(struct script *script, const char *text)
{
	while (*text)
		press(script, cn_utf8_next(&text));
	return CN_EXIT_OK;
}

static int do_wait(struct script *script, const char *count)
{
	struct cn_driver *driver = &script->driver;

	for (long n = *count ? strtol(count, NULL, 10) : 1; n > 0; n--) {
		while (!cn_driver_pump(driver)) {
			struct pollfd ready = { .fd = cn_session_fd(driver->opts->session), .events = POLLIN };

			if (driver->ended || poll(&ready, 1, PATIENCE_MS) == 0)
				return complain(script, "nothing more comes", driver->why.text);
		}
		if (driver->ended)
			return complain(script, "the session has ended", driver->why.text);
	}
	cn_driver_draw(driver);
	return CN_EXIT_OK;
}

static int do_size(struct script *script, const char *text)
{
	char *after_rows, *after_cols;
	long rows = strtol(text, &after_rows, 10), cols = strtol(after_rows, &after_cols, 10);

	if (after_rows == text || after_cols == after_rows || rows < 0 || cols < 0 || rows > SIDE_MAX ||
		cols > SIDE_MAX)
		return complain(script, "size takes rows and columns", text);
	if (cn_canvas_resize(&script->driver.canvas, (int)rows, (int)cols) < 0)
		return complain(script, "no memory", "");
	cn_driver_draw(&script->driver);
	return CN_EXIT_OK;
}

static int do_save(struct script *script, const char *path, bool styles)
{
	FILE *out = strcmp(path, "-") == 0 ? stdout : fopen(path, "we");
	int rc;

	if (!out)
		return complain(script, path, strerror(errno));
	if (styles)
		cn_canvas_print_styles(&script->driver.canvas, out);
	else
		cn_canvas_print(&script->driver.canvas, out);
	rc = out == stdout ? fflush(out) : fclose(out);
	return rc ? complain(script, path, strerror(errno)) : CN_EXIT_OK;
}

static int do_line(struct script *script, char *line)
{
	char *rest = line + strcspn(line, " ");

	if (*rest)
		*rest++ = 0;
	if (!*line || *line == '#')
		return CN_EXIT_OK;
	if (strcmp(line, "key") == 0)
		return do_keys(script, rest);
	if (strcmp(line, "type") == 0)
		return do_type(script, rest);
	if (strcmp(line, "wait") == 0)
		return do_wait(script, rest);
	if (strcmp(line, "size") == 0)
		return do_size(script, rest);
	if (strcmp(line, "save") == 0 || strcmp(line, "styles") == 0)
		return do_save(script, rest, line[1] == 't');
	return complain(script, "there is no such command", line);
}

int cn_screen_script(const struct cn_screen_opts *opts, const char *path)
{
	struct script script = { .path = path };
	FILE *in = fopen(path, "re");
	char line[LINE_BYTES];
	int rc;

	if (!in) {
		fprintf(stderr, "rouse: cannot read the script %s: %s\n", path, strerror(errno));
		return CN_EXIT_USAGE;
	}
	rc = cn_driver_init(&script.driver, opts, opts->rows ? opts->rows : 24, opts->cols ? opts->cols : 80);
	if (rc < 0)
		rc = complain(&script, "no memory", "");
	while (rc == CN_EXIT_OK && fgets(line, sizeof line, in)) {
		script.line++;
		line[strcspn(line, "\n")] = 0;
		rc = do_line(&script, line);
	}
	fclose(in);
	cn_driver_fini(&script.driver);
	return rc;
}
