/* SPDX-License-Identifier: MIT */
/* What libbpf has to say when it fails, and what it has no call for. */
#ifndef BL_LIBBPF_H
#define BL_LIBBPF_H

#include "loader/loader.h"

/* It prints nothing from now on; its last warning is kept for bl_fail_by_libbpf(). */
void bl_listen_to_libbpf(void);
/*
 * Returns when every program that ran as it was called has ended: one may have
 * been interrupted between counting and telling, and others run before it again.
 */
void bl_await_programs(void);
/* As bl_fail(), with libbpf's own words. -EACCES becomes -EPERM. */
int bl_fail_by_libbpf(struct bl_why *why, int rc, const char *what);

#endif
