/* SPDX-License-Identifier: MIT */
/*
 * The file: header, segments, notes, then memory in the order of its rank,
 * each mapping at its own size, so that pages that were never touched are holes
 * of the file. What stands before the memory is written twice: at first, so that
 * a full disk leaves room for it, and at last, with what came to be stored.
 */
#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <rouse/layout.h>

#include "crash/crash.h"
#include "crash/note.h"

#define WALKED_MAX (64ull << 30) /* of one mapping: to look through its pages takes 0.1 s or so */
#define PAGES_IN_USE (3ull << 62) /* of /proc/self/pagemap: present, swapped */

#if defined(__x86_64__)
enum { MACHINE = EM_X86_64 };
#elif defined(__aarch64__)
enum { MACHINE = EM_AARCH64 };
#elif defined(__riscv)
enum { MACHINE = EM_RISCV };
#else
enum { MACHINE = EM_NONE };
#endif

struct out {
	struct ri_crash *crash;
	uint64_t offset; /* what was put, all in */
	size_t n;        /* of it, still in crash->text */
	bool dry;        /* it is only measured */
};

/* ---------------------------------------------------------------- out it goes */

/* Bytes written before a page that cannot be read, or all. False: the file takes no more. */
static bool write_at(struct ri_crash *crash, uint64_t offset, const void *from, size_t bytes, size_t *ret_done)
{
	size_t done = 0;

	while (done < bytes) {
		ssize_t n = pwrite(crash->out_fd, (const char *)from + done, bytes - done, (off_t)(offset + done));

		if (n > 0) {
			done += (size_t)n;
		} else if (n == 0 || (errno != EINTR && errno != EFAULT)) {
			crash->error = n == 0 ? EIO : errno;
			break;
		} else if (errno == EFAULT) {
			break;
		}
	}
	*ret_done = done;
	return crash->error == 0;
}

static void flush(struct out *out)
{
	size_t done;

	if (out->n)
		(void)write_at(out->crash, out->offset - out->n, out->crash->text, out->n, &done);
	out->n = 0;
}

static void put(struct out *out, const void *data, size_t bytes)
{
	for (size_t n; bytes && !out->dry; data = (const char *)data + n, bytes -= n) {
		n = sizeof out->crash->text - out->n;
		n = n < bytes ? n : bytes;
		memcpy(out->crash->text + out->n, data, n);
		out->n += n;
		out->offset += n;
		if (out->n == sizeof out->crash->text)
			flush(out);
	}
	out->offset += bytes;
}

/* ------------------------------------------------------------------------ notes */

static void pad(struct out *out)
{
	static const char zeros[4];

	put(out, zeros, (size_t)(-out->offset & 3));
}

static void begin_note(struct out *out, const char *owner, uint32_t type, size_t bytes)
{
	const Elf64_Nhdr head = { (Elf64_Word)strlen(owner) + 1, (Elf64_Word)bytes, type };

	put(out, &head, sizeof head);
	put(out, owner, strlen(owner) + 1);
	pad(out);
}

static void put_note(struct out *out, const char *owner, uint32_t type, const void *data, size_t bytes)
{
	begin_note(out, owner, type, bytes);
	put(out, data, bytes);
	pad(out);
}

static void put_thread(struct out *out, int tid, int signal, const elf_gregset_t registers)
{
	struct elf_prstatus status = { 0 };

	status.pr_info.si_signo = signal;
	status.pr_cursig = (short)signal;
	status.pr_pid = tid;
	memcpy(status.pr_reg, registers, sizeof status.pr_reg);
	put_note(out, "CORE", NT_PRSTATUS, &status, sizeof status);
}

static void put_process(struct out *out)
{
	struct elf_prpsinfo info = { .pr_pid = out->crash->pid };
	const char *program = strrchr(out->crash->path, '/') + 1;
	size_t n = (size_t)(out->crash->path + out->crash->stem - program);

	n = n < sizeof info.pr_fname - 1 ? n : sizeof info.pr_fname - 1;
	memcpy(info.pr_fname, program, n);
	memcpy(info.pr_psargs, program, n);
	put_note(out, "CORE", NT_PRPSINFO, &info, sizeof info);
}

static bool is_file(const struct ri_crash *crash, const struct ri_crash_mapping *m)
{
	return m->name && crash->names[m->name] == '/';
}

static void put_files(struct out *out)
{
	const struct ri_crash *crash = out->crash;
	uint64_t head[2] = { 0, RI_CRASH_PAGE };
	size_t bytes = sizeof head;

	for (size_t i = 0; i < crash->n_mappings; i++) {
		if (!is_file(crash, &crash->mappings[i]))
			continue;
		head[0]++;
		bytes += 3 * sizeof(uint64_t) + strlen(crash->names + crash->mappings[i].name) + 1;
	}
	begin_note(out, "CORE", NT_FILE, bytes);
	put(out, head, sizeof head);
	for (size_t i = 0; i < crash->n_mappings; i++) {
		const struct ri_crash_mapping *m = &crash->mappings[i];
		const uint64_t entry[3] = { m->start, m->end, m->offset / RI_CRASH_PAGE };

		if (is_file(crash, m))
			put(out, entry, sizeof entry);
	}
	for (size_t i = 0; i < crash->n_mappings; i++) {
		const char *name = crash->names + crash->mappings[i].name;

		if (is_file(crash, &crash->mappings[i]))
			put(out, name, strlen(name) + 1);
	}
	pad(out);
}

