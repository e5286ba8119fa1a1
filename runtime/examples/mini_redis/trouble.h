/* SPDX-License-Identifier: MIT */
/*
 * trouble - everything that can go wrong in an async program, on purpose.
 */
#ifndef MINI_REDIS_TROUBLE_H
#define MINI_REDIS_TROUBLE_H

struct trouble;

/* Spawns the troubles in the current runtime. 0 or a negative error; then what was begun still goes on. */
int trouble_start(struct trouble **ret_trouble);
/* Frees what they used, once their runtime has been shut down. NULL is fine. */
void trouble_free(struct trouble *trouble);

#endif
