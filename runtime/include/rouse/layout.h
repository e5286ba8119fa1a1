/* SPDX-License-Identifier: MIT */
/**
 * rouse/layout.h - how a rouse process looks from outside.
 *
 * Everything a reader needs to understand the memory of a running, stopped or
 * dead rouse process: plain data, fixed offsets, no pointers to follow but
 * those named here. instrument/inspect knows the runtime by this header only.
 * Addresses are uint64_t in the target's address space; ticks are the clock
 * of `clock_kind`, converted with the page's anchor.
 *
 * A runtime keeps one memfd named "rouse" (seen as "/memfd:rouse (deleted)" in
 * /proc/PID/maps), mapped once, shared:
 *
 *     off_*          what
 *     0              struct rouse_page
 *     off_workers    struct rouse_worker_record [worker_capacity]
 *     off_chunks     struct rouse_chunk_entry   [chunk_capacity]
 *     off_sites      struct rouse_site_entry    [site_capacity]
 *     off_strings    NUL-terminated strings, referenced by offset into this area
 *     off_histograms struct rouse_histogram_pair [worker_capacity + 1][histogram_sites]
 *     off_drops      struct rouse_drop_record [drop_capacity]
 *     off_rings      struct rouse_ring, `ring_stride` bytes apart
 *
 * Task cells and resource records live in ordinary process memory, in chunks
 * that are listed in the chunk directory, never unmapped while the runtime
 * lives, and never change their stride or kind ("type-stable"): any address
 * found in the directory can be read at any time, torn at worst.
 *
 * How to take a sound look at a task:  read the cell, follow its frame chain,
 * read the cell again. It is valid if `state` (its stamp included) and `polls`
 * are equal in both reads and the task is not RUNNING.
 *
 * The layout is version-checked; tests/unit/abi/test_layout.c pins every offset.
 */
#ifndef ROUSE_LAYOUT_H
#define ROUSE_LAYOUT_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ROUSE_LAYOUT_MAGIC "rouse\x1a\n" /* 8 bytes with the NUL */
#define ROUSE_LAYOUT_VERSION 4u
#define ROUSE_MEMFD_NAME "rouse"

/* ------------------------------------------------------------------ state */

/**
 * The state word of a task, moved by one compare-and-swap:
 *
 *     63            40 39        26 25            8 7      0
 *    +----------------+------------+---------------+--------+
 *    | change stamp   | handle refs| waker refs    | flags  |
 *    |      24        |     14     |      18       |   8    |
 *    +----------------+------------+---------------+--------+
 *
 * Waker refs count cloned wakers and registered wait nodes; handle refs count
 * join handles. The stamp grows (mod 2^24) with every transition, so two equal
 * reads mean that nothing happened between them.
 */
enum rouse_state_flag {
	ROUSE_RUNNING = 0x01,       /* being polled */
	ROUSE_COMPLETE = 0x02,      /* the future has ended, whichever way */
	ROUSE_NOTIFIED = 0x04,      /* in a queue, or to be queued when the poll ends */
	ROUSE_JOIN_INTEREST = 0x08, /* a join handle was given out */
	ROUSE_JOIN_WAKER = 0x10,    /* the cell's join_waker is set and owned by the completer */
	ROUSE_CANCELLED = 0x20,     /* abort was asked; with COMPLETE: it ended that way */
	ROUSE_PANICKED = 0x40,      /* with COMPLETE: it ended in a panic */
	ROUSE_CREATED = 0x80        /* prepared, not yet started */
};
#define ROUSE_STATE_FLAGS 0xffull
#define ROUSE_WAKER_SHIFT 8
#define ROUSE_WAKER_BITS 18
#define ROUSE_WAKER_ONE (1ull << ROUSE_WAKER_SHIFT)
#define ROUSE_WAKER_MASK (((1ull << ROUSE_WAKER_BITS) - 1) << ROUSE_WAKER_SHIFT)
#define ROUSE_HANDLE_SHIFT 26
#define ROUSE_HANDLE_BITS 14
#define ROUSE_HANDLE_ONE (1ull << ROUSE_HANDLE_SHIFT)
#define ROUSE_HANDLE_MASK (((1ull << ROUSE_HANDLE_BITS) - 1) << ROUSE_HANDLE_SHIFT)
#define ROUSE_STAMP_SHIFT 40
#define ROUSE_STAMP_ONE (1ull << ROUSE_STAMP_SHIFT)

