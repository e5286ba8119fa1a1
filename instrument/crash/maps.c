/* SPDX-License-Identifier: MIT */
/* What is mapped, by /proc/self/smaps, or maps where the kernel has no such; and what of it is wanted. */
#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include <rouse/layout.h>

#include "crash/crash.h"

bool ri_crash_peek(uint64_t address, void *buffer, size_t bytes)
{
	struct iovec to = { buffer, bytes }, from = { (void *)(uintptr_t)address, bytes };

	return process_vm_readv(getpid(), &to, 1, &from, 1, 0) == (ssize_t)bytes;
}

/* ------------------------------------------------------------------- reading */

static uint64_t hex(const char **text)
{
	uint64_t n = 0;

	for (;; (*text)++) {
		char c = **text;

		if (c >= '0' && c <= '9')
			n = n << 4 | (uint64_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			n = n << 4 | (uint64_t)(c - 'a' + 10);
		else
			return n;
	}
}

static void skip(const char **text, bool blanks)
{
	while (**text && (**text == ' ') == blanks)
		(*text)++;
}

/* Names of one mapping after the other are often the same. */
static uint32_t keep_name(struct ri_crash *crash, const char *name)
{
	size_t bytes = strlen(name) + 1;

	if (bytes == 1)
		return 0;
	if (crash->n_mappings && crash->mappings[crash->n_mappings - 1].name &&
		strcmp(crash->names + crash->mappings[crash->n_mappings - 1].name, name) == 0)
		return crash->mappings[crash->n_mappings - 1].name;
	if (bytes > sizeof crash->names - crash->n_names)
		return 0;
	memcpy(crash->names + crash->n_names, name, bytes);
	crash->n_names += bytes;
	return (uint32_t)(crash->n_names - bytes);
}

/* "start-end rwxp offset device inode     name" */
static void take_mapping(struct ri_crash *crash, const char *line)
{
	struct ri_crash_mapping m = { 0 };

	m.start = hex(&line);
	line += *line == '-';
	m.end = hex(&line);
	skip(&line, true);
	for (; *line && *line != ' '; line++) {
		m.flags |= *line == 'r' ? PF_R : *line == 'w' ? PF_W : *line == 'x' ? PF_X : 0;
		m.shared |= *line == 's';
	}
	skip(&line, true);
	m.offset = hex(&line);
	skip(&line, true);
	skip(&line, false); /* device */
	skip(&line, true);
	m.has_file = *line != '0';
	skip(&line, false);
	skip(&line, true);
	m.used = m.end - m.start;
	if (m.end <= m.start)
		return;
	if (crash->n_mappings == RI_CRASH_MAPPINGS) {
		crash->left_out += m.used;
		return;
	}
	m.name = keep_name(crash, line);
	crash->mappings[crash->n_mappings++] = m;
}

static uint64_t kilobytes(const char *text)
{
	uint64_t n = 0;

	for (skip(&text, true); *text >= '0' && *text <= '9'; text++)
		n = n * 10 + (uint64_t)(*text - '0');
	return n * 1024;
}

/* Of the mapping before: how much of it is there, and whether it must not be written. */
static void take_detail(struct ri_crash_mapping *m, const char *line)
{
	if (strncmp(line, "Rss:", 4) == 0) {
		m->used = kilobytes(line + 4);
		m->uses_known = true;
	} else if (strncmp(line, "Swap:", 5) == 0) {
		m->used += kilobytes(line + 5);
	} else if (strncmp(line, "Anonymous:", 10) == 0) {
		m->anonymous = kilobytes(line + 10);
	} else if (strncmp(line, "VmFlags:", 8) == 0) {
		m->dont_dump = strstr(line, " dd") != NULL || strstr(line, " io") != NULL;
	}
}

static void take_line(struct ri_crash *crash, const char *line)
{
	if ((*line >= '0' && *line <= '9') || (*line >= 'a' && *line <= 'f'))
		take_mapping(crash, line);
	else if (crash->n_mappings && crash->n_mappings < RI_CRASH_MAPPINGS)
		take_detail(&crash->mappings[crash->n_mappings - 1], line);
}

static bool read_lines(struct ri_crash *crash)
{
	size_t kept = 0;
	ssize_t n;

	while ((n = read(crash->maps_fd, crash->text + kept, sizeof crash->text - kept)) > 0 || (n < 0 && errno == EINTR)) {
		char *line = crash->text, *end;

		kept += n > 0 ? (size_t)n : 0;
		while ((end = memchr(line, '\n', (size_t)(crash->text + kept - line)))) {
			*end = 0;
			take_line(crash, line);
			line = end + 1;
		}
		kept = (size_t)(crash->text + kept - line);
		if (kept == sizeof crash->text) /* no path is as long */
			return false;
		memmove(crash->text, line, kept);
	}
	return n == 0 && crash->n_mappings > 0;
}

/* ------------------------------------------------------------------- ranking */

static const char *name_of(const struct ri_crash *crash, const struct ri_crash_mapping *m)
{
	return m->name ? crash->names + m->name : "";
}

static struct ri_crash_mapping *mapping_at(struct ri_crash *crash, uint64_t address)
{
	size_t low = 0, high = crash->n_mappings;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (crash->mappings[middle].end <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low < crash->n_mappings && crash->mappings[low].start <= address ? &crash->mappings[low] : NULL;
}

/* As in a core of the kernel with its default filter. */
static enum ri_crash_rank rank(const struct ri_crash *crash, const struct ri_crash_mapping *m)
{
	const char *name = name_of(crash, m);

	if (!(m->flags & PF_R) || m->dont_dump || strncmp(name, "[vv", 3) == 0 || strcmp(name, "[vsyscall]") == 0)
		return RI_CRASH_NOT;
	if (strcmp(name, "/memfd:" ROUSE_MEMFD_NAME " (deleted)") == 0)
		return RI_CRASH_PAGES;
	if (m->shared)
		return RI_CRASH_NOT;
	if (crash->sp >= m->start && crash->sp < m->end)
		return RI_CRASH_CRASHED;
	if (m->has_file && !(m->flags & PF_W) && !m->anonymous)
		return m->offset == 0 ? RI_CRASH_HEAD : RI_CRASH_NOT; /* what says which build it is */
	return RI_CRASH_REST;
}

/* Where tasks and resources are. A directory that makes no sense raises nothing. */
static void raise_chunks(struct ri_crash *crash, const struct ri_crash_mapping *m)
{
	struct rouse_chunk_entry *entries = (struct rouse_chunk_entry *)(void *)crash->text;
	const uint32_t at_once = sizeof crash->text / sizeof *entries;
	struct rouse_page page;

	if (m->offset || !ri_crash_peek(m->start, &page, sizeof page) ||
		memcmp(page.magic, ROUSE_LAYOUT_MAGIC, sizeof page.magic) != 0 || page.off_chunks >= m->end - m->start)
		return;
	for (uint32_t i = 0, n; i < page.chunk_count; i += n) {
		uint64_t at = m->start + page.off_chunks + (uint64_t)i * sizeof *entries;

		n = page.chunk_count - i < at_once ? page.chunk_count - i : at_once;
		if (at + (uint64_t)n * sizeof *entries > m->end || !ri_crash_peek(at, entries, n * sizeof *entries))
			return;
		for (uint32_t j = 0; j < n; j++) {
			struct ri_crash_mapping *of = mapping_at(crash, entries[j].address);

			if (of && of->rank == RI_CRASH_REST)
				of->rank = RI_CRASH_CHUNKS;
		}
	}
}

bool ri_crash_maps(struct ri_crash *crash)
{
	crash->n_names = 1; /* 0 is no name */
	if (!read_lines(crash))
		return false;
	for (size_t i = 0; i < crash->n_mappings; i++)
		crash->mappings[i].rank = (uint8_t)rank(crash, &crash->mappings[i]);
	for (size_t i = 0; i < crash->n_mappings; i++)
		if (crash->mappings[i].rank == RI_CRASH_PAGES)
			raise_chunks(crash, &crash->mappings[i]);
	return true;
}