static bool tells_address(int signal)
{
	return signal == SIGSEGV || signal == SIGBUS || signal == SIGILL || signal == SIGFPE;
}

static void put_own(struct out *out)
{
	const struct ri_crash *crash = out->crash;
	struct ri_crash_note note = { .signal = crash->info->si_signo,
		.code = crash->info->si_code,
		.tid = (uint32_t)crash->tid,
		.went_on = crash->went_on,
		.left_out = crash->left_out,
		.limit = crash->max_bytes,
		.error = crash->error };

	if (tells_address(note.signal) && note.code > 0)
		note.address = (uintptr_t)crash->info->si_addr;
	put_note(out, RI_CRASH_NOTE_OWNER, RI_CRASH_NOTE, &note, sizeof note);
}

/* As the kernel does: who took the signal, the process, then the other threads. */
static void put_notes(struct out *out)
{
	struct ri_crash *crash = out->crash;
	elf_gregset_t registers;
	ssize_t n = pread(crash->auxv_fd, crash->pages, sizeof crash->pages, 0);

	(void)ri_crash_registers(crash->context, registers);
	put_thread(out, crash->tid, crash->info->si_signo, registers);
	put_process(out);
	put_note(out, "CORE", NT_SIGINFO, crash->info, sizeof *crash->info);
	if (n > 0)
		put_note(out, "CORE", NT_AUXV, crash->pages, (size_t)n);
	put_files(out);
	put_own(out);
	for (size_t i = 0; i < crash->n_threads; i++)
		if (crash->threads[i].stopped)
			put_thread(out, crash->threads[i].tid, crash->threads[i].signal, crash->threads[i].registers);
}

/* ---------------------------------------------------------------------- headers */

static uint64_t headers_bytes(const struct ri_crash *crash)
{
	return sizeof(Elf64_Ehdr) + (1 + crash->n_mappings) * sizeof(Elf64_Phdr);
}

/* Where memory begins. */
static uint64_t measure(struct ri_crash *crash, uint64_t *ret_notes)
{
	struct out out = { crash, headers_bytes(crash), 0, true };

	put_notes(&out);
	*ret_notes = out.offset - headers_bytes(crash);
	return (out.offset + RI_CRASH_PAGE - 1) & ~(uint64_t)(RI_CRASH_PAGE - 1);
}

static bool put_headers(struct ri_crash *crash, uint64_t notes)
{
	struct out out = { crash, 0, 0, false };
	Elf64_Ehdr head = { .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
		.e_type = ET_CORE,
		.e_machine = MACHINE,
		.e_version = EV_CURRENT,
		.e_phoff = sizeof head,
		.e_ehsize = sizeof head,
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = (Elf64_Half)(1 + crash->n_mappings) };
	const Elf64_Phdr note = { .p_type = PT_NOTE, .p_offset = headers_bytes(crash), .p_filesz = notes, .p_align = 4 };
	const int error = crash->error;

	crash->error = 0; /* there is room for this, whatever stopped the memory */
	put(&out, &head, sizeof head);
	put(&out, &note, sizeof note);
	for (size_t i = 0; i < crash->n_mappings; i++) {
		const struct ri_crash_mapping *m = &crash->mappings[i];
		const Elf64_Phdr load = { .p_type = PT_LOAD, .p_flags = m->flags, .p_offset = m->at, .p_vaddr = m->start,
			.p_filesz = m->stored, .p_memsz = m->end - m->start, .p_align = RI_CRASH_PAGE };

		put(&out, &load, sizeof load);
	}
	crash->error = error; /* the note tells it */
	put_notes(&out);
	crash->error = 0;
	flush(&out);
	if (crash->error)
		return false;
	crash->error = error;
	return true;
}

/* ----------------------------------------------------------------------- memory */

/* False: no more of this mapping. */
static bool store_run(struct ri_crash *crash, struct ri_crash_mapping *m, uint64_t address, uint64_t bytes)
{
	const size_t at_once = 1 << 20;

	while (bytes) {
		size_t n = bytes < at_once ? (size_t)bytes : at_once, done;

		n = n < crash->budget ? n : (size_t)crash->budget & ~(size_t)(RI_CRASH_PAGE - 1);
		bool is_well = write_at(crash, m->at + (address - m->start), (const void *)(uintptr_t)address, n, &done);

		crash->budget -= done;
		address += done;
		bytes -= done;
		m->used -= done < m->used ? done : m->used;
		m->stored = address - m->start;
		if (!is_well || done < n || n == 0)
			return false;
	}
	return true;
}

