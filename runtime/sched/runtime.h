/* SPDX-License-Identifier: MIT */
/* The runtime and its workers, seen from inside. */
#ifndef RS_SCHED_RUNTIME_H
#define RS_SCHED_RUNTIME_H

#include <pthread.h>
#include <rouse/runtime.h>
#include <signal.h>

#include "base/clock.h"
#include "base/spin.h"
#include "driver/reactor.h"
#include "sched/blocking.h"
#include "sched/idle.h"
#include "sched/inject.h"
#include "task/cell.h"
#include "task/slab.h"
#include "time/wheel.h"
#include "trace/page.h"

enum { RS_MAX_WORKERS = 64, RS_LINE = 128 };

/*
 * One worker. Line groups by writer: the queue by owner and thieves, the
 * parker by owner and wakers, the rest by the owner alone. What others may see
 * of it is in its record, in the page. (Two workers whose ends shared a line
 * made a yield on two CPUs three times as dear as on one.)
 */
struct rs_worker {
	_Alignas(RS_LINE) struct rs_queue queue;

	_Alignas(RS_LINE) uint32_t parker; /* enum rs_parker */

	_Alignas(RS_LINE) struct rouse_runtime *runtime;
	struct rouse_worker_record *record;
	struct rouse_ring *ring;
	const struct rouse_site_entry *sites; /* of the page, whose head has lines that others write */
	struct rouse_histogram_pair *histograms; /* by spawn site */
	struct rs_wheel *wheel;
	uint32_t index;
	uint32_t level; /* tracing level, as of this turn */
	uint64_t edge;  /* ticks of the last poll edge (L1) */
	uint64_t tick;
	uint64_t inject_tick;     /* at which the global queue is looked at first */
	uint64_t maintain_tick;   /* at which, or ... */
	uint64_t maintain_edge;   /* ... when, timers and reactor are looked at (L1) */
	uint32_t lifo_polls;      /* in a row */
	uint8_t forced_yield;
	bool searching;
	bool in_driver;           /* wakes go to the ring, and are announced once, at the end */
	bool owes_notice;         /* of what timers made ready, if it is still there ... */
	bool lent;                /* this thread is not its own: see loan.c */
	bool renewed;             /* its own thread is woken for a deadline that a borrower has left */
	/* Two lines until here: all that a turn with work looks at. */
	uint64_t notice_ticks;    /* ... then */
	bool woken_in_vain;       /* it has found no event and no timer when it woke last ... */
	uint64_t woken_at_poll;   /* ... at so many polls */
	uint64_t timed_out_ns;    /* when it last slept until timers were due */
	uint64_t slept_since;     /* ticks (L1); since it was given back, if it was lent */
	uint64_t sleeps_until_ns; /* its own thread, on the futex */
	uint64_t random;
	struct rs_spin spin;      /* before parking */
	struct rs_resource *wheel_resource;
	struct rs_shard shard;
	uint32_t gone; /* futex: 1 once its thread is leaving */
	bool started;
	pthread_t thread;
};

/* What all workers read at every turn comes first; then, each on lines of its own, what somebody keeps writing. */
struct rouse_runtime {
	_Alignas(RS_LINE) struct rouse_page *page;
	struct rs_worker *workers;
	uint32_t n_workers;
	uint32_t level; /* atomic; copied by workers at each turn */
	uint32_t state; /* enum rouse_runtime_state; atomic */
	bool current_thread;
	bool busy;      /* current-thread: somebody drives it; atomic */
	bool stopping;  /* somebody shuts it down; atomic */
	struct rs_reactor *reactor;
	struct rs_wheel *foreign_wheel;
	struct rs_resource *foreign_wheel_resource;
	struct rs_pool *pool;
	uint64_t long_poll_ns;
	uint64_t timer_slack_ns;
	uint64_t serial;            /* never given twice */
	void (*log)(void *arg, const char *line);
	void *log_arg;
	struct rouse_runtime *next; /* all runtimes of this process, under the registry's lock */

