/* SPDX-License-Identifier: MIT */
/* Building a runtime, and what is asked of it from outside. */
#include "sched/runtime.h"

#include "base/futex.h"
#include "trace/sites.h"

#include <errno.h>
#include <rouse/hooks.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>

enum { BLOCKING_LIMIT = 512, NO_SLACK_NS = 1, TIMER_SLACK_NS = 65000 };

/* --------------------------------------------------------------- registry */

static pthread_mutex_t registry_lock = PTHREAD_MUTEX_INITIALIZER;
static struct rouse_runtime *registry;
static const struct rouse_hooks *hooks;
bool rs_forked;

const struct rouse_hooks *rs_hooks(void)
{
	return hooks;
}

void rouse_hooks_set(const struct rouse_hooks *table)
{
	hooks = table;
}

void rs_thread_begins(void)
{
	if (hooks && hooks->thread_begins)
		hooks->thread_begins();
}

void rs_thread_ends(void)
{
	if (hooks && hooks->thread_ends)
		hooks->thread_ends();
}

/* A fault that is blocked kills without the program's handler having been called; raise(SIGABRT) would do nothing. */
void rs_block_signals(sigset_t *ret_before)
{
	static const int faults[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS, SIGABRT };
	sigset_t set;

	sigfillset(&set);
	for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
		sigdelset(&set, faults[i]);
	pthread_sigmask(SIG_BLOCK, &set, ret_before);
}

/* In the child only its one thread is left, and it shares the parent's page no more. */
static void after_fork_in_child(void)
{
	if (!registry)
		return;
	rs_forked = true;
	memset(&rs_self, 0, sizeof rs_self);
}

void rs_runtime_register(struct rouse_runtime *runtime)
{
	static bool fork_handled;
	static uint64_t last_serial;

	pthread_mutex_lock(&registry_lock);
	if (!fork_handled)
		fork_handled = pthread_atfork(NULL, NULL, after_fork_in_child) == 0;
	runtime->serial = ++last_serial;
	runtime->next = registry;
	registry = runtime;
	pthread_mutex_unlock(&registry_lock);
}

void rs_runtime_unregister(struct rouse_runtime *runtime)
{
	pthread_mutex_lock(&registry_lock);
	for (struct rouse_runtime **link = &registry; *link; link = &(*link)->next) {
		if (*link == runtime) {
			*link = runtime->next;
			break;
		}
	}
	pthread_mutex_unlock(&registry_lock);
}

void rs_runtime_return_ring(uint64_t serial, struct rouse_ring *ring)
{
	pthread_mutex_lock(&registry_lock);
	for (const struct rouse_runtime *r = registry; r; r = r->next)
		if (r->serial == serial)
			rs_store(&ring->tid, 0u, RS_RELEASE); /* pairs with claim_ring */
	pthread_mutex_unlock(&registry_lock);
}

int rouse_set_level_all(int level)
{
	int highest = 0;

	pthread_mutex_lock(&registry_lock);
	for (struct rouse_runtime *r = registry; r; r = r->next) {
		int before = (int)rs_load(&r->level, RS_RELAXED);

		highest = before > highest ? before : highest;
		(void)rouse_runtime_set_level(r, level);
	}
	pthread_mutex_unlock(&registry_lock);
	return highest;
}

/* ---------------------------------------------------------------- logging */

void rs_runtime_log(struct rouse_runtime *runtime, const char *format, ...)
{
	char line[512];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof line, format, args);
	va_end(args);
	if (runtime && runtime->log)
		runtime->log(runtime->log_arg, line);
	else
		fprintf(stderr, "rouse: %s\n", line);
}

void rouse_log_line(const char *line)
{
	pthread_mutex_lock(&registry_lock);
	struct rouse_runtime *first = registry;

	pthread_mutex_unlock(&registry_lock);
	rs_runtime_log(first, "%s", line);
}

