/* SPDX-License-Identifier: MIT */
/* A recording as the source of a session: see "of a recording" in session.h. */
#ifndef CN_SOURCE_REPLAY_H
#define CN_SOURCE_REPLAY_H

#include "source/source.h"

struct cn_replay;

/* `session` (borrowed) is whose model and findings are written. */
int cn_replay_open(const char *path, struct cn_session *session, struct cn_replay **ret_replay, struct cn_why *why);
/* Part of the replay: closing it closes that. */
struct cn_source *cn_replay_source(struct cn_replay *replay);
/* Takes in one look more, if it is due, as cn_session_pump() does: how many generations it had, at least 1; or 0. */
int cn_replay_pump(struct cn_replay *replay, struct cn_why *why);
uint64_t cn_replay_now_ns(const struct cn_replay *replay);

#endif
