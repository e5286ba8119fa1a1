/* SPDX-License-Identifier: MIT */
/*
 * Who could still run? The wait-for graph, and which of its tasks are dead:
 * those that nothing but a cancel, or a thread outside of the runtime, can
 * make run again.
 *
 *     task --waits to lock--> mutex --owned by------> task        exact
 *     task --joins---------------------------------> task        exact
 *     task --acquires--> semaphore --permits of-----> tasks       exact if it is an owned one
 *     task --sends--> full channel --received by----> task        likely: who received last
 *     task --receives--> channel --handles found in-> tasks       likely: a search of memory
 *
 * A task's awaits are a tree of AND and OR: a join of futures is dead when one
 * of them is, a select when all are, a timer or a socket never. The dead set is
 * the greatest one that agrees with that: begin with all that could be dead, and
 * take out, again and again, whoever has a living way out. What is left holds
 * itself down: rings and knots, and all that waits behind them, or behind tasks
 * without a waker.
 *
 * Soundness. Only tasks and resources that stood still for two looks take part;
 * being dead is a stable property, so the edges, each seen at its own instant,
 * were all there at once when the first of the looks had ended.
 */
#ifndef CN_DIAGNOSE_GRAPH_H
#define CN_DIAGNOSE_GRAPH_H

#include "diagnose/report.h"

/* How far edges are trusted. */
enum cn_trust { CN_TRUST_EXACT, CN_TRUST_LIKELY, CN_TRUST_MAX };

struct cn_graph {
	struct cn_diagnosis *diagnosis;
	const struct cn_model *model;
	enum cn_trust trust;
	struct cn_slots nodes;       /* by task id */
	struct cn_graph_edge *edges; /* by target */
	size_t n_edges, capacity;
};

/*
 * 0 or -ENOMEM; to be ended by cn_graph_fini() in either case. `wider` (NULL =
 * none) is the graph of this look by more trust: with less, fewer tasks are dead.
 */
int cn_graph_init(
	struct cn_graph *graph, struct cn_diagnosis *diagnosis, enum cn_trust trust, const struct cn_graph *wider);
void cn_graph_fini(struct cn_graph *graph);
bool cn_graph_dead(const struct cn_graph *graph, uint64_t task);
/* The next of those that are dead, NULL for none; begin with *node = 0. */
const struct cn_task *cn_graph_next_dead(const struct cn_graph *graph, size_t *node);

/* The i-th task that this await waits for, 0 behind the last. *ret_exact: by ownership. */
uint64_t cn_graph_target(const struct cn_graph *graph, const struct cn_task *task, const struct cn_await *await,
	size_t i, bool *ret_exact);

#endif
