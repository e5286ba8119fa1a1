/* SPDX-License-Identifier: MIT */
/*
 * Keeps what a session sees, in a file or in memory: see format.h. Opened by
 * whoever wants a recording, fed by the session (cn_session_record()):
 *
 *     cn_recorder_open("x.rec", &(struct cn_recorder_opts){ .size = sizeof opts }, &recorder, &why);
 *     cn_session_record(session, recorder);
 *     while (...) cn_session_wait(...);
 *     cn_session_record(session, NULL);
 *     cn_recorder_close(recorder, &why);
 *
 * With `last_ns` nothing is written until cn_recorder_write(): then what is in
 * memory is, and again at each further call, in place of what was there.
 */
#ifndef CN_RECORD_RECORDER_H
#define CN_RECORD_RECORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cn_why;
struct cn_recorder;

struct cn_recorder_opts {
	size_t size;
	uint64_t ring_bytes; /* the file (or memory) never has more: the oldest blocks give way; 0 = no bound */
	uint64_t last_ns;    /* keep so much in memory, and a block more; 0 = write to the file at once */
};
enum { CN_RECORDER_RING_MIN = 1 << 20 };

struct cn_recorder_stats {
	uint64_t moments, generations; /* ever taken in */
	uint64_t kept_moments;         /* that are in the file, or in memory, now */
	uint64_t bytes;                /* likewise */
	uint64_t raw_bytes;            /* of frames in them */
	uint64_t first_ns, last_ns;
	uint64_t dropped_blocks;       /* that gave way */
	uint64_t lost_moments;         /* that came while there was no block to put them into, or it had no room */
	uint64_t lost_generations;     /* as the target's agent told: it was not read fast enough */
	uint64_t lost_events;
};

/*
 * Makes `path` (an old file is replaced; with `last_ns` it is only tried
 * whether one can be made there). 0; -EINVAL a ring that is too small; or what
 * the system says. *why is set on failure.
 */
int cn_recorder_open(const char *path, const struct cn_recorder_opts *opts, struct cn_recorder **ret_recorder,
	struct cn_why *why);
/* Ends the file: 0, or the first failure since it was opened (then *why is set, and what was written is readable). */
int cn_recorder_close(struct cn_recorder *recorder, struct cn_why *why);
/*
 * What is in memory, into the file, which appears whole or not at all. Goes on recording. -EINVAL: not in
 * memory; -ENODATA: there is no look yet.
 */
int cn_recorder_write(struct cn_recorder *recorder, struct cn_why *why);
void cn_recorder_stats(const struct cn_recorder *recorder, struct cn_recorder_stats *ret_stats);
/* The first failure, 0 = all is well. After it nothing is taken in any more. */
int cn_recorder_error(const struct cn_recorder *recorder);

/* ------------------------------------------------------- for whoever feeds it */

/* A keyframe of every runtime would be welcome: the block that is open is full, or there is none. */
bool cn_recorder_wants_keyframe(const struct cn_recorder *recorder);
/* One begins with the next frame. It has to be preceded by all that a block needs: Recording, Hello. */
void cn_recorder_cut(struct cn_recorder *recorder);
/* An encoded frame, without its prefix. Without an open block it is left out. */
void cn_recorder_frame(struct cn_recorder *recorder, const uint8_t *bytes, size_t n);
/* The Moment has been put in as a frame: what came is shown. */
void cn_recorder_moment(struct cn_recorder *recorder, uint64_t now_ns, uint32_t generations);
void cn_recorder_lost(struct cn_recorder *recorder, uint64_t generations, uint64_t events);

#endif
