/* SPDX-License-Identifier: MIT */
/*
 * The screen in a real terminal, on the recorded stream: what test_terminal.c
 * and test_tmux.sh look at from outside.
 *
 *     screen_player FRAMES [COLOR | --no-mouse]
 *
 * It plays a generation every 20 ms and stays at the last one.
 */
#include "view/screen.h"

#include <locale.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
	const struct cn_session_opts opts = { .kind = CN_SOURCE_FRAMES, .interval_ms = 20 };
	struct cn_screen_opts screen = { .delay_ms = 20, .color = CN_DEPTH_AUTO };
	struct cn_why why;
	int status;

	setlocale(LC_ALL, "");
	screen.no_mouse = argc > 2 && strcmp(argv[2], "--no-mouse") == 0;
	if (argc < 2 || (argc > 2 && !screen.no_mouse && cn_term_parse_depth(argv[2], &screen.color) < 0))
		return 2;
	if (cn_session_open(argv[1], &opts, &screen.session, &why) < 0) {
		fprintf(stderr, "%s\n", why.text);
		return 3;
	}
	status = cn_screen_run(&screen);
	cn_session_close(screen.session);
	return status;
}
