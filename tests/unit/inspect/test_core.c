/* SPDX-License-Identifier: MIT */
/* Core files of which every byte is known. */
#include "test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core_image.h"
#include "inspect/look.h"
#include "inspect/regions.h"
#include "stream.h"

struct target {
	struct fake fake;
	struct core_image image;
	struct stream stream;
	struct rouse_inspect *inspect;
	uint64_t chunk; /* of tasks; 20 to 29 are there */
};

enum { TASKS = 10, NEWEST_TICKS = 5000, NEWEST_NS = 50000 + (NEWEST_TICKS - 1000) * FAKE_TICK_NS };

static int setup(void **state)
{
	static struct target target;
	struct target *t = &target;

	*t = (struct target){ 0 };
	fake_init(&t->fake);
	stream_init(&t->stream);
	t->chunk = fake_chunk(&t->fake, ROUSE_CHUNK_TASK, FAKE_STRIDE);
	for (uint32_t i = 0; i < TASKS; i++)
		fake_task(&t->fake, t->chunk, FAKE_STRIDE, i, 20 + i);
	fake_worker(&t->fake, 1)->poll_start = NEWEST_TICKS;
	core_of_fake(&t->image, &t->fake);
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	struct target *t = *state;

	rouse_inspect_close(t->inspect);
	stream_fini(&t->stream);
	core_fini(&t->image);
	fake_fini(&t->fake);
	return 0;
}

static int open_core(const struct target *t, size_t bytes, struct ri_core **ret_core)
{
	return ri_core_open_fd(core_file(&t->image, bytes), ret_core);
}

static int open_inspect(struct target *t, size_t bytes)
{
	struct ri_core *core;
	int rc = open_core(t, bytes, &core);

	return rc < 0 ? rc : ri_inspect_open_core(core, &t->inspect);
}

static void look(struct target *t, bool changes_only)
{
	const struct rouse_look_opts opts = { .size = sizeof opts, .changes_only = changes_only };

	stream_clear(&t->stream);
	assert_int_equal(rouse_inspect_look(t->inspect, &opts, stream_take, &t->stream), 0);
}

static const Rouse__V1__Hello *hello(const struct target *t)
{
	return stream_find(&t->stream, ROUSE__V1__FRAME__BODY_HELLO, 0)->hello;
}

static const Rouse__V1__GenerationBegin *begin(const struct target *t)
{
	return stream_find(&t->stream, ROUSE__V1__FRAME__BODY_BEGIN, 0)->begin;
}

/* ------------------------------------------------------------------- looks */

static void a_core_is_looked_at_like_the_memory_it_was(void **state)
{
	struct target *t = *state;

	assert_int_equal(open_inspect(t, t->image.used), 0);
	look(t, false);
	assert_string_equal(hello(t)->source, "core");
	assert_string_equal(hello(t)->program, "program");
	assert_string_equal(hello(t)->note, "");
	assert_int_equal(hello(t)->pid, CORE_PID);
	assert_true(begin(t)->target_stopped);
	assert_int_equal(stream_task_rows(&t->stream), TASKS);
	assert_int_equal(stream_end(&t->stream)->tasks, TASKS);
	assert_true(stream_end(&t->stream)->complete);
	for (size_t i = 0; i < TASKS; i++) {
		size_t row;

		assert_int_equal(stream_task(&t->stream, 20 + i, &row)->valid[row], 1);
	}
}

static void its_time_is_the_newest_moment_it_knows(void **state)
{
	struct target *t = *state;
	const struct rouse_clock_anchor *anchor = &fake_page(&t->fake)->anchor;

	assert_int_equal(open_inspect(t, t->image.used), 0);
	look(t, false);
	assert_int_equal(begin(t)->mono_ns, NEWEST_NS);
	assert_int_equal(begin(t)->real_ns, NEWEST_NS + anchor->real_ns - anchor->mono_ns);
	assert_int_equal(stream_end(&t->stream)->mono_ns, NEWEST_NS);
}

