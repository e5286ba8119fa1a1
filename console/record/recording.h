/* SPDX-License-Identifier: MIT */
/*
 * Reads a recording: its blocks, and from the beginning of any one of them its
 * frames, moment by moment. The file may be cut, damaged, or made up: what is
 * whole is read, up to the last whole moment of each block, and note() says
 * what is missing. Memory is bounded by the number of blocks that fit into the
 * file, a frame, and one chunk.
 */
#ifndef CN_RECORD_RECORDING_H
#define CN_RECORD_RECORDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "record/format.h"

struct cn_why;
struct cn_recording;

/* Its first bytes say that it is one: of whichever version. */
bool cn_recording_is_one(const char *path);
/* 0; -EBADMSG it is none, or has no whole moment; -EPROTO another version; -E2BIG; or what the system says. */
int cn_recording_open(const char *path, struct cn_recording **ret_recording, struct cn_why *why);
void cn_recording_close(struct cn_recording *recording);

uint64_t cn_recording_moments(const struct cn_recording *recording);
uint64_t cn_recording_first_ns(const struct cn_recording *recording);
uint64_t cn_recording_last_ns(const struct cn_recording *recording);
/* In words, "" = it is whole: "it was not closed; 3 looks of block 7 cannot be read". */
const char *cn_recording_note(const struct cn_recording *recording);

size_t cn_recording_blocks(const struct cn_recording *recording);
/* Its moments are `first` (from 0), first + 1, ... */
const struct cn_record_block *cn_recording_block(const struct cn_recording *recording, size_t index, uint64_t *ret_first);
/* The one that has that moment, which there is. */
size_t cn_recording_block_of(const struct cn_recording *recording, uint64_t moment);

/*
 * When that moment was, which there is; 0: it cannot be told. Reads the moment's
 * block through, once for as long as no other block is asked for.
 */
uint64_t cn_recording_time(struct cn_recording *recording, uint64_t moment);

/* The next frame will be the first one of that block. 0 or -ENOMEM. */
int cn_recording_seek(struct cn_recording *recording, size_t block);
/*
 * Hands out the frames up to and with the next Moment; goes on into the next
 * block. 0; 1 there is no more; what `frame` answered; or -errno. If a block turns out
 * damaged, its moments become fewer: -EAGAIN, and what comes next begins anew,
 * with the next block.
 */
typedef int (*cn_recording_fn)(void *arg, const uint8_t *bytes, size_t n);
int cn_recording_next(struct cn_recording *recording, cn_recording_fn frame, void *arg);

#endif
