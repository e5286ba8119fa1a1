/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * System calls made within polls: how many, how long, by task, by spawn site
 * and number, and by worker.
 *
 * Nothing is patched into the target. As a call begins, the worker's thread is
 * the current one and its record says which task it polls; what stands there is
 * kept in the worker's slot until the call ends, for a thread is in one call at
 * a time:
 *
 *     polls, in no call --sys_enter, a task is polled--> in a call
 *           ^                                              |
 *           +-------------------sys_exit-------------------+ adds to the sums
 *
 * No task: the worker parks in its futex or epoll_wait, or does the runtime's
 * own work between two polls. That is counted, and nobody's.
 *
 * A slot is written by its worker's thread only. A task is polled by one worker
 * at a time, and it is that worker that adds to it. Spawn sites have a sum for
 * each CPU: the programs run with preemption disabled. Whose thread it is:
 * worker_of.h.
 *
 * Loss: a record that is not in memory leaves a call to nobody; a thread that
 * ends or loses its record in a call leaves one without an end; task entries are
 * the least recently used of too many. Each is counted.
 */
#include "calls.h"

#define SUMS_TOTALS struct bl_calls_totals
#define SUMS_TASK struct bl_calls_task
#define SUMS_SITE_KEY struct bl_calls_key
#define SUMS_SITE struct bl_calls
#include "sums_of.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

struct bl_calls_worker workers[BL_WORKERS_MAX];

/* ------------------------------------------------------------------- sums */

static __always_inline void add(struct bl_calls *calls, const struct bl_calls_worker *call, __u64 ns)
{
	calls->calls++;
	calls->ns += ns;
	if (ns >= calls->longest_ns) {
		calls->longest_ns = ns;
		calls->longest_argument = call->argument;
		calls->longest_number = call->number;
	}
}

static __always_inline void account(struct bl_calls_worker *worker, __u32 runtime, __u64 ns)
{
	struct bl_calls_task *task = entry_of(worker->task, runtime, worker->site);
	struct bl_calls_key key = { runtime, worker->site, worker->number, 0 };
	struct bl_calls *site = site_of(key);

	add(&worker->sum, worker, ns);
	if (task)
		add(&task->calls, worker, ns);
	if (site)
		add(site, worker, ns);
}

/* ------------------------------------------------------------------ calls */

static __always_inline void begins(
	struct bl_calls_worker *worker, __u64 record, __u32 tid, __u32 number, struct pt_regs *regs)
{
	struct bl_record_head head;

	worker->seen = 1;
	if (worker->entered_ns) {
		count(end_missed);
		worker->entered_ns = 0;
	}
	if (bpf_probe_read_user(&head, sizeof(head), (void *)record)) {
		count(unreadable);
		return;
	}
	if (head.tid != tid || !head.current_task) {
		worker->outside++;
		return;
	}
	if (worker->task != head.current_task) {
		worker->task = head.current_task;
		worker->site = spawn_site(&head);
	}
	worker->tid = tid;
	worker->number = number;
	worker->argument = PT_REGS_PARM1_CORE_SYSCALL(regs);
	worker->entered_ns = bpf_ktime_get_ns();
}

/* The first that is seen of this thread is the end of a call. */
static __always_inline void ends_first(struct bl_calls_worker *worker, __u64 record, __u32 tid)
{
	struct bl_record_head head;

	worker->seen = 1;
	if (!bpf_probe_read_user(&head, sizeof(head), (void *)record) && head.tid == tid && head.current_task)
		count(began_before);
}

SEC("tp_btf/sys_enter")
int BPF_PROG(calls_enter, struct pt_regs *regs, long number)
{
	__u32 slot, tid;

	if (!measuring)
		return 0;
	slot = worker_of(bpf_get_current_task_btf(), &tid);
	if (slot < BL_WORKERS_MAX)
		begins(&workers[slot], places[slot].record, tid, number, regs);
	return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(calls_exit, struct pt_regs *regs, long result)
{
	struct bl_calls_worker *worker;
	__u32 slot, tid;

	if (!measuring)
		return 0;
	slot = worker_of(bpf_get_current_task_btf(), &tid);
	if (slot >= BL_WORKERS_MAX)
		return 0;
	worker = &workers[slot];
	if (!worker->seen)
		ends_first(worker, places[slot].record, tid);
	if (!worker->entered_ns || worker->tid != tid)
		return 0;
	account(worker, places[slot].runtime, bpf_ktime_get_ns() - worker->entered_ns);
	worker->entered_ns = 0;
	return 0;
}
