/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Where polls leave their CPU: time off it, by task, spawn site and worker.
 *
 * Nothing is patched into the target. Each worker keeps the id of the task that
 * it polls in its record, at a fixed address of its memory, with one store an
 * edge. When a worker's thread leaves its CPU it is still the current one, so
 * its record can be read then; what stands there is kept until it comes back:
 *
 *     on a CPU --left, could run------------------------> waits     PREEMPTED
 *        |                                                  |
 *        +------left, state != running--> waits  BLOCKED    |
 *                                           | woken         |
 *                                           v               |
 *     on a CPU <--------comes back------ waits  RUN_QUEUE <-+ comes back
 *
 * No task: the thread parks, or is between two polls, and that is nobody's.
 *
 * One worker's slot is written as its thread leaves, as it is woken and as it
 * comes back, which the scheduler does in that order, each under its run
 * queue's lock. A task is polled by one worker at a time, and it is that worker
 * whose return adds to it. Spawn sites have a sum for each CPU. Whose thread it
 * is: worker_of.h.
 *
 * Loss: a record that is not in memory (no fault can be taken here) leaves an
 * absence to nobody; task entries are the least recently used of too many, and
 * those made are counted, so that the evicted are known. Both are in the sums of
 * the worker, or in totals.
 */
#include "off_cpu.h"
#include "worker_of.h"

#define ENDING 0xb0 /* TASK_DEAD | EXIT_ZOMBIE | EXIT_DEAD: not to come back */

char LICENSE[] SEC("license") = "Dual MIT/GPL";

struct bl_sched_totals totals;
struct bl_off_worker workers[BL_WORKERS_MAX];

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384); /* the loader says how many */
	__type(key, __u64);
	__type(value, struct bl_off_task);
} tasks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64);
	__type(value, struct bl_off);
} sites SEC(".maps");

#define count(MEMBER) ((void)__sync_fetch_and_add(&totals.MEMBER, 1))

/* ------------------------------------------------------------------- sums */

static __always_inline void add(struct bl_off *off, __u32 kind, __u64 ns)
{
	if (kind >= BL_OFF_KIND_MAX)
		return;
	off->ns[kind] += ns;
	off->times[kind]++;
	if (ns > off->longest_ns) {
		off->longest_ns = ns;
		off->longest_kind = kind;
	}
}

static __always_inline struct bl_off_task *entry_of(__u64 id, __u32 runtime, __u32 site)
{
	struct bl_off_task none = {};
	struct bl_off_task *task = bpf_map_lookup_elem(&tasks, &id);

	if (task)
		return task;
	none.runtime = runtime;
	none.site = site;
	if (bpf_map_update_elem(&tasks, &id, &none, BPF_NOEXIST))
		return 0;
	count(created);
	return bpf_map_lookup_elem(&tasks, &id);
}

static __always_inline struct bl_off *site_of(__u32 runtime, __u32 site)
{
	__u64 key = BL_SITE_KEY(runtime, site);
	struct bl_off none = {};
	struct bl_off *off = bpf_map_lookup_elem(&sites, &key);

	if (off)
		return off;
	bpf_map_update_elem(&sites, &key, &none, BPF_NOEXIST);
	return bpf_map_lookup_elem(&sites, &key);
}

/* What one absence consists of: at most two stretches. */
struct absence {
	__u64 task;
	__u32 site;
	__u32 kind, then;
	__u64 ns, then_ns; /* then_ns 0: there is no second one */
};

static __always_inline void add_absence(struct bl_off *off, const struct absence *a)
{
	if (a->ns)
		add(off, a->kind, a->ns);
	if (a->then_ns)
		add(off, a->then, a->then_ns);
}

static __always_inline void account(struct bl_off_worker *worker, __u32 runtime, const struct absence *a)
{
	struct bl_off_task *task = entry_of(a->task, runtime, a->site);
	struct bl_off *site = site_of(runtime, a->site);

	add_absence(&worker->off, a);
	if (task)
		add_absence(&task->off, a);
	else
		count(lost_tasks);
	if (site)
		add_absence(site, a);
	else
		count(lost_sites);
}

/* -------------------------------------------------------------- scheduler */

static __always_inline void leaves(struct bl_off_worker *worker, __u64 record, __u32 tid, bool runnable)
{
	struct bl_record_head head;

	worker->seen = 1;
	worker->left_ns = worker->woken_ns = 0;
	if (bpf_probe_read_user(&head, sizeof(head), (void *)record)) {
		count(unreadable);
		return;
	}
	if (head.tid != tid || !head.current_task)
		return;
	if (worker->task != head.current_task) {
		worker->task = head.current_task;
		worker->site = spawn_site(&head);
	}
	worker->runnable = runnable;
	worker->left_ns = bpf_ktime_get_ns();
}

/* The first that is seen of this thread is that it comes back: it had left before anybody looked. */
static __always_inline void returns_first(struct bl_off_worker *worker)
{
	__u64 task = worker->start_task;

	worker->seen = 1;
	if (!task)
		return;
	worker->task = task;
	worker->site = worker->start_site;
	worker->runnable = 0;
	worker->left_ns = worker->known_ns;
	if (worker->woken_ns < worker->left_ns)
		worker->woken_ns = worker->left_ns; /* and before that it was woken */
}

static __always_inline void returns(struct bl_off_worker *worker, __u32 runtime)
{
	struct absence a = {};
	__u64 now;

	if (!worker->seen)
		returns_first(worker);
	if (!worker->left_ns)
		return;
	now = bpf_ktime_get_ns();
	a.task = worker->task;
	a.site = worker->site;
	if (worker->runnable) {
		a.kind = BL_OFF_PREEMPTED;
		a.ns = now - worker->left_ns;
	} else {
		a.kind = BL_OFF_BLOCKED;
		a.ns = (worker->woken_ns ? worker->woken_ns : now) - worker->left_ns;
		a.then = BL_OFF_RUN_QUEUE;
		a.then_ns = worker->woken_ns ? now - worker->woken_ns : 0;
	}
	worker->left_ns = 0;
	account(worker, runtime, &a);
}

SEC("tp_btf/sched_switch")
int BPF_PROG(off_cpu_switch, bool preempt, struct task_struct *prev, struct task_struct *next, unsigned int prev_state)
{
	__u32 slot, tid;

	if (!measuring)
		return 0;
	slot = worker_of(prev, &tid);
	if (slot < BL_WORKERS_MAX) {
		count(switches);
		if (prev_state & ENDING)
			workers[slot].left_ns = 0;
		else
			leaves(&workers[slot], places[slot].record, tid, preempt || prev_state == 0);
	}
	slot = worker_of(next, &tid);
	if (slot < BL_WORKERS_MAX) {
		count(switches);
		returns(&workers[slot], places[slot].runtime);
	}
	return 0;
}

SEC("tp_btf/sched_wakeup")
int BPF_PROG(off_cpu_wakeup, struct task_struct *thread)
{
	struct bl_off_worker *worker;
	__u32 slot, tid;

	if (!measuring)
		return 0;
	slot = worker_of(thread, &tid);
	if (slot >= BL_WORKERS_MAX)
		return 0;
	worker = &workers[slot];
	count(wakeups);
	if (worker->seen ? worker->left_ns && !worker->runnable && !worker->woken_ns : !worker->woken_ns)
		worker->woken_ns = bpf_ktime_get_ns();
	return 0;
}
