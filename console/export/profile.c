/* SPDX-License-Identifier: MIT */
/*
 * The tree is grown a row at a time, from the outermost frame inwards; a node
 * is found by its parent and its name's number, which make up a key. Names of
 * addresses are spelled once each.
 */
#include "export/profile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "export/names.h"
#include "export/text.h"
#include "model/model.h"

enum { FIRST_NODES = 256 };
#define NO_NAME UINT32_MAX

struct node_row {
	uint64_t key;
	uint32_t node;
};

/* What stands at an address. */
struct spelled {
	uint64_t pc;
	uint32_t name;
	uint32_t within; /* NO_NAME = it is not inlined */
	bool done;
};

struct tree {
	struct cn_profile profile; /* what is given out */
	struct cn_names names;
	uint32_t *names_of; /* a node each, until the end */
	uint32_t capacity;
	struct cn_slots nodes, addresses;
	const struct cn_model *model;
};

bool cn_profile_is_kernel(uint64_t pc)
{
	return pc >> 63;
}

bool cn_profile_wants(const struct cn_profile_wish *wish, const struct cn_profile_row *row)
{
	if (!row->count || (wish->task && row->task != wish->task))
		return false;
	if (wish->by_site)
		return row->task && row->runtime == wish->runtime && row->site == wish->site;
	return row->task || wish->outside;
}

/* ------------------------------------------------------------------- names */

const char *cn_profile_site(const struct cn_model *model, const struct cn_profile_row *row, char out[CN_PROFILE_TEXT])
{
	const struct cn_site *site = cn_model_site(model, row->runtime, row->site);

	if (!row->task)
		return "(no poll)";
	if (!site->kind)
		return "spawn site not known";
	snprintf(out, CN_PROFILE_TEXT, "%s:%u", cn_path_base(cn_model_string(model, row->runtime, site->file)),
		site->line);
	return out;
}

const char *cn_profile_task(const struct cn_model *model, const struct cn_profile_row *row)
{
	const struct cn_task *task = row->task ? cn_model_task(model, row->task) : NULL;

	if (!row->task)
		return "(no task)";
	return task ? cn_task_name(model, task) : "(ended)";
}

static int add_name(struct tree *tree, const char *text, uint32_t *ret_number)
{
	char safe[CN_PROFILE_TEXT];

	cn_text_safe(safe, sizeof safe, text, cn_text_charset() == CN_CHARSET_ASCII);
	return cn_names_add(&tree->names, *safe ? safe : "?", ret_number);
}

static int spell(struct tree *tree, uint64_t pc, struct spelled *row)
{
	const struct cn_symbol *symbol = cn_model_symbol(tree->model, pc);
	char text[CN_PROFILE_TEXT];
	int rc = 0;

	row->within = NO_NAME;
	if (symbol && *symbol->function) {
		if (*symbol->within)
			rc = add_name(tree, symbol->within, &row->within);
		return rc ? rc : add_name(tree, symbol->function, &row->name);
	}
	if (cn_profile_is_kernel(pc))
		return add_name(tree, "(kernel)", &row->name);
	cn_symbol_format(tree->model, pc, text, sizeof text);
	return add_name(tree, text, &row->name);
}

static int spelled_at(struct tree *tree, uint64_t pc, struct spelled *ret_row)
{
	struct spelled *row;
	void *at;
	int rc = pc ? cn_slots_put(&tree->addresses, pc, &at) : -E2BIG;

	if (rc)
		return rc;
	row = at;
	if (!row->done)
		rc = spell(tree, pc, row);
	row->done = rc == 0;
	*ret_row = *row;
	return rc;
}

/* ------------------------------------------------------------------- nodes */

static int make_room(struct tree *tree)
{
	uint32_t more = tree->capacity ? 2 * tree->capacity : FIRST_NODES;
	struct cn_profile_node *nodes;
	uint32_t *names_of;

	if (tree->profile.n < tree->capacity)
		return 0;
	if (tree->profile.n >= CN_PROFILE_NODES_MAX)
		return -E2BIG;
	nodes = realloc(tree->profile.nodes, more * sizeof *nodes);
	if (nodes)
		tree->profile.nodes = nodes;
	names_of = realloc(tree->names_of, more * sizeof *names_of);
	if (names_of)
		tree->names_of = names_of;
	if (!nodes || !names_of)
		return -ENOMEM;
	tree->capacity = more;
	return 0;
}

static int new_node(struct tree *tree, uint32_t name, struct cn_profile_node node)
{
	int rc = make_room(tree);

	if (rc)
		return rc;
	node.first_child = node.next_sibling = CN_PROFILE_NONE;
	tree->names_of[tree->profile.n] = name;
	tree->profile.nodes[tree->profile.n++] = node;
	return 0;
}