static void the_second_look_tells_no_task_again_and_counts_all(void **state)
{
	struct target *t = *state;

	assert_int_equal(open_inspect(t, t->image.used), 0);
	look(t, false);
	look(t, true);
	assert_false(begin(t)->keyframe);
	assert_int_equal(stream_task_rows(&t->stream), 0);
	assert_int_equal(stream_end(&t->stream)->tasks, TASKS);
	assert_true(stream_end(&t->stream)->complete);
	look(t, false);
	assert_int_equal(stream_task_rows(&t->stream), TASKS);
}

static void tasks_before_the_cut_are_told_and_the_look_is_not_complete(void **state)
{
	struct target *t = *state;
	const size_t kept = 6, at = CORE_MEMORY_AT + (t->chunk - FAKE_BASE) + kept * FAKE_STRIDE + 100;
	char note[256];

	assert_int_equal(open_inspect(t, at), 0);
	snprintf(note, sizeof note, "the core file is cut: %zu bytes of memory are missing", t->image.used - at);
	for (int i = 0; i < 2; i++) {
		look(t, i == 1);
		if (i == 0) {
			assert_string_equal(hello(t)->note, note);
			assert_int_equal(stream_task_rows(&t->stream), kept);
		}
		assert_int_equal(stream_end(&t->stream)->tasks, kept);
		assert_false(stream_end(&t->stream)->complete);
	}
}

/* Something else was cut off, which may have been what a wait depends on. */
static void a_cut_behind_all_tasks_counts_too(void **state)
{
	struct target *t = *state;

	assert_int_equal(open_inspect(t, t->image.used - 1), 0);
	look(t, false);
	assert_int_equal(stream_task_rows(&t->stream), TASKS);
	assert_false(stream_end(&t->stream)->complete);
}

static void without_a_list_of_files_the_page_is_found_by_its_magic(void **state)
{
	struct target *t = *state;

	t->image.notes = 0;
	core_segment(&t->image, 0)->p_filesz = 0;
	assert_int_equal(open_inspect(t, t->image.used), 0);
	look(t, false);
	assert_int_equal(hello(t)->pid, fake_page(&t->fake)->pid);
	assert_string_equal(hello(t)->program, fake_page(&t->fake)->name);
	assert_non_null(strstr(hello(t)->note, "does not name the mapped files"));
	assert_int_equal(stream_task_rows(&t->stream), TASKS);
	assert_true(stream_end(&t->stream)->complete);
}

static void why_there_is_no_runtime_is_told_apart(void **state)
{
	struct target *t = *state;
	struct rouse_page *page = (struct rouse_page *)(void *)(t->image.bytes + CORE_MEMORY_AT);

	page->version++;
	assert_int_equal(open_inspect(t, t->image.used), -EPROTO);
	core_segment(&t->image, 1)->p_filesz = 0; /* as a filter leaves it out */
	assert_int_equal(open_inspect(t, t->image.used), -ENODATA);
	memset(t->image.bytes + CORE_NOTES_AT, 0, CORE_MEMORY_AT - CORE_NOTES_AT);
	assert_int_equal(open_inspect(t, t->image.used), -ENOENT);
	assert_null(t->inspect);
}

/* ------------------------------------------------------------------- memory */

static void reads_go_over_segments_and_stop_where_nothing_is_stored(void **state)
{
	struct target *t = *state;
	const uint64_t middle = FAKE_BASE + FAKE_BYTES / 2, end = FAKE_BASE + FAKE_BYTES;
	struct ri_core *core;
	uint8_t bytes[64];

	for (size_t i = 0; i < FAKE_BYTES; i++)
		t->image.bytes[CORE_MEMORY_AT + i] = (uint8_t)(i * 7 + i / 256);
	core_put(&t->image, 0x10000, t->image.bytes, 100, 8192); /* 8092 bytes are not stored */
	core_put(&t->image, UINT64_MAX - 15, t->image.bytes, 15, 15);
	core_put(&t->image, UINT64_MAX - 15, t->image.bytes, 17, 17); /* wraps around: none */
	assert_int_equal(open_core(t, t->image.used, &core), 0);
	assert_int_equal(ri_core_read(core, middle - 32, bytes, 64), 0);
	assert_memory_equal(bytes, t->image.bytes + CORE_MEMORY_AT + FAKE_BYTES / 2 - 32, 64);
	assert_int_equal(ri_core_read(core, end - 64, bytes, 64), 0);
	assert_memory_equal(bytes, t->image.bytes + CORE_MEMORY_AT + FAKE_BYTES - 64, 64);
	assert_int_equal(ri_core_read(core, end - 63, bytes, 64), -EFAULT);
	assert_int_equal(ri_core_read(core, FAKE_BASE - 1, bytes, 1), -EFAULT);
	assert_int_equal(ri_core_read(core, 0x10000 + 36, bytes, 64), 0);
	assert_int_equal(ri_core_read(core, 0x10000 + 37, bytes, 64), -EFAULT);
	assert_int_equal(ri_core_read(core, 0x10000 + 100, bytes, 1), -EFAULT);
	assert_int_equal(ri_core_read(core, 0, bytes, 1), -EFAULT);
	assert_int_equal(ri_core_read(core, UINT64_MAX - 15, bytes, 15), 0);
	assert_int_equal(ri_core_read(core, UINT64_MAX - 15, bytes, 17), -EFAULT);
	assert_int_equal(core->missing, 0);
	ri_core_close(core);
}

