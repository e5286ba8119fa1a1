/* SPDX-License-Identifier: MIT */
/*
 * A task gives its buffer back to the system after each use, and takes it anew:
 * the kernel has to make every page of it in every poll. The twin keeps it.
 *
 * row: A21
 * finds: page-faults suspect
 * task: filler
 * kernel: sched faults
 * core: no, the kernel is asked while it runs
 */
#include <sys/mman.h>

#include "zoo.h"

enum { BYTES = 16 << 20, PAGE = 4096 };

static volatile char *buffer;

static void fill(void)
{
	for (size_t i = 0; i < BYTES; i += PAGE)
		buffer[i] = 1;
	if (!ZOO_TWIN)
		ZOO_MUST(madvise((void *)(uintptr_t)buffer, BYTES, MADV_DONTNEED));
}

ROUSE_ASYNC(filler, int,
	struct rouse_sleep sleep;);
ROUSE_BODY(filler)
{
	ROUSE_BEGIN;
	for (;;) {
		fill();
		ROUSE_AWAIT_ONLY(rouse_sleep(&self->sleep, 20 * ROUSE_MS));
	}
	ROUSE_END;
}

static void make(void)
{
	void *mapped = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	zoo_must(mapped != MAP_FAILED, "mmap", __FILE__, __LINE__);
	madvise(mapped, BYTES, MADV_NOHUGEPAGE); /* a kernel without huge pages says no */
	buffer = mapped;
}

static void start(void)
{
	ZOO_MUST(rouse_spawn_detached(filler)); /* fault */
}

ZOO(ZOO_WORKERS(2), make, start)
