/* SPDX-License-Identifier: MIT */
/*
 * Unwinding a thread that goes on while it is read.
 *
 * libdwfl walks the frames by the unwind tables that every object carries; it
 * is given registers and memory by the callbacks below, and never attaches to
 * anything. A thread at rest has only two registers to offer, the stack pointer
 * and the address (regs.h). For code compiled without frame pointers, as
 * Debian's libc, that is enough: its frames are found from the stack pointer,
 * and a frame pointer that it has saved is found again on the way. Our own
 * code keeps frame pointers, and gcc then describes its frames from there: at
 * the first such frame, if nobody has saved the register yet, the walk stops.
 * There the frame pointer is searched for (search.c), and the walk begins once
 * more from that frame. Of the places it may point at, the one is taken from
 * which the walk comes to the thread's beginning over frames that called each
 * other; they are not counted as sure, for they rest on that choice. So do frames behind code
 * without unwind tables (there libdwfl follows frame pointers), and those of a
 * sampled thread deeper than the copy of its stack. A sample that others have
 * taken is of a thread that has long moved on: there the copy is all there is of
 * the stack, and the walk ends with it.
 *
 * That a thread at rest has rested all the time is seen by comparing what /proc
 * says of it before and after; the times it has been on a CPU are part of that.
 */
#include "stack/stack.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stack/private.h"

enum { TRIES = 4 };

/* ----------------------------------------------------- what libdwfl is told */

static pid_t next_thread(Dwfl *dwfl, void *target, void **thread)
{
	(void)dwfl;
	(void)target;
	(void)thread;
	return 0; /* it is asked for one by one */
}

static bool get_thread(Dwfl *dwfl, pid_t tid, void *target, void **ret_thread)
{
	(void)dwfl;
	(void)tid;
	*ret_thread = target;
	return true;
}

static bool read_word(Dwfl *dwfl, Dwarf_Addr address, Dwarf_Word *ret_word, void *target)
{
	(void)dwfl;
	return rn_read(target, address, ret_word, sizeof *ret_word);
}

static bool set_registers(Dwfl_Thread *thread, void *arg)
{
	const struct rn_regs *regs = &((const struct rn_target *)arg)->regs;

	for (int i = 0; i < RN_REGS; i++) {
		Dwarf_Word value = regs->value[i];

		if (regs->known & 1u << i && !dwfl_thread_state_registers(thread, i, 1, &value))
			return false;
	}
	dwfl_thread_state_register_pc(thread, regs->value[RN_PC]);
	return true;
}

static const Dwfl_Thread_Callbacks callbacks = { .next_thread = next_thread,
	.get_thread = get_thread,
	.memory_read = read_word,
	.set_initial_registers = set_registers };

/* ------------------------------------------------------------------ walking */

struct walk {
	struct rn_target *target;
	struct rn_stack *stack;
	bool sure;
	enum rn_cfi cfi;      /* of the last frame met */
	bool again;           /* the first frame is in the stack already */
	struct rn_regs frame; /* of the last frame met, as far as they are known */
};

static int take_frame(Dwfl_Frame *state, void *arg)
{
	struct walk *walk = arg;
	struct rn_stack *stack = walk->stack;
	Dwarf_Addr pc;
	Dwarf_Word value;
	bool active;

	if (!dwfl_frame_pc(state, &pc, &active))
		return DWARF_CB_ABORT;
	walk->frame.known = 1u << RN_PC;
	walk->frame.value[RN_PC] = active ? pc : pc - 1;
	for (int i = 0; i < RN_PC; i++) {
		if (dwfl_frame_reg(state, (unsigned int)i, &value) != 0)
			continue;
		walk->frame.value[i] = value;
		walk->frame.known |= 1u << i;
	}
	walk->cfi = rn_cfi_at(walk->target, walk->frame.value[RN_PC]);
	if (walk->again) {
		walk->again = false;
		return DWARF_CB_OK;
	}
	if (stack->n == RN_FRAMES_MAX) {
		stack->why = E2BIG;
		return DWARF_CB_ABORT;
	}
	stack->pc[stack->n++] = pc;
	walk->sure = walk->sure && !walk->target->beyond;
	if (walk->sure)
		stack->sure = stack->n;
	walk->sure = walk->sure && walk->cfi != RN_CFI_NONE;
	return DWARF_CB_OK;
}

