/* SPDX-License-Identifier: MIT */
/*
 * A USDT probe is described by an ELF note of type 3, name "stapsdt", in
 * section .note.stapsdt (which is not loaded: the file has to be read):
 *
 *     address of the site | of .stapsdt.base | of the semaphore |
 *     provider\0 | probe\0 | arguments\0
 *
 * The runtime may be in the program itself or in any library it has mapped;
 * all of them are looked at, and attached to if there are several.
 */
#include "loader/notes.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <inttypes.h>
#include <libelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NOTE_SECTION ".note.stapsdt"
#define NOTE_NAME "stapsdt"
#define NOTE_TYPE 3

static Elf_Data *note_section(Elf *elf)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	size_t names;

	if (elf_getshdrstrndx(elf, &names) != 0)
		return NULL;
	while ((section = elf_nextscn(elf, section))) {
		const char *name;

		if (!gelf_getshdr(section, &header) || header.sh_type != SHT_NOTE)
			continue;
		name = elf_strptr(elf, names, header.sh_name);
		if (name && strcmp(name, NOTE_SECTION) == 0)
			return elf_getdata(section, NULL);
	}
	return NULL;
}

static bool note_is_of(const Elf_Data *data, const GElf_Nhdr *note, size_t name_at, size_t desc_at, size_t addresses,
	const char *provider)
{
	const char *bytes = data->d_buf;
	size_t room;

	if (note->n_type != NOTE_TYPE || note->n_namesz != sizeof(NOTE_NAME))
		return false;
	if (memcmp(bytes + name_at, NOTE_NAME, sizeof(NOTE_NAME)) != 0 || note->n_descsz <= addresses)
		return false;
	room = note->n_descsz - addresses;
	return strnlen(bytes + desc_at + addresses, room) < room && strcmp(bytes + desc_at + addresses, provider) == 0;
}

int bl_notes_find(int fd, const char *provider)
{
	Elf_Data *data;
	size_t addresses, at = 0, next, name_at, desc_at;
	GElf_Nhdr note;
	Elf *elf;
	int found = 0;

	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	if (!elf)
		return -EIO;
	data = elf_kind(elf) == ELF_K_ELF ? note_section(elf) : NULL;
	addresses = 3 * (gelf_getclass(elf) == ELFCLASS64 ? 8 : 4);
	while (data && !found && (next = gelf_getnote(data, at, &note, &name_at, &desc_at)) > 0) {
		found = note_is_of(data, &note, name_at, desc_at, addresses, provider);
		at = next;
	}
	elf_end(elf);
	return found;
}

bool bl_object_parse(int pid, const char *line, struct bl_object *ret_object)
{
	uint64_t start, end, inode;
	unsigned int major, minor;
	char rights[5];
	int path_at = 0;

	/* The kernel's own line: its numbers fit. NOLINTNEXTLINE(cert-err34-c) */
	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %*x %x:%x %" SCNu64 " %n", &start, &end, rights, &major, &minor,
		    &inode, &path_at) < 6)
		return false;
	if (!inode || rights[2] != 'x' || path_at == 0 || line[path_at] != '/')
		return false;
	ret_object->device = (uint64_t)major << 32 | minor;
	ret_object->inode = inode;
	snprintf(
		ret_object->file, sizeof(ret_object->file), "/proc/%d/map_files/%" PRIx64 "-%" PRIx64, pid, start, end);
	line += path_at;
	snprintf(ret_object->path, sizeof(ret_object->path), "%.*s", (int)strcspn(line, "\n"), line);
	return true;
}

static int has_probes(const struct bl_object *object, const char *provider)
{
	int fd, rc;

	fd = open(object->file, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno; /* unmapped meanwhile */
	rc = bl_notes_find(fd, provider);
	close(fd);
	return rc;
}

static bool is_same_file(const struct bl_object *a, const struct bl_object *b)
{
	return a->device == b->device && a->inode == b->inode;
}

int bl_objects_find(int pid, const char *provider, struct bl_object *objects, size_t capacity)
{
	/* `last`: mappings of one file are neighbours, so most files are opened only once. */
	struct bl_object object, last = { .inode = 0 };
	char name[32], *line = NULL;
	size_t bytes = 0, n = 0;
	FILE *maps;
	int rc = 0;

	snprintf(name, sizeof(name), "/proc/%d/maps", pid);
	maps = fopen(name, "re");
	if (!maps)
		return errno == ENOENT ? -ESRCH : -errno;
	while (rc >= 0 && getline(&line, &bytes, maps) > 0) {
		size_t known = 0;

		if (!bl_object_parse(pid, line, &object) || is_same_file(&object, &last))
			continue;
		last = object;
		while (known < n && known < capacity && !is_same_file(&objects[known], &object))
			known++;
		if (known < n && known < capacity)
			continue;
		rc = has_probes(&object, provider);
		if (rc <= 0)
			continue;
		if (n < capacity)
			objects[n] = object;
		n++;
	}
	free(line);
	fclose(maps);
	return rc < 0 ? rc : (int)n;
}
