/* SPDX-License-Identifier: MIT */
/* Native stacks and names of code in the model: kept, bounded, and fit to be printed. */
#include "test.h"

#include "looks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int make(void **state)
{
	*state = cn_model_new();
	return *state ? 0 : -1;
}

static int unmake(void **state)
{
	cn_model_free(*state);
	return 0;
}

static struct cn_symbol symbol_at(uint64_t pc, const char *function, const char *within)
{
	struct cn_symbol symbol = { .pc = pc, .offset = 0x1234, .line = 12, .file = "../src/deep/file.c" };

	snprintf(symbol.function, sizeof symbol.function, "%s", function);
	snprintf(symbol.within, sizeof symbol.within, "%s", within);
	snprintf(symbol.module, sizeof symbol.module, "libx.so.1");
	return symbol;
}

static void assert_format(const struct cn_model *model, uint64_t pc, const char *want)
{
	char text[256];

	assert_int_equal(cn_symbol_format(model, pc, text, sizeof text), strlen(want));
	assert_string_equal(text, want);
}

static void an_address_is_printed_as_far_as_it_is_known(void **state)
{
	struct cn_model *model = *state;
	struct cn_symbol symbol = symbol_at(0x10, "work", "");

	assert_format(model, 0x7f12, "0x7f12");
	assert_int_equal(cn_model_put_symbol(model, &symbol), 0);
	assert_format(model, 0x10, "work (file.c:12)");

	symbol = symbol_at(0x20, "inner", "outer");
	assert_int_equal(cn_model_put_symbol(model, &symbol), 0);
	assert_format(model, 0x20, "inner (file.c:12), inlined in outer");

	symbol = symbol_at(0x30, "exported", "");
	symbol.line = 0;
	assert_int_equal(cn_model_put_symbol(model, &symbol), 0);
	assert_format(model, 0x30, "exported (libx.so.1)");

	symbol = symbol_at(0x40, "", "");
	assert_int_equal(cn_model_put_symbol(model, &symbol), 0);
	assert_format(model, 0x40, "libx.so.1+0x1234");

	symbol = (struct cn_symbol){ .pc = 0x50 };
	assert_int_equal(cn_model_put_symbol(model, &symbol), 0);
	assert_format(model, 0x50, "0x50");
}

static void a_hostile_name_is_made_safe_and_cut(void **state)
{
	struct cn_model *model = *state;
	struct cn_symbol symbol = symbol_at(0x10, "a\x1b[2Jb\xff", "");
	char text[8];

	assert_int_equal(cn_model_put_symbol(model, &symbol), 0);
	assert_format(model, 0x10, "a\\x1b[2Jb\\xff (file.c:12)");
	assert_int_equal(cn_symbol_format(model, 0x10, text, sizeof text), 7);
	assert_string_equal(text, "a\\x1b[2");
}

static void a_name_that_comes_again_takes_the_place_of_the_first(void **state)
{
	struct cn_model *model = *state;
	struct cn_symbol symbol = symbol_at(0x10, "before", "");

	assert_int_equal(cn_model_put_symbol(model, &symbol), 0);
	symbol = symbol_at(0x10, "after", "");
	assert_int_equal(cn_model_put_symbol(model, &symbol), 0);
	assert_format(model, 0x10, "after (file.c:12)");
	symbol.pc = 0;
	assert_int_equal(cn_model_put_symbol(model, &symbol), 0);
	assert_null(cn_model_symbol(model, 0));
}

static void a_stack_is_kept_by_thread_and_bounded(void **state)
{
	struct cn_model *model = *state;
	struct look look = look_at(model, 1 * S);
	struct cn_stack stack = { .tid = 7, .n = CN_STACK_MAX + 100, .sure = UINT32_MAX, .ns = 1 * S };

	look_end(&look);
	stack.pc[0] = 0x10;
	cn_model_put_stack(model, 0, &stack);
	cn_model_put_stack(model, 1, &stack);
	cn_model_put_stack(model, SIZE_MAX, &stack);
	assert_int_equal(cn_model_stack(model, 0, 7)->n, CN_STACK_MAX);
	assert_int_equal(cn_model_stack(model, 0, 7)->sure, CN_STACK_MAX);
	assert_int_equal(cn_model_stack(model, 0, 7)->pc[0], 0x10);
	assert_null(cn_model_stack(model, 1, 7));
	assert_null(cn_model_stack(model, 0, 8));
	stack = (struct cn_stack){ .tid = 7, .why = EAGAIN, .ns = 2 * S };
	cn_model_put_stack(model, 0, &stack);
	assert_int_equal(cn_model_stack(model, 0, 7)->n, 0);
	assert_int_equal(cn_model_stack(model, 0, 7)->why, EAGAIN);
}