const char *rouse_strerror(int error)
{
	if (error < 0)
		error = -error;
	switch (error) {
#define X(code, name, text)                                                                        \
	case code:                                                                                 \
		return text;
		ROUSE_ERRORS(X)
#undef X
	default:
		break;
	}
	const char *text = strerrordesc_np(error);

	return text ? text : "unknown error";
}

/* --------------------------------------------------------------- building */

static uint32_t default_workers(void)
{
	const char *env = getenv("ROUSE_WORKER_THREADS");
	long n = env ? strtol(env, NULL, 10) : 0;
	cpu_set_t cpus;

	if (n >= 1)
		return n > RS_MAX_WORKERS ? RS_MAX_WORKERS : (uint32_t)n;
	if (sched_getaffinity(0, sizeof cpus, &cpus) == 0)
		n = CPU_COUNT(&cpus);
	return n < 1 ? 1 : n > RS_MAX_WORKERS ? RS_MAX_WORKERS : (uint32_t)n;
}

static uint32_t default_level(void)
{
	const char *env = getenv("ROUSE_LEVEL");

	return env && env[0] >= '0' && env[0] <= '2' && !env[1] ? (uint32_t)(env[0] - '0') : 1;
}

static void name_page(struct rouse_page *page, const char *name)
{
	strncpy(page->name, name ? name : program_invocation_short_name, sizeof page->name - 1);
}

int rs_runtime_add_chunk(struct rouse_runtime *runtime, uint64_t address, uint32_t stride, uint32_t cells,
	enum rouse_chunk_kind kind, uint32_t shard)
{
	rs_lock_take(&runtime->chunk_lock);
	int rc = rs_page_add_chunk(runtime->page, address, stride, cells, kind, shard);

	rs_lock_drop(&runtime->chunk_lock);
	return rc;
}

static int new_wheel(struct rouse_runtime *runtime, struct rouse_worker_record *record, const char *name,
	struct rs_resource **ret_resource, struct rs_wheel **ret_wheel)
{
	struct rs_resource *r = rs_resource_new_on(runtime, sizeof *r, ROUSE_RESOURCE_TIMERS, name, NULL);

	if (!r)
		return -errno;
	*ret_resource = r;
	rs_record(&r->owner, (uint64_t)record->index);
	RS_PUT(&record->timers, r->serial);
	RS_PUT(&record->next_deadline, UINT64_MAX);
	return rs_wheel_new(record, r, rs_mono_ns(), ret_wheel);
}

static int init_worker(struct rouse_runtime *runtime, uint32_t i, uint64_t seed)
{
	struct rs_worker *w = &runtime->workers[i];
	struct rouse_page *page = runtime->page;
	char name[32];

	w->runtime = runtime;
	w->index = i;
	w->queue.alone = runtime->n_workers == 1;
	w->record = rs_page_worker(page, i);
	w->record->index = i;
	w->record->queue = (uintptr_t)&w->queue;
	w->ring = rs_page_ring(page, i);
	w->sites = (const struct rouse_site_entry *)((char *)page + page->off_sites);
	w->histograms = (struct rouse_histogram_pair *)((char *)page + page->off_histograms) +
		(size_t)i * ROUSE_HISTOGRAM_SITES;
	w->shard.runtime = runtime;
	w->shard.index = i;
	w->random = (seed + i + 1) * 0x9e3779b97f4a7c15ull | 1;
	snprintf(name, sizeof name, "timers of worker %u", i);
	return new_wheel(runtime, w->record, name, &w->wheel_resource, &w->wheel);
}

