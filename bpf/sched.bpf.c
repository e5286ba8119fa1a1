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
 *        +------left, state != running--> waits  BLOCKED,   |
 *                                           |    or FAULT   |
 *                                           | woken         |
 *                                           v               |
 *     on a CPU <--------comes back------ waits  RUN_QUEUE <-+ comes back
 *
 * No task: the thread parks, or is between two polls, and that is nobody's. A
 * thread that left in no system call, and was not stopped, has touched a page
 * that was not there: FAULT. One that touches such a page within a system call
 * is BLOCKED in that.
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
 *
 * Single blocks: if the loader has set block_ns, an absence of BLOCKED or FAULT
 * that lasted so long is told as it ends, through a ring. The user's stack can
 * be read only as the thread leaves, when nobody knows yet how long it will be
 * away: so its innermost part is copied at each such leaving, to the slot's own
 * buffer. Registers and the kernel's stack stand still while it is away, and are
 * read as it comes back. Who ended it is the current thread as it is woken
 * (sched_waking: sched_wakeup may be another CPU's doing), unless that was
 * interrupted; an absence ends with the last waking, so the slot keeps that one.
 */
#include "off_cpu.h"

#define SUMS_TOTALS struct bl_sched_totals
#define SUMS_TASK struct bl_off_task
#define SUMS_SITE_KEY __u64
#define SUMS_SITE struct bl_off
#include "sums_of.h"

#include "sample_of.h"

#define ENDING 0xb0           /* TASK_DEAD | EXIT_ZOMBIE | EXIT_DEAD: not to come back */
#define STOPPED 0x0c          /* __TASK_STOPPED | __TASK_TRACED */
#define IN_INTERRUPT 0xff0100 /* of the preemption count: NMI, hard interrupts, serving a soft one */
#define FUTEX_COMMAND 0x7f
#define FUTEX_WAIT 0

char LICENSE[] SEC("license") = "Dual MIT/GPL";

const volatile __u64 block_ns; /* 0: none is told by itself */
struct bl_off_worker workers[BL_WORKERS_MAX];
struct bl_waker wakers[BL_WORKERS_MAX];
#if defined(__TARGET_ARCH_x86)
extern const int __preempt_count __ksym __weak;
#endif

struct { /* by slot: what is kept of an absence while it goes on */
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1); /* the loader says how many */
	__type(key, __u32);
	__type(value, struct bl_block);
} blocks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096); /* and here how large */
} ring SEC(".maps");

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
	struct bl_off *site = site_of(BL_SITE_KEY(runtime, a->site));

	add_absence(&worker->off, a);
	if (task)
		add_absence(&task->off, a);
	if (site)
		add_absence(site, a);
}

/* ----------------------------------------------------------- single blocks */

/* It waits as glibc's mutexes do: the thread that has it may stand beside the futex. User space checks that. */
static __always_inline __u32 owner_of(const struct pt_regs *saved)
{
	__u64 arguments[3];
	__u32 owner = 0;

	if (call_of(saved) != FUTEX)
		return 0;
	call_arguments(saved, arguments);
	if ((arguments[1] & FUTEX_COMMAND) != FUTEX_WAIT || (__u32)arguments[2] != BL_MUTEX_CONTENDED)
		return 0;
	if (bpf_probe_read_user(&owner, sizeof(owner), (void *)(arguments[0] + BL_MUTEX_OWNER)))
		return 0;
	return owner;
}

static __always_inline void keep_block(__u32 slot, const struct pt_regs *saved)
{
	struct bl_block *block = bpf_map_lookup_elem(&blocks, &slot);

	if (!block)
		return;
	block->owner = owner_of(saved);
	take_stack(&block->state, stack_pointer(saved));
}

static __always_inline void tell_block(
	struct bl_off_worker *worker, __u32 slot, __u32 tid, struct task_struct *thread, const struct absence *a)
{
	struct bl_block *block = bpf_map_lookup_elem(&blocks, &slot);
	struct pt_regs saved;
	__u32 bytes;

	if (!block)
		return;
	count(blocks);
	block->begin_ns = worker->left_ns;
	block->blocked_ns = a->ns;
	block->run_queue_ns = a->then_ns;
	block->task = a->task;
	block->site = a->site;
	block->tid = tid;
	block->kind = a->kind == BL_OFF_FAULT ? BL_BLOCK_FAULT : BL_BLOCK_OTHER;
	block->number = 0;
	block->arguments[0] = block->arguments[1] = block->arguments[2] = 0;
	block->waker = wakers[slot & (BL_WORKERS_MAX - 1)];
	block->state.has_registers = 0;
	if (saved_registers(thread, &saved)) {
		take_registers(&block->state, &saved);
		if (call_of(&saved) >= 0) {
			block->kind = BL_BLOCK_CALL;
			block->number = call_of(&saved);
			call_arguments(&saved, block->arguments);
		}
	}
	__builtin_memset(block->state.kernel_pc, 0, sizeof(block->state.kernel_pc));
	bpf_get_task_stack(thread, block->state.kernel_pc, sizeof(block->state.kernel_pc), 0);
	bytes = block->state.stack_bytes;
	if (bytes > BL_STACK_BYTES)
		bytes = BL_STACK_BYTES;
	if (bpf_ringbuf_output(&ring, block, sizeof(*block) - BL_STACK_BYTES + bytes, BPF_RB_NO_WAKEUP))
		count(lost_blocks);
}

/* -------------------------------------------------------------- scheduler */

static __always_inline void leaves(
	struct bl_off_worker *worker, __u32 slot, __u32 tid, struct task_struct *thread, bool runnable, bool stopped)
{
	struct bl_record_head head;
	struct pt_regs saved;

