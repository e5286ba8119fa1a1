/* SPDX-License-Identifier: MIT */
/*
 * A look, and what is remembered from one to the next.
 *
 * A look goes through the runtimes of the target, and in each through its
 * chunks, a window of memory at a time. It can stop after every window: the
 * agent serves many clients from one thread, and one of them may be slow while
 * a million tasks are on their way to it.
 */
#ifndef RI_LOOK_H
#define RI_LOOK_H

#include <string.h>

#include "drain/early.h"
#include "drain/ring.h"
#include "drain/watch.h"
#include "inspect/core.h"
#include "inspect/memory.h"
#include "inspect/out.h"
#include "inspect/page.h"
#include "inspect/peers.h"
#include "inspect/sites.h"

enum {
	RI_RUNTIMES_MAX = 16,
	RI_WINDOW_BYTES = RI_STRIDE_MAX,
	RI_WINDOW_SLOTS = RI_WINDOW_BYTES / ROUSE_CELL_BYTES,
	RI_SLOTS_MAX = 1 << 24, /* of one runtime */
	RI_DETAIL_MAX = 16,
	RI_THREADS_MAX = 2048 /* of one runtime */
};

/* What a slot held when its row was last sent. Digest 0: nothing that could be relied on. */
struct ri_seen {
	uint64_t id;
	uint64_t digest;
};

struct ri_chunk {
	struct rouse_chunk_entry entry; /* kind 0: not used */
	struct ri_seen *seen;           /* per slot; NULL until the chunk was read */
};

/* Where a chunk begins; sorted, they find the chunk of an address. */
struct ri_span {
	uint64_t address;
	uint32_t chunk;
};

/* A thread that the last look showed. */
struct ri_thread {
	uint32_t tid;
	uint32_t os_tid;
	uint32_t role;
};

struct ri_runtime {
	bool used;    /* has an index in this stream */
	bool present; /* its page is mapped, as of this look */
	bool told;    /* the stream has a keyframe of it */
	uint64_t address;
	uint64_t mapped;
	uint64_t started_ticks;
	struct rouse_page page;
	struct ri_sites sites;
	struct ri_strings strings;
	uint32_t keyframe_text; /* bytes of them that the last keyframe needed */
	uint64_t newest_ns;     /* of memory that stands still: the last moment that it knows */
	struct {
		uint32_t tasks, torn;
		bool complete;
	} last; /* what the last look came to */
	struct ri_chunk *chunks; /* hidden.h */
	uint32_t chunk_count;
	uint64_t slots; /* of all chunks that were read */
	struct ri_span *spans;
	uint32_t n_spans; /* 0: to be made anew */
	struct ri_thread *threads;
	uint32_t n_threads;
	struct ri_rings rings;
	struct ri_early early;
	struct ri_watches watches;
};

/* The look in progress. */
struct ri_look {
	bool active;
	struct rouse_look_opts opts;
	uint64_t watch[RI_WATCH_MAX];
	uint64_t detail[RI_DETAIL_MAX];
	uint32_t runtime; /* being looked at */
	enum { RI_PHASE_BEGIN, RI_PHASE_CHUNKS, RI_PHASE_RINGS, RI_PHASE_REFERENCES } phase;
	uint64_t stack; /* below it this thread's stack is the reader's own */
	bool keyframe;
	uint32_t chunk;       /* next */
	uint32_t slot;        /* next of that chunk */
	uint32_t ring, rings; /* next, and how many are wanted */
	/* of this generation */
	bool complete;
	uint32_t tasks;
	uint32_t torn;
	uint64_t in_transit[RI_WORKERS_MAX + 1]; /* gathered samples; see ri_workers_sample() */
	struct {
		uint64_t serial;
		uint64_t armed;
	} wheels[RI_WORKERS_MAX + 1];
	uint32_t n_wheels;
	uint64_t queues[RI_WORKERS_MAX]; /* of each worker, as its record was sent: the queue's address */
	uint32_t worker_tids[RI_WORKERS_MAX]; /* 0 = does not work */
	uint32_t job_tids[RI_THREADS_MAX];    /* threads that run blocking jobs */
	uint32_t n_job_tids;
	struct {
		uint64_t serial;
		int fd;
	} descriptors[RI_DETAIL_MAX]; /* of resources that more is wanted of */
	uint32_t n_descriptors;
};

struct ri_references;

/* In hidden memory (hidden.h), as are its buffers. */
struct rouse_inspect {
	struct ri_memory memory;
	bool is_process;
	struct ri_process process;
	struct ri_core *core;            /* NULL: it is none */
	uint64_t pages[RI_RUNTIMES_MAX]; /* when it is neither */
	size_t n_pages;
	bool said_hello;
	uint64_t generation;
	struct ri_runtime runtimes[RI_RUNTIMES_MAX];
	struct ri_look look;

