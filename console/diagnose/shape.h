/* SPDX-License-Identifier: MIT */
/*
 * Tasks that stand alike, counted together: a million tasks are a handful of
 * shapes. Of one shape are tasks of one spawn site and root, in one state, that
 * stand at the same await sites, with the same operations, on resources of the
 * same kind and creation site. Names and numbers of tasks and resources make no
 * difference.
 *
 * A pure function of the model, linear in its tasks. Shapes are told apart by
 * 64 bits of hash alone; a target that forges equal ones is shown as it wants,
 * in its own group.
 */
#ifndef CN_DIAGNOSE_SHAPE_H
#define CN_DIAGNOSE_SHAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "diagnose/finding.h"
#include "model/model.h"

enum { CN_SHAPE_SAMPLES = 3, CN_SHAPE_WAITS = 4 };

/* What tasks of a shape wait for. Of many, those are kept that most of them wait for. */
struct cn_shape_wait {
	uint64_t id; /* serial, or the task that is joined; 0 = free */
	uint64_t weight;
	uint8_t op;
};

struct cn_shape {
	uint64_t hash;
	uint64_t count;
	uint64_t oldest;                    /* the task that has been in its state for longest: it speaks for all */
	uint64_t in_state_ns;               /* and for how long */
	uint64_t samples[CN_SHAPE_SAMPLES]; /* lowest ids first, 0 = there are fewer */
	struct cn_shape_wait waits[CN_SHAPE_WAITS]; /* the heaviest first */
	bool more_waits;                            /* for other things than those too */
	bool own_names;                             /* they have names of their own that differ */
	uint32_t name;                              /* string index of the name they share, 0 = none */
	uint32_t spawn_site;
	uint8_t runtime, state, kind;
	uint8_t class; /* enum cn_class, of the strongest finding that holds about one of them */
	int finding;   /* its code, -1 = none */
};

struct cn_shapes {
	struct cn_shape *all; /* those with findings first, then by count */
	size_t n;
	uint64_t tasks;    /* in all of them */
	uint64_t left_out; /* tasks of shapes beyond CN_SHAPES_MAX */
};
enum { CN_SHAPES_MAX = 4096 };

/* 0 or -ENOMEM. `findings` may be NULL. Freed by cn_shapes_free(). */
int cn_shapes_build(const struct cn_model *model, const struct cn_findings *findings, struct cn_shapes *ret_shapes);
void cn_shapes_free(struct cn_shapes *shapes);

/* What such tasks are called: the name they share, else their root's, else their spawn site's. Never NULL, hostile. */
const char *cn_shape_name(const struct cn_model *model, const struct cn_shape *shape);
/* "mutex db (3 waiting), held by writer (20)"; of a joined task its name. Safe to print. */
const char *cn_shape_wait_text(char *out, size_t bytes, const struct cn_model *model, const struct cn_shape_wait *wait);

#endif