/** The states people see: derived from the flags by rouse_state_of(). */
#define ROUSE_TASK_STATES(X)                                                                       \
	X(CREATED, "created")                                                                      \
	X(SCHEDULED, "scheduled")                                                                  \
	X(RUNNING, "running")                                                                      \
	X(PENDING, "pending")                                                                      \
	X(COMPLETE, "complete")                                                                    \
	X(PANICKED, "panicked")                                                                    \
	X(CANCELLED, "cancelled")
enum rouse_task_state {
#define X(name, text) ROUSE_TASK_##name,
	ROUSE_TASK_STATES(X)
#undef X
	ROUSE_TASK_STATE_MAX
};

static inline enum rouse_task_state rouse_state_of(uint64_t word)
{
	if (word & ROUSE_COMPLETE)
		return word & ROUSE_PANICKED ? ROUSE_TASK_PANICKED
		     : word & ROUSE_CANCELLED ? ROUSE_TASK_CANCELLED
					      : ROUSE_TASK_COMPLETE;
	if (word & ROUSE_RUNNING)
		return ROUSE_TASK_RUNNING;
	if (word & ROUSE_CREATED)
		return ROUSE_TASK_CREATED;
	return word & ROUSE_NOTIFIED ? ROUSE_TASK_SCHEDULED : ROUSE_TASK_PENDING;
}

/* ------------------------------------------------------------------- cell */

/**
 * A task cell: two cache lines, then the future's frame (or, for large ones,
 * `future` points elsewhere). `id` 0 means the slot is free.
 *
 *   offset size field             written by
 *        0    8 state             everybody, by compare-and-swap
 *        8    8 id                spawner, before the first push; 0 when freed
 *       16    8 future            spawner: address of the root struct rouse_future_record
 *       24    8 link              whoever holds the task: next in an intrusive queue;
 *                                 after a panic: address of struct rouse_panic_record
 *       32    8 edge_ticks        poller (L1): start of the poll while RUNNING, else end of the last one
 *       40    8 enqueue_ticks     winner of idle->scheduled (L1): the first wake; spawn for the first poll
 *       48    8 last_waker        winner of idle->scheduled: task id, or enum rouse_wake_source
 *       56    4 polls             poller: exact count; the poll in progress is included
 *       60    4 wakes             winner of idle->scheduled: exact count of scheduled wakes
 *       64    8 busy_ticks        poller (L1): sum over finished polls
 *       72    8 scheduled_ticks   poller (L1): sum of first wake (or spawn) -> poll
 *       80    8 spawned_ticks     spawner
 *       88    8 parent            spawner: task id of the spawning task, 0 = outside any task
 *       96    4 self_wakes        winner of idle->scheduled when it was the task itself
 *      100    4 spawn_site        spawner: index into the site table
 *      104    2 worker            poller: index of the worker that polls or polled it last; 0xffff = none yet
 *      106    1 kind              spawner: enum rouse_task_kind
 *      107    1 reserved
 *      108    4 name_offset       spawner: from the cell to the task's own name (NUL-terminated); 0 = none
 *      112   16 join_waker        joiner, then the completer (see ROUSE_JOIN_WAKER)
 *      128    . frame
 */
struct rouse_cell_record {
	uint64_t state;
	uint64_t id;
	uint64_t future;
	uint64_t link;
	uint64_t edge_ticks;
	uint64_t enqueue_ticks;
	uint64_t last_waker;
	uint32_t polls;
	uint32_t wakes;
	uint64_t busy_ticks;
	uint64_t scheduled_ticks;
	uint64_t spawned_ticks;
	uint64_t parent;
	uint32_t self_wakes;
	uint32_t spawn_site;
	uint16_t worker;
	uint8_t kind;
	uint8_t reserved;
	uint32_t name_offset;
	uint64_t join_waker[2];
};
#define ROUSE_CELL_BYTES 128u

enum rouse_task_kind { ROUSE_KIND_TASK = 0, ROUSE_KIND_MAIN = 1, ROUSE_KIND_DAEMON = 2 };

/** Where a wake came from, when it was not a task: values below 16 in last_waker. */
#define ROUSE_WAKE_SOURCES(X)                                                                      \
	X(NONE, "nobody yet")                                                                      \
	X(SPAWN, "spawn")                                                                          \
	X(FOREIGN, "a foreign thread")                                                             \
	X(TIMER, "a timer")                                                                        \
	X(IO, "the reactor")                                                                       \
	X(BLOCKING, "a blocking job")                                                              \
	X(ABORT, "abort")                                                                          \
	X(SHUTDOWN, "shutdown")                                                                    \
	X(WHILE_RUNNING, "somebody, while it ran")