static void the_oldest_stack_gives_way(void **state)
{
	struct cn_model *model = *state;
	struct look look = look_at(model, 1 * S);

	look_end(&look);
	for (uint32_t tid = 1; tid <= 1000; tid++) {
		struct cn_stack stack = { .tid = tid, .ns = tid };

		cn_model_put_stack(model, 0, &stack);
	}
	assert_null(cn_model_stack(model, 0, 1));
	assert_non_null(cn_model_stack(model, 0, 990));
	assert_non_null(cn_model_stack(model, 0, 1000));
}

static void every_reason_has_a_text(void **state)
{
	static const int reasons[] = { EPERM, EACCES, ESRCH, EAGAIN, ENOSYS, ENOEXEC, EFAULT, E2BIG, EMFILE };

	(void)state;
	for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
		assert_true(strlen(cn_stack_why(reasons[i])) > 3);
	assert_non_null(strstr(cn_stack_why(EPERM), "CAP_PERFMON"));
	assert_non_null(strstr(cn_stack_why(ENOSYS), "elfutils"));
}

static struct look job_look(struct cn_model *model, uint64_t state, uint64_t owner)
{
	struct look look = look_with(model, 1 * S, (struct look_opts){ 0 });

	look_resource(
		&look, (struct resource_row){
			       .serial = 9, .kind = ROUSE_RESOURCE_BLOCKING_JOB, .value = state, .owner = owner });
	return look;
}

static const struct cn_native *native_of(const struct cn_native *natives, size_t n, uint32_t tid)
{
	for (size_t i = 0; i < n; i++)
		if (natives[i].tid == tid)
			return &natives[i];
	return NULL;
}

static void a_thread_that_runs_a_job_is_busy(void **state)
{
	struct cn_native natives[8];
	const struct cn_native *native;
	struct look look = job_look(*state, 1, 77);

	look_end(&look);
	native = native_of(natives, cn_model_natives(*state, 0, natives, 8), 77);
	assert_non_null(native);
	assert_true(cn_native_busy(native));
	assert_int_equal(native->job->serial, 9);
	assert_int_equal(native->role, ROUSE_THREAD_BLOCKING);
	assert_int_equal(cn_model_natives(*state, 0, natives, 0), 0);

	look = job_look(*state, 2, 77); /* it has ended */
	look_end(&look);
	assert_null(native_of(natives, cn_model_natives(*state, 0, natives, 8), 77));
	look = job_look(*state, 1, CN_THREAD_ID + 77);
	look_end(&look);
	assert_null(native_of(natives, cn_model_natives(*state, 0, natives, 8), 77));
}

static void threads_are_joined_by_their_id(void **state)
{
	struct cn_native natives[8];
	const struct cn_native *native;
	struct look look = job_look(*state, 1, 77);
	Rouse__V1__Threads threads = ROUSE__V1__THREADS__INIT;
	Rouse__V1__Frame frame = ROUSE__V1__FRAME__INIT;
	uint32_t tids[] = { 77, 78 }, roles[] = { ROUSE_THREAD_BLOCKING, ROUSE_THREAD_WATCHDOG };

	threads.n_tid = threads.n_role = 2;
	threads.tid = tids;
	threads.role = roles;
	frame.body_case = ROUSE__V1__FRAME__BODY_THREADS;
	frame.threads = &threads;
	look_apply(*state, &frame);
	look_end(&look);
	native = native_of(natives, cn_model_natives(*state, 0, natives, 8), 77);
	assert_ptr_equal(native->thread, cn_model_thread(*state, 0, 77));
	assert_int_equal(native->job->serial, 9);
	native = native_of(natives, cn_model_natives(*state, 0, natives, 8), 78);
	assert_int_equal(native->role, ROUSE_THREAD_WATCHDOG);
	assert_false(cn_native_busy(native));
}

static void bring_thread(struct cn_model *model, uint32_t tid, uint64_t cpu_ns, uint64_t run_queue_ns)
{
	Rouse__V1__Threads threads = ROUSE__V1__THREADS__INIT;
	Rouse__V1__Frame frame = ROUSE__V1__FRAME__INIT;

	threads.n_tid = threads.n_cpu_ns = threads.n_run_queue_ns = 1;
	threads.tid = &tid;
	threads.cpu_ns = &cpu_ns;
	threads.run_queue_ns = &run_queue_ns;
	frame.body_case = ROUSE__V1__FRAME__BODY_THREADS;
	frame.threads = &threads;
	look_apply(model, &frame);
}

