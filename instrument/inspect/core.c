/* SPDX-License-Identifier: MIT */
#include "inspect/core.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <rouse/layout.h>

/* The kernel's own limits are 65530 mappings and 16 MiB of names unless somebody raised them. */
enum { SEGMENTS_MAX = 1 << 20, NOTES_MAX = 64 << 20 };

#if defined(__x86_64__)
enum { MACHINE = EM_X86_64 };
#elif defined(__aarch64__)
enum { MACHINE = EM_AARCH64 };
#elif defined(__riscv)
enum { MACHINE = EM_RISCV };
#else
enum { MACHINE = EM_NONE };
#endif

/* All of it, or false: behind the end, or the file shrank. */
static bool read_at(const struct ri_core *core, uint64_t offset, void *buffer, size_t bytes)
{
	size_t done = 0;

	if (offset > core->bytes || bytes > core->bytes - offset)
		return false;
	while (done < bytes) {
		ssize_t n = pread(core->fd, (char *)buffer + done, bytes - done, (off_t)(offset + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		done += (size_t)n;
	}
	return true;
}

/* ------------------------------------------------------------------ opening */

static int read_header(const struct ri_core *core, Elf64_Ehdr *header)
{
	if (!read_at(core, 0, header, sizeof *header) || memcmp(header->e_ident, ELFMAG, SELFMAG) != 0)
		return -ENOEXEC;
	if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_ident[EI_DATA] != ELFDATA2LSB)
		return -ENOTSUP;
	if (header->e_type != ET_CORE)
		return -ENOEXEC;
	if (MACHINE != EM_NONE && header->e_machine != MACHINE)
		return -ENOTSUP;
	return header->e_phentsize == sizeof(Elf64_Phdr) ? 0 : -EBADMSG;
}

/* More than fit into the header's field are told by the first section. */
static int count_headers(const struct ri_core *core, const Elf64_Ehdr *header, size_t *ret_n)
{
	Elf64_Shdr first;
	size_t n = header->e_phnum;

	if (n == PN_XNUM) {
		if (!read_at(core, header->e_shoff, &first, sizeof first))
			return -EBADMSG;
		n = first.sh_info;
	}
	if (n == 0 || n > SEGMENTS_MAX)
		return -EBADMSG;
	*ret_n = n;
	return 0;
}

static uint64_t stored_of(const struct ri_core *core, uint64_t offset, uint64_t bytes)
{
	uint64_t left = offset < core->bytes ? core->bytes - offset : 0;

	return bytes < left ? bytes : left;
}

static void count_missing(struct ri_core *core, uint64_t bytes)
{
	core->missing = core->missing + bytes < bytes ? UINT64_MAX : core->missing + bytes;
}

/* Memory of which nothing was meant to be stored (its file has it, or a filter left it out) is not missing. */
static void take_segment(struct ri_core *core, const Elf64_Phdr *header)
{
	uint64_t meant = header->p_filesz < header->p_memsz ? header->p_filesz : header->p_memsz;
	uint64_t stored = stored_of(core, header->p_offset, meant);

	if (header->p_memsz == 0 || header->p_vaddr + header->p_memsz < header->p_vaddr)
		return;
	count_missing(core, meant - stored);
	core->segments[core->n_segments++] = (struct ri_core_segment){ header->p_vaddr, header->p_memsz, stored,
		header->p_offset, header->p_flags, false };
}

static int take_note_segment(struct ri_core *core, const Elf64_Phdr *header)
{
	uint64_t stored = stored_of(core, header->p_offset, header->p_filesz);
	int rc = 0;

	count_missing(core, header->p_filesz - stored);
	if (stored == 0 || stored > NOTES_MAX)
		return 0;
	uint8_t *notes = malloc(stored);

	if (!notes)
		return -ENOMEM;
	if (read_at(core, header->p_offset, notes, stored))
		rc = ri_core_take_notes(core, notes, stored);
	free(notes);
	return rc;
}

static int by_address(const void *a, const void *b)
{
	uint64_t x = ((const struct ri_core_segment *)a)->address, y = ((const struct ri_core_segment *)b)->address;

	return (x > y) - (x < y);
}

static int take_headers(struct ri_core *core, const Elf64_Phdr *headers, size_t n)
{
	enum { NOTE_SEGMENTS_MAX = 16 };
	size_t notes = 0;
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++) {
		if (headers[i].p_type == PT_LOAD)
			take_segment(core, &headers[i]);
		else if (headers[i].p_type == PT_NOTE && notes++ < NOTE_SEGMENTS_MAX)
			rc = take_note_segment(core, &headers[i]);
	}
	if (core->n_segments)
		qsort(core->segments, core->n_segments, sizeof core->segments[0], by_address);
	ri_core_mark_stacks(core);
	return rc;
}

static int read_core(struct ri_core *core)
{
	Elf64_Ehdr header;
	Elf64_Phdr *headers;
	size_t n;
	int rc = read_header(core, &header);

	if (rc == 0)
		rc = count_headers(core, &header, &n);
	if (rc < 0)
		return rc;
	headers = malloc(n * sizeof *headers);
	core->segments = malloc(n * sizeof *core->segments);
	if (!headers || !core->segments)
		rc = -ENOMEM;
	else if (!read_at(core, header.e_phoff, headers, n * sizeof *headers))
		rc = -EBADMSG;
	else
		rc = take_headers(core, headers, n);
	free(headers);
	return rc;
}