static void a_file_that_shrinks_is_memory_that_cannot_be_read(void **state)
{
	struct target *t = *state;
	int fd = core_file(&t->image, t->image.used);
	struct ri_core *core;
	uint8_t byte;

	assert_int_equal(ri_core_open_fd(fd, &core), 0);
	assert_int_equal(ri_core_read(core, FAKE_BASE, &byte, 1), 0);
	assert_int_equal(ftruncate(fd, CORE_MEMORY_AT), 0);
	assert_int_equal(ri_core_read(core, FAKE_BASE, &byte, 1), -EFAULT);
	ri_core_close(core);
}

/* -------------------------------------------------------------------- notes */

static void threads_come_with_their_registers(void **state)
{
	enum { THREADS = 70 };
	struct target *t = *state;
	const struct ri_core_thread *threads;
	struct ri_core *core;

	for (int i = 1; i < THREADS; i++)
		core_thread(&t->image, CORE_PID + i, 0x401000 + (uint64_t)i, 0x7000 - (uint64_t)i, 7, 0);
	assert_int_equal(open_core(t, t->image.used, &core), 0);
	assert_int_equal(ri_core_threads(core, &threads), THREADS);
	for (int i = 0; i < THREADS; i++) {
		assert_int_equal(threads[i].tid, CORE_PID + i);
		assert_int_equal(threads[i].pc, 0x401000 + i);
		assert_int_equal(threads[i].sp, 0x7000 - i);
		assert_int_equal(threads[i].signal, 6);
		assert_int_equal(threads[i].cpu_ns, 2000500000);
	}
	ri_core_close(core);
}

static void workers_are_told_by_their_registers(void **state)
{
	enum { IN_CALL = CORE_PID + 1, COMPUTES, READ = 0, DESCRIPTOR = 9 };
	struct target *t = *state;
	struct rouse_worker_record *workers =
		(void *)(t->image.bytes + CORE_MEMORY_AT + fake_page(&t->fake)->off_workers);
	const Rouse__V1__Threads *threads;

#if !defined(__x86_64__)
	test_skip("machine: only on x86-64 registers tell of system calls");
#endif
	core_thread(&t->image, IN_CALL, 0x401001, 0x7100, READ, DESCRIPTOR);
	core_thread(&t->image, COMPUTES, 0x401002, 0x7200, UINT64_MAX, DESCRIPTOR);
	workers[0].tid = IN_CALL;
	workers[1].tid = COMPUTES;
	workers[0].state = workers[1].state = ROUSE_WORKER_POLLING;
	assert_int_equal(open_inspect(t, t->image.used), 0);
	for (int i = 0; i < 2; i++) {
		look(t, i == 1);
		threads = stream_find(&t->stream, ROUSE__V1__FRAME__BODY_THREADS, 0)->threads;
		assert_int_equal(threads->n_tid, 2);
		for (uint32_t j = 0; j < 2; j++) {
			assert_int_equal(threads->tid[j], IN_CALL + j);
			assert_int_equal(threads->role[j], ROUSE_THREAD_WORKER);
			assert_int_equal(threads->worker[j], j);
			assert_int_equal(threads->pc[j], 0x401001 + j);
			assert_int_equal(threads->cpu_ns[j], 2000500000);
		}
		assert_int_equal(threads->syscall[0], READ + 1);
		assert_int_equal(threads->argument[0], DESCRIPTOR);
		assert_int_equal(threads->state[0], 0); /* it may have slept or not */
		assert_int_equal(threads->syscall[1], 0);
		assert_int_equal(threads->state[1], 'R');
	}
}