	_Alignas(RS_LINE) struct rs_inject inject;
	_Alignas(RS_LINE) struct rs_idle idle;
	_Alignas(RS_LINE) struct rs_lock driver_lock;
	_Alignas(RS_LINE) struct rs_shard foreign_shard;

	_Alignas(RS_LINE) uint32_t refs; /* atomic */
	struct rs_lock chunk_lock;
	struct rs_lock drops_lock; /* the page's table of drops: two writers at once would mix their records */
	uint32_t idle_waiters; /* threads in rouse_block_until_idle; atomic */
	uint32_t idle_epoch;   /* futex */
	pthread_t watchdog;
	uint32_t watchdog_word; /* futex: 1 = stop */
	bool watchdog_started;
};

/* What this thread is to us. */
struct rs_catch;
struct rs_thread {
	struct rouse_runtime *runtime;     /* current one: entered, or the worker's */
	struct rs_worker *worker;          /* NULL on foreign threads */
	struct rouse_task *task;           /* being polled */
	struct rs_catch *catcher;          /* where a panic goes */
	struct rouse_runtime *serves;      /* threads of a blocking pool: whose */
	struct rouse_ring *ring;           /* foreign threads: a claimed ring ... */
	uint64_t ring_serial;              /* ... of this runtime, which may be gone by now */
	uint32_t transits;                 /* grants under way, see rs_transit_begin */
	bool self_woken;                   /* the running task woke itself during this poll */
	struct {
		uint64_t task;
		uint32_t poll;
		const void *caller;
	} dropped; /* the last waker that a task dropped of itself, in that poll of it */
	uint64_t id;                       /* RS_THREAD_ID + its thread id; 0 until somebody asks */
};
extern _Thread_local struct rs_thread rs_self __attribute__((tls_model("initial-exec")));

extern bool rs_forked; /* this process is a fork of one with runtimes */

/* The worker of `runtime` that this thread is; NULL: it is a foreign one there. */
static inline struct rs_worker *rs_worker_here(const struct rouse_runtime *runtime)
{
	struct rs_worker *w = rs_self.worker;

	return w && w->runtime == runtime ? w : NULL;
}

#define RS_THREAD_ID (1ull << 63)
/* foreign.c */
uint64_t rs_thread_id(void);

/* Who the caller is, where records name an actor: its task, or outside of any (a blocking job) its thread. */
static inline uint64_t rs_self_id(void)
{
	if (rs_self.task)
		return rs_self.task->id;
	return rs_self.id ? rs_self.id : rs_thread_id();
}

/* A worker's last poll edge will do for "held since", and saves reading the clock. */
static inline uint64_t rs_edge_stamp(void)
{
	const struct rs_worker *worker = rs_self.worker;

	if (worker)
		return worker->level ? worker->edge : 0;
	return rs_stamp();
}

/* -------- runtime.c */
int rs_runtime_add_chunk(struct rouse_runtime *runtime, uint64_t address, uint32_t stride, uint32_t cells,
	enum rouse_chunk_kind kind, uint32_t shard);