enum rouse_wake_source {
#define X(name, text) ROUSE_WAKE_##name,
	ROUSE_WAKE_SOURCES(X)
#undef X
	ROUSE_WAKE_SOURCE_MAX
};
#define ROUSE_FIRST_TASK_ID 16u /* ids below are wake sources */

/* ----------------------------------------------------------------- frames */

/**
 * The head of every future. The await chain of a task that is not running:
 * start at cell.future; `awaiting` is the first awaited child, further arms of
 * a select or join follow by `sibling`; a leaf has none. `type` and `at` are
 * looked up in the site table by address. `at` is 0 before the first poll.
 */
struct rouse_future_record {
	uint64_t type;     /* site entry of kind FUNCTION, COMBINATOR or LEAF */
	uint64_t at;       /* site entry of kind AWAIT, SELECT or JOIN: where it is suspended */
	uint64_t awaiting; /* first child */
	uint64_t sibling;  /* next child of the same parent */
};

/**
 * What a leaf future waits with, `node_offset` bytes into it. `resource` is a
 * resource serial, or for ROUSE_OP_JOIN a task id. A node counts as one waker
 * of `waker_data` while its state is WAITING.
 */
struct rouse_wait_record {
	uint64_t next;
	uint64_t prev;
	uint64_t waker_data;   /* task cell, when waker_vtable equals page.task_waker_vtable */
	uint64_t waker_vtable;
	uint64_t resource;
	uint64_t since_ticks;
	uint64_t arg;          /* SLEEP: deadline, CLOCK_MONOTONIC ns; LOCK: who is to own it; ACQUIRE: permits; READ/WRITE: fd */
	uint32_t poll;         /* the task's `polls` when it was registered */
	uint8_t state;         /* enum rouse_wait_state */
	uint8_t op;            /* enum rouse_op */
	uint16_t reserved;
};
enum rouse_wait_state { ROUSE_WAIT_IDLE = 0, ROUSE_WAIT_WAITING = 1, ROUSE_WAIT_GRANTED = 2 };

#define ROUSE_OPS(X)                                                                               \
	X(NONE, "none")                                                                            \
	X(YIELD, "yield")                                                                          \
	X(SLEEP, "sleep")                                                                          \
	X(JOIN, "join")                                                                            \
	X(LOCK, "lock")                                                                            \
	X(ACQUIRE, "acquire")                                                                      \
	X(NOTIFIED, "notified")                                                                    \
	X(ONESHOT_RECV, "oneshot receive")                                                         \
	X(RECV, "receive")                                                                         \
	X(SEND, "send")                                                                            \
	X(READ, "read")                                                                            \
	X(WRITE, "write")                                                                          \
	X(ACCEPT, "accept")                                                                        \
	X(CONNECT, "connect")                                                                      \
	X(BLOCKING, "blocking job")                                                                \
	X(CUSTOM, "a waker of its own")
enum rouse_op {
#define X(name, text) ROUSE_OP_##name,
	ROUSE_OPS(X)
#undef X
	ROUSE_OP_MAX
};

/* -------------------------------------------------------------- resources */

#define ROUSE_RESOURCE_KINDS(X)                                                                    \
	X(FREE, "free")                                                                            \
	X(TIMERS, "timer wheel")                                                                   \
	X(MUTEX, "mutex")                                                                          \
	X(SEMAPHORE, "semaphore")                                                                  \
	X(NOTIFY, "notify")                                                                        \
	X(ONESHOT, "oneshot")                                                                      \
	X(MPSC, "channel")                                                                         \
	X(UNBOUNDED, "unbounded channel")                                                          \
	X(LISTENER, "listener")                                                                    \
	X(SOCKET, "socket")                                                                        \
	X(FD, "file descriptor")                                                                   \
	X(BLOCKING_JOB, "blocking job")
enum rouse_resource_kind {
#define X(name, text) ROUSE_RESOURCE_##name,
	ROUSE_RESOURCE_KINDS(X)
#undef X
	ROUSE_RESOURCE_KIND_MAX
};