/* Did it come to the thread's beginning, or as far as there is room? libdwfl ends the same way where it is lost. */
static bool walk_frames(struct walk *walk, uint32_t tid)
{
	int rc = dwfl_getthread_frames(walk->target->dwfl, (pid_t)tid, take_frame, walk);

	return (rc == 0 && walk->cfi == RN_CFI_BEGINNING) || walk->stack->why == E2BIG;
}

/* How many frames from `first` on are followed by one that called somebody else: more, the worse the guess was. */
static uint32_t broken_links(struct rn_target *target, const struct rn_stack *stack, uint32_t first)
{
	uint32_t broken = 0;

	for (uint32_t i = first; i + 1 < stack->n; i++)
		broken += !rn_may_have_called(target, i ? stack->pc[i] - 1 : stack->pc[i], stack->pc[i + 1]);
	return broken;
}

/* From the frame where the walk has stopped, with a frame pointer that it may have had. */
static bool try_on(const struct walk *stopped, uint32_t tid, uint64_t frame_pointer, struct rn_stack *longer)
{
	struct rn_target *target = stopped->target;
	struct walk walk = { .target = target, .stack = longer, .again = true };

	memcpy(target->regs.value, stopped->frame.value, sizeof target->regs.value);
	target->regs.value[RN_BP] = frame_pointer;
	target->regs.known = stopped->frame.known | 1u << RN_BP;
	return walk_frames(&walk, tid);
}

/* The best of all: one that comes to the end, with the fewest broken links, of the best rank. */
static bool walk_on(const struct walk *stopped, uint32_t tid)
{
	struct rn_target *target = stopped->target;
	struct rn_stack *stack = stopped->stack, best = *stack;
	struct rn_candidate candidates[RN_CANDIDATES_MAX];
	const struct rn_regs first = target->regs;
	uint32_t least = UINT32_MAX;
	bool whole = false;
	size_t n;

	n = rn_frame_pointers(target, stopped->frame.value[RN_PC], stopped->frame.value[RN_SP], candidates);
	for (size_t i = 0; i < n && !(whole && least == 0); i++) {
		struct rn_stack longer = *stack;
		bool ends = try_on(stopped, tid, candidates[i].frame_pointer, &longer);
		uint32_t broken = broken_links(target, &longer, stack->n - 1);

		if (ends < whole || (ends == whole && broken >= least))
			continue;
		whole = ends;
		least = broken;
		best = longer;
	}
	target->regs = first;
	*stack = best;
	return whole;
}

static void unwind(struct rn_target *target, uint32_t tid, struct rn_stack *stack)
{
	struct walk walk = { .target = target, .stack = stack, .sure = true };

	target->beyond = target->cut = false;
	if (walk_frames(&walk, tid))
		return;
	if (!stack->n) {
		stack->why = ESRCH;
		return;
	}
	if (!(walk.frame.known & 1u << RN_BP) && walk.frame.known & 1u << RN_SP && walk_on(&walk, tid))
		return;
	if (target->cut)
		stack->why = E2BIG;
	else
		stack->why = rn_cfi_at(target, stack->pc[stack->n - 1] - 1) == RN_CFI_NONE ? ENOEXEC : EFAULT;
}

/* ------------------------------------------------------------------ threads */

