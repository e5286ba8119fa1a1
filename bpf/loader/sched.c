/* SPDX-License-Identifier: MIT */
/*
 * Loads sched.bpf.c for one process and gathers what it has summed; the rest is
 * follow.h.
 *
 * A thread may be off its CPU already when we come; its first switch that is
 * seen is then its return. So each slot says since when no switch is missed and
 * what the worker polled right after that: if the thread was away the whole
 * time, that is what it is away from. A thread without any switch until the end
 * either had its CPU all the time or was away all the time; its state tells.
 *
 * At the end the programs are told to stop, and one grace period of RCU later
 * none of them runs any more: what they wrote stands still and can be read
 * without care.
 */
#include "loader/sched.h"
#include "loader/follow.h"
#include "loader/libbpf.h"
#include "loader/maps.h"
#include "loader/why.h"
#include "sched.skel.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_TASKS 16384u
#define TASKS_MIN 16u

struct bl_sched {
	struct bl_follow follow;
	struct sched *skeleton;
	struct ring_buffer *ring;   /* NULL: no single blocks */
	struct bpf_program *waking; /* the one of them that says who wakes */
	int cpus;
	bool stopped;
	struct bl_sched_result result;
};

/* Known to the programs first, looked at then: what is read is true from known_ns on. */
static void look(void *arg, uint32_t slot)
{
	struct bl_sched *sched = arg;
	struct bl_off_worker *worker = &sched->skeleton->bss->workers[slot];
	uint64_t task = 0;
	uint32_t site = 0;

	worker->known_ns = bl_now_ns();
	if (bl_record_task(sched->follow.pid, sched->follow.places[slot].record, &task, &site) < 0)
		return; /* it has just ended: there is nothing that we could miss */
	worker->start_site = site;
	__atomic_store_n(&worker->start_task, task, __ATOMIC_RELEASE);
}

/* NULL: on this machine the kernel's count of interrupts is no variable. */
static struct bpf_program *counted(const struct sched *skeleton)
{
	return bpf_object__find_program_by_name(skeleton->obj, "off_cpu_waking_counted");
}

/* Nobody asks for single blocks: then the programs do nothing for them, and there is no room for any. */
static int prepare_blocks(struct bl_sched *sched, const struct bl_sched_opts *opts, bool by_count)
{
	struct sched *skeleton = sched->skeleton;
	bool blocks = opts && opts->block_ns;
	int rc;

	bpf_program__set_autoload(skeleton->progs.off_cpu_waking, blocks && !by_count);
	if (counted(skeleton))
		bpf_program__set_autoload(counted(skeleton), blocks && by_count);
	sched->waking = by_count ? counted(skeleton) : skeleton->progs.off_cpu_waking;
	if (!blocks)
		return 0;
	skeleton->rodata->block_ns = opts->block_ns;
	rc = bpf_map__set_max_entries(skeleton->maps.blocks, BL_WORKERS_MAX);
	return rc < 0 ? rc : bpf_map__set_max_entries(skeleton->maps.ring, opts->ring_bytes);
}

static int open_ring(struct bl_sched *sched, const struct bl_sched_opts *opts, struct bl_why *why)
{
	if (!opts || !opts->block_ns)
		return 0;
	sched->ring = ring_buffer__new(bpf_map__fd(sched->skeleton->maps.ring), opts->block, opts->arg, NULL);
	return sched->ring ? 0 : bl_fail_by_libbpf(why, -errno, "cannot map the ring buffer");
}

static int try_load(struct bl_sched *sched, const struct bl_sched_opts *opts, bool by_count)
{
	uint32_t tasks = opts && opts->tasks ? opts->tasks : DEFAULT_TASKS;
	int rc;

	sched__destroy(sched->skeleton);
	sched->skeleton = sched__open();
	if (!sched->skeleton)
		return -errno;
	rc = bpf_map__set_max_entries(sched->skeleton->maps.tasks, tasks < TASKS_MIN ? TASKS_MIN : tasks);
	if (rc == 0)
		rc = prepare_blocks(sched, opts, by_count);
	return rc < 0 ? rc : sched__load(sched->skeleton);
}

