/* SPDX-License-Identifier: MIT */
/*
 * What is known about one target: the state that frames of the protocol build
 * up, whichever source they come from. Views and diagnosis read it; nothing
 * but cn_model_apply() writes it.
 *
 *     target          Hello: pid, program, source
 *       runtime[i]    one per runtime of the process; a generation is one look at one of them
 *         workers     with the counters of the look before, and a minute or two of samples
 *         sites, strings, histograms (by spawn site)
 *       tasks         of all runtimes, in slots; found by id
 *         awaits      its await frames, root first
 *       resources     of all runtimes, in slots; found by serial
 *
 * Slots. A task keeps its slot, and the pointer to it, for as long as it lives;
 * slots of ended tasks are used again. To visit all:
 *
 *     for (size_t i = 0; i < cn_model_task_slots(model); i++) {
 *             const struct cn_task *task = cn_model_task_at(model, i);
 *             if (task) ...
 *     }
 *
 * When to look. cn_model_apply() answers CN_APPLIED_GENERATION once a
 * generation is whole; then every count, rate and finding fits together.
 * Between generations the model may be read too (a key was pressed): rows of
 * the coming look are mixed with those of the last one, nothing worse.
 *
 * All text comes from the target and is hostile: NUL-terminated, bounded, but
 * not checked, not even for UTF-8. It goes out through cn_text_safe() (text)
 * or the JSON writer, or into a canvas, which has its own guard.
 *
 * Cost: a task is 192 bytes, an await frame 48; applying a row is O(1).
 * Not thread-safe.
 */
#ifndef CN_MODEL_MODEL_H
#define CN_MODEL_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rouse/layout.h>

#include "model/evidence.h"
#include "model/history.h"

struct cn_model;
struct Rouse__V1__Frame;

/* ------------------------------------------------------------------ tasks */

/* One future in a task's chain. Those that wait for something have op != ROUSE_OP_NONE. */
struct cn_await {
	uint32_t type;      /* site index of the future's type, 0 = unknown */
	uint32_t at;        /* site index of the await it is suspended at, 0 = none */
	uint16_t parent;    /* index in the same task's awaits; the root's is its own */
	uint8_t op;         /* enum rouse_op */
	uint8_t wait_state; /* enum rouse_wait_state */
	uint32_t poll;      /* the task's polls when the wait was registered */
	uint64_t resource;  /* serial; for ROUSE_OP_JOIN a task id */
	uint64_t since_ns;
	uint64_t arg;        /* as in struct rouse_wait_record */
	uint64_t waker_task; /* whom its waker wakes; CN_FOREIGN_WAKER = none of this runtime's tasks */
};
#define CN_FOREIGN_WAKER UINT64_MAX
#define CN_NO_WORKER 0xffffu

/*
 * Three cache lines. All tasks are visited in each look, by diagnosis and by the table that is shown: what they ask of
 * every task stands in front.
 */
struct cn_task {
	uint64_t id;
	struct cn_await *awaits;
	uint64_t edge_ns; /* start of the poll in progress, else end of the last */
	uint64_t busy_ns; /* in finished polls */
	uint64_t spawned_ns;
	uint32_t polls;
	uint32_t changed_look; /* the runtime's look in which stamp, polls or waits last differed */
	uint32_t spawn_site;   /* site index */
	uint16_t n_awaits;
	uint16_t waiting; /* number of awaits in ROUSE_WAIT_WAITING */
	uint16_t leaf;    /* index of the first of them, else of the deepest await */
	uint8_t runtime;
	uint8_t state;   /* enum rouse_task_state */
	uint8_t flags;   /* enum rouse_state_flag */
	uint8_t kind;    /* enum rouse_task_kind */
	uint8_t counted; /* its state + 1 as by_state has it, 0 = not at all yet */
	bool valid;      /* two equal reads: its chain can be trusted */

	uint32_t seen_look;   /* the look in which its row last came */
	uint32_t awaits_look; /* ... its awaits last came */
	uint32_t waker_refs;
	uint32_t frame_bytes;
	uint32_t wakes, self_wakes;
	uint32_t prev_polls, prev_wakes, prev_self_wakes; /* of the look before; see cn_task_delta() */
	uint32_t stamp;
	uint64_t prev_busy_ns;
	uint64_t changed_ns; /* when look changed_look was */
	uint64_t enqueue_ns;