/* The child of *at with that name, made if need be; *at becomes it. */
static int descend(struct tree *tree, uint32_t *at, uint32_t name, struct cn_profile_node like, uint64_t count)
{
	const uint64_t key = 1ull << 63 | (uint64_t)*at << 32 | (uint64_t)name << 4 | (uint64_t)like.kind << 2 |
			     (uint64_t)like.kernel << 1 | like.inlined;
	struct node_row *row;
	void *found;
	int rc = cn_slots_put(&tree->nodes, key, &found);

	if (rc)
		return rc;
	row = found;
	if (!row->node) { /* the program's number, which is nobody's child */
		like.parent = *at;
		rc = new_node(tree, name, like);
		if (rc) {
			cn_slots_remove(&tree->nodes, key);
			return rc;
		}
		row->node = tree->profile.n - 1;
	}
	*at = row->node;
	tree->profile.nodes[*at].samples += count;
	return 0;
}

/* The spawn site, and the task. */
static int descend_roots(struct tree *tree, const struct cn_profile_row *row, uint32_t *at)
{
	char text[CN_PROFILE_TEXT];
	uint32_t name;
	int rc = add_name(tree, cn_profile_site(tree->model, row, text), &name);

	if (rc == 0)
		rc = descend(tree, at, name, (struct cn_profile_node){ .kind = CN_PROFILE_SITE }, row->count);
	if (rc == 0)
		rc = add_name(tree, cn_profile_task(tree->model, row), &name);
	if (rc == 0)
		rc = descend(tree, at, name, (struct cn_profile_node){ .kind = CN_PROFILE_TASK }, row->count);
	return rc;
}

static int descend_frame(struct tree *tree, uint64_t pc, uint64_t count, uint32_t *at, uint32_t *level)
{
	struct cn_profile_node like = { .kind = CN_PROFILE_FRAME, .kernel = cn_profile_is_kernel(pc) };
	struct spelled spelled = { .within = NO_NAME };
	int rc = *level < CN_PROFILE_DEPTH ? spelled_at(tree, pc, &spelled) : -E2BIG;

	if (rc == 0 && spelled.within != NO_NAME) {
		rc = descend(tree, at, spelled.within, like, count);
		*level += rc == 0;
		like.inlined = true;
	}
	if (rc == 0 && *level >= CN_PROFILE_DEPTH)
		rc = -E2BIG;
	if (rc == 0)
		rc = descend(tree, at, spelled.name, like, count);
	*level += rc == 0;
	return rc;
}

static int add_row(struct tree *tree, const struct cn_profile_wish *wish, const struct cn_profile_row *row)
{
	uint32_t at = 0, level = 0;
	int rc = 0;

	tree->profile.nodes[0].samples += row->count;
	if (wish->roots)
		rc = descend_roots(tree, row, &at);
	for (uint32_t i = row->n; i-- > 0 && rc == 0;)
		rc = descend_frame(tree, row->pc[i], row->count, &at, &level);
	if (rc == -ENOMEM)
		return rc;
	tree->profile.cut += rc ? row->count : 0;
	tree->profile.nodes[at].self += row->count;
	level += wish->roots ? 2 : 0;
	if (tree->profile.depth < level)
		tree->profile.depth = level;
	return 0;
}

/* ------------------------------------------------------------------- order */

static int by_parent_and_weight(const void *a, const void *b, void *arg)
{
	const struct cn_profile_node *nodes = arg, *x = &nodes[*(const uint32_t *)a], *y = &nodes[*(const uint32_t *)b];

	if (x->parent != y->parent)
		return x->parent < y->parent ? -1 : 1;
	if (x->samples != y->samples)
		return x->samples > y->samples ? -1 : 1;
	return strcmp(x->name, y->name);
}

static int put_in_order(struct tree *tree)
{
	struct cn_profile_node *nodes = tree->profile.nodes;
	uint32_t n = tree->profile.n, *order = malloc(n * sizeof *order);

	if (!order)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++) {
		nodes[i].name = cn_names_text(&tree->names, tree->names_of[i]);
		order[i] = i;
	}
	qsort_r(order + 1, n - 1, sizeof *order, by_parent_and_weight, nodes);
	for (uint32_t i = n; i-- > 1;) {
		struct cn_profile_node *parent = &nodes[nodes[order[i]].parent];

		nodes[order[i]].next_sibling = parent->first_child;
		parent->first_child = order[i];
	}
	free(order);
	return 0;
}

static int grow(struct tree *tree, const struct cn_profile_wish *wish)
{
	const struct cn_target *target = cn_model_target(tree->model);
	uint32_t name;
	int rc = add_name(tree, target->program, &name);

	if (rc == 0)
		rc = new_node(tree, name, (struct cn_profile_node){ .parent = CN_PROFILE_NONE });
	for (size_t i = 0; i < cn_profile_rows(tree->model) && rc == 0; i++) {
		const struct cn_profile_row row = cn_profile_row_at(tree->model, i);

		if (cn_profile_wants(wish, &row))
			rc = add_row(tree, wish, &row);
	}
	return rc ? rc : put_in_order(tree);
}

