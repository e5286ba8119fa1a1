/* SPDX-License-Identifier: MIT */
/*
 * What some views show is not in the model but made of all of it: once a look,
 * and only for the view that is open.
 */
#ifndef CN_VIEW_DERIVED_H
#define CN_VIEW_DERIVED_H

#include "view/tree.h"
#include "view/wakes.h"

struct cn_derived {
	struct cn_tree tree;
	struct cn_wakes wakes;
	uint64_t tree_at, tree_folds, wakes_at; /* generations and stamps that they are of */
};

/* 0, or -ENOMEM: what could not be made is empty. */
int cn_derive_tree(struct cn_derived *derived, const struct cn_scene *scene, const struct cn_folds *folds);
int cn_derive_wakes(struct cn_derived *derived, const struct cn_scene *scene);
void cn_derived_free(struct cn_derived *derived);

#endif
