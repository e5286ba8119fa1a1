/* SPDX-License-Identifier: MIT */
/*
 * The threads that serve a runtime, and what the system says of each: workers
 * by their records, the watchdog by the page, threads of the blocking pool by
 * the jobs they run. A pool thread without a job stands nowhere in the page; it
 * is found by the name it gave itself, and only where it must be this
 * runtime's: where the process has no other. The agent's own thread is none of
 * these, so it is never told.
 *
 * Of a core there is what was written into it: registers, which tell the system
 * call and whether it slept there, and the time on a CPU. Names are not in it.
 */
#include "inspect/look.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "inspect/procfs.h"
#include "inspect/procthread.h"

enum { SCAN_MAX = 4096 /* threads of a process */ };

/* The table in the making. */
struct list {
	struct rouse_inspect *inspect;
	struct ri_runtime *runtime;
	struct ri_thread *threads; /* RI_THREADS_MAX */
	uint32_t n;
	uint32_t pool; /* how many of them are of the blocking pool */
	struct ri_thread_batch batch;
};

static bool is_listed(const struct list *list, uint32_t os_tid)
{
	for (uint32_t i = 0; i < list->n; i++)
		if (list->threads[i].os_tid == os_tid)
			return true;
	return false;
}

/* Their number on this system: as the last look had it, else asked for. 0: there is no such thread. */
static uint32_t os_tid_of(const struct list *list, uint32_t tid)
{
	const struct ri_runtime *runtime = list->runtime;
	int os_tid;

	for (uint32_t i = 0; i < runtime->n_threads; i++)
		if (runtime->threads[i].tid == tid)
			return runtime->threads[i].os_tid;
	os_tid = tid <= INT32_MAX ? ri_proc_os_tid(list->inspect->process.pid, (int)tid) : 0;
	return os_tid > 0 ? (uint32_t)os_tid : 0;
}

static int put(struct list *list, struct ri_thread thread, uint32_t worker, const struct ri_proc_thread *facts)
{
	int rc = list->batch.n == RI_ROWS ? ri_out_threads(&list->inspect->out, &list->batch) : 0;

	if (rc < 0)
		return rc;
	list->threads[list->n++] = thread;
	list->pool += thread.role == ROUSE_THREAD_BLOCKING;
	ri_thread_put(&list->batch,
		&(struct ri_thread_row){ .tid = thread.tid,
			.role = thread.role,
			.worker = worker,
			.os_tid = thread.os_tid,
			.state = (uint8_t)facts->state,
			.cpu_ns = facts->cpu_ns,
			.run_queue_ns = facts->run_queue_ns,
			.syscall = facts->syscall,
			.argument = facts->argument,
			.pc = facts->pc });
	return 0;
}

static int put_dead(struct list *list, uint32_t tid, enum rouse_thread_role role, uint32_t worker)
{
	const struct ri_core_thread *threads;
	size_t n = ri_core_threads(list->inspect->core, &threads);

	if (!tid || list->n == RI_THREADS_MAX || is_listed(list, tid))
		return 0;
	for (size_t i = 0; i < n; i++) {
		const struct ri_core_thread *thread = &threads[i];
		const struct ri_proc_thread facts = { .state = thread->computes ? 'R'
							       : thread->slept  ? 'S'
										: 0,
			.cpu_ns = thread->cpu_ns,
			.syscall = thread->syscall,
			.argument = thread->argument,
			.pc = thread->pc };

		if ((uint32_t)thread->tid == tid)
			return put(list, (struct ri_thread){ tid, tid, role }, worker, &facts);
	}
	return 0;
}

/* A thread that the program's memory names. One that has gone meanwhile is left out. */
static int put_named(struct list *list, uint32_t tid, enum rouse_thread_role role, uint32_t worker)
{
	struct ri_proc_thread facts;

	if (list->inspect->core)
		return put_dead(list, tid, role, worker);
	uint32_t os_tid = tid && list->n < RI_THREADS_MAX ? os_tid_of(list, tid) : 0;

	if (!os_tid || is_listed(list, os_tid) || ri_proc_thread(list->inspect->process.pid, os_tid, &facts) < 0)
		return 0;
	return put(list, (struct ri_thread){ tid, os_tid, role }, worker, &facts);
}

/* ------------------------------------------------------ idle pool threads */

