/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Task lifecycle from the USDT probes of a rouse program, and what the kernel
 * did with its threads meanwhile.
 *
 * The five probe programs count the hit, then put a record into one ring
 * buffer. A poll is folded into one record at its end, which halves the
 * traffic: its beginning waits in the thread's task storage. While it does,
 * sched_switch and sched_wakeup add up the time the thread was
 *
 *     running --switch, state != running--> blocked --wakeup--+
 *        |                                                    v
 *        +------switch, preempted or yielding----------> runnable --switch--> running
 *
 * blocked, or runnable without a CPU. A poll that lasted long_poll_ns or more
 * is followed by a verdict with both sums. Switches outside a poll are nobody's:
 * a parked worker sleeps on no task's account.
 *
 * One thread's storage is written by the probe programs on that thread, by
 * sched_switch on that thread's CPU under its run queue's lock, and by
 * sched_wakeup under the same lock, once the switch is over. A probe program
 * can be preempted anywhere, so `task` is set last and cleared first: while it
 * is 0 the scheduler programs keep off.
 *
 * Loss: a record that finds no room is counted in totals.lost, and every record
 * carries the count it saw, so that user space can say where the gap was.
 *
 * Whose events: the kernel already delivers a probe hit only for the address
 * space that was attached to; the check of the process id, taken in the
 * target's own pid namespace, keeps vfork children out and gives the thread id
 * its users know. The scheduler programs see everybody's switches and have only
 * global ids; they learn the target's from its first poll.
 */
#include "vmlinux/vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#define BPF_USDT_MAX_SPEC_CNT 64 /* 5 probes a file; a program may hold several copies of the runtime */
#include <bpf/usdt.bpf.h>
#include "events.h"

/* Readers wake up when this much is waiting; otherwise they come by themselves. */
#define WAKEUP_BYTES (64u << 10)

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* Set before loading. */
const volatile __u64 target_ns_dev = 0;
const volatile __u64 target_ns_ino = 0;
const volatile __u32 target_tgid = 0;
const volatile __u64 long_poll_ns = 10000000;

volatile __u32 measuring; /* by the loader: 1 from when all is attached until the end */
struct bl_totals totals;
int kernel_tgid; /* the target's, in the initial namespace; 0 = not seen yet */

struct poll {
	__u64 task; /* 0 = none in progress */
	__u64 start_ns;
	__u64 blocked_since; /* 0 = is not */
	__u64 runnable_since;
	__u64 blocked_ns;
	__u64 run_queue_ns;
	__u32 number;
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct poll);
} polls SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20); /* the loader says how much */
} ring SEC(".maps");

#define count(MEMBER) ((void)__sync_fetch_and_add(&totals.MEMBER, 1))

static __always_inline bool is_target(__u32 *ret_tid)
{
	struct bpf_pidns_info id;

	if (!measuring)
		return false;
	if (bpf_get_ns_current_pid_tgid(target_ns_dev, target_ns_ino, &id, sizeof(id)) != 0)
		return false;
	*ret_tid = id.pid;
	return id.tgid == target_tgid;
}

static __always_inline void submit(void *record)
{
	__u64 waiting = bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA);

	count(submitted);
	bpf_ringbuf_submit(record, waiting >= WAKEUP_BYTES ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP);
}

static __always_inline void fill(
	struct bl_record *r, __u32 kind, __u32 tid, __u64 ns, __u64 task, __u32 arg32, __u64 arg)
{
	r->ns = ns;
	r->task = task;
	r->arg = arg;
	r->kind = kind;
	r->tid = tid;
	r->arg32 = arg32;
	r->lost = (__u32)totals.lost;
}

static __always_inline void emit(__u32 kind, __u32 tid, __u64 ns, __u64 task, __u32 arg32, __u64 arg)
{
	struct bl_record *r = bpf_ringbuf_reserve(&ring, sizeof(*r), 0);

	if (!r) {
		count(lost);
		return;
	}
	fill(r, kind, tid, ns, task, arg32, arg);
	submit(r);
}

static __always_inline void emit_verdict(__u32 tid, const struct poll *p, __u64 task, __u64 duration)
{
	struct bl_verdict *v = bpf_ringbuf_reserve(&ring, sizeof(*v), 0);

	if (!v) {
		count(lost);
		return;
	}
	fill(&v->record, BL_VERDICT, tid, p->start_ns, task, p->number, duration);
	v->blocked_ns = p->blocked_ns;
	v->run_queue_ns = p->run_queue_ns;
	submit(v);
}

