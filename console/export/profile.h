/* SPDX-License-Identifier: MIT */
/*
 * The samples of a model (model/kernel.h), as trees of functions and as files
 * for other tools.
 *
 * A frame stands under the one that called it; a function that the compiler has
 * put into another one stands under that. All names are safe to print.
 */
#ifndef CN_EXPORT_PROFILE_H
#define CN_EXPORT_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "model/kernel.h"

/* Which samples: all that are told apart here have to agree. */
struct cn_profile_wish {
	uint64_t task; /* 0 = of any task */
	bool by_site;  /* of tasks that were spawned there */
	size_t runtime;
	uint32_t site;
	bool outside; /* also those of workers in no poll, if no task and no site is meant */
	bool roots;   /* above each stack the spawn site, and below that the task's name */
};
bool cn_profile_wants(const struct cn_profile_wish *wish, const struct cn_profile_row *row);

/* Levels of frames: what lies deeper is counted as its caller's. `roots` are two more, the program itself one. */
enum { CN_PROFILE_DEPTH = 64, CN_PROFILE_NODES_MAX = 1 << 18 };
#define CN_PROFILE_NONE UINT32_MAX

enum cn_profile_kind { CN_PROFILE_PROGRAM, CN_PROFILE_SITE, CN_PROFILE_TASK, CN_PROFILE_FRAME };

struct cn_profile_node {
	const char *name;     /* borrowed from the tree */
	uint64_t samples;     /* here and below */
	uint64_t self;        /* here */
	uint32_t first_child; /* the heaviest; CN_PROFILE_NONE = none, as in the next two */
	uint32_t next_sibling;
	uint32_t parent;
	uint8_t kind; /* enum cn_profile_kind */
	bool kernel;  /* of a frame: it is the kernel's */
	bool inlined; /* of a frame: the compiler has put it into its parent */
};

/* Node 0 is the program: all samples of the selection. A parent comes before its children. */
struct cn_profile {
	struct cn_profile_node *nodes;
	uint32_t n;
	uint32_t depth; /* levels below the program's */
	uint64_t cut;   /* samples that are counted as a caller's: too deep, or no room for more nodes */
};

/* 0 or -ENOMEM. Without any samples there is a tree of the program alone. Freed by cn_profile_free(). */
int cn_profile_tree(const struct cn_model *model, const struct cn_profile_wish *wish, struct cn_profile **ret_profile);
void cn_profile_free(struct cn_profile *profile);

/* A function, wherever it stands in the tree. */
struct cn_profile_function {
	const char *name; /* borrowed from the tree */
	uint64_t self;
	uint64_t total; /* with what it called; once a stack, however often it is on it */
	bool kernel;
};
/* All of them, most of self first: 0 or -ENOMEM. To be freed. */
int cn_profile_functions(const struct cn_profile *profile, struct cn_profile_function **ret_functions, size_t *ret_n);

/* What stands for a row's spawn site and task in trees and files: "echo.c:12" and "reader". Not made safe. */
enum { CN_PROFILE_TEXT = 256 };
const char *cn_profile_site(const struct cn_model *model, const struct cn_profile_row *row, char out[CN_PROFILE_TEXT]);
const char *cn_profile_task(const struct cn_model *model, const struct cn_profile_row *row);
/* Of an address in the machine's upper half. */
bool cn_profile_is_kernel(uint64_t pc);

/*
 * Folded stacks, a line each with the samples that ended there:
 *
 *     program;spawn site;task;function;...;function 12
 *
 * The outermost function comes first, and the last word is the count. A ";" in a name is written ",", and what
 * a terminal might obey as \xNN or \u{NNNN}; names of the kernel's functions end in "_[k]". Samples of no poll
 * stand under "(no poll);(no task)". 0 or -errno.
 */
int cn_profile_folded(const struct cn_profile *profile, FILE *out);

#endif
