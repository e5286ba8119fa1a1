/* SPDX-License-Identifier: MIT */
/*
 * Stacks of samples: a thread has written down its registers and a copy of its
 * stack, in functions known by name, and is elsewhere when they are unwound.
 */
#include "test.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <ucontext.h>
#include <unistd.h>

#include <stack.h>

/* A function of its own, as it is written. */
#if __has_attribute(noclone)
#define PLAIN __attribute__((noinline, noclone))
#else
#define PLAIN __attribute__((noinline))
#endif
/* Something comes after the call, so that it is one, and no jump. */
#define AFTER() __asm__ volatile("" ::: "memory")

enum { ROOM_BYTES = 4096, COPY_BYTES = 65536, STACK_BYTES = 1 << 20 };

static struct sample {
	uint64_t registers[17];
	uint8_t copy[COPY_BYTES];
	size_t bytes;
} taken;

static pthread_t thread;
static sem_t moved_on, may_end;
static void *stack_memory;
static struct rn_target *target;

/* ------------------------------------------------------------- the thread */

/* Which register of the context each DWARF number is. */
static const int context_of[17] = { REG_RAX, REG_RDX, REG_RCX, REG_RBX, REG_RSI, REG_RDI, REG_RBP, REG_RSP, REG_R8,
	REG_R9, REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15, REG_RIP };

/* By the kernel, for the frames of others are nobody's to read. */
static void copy_stack(struct sample *sample)
{
	uint64_t from = sample->registers[7], end = (uint64_t)(uintptr_t)stack_memory + STACK_BYTES;
	size_t n = end - from < sizeof sample->copy ? end - from : sizeof sample->copy;
	struct iovec to = { sample->copy, n }, of = { (void *)(uintptr_t)from, n };

	sample->bytes = process_vm_readv(getpid(), &to, 1, &of, 1, 0) == (ssize_t)n ? n : 0;
}

PLAIN static void innermost(void)
{
	ucontext_t here;

	memset(&here, 0, sizeof here);
	if (getcontext(&here) == 0)
		for (int i = 0; i < 17; i++)
			taken.registers[i] = (uint64_t)here.uc_mcontext.gregs[context_of[i]];
	copy_stack(&taken);
	AFTER();
}

PLAIN static void middle(void (*inner)(void))
{
	char room[ROOM_BYTES];

	__asm__ volatile("" ::"r"(room) : "memory");
	inner();
	AFTER();
}

PLAIN static void outermost(void)
{
	middle(innermost);
	AFTER();
}

/* Over all that the functions above have left. */
PLAIN static int elsewhere(int depth)
{
	volatile char room[256];

	room[0] = (char)depth;
	if (depth > 0)
		room[1] = (char)elsewhere(depth - 1);
	AFTER();
	return room[0];
}

static void *run(void *arg)
{
	(void)arg;
	outermost();
	(void)elsewhere(200);
	sem_post(&moved_on);
	while (sem_wait(&may_end) != 0)
		continue;
	return NULL;
}

static int begin(void **state)
{
	pthread_attr_t attributes;

	(void)state;
	if (posix_memalign(&stack_memory, 4096, STACK_BYTES) || sem_init(&moved_on, 0, 0) || sem_init(&may_end, 0, 0))
		return -1;
	pthread_attr_init(&attributes);
	if (pthread_attr_setstack(&attributes, stack_memory, STACK_BYTES) ||
		pthread_create(&thread, &attributes, run, NULL))
		return -1;
	pthread_attr_destroy(&attributes);
	while (sem_wait(&moved_on) != 0)
		continue;
	return rn_open_pid(getpid(), &target);
}

static int end(void **state)
{
	(void)state;
	rn_close(target);
	sem_post(&may_end);
	pthread_join(thread, NULL);
	free(stack_memory);
	return 0;
}

/* -------------------------------------------------------------- its stack */