	worker->seen = 1;
	worker->left_ns = worker->woken_ns = 0;
	if (bpf_probe_read_user(&head, sizeof(head), (void *)places[slot].record)) {
		count(unreadable);
		return;
	}
	if (head.tid != tid || !head.current_task)
		return;
	if (worker->task != head.current_task) {
		worker->task = head.current_task;
		worker->site = spawn_site(&head);
	}
	worker->kind = runnable ? BL_OFF_PREEMPTED : BL_OFF_BLOCKED;
	worker->left_ns = bpf_ktime_get_ns();
	if (runnable || !saved_registers(thread, &saved))
		return;
	if (call_of(&saved) < 0 && !stopped)
		worker->kind = BL_OFF_FAULT;
	if (block_ns)
		keep_block(slot, &saved);
}

/* The first that is seen of this thread is that it comes back: it had left before anybody looked. */
static __always_inline void returns_first(struct bl_off_worker *worker, __u32 slot)
{
	__u64 task = worker->start_task;
	struct bl_block *block;

	worker->seen = 1;
	if (!task)
		return;
	worker->task = task;
	worker->site = worker->start_site;
	worker->kind = BL_OFF_BLOCKED;
	worker->left_ns = worker->known_ns;
	if (worker->woken_ns < worker->left_ns)
		worker->woken_ns = worker->left_ns; /* and before that it was woken */
	block = block_ns ? bpf_map_lookup_elem(&blocks, &slot) : 0;
	if (block)
		block->owner = block->state.stack_bytes = 0;
}

static __always_inline void returns(struct bl_off_worker *worker, __u32 slot, __u32 tid, struct task_struct *thread)
{
	struct absence a = {};
	__u64 now;

	if (!worker->seen)
		returns_first(worker, slot);
	if (!worker->left_ns)
		return;
	now = bpf_ktime_get_ns();
	a.task = worker->task;
	a.site = worker->site;
	a.kind = worker->kind;
	if (a.kind == BL_OFF_PREEMPTED) {
		a.ns = now - worker->left_ns;
	} else {
		a.ns = (worker->woken_ns ? worker->woken_ns : now) - worker->left_ns;
		a.then = BL_OFF_RUN_QUEUE;
		a.then_ns = worker->woken_ns ? now - worker->woken_ns : 0;
		if (block_ns && a.ns >= block_ns)
			tell_block(worker, slot, tid, thread, &a);
	}
	worker->left_ns = 0;
	account(worker, places[slot].runtime, &a);
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
			leaves(&workers[slot], slot, tid, prev, preempt || prev_state == 0, prev_state & STOPPED);
	}
	slot = worker_of(next, &tid);
	if (slot < BL_WORKERS_MAX) {
		count(switches);
		returns(&workers[slot], slot, tid, next);
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
	if (worker->seen ? worker->left_ns && worker->kind != BL_OFF_PREEMPTED && !worker->woken_ns : !worker->woken_ns)
		worker->woken_ns = bpf_ktime_get_ns();
	return 0;
}

/* The current thread wakes the worker's one, unless it was interrupted for that. */
static __always_inline void note_waker(
	struct bl_waker *waker, struct task_struct *current, bool interrupt, bool certain)
{
	waker->own = is_target(current);
	waker->tid = waker->own ? thread_id(current) : (__u32)current->pid;
	waker->kernel_pc[0] = 0;
	bpf_get_current_comm(waker->name, sizeof(waker->name));
	if (interrupt || current->pid == 0)
		waker->kind = BL_WAKER_INTERRUPT;
	else if (certain)
		waker->kind = waker->own ? BL_WAKER_OWN : BL_WAKER_FOREIGN;
	else
		waker->kind = BL_WAKER_UNKNOWN;
}

/*
 * Where the kernel does not give its count of interrupts away: an idle CPU wakes
 * nobody by itself. Of others the kernel's stack tells, which user space can
 * name; it is taken only if the absence was long enough to be told.
 */
SEC("tp_btf/sched_waking")
int BPF_PROG(off_cpu_waking, struct task_struct *thread)
{
	struct task_struct *current = bpf_get_current_task_btf();
	struct bl_waker *waker;
	__u32 slot, tid;
	__u64 left_ns;

	if (!measuring)
		return 0;
	slot = worker_of(thread, &tid);
	if (slot >= BL_WORKERS_MAX)
		return 0;
	waker = &wakers[slot];
	left_ns = workers[slot].left_ns;
#if defined(__TARGET_ARCH_arm64)
	note_waker(waker, current, current->thread_info.preempt_count & IN_INTERRUPT, true);
#else
	note_waker(waker, current, false, false);
#endif
	if (waker->kind == BL_WAKER_UNKNOWN && left_ns && bpf_ktime_get_ns() - left_ns >= block_ns) {
		__builtin_memset(waker->kernel_pc, 0, sizeof(waker->kernel_pc));
		bpf_get_stack(ctx, waker->kernel_pc, sizeof(waker->kernel_pc), 0);
	}
	return 0;
}

#if defined(__TARGET_ARCH_x86)
/* The same where it does: the loader tries this one first. */
SEC("tp_btf/sched_waking")
int BPF_PROG(off_cpu_waking_counted, struct task_struct *thread)
{
	const int *preempt_count = &__preempt_count ? bpf_this_cpu_ptr(&__preempt_count) : 0;
	__u32 slot, tid;

	if (!measuring)
		return 0;
	slot = worker_of(thread, &tid);
	if (slot < BL_WORKERS_MAX)
		note_waker(&wakers[slot], bpf_get_current_task_btf(), preempt_count && *preempt_count & IN_INTERRUPT,
			preempt_count != 0);
	return 0;
}
#endif