static void a_table_in_more_than_one_frame_keeps_what_threads_have_used_before(void **state)
{
	struct cn_model *model = *state;
	uint64_t cpu_ns, queue_ns, span_ns;
	struct look look = look_at(model, 1 * S);

	for (uint32_t tid = 5; tid < 9; tid++)
		bring_thread(model, tid, 1000 * tid, 100 * tid);
	look_end(&look);
	assert_int_equal(cn_model_threads(model, 0), 4);
	assert_false(cn_thread_delta(model, 0, cn_model_thread(model, 0, 5), &cpu_ns, &queue_ns, &span_ns));

	look = look_at(model, 3 * S);
	for (uint32_t tid = 5; tid < 8; tid++) /* 8 has ended */
		bring_thread(model, tid, 1007 * tid, 103 * tid);
	bring_thread(model, 77, 99, 9);
	look_end(&look);
	assert_int_equal(cn_model_threads(model, 0), 4);
	assert_null(cn_model_thread(model, 0, 8));
	for (uint32_t tid = 5; tid < 8; tid++) {
		assert_true(cn_thread_delta(model, 0, cn_model_thread(model, 0, tid), &cpu_ns, &queue_ns, &span_ns));
		assert_int_equal(cpu_ns, 7 * tid);
		assert_int_equal(queue_ns, 3 * tid);
		assert_int_equal(span_ns, 2 * S);
	}
	assert_non_null(cn_model_thread(model, 0, 77));
	assert_false(cn_thread_delta(model, 0, cn_model_thread(model, 0, 77), &cpu_ns, &queue_ns, &span_ns));
}

static void a_look_that_brings_no_threads_says_nothing_of_them(void **state)
{
	struct look look = look_at(*state, 1 * S);

	bring_thread(*state, 5, 1000, 100);
	look_end(&look);
	look = look_at(*state, 2 * S);
	look_end(&look);
	assert_int_equal(cn_model_threads(*state, 0), 1);
}

static void frames_of_the_protocol_bring_them_too(void **state)
{
	struct look look = look_at(*state, 1 * S);
	Rouse__V1__Symbols symbols = ROUSE__V1__SYMBOLS__INIT;
	Rouse__V1__Stacks stacks = ROUSE__V1__STACKS__INIT;
	Rouse__V1__Frame frame = ROUSE__V1__FRAME__INIT;
	uint64_t pcs[] = { 0x10, 0x20 };
	uint32_t tids[] = { 5, 5 }, functions[] = { 1, 999 }, lines[] = { 3, 4 }, files[] = { 2, 999 };

	look_string(&look, 1, "work");
	look_string(&look, 2, "a/b.c");
	symbols.n_pc = symbols.n_function = symbols.n_line = symbols.n_file = 2;
	symbols.pc = pcs;
	symbols.function = functions;
	symbols.line = lines;
	symbols.file = files;
	frame.body_case = ROUSE__V1__FRAME__BODY_SYMBOLS;
	frame.symbols = &symbols;
	look_apply(*state, &frame);
	stacks.n_tid = stacks.n_pc = 2;
	stacks.tid = tids;
	stacks.pc = pcs;
	frame.body_case = ROUSE__V1__FRAME__BODY_STACKS;
	frame.stacks = &stacks;
	look_apply(*state, &frame);
	look_end(&look);
	assert_int_equal(cn_model_stack(*state, 0, 5)->n, 2);
	assert_format(*state, cn_model_stack(*state, 0, 5)->pc[0], "work (b.c:3)");
	assert_format(*state, cn_model_stack(*state, 0, 5)->pc[1], "0x20");
}

#define NATIVE_TEST(name) cmocka_unit_test_setup_teardown(name, make, unmake)
TEST_MAIN(NATIVE_TEST(an_address_is_printed_as_far_as_it_is_known), NATIVE_TEST(a_hostile_name_is_made_safe_and_cut),
	NATIVE_TEST(a_name_that_comes_again_takes_the_place_of_the_first),
	NATIVE_TEST(a_stack_is_kept_by_thread_and_bounded), NATIVE_TEST(the_oldest_stack_gives_way),
	NATIVE_TEST(a_thread_that_runs_a_job_is_busy), NATIVE_TEST(threads_are_joined_by_their_id),
	NATIVE_TEST(a_table_in_more_than_one_frame_keeps_what_threads_have_used_before),
	NATIVE_TEST(a_look_that_brings_no_threads_says_nothing_of_them),
	NATIVE_TEST(frames_of_the_protocol_bring_them_too), cmocka_unit_test(every_reason_has_a_text));