/* What the call would give back: to a program EINTR, to the kernel alone that it is to be begun anew. */
static void a_thread_slept_if_its_call_was_interrupted(void **state)
{
	static const struct {
		int64_t result;
		bool slept;
	} cases[] = { { -4, true }, { -512, true }, { -516, true }, { -511, false }, { -517, false }, { 0, false },
		{ 4, false }, { 512, false }, { -38, false } };

	struct target *t = *state;
	struct ri_core *core;

#if !defined(__x86_64__)
	test_skip("machine: only on x86-64 registers tell of system calls");
#endif
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		enum { RAX = 10, NANOSLEEP = 35 };

		core_fini(&t->image);
		core_init(&t->image);
		for (int computes = 0; computes < 2; computes++) {
			uint8_t *status =
				core_thread(&t->image, 5 + computes, 1, 2, computes ? UINT64_MAX : NANOSLEEP, 0);

			memcpy(status + offsetof(struct elf_prstatus, pr_reg) + RAX * sizeof cases[i].result,
				&cases[i].result, sizeof cases[i].result);
		}
		core_put(&t->image, FAKE_BASE, t->fake.image, FAKE_BYTES, FAKE_BYTES);
		assert_int_equal(open_core(t, t->image.used, &core), 0);
		assert_int_equal(core->threads[0].slept, cases[i].slept);
		assert_false(core->threads[1].slept);
		ri_core_close(core);
	}
}

static void files_are_listed_and_pieces_of_a_mapping_joined(void **state)
{
	struct target *t = *state;
	struct ri_mapping mappings[4];
	struct ri_core *core;

	assert_int_equal(open_core(t, t->image.used, &core), 0);
	assert_int_equal(core->n_files, 3);
	assert_string_equal(core->files[0].path, "/usr/bin/program");
	assert_int_equal(core->files[0].end, 0x401000);
	assert_int_equal(core->files[2].offset, FAKE_BYTES / 2);
	assert_int_equal(ri_core_mappings(core, mappings, 4), 1);
	assert_int_equal(mappings[0].address, FAKE_BASE);
	assert_int_equal(mappings[0].bytes, FAKE_BYTES);
	ri_core_close(core);
}

static Elf64_Nhdr *head_of(const void *description)
{
	return (Elf64_Nhdr *)(uintptr_t)((const uint8_t *)description - 8 - sizeof(Elf64_Nhdr));
}

static void the_main_threads_stack_is_told_by_the_auxiliary_vector(void **state)
{
	struct target *t = *state;
	Elf64_auxv_t vector[] = { { .a_type = AT_PAGESZ, .a_un.a_val = FAKE_BASE },
		{ .a_type = AT_RANDOM, .a_un.a_val = FAKE_BASE + FAKE_BYTES - 1 } };
	const size_t bytes[] = { 0, sizeof vector[0], sizeof vector - 1, sizeof vector };
	struct ri_region regions[4];
	struct ri_core *core;

	for (size_t i = 0; i < 4; i++) {
		core_fini(&t->image);
		core_init(&t->image);
		core_note(&t->image, NT_AUXV, vector, bytes[i]);
		core_put(&t->image, FAKE_BASE - 65536, t->fake.image, 4096, 4096);
		core_put(&t->image, FAKE_BASE, t->fake.image, FAKE_BYTES, FAKE_BYTES);
		assert_int_equal(open_core(t, t->image.used, &core), 0);
		assert_int_equal(ri_core_regions(core, regions, 4), 2);
		assert_false(regions[0].guarded);
		assert_int_equal(regions[1].guarded, bytes[i] == sizeof vector);
		ri_core_close(core);
	}
}

