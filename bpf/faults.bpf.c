/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Page faults of polls: how many, by task, by spawn site and by worker.
 *
 * One program, where the kernel begins to handle a fault that user code has
 * taken: the thread is the current one, and its worker's record says what it
 * polls. It counts whether the thread has to wait for the page or not; faults
 * that the kernel takes for it, within a system call, are not among them.
 */
#include "count_of.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

SEC("tp_btf/page_fault_user")
int BPF_PROG(faults_user, unsigned long address, struct pt_regs *regs, unsigned long error)
{
	__u32 slot, tid, site;
	__u64 task;

	if (!measuring)
		return 0;
	slot = worker_of(bpf_get_current_task_btf(), &tid);
	if (slot >= BL_WORKERS_MAX)
		return 0;
	task = polled(slot, tid, &site);
	if (task)
		count_event(slot, task, site);
	return 0;
}