/* Whether the kernel gives its count of interrupts away is its own affair (KALLSYMS_ALL): we try. */
static int load(struct bl_sched *sched, const struct bl_sched_opts *opts, struct bl_why *why)
{
	int rc = -ENOENT;

#if defined(__x86_64__)
	if (opts && opts->block_ns)
		rc = try_load(sched, opts, true);
#endif
	if (rc < 0)
		rc = try_load(sched, opts, false);
	if (rc < 0)
		return bl_fail_by_libbpf(why, rc, "cannot load the BPF programs");
	return bl_follow_mark(&sched->follow, sched->skeleton->maps.targets, sched->skeleton->maps.threads,
		&sched->skeleton->bss->measuring, sched->skeleton->bss->places, why);
}

int bl_sched_open(int pid, const struct bl_sched_opts *opts, struct bl_sched **ret_sched, struct bl_why *why)
{
	struct bl_sched *sched = calloc(1, sizeof(*sched));
	int rc;

	if (!sched)
		return bl_fail(why, -ENOMEM, "no memory");
	rc = bl_follow_open(&sched->follow, pid, why);
	if (rc == 0)
		rc = load(sched, opts, why);
	if (rc == 0)
		rc = open_ring(sched, opts, why);
	if (rc == 0) {
		struct bpf_program *const programs[] = { sched->skeleton->progs.off_cpu_switch,
			sched->skeleton->progs.off_cpu_wakeup, sched->waking };

		sched->follow.known = look;
		sched->follow.arg = sched;
		rc = bl_follow_attach(&sched->follow, programs, sched->ring ? 3 : 2, opts && opts->costs,
			"cannot attach to the scheduler", why);
	}
	if (rc < 0) {
		bl_sched_close(sched);
		return rc;
	}
	*ret_sched = sched;
	return 0;
}

void bl_sched_close(struct bl_sched *sched)
{
	if (!sched)
		return;
	bl_follow_close(&sched->follow);
	ring_buffer__free(sched->ring);
	sched__destroy(sched->skeleton);
	free(sched->result.tasks);
	free(sched->result.sites);
	free(sched->result.workers);
	free(sched);
}

int bl_sched_wait(struct bl_sched *sched, int timeout_ms)
{
	return bl_follow_wait(&sched->follow, timeout_ms);
}

int bl_sched_drain(struct bl_sched *sched)
{
	int rc = sched->ring ? ring_buffer__consume(sched->ring) : 0;

	return rc < 0 ? rc : 0;
}

/* -------------------------------------------------------------- gathering */

static void add(struct bl_off *off, enum bl_off_kind kind, uint64_t ns)
{
	off->ns[kind] += ns;
	off->times[kind]++;
	if (ns > off->longest_ns) {
		off->longest_ns = ns;
		off->longest_kind = kind;
	}
}

static void merge(struct bl_off *off, const struct bl_off *more)
{
	for (int kind = 0; kind < BL_OFF_KIND_MAX; kind++) {
		off->ns[kind] += more->ns[kind];
		off->times[kind] += more->times[kind];
	}
	if (more->longest_ns > off->longest_ns) {
		off->longest_ns = more->longest_ns;
		off->longest_kind = more->longest_kind;
	}
}

static void gather_task(void *arg, const void *key, const void *value)
{
	struct bl_sched_result *result = arg;
	struct bl_sched_task *task = &result->tasks[result->n_tasks++];

	memcpy(&task->id, key, sizeof(task->id));
	memcpy(&task->task, value, sizeof(task->task));
}

