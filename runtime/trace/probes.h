/* SPDX-License-Identifier: MIT */
/*
 * USDT probes of provider "rouse". A probe site costs one load and a predicted
 * branch while nobody listens; the hit itself is out of line (probes.c).
 */
#ifndef RS_TRACE_PROBES_H
#define RS_TRACE_PROBES_H

#include <stdint.h>

void rs_probe_spawn(uint64_t task, uint32_t site, uint64_t parent);
void rs_probe_wake(uint64_t task, uint64_t waker, uint32_t polls);
void rs_probe_poll_start(uint64_t task, uint32_t poll);
void rs_probe_poll_end(uint64_t task, uint32_t poll, int ready);
void rs_probe_complete(uint64_t task, uint32_t state);

#endif