static int init_parts(struct rouse_runtime *runtime, const struct rouse_runtime_opts *opts)
{
	struct rouse_worker_record *foreign = rs_page_worker(runtime->page, runtime->n_workers);
	uint64_t seed = opts->seed;
	int rc;

	if (!seed && getrandom(&seed, sizeof seed, GRND_NONBLOCK) != sizeof seed)
		seed = rs_ticks();
	foreign->index = runtime->n_workers;
	runtime->inject.depth = &runtime->page->inject_depth;
	runtime->idle.workers = runtime->n_workers;
	runtime->foreign_shard.runtime = runtime;
	runtime->foreign_shard.index = runtime->n_workers;
	for (uint32_t i = 0; i < runtime->n_workers; i++)
		if ((rc = init_worker(runtime, i, seed)) < 0)
			return rc;
	rc = new_wheel(runtime, foreign, "timers of other threads", &runtime->foreign_wheel_resource,
		&runtime->foreign_wheel);
	if (rc == 0)
		rc = rs_reactor_new(&runtime->reactor);
	if (rc == 0)
		rc = rs_pool_new(runtime, runtime->page, opts->blocking_limit ? opts->blocking_limit : BLOCKING_LIMIT,
			opts->blocking_keep_ns ? opts->blocking_keep_ns : 10 * ROUSE_S, &runtime->pool);
	return rc;
}

static void *worker_main(void *arg)
{
	struct rs_worker *w = arg;
	char name[24]; /* the kernel keeps 15 bytes */

	snprintf(name, sizeof name, "rouse-worker-%u", w->index);
	prctl(PR_SET_NAME, name);
	prctl(PR_SET_TIMERSLACK, NO_SLACK_NS);
	rs_thread_begins();
	rs_worker_run(w, NULL, NULL);
	rs_thread_ends();
	rs_store(&w->gone, 1u, RS_RELEASE);
	rs_futex_wake(&w->gone, 1);
	return NULL;
}

static int start_threads(struct rouse_runtime *runtime)
{
	sigset_t before;
	int rc = 0;

	rs_block_signals(&before);
	for (uint32_t i = 0; i < runtime->n_workers && !rc && !runtime->current_thread; i++) {
		struct rs_worker *w = &runtime->workers[i];

		rc = -pthread_create(&w->thread, NULL, worker_main, w);
		w->started = rc == 0;
	}
	if (!rc)
		rc = rs_watchdog_start(runtime);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return rc;
}

static void fill_page(struct rouse_runtime *runtime, const struct rouse_runtime_opts *opts)
{
	struct rouse_page *page = runtime->page;

	name_page(page, opts->name);
	page->flavor = runtime->current_thread ? ROUSE_FLAVOR_CURRENT : ROUSE_FLAVOR_MULTI;
	page->task_waker_vtable = (uintptr_t)&rs_task_waker_vtable;
	page->long_poll_ns = runtime->long_poll_ns;
	page->started_ticks = rs_ticks();
	RS_PUT(&page->level, runtime->level);
	rs_clock_anchor(&page->anchor);
	rs_sites_publish(page);
}

static int build(struct rouse_runtime *runtime, const struct rouse_runtime_opts *opts)
{
	int rc = rs_page_new(runtime->n_workers, &runtime->page);

	if (rc)
		return rc;
	fill_page(runtime, opts);
	runtime->workers = aligned_alloc(RS_LINE, runtime->n_workers * sizeof(struct rs_worker));
	if (!runtime->workers)
		return -ENOMEM;
	memset(runtime->workers, 0, runtime->n_workers * sizeof(struct rs_worker));
	rs_store(&runtime->state, (uint32_t)ROUSE_RUNTIME_ACTIVE, RS_RELEASE);
	RS_PUT(&runtime->page->state, (uint32_t)ROUSE_RUNTIME_ACTIVE);
	if ((rc = init_parts(runtime, opts)) < 0)
		return rc;
	rs_runtime_register(runtime);
	return start_threads(runtime);
}

static struct rouse_runtime_opts with_size(const struct rouse_runtime_opts *opts)
{
	struct rouse_runtime_opts known = { .size = sizeof known };

	if (opts)
		memcpy(&known, opts, opts->size < sizeof known ? opts->size : sizeof known);
	return known;
}

