/* SPDX-License-Identifier: MIT */
#include "core_image.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/procfs.h>
#include <unistd.h>

#if defined(__x86_64__)
enum { MACHINE = EM_X86_64, PC = 16, SP = 19, CALL = 15, ARGUMENT = 14 };
#elif defined(__aarch64__)
enum { MACHINE = EM_AARCH64, PC = 32, SP = 31, CALL = 8, ARGUMENT = 0 };
#else
enum { MACHINE = EM_RISCV, PC = 0, SP = 2, CALL = 17, ARGUMENT = 10 };
#endif

Elf64_Ehdr *core_header(struct core_image *image)
{
	return (Elf64_Ehdr *)(void *)image->bytes;
}

Elf64_Phdr *core_segment(struct core_image *image, size_t n)
{
	return (Elf64_Phdr *)(void *)(image->bytes + sizeof(Elf64_Ehdr)) + n;
}

void core_init(struct core_image *image)
{
	*image = (struct core_image){ .bytes = calloc(1, CORE_BYTES), .used = CORE_MEMORY_AT };
	if (!image->bytes)
		abort();
	Elf64_Ehdr *header = core_header(image);

	memcpy(header->e_ident, ELFMAG, SELFMAG);
	header->e_ident[EI_CLASS] = ELFCLASS64;
	header->e_ident[EI_DATA] = ELFDATA2LSB;
	header->e_type = ET_CORE;
	header->e_machine = MACHINE;
	header->e_phoff = sizeof *header;
	header->e_phentsize = sizeof(Elf64_Phdr);
	header->e_phnum = 1;
	*core_segment(image, 0) = (Elf64_Phdr){ .p_type = PT_NOTE, .p_offset = CORE_NOTES_AT };
}

void core_fini(struct core_image *image)
{
	free(image->bytes);
}

size_t core_put(struct core_image *image, uint64_t address, const void *bytes, size_t stored, size_t memory)
{
	size_t n = core_header(image)->e_phnum++;

	if (image->used + stored > CORE_BYTES || sizeof(Elf64_Ehdr) + (n + 1) * sizeof(Elf64_Phdr) > CORE_NOTES_AT)
		abort();
	*core_segment(image, n) = (Elf64_Phdr){
		.p_type = PT_LOAD, .p_offset = image->used, .p_vaddr = address, .p_filesz = stored, .p_memsz = memory
	};
	memcpy(image->bytes + image->used, bytes, stored);
	image->used += stored;
	return n;
}

void *core_note(struct core_image *image, uint32_t type, const void *bytes, size_t n)
{
	const Elf64_Nhdr head = { .n_namesz = sizeof "CORE", .n_descsz = (uint32_t)n, .n_type = type };
	const size_t name = 8, whole = sizeof head + name + ((n + 3) & ~(size_t)3);
	uint8_t *at = image->bytes + CORE_NOTES_AT + image->notes;

	if (image->notes + whole > CORE_MEMORY_AT - CORE_NOTES_AT)
		abort();
	memcpy(at, &head, sizeof head);
	memcpy(at + sizeof head, "CORE", sizeof "CORE");
	memcpy(at + sizeof head + name, bytes, n);
	image->notes += whole;
	core_segment(image, 0)->p_filesz = image->notes;
	return at + sizeof head + name;
}

void *core_thread(struct core_image *image, int tid, uint64_t pc, uint64_t sp, uint64_t call, uint64_t argument)
{
	struct elf_prstatus status;
	uint64_t registers[sizeof status.pr_reg / sizeof(uint64_t)] = { 0 };

	memset(&status, 0, sizeof status);
	status.pr_pid = tid;
	status.pr_cursig = 6;
	status.pr_utime.tv_sec = 2;
	status.pr_stime.tv_usec = 500;
	registers[PC] = pc;
	registers[SP] = sp;
	registers[CALL] = call;
	registers[ARGUMENT] = argument;
	memcpy(status.pr_reg, registers, sizeof registers);
	return core_note(image, NT_PRSTATUS, &status, sizeof status);
}

void core_files(struct core_image *image, uint64_t address, uint64_t bytes, size_t pieces)
{
	enum { PAGE = 4096, MAX = 4 };
	static const char name[] = "/memfd:" ROUSE_MEMFD_NAME " (deleted)", other[] = "/usr/bin/program";
	uint64_t words[2 + 3 * (MAX + 1)] = { pieces + 1, PAGE, 0x400000, 0x401000, 0 };
	uint8_t note[sizeof words + sizeof other + MAX * sizeof name];
	size_t n = sizeof other, at = (2 + 3 * (pieces + 1)) * sizeof words[0];

	if (pieces > MAX)
		abort();
	for (size_t i = 0; i < pieces; i++) {
		words[5 + 3 * i] = address + i * bytes;
		words[6 + 3 * i] = address + (i + 1) * bytes;
		words[7 + 3 * i] = i * bytes / PAGE;
	}
	memcpy(note, words, at);
	memcpy(note + at, other, sizeof other);
	for (size_t i = 0; i < pieces; i++, n += sizeof name)
		memcpy(note + at + n, name, sizeof name);
	core_note(image, NT_FILE, note, at + n);
}

void core_of_fake(struct core_image *image, struct fake *fake)
{
	const size_t first = FAKE_BYTES / 2;
	struct elf_prpsinfo info;

	memset(&info, 0, sizeof info);
	info.pr_pid = CORE_PID;
	memcpy(info.pr_fname, "program", sizeof "program");
	core_init(image);
	core_thread(image, CORE_PID, 0x401000, 0x7000, UINT64_MAX, 0);
	core_note(image, NT_PRPSINFO, &info, sizeof info);
	core_files(image, FAKE_BASE, FAKE_BYTES / 2, 2);
	core_put(image, FAKE_BASE, fake->image, first, first);
	core_put(image, FAKE_BASE + first, fake->image + first, FAKE_BYTES - first, FAKE_BYTES - first);
}

int core_file(const struct core_image *image, size_t bytes)
{
	int fd = memfd_create("core", MFD_CLOEXEC);

	if (fd < 0 || write(fd, image->bytes, bytes) != (ssize_t)bytes)
		abort();
	return fd;
}
