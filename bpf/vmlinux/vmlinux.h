/* SPDX-License-Identifier: MIT */
/*
 * The few kernel types that the programs look into, instead of the three
 * megabytes of a generated vmlinux.h. Only names and types matter: fields are
 * relocated against the running kernel's BTF at load time (CO-RE), so order,
 * offsets and whatever else the kernel keeps there are left out.
 */
#ifndef __VMLINUX_H__
#define __VMLINUX_H__

#include <linux/bpf.h>
#include <linux/types.h>

typedef _Bool bool;
enum { false = 0, true = 1 };

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct upid {
	int nr;
};
struct pid {
	unsigned int level;
	struct upid numbers[];
};
#if defined(__TARGET_ARCH_arm64)
struct thread_info {
	__u64 preempt_count;
};
#endif
struct task_struct {
#if defined(__TARGET_ARCH_arm64)
	struct thread_info thread_info;
#endif
	int pid;
	int tgid;
	struct task_struct *group_leader;
	struct pid *thread_pid;
};

#pragma clang attribute pop

/* The context of a USDT program, and what a thread in the kernel has saved.
 * libbpf computes register offsets in user space from the same layout, so this
 * one is spelled out. */
#if defined(__TARGET_ARCH_x86)
struct pt_regs {
	unsigned long r15, r14, r13, r12, bp, bx, r11, r10, r9, r8;
	unsigned long ax, cx, dx, si, di, orig_ax, ip, cs, flags, sp, ss;
};
#elif defined(__TARGET_ARCH_arm64)
struct user_pt_regs {
	__u64 regs[31], sp, pc, pstate;
};
struct pt_regs {
	struct user_pt_regs user_regs;
	__u64 orig_x0;
	__s32 syscallno;
};
#else
#error "bpf/vmlinux/vmlinux.h knows no pt_regs for this architecture"
#endif

#endif