enum rouse_resource_flag {
	ROUSE_RESOURCE_CLOSED = 0x01,   /* nothing more will come */
	ROUSE_RESOURCE_OWNED = 0x02,    /* mutex: `owner` is exact; semaphore: `holders` are, nobody else may release */
	ROUSE_RESOURCE_ORPHANED = 0x04, /* its runtime is gone */
	ROUSE_RESOURCE_READABLE = 0x08, /* sockets: readiness the runtime has not consumed */
	ROUSE_RESOURCE_WRITABLE = 0x10,
	ROUSE_RESOURCE_HANDED = 0x20,   /* mutex: given to a waiter, which has not been polled with it yet */
	ROUSE_RESOURCE_UNTRACKED = 0x40, /* semaphore: `holders` does not account for all permits that are out */
	ROUSE_RESOURCE_SHARED = 0x80     /* semaphore: others than their takers have released permits, ever */
};

/** A notify's value while tasks wait for it: there is no permit then. */
enum rouse_notify_value { ROUSE_NOTIFY_WAITED = 2 };

/**
 * The head of every resource, in a chunk of kind ROUSE_CHUNK_RESOURCE. Serial 0
 * means free. Meaning of the numbers by kind:
 *
 *     kind          value             capacity   side_a        side_b         owner
 *     mutex         1 free, 0 locked  1          handles       -              holder (exact)
 *     semaphore     permits free      permits    handles       made with      last to acquire
 *     notify        stored permit     1          handles       -              -
 *                   (or ROUSE_NOTIFY_WAITED: none, for somebody waits)
 *     oneshot       1 = value sent    1          senders       receivers      -
 *     channel       messages queued   bound      senders       receivers      -
 *     unbounded     messages queued   0          senders       receivers      -
 *     socket, fd    fd                -          bytes read    bytes written  last user
 *     listener      fd                backlog    accepted      -              last user
 *     blocking job  state 0 queued, 1 running, 2 done          -              thread id
 *                   side_a: address of the job's function; owner_since: when a thread began it
 *     timer wheel   armed timers      -          fired         -              worker index
 */
struct rouse_resource_record {
	uint64_t serial;
	uint8_t kind;
	uint8_t flags;
	uint16_t reserved;
	uint32_t site;        /* where it was created: index into the site table */
	char name[24];        /* NUL-terminated, may be empty */
	uint64_t owner;       /* task id, or as above */
	uint64_t owner_since; /* ticks */
	uint64_t creator;     /* task id, 0 = outside any task */
	uint64_t created_ticks;
	uint64_t value;
	uint64_t capacity;
	uint64_t side_a;
	uint64_t side_b;
	uint64_t last_user_a; /* task id of the last sender, acquirer, ... */
	uint64_t last_user_b; /* task id of the last receiver */
	uint64_t holders; /* semaphores: address of struct rouse_holder_record [holder_capacity], in the same slot */
	uint32_t holder_capacity;
	uint32_t granted; /* semaphores: permits given to waiters that have not been polled with them yet */
};
#define ROUSE_RESOURCE_BYTES 136u

/**
 * Who has taken permits, or was granted them, and has not given them back. Task
 * 0: the entry is free. Unless UNTRACKED it is exact: capacity - value is the
 * sum of `permits`. `since_ticks` is when the holder's first permit came that it has
 * had one ever since. More permits than it was made with (capacity > side_b)
 * were brought by somebody who had not taken them: such a semaphore counts
 * things that happen, and who "has" a permit of it may have used it up.
 */
struct rouse_holder_record {
	uint64_t task; /* id, or 2^63 + thread id outside of any task */
	uint64_t permits;
	uint64_t since_ticks;
};

/* ----------------------------------------------------------------- chunks */

enum rouse_chunk_kind { ROUSE_CHUNK_TASK = 1, ROUSE_CHUNK_RESOURCE = 2 };

/** A run of `cells` slots of `stride` bytes at `address`. `kind` is stored last. */
struct rouse_chunk_entry {
	uint64_t address;
	uint32_t stride;
	uint32_t cells;
	uint32_t kind;
	uint32_t shard;
};

/* ------------------------------------------------------------------ sites */

