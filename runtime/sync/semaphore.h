/* SPDX-License-Identifier: MIT */
/* Semaphores, for those who check them. */
#ifndef RS_SYNC_SEMAPHORE_H
#define RS_SYNC_SEMAPHORE_H

#include <rouse/sync.h>
#include <stdio.h>

/* NULL, or what is wrong with its record, its holders, those who wait. */
const char *rs_semaphore_validate(struct rouse_semaphore *semaphore);
void rs_semaphore_dump(struct rouse_semaphore *semaphore, FILE *out);

#endif