	struct ri_out out;
	struct ri_task_batch tasks;
	struct ri_await_batch awaits;
	struct ri_resource_batch resources;
	struct ri_holder_batch holders;
	uint64_t removed[2][RI_ROWS]; /* task ids, resource serials */
	size_t n_removed[2];
	uint64_t digests[RI_WINDOW_SLOTS];
	struct ri_references *references; /* NULL until asked for */
	struct ri_peers peers;            /* at the other ends of sockets that were asked for */
	uint8_t *first_look;  /* RI_WINDOW_BYTES each */
	uint8_t *second_look;
	uint8_t scratch[RP_FRAME_MAX]; /* a message being packed, or a future being scanned */
};

/*
 * The public look in steps. begin: 0 or -errno. step: 1 = to be continued, 0 =
 * done, or -errno, which ends the look. The agent's own process may have no
 * runtime for a while: begin then finds nothing, and the look is empty.
 */
int ri_look_begin(struct rouse_inspect *inspect, const struct rouse_look_opts *opts, rouse_frame_fn frame, void *arg);
int ri_look_step(struct rouse_inspect *inspect);
/* Says Hello now, not with the first look. */
int ri_look_hello(struct rouse_inspect *inspect, const char *source, rouse_frame_fn frame, void *arg);
/* Which runtimes are there now: their number, or -ESRCH, -EACCES, -EPROTO (there are, but of another version). */
int ri_look_find(struct rouse_inspect *inspect);
/* As rouse_inspect_open_pid, but a process without a runtime is fine. */
int ri_inspect_open(int pid, struct rouse_inspect **ret_inspect);
/* As rouse_inspect_open_core; takes the core, also when it fails. */
int ri_inspect_open_core(struct ri_core *core, struct rouse_inspect **ret_inspect);
/* Forgets what is known of a runtime, its place in the stream included. */
void ri_runtime_fini(struct ri_runtime *runtime);

/*
 * The parts of a look answer 0, -errno of the way out, or RI_UNREADABLE:
 * memory of the target could not be read (any more), or the budget is spent.
 */
enum { RI_UNREADABLE = 1 };
/* One window of a chunk: slots from `first`, `n` of them. */
int ri_tasks_window(struct rouse_inspect *inspect, struct ri_runtime *runtime, struct ri_chunk *chunk, uint32_t first,
	uint32_t n);
int ri_resources_window(struct rouse_inspect *inspect, struct ri_runtime *runtime, struct ri_chunk *chunk,
	uint32_t first, uint32_t n);
int ri_workers_send(struct rouse_inspect *inspect, struct ri_runtime *runtime);
int ri_drops_send(struct rouse_inspect *inspect, struct ri_runtime *runtime);
/* After the workers: what their queues hold, what the system says of the threads. */
int ri_queues_send(struct rouse_inspect *inspect, struct ri_runtime *runtime);
int ri_threads_send(struct rouse_inspect *inspect, struct ri_runtime *runtime);
/* The kernel's view of the descriptors that the resource windows have noted. */
int ri_sockets_send(struct rouse_inspect *inspect, struct ri_runtime *runtime);

/* The task whose cell is at `address`: its id, as this look has read it; 0 = it cannot be told. */
uint64_t ri_task_at(struct rouse_inspect *inspect, struct ri_runtime *runtime, uint64_t address);

/*
 * Notes which tasks threads have in their hands at this moment. Called between
 * the two looks at a window: a task whose wait node was already granted at the
 * first look, and whose state is still the same at the second, was in the
 * granter's in_transit word all the time between, so here it is seen.
 */
int ri_workers_sample(struct rouse_inspect *inspect, struct ri_runtime *runtime);
/* The newest moment that page and workers know of, ns: "now", where time stands still. */
uint64_t ri_workers_newest(struct rouse_inspect *inspect, const struct ri_runtime *runtime);

/* 64 bits that change when the bytes do; `n` is a multiple of 8. Two lanes, so that multiplications overlap. */
static inline uint64_t ri_digest(const void *bytes, size_t n)
{
	uint64_t a = 0x9e3779b97f4a7c15ull, b = 0xc2b2ae3d27d4eb4full, word[2];

	for (size_t i = 0; i < n; i += sizeof word) {
		word[1] = 0;
		memcpy(word, (const uint8_t *)bytes + i, n - i < sizeof word ? n - i : sizeof word);
		a = (a ^ word[0]) * 0xff51afd7ed558ccdull;
		b = (b ^ word[1]) * 0xc4ceb9fe1a85ec53ull;
		a ^= a >> 29;
		b ^= b >> 31;
	}
	a ^= (b << 32 | b >> 32) * 0x9fb21c651e98df25ull;
	a ^= a >> 32;
	return a ? a : 1; /* 0 is taken */
}

#endif