	uint64_t last_waker; /* task id, or enum rouse_wake_source */
	uint64_t parent;     /* task id, 0 = spawned outside of any task */
	uint64_t scheduled_ns;
	uint64_t prev_scheduled_ns;
	uint32_t own_wakers;
	uint32_t handle_refs;
	uint32_t name;        /* string index, 0 = no name of its own */
	uint32_t queued_look; /* the look in which a worker's queue last held it */
	uint32_t past;        /* index + 1 of what its counts were before, 0 = it has not moved; see pace.h */
	uint16_t queued_by;   /* index of that worker */
	uint16_t worker;
	uint8_t ended_as; /* what an event said: its state + 1 */
	bool gone;        /* it is one of those of model/ended.h */
};
_Static_assert(sizeof(struct cn_task) <= 192, "three cache lines");

/* --------------------------------------------------------------- resources */

struct cn_resource {
	uint64_t serial;
	uint64_t owner;
	uint64_t owner_since_ns;
	uint64_t creator;
	uint64_t created_ns;
	uint64_t value; /* by kind: see struct rouse_resource_record */
	uint64_t capacity;
	uint64_t side_a, side_b;
	uint64_t last_user_a, last_user_b;
	uint32_t granted;    /* of semaphores: permits given to tasks that have not been polled with them yet */
	uint64_t prev_value; /* of the look before */
	uint64_t prev_side_a, prev_side_b;
	uint64_t grow_from;  /* value when it began to grow */
	uint64_t grow_ns;    /* and when */
	uint32_t grow_looks; /* looks in a row in which it grew */
	uint32_t waiters;    /* tasks that wait for it now */
	uint32_t name;       /* string index */
	uint32_t site;
	uint32_t seen_look, changed_look;
	uint32_t n_holders, holders_look; /* see cn_model_holders() */
	struct cn_holder *holders;
	uint32_t handed_polls; /* HANDED: the owner's polls when that was first seen, */
	uint32_t handed_look;  /* and in which look */
	uint8_t runtime;
	uint8_t kind;  /* enum rouse_resource_kind */
	uint8_t flags; /* enum rouse_resource_flag */
};

/* ---------------------------------------------------------------- runtimes */

struct cn_site {
	uint32_t kind;       /* enum rouse_site_kind, 0 = not known */
	uint32_t name, file; /* string indices */
	uint32_t line;
	uint32_t frame_bytes;
	uint32_t op;
};

struct cn_histogram {
	uint32_t poll[ROUSE_HISTOGRAM_BUCKETS];
	uint32_t delay[ROUSE_HISTOGRAM_BUCKETS]; /* first wake (or spawn) -> poll */
};

/* What is sampled each look, for graphs. Rates are per second; shares in permille. */
#define CN_WORKER_SERIES(X)                                                                                            \
	X(busy, "busy, permille of the time")                                                                          \
	X(depth, "tasks in the local queue, LIFO slot included")                                                       \
	X(polls, "polls per second")                                                                                   \
	X(stolen, "tasks stolen per second")                                                                           \
	X(parks, "parks per second")                                                                                   \
	X(timers, "timers armed")
#define CN_RUNTIME_SERIES(X)                                                                                           \
	X(tasks, "live tasks")                                                                                         \
	X(inject, "tasks in the global queue")                                                                         \
	X(blocking, "jobs waiting for a blocking thread")                                                              \
	X(timers, "timers armed")                                                                                      \
	X(polls, "polls per second")                                                                                   \
	X(spawned, "spawns per second")                                                                                \
	X(wakes, "wakes per second that scheduled a task")                                                             \
	X(local, "tasks in local queues and LIFO slots")                                                               \
	X(busy, "busy, permille of the workers' time")                                                                 \
	X(stolen, "tasks stolen per second")                                                                           \
	X(delay, "first wake to poll, ns: 99 of 100 took less")

