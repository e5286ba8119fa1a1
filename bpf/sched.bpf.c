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
 * whose return adds to it. Spawn sites have a sum for each CPU.
 *
 * Whose thread: the loader has marked the target's leader by its pidfd; from the
 * first thread of it that is seen, its number is known. Thread ids are those of
 * the target's own pid namespace, the innermost of a thread's numbers, as its
 * worker records have them.
 *
 * Loss: a record that is not in memory (no fault can be taken here) leaves an
 * absence to nobody; task entries are the least recently used of too many, and
 * those made are counted, so that the evicted are known. Both are in the sums of
 * the worker, or in totals.
 */
#include "vmlinux/vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "off_cpu.h"

#define PID_LEVELS_MAX 32 /* MAX_PID_NS_LEVEL */
#define ENDING 0xb0       /* TASK_DEAD | EXIT_ZOMBIE | EXIT_DEAD: not to come back */

char LICENSE[] SEC("license") = "Dual MIT/GPL";

volatile __u32 measuring; /* by the loader: 1 from when all is attached until the end */
int kernel_tgid;          /* the target's, in the initial namespace; 0 = not seen yet */
struct bl_sched_totals totals;
struct bl_off_worker workers[BL_WORKERS_MAX];

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u32);
} targets SEC(".maps");

struct { /* thread id of the target -> its worker's slot */
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, BL_WORKERS_MAX);
	__type(key, __u32);
	__type(value, __u32);
} threads SEC(".maps");

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

/* ------------------------------------------------------------ whose thread */

static __always_inline bool is_target(struct task_struct *thread)
{
	if (kernel_tgid)
		return thread->tgid == kernel_tgid;
	if (!bpf_task_storage_get(&targets, thread->group_leader, 0, 0))
		return false;
	kernel_tgid = thread->tgid;
	return true;
}

/* As the thread's own namespace numbers it; 0 if that cannot be told. */
static __always_inline __u32 thread_id(struct task_struct *thread)
{
	struct pid *pid = thread->thread_pid;
	struct upid number;
	__u32 level;

	if (!pid)
		return 0;
	level = pid->level;
	if (level > PID_LEVELS_MAX)
		return 0;
	if (bpf_probe_read_kernel(&number, sizeof(number),
		    (void *)__builtin_preserve_access_index(&pid->numbers[0]) +
			    level * bpf_core_type_size(struct upid)))
		return 0;
	return number.nr;
}

static __always_inline struct bl_off_worker *worker_of(struct task_struct *thread, __u32 *ret_tid)
{
	__u32 *slot;

	*ret_tid = thread_id(thread);
	slot = bpf_map_lookup_elem(&threads, ret_tid);
	return slot && *slot < BL_WORKERS_MAX ? &workers[*slot] : 0;
}

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

static __always_inline void account(struct bl_off_worker *worker, const struct absence *a)
{
	struct bl_off_task *task = entry_of(a->task, worker->runtime, a->site);
	struct bl_off *site = site_of(worker->runtime, a->site);

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

/* Where the task was spawned, if its cell still says that it is this task's. */
static __always_inline __u32 spawn_site(const struct bl_record_head *head)
{
	__u64 id;
	__u32 site;

	if (bpf_probe_read_user(&id, sizeof(id), (void *)(head->current_cell + BL_CELL_ID)) || id != head->current_task)
		return 0;
	if (bpf_probe_read_user(&site, sizeof(site), (void *)(head->current_cell + BL_CELL_SPAWN_SITE)))
		return 0;
	return site;
}

static __always_inline void leaves(struct bl_off_worker *worker, __u32 tid, bool runnable)
{
	struct bl_record_head head;

	worker->seen = 1;
	worker->left_ns = worker->woken_ns = 0;
	if (bpf_probe_read_user(&head, sizeof(head), (void *)worker->record)) {
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

static __always_inline void returns(struct bl_off_worker *worker)
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
	account(worker, &a);
}

SEC("tp_btf/sched_switch")
int BPF_PROG(off_cpu_switch, bool preempt, struct task_struct *prev, struct task_struct *next, unsigned int prev_state)
{
	struct bl_off_worker *worker;
	__u32 tid;

	if (!measuring)
		return 0;
	if (is_target(prev) && (worker = worker_of(prev, &tid))) {
		count(switches);
		if (prev_state & ENDING)
			worker->left_ns = 0;
		else
			leaves(worker, tid, preempt || prev_state == 0);
	}
	if (is_target(next) && (worker = worker_of(next, &tid))) {
		count(switches);
		returns(worker);
	}
	return 0;
}

SEC("tp_btf/sched_wakeup")
int BPF_PROG(off_cpu_wakeup, struct task_struct *thread)
{
	struct bl_off_worker *worker;
	__u32 tid;

	if (!measuring || !is_target(thread))
		return 0;
	worker = worker_of(thread, &tid);
	if (!worker)
		return 0;
	count(wakeups);
	if (worker->seen ? worker->left_ns && !worker->runnable && !worker->woken_ns : !worker->woken_ns)
		worker->woken_ns = bpf_ktime_get_ns();
	return 0;
}