static void what_the_kernel_wrote_of_a_guard_tells_a_stack(void **state)
{
	static const struct {
		uint64_t bytes;
		uint32_t flags;
		bool is_stack;
	} below[] = { { 4096, 0, true }, { 4096, PF_R, false }, { 4096, PF_R | PF_W, false }, { 4095, 0, false } };

	struct target *t = *state;
	struct ri_region regions[4] = { 0 };
	struct ri_core *core;

	for (size_t i = 0; i < sizeof below / sizeof below[0]; i++) {
		size_t guard;

		core_fini(&t->image);
		core_init(&t->image);
		core_thread(&t->image, 5, 1, FAKE_BASE + 8192, UINT64_MAX, 0);
		guard = core_put(&t->image, FAKE_BASE - 4096, t->fake.image, 0, below[i].bytes);
		core_segment(&t->image, guard)->p_flags = below[i].flags;
		core_put(&t->image, FAKE_BASE, t->fake.image, FAKE_BYTES, FAKE_BYTES);
		assert_int_equal(open_core(t, t->image.used, &core), 0);
		assert_true(ri_core_regions(core, regions, 4) >= 1);
		for (size_t k = 0; k < 2 && regions[k].address <= FAKE_BASE; k++)
			if (regions[k].address == FAKE_BASE)
				assert_int_equal(regions[k].guarded, below[i].is_stack);
		ri_core_close(core);
	}
}

#ifdef __x86_64__
/* What glibc has in its descriptor somewhere: block, bytes, guard. */
static void a_threads_stack_is_told_by_its_descriptor(void **state)
{
	enum { FS_BASE = 21, GUARD = 4096, OWN = FAKE_BYTES - 2304 };
	const uint64_t right[] = { FAKE_BASE - GUARD, FAKE_BYTES + GUARD, GUARD }, sp = FAKE_BASE + 8192;
	const struct {
		uint64_t words[3], sp, own, at;
		bool is_stack;
	} cases[] = {
		{ { right[0], right[1], right[2] }, sp, OWN, 1680, true },
		{ { right[0], right[1], right[2] }, sp, OWN, 2304 - 24, true },
		{ { FAKE_BASE, FAKE_BYTES, 0 }, sp, OWN, 1680, true },                 /* it has no guard */
		{ { right[0], right[1], right[2] }, FAKE_BASE - 8, OWN, 1680, false }, /* it is elsewhere */
		{ { right[0], right[1], right[2] }, sp, OWN + 4, 1680, false },
		{ { right[0] - 4096, right[1] + 4096, right[2] }, sp, OWN, 1680, false }, /* there is more below */
		{ { right[0], GUARD, right[2] }, sp, OWN, 1680, false },
		{ { right[0], OWN + GUARD, right[2] }, sp, OWN, 1680, false }, /* it ends below the descriptor */
	};

	struct target *t = *state;
	struct ri_region regions[4];
	struct ri_core *core;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		core_fini(&t->image);
		core_init(&t->image);
		uint8_t *status = core_thread(&t->image, 5, 1, cases[i].sp, 202, 0);
		uint64_t own = FAKE_BASE + cases[i].own;

		memcpy(status + offsetof(struct elf_prstatus, pr_reg) + FS_BASE * sizeof own, &own, sizeof own);
		memset(t->fake.image + OWN, 0, 2304);
		memcpy(t->fake.image + OWN + cases[i].at, cases[i].words, sizeof cases[i].words);
		core_put(&t->image, FAKE_BASE, t->fake.image, FAKE_BYTES, FAKE_BYTES);
		assert_int_equal(open_core(t, t->image.used, &core), 0);
		assert_int_equal(ri_core_regions(core, regions, 4), 1);
		assert_int_equal(regions[0].guarded, cases[i].is_stack);
		ri_core_close(core);
	}
}
#else
static void a_threads_stack_is_told_by_its_descriptor(void **state)
{
	(void)state;
	test_skip("kernel: only x86-64 has the address of a thread's descriptor among its registers");
}
#endif

