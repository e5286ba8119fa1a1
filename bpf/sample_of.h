/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Where a thread is: its user registers, the innermost part of its user stack
 * and its system call, for programs that tell single events. Unwinding that is
 * user space's: it has the debug information.
 */
#ifndef BL_SAMPLE_OF_H
#define BL_SAMPLE_OF_H

#include "worker_of.h"

/* What the thread has saved on its way into the kernel. */
static __always_inline bool saved_registers(struct task_struct *thread, struct pt_regs *ret_saved)
{
	return bpf_probe_read_kernel(ret_saved, sizeof(*ret_saved), (void *)bpf_task_pt_regs(thread)) == 0;
}

#if defined(__TARGET_ARCH_x86)

/* -1: it is in none, so it came by a fault or an interrupt. */
static __always_inline long call_of(const struct pt_regs *saved)
{
	return (long)saved->orig_ax;
}

static __always_inline void call_arguments(const struct pt_regs *saved, __u64 ret_arguments[3])
{
	ret_arguments[0] = saved->di;
	ret_arguments[1] = saved->si;
	ret_arguments[2] = saved->dx;
}

static __always_inline __u64 stack_pointer(const struct pt_regs *saved)
{
	return saved->sp;
}

static __always_inline void take_registers(struct bl_sample_state *state, const struct pt_regs *saved)
{
	state->registers[0] = saved->ax;
	state->registers[1] = saved->dx;
	state->registers[2] = saved->cx;
	state->registers[3] = saved->bx;
	state->registers[4] = saved->si;
	state->registers[5] = saved->di;
	state->registers[6] = saved->bp;
	state->registers[7] = saved->sp;
	state->registers[8] = saved->r8;
	state->registers[9] = saved->r9;
	state->registers[10] = saved->r10;
	state->registers[11] = saved->r11;
	state->registers[12] = saved->r12;
	state->registers[13] = saved->r13;
	state->registers[14] = saved->r14;
	state->registers[15] = saved->r15;
	state->registers[16] = saved->ip;
	state->has_registers = 1;
}

#define FUTEX 202

#elif defined(__TARGET_ARCH_arm64)

static __always_inline long call_of(const struct pt_regs *saved)
{
	return saved->syscallno;
}

static __always_inline void call_arguments(const struct pt_regs *saved, __u64 ret_arguments[3])
{
	ret_arguments[0] = saved->orig_x0;
	ret_arguments[1] = saved->user_regs.regs[1];
	ret_arguments[2] = saved->user_regs.regs[2];
}

static __always_inline __u64 stack_pointer(const struct pt_regs *saved)
{
	return saved->user_regs.sp;
}

/* Seventeen have no room for this machine's: nothing is unwound there. */
static __always_inline void take_registers(struct bl_sample_state *state, const struct pt_regs *saved)
{
	state->has_registers = 0;
}

#define FUTEX 98

#endif

/* Of the current thread. As much as is there: a stack may end within the first 8 KiB. */
static __always_inline void take_stack(struct bl_sample_state *state, __u64 sp)
{
	state->stack_bytes = 0;
	if (bpf_probe_read_user(state->stack, BL_STACK_BYTES, (void *)sp) == 0)
		state->stack_bytes = BL_STACK_BYTES;
	else if (bpf_probe_read_user(state->stack, 4096, (void *)sp) == 0)
		state->stack_bytes = 4096;
	else if (bpf_probe_read_user(state->stack, 1024, (void *)sp) == 0)
		state->stack_bytes = 1024;
	else if (bpf_probe_read_user(state->stack, 256, (void *)sp) == 0)
		state->stack_bytes = 256;
}

#endif