struct cn_worker {
	uint32_t index;
	uint32_t tid;
	uint32_t state;       /* enum rouse_worker_state */
	uint32_t local_depth; /* the ring only */
	uint32_t timers;
	uint32_t seen_look;
	uint64_t current_task; /* 0 = none */
	uint64_t poll_start_ns;
	uint64_t in_transit;
	uint64_t state_since_ns;
	uint64_t lifo_task;             /* 0 = empty */
	uint64_t next_deadline_ns;      /* UINT64_MAX = none */
	struct rouse_counters counters; /* *_ticks are nanoseconds */
	struct rouse_counters previous; /* of the look before */
	uint64_t prev_task;             /* current_task of the look before, 0 = none */
	uint32_t prev_task_polls;       /* and that task's polls then */
	uint64_t polled_ns, parked_ns;  /* ever, with the poll or the sleep in progress */
	uint64_t prev_polled_ns, prev_parked_ns; /* of the look before */
	bool foreign;                   /* stands for all threads that are not workers */
	struct {
#define X(name, text) struct cn_history name;
		CN_WORKER_SERIES(X)
#undef X
	} series;
};

struct cn_runtime {
	uint32_t index;
	uint32_t looks;   /* whole generations seen, keyframes or not */
	uint64_t number;  /* of the last one */
	uint64_t now_ns;  /* CLOCK_MONOTONIC when the last look began */
	uint64_t end_ns;  /* and ended */
	uint64_t prev_ns; /* when the look before began, 0 = there was none */
	uint64_t first_ns; /* when the first one began */
	uint64_t real_ns;
	uint32_t level;
	uint32_t state;         /* enum rouse_runtime_state */
	uint32_t flavor;        /* enum rouse_flavor */
	uint32_t driver_worker; /* index + 1, 0 = nobody */
	uint64_t inject_depth;
	uint64_t blocking_queued, blocking_threads, blocking_idle, blocking_limit;
	uint64_t foreign_in_transit;
	uint64_t long_poll_ns;
	uint64_t watchdog_ns;
	uint64_t stopping_ns; /* when its shutdown began, 0 = it has not */
	uint64_t lost_events, delivered_events, emitted_events;
	uint32_t live_tasks; /* as the target counts them; ended ones that are still held are not among them */
	uint32_t torn;       /* rows that changed while they were read */
	bool target_stopped;
	bool complete; /* nothing was left out of the last look, neither there nor here */
	char name[64];
	uint32_t by_state[ROUSE_TASK_STATE_MAX]; /* tasks of this runtime in the model */
	struct cn_worker *workers;               /* the foreign one, if any, last */
	uint32_t n_workers;
	struct rouse_counters total;    /* over workers and foreign threads */
	struct rouse_counters previous; /* of the look before */
	struct {
#define X(name, text) struct cn_history name;
		CN_RUNTIME_SERIES(X)
#undef X
	} series;
};

struct cn_target {
	uint32_t protocol, layout, pid;
	uint32_t n_runtimes;
	uint64_t hz;
	uint64_t start_ns;
	char program[64];
	char source[16]; /* "socket", "memory", ... */
	char note[256];  /* what has to be said of the source, "" = nothing; hostile */
	char version[32];
};
/* It stands still for ever: no age, no rates, and nobody to stop. */
bool cn_target_is_core(const struct cn_target *target);

/* ------------------------------------------------------------------- model */

struct cn_model *cn_model_new(void);
void cn_model_free(struct cn_model *model);

enum cn_applied {
	CN_APPLIED = 0,        /* part of a generation */
	CN_APPLIED_GENERATION, /* a look at one runtime is whole */
	CN_APPLIED_ERROR       /* the target said an error: cn_model_error() */
};
/*
 * Takes in one decoded, validated frame (borrows it). enum cn_applied, or
 * -ENOMEM; -EPROTO for a protocol version that is not ours. What is out of
 * bounds (too many tasks, text without end) is left out, and the generation
 * marked as not complete.
 */
int cn_model_apply(struct cn_model *model, const struct Rouse__V1__Frame *frame);

const struct cn_target *cn_model_target(const struct cn_model *model);
/* Whole generations since the start, of all runtimes: grows when there is something new to show. */
uint64_t cn_model_generations(const struct cn_model *model);
/* When the newest look began, of whichever runtime. */
uint64_t cn_model_now_ns(const struct cn_model *model);
/*
 * Events and whole generations that did not reach us. A generation that was
 * skipped is no hole: the next one tells all that has changed since.
 */
