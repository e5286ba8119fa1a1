/* SPDX-License-Identifier: MIT */
/*
 * Which object files make up the target's code, each opened and checked.
 *
 * The path in a process's maps is only what a file was called when it was
 * mapped, and as the process itself sees it. So a file is opened through
 * /proc/TID/map_files, which is the mapped one even if it was deleted, or was
 * replaced by a newer build (needs CAP_CHECKPOINT_RESTORE); else through
 * /proc/TID/exe or /proc/TID/root. Then its build id has to be that in the
 * target's memory; without one, it has to be the same inode. A file that is
 * another gives no names, for they would be wrong: addresses in it stay
 * "module+offset". Of core files libdwfl does the same.
 */
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <elfutils/libdwelf.h>

#include "stack/private.h"

enum { HEADERS_MAX = 64, NOTES_BYTES = 4096, ID_BYTES = 64 };

/* ---------------------------------------------------------------- build id */

/* In the notes of a segment; returns the id's length, 0 = it is not there. */
static size_t id_in_notes(const uint8_t *notes, size_t bytes, uint8_t id[ID_BYTES])
{
	Elf64_Nhdr note;

	for (size_t at = 0; bytes - at >= sizeof note;) {
		memcpy(&note, notes + at, sizeof note);
		at += sizeof note;
		if (note.n_namesz > bytes - at || note.n_descsz > bytes)
			return 0;
		size_t name = at, from = at + ((note.n_namesz + 3) & ~3u);

		if (from > bytes || note.n_descsz > bytes - from)
			return 0;
		if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && memcmp(notes + name, "GNU", 4) == 0 &&
			note.n_descsz <= ID_BYTES) {
			memcpy(id, notes + from, note.n_descsz);
			return note.n_descsz;
		}
		at = from + ((note.n_descsz + 3) & ~(size_t)3);
		if (at > bytes)
			return 0;
	}
	return 0;
}

/* Of the object whose first page is mapped at `base`. */
static size_t id_in_memory(struct rn_target *target, uint64_t base, uint8_t id[ID_BYTES])
{
	Elf64_Ehdr head;
	Elf64_Phdr segments[HEADERS_MAX];
	uint8_t notes[NOTES_BYTES];
	uint64_t bias = 0;
	size_t n = 0;

	if (!rn_read(target, base, &head, sizeof head) || memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 ||
		head.e_ident[EI_CLASS] != ELFCLASS64 || head.e_phentsize != sizeof segments[0] ||
		head.e_phnum > HEADERS_MAX ||
		!rn_read(target, base + head.e_phoff, segments, head.e_phnum * sizeof segments[0]))
		return 0;
	for (unsigned int i = head.e_phnum; i-- > 0;)
		if (segments[i].p_type == PT_LOAD && segments[i].p_offset == 0)
			bias = base - segments[i].p_vaddr;
	for (unsigned int i = 0; i < head.e_phnum && !n; i++) {
		if (segments[i].p_type != PT_NOTE || segments[i].p_memsz > sizeof notes ||
			!rn_read(target, bias + segments[i].p_vaddr, notes, segments[i].p_memsz))
			continue;
		n = id_in_notes(notes, segments[i].p_memsz, id);
	}
	return n;
}

static bool is_the_mapped_one(struct rn_target *target, uint64_t base, int fd, Elf *elf)
{
	const struct rn_map *map = rn_map_at(target, base);
	uint8_t mapped[ID_BYTES];
	const void *id;
	size_t bytes = id_in_memory(target, base, mapped);
	ssize_t own = dwelf_elf_gnu_build_id(elf, &id);
	struct stat st;

	if (bytes || own > 0)
		return own == (ssize_t)bytes && memcmp(id, mapped, bytes) == 0;
	return map && fstat(fd, &st) == 0 && st.st_ino == map->inode;
}

/* ---------------------------------------------------------------- find_elf */

/* An ordinary file only: opening and reading others may wait, or do something. */
static int open_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return fd;
	close(fd);
	return -ESTALE;
}

/* Opens, checks, and keeps: the descriptor, or -errno; -ESTALE it is another one. */
static int try_file(struct rn_target *target, const char *path, uint64_t base, Elf **ret_elf)
{
	int fd = open_file(path);
	Elf *elf = fd < 0 ? NULL : elf_begin(fd, ELF_C_READ_MMAP_PRIVATE, NULL);

	if (elf && elf_kind(elf) == ELF_K_ELF && is_the_mapped_one(target, base, fd, elf)) {
		*ret_elf = elf;
		return fd;
	}
	elf_end(elf);
	if (fd < 0)
		return fd;
	close(fd);
	return -ESTALE;
}

size_t rn_mapped_name(const char *name)
{
	static const char mark[] = " (deleted)";
	size_t n = strlen(name);

	return n >= sizeof mark && strcmp(name + n + 1 - sizeof mark, mark) == 0 ? n + 1 - sizeof mark : n;
}