static int gather_tasks(struct bl_sched *sched)
{
	struct bl_sched_result *result = &sched->result;
	const struct bpf_map *map = sched->skeleton->maps.tasks;
	size_t room = bpf_map__max_entries(map);
	int rc;

	/* And one for each worker, which may be away in the first poll of a task. */
	if (!result->tasks)
		result->tasks = calloc(room + BL_WORKERS_MAX, sizeof(*result->tasks));
	if (!result->tasks)
		return -ENOMEM;
	result->n_tasks = 0;
	rc = bl_map_each(map, sizeof(uint64_t), sizeof(struct bl_off_task), room, gather_task, result);
	/* While it is measured, some are made between the count and the look. */
	result->evicted = result->totals.created > result->n_tasks ? result->totals.created - result->n_tasks : 0;
	return rc;
}

static void gather_site(void *arg, const void *key, const void *value)
{
	struct bl_sched *sched = arg;
	struct bl_sched_site *site = &sched->result.sites[sched->result.n_sites++];
	const struct bl_off *by_cpu = value;
	uint64_t id;

	memcpy(&id, key, sizeof(id));
	*site = (struct bl_sched_site){ .runtime = (uint32_t)(id >> 32), .site = (uint32_t)id };
	for (int i = 0; i < sched->cpus; i++)
		merge(&site->off, &by_cpu[i]);
}

static int gather_sites(struct bl_sched *sched)
{
	struct bl_sched_result *result = &sched->result;
	const struct bpf_map *map = sched->skeleton->maps.sites;
	size_t room = bpf_map__max_entries(map);

	sched->cpus = libbpf_num_possible_cpus();
	if (sched->cpus < 0)
		return sched->cpus;
	if (!result->sites)
		result->sites = calloc(room + BL_WORKERS_MAX, sizeof(*result->sites));
	if (!result->sites)
		return -ENOMEM;
	result->n_sites = 0;
	return bl_map_each(
		map, sizeof(uint64_t), (size_t)sched->cpus * sizeof(struct bl_off), room, gather_site, sched);
}

static struct bl_off *task_sum(struct bl_sched_result *result, uint64_t id, uint32_t runtime, uint32_t site)
{
	for (size_t i = 0; i < result->n_tasks; i++)
		if (result->tasks[i].id == id)
			return &result->tasks[i].task.off;
	result->tasks[result->n_tasks] =
		(struct bl_sched_task){ .id = id, .task = { .runtime = runtime, .site = site } };
	return &result->tasks[result->n_tasks++].task.off;
}

static struct bl_off *site_sum(struct bl_sched_result *result, uint32_t runtime, uint32_t site)
{
	for (size_t i = 0; i < result->n_sites; i++)
		if (result->sites[i].runtime == runtime && result->sites[i].site == site)
			return &result->sites[i].off;
	result->sites[result->n_sites] = (struct bl_sched_site){ .runtime = runtime, .site = site };
	return &result->sites[result->n_sites++].off;
}

/* A stretch that goes on counts up to the end. */
static void add_open(struct bl_sched_result *result, uint32_t runtime, const struct bl_off_worker *w,
	struct bl_off *worker, enum bl_off_kind kind, uint64_t from_ns, uint64_t to_ns)
{
	if (to_ns <= from_ns)
		return;
	add(worker, kind, to_ns - from_ns);
	add(task_sum(result, w->task, runtime, w->site), kind, to_ns - from_ns);
	add(site_sum(result, runtime, w->site), kind, to_ns - from_ns);
}

/* While it is measured: an absence that ends is closed first and added then, so if it goes on it is in no sum. */
static struct bl_off_worker read_worker(const struct bl_sched *sched, uint32_t slot)
{
	const struct bl_off_worker *worker = &sched->skeleton->bss->workers[slot];
	struct bl_off_worker copy;
	uint64_t left_ns;

	do {
		left_ns = __atomic_load_n(&worker->left_ns, __ATOMIC_ACQUIRE);
		memcpy(&copy, worker, sizeof(copy));
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
	} while (left_ns != copy.left_ns || left_ns != __atomic_load_n(&worker->left_ns, __ATOMIC_RELAXED));
	return copy;
}