uint64_t cn_model_lost_events(const struct cn_model *model);
uint64_t cn_model_lost_generations(const struct cn_model *model);
/* Events that came, by enum rouse_event_kind; one by one they are in model/events.h. */
uint64_t cn_model_events(const struct cn_model *model, enum rouse_event_kind kind);
/* All runtimes seen are whole in their last look. */
bool cn_model_complete(const struct cn_model *model);
/* The last Error of the target, and its text; 0 and "" if there was none. */
int cn_model_error(const struct cn_model *model, const char **ret_text);

size_t cn_model_runtimes(const struct cn_model *model);
/* NULL if there is none, or no look at it yet. */
const struct cn_runtime *cn_model_runtime(const struct cn_model *model, size_t index);

size_t cn_model_task_slots(const struct cn_model *model);
size_t cn_model_tasks(const struct cn_model *model);
const struct cn_task *cn_model_task_at(const struct cn_model *model, size_t slot);
const struct cn_task *cn_model_task(const struct cn_model *model, uint64_t id);

size_t cn_model_resource_slots(const struct cn_model *model);
size_t cn_model_resources(const struct cn_model *model);
const struct cn_resource *cn_model_resource_at(const struct cn_model *model, size_t slot);
const struct cn_resource *cn_model_resource(const struct cn_model *model, uint64_t serial);

/* "" and an empty site for indices that are not known. */
const char *cn_model_string(const struct cn_model *model, size_t runtime, uint32_t index);
const struct cn_site *cn_model_site(const struct cn_model *model, size_t runtime, uint32_t index);
size_t cn_model_sites(const struct cn_model *model, size_t runtime);
/* By spawn site; NULL if there is none. */
const struct cn_histogram *cn_model_site_histogram(const struct cn_model *model, size_t runtime, uint32_t site);
/* Of a watched task, since it is watched; NULL if it is not. */
const struct cn_histogram *cn_model_task_histogram(const struct cn_model *model, uint64_t id);

/* ------------------------------------------------------------ derived facts */

/* What a task is called: its own name, else its root future's, else its spawn site's. Never NULL. */
const char *cn_task_name(const struct cn_model *model, const struct cn_task *task);
/* What a resource is called: its name, else "". */
const char *cn_resource_name(const struct cn_model *model, const struct cn_resource *resource);
const char *cn_task_state_name(unsigned int state);
const char *cn_resource_kind_name(unsigned int kind);
const char *cn_op_name(unsigned int op);
const char *cn_worker_state_name(unsigned int state);
/* "a timer", ...; NULL when `waker` is a task id. */
const char *cn_wake_source_name(uint64_t waker);

/* The innermost await site of a chain: where the source stands still. 0 = none. */
uint32_t cn_task_await_site(const struct cn_model *model, const struct cn_task *task);
/* The await it waits at (see `leaf`), NULL for none. */
const struct cn_await *cn_task_leaf(const struct cn_task *task);
/* Was it in a worker's queue in the last look? Only if cn_model_queues_known(). */
bool cn_task_queued(const struct cn_model *model, const struct cn_task *task);

/* Between the last two looks at its runtime. span_ns 0: there was only one. */
struct cn_delta {
	uint64_t span_ns;
	uint64_t busy_ns, scheduled_ns;
	uint32_t polls, wakes, self_wakes;
};
struct cn_delta cn_task_delta(const struct cn_model *model, const struct cn_task *task);
/* Stamp, polls and waits were equal in (at least) the last two looks. */
bool cn_task_settled(const struct cn_model *model, const struct cn_task *task);

uint64_t cn_task_age_ns(const struct cn_model *model, const struct cn_task *task);
/* Busy time with the poll in progress. */
uint64_t cn_task_busy_ns(const struct cn_model *model, const struct cn_task *task);
/* With the wait in progress. */
uint64_t cn_task_scheduled_ns(const struct cn_model *model, const struct cn_task *task);
/* Age without the two. */
uint64_t cn_task_idle_ns(const struct cn_model *model, const struct cn_task *task);
/* Time in the present state, as far as it can be told: in this poll, in the queue, since the last poll. */
uint64_t cn_task_in_state_ns(const struct cn_model *model, const struct cn_task *task);

/* count per second over span_ns, 0 when there is no span. */
double cn_rate(uint64_t count, uint64_t span_ns);

#endif