/* ----------------------------------------------------------------- probes */

SEC("usdt")
int BPF_USDT(task_spawn, __u64 task, __u32 site, __u64 parent)
{
	__u32 tid;

	if (!is_target(&tid))
		return 0;
	count(spawned);
	emit(BL_SPAWN, tid, bpf_ktime_get_ns(), task, site, parent);
	return 0;
}

SEC("usdt")
int BPF_USDT(task_wake, __u64 task, __u64 waker, __u32 task_polls)
{
	__u32 tid;

	if (!is_target(&tid))
		return 0;
	count(wakes);
	emit(BL_WAKE, tid, bpf_ktime_get_ns(), task, task_polls, waker);
	return 0;
}

SEC("usdt")
int BPF_USDT(task_poll_start, __u64 task, __u32 number)
{
	struct poll *p;
	__u32 tid;

	if (!is_target(&tid))
		return 0;
	count(polls);
	if (!kernel_tgid)
		kernel_tgid = bpf_get_current_pid_tgid() >> 32;
	p = bpf_task_storage_get(&polls, bpf_get_current_task_btf(), 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!p) { /* no memory: this poll will have no record */
		count(lost);
		return 0;
	}
	p->task = 0;
	barrier();
	p->number = number;
	p->blocked_since = p->runnable_since = 0;
	p->blocked_ns = p->run_queue_ns = 0;
	p->start_ns = bpf_ktime_get_ns();
	barrier();
	p->task = task;
	return 0;
}

SEC("usdt")
int BPF_USDT(task_poll_end, __u64 task, __u32 number)
{
	struct poll *p;
	__u64 duration;
	__u32 tid;

	if (!is_target(&tid))
		return 0;
	p = bpf_task_storage_get(&polls, bpf_get_current_task_btf(), 0, 0);
	if (!p || p->task != task || p->number != number) /* began before we were attached */
		return 0;
	p->task = 0;
	barrier();
	duration = bpf_ktime_get_ns() - p->start_ns;
	emit(BL_POLL, tid, p->start_ns, task, number, duration);
	if (duration >= long_poll_ns) {
		count(long_polls);
		emit_verdict(tid, p, task, duration);
	}
	return 0;
}

SEC("usdt")
int BPF_USDT(task_complete, __u64 task, __u32 state)
{
	__u32 tid;

	if (!is_target(&tid))
		return 0;
	count(completed);
	emit(BL_COMPLETE, tid, bpf_ktime_get_ns(), task, state, 0);
	return 0;
}

/* -------------------------------------------------------------- scheduler */

static __always_inline struct poll *poll_in_progress(struct task_struct *thread)
{
	struct poll *p = bpf_task_storage_get(&polls, thread, 0, 0);

	return p && p->task ? p : 0;
}

SEC("tp_btf/sched_switch")
int BPF_PROG(sched_switch, bool preempt, struct task_struct *prev, struct task_struct *next, unsigned int prev_state)
{
	struct poll *p;

	if (!kernel_tgid)
		return 0;
	if (prev->tgid == kernel_tgid && (p = poll_in_progress(prev))) {
		if (preempt || prev_state == 0)
			p->runnable_since = bpf_ktime_get_ns();
		else
			p->blocked_since = bpf_ktime_get_ns();
	}
	if (next->tgid == kernel_tgid && (p = poll_in_progress(next))) {
		if (p->runnable_since)
			p->run_queue_ns += bpf_ktime_get_ns() - p->runnable_since;
		else if (p->blocked_since)
			p->blocked_ns += bpf_ktime_get_ns() - p->blocked_since;
		p->runnable_since = p->blocked_since = 0;
	}
	return 0;
}

SEC("tp_btf/sched_wakeup")
int BPF_PROG(sched_wakeup, struct task_struct *thread)
{
	struct poll *p;
	__u64 now;

	if (!kernel_tgid || thread->tgid != kernel_tgid)
		return 0;
	p = poll_in_progress(thread);
	if (!p || !p->blocked_since)
		return 0;
	now = bpf_ktime_get_ns();
	p->blocked_ns += now - p->blocked_since;
	p->blocked_since = 0;
	p->runnable_since = now;
	return 0;
}
