/* SPDX-License-Identifier: MIT */
#include "view/derived.h"

int cn_derive_tree(struct cn_derived *derived, const struct cn_scene *scene, const struct cn_folds *folds)
{
	const uint64_t now = cn_model_generations(scene->model);

	if (derived->tree_at == now && derived->tree_folds == folds->stamp)
		return 0;
	derived->tree_at = now;
	derived->tree_folds = folds->stamp;
	return cn_tree_build(scene->model, folds, &derived->tree);
}

int cn_derive_wakes(struct cn_derived *derived, const struct cn_scene *scene)
{
	const uint64_t now = cn_model_generations(scene->model);

	if (derived->wakes_at == now)
		return 0;
	derived->wakes_at = now;
	return cn_wakes_build(scene->model, &derived->wakes);
}

void cn_derived_free(struct cn_derived *derived)
{
	cn_tree_free(&derived->tree);
	cn_wakes_free(&derived->wakes);
	*derived = (struct cn_derived){ 0 };
}