enum rouse_site_kind {
	ROUSE_SITE_FUNCTION = 1, /* an async function: address of its struct rouse_future_type */
	ROUSE_SITE_COMBINATOR,   /* timeout, and_then, map: as FUNCTION, no source of its own */
	ROUSE_SITE_LEAF,         /* a leaf future's type */
	ROUSE_SITE_AWAIT,        /* an await site: address of its struct rouse_site */
	ROUSE_SITE_SELECT,       /* an await site whose children are alternatives */
	ROUSE_SITE_JOIN,         /* an await site whose children are all needed */
	ROUSE_SITE_SPAWN,
	ROUSE_SITE_RESOURCE
};

/** One place in the source. Entry 0 is unused: index 0 means "unknown". `kind` is stored last. */
struct rouse_site_entry {
	uint64_t address;
	uint32_t name;        /* offset into the strings: function or type name */
	uint32_t file;        /* offset into the strings */
	uint32_t line;
	uint32_t kind;        /* enum rouse_site_kind, 0 = entry not yet written */
	uint32_t frame_bytes; /* types: size of the future */
	uint16_t node_offset; /* leaf types: struct rouse_wait_record within the future, 0 = none */
	uint8_t op;           /* leaf types: enum rouse_op */
	uint8_t histogram;    /* spawn sites: 1 + index into the histograms, 0 = shares none */
};

/* ---------------------------------------------------------------- workers */

#define ROUSE_WORKER_STATES(X)                                                                     \
	X(STOPPED, "stopped")                                                                      \
	X(POLLING, "polling")                                                                      \
	X(SEARCHING, "searching")                                                                  \
	X(PARKED, "parked")                                                                        \
	X(DRIVER, "in the driver")
enum rouse_worker_state {
#define X(name, text) ROUSE_WORKER_##name,
	ROUSE_WORKER_STATES(X)
#undef X
	ROUSE_WORKER_STATE_MAX
};

/** Exact counters, one writer each; the page sums foreign threads in a record of its own. */
#define ROUSE_COUNTERS(X)                                                                          \
	X(spawned, "tasks spawned by this worker")                                                 \
	X(completed, "tasks that returned")                                                        \
	X(cancelled, "tasks that were cancelled")                                                  \
	X(panicked, "tasks that panicked")                                                         \
	X(polls, "polls begun")                                                                    \
	X(wakes, "wakes that scheduled a task")                                                    \
	X(self_wakes, "of those, by the task itself")                                              \
	X(remote_schedules, "schedules through the global queue")                                  \
	X(steal_attempts, "victims looked at")                                                     \
	X(steals, "victims robbed")                                                                \
	X(stolen, "tasks stolen")                                                                  \
	X(migrations, "polls of a task last polled by another worker")                             \
	X(overflows, "local ring overflows")                                                       \
	X(lifo_polls, "tasks taken from the LIFO slot")                                            \
	X(inject_polls, "tasks taken from the global queue")                                       \
	X(parks, "times this worker went to sleep")                                                \
	X(spins, "searches that spun before parking")                                              \
	X(driver_turns, "epoll waits")                                                             \
	X(io_events, "readiness events delivered")                                                 \
	X(timers_armed, "timers registered")                                                       \
	X(timers_fired, "timers that fired")                                                       \
	X(forced_yields, "yields forced by the budget")                                            \
	X(long_polls, "polls the watchdog saw twice")                                              \
	X(emitted, "ring records written")                                                         \
	X(busy_ticks, "ticks inside polls (L1)")                                                   \
	X(park_ticks, "ticks asleep (L1)")                                                         \
	X(empty_wakes, "sleeps that ended for nothing: no poll before the next one, no event, no timer")
struct rouse_counters {
#define X(name, text) uint64_t name;
	ROUSE_COUNTERS(X)
#undef X
};

/**
 * One per worker (and one, the last, for all foreign threads, whose counters
 * are atomic adds). `in_transit` is a task id, or UINT64_MAX for "several",
 * while this thread holds tasks that are in no queue and no waiter list.
 */
struct rouse_worker_record {
	uint32_t tid; /* kernel thread id, 0 = not started */
	uint32_t index;
	uint32_t state; /* enum rouse_worker_state */
	uint32_t flags;
	uint64_t current_task; /* id of the task being polled, 0 = none */
	uint64_t current_cell; /* its address */
	uint64_t poll_start;   /* ticks (L1) */
	uint64_t in_transit;
	uint64_t state_since;  /* ticks of the last change of `state` (L1) */
	uint64_t queue;        /* address of the local ring: struct rouse_queue_record */
	uint64_t timers;       /* serial of its timer wheel */
	uint64_t next_deadline; /* of its wheel, CLOCK_MONOTONIC ns, UINT64_MAX = none */
	uint64_t stack; /* while it works: below this address its thread's stack is the runtime's, but during polls */
	uint64_t reserved[5];
	struct rouse_counters counters; /* at 128 */
	uint64_t tail[21];
};
#define ROUSE_WORKER_BYTES 512u

