/* SPDX-License-Identifier: MIT */
/*
 * What the kernel (or gdb) notes beside the memory:
 *
 *     NT_PRPSINFO  once        pid, name
 *     NT_PRSTATUS  per thread  tid, registers
 *     NT_AUXV      once        pairs of type and value; AT_RANDOM lies on the main thread's stack
 *     NT_FILE      once        count, page size, {start, end, offset in pages} [count], names
 *
 * and the program itself, if it wrote the file (rouse/crash.h): struct ri_crash_note.
 */
#include "inspect/core.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS_MAX = 1 << 17, FILES_MAX = 1 << 20 };

/*
 * Whoever sleeps in a call is woken to be dumped, or stopped by a debugger. What
 * the call would give back then is EINTR, or one of the kernel's own numbers
 * that say how to begin it anew, which no program ever sees.
 */
static bool was_interrupted(uint64_t result)
{
	enum { RESTART_FIRST = 512, RESTART_LAST = 516 };
	const int64_t error = -(int64_t)result;

	return error == EINTR || (error >= RESTART_FIRST && error <= RESTART_LAST);
}

/* On x86-64 the kernel keeps the call's number aside for as long as the thread is in it; elsewhere nothing tells. */
static void set_place(struct ri_core_thread *thread)
{
#if defined(__x86_64__)
	enum { RAX = 10, RDI = 14, ORIG_RAX = 15, RIP = 16, RSP = 19, FS_BASE = 21, CALLS_MAX = 4096 };
	const uint64_t call = thread->registers[ORIG_RAX];

	thread->pc = thread->registers[RIP];
	thread->sp = thread->registers[RSP];
	thread->own = thread->registers[FS_BASE];
	thread->computes = call == UINT64_MAX;
	if (call < CALLS_MAX) {
		thread->syscall = (uint32_t)call + 1;
		thread->argument = thread->registers[RDI];
		thread->slept = was_interrupted(thread->registers[RAX]);
	}
#elif defined(__aarch64__)
	enum { SP = 31, PC = 32 };

	thread->pc = thread->registers[PC];
	thread->sp = thread->registers[SP];
#elif defined(__riscv)
	enum { PC = 0, SP = 2 };

	thread->pc = thread->registers[PC];
	thread->sp = thread->registers[SP];
#else
	(void)thread; /* not known for this machine */
#endif
}

static uint64_t ns_of(long seconds, long microseconds)
{
	return seconds < 0 || microseconds < 0 ? 0 : (uint64_t)seconds * 1000000000u + (uint64_t)microseconds * 1000u;
}

static int take_status(struct ri_core *core, const uint8_t *bytes, size_t n)
{
	enum { FIRST = 16 };
	struct elf_prstatus status;
	struct ri_core_thread *thread;

	if (n < sizeof status || core->n_threads == THREADS_MAX)
		return 0;
	memcpy(&status, bytes, sizeof status);
	/* Room doubles whenever the number is a power of two. */
	if (core->n_threads == 0 || (core->n_threads >= FIRST && (core->n_threads & (core->n_threads - 1)) == 0)) {
		size_t room = core->n_threads ? core->n_threads * 2 : FIRST;
		struct ri_core_thread *threads = realloc(core->threads, room * sizeof *threads);

		if (!threads)
			return -ENOMEM;
		core->threads = threads;
	}
	thread = &core->threads[core->n_threads++];
	*thread = (struct ri_core_thread){ .tid = status.pr_pid, .signal = status.pr_cursig };
	thread->cpu_ns = ns_of(status.pr_utime.tv_sec, status.pr_utime.tv_usec) +
			 ns_of(status.pr_stime.tv_sec, status.pr_stime.tv_usec);
	memcpy(thread->registers, status.pr_reg, sizeof thread->registers);
	set_place(thread);
	return 0;
}

