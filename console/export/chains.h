/* SPDX-License-Identifier: MIT */
/*
 * Await chains as folded stacks, for flame graphs: a line for each shape of
 * chain, with how many tasks have it, or how long those were busy.
 *
 *     program;serve main.c:185;handle conn.c:40;recv net.c:12;[receive] 300
 *
 * After the program comes the spawn site, then the futures from the root down to
 * the one that waits, each with the await it is suspended at; last, in brackets,
 * what it waits for, or the task's state if it waits for nothing. Of a select
 * the arm is taken that waits. Names and ids of tasks make no difference.
 */
#ifndef CN_EXPORT_CHAINS_H
#define CN_EXPORT_CHAINS_H

#include <stdio.h>

#include "model/model.h"

enum cn_chains_by { CN_CHAINS_BY_TASKS, CN_CHAINS_BY_BUSY /* microseconds in polls, since the spawns */ };

/* Futures of a chain that are told apart: of a deeper one the outermost, and "(deeper)". */
enum { CN_CHAINS_DEPTH = 64, CN_CHAINS_MAX = 1 << 16 /* lines; tasks of others stand under "(others)" */ };

/* Of each shape, with its weight in tasks or nanoseconds; "" stands for those beyond the bound. 0 or -ENOMEM. */
typedef void (*cn_chain_fn)(void *arg, const char *chain, uint64_t weight);
int cn_chains_each(const struct cn_model *model, enum cn_chains_by by, cn_chain_fn each, void *arg);

/* 0 or -ENOMEM; an error of the stream is the caller's to see. */
int cn_chains_folded(FILE *out, const struct cn_model *model, enum cn_chains_by by);

#endif