/**
 * On the stack of a thread in rouse_block_on(), which sleeps in futex(&word).
 * All registers that its caller wants kept have been stored on that stack.
 */
struct rouse_blocked_record {
	uint64_t magic; /* ROUSE_BLOCKED_MAGIC while it may sleep, else 0 */
	uint32_t word;
	uint32_t reserved;
};
#define ROUSE_BLOCKED_MAGIC 0x6b636f6c62737572ull

#define ROUSE_QUEUE_SLOTS 256u
/** Depth = tail - (head & 0xffffffff), plus one if lifo is not 0. */
struct rouse_queue_record {
	uint64_t head; /* steal index << 32 | real index */
	uint64_t pad0[7];
	uint32_t tail;
	uint32_t pad1;
	uint64_t lifo; /* cell address or 0 */
	uint64_t pad2[6];
	uint64_t slots[ROUSE_QUEUE_SLOTS]; /* cell addresses */
};

/* ------------------------------------------------------------- histograms */

/** Power-of-two buckets: [i] counts durations d with 2^i <= d ns < 2^(i+1); [0] takes 0 and 1. */
#define ROUSE_HISTOGRAM_BUCKETS 40u
struct rouse_histogram {
	uint32_t count[ROUSE_HISTOGRAM_BUCKETS];
};
struct rouse_histogram_pair {
	struct rouse_histogram poll;  /* duration of polls */
	struct rouse_histogram delay; /* first wake (or spawn) -> poll */
};
#define ROUSE_HISTOGRAM_SITES 128u

/* ------------------------------------------------------------------ rings */

/**
 * Rings always overwrite. `head` counts records ever written. A reader keeps
 * its cursor: records in [max(cursor, head - capacity + 1), head) can be read;
 * after copying it loads head again and discards what may have been overwritten
 * meanwhile; lost = what it had to skip. emitted = delivered + lost.
 */
struct rouse_ring {
	uint64_t head;
	uint32_t tid; /* owner thread now, 0 = unclaimed */
	uint32_t worker; /* worker index, or 0xffffffff for a foreign thread */
	uint64_t pad[6];
	/* struct rouse_event records[capacity] follow at offset 64 */
};
#define ROUSE_RING_RECORDS_OFFSET 64u

struct rouse_event {
	uint64_t ticks;
	uint64_t task;
	uint16_t kind; /* enum rouse_event_kind */
	uint16_t worker;
	uint32_t arg32;
	uint64_t arg;
};

/*  kind       task      arg32                     arg */
#define ROUSE_EVENTS(X)                                                                            \
	X(NONE, "none")         /* -         -                         - */                        \
	X(SPAWN, "spawn")       /* new task  spawn site                parent task id */           \
	X(POLL, "poll")         /* task      poll number               duration in ticks; ticks = start */ \
	X(WAKE, "wake")         /* woken     poll number then          waker: task id or source */ \
	X(COMPLETE, "complete") /* task      enum rouse_task_state     - */                        \
	X(PARK, "park")         /* -         1 in the driver           duration in ticks */        \
	X(STEAL, "steal")       /* -         victim                    tasks taken */
enum rouse_event_kind {
#define X(name, text) ROUSE_EVENT_##name,
	ROUSE_EVENTS(X)
#undef X
	ROUSE_EVENT_MAX
};

/* ------------------------------------------------------------------ drops */

/**
 * The last waker of a task that rested was dropped, not called: who did it,
 * when, and from where. Entry i % drop_capacity of drop i; always overwritten.
 * `task` is stored first as 0, and last; a reader takes an entry whose task is
 * the same before and after. Writers take turns. A drop while the task runs, or
 * is to run, is none of these: its next poll can see to a new waker. `pc` lies
 * in the runtime if the waker was a wait node's, whose future was dropped.
 */
struct rouse_drop_record {
	uint64_t task;
	uint64_t ticks;
	uint64_t by; /* task id, or 2^63 + thread id outside of any task */
	uint64_t pc; /* return address of rouse_waker_drop() */
};
#define ROUSE_DROPS 256u