void cn_profile_free(struct cn_profile *profile)
{
	struct tree *tree = (struct tree *)profile; /* its first member */

	if (!tree)
		return;
	cn_names_fini(&tree->names);
	free(tree->profile.nodes);
	free(tree);
}

int cn_profile_tree(const struct cn_model *model, const struct cn_profile_wish *wish, struct cn_profile **ret_profile)
{
	struct tree *tree = calloc(1, sizeof *tree);
	int rc;

	if (!tree)
		return -ENOMEM;
	tree->model = model;
	cn_names_init(&tree->names, 2 * CN_PROFILE_NODES_MAX);
	cn_slots_init(&tree->nodes, sizeof(struct node_row), CN_PROFILE_NODES_MAX);
	cn_slots_init(&tree->addresses, sizeof(struct spelled), CN_PROFILE_NODES_MAX);
	rc = grow(tree, wish);
	cn_slots_fini(&tree->nodes);
	cn_slots_fini(&tree->addresses);
	free(tree->names_of);
	tree->names_of = NULL;
	if (rc) {
		cn_profile_free(&tree->profile);
		return rc;
	}
	*ret_profile = &tree->profile;
	return 0;
}

/* --------------------------------------------------------------- functions */

/* Names are kept once each. */
static bool is_same(const struct cn_profile_node *a, const struct cn_profile_node *b)
{
	return a->name == b->name && a->kernel == b->kernel && a->kind == b->kind;
}

static bool is_below_itself(const struct cn_profile *profile, uint32_t node)
{
	uint32_t at = profile->nodes[node].parent;

	while (at != CN_PROFILE_NONE && !is_same(&profile->nodes[at], &profile->nodes[node]))
		at = profile->nodes[at].parent;
	return at != CN_PROFILE_NONE;
}

static int by_name(const void *a, const void *b)
{
	const struct cn_profile_function *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	return order ? order : (int)x->kernel - (int)y->kernel;
}

static int by_self(const void *a, const void *b)
{
	const struct cn_profile_function *x = a, *y = b;

	if (x->self != y->self)
		return x->self > y->self ? -1 : 1;
	if (x->total != y->total)
		return x->total > y->total ? -1 : 1;
	return by_name(a, b);
}

int cn_profile_functions(const struct cn_profile *profile, struct cn_profile_function **ret_functions, size_t *ret_n)
{
	struct cn_profile_function *all = calloc(profile->n, sizeof *all);
	size_t n = 0, kept = 0;

	if (!all)
		return -ENOMEM;
	for (uint32_t i = 0; i < profile->n; i++) {
		const struct cn_profile_node *node = &profile->nodes[i];

		if (node->kind == CN_PROFILE_FRAME)
			all[n++] = (struct cn_profile_function){ node->name, node->self,
				is_below_itself(profile, i) ? 0 : node->samples, node->kernel };
	}
	qsort(all, n, sizeof *all, by_name);
	for (size_t i = 0; i < n; i++) {
		if (kept && by_name(&all[kept - 1], &all[i]) == 0) {
			all[kept - 1].self += all[i].self;
			all[kept - 1].total += all[i].total;
		} else {
			all[kept++] = all[i];
		}
	}
	qsort(all, kept, sizeof *all, by_self);
	*ret_functions = all;
	*ret_n = kept;
	return 0;
}

/* ------------------------------------------------------------------ folded */

static void write_name(const struct cn_profile_node *node, FILE *out)
{
	for (const char *at = node->name; *at; at++)
		fputc(*at == ';' ? ',' : *at, out);
	if (node->kernel)
		fputs("_[k]", out);
}

static void write_line(const struct cn_profile *profile, uint32_t node, FILE *out)
{
	uint32_t path[CN_PROFILE_DEPTH + 3], n = 0;

	for (uint32_t at = node; at != CN_PROFILE_NONE; at = profile->nodes[at].parent)
		path[n++] = at;
	while (n-- > 0) {
		write_name(&profile->nodes[path[n]], out);
		fputc(n ? ';' : ' ', out);
	}
	fprintf(out, "%llu\n", (unsigned long long)profile->nodes[node].self);
}

/* The heaviest first, as the tree is ordered. */
static uint32_t next_node(const struct cn_profile *profile, uint32_t node)
{
	if (profile->nodes[node].first_child != CN_PROFILE_NONE)
		return profile->nodes[node].first_child;
	while (node != CN_PROFILE_NONE && profile->nodes[node].next_sibling == CN_PROFILE_NONE)
		node = profile->nodes[node].parent;
	return node == CN_PROFILE_NONE ? node : profile->nodes[node].next_sibling;
}

int cn_profile_folded(const struct cn_profile *profile, FILE *out)
{
	errno = 0;
	for (uint32_t node = 0; node != CN_PROFILE_NONE; node = next_node(profile, node))
		if (profile->nodes[node].self)
			write_line(profile, node, out);
	return fflush(out) || ferror(out) ? -(errno ? errno : EIO) : 0;
}
