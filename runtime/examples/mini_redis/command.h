/* SPDX-License-Identifier: MIT */
/*
 * command - what a request means: looks it up, checks it, runs it.
 *
 * Pure memory work, done within one poll; never suspends.
 */
#ifndef MINI_REDIS_COMMAND_H
#define MINI_REDIS_COMMAND_H

#include "resp.h"
#include "store.h"

/*
 * Runs one request, whose arguments lie in `bytes`; its reply is added to
 * `out`. False: the connection is to be closed once the reply is written.
 */
bool command_run(struct store *store, const struct resp_parser *request, const char *bytes, struct resp_out *out);

/* One line for each command, for --help. */
void command_list(void (*line)(void *arg, const char *usage, const char *summary), void *arg);

#endif