/* ---------------------------------------------------------------- threads */

/** What a thread of the process does for a runtime. */
#define ROUSE_THREAD_ROLES(X)                                                                                          \
	X(WORKER, "worker")                                                                                            \
	X(BLOCKING, "blocking pool")                                                                                   \
	X(WATCHDOG, "watchdog")                                                                                        \
	X(OTHER, "other")
enum rouse_thread_role {
#define X(name, text) ROUSE_THREAD_##name,
	ROUSE_THREAD_ROLES(X)
#undef X
		ROUSE_THREAD_ROLE_MAX
};
/** What a thread of the blocking pool calls itself; only so an idle one can be told. */
#define ROUSE_POOL_THREAD_NAME "rouse-blocking"

/* ------------------------------------------------------------------- page */

enum rouse_clock_kind { ROUSE_CLOCK_TSC = 1, ROUSE_CLOCK_MONOTONIC = 2 };
enum rouse_runtime_state {
	ROUSE_RUNTIME_STARTING = 1,
	ROUSE_RUNTIME_ACTIVE,
	ROUSE_RUNTIME_STOPPING,
	ROUSE_RUNTIME_STOPPED
};
enum rouse_flavor { ROUSE_FLAVOR_MULTI = 1, ROUSE_FLAVOR_CURRENT = 2 };

/**
 * mono_ns(ticks) = anchor_ns + ((ticks - anchor_ticks) * mult >> 32), signed.
 * Sequence-locked: `seq` is odd while the watchdog writes.
 */
struct rouse_clock_anchor {
	uint32_t seq;
	uint32_t kind; /* enum rouse_clock_kind */
	uint64_t ticks;
	uint64_t mono_ns;
	uint64_t real_ns; /* CLOCK_REALTIME at the same instant */
	uint64_t mult;    /* ns per tick, 32.32 fixed point */
};

struct rouse_page {
	char magic[8];
	uint32_t version;
	uint32_t page_bytes; /* sizeof(struct rouse_page) */
	uint64_t total_bytes;
	uint64_t address; /* where the target has it mapped */
	uint32_t pid;     /* as the target saw it */
	uint32_t state;   /* enum rouse_runtime_state */
	uint32_t flavor;
	uint32_t level;   /* 0, 1 or 2 */
	char name[32];
	struct rouse_clock_anchor anchor; /* at 80 */
	uint64_t started_ticks;
	uint64_t task_waker_vtable; /* wakers with this vtable point to task cells */
	uint32_t workers;           /* in use */
	uint32_t worker_capacity;   /* records; record [worker_capacity] is the foreign one */
	uint32_t chunk_count;
	uint32_t chunk_capacity;
	uint32_t site_count; /* including the unused entry 0 */
	uint32_t site_capacity;
	uint32_t string_bytes;
	uint32_t string_capacity;
	uint32_t ring_count; /* worker rings first, then foreign ones */
	uint32_t ring_capacity; /* records in each, a power of two */
	uint64_t ring_stride;
	uint64_t off_workers;
	uint64_t off_chunks;
	uint64_t off_sites;
	uint64_t off_strings;
	uint64_t off_histograms;
	uint64_t off_rings;
	/* gauges */
	uint64_t inject_depth;     /* tasks in the global queue */
	uint64_t blocking_queued;
	uint64_t blocking_threads;
	uint64_t blocking_idle;
	uint64_t blocking_limit;
	uint64_t foreign_in_transit; /* foreign threads now holding a task: a count */
	uint64_t foreign_lost;       /* events of threads that found no ring */
	uint64_t watchdog_ticks;     /* when it last looked */
	uint64_t long_poll_ns;       /* its threshold */
	uint32_t watchdog_tid;
	uint32_t driver_worker;      /* index of the worker in the driver + 1, 0 = nobody */
	uint64_t agent;              /* 1 once an agent serves this process */
	uint64_t off_drops;
	uint64_t drops; /* ever written; stored after the entry */
	uint32_t drop_capacity;
	uint32_t reserved;
	uint64_t stopping_ticks; /* when the shutdown began, 0 = it has not */
};

/** Where a panic was, while the panicked task's cell lives. */
struct rouse_panic_record {
	uint64_t site_address;
	uint64_t file_address;
	uint32_t line;
	uint32_t bytes;
	/* the message follows, NUL-terminated */
};

#ifdef __cplusplus
}
#endif
#endif
