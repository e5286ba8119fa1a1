/* SPDX-License-Identifier: MIT */
/*
 * A target under observation: a source, the model its frames build, and what
 * diagnosis says of it. What verbs and the screen both hold.
 *
 *     while (...) {
 *             poll() on cn_session_fd() and what else you wait for;
 *             n = cn_session_pump(session);    > 0: there is something new to show
 *     }
 */
#ifndef CN_SOURCE_SESSION_H
#define CN_SOURCE_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "diagnose/finding.h"
#include "model/model.h"
#include "source/stacks.h"

/* What to do about a failure is part of what went wrong. */
struct cn_why {
	int code; /* negative errno */
	char text[512]; /* what happened, to what, what to do next; one line, safe to print */
};

enum cn_source_kind {
	CN_SOURCE_ANY,
	CN_SOURCE_SOCKET,
	CN_SOURCE_MEMORY,
	CN_SOURCE_CORE,
	CN_SOURCE_RECORDING,
	CN_SOURCE_FRAMES /* a file of them: --frames */
};

/* What the kernel is asked beside the runtime: see model/kernel.h. */
struct cn_kernel_wish {
	uint32_t groups;     /* 1 << enum cn_kernel_group, of each; 0 = it is not asked */
	uint32_t profile_hz; /* 0 = 99 */
	uint32_t round_ms;   /* between sums; 0 = 1000 */
	uint64_t block_ns;   /* absences so long are told one by one; 0 = 1 ms */
};

struct cn_session_opts {
	enum cn_source_kind kind; /* ANY: what the target is; the socket if an agent answers, else the process's memory */
	uint32_t interval_ms;     /* between looks; 0 = 1000 */
	uint32_t level;           /* 1 + wanted tracing level; 0 = leave it */
	bool events;              /* ask for ring events, too, and keep them: model/events.h. Raises the level to 2 */
	enum cn_stacks stacks;    /* native stacks to take with each look */
	uint32_t stacks_ms;       /* time for them all; 0 = 1000: a screen should not stand still */
	uint32_t answer_ms;       /* for an agent, where nothing but it is asked for: at least 500 */
	uint32_t retention_ms;    /* tasks that are gone stay so long: model/ended.h; 0 = not at all */
	struct cn_diagnose_opts diagnose;
	struct cn_kernel_wish kernel; /* that it cannot be had is no failure: cn_model_kernel() says why */
};

struct cn_session;
/*
 * `target`: a pid, a program's or runtime's name, or the path of a socket, core file or recording. 0;
 * -ESRCH no such target; -ENOTUNIQ several have that name; -ENOENT it has no
 * rouse runtime; -EACCES; -EPROTO another version; -ETIMEDOUT. *why is set on
 * failure.
 */
int cn_session_open(const char *target, const struct cn_session_opts *opts, struct cn_session **ret_session,
	struct cn_why *why);
void cn_session_close(struct cn_session *session);

/* Readable (POLLIN) when there is something to pump. Stays the same until close. */
int cn_session_fd(const struct cn_session *session);
/*
 * Takes what there is, without waiting, and diagnoses each whole generation.
 * Number of generations, or: -EPIPE the target has gone or closed the
 * connection; -EBADMSG it does not speak our protocol; others as they come;
 * then *why is set, and the model keeps the last state.
 */
int cn_session_pump(struct cn_session *session, struct cn_why *why);
/* Waits for one more whole look at every runtime, at most timeout_ms: 0, -ETIMEDOUT, or as cn_session_pump(). */
int cn_session_wait(struct cn_session *session, int timeout_ms, struct cn_why *why);

const struct cn_model *cn_session_model(const struct cn_session *session);
const struct cn_findings *cn_session_findings(const struct cn_session *session);

/* May change at any time; take effect with the next look. */
void cn_session_pause(struct cn_session *session, bool pause);
void cn_session_interval(struct cn_session *session, uint32_t interval_ms);
void cn_session_watch(struct cn_session *session, const uint64_t *tasks, size_t n); /* at most 16 */
/* Tasks and resources of which more is wanted (cn_model_detail(), cn_model_socket()), beside what diagnosis asks for.
 */
void cn_session_detail(struct cn_session *session, const uint64_t *ids, size_t n); /* at most 16 */
/*
 * Ring events from now on, kept in the model; or no more. Without an agent the
 * level is not raised: then they come only if the program itself has chosen it.
 * False: it is a file, whose events, of a core those in its rings, are kept in
 * any case.
 */
bool cn_session_events(struct cn_session *session, bool wanted);
/* Native stacks with each look from now on: cn_model_stack(), cn_symbol_format(). Never of a file of frames. */
void cn_session_stacks(struct cn_session *session, enum cn_stacks wanted);
struct cn_recorder;
/*
 * From now on what comes is also given to `recorder` (borrowed; NULL = no
 * more): from the first look, if there was none yet, else from the next
 * keyframe, which is asked for. While it is, cn_session_now_ns() is when the
 * last pump was, so that what is shown is what will be replayed. 0; -EINVAL of
 * a file of frames or a recording; -ENOMEM.
 */
int cn_session_record(struct cn_session *session, struct cn_recorder *recorder);
/* It is asked, or will be: what it says may still come. */
bool cn_session_asks_kernel(const struct cn_session *session);
bool cn_session_paused(const struct cn_session *session);
/* CLOCK_MONOTONIC now. */
uint64_t cn_session_clock_ns(void);
/* Now by the target's clock, for "age of what is shown": of a file, when its newest look was. */
uint64_t cn_session_now_ns(const struct cn_session *session);
/* What a shell would need to name this target again: pid, or the socket's or core file's path. */
const char *cn_session_target(const struct cn_session *session);

/* ------------------------------------------------- of a recording (source/replay.c) */

/*
 * A recording is taken in look by look, at the pace at which it was made, each
 * pump one: its state is that of its first looks, in order, and nothing else.
 * So to go back means to begin anew. Where the way from the beginning is long,
 * it begins with a block at least CN_WARM_UP looks earlier: then rates and
 * graphs are right, and what was remembered for longer is missing, which
 * `from` tells.
 */
enum { CN_WARM_UP = 130 };
struct cn_playback {
	uint64_t look, looks; /* the one that is shown, from 1 (0 = none yet), and how many there are */
	uint64_t from;        /* the first one that what is shown rests on, from 1 */
	uint64_t first_ns, now_ns, last_ns;
	uint32_t speed_permille; /* 1000 = as it was */
	bool paused;
	const char *file;
	const char *target;   /* as it was named for the recorder; hostile */
	uint32_t interval_ms; /* as it was recorded */
	const char *ended;    /* after this look the target gave no more: why, else NULL; hostile */
	const char *note;     /* what is missing of the file, "" = nothing */
};
/* False: it is none. Text is borrowed until the next pump or seek. */
bool cn_session_playback(const struct cn_session *session, struct cn_playback *ret_playback);
/* Look number `look` (from 1; more than there are: the last one) is taken in, and no later one. 0, or *why is set. */
int cn_session_seek(struct cn_session *session, uint64_t look, struct cn_why *why);
/* The last look that was shown at `ns` or before (the first one, if there is none): cn_session_seek() to it. */
int cn_session_seek_time(struct cn_session *session, uint64_t ns, struct cn_why *why);
void cn_session_speed(struct cn_session *session, uint32_t permille);
/* Each look is due as soon as the one before was taken in: for what is printed. */
void cn_session_hurry(struct cn_session *session);
/* No more looks come: what waits for one has what there is. */
void cn_session_stand_still(struct cn_session *session);

#endif