int rouse_runtime_new(const struct rouse_runtime_opts *opts, struct rouse_runtime **ret_runtime)
{
	struct rouse_runtime_opts o = with_size(opts);

	if (rs_forked)
		return -ROUSE_EFORKED;
	if ((opts && opts->size == 0) || o.workers > RS_MAX_WORKERS || o.level < 0 || o.level > 3)
		return -EINVAL;
	if (hooks && hooks->runtime_starts)
		hooks->runtime_starts();
	rs_clock_init();
	rs_fence_init();
	struct rouse_runtime *runtime = aligned_alloc(RS_LINE, sizeof *runtime);

	if (!runtime)
		return -ENOMEM;
	memset(runtime, 0, sizeof *runtime);
	runtime->refs = 1;
	runtime->current_thread = o.current_thread;
	runtime->n_workers = o.current_thread ? 1 : o.workers ? o.workers : default_workers();
	runtime->level = o.level ? (uint32_t)o.level - 1 : default_level();
	runtime->long_poll_ns = o.long_poll_ns ? o.long_poll_ns : 10 * ROUSE_MS;
	runtime->timer_slack_ns = o.timer_slack_ns ? o.timer_slack_ns : TIMER_SLACK_NS;
	if (runtime->timer_slack_ns > UINT64_MAX / 2)
		runtime->timer_slack_ns = UINT64_MAX / 2; /* a time and it shall not overflow */
	runtime->log = o.log;
	runtime->log_arg = o.log_arg;
	int rc = build(runtime, &o);

	if (rc) {
		if (runtime->pool) /* all parts but perhaps some threads are there */
			(void)rouse_runtime_shutdown(runtime, ROUSE_S, NULL, NULL);
		rs_runtime_destroy(runtime);
		return rc;
	}
	if (hooks && hooks->runtime_started)
		hooks->runtime_started();
	*ret_runtime = runtime;
	return 0;
}

/* ------------------------------------------------------------ from outside */

struct rouse_runtime *rouse_runtime_ref(struct rouse_runtime *runtime)
{
	rs_fetch_add(&runtime->refs, 1u, RS_RELAXED);
	return runtime;
}

struct rouse_runtime *rouse_runtime_current(void)
{
	return rs_self.runtime;
}

struct rouse_guard rouse_enter(struct rouse_runtime *runtime)
{
	struct rouse_guard guard = { rs_self.runtime, runtime };

	rs_self.runtime = runtime;
	return guard;
}

void rouse_leave(struct rouse_guard *guard)
{
	ROUSE_ASSERT(rs_self.runtime == guard->entered); /* left in another order than entered */
	rs_self.runtime = guard->previous;
}

int rouse_runtime_set_level(struct rouse_runtime *runtime, int level)
{
	if (level < 0 || level > 2)
		return -EINVAL;
	rs_store(&runtime->level, (uint32_t)level, RS_RELAXED);
	RS_PUT(&runtime->page->level, (uint32_t)level);
	return 0;
}

void rouse_runtime_totals(struct rouse_runtime *runtime, struct rouse_totals *ret)
{
	*ret = (struct rouse_totals){ 0 };
	/* Ends before spawns: a task may be seen living too long, never ended before it was spawned. */
	for (uint32_t i = 0; i <= runtime->n_workers; i++) {
		const struct rouse_counters *c = &rs_page_worker(runtime->page, i)->counters;

		ret->completed += rs_load(&c->completed, RS_ACQUIRE);
		ret->cancelled += rs_load(&c->cancelled, RS_ACQUIRE);
		ret->panicked += rs_load(&c->panicked, RS_ACQUIRE);
	}
	for (uint32_t i = 0; i <= runtime->n_workers; i++) {
		const struct rouse_counters *c = &rs_page_worker(runtime->page, i)->counters;

		ret->spawned += rs_load(&c->spawned, RS_ACQUIRE);
		ret->polls += rs_load(&c->polls, RS_RELAXED);
		ret->wakes += rs_load(&c->wakes, RS_RELAXED);
	}
	ret->live = ret->spawned - ret->completed - ret->cancelled - ret->panicked;
}
