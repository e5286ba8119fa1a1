/* SPDX-License-Identifier: MIT */
/*
 * Who spawned whom: tasks below the one that spawned them, in the order of their
 * ids, which is that of their spawns. Those of ended parents, or of none, are
 * roots. What is folded hides all below it; a task with many children is folded
 * to begin with, for ten thousand rows say less than their number.
 */
#ifndef CN_VIEW_TREE_H
#define CN_VIEW_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cn_model;

enum { CN_TREE_MANY = 20 /* children: folded unless it is unfolded */, CN_TREE_DEEP = 255 };

struct cn_tree_node {
	uint32_t kids;     /* living ones */
	uint32_t below;    /* all of theirs as well */
	uint32_t position; /* in the tree, from the top */
	uint8_t depth;     /* at most CN_TREE_DEEP */
	bool task;         /* there is one in this slot */
	bool visible, folded, last; /* last: of its parent's children */
};

/* By the task's slot in the model. */
struct cn_tree {
	struct cn_tree_node *nodes;
	size_t n;
};

/* Tasks that are folded though they are not to begin with, or the other way round. */
struct cn_folds {
	uint64_t *ids;
	size_t n, capacity;
	uint64_t stamp; /* grows with each change */
};

/* 0, or -ENOMEM: then the tree is empty. */
int cn_tree_build(const struct cn_model *model, const struct cn_folds *folds, struct cn_tree *tree);
void cn_tree_free(struct cn_tree *tree);
/* 0 or -ENOMEM. */
int cn_folds_toggle(struct cn_folds *folds, uint64_t task);
void cn_folds_free(struct cn_folds *folds);

#endif