/* Memory that never was touched is zero, and a hole. */
static void store_sparse(struct ri_crash *crash, struct ri_crash_mapping *m)
{
	const size_t most = sizeof crash->pages / sizeof crash->pages[0];
	const uint64_t pages = (m->end - m->start) / RI_CRASH_PAGE;

	for (uint64_t first = 0, n; first < pages; first += n) {
		n = pages - first < most ? pages - first : most;
		if (pread(crash->pagemap_fd, crash->pages, n * sizeof crash->pages[0],
			    (off_t)((m->start / RI_CRASH_PAGE + first) * sizeof crash->pages[0])) !=
			(ssize_t)(n * sizeof crash->pages[0]))
			memset(crash->pages, 0xff, sizeof crash->pages);
		for (uint64_t i = 0, end; i < n; i = end) {
			bool is_used = crash->pages[i] & PAGES_IN_USE;

			for (end = i + 1; end < n && is_used == ((crash->pages[end] & PAGES_IN_USE) != 0); end++)
				continue;
			if (is_used && !store_run(crash, m, m->start + (first + i) * RI_CRASH_PAGE,
					       (end - i) * RI_CRASH_PAGE))
				return;
			m->stored = (first + end) * RI_CRASH_PAGE;
		}
	}
}

/* Whoever died may have written anywhere before. */
static bool has_rings(const struct ri_crash_mapping *m, struct rouse_page *page)
{
	const uint64_t bytes = m->end - m->start;

	return m->offset == 0 && ri_crash_peek(m->start, page, sizeof *page) && page->off_rings <= bytes &&
	       page->ring_stride <= bytes && page->ring_stride >= sizeof(struct rouse_ring) && page->ring_count <= bytes &&
	       page->ring_count * page->ring_stride <= bytes - page->off_rings;
}

/* The memfd of a runtime: of its rings what was ever written, since the rest would be made by being read. */
static void store_page(struct ri_crash *crash, struct ri_crash_mapping *m)
{
	const uint64_t bytes = m->end - m->start;
	struct rouse_page page;
	uint64_t head;

	m->used = bytes;
	if (!has_rings(m, &page)) {
		(void)store_run(crash, m, m->start, bytes);
		return;
	}
	if (!store_run(crash, m, m->start, page.off_rings))
		return;
	for (uint32_t i = 0; i < page.ring_count; i++) {
		const uint64_t at = m->start + page.off_rings + i * page.ring_stride;
		const uint64_t room = page.ring_stride - ROUSE_RING_RECORDS_OFFSET;

		if (!ri_crash_peek(at, &head, sizeof head))
			return;
		uint64_t used = head < room / sizeof(struct rouse_event) ? head * sizeof(struct rouse_event) : room;

		if (!store_run(crash, m, at, ROUSE_RING_RECORDS_OFFSET + used))
			return;
	}
	m->stored = bytes;
	m->used = 0;
}

static bool is_sparse(const struct ri_crash *crash, const struct ri_crash_mapping *m)
{
	return !m->has_file && (!m->name || strcmp(crash->names + m->name, "[vdso]") != 0);
}

static uint64_t wanted_bytes(const struct ri_crash_mapping *m)
{
	return m->rank == RI_CRASH_HEAD ? RI_CRASH_PAGE : m->end - m->start;
}

static void store(struct ri_crash *crash, struct ri_crash_mapping *m)
{
	if (m->rank == RI_CRASH_PAGES) {
		store_page(crash, m);
	} else if (m->rank == RI_CRASH_HEAD) {
		(void)store_run(crash, m, m->start, RI_CRASH_PAGE);
		m->used = 0;
	} else if (!is_sparse(crash, m)) {
		(void)store_run(crash, m, m->start, m->end - m->start);
	} else if (m->uses_known && m->used == 0) {
		m->stored = m->end - m->start;
	} else if (m->end - m->start <= WALKED_MAX) {
		store_sparse(crash, m);
	}
	if (m->stored < wanted_bytes(m))
		crash->left_out += m->used;
}

static void store_all(struct ri_crash *crash, uint64_t offset)
{
	uint64_t end = offset;

	crash->budget = crash->max_bytes;
	for (int rank = RI_CRASH_PAGES; rank <= RI_CRASH_REST; rank++) {
		for (size_t i = 0; i < crash->n_mappings; i++) {
			struct ri_crash_mapping *m = &crash->mappings[i];

			if (m->rank != rank)
				continue;
			m->at = offset;
			offset += wanted_bytes(m);
			if (crash->error == 0)
				store(crash, m);
			else
				crash->left_out += m->used;
			end = m->stored ? m->at + m->stored : end;
		}
	}
	/* Holes at the end are part of it. */
	if (ftruncate(crash->out_fd, (off_t)end) < 0 && crash->error == 0)
		crash->error = errno;
}

void ri_crash_write(struct ri_crash *crash)
{
	elf_gregset_t registers;
	uint64_t notes;

	crash->sp = ri_crash_registers(crash->context, registers);
	if (!ri_crash_maps(crash)) {
		crash->error = ENODATA;
		return;
	}
	uint64_t offset = measure(crash, &notes);

	if (!put_headers(crash, notes))
		return;
	store_all(crash, offset);
	crash->written = put_headers(crash, notes);
}