static void finish_worker(struct bl_sched *sched, uint32_t slot, const struct bl_thread *thread)
{
	struct bl_sched_result *result = &sched->result;
	struct bl_off_worker w = read_worker(sched, slot);
	const struct bl_followed *followed = &sched->follow.workers[slot];
	struct bl_sched_worker *worker = &result->workers[slot];
	uint64_t end = sched->stopped ? result->end_ns : bl_now_ns();

	*worker = (struct bl_sched_worker){
		.runtime = followed->runtime, .index = followed->index, .tid = followed->tid, .off = w.off
	};
	if (!w.seen && w.start_task && (thread->sleeps || w.woken_ns)) { /* away all the time */
		w.task = w.start_task;
		w.site = w.start_site;
		w.left_ns = w.known_ns;
		w.kind = BL_OFF_BLOCKED;
	}
	if (!w.left_ns)
		return;
	worker->in_progress = w.task;
	if (w.kind == BL_OFF_PREEMPTED) {
		add_open(result, followed->runtime, &w, &worker->off, BL_OFF_PREEMPTED, w.left_ns, end);
		return;
	}
	if (!w.woken_ns) {
		worker->since_ns = w.left_ns;
		worker->had_begun = !w.seen;
		worker->site = w.site;
		worker->kind = w.kind;
		worker->os_tid = thread->os_tid;
	}
	add_open(result, followed->runtime, &w, &worker->off, w.kind == BL_OFF_FAULT ? BL_OFF_FAULT : BL_OFF_BLOCKED,
		w.left_ns, w.woken_ns ? w.woken_ns : end);
	if (w.woken_ns)
		add_open(result, followed->runtime, &w, &worker->off, BL_OFF_RUN_QUEUE, w.woken_ns, end);
}

bool bl_sched_waits_since(const struct bl_sched *sched, uint32_t slot, uint64_t since_ns)
{
	struct bl_off_worker w = read_worker(sched, slot);

	return (w.seen ? w.left_ns : w.known_ns) == since_ns && !w.woken_ns;
}

/*
 * The sums first and the workers then: an absence that ends in between is in
 * neither, and the next look has it; the other way round it would be in both.
 */
static int gather(struct bl_sched *sched, const struct bl_thread *threads, const struct bl_sched_result **ret_result,
	struct bl_why *why)
{
	struct bl_sched_result *result = &sched->result;
	int rc;

	result->begin_ns = sched->follow.begin_ns;
	result->end_ns = sched->stopped ? sched->follow.end_ns : bl_now_ns();
	result->unfollowed_workers = sched->follow.unfollowed;
	result->late_workers = sched->follow.late;
	result->followed = sched->follow.workers;
	result->totals = sched->skeleton->bss->totals;
	rc = gather_tasks(sched);
	if (rc == 0)
		rc = gather_sites(sched);
	if (rc == 0 && !result->workers && !(result->workers = calloc(BL_WORKERS_MAX, sizeof(*result->workers))))
		rc = -ENOMEM;
	if (rc < 0)
		return bl_fail(why, rc, "cannot gather what was measured: %s", strerror(-rc));
	result->n_workers = sched->follow.n_workers;
	for (uint32_t i = 0; i < result->n_workers; i++)
		finish_worker(sched, i, &threads[i]);
	bl_follow_costs(&sched->follow, result->costs, &result->missed);
	*ret_result = result;
	return 0;
}

int bl_sched_gather(struct bl_sched *sched, const struct bl_sched_result **ret_result, struct bl_why *why)
{
	struct bl_thread threads[BL_WORKERS_MAX];

	bl_follow_threads(&sched->follow, threads);
	return gather(sched, threads, ret_result, why);
}

int bl_sched_stop(struct bl_sched *sched, const struct bl_sched_result **ret_result, struct bl_why *why)
{
	struct bl_thread threads[BL_WORKERS_MAX];

	if (sched->stopped)
		return bl_fail(why, -EALREADY, "it has ended already");
	sched->stopped = true;
	bl_follow_threads(&sched->follow, threads); /* while the programs still watch */
	bl_follow_stop(&sched->follow);
	return gather(sched, threads, ret_result, why);
}