int ri_core_open_fd(int fd, struct ri_core **ret_core)
{
	struct ri_core *core = calloc(1, sizeof *core);
	struct stat st;
	int rc;

	if (!core) {
		close(fd);
		return -ENOMEM;
	}
	core->fd = fd;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		rc = -ENOEXEC;
	} else {
		core->bytes = (uint64_t)st.st_size;
		rc = read_core(core);
	}
	if (rc < 0) {
		ri_core_close(core);
		return rc;
	}
	*ret_core = core;
	return 0;
}

int ri_core_open(const char *path, struct ri_core **ret_core)
{
	/* Not blocking: a pipe of that name would wait for its writer. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR ? -ESRCH : errno == EPERM ? -EACCES : -errno;
	return ri_core_open_fd(fd, ret_core);
}

void ri_core_close(struct ri_core *core)
{
	if (!core)
		return;
	close(core->fd);
	free(core->segments);
	free(core->threads);
	free(core->files);
	free(core->paths);
	free(core);
}

/* ------------------------------------------------------------------- memory */

/* The last that does not begin behind the address. */
struct ri_core_segment *ri_core_segment_at(const struct ri_core *core, uint64_t address)
{
	size_t low = 0, high = core->n_segments;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (core->segments[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low && address - core->segments[low - 1].address < core->segments[low - 1].bytes
		       ? &core->segments[low - 1]
		       : NULL;
}

/* A mapping may be several segments, one behind the other. */
int ri_core_read(void *arg, uint64_t address, void *buffer, size_t bytes)
{
	const struct ri_core *core = arg;
	char *to = buffer;

	while (bytes) {
		const struct ri_core_segment *segment = ri_core_segment_at(core, address);
		uint64_t offset = segment ? address - segment->address : 0;

		if (!segment || offset >= segment->stored)
			return -EFAULT;
		size_t n = segment->stored - offset < bytes ? (size_t)(segment->stored - offset) : bytes;

		if (!read_at(core, segment->offset + offset, to, n))
			return -EFAULT;
		to += n;
		address += n;
		bytes -= n;
	}
	return 0;
}

/* ------------------------------------------------------------------ what it is */

size_t ri_core_threads(const struct ri_core *core, const struct ri_core_thread **ret_threads)
{
	*ret_threads = core->threads;
	return core->n_threads;
}

/* Neighbours that continue a mapping are joined, as in ri_proc_mappings(). */
static int mappings_by_name(const struct ri_core *core, struct ri_mapping *mappings, size_t capacity)
{
	static const char name[] = "/memfd:" ROUSE_MEMFD_NAME " (deleted)";
	uint64_t end = 0, length = 0;
	size_t n = 0;

	for (size_t i = 0; i < core->n_files; i++) {
		const struct ri_core_file *file = &core->files[i];

		if (strcmp(file->path, name) != 0)
			continue;
		if (n > 0 && file->start == end && file->offset == length && length) {
			length += file->end - file->start;
		} else if (file->offset == 0) {
			n++;
			length = file->end - file->start;
			if (n <= capacity)
				mappings[n - 1].address = file->start;
		} else {
			continue;
		}
		end = file->end;
		if (n <= capacity)
			mappings[n - 1].bytes = length;
	}
	return (int)(n < capacity ? n : capacity);
}

static int mappings_by_magic(struct ri_core *core, struct ri_mapping *mappings, size_t capacity)
{
	char magic[sizeof(ROUSE_LAYOUT_MAGIC)];
	size_t n = 0;

	for (size_t i = 0; i < core->n_segments && n < capacity; i++) {
		const struct ri_core_segment *segment = &core->segments[i];

		if (segment->stored >= sizeof(struct rouse_page) &&
			read_at(core, segment->offset, magic, sizeof magic) &&
			memcmp(magic, ROUSE_LAYOUT_MAGIC, sizeof magic) == 0)
			mappings[n++] = (struct ri_mapping){ segment->address, 0 };
	}
	return (int)n;
}

int ri_core_mappings(struct ri_core *core, struct ri_mapping *mappings, size_t capacity)
{
	int n = mappings_by_name(core, mappings, capacity);

	return n > 0 ? n : mappings_by_magic(core, mappings, capacity);
}

bool ri_core_is_whole(const struct ri_core *core)
{
	return !core->missing && !(core->is_own && core->own.went_on);
}

/* What went wrong comes first: a line may be cut where it is shown. */
static void note_own(const struct ri_core *core, FILE *out)
{
	const struct ri_crash_note *own = &core->own;
	const char *name = sigabbrev_np(own->signal);

	if (own->went_on)
		fprintf(out, "%" PRIu32 " threads could not be stopped, and went on while it was written; ", own->went_on);
	if (own->left_out)
		fprintf(out, "some %" PRIu64 " KiB of memory were left out: %s; ", own->left_out / 1024,
			own->error ? strerror(own->error) : "its limit");
	fprintf(out, "written by the program itself, at %s%s in thread %" PRIu32, name ? "SIG" : "signal ",
		name ? name : "?", own->tid);
	if (own->address || own->signal == SIGSEGV)
		fprintf(out, ", address 0x%" PRIx64, own->address);
}

void ri_core_note(const struct ri_core *core, char *text, size_t bytes)
{
	FILE *out = fmemopen(text, bytes, "w");

	text[0] = 0;
	if (!out)
		return; /* no memory for it: a line less */
	if (core->missing)
		fprintf(out, "the core file is cut: %" PRIu64 " bytes of memory are missing; ", core->missing);
	if (!core->has_files)
		fprintf(out, "it does not name the mapped files: runtimes were found by what their pages begin with; ");
	if (core->is_own)
		note_own(core, out);
	fclose(out);
	text[bytes - 1] = 0;
	/* The last of them ends the line. */
	size_t n = strlen(text);

	if (n >= 2 && strcmp(text + n - 2, "; ") == 0)
		text[n - 2] = 0;
}