bool rn_module_refused(const struct rn_target *target, Dwfl_Module *module, uint64_t from)
{
	const char *name = dwfl_module_info(module, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
	const unsigned char *id;
	GElf_Addr at;

	if (target->core) /* it names the build that it was mapped from, and there is no such file; but for the vDSO */
		return name && name[0] != '[' && dwfl_module_build_id(module, &id, &at) > 0;
	for (size_t i = 0; i < target->n_refused; i++)
		if (target->refused[i] == from)
			return true;
	return false;
}

static int find_elf(
	Dwfl_Module *module, void **userdata, const char *name, Dwarf_Addr base, char **file_name, Elf **ret_elf)
{
	struct rn_target *target = *userdata;
	const struct rn_map *map = target ? rn_map_at(target, base) : NULL;
	char path[4200];
	int fd = -1;

	if (name[0] == '[')
		return dwfl_linux_proc_find_elf(module, userdata, name, base, file_name, ret_elf); /* the vDSO */
	if (!map || name[0] != '/')
		return -1;
	snprintf(path, sizeof path, "/proc/%d/map_files/%" PRIx64 "-%" PRIx64, target->tid, map->from, map->to);
	fd = try_file(target, path, base, ret_elf);
	if (fd < 0) {
		snprintf(path, sizeof path, "/proc/%d/exe", target->tid);
		fd = try_file(target, path, base, ret_elf);
	}
	if (fd < 0 && snprintf(path, sizeof path, "/proc/%d/root%.*s", target->tid, (int)rn_mapped_name(name),
				    name) < (int)sizeof path)
		fd = try_file(target, path, base, ret_elf);
	if (fd >= 0)
		*file_name = strdup(name);
	else if ((fd == -ESTALE || fd == -ENOENT) && target->n_refused < RN_REFUSED_MAX)
		target->refused[target->n_refused++] = base;
	return fd >= 0 ? fd : -1;
}

/*
 * Separate debug information only as it is installed, by build id. The other
 * ways to find it follow names in the target's files to wherever they lead.
 */
static char debug_path_text[] = "/usr/lib/debug";
static char *debug_path = debug_path_text;

static const Dwfl_Callbacks process_callbacks = {
	.find_elf = find_elf, .find_debuginfo = dwfl_build_id_find_debuginfo, .debuginfo_path = &debug_path
};
static const Dwfl_Callbacks core_callbacks = { .find_elf = dwfl_build_id_find_elf,
	.find_debuginfo = dwfl_build_id_find_debuginfo,
	.debuginfo_path = &debug_path };

/* ----------------------------------------------------------------- reports */

static int adopt(Dwfl_Module *module, void **userdata, const char *name, Dwarf_Addr base, void *target)
{
	(void)module;
	(void)name;
	(void)base;
	*userdata = target;
	return DWARF_CB_OK;
}

void rn_modules_free(struct rn_target *target)
{
	if (target->dwfl)
		dwfl_end(target->dwfl);
	target->dwfl = NULL;
	target->attached = false;
	target->n_refused = 0;
}

static int begin(struct rn_target *target, const Dwfl_Callbacks *callbacks)
{
	rn_modules_free(target);
	unsetenv("DEBUGINFOD_URLS"); /* or libdwfl would ask servers for what is not installed */
	target->dwfl = dwfl_begin(callbacks);
	if (!target->dwfl)
		return -ENOMEM;
	dwfl_report_begin(target->dwfl);
	return 0;
}

int rn_modules_read(struct rn_target *target)
{
	int rc = begin(target, &process_callbacks);

	if (rc)
		return rc;
	rc = dwfl_linux_proc_report(target->dwfl, target->tid);
	if (dwfl_report_end(target->dwfl, NULL, NULL) || rc < 0)
		return -ENOMEM;
	if (rc)
		return -rc;
	dwfl_getmodules(target->dwfl, adopt, target, 0);
	return 0;
}

int rn_modules_core(struct rn_target *target)
{
	int rc = begin(target, &core_callbacks);

	if (rc)
		return rc;
	rc = dwfl_core_file_report(target->dwfl, target->core, NULL);
	if (dwfl_report_end(target->dwfl, NULL, NULL) || rc < 0)
		return -ENOEXEC;
	target->attached = dwfl_core_file_attach(target->dwfl, target->core) > 0;
	return target->attached ? 0 : -ENOEXEC;
}

static Dwarf_Frame *frame_in(Dwarf_CFI *cfi, uint64_t address)
{
	Dwarf_Frame *frame = NULL;

	return cfi && dwarf_cfi_addrframe(cfi, address, &frame) == 0 ? frame : NULL;
}

enum rn_cfi rn_cfi_at(struct rn_target *target, uint64_t pc)
{
	Dwfl_Module *module = dwfl_addrmodule(target->dwfl, pc);
	Dwarf_Addr bias = 0;
	Dwarf_CFI *cfi = module ? dwfl_module_eh_cfi(module, &bias) : NULL;
	Dwarf_Frame *frame = frame_in(cfi, pc - bias);
	Dwarf_Op simple[3], *rule = simple;
	size_t n = 0;
	int number;
	enum rn_cfi found;

	if (!frame && module) {
		cfi = dwfl_module_dwarf_cfi(module, &bias);
		frame = frame_in(cfi, pc - bias);
	}
	if (!frame)
		return RN_CFI_NONE;
	number = dwarf_frame_info(frame, NULL, NULL, NULL);
	if (number < 0 || dwarf_frame_register(frame, number, simple, &rule, &n))
		found = RN_CFI_NONE;
	else /* no rule where one would stand: it returns to nobody */
		found = n == 0 && rule == simple ? RN_CFI_BEGINNING : RN_CFI_FRAME;
	free(frame);
	return found;
}
