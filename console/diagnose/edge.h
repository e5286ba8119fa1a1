/* SPDX-License-Identifier: MIT */
/*
 * Findings as events: one appears, grows stronger, goes. What a person is woken
 * for must neither be told look by look nor flap:
 *
 *     - Gone is what is not remembered any more (threshold "stays"), not what
 *       one look did not show.
 *     - Of one finding, what appears and goes again and again is told at most
 *       once in an interval, which doubles while that goes on. The next edge
 *       says how many were not told, and tells how things stand now.
 *     - That it grows stronger is told at once: that can happen three times.
 *
 * A pure function of findings and time, like diagnosis itself.
 */
#ifndef CN_DIAGNOSE_EDGE_H
#define CN_DIAGNOSE_EDGE_H

#include <stdint.h>

#include "diagnose/finding.h"

#define CN_EDGE_KINDS(X)                                                                                               \
	X(APPEARS, "appears")                                                                                          \
	X(GROWS, "grows")                                                                                              \
	X(GOES, "goes")
enum cn_edge_kind {
#define X(name, text) CN_EDGE_##name,
	CN_EDGE_KINDS(X)
#undef X
		CN_EDGE_KIND_MAX
};

struct cn_edge {
	enum cn_edge_kind kind;
	uint64_t suppressed;       /* edges of this finding since the last that was told */
	struct cn_finding finding; /* as it was last seen; its class is the strongest it has reached */
};

struct cn_edges_opts {
	enum cn_class least;      /* weaker findings are none */
	uint64_t min_interval_ns; /* 0 = tell every edge */
	uint64_t max_interval_ns;
};

struct cn_edges;
typedef void (*cn_edge_fn)(void *arg, const struct cn_edge *edge);

/* NULL without memory. */
struct cn_edges *cn_edges_new(const struct cn_edges_opts *opts);
void cn_edges_free(struct cn_edges *edges);
/*
 * To be called after each look, with the time of the target's clock. Tells at
 * most 64 edges a look; what is left waits for the next. 0 or -ENOMEM.
 */
int cn_edges_take(
	struct cn_edges *edges, const struct cn_findings *findings, uint64_t now_ns, cn_edge_fn fn, void *arg);

const char *cn_edge_name(unsigned int kind);

#endif