void rs_runtime_log(struct rouse_runtime *runtime, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Locks the foreign shard if this thread has none of its own in `runtime`; to be given to rs_shard_leave. */
static inline struct rs_shard *rs_shard_enter(struct rouse_runtime *runtime)
{
	struct rs_worker *w = rs_worker_here(runtime);

	if (w)
		return &w->shard;
	rs_lock_take(&runtime->foreign_shard.lock);
	return &runtime->foreign_shard;
}

static inline void rs_shard_leave(struct rs_shard *shard)
{
	if (shard == &shard->runtime->foreign_shard)
		rs_lock_drop(&shard->lock);
}

/* What threads that are no workers count into. */
static inline struct rouse_counters *rs_foreign_counters(struct rouse_runtime *runtime)
{
	return &rs_page_worker(runtime->page, runtime->n_workers)->counters;
}

/*
 * Adds to a counter of this thread, that of `W`, the worker which it is in
 * RUNTIME; NULL: it is a foreign one, and they share theirs. Release: who sees
 * an end counted sees the spawn counted. Pairs with rouse_runtime_totals.
 */
#define RS_COUNT_AS(W, RUNTIME, NAME, N)                                                           \
	do {                                                                                       \
		if (W)                                                                             \
			rs_store(&(W)->record->counters.NAME,                                      \
				rs_load(&(W)->record->counters.NAME, RS_RELAXED) + (uint64_t)(N), RS_RELEASE); \
		else                                                                               \
			rs_fetch_add(&rs_foreign_counters(RUNTIME)->NAME, (uint64_t)(N), RS_RELEASE); \
	} while (0)
#define RS_COUNT(RUNTIME, NAME, N)                                                                 \
	do {                                                                                       \
		struct rouse_runtime *rs_runtime_ = (RUNTIME);                                     \
		struct rs_worker *rs_worker_ = rs_worker_here(rs_runtime_);                        \
		RS_COUNT_AS(rs_worker_, rs_runtime_, NAME, N);                                     \
	} while (0)

/* -------- foreign.c: threads that are not workers */
/* An event of this thread, if the level asks for events. */
void rs_emit(struct rouse_runtime *runtime, enum rouse_event_kind kind, uint64_t ticks, uint64_t task, uint32_t arg32,
	uint64_t arg);
/* The same of a worker, into its own ring. */
static inline void rs_emit_owner(struct rs_worker *w, enum rouse_event_kind kind, uint64_t ticks, uint64_t task,
	uint32_t arg32, uint64_t arg)
{
	rs_ring_emit(w->ring, kind, ticks, task, (uint16_t)w->index, arg32, arg);
	RS_COUNT_AS(w, w->runtime, emitted, 1);
}
/*
 * Around whatever may be this thread's last use of the runtime's memory, or
 * makes a task or resource appear there. The page counts foreign threads only,
 * for which begin answers true; foreign.c has the protocol.
 */
void rs_foreign_count_in(struct rouse_runtime *runtime);
void rs_foreign_count_out(struct rouse_runtime *runtime);

static inline bool rs_visit_begin(struct rouse_runtime *runtime)
{
	if (rs_worker_here(runtime))
		return false;
	rs_foreign_count_in(runtime);
	return true;
}

static inline void rs_visit_end(struct rouse_runtime *runtime, bool visiting)
{
	if (visiting)
		rs_foreign_count_out(runtime);
}

/* Around what has a task in its hands, in no queue and no list of waiters: so it says. */
static inline void rs_transit_begin(struct rouse_runtime *runtime, uint64_t task_id)
{
	struct rs_worker *w = rs_worker_here(runtime);

	if (w)
		RS_PUT(&w->record->in_transit, rs_self.transits++ ? UINT64_MAX : task_id);
	else
		rs_foreign_count_in(runtime);
}

static inline void rs_transit_end(struct rouse_runtime *runtime)
{
	struct rs_worker *w = rs_worker_here(runtime);

	if (!w)
		rs_foreign_count_out(runtime);
	else if (--rs_self.transits == 0)
		RS_PUT(&w->record->in_transit, 0);
}
/* Whether it is too late to bring something new. Within a visit, or on a worker. */
bool rs_visit_late(const struct rouse_runtime *runtime);

/* -------- worker.c, park.c */
enum rs_parker { RS_PARKER_EMPTY = 0, RS_PARKER_PARKED, RS_PARKER_DRIVER, RS_PARKER_NOTIFIED };
/* Runs tasks until `done(arg)` says so (current-thread), or the runtime stops. */
void rs_worker_run(struct rs_worker *worker, bool (*done)(void *arg), void *arg);
/* The same as a borrower, which does not search and does not sleep: until nothing is left to do here. See loan.c. */
void rs_worker_run_lent(struct rs_worker *worker, bool (*done)(void *arg), void *arg);
void rs_worker_unpark(struct rs_worker *worker);
/* E4, R2 (idle.h): is there anything that a worker could take? Or does the runtime stop? */
bool rs_anything(struct rouse_runtime *runtime);
/* Counts as sleep what was since slept_since, until this edge. Owner. */
void rs_worker_end_sleep(struct rs_worker *worker, bool in_driver);
/* To the back of the worker's ring, announced to sleepers. Owner. */
void rs_worker_push(struct rs_worker *worker, struct rouse_task *task);
/* The same after the task's own poll: a sleeper is not woken for the only task of a worker that looks next. */
void rs_worker_push_again(struct rs_worker *worker, struct rouse_task *task);
/* To the LIFO slot; what was there goes to the ring. Owner. */
void rs_worker_push_lifo(struct rs_worker *worker, struct rouse_task *task);
/* To the global queue, unless the runtime stops. Within a visit. */
void rs_inject_task(struct rouse_runtime *runtime, struct rouse_task *task);
/* After work was made visible to thieves: wakes a sleeping worker if nobody is searching. */
void rs_notify(struct rouse_runtime *runtime);
/* The same, even if somebody searches: for work that only a newly woken worker looks for. */
void rs_notify_any(struct rouse_runtime *runtime);
/* Work for a worker that has none: searches, spins, sleeps. NULL: look at everything again. */
struct rouse_task *rs_worker_find(struct rs_worker *worker);
/* A task from the global queue; the rest of a fair share goes to the worker's ring. Owner. */
struct rouse_task *rs_worker_pull(struct rs_worker *worker);
/* It searched, and has found work: if it was the last to search, it makes sure that somebody looks for the rest. Owner. */
void rs_worker_end_search(struct rs_worker *worker);
/*
 * Fires due timers, the worker's own and those of foreign threads; answers how many. What they, and whatever came in
 * before, made ready is announced: at once, or, if they are `alone` and few, only if it is not done soon. Owner.
 */
uint32_t rs_worker_fire_timers(struct rs_worker *worker, bool alone);
/* The same, and looks at the reactor if nobody else does. Owner. */
void rs_worker_maintain(struct rs_worker *worker);
void rs_worker_set_state(struct rs_worker *worker, enum rouse_worker_state state);

/* In struct rouse_worker_record.flags, set by the watchdog: its LIFO slot and its wheel are takeable. */
enum { RS_WORKER_LONG_POLL = 1 };

/* -------- loan.c */
/*
 * Starts `task`, of which the caller has a handle, on this thread as a worker that would sleep else, and goes on for
 * as long as that helps. Afterwards it may have ended or not. False: there is no such worker; nothing has happened.
 */
bool rs_loan_run(struct rouse_runtime *runtime, struct rouse_task *task);

/* -------- watchdog.c */
int rs_watchdog_start(struct rouse_runtime *runtime);
void rs_watchdog_stop(struct rouse_runtime *runtime);

/* -------- shutdown.c */
void rs_runtime_destroy(struct rouse_runtime *runtime);

/* -------- registry in runtime.c */
void rs_runtime_register(struct rouse_runtime *runtime);
void rs_runtime_unregister(struct rouse_runtime *runtime);
/* Gives a foreign thread's ring back, if the runtime it is of is still there. */
void rs_runtime_return_ring(uint64_t serial, struct rouse_ring *ring);
const struct rouse_hooks *rs_hooks(void);
/* Around all that a thread of ours does. */
void rs_thread_begins(void);
void rs_thread_ends(void);
/* For making such a thread: signals are the program's, and none is delivered to it but what its own code does wrong. */
void rs_block_signals(sigset_t *ret_before);

#endif