static bool is_function(const struct rn_stack *stack, uint32_t i, const char *function)
{
	struct rn_name name;

	return i < stack->n && rn_name(target, stack->pc[i], i > 0, &name) == 0 && strcmp(name.function, function) == 0;
}

static void it_is_unwound_after_the_thread_has_moved_on(void **state)
{
	struct rn_stack stack;

	(void)state;
	assert_true(taken.bytes > ROOM_BYTES);
	rn_stack_of_sample(target, taken.registers, taken.copy, taken.bytes, &stack);
	assert_int_equal(stack.why, 0);
	assert_true(is_function(&stack, 0, "innermost"));
	assert_true(is_function(&stack, 1, "middle"));
	assert_true(is_function(&stack, 2, "outermost"));
	assert_true(is_function(&stack, 3, "run"));
	assert_true(stack.n > 4); /* and how the C library begins threads */
	assert_int_equal(stack.sure, stack.n);
}

static void it_ends_with_the_copy(void **state)
{
	struct rn_stack stack;

	(void)state;
	rn_stack_of_sample(target, taken.registers, taken.copy, ROOM_BYTES / 2, &stack);
	assert_int_equal(stack.why, E2BIG);
	assert_int_equal(stack.n, 2);
	assert_true(is_function(&stack, 0, "innermost"));
	assert_true(is_function(&stack, 1, "middle"));
	assert_int_equal(stack.sure, 2);
}

static void of_registers_alone_the_address_is_known(void **state)
{
	struct rn_stack stack;

	(void)state;
	rn_stack_of_sample(target, taken.registers, NULL, 0, &stack);
	assert_int_equal(stack.why, E2BIG);
	assert_int_equal(stack.n, 1);
	assert_true(is_function(&stack, 0, "innermost"));
}

static void the_copy_is_borrowed_and_leaves_no_trace(void **state)
{
	struct rn_stack first, second, live;
	uint8_t *copy = malloc(taken.bytes);

	(void)state;
	assert_non_null(copy);
	memcpy(copy, taken.copy, taken.bytes);
	rn_stack_of_sample(target, taken.registers, copy, taken.bytes, &first);
	assert_memory_equal(copy, taken.copy, taken.bytes);
	free(copy);
	rn_stack_take(target, (uint32_t)getpid(), &live); /* of this thread, which runs: whatever comes of it */
	assert_false(is_function(&live, 0, "innermost"));
	rn_stack_of_sample(target, taken.registers, taken.copy, taken.bytes, &second);
	assert_int_equal(second.n, first.n);
	assert_memory_equal(second.pc, first.pc, first.n * sizeof first.pc[0]);
}

/* Whatever the target has put there: a stack is answered, of no more than there is room for. */
static void hostile_bytes_do_no_harm(void **state)
{
	static uint8_t copy[COPY_BYTES];
	uint64_t registers[17], seed = test_seed();
	struct rn_stack stack;

	(void)state;
	for (int round = 0; round < 200; round++) {
		memcpy(registers, taken.registers, sizeof registers);
		memcpy(copy, taken.copy, taken.bytes);
		for (int i = 0; i < 64; i++)
			copy[test_random(&seed) % (round % 2 ? 512 : taken.bytes)] = (uint8_t)test_random(&seed);
		if (round % 3 == 0)
			registers[test_random(&seed) % 17] = test_random(&seed);
		if (round % 7 == 0)
			registers[7] = UINT64_MAX - test_random(&seed) % 64;
		rn_stack_of_sample(target, registers, copy, test_random(&seed) % (taken.bytes + 1), &stack);
		assert_true(stack.n <= RN_FRAMES_MAX);
		assert_true(stack.sure <= stack.n);
	}
}

TEST_MAIN_WITH(begin, end, cmocka_unit_test(it_is_unwound_after_the_thread_has_moved_on),
	cmocka_unit_test(it_ends_with_the_copy), cmocka_unit_test(of_registers_alone_the_address_is_known),
	cmocka_unit_test(the_copy_is_borrowed_and_leaves_no_trace), cmocka_unit_test(hostile_bytes_do_no_harm));
