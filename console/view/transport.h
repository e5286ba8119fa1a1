/* SPDX-License-Identifier: MIT */
/*
 * Of a recording: the row above the screen that tells where in it one is, and
 * the keys that go about in it. All below that row is the screen as it was.
 */
#ifndef CN_VIEW_TRANSPORT_H
#define CN_VIEW_TRANSPORT_H

#include <stdbool.h>

#include "source/session.h"
#include "view/keymap.h"
#include "widget/canvas.h"

/* It is one of these keys. */
bool cn_transport_has(enum cn_action action);
/* Does what the key says: 0, or *why is set. */
int cn_transport_act(struct cn_session *session, enum cn_action action, struct cn_why *why);
/* Into the first row. */
void cn_transport_draw(const struct cn_playback *playback, struct cn_canvas *canvas);

#endif
