/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Where polls are on the CPU: samples of the workers' threads, by a clock of
 * each CPU.
 *
 * As the clock interrupts a worker's thread, its record says what it polls. That
 * is counted by task, by spawn site and by worker, and so is exact whatever
 * becomes of the sample; the sample itself (registers, the innermost part of the
 * stack, the kernel's frames if it was there) goes through a ring. A thread in
 * no poll, the runtime's own work, is told as task 0 and counted nowhere but in
 * `outside`.
 *
 * User registers are those that were saved when the thread came into the kernel,
 * which the interrupt itself does if it hit user code.
 */
#include "count_of.h"
#include "sample_of.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* A sample is too large for a program's stack. An interrupt of the clock is not interrupted by another. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct bl_sample);
} samples SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096); /* the loader says how large */
} ring SEC(".maps");

/* What BPF programs on perf events are given; the registers are those that the clock has interrupted. */
struct bpf_perf_event_data {
#if defined(__TARGET_ARCH_arm64)
	struct user_pt_regs regs;
#else
	struct pt_regs regs;
#endif
	__u64 sample_period;
	__u64 addr;
};

static __always_inline bool hit_kernel(const struct bpf_perf_event_data *context)
{
#if defined(__TARGET_ARCH_arm64)
	return (context->regs.pstate & 0xf) != 0; /* PSR_MODE_EL0t */
#else
	return (context->regs.cs & 3) == 0;
#endif
}

SEC("perf_event")
int profile_tick(struct bpf_perf_event_data *context)
{
	struct task_struct *thread = bpf_get_current_task_btf();
	__u32 slot, tid, zero = 0, bytes;
	struct bl_sample *sample;
	struct pt_regs saved;

	if (!measuring)
		return 0;
	slot = worker_of(thread, &tid);
	if (slot >= BL_WORKERS_MAX)
		return 0;
	sample = bpf_map_lookup_elem(&samples, &zero);
	if (!sample)
		return 0;
	sample->ns = bpf_ktime_get_ns();
	sample->tid = tid;
	sample->task = polled(slot, tid, &sample->site);
	if (sample->task)
		count_event(slot, sample->task, sample->site);
	count(emitted);
	sample->state.has_registers = sample->state.stack_bytes = 0;
	if (saved_registers(thread, &saved)) {
		take_registers(&sample->state, &saved);
		take_stack(&sample->state, stack_pointer(&saved));
	}
	__builtin_memset(sample->state.kernel_pc, 0, sizeof(sample->state.kernel_pc));
	if (hit_kernel(context))
		bpf_get_stack(context, sample->state.kernel_pc, sizeof(sample->state.kernel_pc), 0);
	bytes = sample->state.stack_bytes;
	if (bytes > BL_STACK_BYTES)
		bytes = BL_STACK_BYTES;
	if (bpf_ringbuf_output(&ring, sample, sizeof(*sample) - BL_STACK_BYTES + bytes, BPF_RB_NO_WAKEUP))
		count(lost);
	return 0;
}
