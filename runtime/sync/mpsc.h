/* SPDX-License-Identifier: MIT */
/* Channels, for those who check them. */
#ifndef RS_SYNC_MPSC_H
#define RS_SYNC_MPSC_H

#include <rouse/sync.h>
#include <stdio.h>

/* 0, or -EINVAL: the record, the queue and those who wait do not agree. */
int rs_mpsc_validate(struct rouse_mpsc *channel);
void rs_mpsc_dump(struct rouse_mpsc *channel, FILE *out);

#endif
