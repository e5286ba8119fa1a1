/* SPDX-License-Identifier: MIT */
/* What diagnosis remembers from look to look, beside its findings. */
#ifndef CN_DIAGNOSE_MEMORY_H
#define CN_DIAGNOSE_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

#include "model/slots.h"

enum { CN_SEARCHES_MAX = 64, CN_WATCHED_RUNTIMES = 64, CN_ORDERS_MAX = 1 << 14, CN_GATES_MAX = 4 };

/* A search of memory for one address, see cn_searched(). */
struct cn_search {
	uint64_t id;
	uint64_t still;      /* what was searched for was in this state */
	uint64_t used;       /* clock */
	uint32_t since_look; /* what was found before says nothing */
	uint32_t last_look;  /* of the newest that was counted */
	uint32_t times;      /* whole searches */
	uint32_t tries;
	bool found; /* elsewhere: it is alive */
};

/* One lock was taken, or waited for, by a task that held another. */
struct cn_order {
	uint64_t key;         /* of the pair: a row of cn_slots */
	uint64_t held, taken; /* serials */
	uint64_t task;        /* who did so last */
	uint64_t other_task;  /* one that did so too, 0 = none */
	uint64_t seen_ns;
	uint64_t waits_ns; /* when a look last saw `task` wait for it */
	uint32_t site;     /* where that task stood */
	uint8_t runtime;
	uint8_t n_gates;
	bool told; /* as a ring of the two, with its opposite */
	uint64_t gates[CN_GATES_MAX]; /* locks that were held every time: they keep the orders apart */
};

struct cn_driver_watch {
	uint64_t turns;
	uint64_t since_ns;
};

/* A socket that a task waits to read from, and whose buffer in the kernel was asked for: see readiness.c. */
enum { CN_READS_MAX = 4 };
struct cn_read_watch {
	uint64_t serial; /* 0 = none */
	uint64_t bytes;  /* that lay there when it was first seen */
	uint64_t since_ns;
	uint64_t seen_ns; /* of the socket's row that was judged last */
	uint64_t asked;   /* clock, when it was first asked for */
	uint32_t answers;
};

struct cn_memory {
	uint64_t clock; /* diagnoses so far */
	struct cn_search searches[CN_SEARCHES_MAX];
	struct cn_slots orders;
	struct cn_read_watch reads[CN_READS_MAX];
	uint64_t last_read; /* serial that was asked for last */
	struct cn_driver_watch drivers[CN_WATCHED_RUNTIMES];
};

void cn_memory_init(struct cn_memory *memory);
void cn_memory_fini(struct cn_memory *memory);

#endif
