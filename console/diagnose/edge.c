/* SPDX-License-Identifier: MIT */
#include "diagnose/edge.h"

#include <errno.h>
#include <stdlib.h>

#include "model/slots.h"

enum { RECORDS_MAX = 16384, EDGES_A_LOOK = 64, QUIET = 4 /* intervals without an edge: it has calmed down */ };

/* What is known of one finding, and what was told of it. */
struct record {
	uint64_t key;
	uint64_t untold; /* edges since the last that was told */
	uint64_t told_ns;
	uint64_t interval_ns;
	uint64_t look;
	bool here, told_here;
	uint8_t class, told_class; /* the strongest while it is here */
	struct cn_finding finding;
};

struct cn_edges {
	struct cn_edges_opts opts;
	struct cn_slots records;
	uint64_t look;
};

struct cn_edges *cn_edges_new(const struct cn_edges_opts *opts)
{
	struct cn_edges *edges = calloc(1, sizeof *edges);

	if (!edges)
		return NULL;
	edges->opts = *opts;
	if (edges->opts.max_interval_ns < edges->opts.min_interval_ns)
		edges->opts.max_interval_ns = edges->opts.min_interval_ns;
	cn_slots_init(&edges->records, sizeof(struct record), RECORDS_MAX);
	return edges;
}

void cn_edges_free(struct cn_edges *edges)
{
	if (!edges)
		return;
	cn_slots_fini(&edges->records);
	free(edges);
}

/* ---------------------------------------------------------- what has changed */

/* Beyond RECORDS_MAX findings at once, one more tells a person nothing. */
static int see(struct cn_edges *edges, const struct cn_finding *finding)
{
	struct record *record = cn_slots_find(&edges->records, finding->key);
	void *row;
	int rc;

	if (finding->class < edges->opts.least && !(record && record->here))
		return 0;
	if (!record) {
		rc = cn_slots_put(&edges->records, finding->key, &row);
		if (rc)
			return rc == -E2BIG ? 0 : rc;
		record = row;
		record->interval_ns = edges->opts.min_interval_ns;
	}
	record->look = edges->look;
	record->finding = *finding;
	if (!record->here || finding->class > record->class) {
		record->untold++;
		record->class = finding->class;
	}
	record->here = true;
	return 0;
}

static void miss(struct cn_edges *edges)
{
	for (size_t i = 0; i < edges->records.used; i++) {
		struct record *record = cn_slots_at(&edges->records, i);

		if (!record || !record->here || record->look == edges->look)
			continue;
		record->here = false;
		record->untold++;
	}
}

/* ------------------------------------------------------------------ telling */

/* What is to be told now; CN_EDGE_KIND_MAX = nothing. */
static enum cn_edge_kind due(const struct record *record, uint64_t now_ns)
{
	bool open = !record->told_ns || now_ns >= record->told_ns + record->interval_ns;

	if (record->here && record->told_here)
		return record->class > record->told_class ? CN_EDGE_GROWS : CN_EDGE_KIND_MAX;
	if (record->here == record->told_here || !open)
		return CN_EDGE_KIND_MAX;
	return record->here ? CN_EDGE_APPEARS : CN_EDGE_GOES;
}

/* Edges that were kept back lengthen the interval; quiet gives it back. */
static uint64_t next_interval(const struct cn_edges *edges, const struct record *record, uint64_t now_ns)
{
	if (!record->told_ns || now_ns - record->told_ns > QUIET * record->interval_ns)
		return edges->opts.min_interval_ns;
	if (record->untold <= 1)
		return record->interval_ns;
	return record->interval_ns < edges->opts.max_interval_ns / 2 ? record->interval_ns * 2
								     : edges->opts.max_interval_ns;
}

static void tell(const struct cn_edges *edges, struct record *record, enum cn_edge_kind kind, uint64_t now_ns,
	cn_edge_fn fn, void *arg)
{
	struct cn_edge edge = { .kind = kind, .suppressed = record->untold - 1, .finding = record->finding };

	edge.finding.class = record->class;
	fn(arg, &edge);
	if (kind != CN_EDGE_GROWS) {
		record->interval_ns = next_interval(edges, record, now_ns);
		record->told_ns = now_ns;
	}
	record->told_here = record->here;
	record->told_class = record->class;
	record->untold = 0;
}

/* It has gone, that was told, and it has not come back for long. */
static bool is_over(const struct record *record, uint64_t now_ns)
{
	return !record->here && !record->told_here && now_ns > record->told_ns + QUIET * record->interval_ns;
}

int cn_edges_take(struct cn_edges *edges, const struct cn_findings *findings, uint64_t now_ns, cn_edge_fn fn, void *arg)
{
	int told = 0;

	edges->look++;
	for (size_t i = 0; i < cn_findings_count(findings); i++) {
		int rc = see(edges, cn_findings_at(findings, i));

		if (rc)
			return rc;
	}
	miss(edges);
	for (size_t i = 0; i < edges->records.used; i++) {
		struct record *record = cn_slots_at(&edges->records, i);
		enum cn_edge_kind kind = record ? due(record, now_ns) : CN_EDGE_KIND_MAX;

		if (!record)
			continue;
		if (kind != CN_EDGE_KIND_MAX && told < EDGES_A_LOOK) {
			tell(edges, record, kind, now_ns, fn, arg);
			told++;
		} else if (is_over(record, now_ns)) {
			cn_slots_remove(&edges->records, record->key);
		}
	}
	return 0;
}

const char *cn_edge_name(unsigned int kind)
{
	static const char *const texts[] = {
#define X(name, text) text,
		CN_EDGE_KINDS(X)
#undef X
	};

	return kind < CN_EDGE_KIND_MAX ? texts[kind] : "unknown";
}
