/* SPDX-License-Identifier: MIT */
/*
 * unreadable - a part of its tasks cannot be read from outside: it takes the
 * rights from the pages they lie in. That is the end of it, so it stops itself
 * then, to be looked at and killed.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <rouse/rouse.h>
#include <rouse/layout.h>

ROUSE_ASYNC(waits, int, struct rouse_notify *notify; struct rouse_notified notified;);
ROUSE_BODY(waits)
{
	ROUSE_BEGIN;
	ROUSE_AWAIT_ONLY(rouse_notified(&self->notified, self->notify));
	ROUSE_RETURN(0);
	ROUSE_END;
}

/* As readers find it: by the name of the mapping. */
static const struct rouse_page *find_page(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	uintptr_t address = 0;
	char line[512];

	while (maps && !address && fgets(line, sizeof line, maps))
		if (strstr(line, "/memfd:" ROUSE_MEMFD_NAME " ") && sscanf(line, "%" SCNxPTR, &address) != 1)
			address = 0;
	if (maps)
		fclose(maps);
	return (const struct rouse_page *)address;
}

static bool hide_tasks(const struct rouse_page *page)
{
	const struct rouse_chunk_entry *chunks = (const void *)((const char *)page + page->off_chunks);
	const uintptr_t page_mask = (uintptr_t)sysconf(_SC_PAGESIZE) - 1;

	for (uint32_t i = 0; i < page->chunk_count; i++) {
		uintptr_t begin = chunks[i].address, end = begin + (uintptr_t)chunks[i].stride * chunks[i].cells;

		begin = (begin + page_mask) & ~page_mask;
		end &= ~page_mask;
		if (chunks[i].kind == ROUSE_CHUNK_TASK && begin < end)
			return mprotect((void *)begin, end - begin, PROT_NONE) == 0;
	}
	return false;
}

int main(void)
{
	struct rouse_runtime *runtime;
	struct rouse_notify *never;
	struct rouse_guard guard;
	const struct rouse_page *page;

	if (rouse_runtime_new(ROUSE_RUNTIME_OPTS(.name = "unreadable", .workers = 1), &runtime))
		return 1;
	guard = rouse_enter(runtime);
	never = rouse_notify_new("never");
	for (int i = 0; i < 100; i++)
		if (!never || rouse_spawn_detached(waits, .notify = never))
			return 1;
	page = find_page();
	if (!page || !hide_tasks(page))
		return 1;
	raise(SIGSTOP);
	rouse_leave(&guard);
	return 0;
}