static void take_process(struct ri_core *core, const uint8_t *bytes, size_t n)
{
	struct elf_prpsinfo info;

	if (n < sizeof info || core->pid)
		return;
	memcpy(&info, bytes, sizeof info);
	if (info.pr_pid > 0)
		core->pid = info.pr_pid;
	memcpy(core->program, info.pr_fname, sizeof info.pr_fname);
}

static void take_auxv(struct ri_core *core, const uint8_t *bytes, size_t n)
{
	Elf64_auxv_t entry;

	for (; n >= sizeof entry && !core->main_stack; bytes += sizeof entry, n -= sizeof entry) {
		memcpy(&entry, bytes, sizeof entry);
		if (entry.a_type == AT_RANDOM)
			core->main_stack = entry.a_un.a_val;
	}
}

struct file_entry {
	uint64_t start, end, page;
};

/* The first list counts. It ends with the first entry that has no name. */
static int take_files(struct ri_core *core, const uint8_t *bytes, size_t n)
{
	uint64_t head[2]; /* count, page size */
	const char *path;
	size_t left;

	if (core->has_files || n < sizeof head)
		return 0;
	memcpy(head, bytes, sizeof head);
	uint64_t count = head[0], most = (n - sizeof head) / sizeof(struct file_entry);

	if (count > most || count > FILES_MAX)
		return 0;
	left = n - sizeof head - count * sizeof(struct file_entry);
	core->paths = malloc(left + 1);
	core->files = calloc(count + 1, sizeof *core->files);
	if (!core->paths || !core->files)
		return -ENOMEM;
	memcpy(core->paths, bytes + n - left, left);
	core->paths[left] = 0;
	core->has_files = true;
	path = core->paths;
	for (uint64_t i = 0; i < count && path < core->paths + left; i++) {
		struct file_entry entry;

		memcpy(&entry, bytes + sizeof head + i * sizeof entry, sizeof entry);
		if (entry.end > entry.start)
			core->files[core->n_files++] =
				(struct ri_core_file){ entry.start, entry.end, entry.page * head[1], path };
		path += strlen(path) + 1;
	}
	return 0;
}

static int take_note(struct ri_core *core, uint32_t type, const uint8_t *bytes, size_t n)
{
	switch (type) {
	case NT_PRSTATUS:
		return take_status(core, bytes, n);
	case NT_PRPSINFO:
		take_process(core, bytes, n);
		return 0;
	case NT_AUXV:
		take_auxv(core, bytes, n);
		return 0;
	case NT_FILE:
		return take_files(core, bytes, n);
	default:
		return 0;
	}
}

static void take_own(struct ri_core *core, uint32_t type, const uint8_t *bytes, size_t n)
{
	if (type != RI_CRASH_NOTE || n < sizeof core->own || core->is_own)
		return;
	memcpy(&core->own, bytes, sizeof core->own);
	core->is_own = true;
}

static bool is_owner(const Elf64_Nhdr *head, const uint8_t *name, const char *owner)
{
	return head->n_namesz == strlen(owner) + 1 && memcmp(name, owner, strlen(owner) + 1) == 0;
}

static size_t padded(size_t n)
{
	return (n + 3) & ~(size_t)3;
}

int ri_core_take_notes(struct ri_core *core, const uint8_t *notes, size_t bytes)
{
	Elf64_Nhdr head;
	int rc = 0;

	while (rc == 0 && bytes >= sizeof head) {
		memcpy(&head, notes, sizeof head);
		size_t name = padded(head.n_namesz), whole = sizeof head + name + head.n_descsz;

		if (whole > bytes)
			break;
		if (is_owner(&head, notes + sizeof head, "CORE"))
			rc = take_note(core, head.n_type, notes + sizeof head + name, head.n_descsz);
		else if (is_owner(&head, notes + sizeof head, RI_CRASH_NOTE_OWNER))
			take_own(core, head.n_type, notes + sizeof head + name, head.n_descsz);
		whole = padded(whole);
		whole = whole < bytes ? whole : bytes;
		notes += whole;
		bytes -= whole;
	}
	return rc;
}