static int put_if_pool(struct list *list, uint32_t tid, uint32_t os_tid)
{
	struct ri_proc_thread facts;
	int pid = list->inspect->process.pid;

	if (list->n == RI_THREADS_MAX || is_listed(list, os_tid) || ri_proc_thread(pid, os_tid, &facts) < 0 ||
		strcmp(facts.name, ROUSE_POOL_THREAD_NAME) != 0)
		return 0;
	tid = tid ? tid : (uint32_t)ri_proc_ns_tid(pid, (int)os_tid);
	return tid ? put(list, (struct ri_thread){ tid, os_tid, ROUSE_THREAD_BLOCKING }, 0, &facts) : 0;
}

/* Asked first, as most threads of a process are not ours. */
static bool has_pool_name(const struct list *list, uint32_t os_tid)
{
	char name[RI_THREAD_NAME];

	return ri_proc_thread_name(list->inspect->process.pid, os_tid, name) == 0 &&
	       strcmp(name, ROUSE_POOL_THREAD_NAME) == 0;
}

static bool is_alone(const struct rouse_inspect *inspect)
{
	uint32_t present = 0;

	for (size_t i = 0; i < RI_RUNTIMES_MAX; i++)
		present += inspect->runtimes[i].used && inspect->runtimes[i].present;
	return present == 1;
}

static int scan(struct list *list)
{
	uint64_t wanted = list->runtime->page.blocking_threads;
	struct dirent *entry;
	char path[32];
	int rc = 0;

	snprintf(path, sizeof path, "/proc/%d/task", list->inspect->process.pid);
	DIR *threads = opendir(path);

	for (int i = 0; threads && i < SCAN_MAX && list->pool < wanted && rc == 0 && (entry = readdir(threads)); i++) {
		unsigned long os_tid = strtoul(entry->d_name, NULL, 10);

		if (os_tid > 0 && os_tid <= INT32_MAX && has_pool_name(list, (uint32_t)os_tid))
			rc = put_if_pool(list, 0, (uint32_t)os_tid);
	}
	if (threads)
		closedir(threads);
	return rc;
}

/* Those of the last look first: as long as the pool does not grow, there is nothing to search. */
static int put_idle(struct list *list)
{
	const struct ri_runtime *runtime = list->runtime;
	int rc = 0;

	if (!is_alone(list->inspect) || list->inspect->core)
		return 0;
	for (uint32_t i = 0; i < runtime->n_threads && list->pool < runtime->page.blocking_threads && rc == 0; i++)
		if (runtime->threads[i].role == ROUSE_THREAD_BLOCKING)
			rc = put_if_pool(list, runtime->threads[i].tid, runtime->threads[i].os_tid);
	return rc == 0 && list->pool < runtime->page.blocking_threads ? scan(list) : rc;
}

/* ------------------------------------------------------------------- table */

static int put_all(struct list *list)
{
	const struct ri_look *look = &list->inspect->look;
	int rc = 0;

	for (uint32_t i = 0; i < list->runtime->page.workers && rc == 0; i++)
		rc = put_named(list, look->worker_tids[i], ROUSE_THREAD_WORKER, i);
	if (rc == 0 && list->runtime->page.state != ROUSE_RUNTIME_STOPPED)
		rc = put_named(list, list->runtime->page.watchdog_tid, ROUSE_THREAD_WATCHDOG, 0);
	for (uint32_t i = 0; i < look->n_job_tids && rc == 0; i++)
		rc = put_named(list, look->job_tids[i], ROUSE_THREAD_BLOCKING, 0);
	if (rc == 0)
		rc = put_idle(list);
	return rc < 0 ? rc : ri_out_threads(&list->inspect->out, &list->batch);
}

int ri_threads_send(struct rouse_inspect *inspect, struct ri_runtime *runtime)
{
	struct list *list;
	int rc = -ENOMEM;

	if (!inspect->is_process && !inspect->core)
		return 0;
	list = calloc(1, sizeof *list);
	if (!list)
		return -ENOMEM;
	list->inspect = inspect;
	list->runtime = runtime;
	list->threads = calloc(RI_THREADS_MAX, sizeof *list->threads);
	if (list->threads)
		rc = put_all(list);
	if (rc == 0) {
		free(runtime->threads);
		runtime->threads = list->threads;
		runtime->n_threads = list->n;
	} else {
		free(list->threads);
	}
	free(list);
	return rc;
}
