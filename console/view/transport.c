/* SPDX-License-Identifier: MIT */
#include "view/transport.h"

#include <inttypes.h>
#include <stdio.h>

#include "export/text.h"
#include "widget/format.h"

#define KEYS "   [ ] step  { } leap  ( ) ends  , . speed"

enum {
	KEYS_COLS = sizeof KEYS + 12, /* so that there is room for a file's name, too */
	MANY = 10,
	SLOWEST = 250, /* permille */
	FASTEST = 16000
};

bool cn_transport_has(enum cn_action action)
{
	switch (action) {
	case CN_ACTION_STEP_BACK:
	case CN_ACTION_STEP_ON:
	case CN_ACTION_LEAP_BACK:
	case CN_ACTION_LEAP_ON:
	case CN_ACTION_TO_START:
	case CN_ACTION_TO_END:
	case CN_ACTION_SLOWER:
	case CN_ACTION_FASTER:
		return true;
	default:
		return false;
	}
}

/* Who steps wants to look: playing on would take it away. */
static int step(struct cn_session *session, const struct cn_playback *playback, int64_t by, struct cn_why *why)
{
	const int64_t look = (int64_t)playback->look + by;

	cn_session_pause(session, true);
	return cn_session_seek(session, look < 1 ? 1 : (uint64_t)look, why);
}

int cn_transport_act(struct cn_session *session, enum cn_action action, struct cn_why *why)
{
	struct cn_playback playback;
	uint32_t speed;

	if (!cn_session_playback(session, &playback))
		return 0;
	speed = playback.speed_permille;
	switch (action) {
	case CN_ACTION_STEP_BACK:
		return step(session, &playback, -1, why);
	case CN_ACTION_STEP_ON:
		return step(session, &playback, 1, why);
	case CN_ACTION_LEAP_BACK:
		return step(session, &playback, -MANY, why);
	case CN_ACTION_LEAP_ON:
		return step(session, &playback, MANY, why);
	case CN_ACTION_TO_START:
		return cn_session_seek(session, 1, why);
	case CN_ACTION_TO_END:
		return cn_session_seek(session, playback.looks, why);
	case CN_ACTION_SLOWER:
		cn_session_speed(session, speed / 2 > SLOWEST ? speed / 2 : SLOWEST);
		return 0;
	case CN_ACTION_FASTER:
		cn_session_speed(session, speed * 2 < FASTEST ? speed * 2 : FASTEST);
		return 0;
	default:
		return 0;
	}
}

/* "12.3s", "4m05.2s": places in a recording differ by tenths of a second. */
static const char *place(char *out, size_t bytes, uint64_t ns)
{
	const uint64_t tenths = ns / 100000000;

	if (tenths < 600)
		snprintf(out, bytes, "%" PRIu64 ".%" PRIu64 "s", tenths / 10, tenths % 10);
	else
		snprintf(out, bytes, "%" PRIu64 "m%02" PRIu64 ".%" PRIu64 "s", tenths / 600, tenths / 10 % 60,
			tenths % 10);
	return out;
}

static const char *state_of(const struct cn_playback *playback)
{
	if (playback->look == playback->looks)
		return " END ";
	return playback->paused ? " HALT " : " PLAY ";
}

static const char *speed_of(char *out, size_t bytes, uint32_t permille)
{
	if (permille % 1000)
		snprintf(out, bytes, "x0.%s", permille == 500 ? "5" : "25");
	else
		snprintf(out, bytes, "x%u", permille / 1000);
	return out;
}

void cn_transport_draw(const struct cn_playback *playback, struct cn_canvas *canvas)
{
	const uint64_t since = playback->look ? playback->now_ns - playback->first_ns : 0;
	char at[32], all[32], speed[16], warm[64] = "", text[224];
	int col = 0;

	cn_canvas_fill(canvas, (struct cn_box){ 0, 0, 1, canvas->cols }, CN_STYLE_PLAIN, ' ');
	col += cn_canvas_text(canvas, 0, col, canvas->cols, CN_STYLE_BADGE, state_of(playback));
	col += cn_canvas_printf(canvas, 0, col, canvas->cols - col, CN_STYLE_STRONG, " %s of %s  look %" PRIu64 "/%" PRIu64
										  "  %s",
		place(at, sizeof at, since), place(all, sizeof all, playback->last_ns - playback->first_ns),
		playback->look, playback->looks, speed_of(speed, sizeof speed, playback->speed_permille));
	if (playback->from > 1)
		snprintf(warm, sizeof warm, "warm-up since look %" PRIu64 "%s", playback->from,
			*playback->note ? "; " : "");
	snprintf(text, sizeof text, "  %s%s", warm, playback->note);
	if (*warm || *playback->note)
		col += cn_canvas_text(canvas, 0, col, canvas->cols - col, CN_STYLE_LIKELY, text);
	if (canvas->cols - col > KEYS_COLS)
		col += cn_canvas_text(canvas, 0, col, canvas->cols - col, CN_STYLE_DIM, KEYS);
	if (col + 2 < canvas->cols)
		cn_canvas_right(canvas, 0, col + 2, canvas->cols - col - 2, CN_STYLE_DIM, cn_path_base(playback->file));
}