/* 0: done, or stack->why says why not. -EAGAIN: it has moved. */
static int take_once(struct rn_target *target, uint32_t tid, struct rn_stack *stack)
{
	struct rn_rest before, after;
	struct rn_regs regs;
	int rc = rn_regs_rest(target->pid, tid, &before, &target->regs);

	*stack = (struct rn_stack){ 0 };
	if (rc == 0) {
		unwind(target, tid, stack);
		rc = rn_regs_rest(target->pid, tid, &after, &regs);
		return rc == 0 && memcmp(&before, &after, sizeof before) != 0 ? -EAGAIN : rc;
	}
	if (rc == -EAGAIN) {
		rc = rn_regs_sample(tid, &target->regs);
		if (rc == 0)
			unwind(target, tid, stack);
	}
	return rc;
}

void rn_stack_take(struct rn_target *target, uint32_t tid, struct rn_stack *ret_stack)
{
	uint32_t here;
	int rc = -EAGAIN;

	if (target->core) {
		*ret_stack = (struct rn_stack){ 0 };
		unwind(target, tid, ret_stack);
		return;
	}
	here = rn_tid_here(target->pid, tid);
	if (!here)
		rc = -ESRCH;
	for (int i = 0; i < TRIES && rc == -EAGAIN; i++) {
		rc = take_once(target, here, ret_stack);
		rn_regs_fini(&target->regs);
	}
	if (rc)
		*ret_stack = (struct rn_stack){ .why = -rc };
}

void rn_stack_of_sample(struct rn_target *target, const uint64_t registers[17], const uint8_t *copy, size_t bytes,
	struct rn_stack *ret_stack)
{
	assert(!target->core);
	target->regs =
		(struct rn_regs){ .known = (1u << RN_REGS) - 1, .copy = copy, .copy_bytes = bytes, .past = true };
	memcpy(target->regs.value, registers, sizeof target->regs.value);
	*ret_stack = (struct rn_stack){ 0 };
	unwind(target, (uint32_t)target->pid, ret_stack);
	rn_regs_fini(&target->regs);
}

/* ------------------------------------------------------------------ targets */

static int make(struct rn_target **ret_target)
{
	struct rn_target *target = calloc(1, sizeof *target);

	if (!target)
		return -ENOMEM;
	target->core_fd = -1;
	elf_version(EV_CURRENT);
	*ret_target = target;
	return 0;
}

void rn_close(struct rn_target *target)
{
	if (!target)
		return;
	rn_modules_free(target);
	if (target->core)
		elf_end(target->core);
	if (target->core_fd >= 0)
		close(target->core_fd);
	free(target->maps);
	free(target);
}

int rn_refresh(struct rn_target *target)
{
	int rc;

	if (target->core)
		return 0;
	rc = rn_maps_read(target);
	if (rc == 0 && target->attached)
		return 0;
	if (rc >= 0)
		rc = rn_modules_read(target);
	if (rc == 0 && !dwfl_attach_state(target->dwfl, NULL, target->pid, &callbacks, target))
		rc = -ENOEXEC;
	target->attached = rc == 0;
	return rc ? rc : 1;
}

int rn_open_pid(int pid, struct rn_target **ret_target)
{
	struct rn_target *target;
	int rc = make(&target);

	if (rc)
		return rc;
	target->pid = pid;
	rc = rn_refresh(target);
	if (rc < 0) {
		rn_close(target);
		return rc;
	}
	*ret_target = target;
	return 0;
}

int rn_open_core(const char *path, struct rn_target **ret_target)
{
	struct rn_target *target;
	int rc = make(&target);

	if (rc)
		return rc;
	target->core_fd = open(path, O_RDONLY | O_CLOEXEC);
	if (target->core_fd < 0)
		rc = -errno;
	else
		target->core = elf_begin(target->core_fd, ELF_C_READ_MMAP, NULL);
	if (rc == 0)
		rc = target->core ? rn_modules_core(target) : -ENOEXEC;
	if (rc) {
		rn_close(target);
		return rc;
	}
	*ret_target = target;
	return 0;
}
