/* SPDX-License-Identifier: MIT */
#include "inspect/hidden.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct head {
	char mark[32];
	uint64_t address; /* its own: a copy of the head elsewhere is no head */
	uint64_t bytes;   /* of the mapping */
	char pad[16];
};
_Static_assert(sizeof(struct head) == 64, "what follows is aligned to a cache line");

static const char mark[32] = "rouse: copies made by a reader\n";

static struct head *head_of(void *memory)
{
	return (struct head *)((char *)memory - sizeof(struct head));
}

/* A memfd, because neighbouring anonymous mappings become one. Where there is none, copies are found: no harm. */
static void *map(size_t bytes)
{
	int fd = memfd_create("rouse-reader", MFD_CLOEXEC);
	void *memory = MAP_FAILED;

	if (fd >= 0 && ftruncate(fd, (off_t)bytes) == 0)
		memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	if (fd >= 0)
		close(fd);
	if (memory == MAP_FAILED)
		memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return memory == MAP_FAILED ? NULL : memory;
}

void *ri_hidden_alloc(size_t bytes)
{
	struct head *head;

	if (bytes > SIZE_MAX / 2)
		return NULL;
	head = map(bytes + sizeof *head);
	if (!head)
		return NULL;
	memcpy(head->mark, mark, sizeof mark);
	head->address = (uintptr_t)head;
	head->bytes = bytes + sizeof *head;
	return head + 1;
}

void *ri_hidden_grow(void *memory, size_t bytes)
{
	void *larger = ri_hidden_alloc(bytes);

	if (!larger || !memory)
		return larger;
	size_t had = head_of(memory)->bytes - sizeof(struct head);

	memcpy(larger, memory, had < bytes ? had : bytes);
	ri_hidden_free(memory);
	return larger;
}

void ri_hidden_free(void *memory)
{
	if (memory)
		munmap(head_of(memory), head_of(memory)->bytes);
}

bool ri_hidden_is(struct ri_memory *memory, uint64_t address)
{
	struct head head;

	return ri_memory_read(memory, address, &head, sizeof head) == 0 && head.address == address &&
	       memcmp(head.mark, mark, sizeof mark) == 0;
}