static void notes_that_lie_are_passed_over(void **state)
{
	struct target *t = *state;
	uint64_t words[5] = { 1, 4096, 0, 4096, 0 };
	struct ri_core *core;

	core_fini(&t->image);
	core_init(&t->image);
	core_note(&t->image, NT_FILE, words, 8);                /* shorter than its head */
	core_note(&t->image, NT_PRSTATUS, words, sizeof words); /* shorter than the structure */
	core_note(&t->image, NT_PRPSINFO, words, sizeof words);
	words[0] = UINT64_MAX / 24 + 2; /* times 24 is small */
	core_note(&t->image, NT_FILE, words, sizeof words);
	core_thread(&t->image, 5, 1, 2, 0, 0);
	words[0] = 3; /* and there is room for one */
	core_note(&t->image, NT_FILE, words, sizeof words);
	words[0] = 1;
	core_note(&t->image, NT_FILE, words, sizeof words); /* without a name */
	head_of(core_note(&t->image, NT_PRSTATUS, words, sizeof words))->n_descsz = UINT32_MAX;
	core_put(&t->image, FAKE_BASE, t->fake.image, FAKE_BYTES, FAKE_BYTES);
	assert_int_equal(open_core(t, t->image.used, &core), 0);
	assert_int_equal(core->n_threads, 1);
	assert_int_equal(core->n_files, 0);
	assert_true(core->has_files);
	assert_int_equal(core->pid, 0);
	ri_core_close(core);
	head_of(t->image.bytes + CORE_NOTES_AT + sizeof(Elf64_Nhdr) + 8)->n_namesz = UINT32_MAX - 2;
	assert_int_equal(open_core(t, t->image.used, &core), 0);
	assert_int_equal(core->n_threads, 0);
	ri_core_close(core);
}

/* ------------------------------------------------------------------ headers */

static void what_is_no_core_of_ours_is_told_apart(void **state)
{
	struct target *t = *state;
	const Elf64_Ehdr good = *core_header(&t->image);
	Elf64_Ehdr *header = core_header(&t->image);
	struct ri_core *core;

	assert_int_equal(open_core(t, sizeof good - 1, &core), -ENOEXEC);
	assert_int_equal(open_core(t, sizeof good, &core), -EBADMSG); /* its headers are gone */
	header->e_ident[0] = 0;
	assert_int_equal(open_core(t, t->image.used, &core), -ENOEXEC);
	*header = good;
	header->e_type = ET_DYN;
	assert_int_equal(open_core(t, t->image.used, &core), -ENOEXEC);
	*header = good;
	header->e_ident[EI_CLASS] = ELFCLASS32;
	assert_int_equal(open_core(t, t->image.used, &core), -ENOTSUP);
	*header = good;
	header->e_ident[EI_DATA] = ELFDATA2MSB;
	assert_int_equal(open_core(t, t->image.used, &core), -ENOTSUP);
	*header = good;
	header->e_machine = EM_S390;
	assert_int_equal(open_core(t, t->image.used, &core), -ENOTSUP);
	*header = good;
	header->e_phentsize--;
	assert_int_equal(open_core(t, t->image.used, &core), -EBADMSG);
	*header = good;
	header->e_phnum = 0;
	assert_int_equal(open_core(t, t->image.used, &core), -EBADMSG);
	*header = good;
	header->e_phoff = UINT64_MAX - 8;
	assert_int_equal(open_core(t, t->image.used, &core), -EBADMSG);
}

static void more_segments_than_the_header_can_count(void **state)
{
	struct target *t = *state;
	Elf64_Ehdr *header = core_header(&t->image);
	Elf64_Shdr *first = (Elf64_Shdr *)(void *)(t->image.bytes + CORE_NOTES_AT - sizeof *first);
	struct ri_core *core;

	first->sh_info = header->e_phnum;
	header->e_phnum = PN_XNUM;
	header->e_shoff = CORE_NOTES_AT - sizeof *first;
	assert_int_equal(open_inspect(t, t->image.used), 0);
	first->sh_info = UINT32_MAX;
	assert_int_equal(open_core(t, t->image.used, &core), -EBADMSG);
	header->e_shoff = UINT64_MAX - 8;
	assert_int_equal(open_core(t, t->image.used, &core), -EBADMSG);
}

