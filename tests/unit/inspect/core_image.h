/* SPDX-License-Identifier: MIT */
/* Core files made by hand, of which every byte can be wrong. */
#ifndef CORE_IMAGE_H
#define CORE_IMAGE_H

#include <elf.h>

#include "fake.h"

enum { CORE_NOTES_AT = 4096, CORE_MEMORY_AT = 64 << 10, CORE_BYTES = CORE_MEMORY_AT + 2 * FAKE_BYTES, CORE_PID = 777 };

struct core_image {
	uint8_t *bytes;
	size_t used;  /* of the memory's part: where the file ends */
	size_t notes; /* bytes of them */
};

/* Headers, and one segment for the notes. */
void core_init(struct core_image *image);
void core_fini(struct core_image *image);
Elf64_Ehdr *core_header(struct core_image *image);
/* The n-th; 0 is that of the notes. */
Elf64_Phdr *core_segment(struct core_image *image, size_t n);
/* A segment of `memory` bytes of which `stored` are in the file; its index. */
size_t core_put(struct core_image *image, uint64_t address, const void *bytes, size_t stored, size_t memory);
/* The description of the note, to be changed. */
void *core_note(struct core_image *image, uint32_t type, const void *bytes, size_t n);
/*
 * A thread in system call `call` with that first argument; UINT64_MAX: in its own code. Others only on x86-64.
 * Its struct elf_prstatus, to be changed; not aligned.
 */
void *core_thread(struct core_image *image, int tid, uint64_t pc, uint64_t sp, uint64_t call, uint64_t argument);
/* The list of mapped files: pieces of the runtime's memfd, of `bytes` bytes each, one behind the other. */
void core_files(struct core_image *image, uint64_t address, uint64_t bytes, size_t pieces);
/* All that a kernel writes of a program with that memory, in two segments. */
void core_of_fake(struct core_image *image, struct fake *fake);
/* The first `bytes` bytes as a file; a descriptor. */
int core_file(const struct core_image *image, size_t bytes);

#endif