static void sizes_beyond_all_bounds_are_missing_not_read(void **state)
{
	struct target *t = *state;
	struct ri_core *core;
	uint8_t byte;

	*core_segment(&t->image, 2) = (Elf64_Phdr){ .p_type = PT_LOAD,
		.p_offset = UINT64_MAX - 10,
		.p_vaddr = 0x10000,
		.p_filesz = UINT64_MAX - 0x20000,
		.p_memsz = UINT64_MAX - 0x20000 };
	core_segment(&t->image, 0)->p_filesz = UINT64_MAX;
	assert_int_equal(open_core(t, t->image.used, &core), 0);
	assert_int_equal(core->missing, UINT64_MAX);
	assert_int_equal(ri_core_read(core, 0x10000, &byte, 1), -EFAULT);
	assert_int_equal(ri_core_read(core, FAKE_BASE, &byte, 1), 0);
	ri_core_close(core);
}

static void paths_that_are_no_files(void **state)
{
	struct target *t = *state;

	assert_int_equal(rouse_inspect_open_core("/nowhere/at/all", &t->inspect), -ESRCH);
	assert_int_equal(rouse_inspect_open_core("/dev/null/core", &t->inspect), -ESRCH);
	assert_int_equal(rouse_inspect_open_core("/", &t->inspect), -ENOEXEC);
	assert_int_equal(rouse_inspect_open_core("/dev/null", &t->inspect), -ENOEXEC);
	assert_int_equal(rouse_inspect_open_core(NULL, &t->inspect), -EINVAL);
	assert_null(t->inspect);
}

static void its_memory_and_registers_are_searched(void **state)
{
	struct target *t = *state;
	const uint64_t id = 20;
	const struct rouse_look_opts opts = { .size = sizeof opts, .detail = &id, .n_detail = 1 };
	uint64_t kept = fake_alloc(&t->fake, 64), waker[] = { t->chunk, FAKE_TASK_VTABLE };
	bool complete = false;

	memcpy(fake_at(&t->fake, kept), waker, sizeof waker);
	core_fini(&t->image);
	core_of_fake(&t->image, &t->fake);
	core_thread(&t->image, CORE_PID + 5, 0x400000, 0x7000, 1, t->chunk);
	assert_int_equal(open_inspect(t, t->image.used), 0);
	assert_int_equal(rouse_inspect_look(t->inspect, &opts, stream_take, &t->stream), 0);
	/* A register is looked at twice, as that of a process would be. */
	assert_int_equal(stream_references(&t->stream, id, 0, &complete), 3);
	assert_true(complete);
	/* A file that was cut tells less. */
	rouse_inspect_close(t->inspect);
	t->inspect = NULL;
	stream_clear(&t->stream);
	assert_int_equal(open_inspect(t, t->image.used - 64), 0);
	assert_int_equal(rouse_inspect_look(t->inspect, &opts, stream_take, &t->stream), 0);
	assert_true(stream_references(&t->stream, id, 0, &complete) >= 2);
	assert_false(complete);
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)
TEST_MAIN(TEST(a_core_is_looked_at_like_the_memory_it_was), TEST(its_time_is_the_newest_moment_it_knows),
	TEST(the_second_look_tells_no_task_again_and_counts_all),
	TEST(tasks_before_the_cut_are_told_and_the_look_is_not_complete), TEST(a_cut_behind_all_tasks_counts_too),
	TEST(without_a_list_of_files_the_page_is_found_by_its_magic), TEST(why_there_is_no_runtime_is_told_apart),
	TEST(reads_go_over_segments_and_stop_where_nothing_is_stored),
	TEST(a_file_that_shrinks_is_memory_that_cannot_be_read), TEST(threads_come_with_their_registers),
	TEST(workers_are_told_by_their_registers), TEST(files_are_listed_and_pieces_of_a_mapping_joined),
	TEST(the_main_threads_stack_is_told_by_the_auxiliary_vector),
	TEST(what_the_kernel_wrote_of_a_guard_tells_a_stack), TEST(a_thread_slept_if_its_call_was_interrupted),
	TEST(a_threads_stack_is_told_by_its_descriptor), TEST(notes_that_lie_are_passed_over),
	TEST(what_is_no_core_of_ours_is_told_apart), TEST(more_segments_than_the_header_can_count),
	TEST(sizes_beyond_all_bounds_are_missing_not_read), TEST(paths_that_are_no_files),
	TEST(its_memory_and_registers_are_searched));
