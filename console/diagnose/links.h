/* SPDX-License-Identifier: MIT */
/*
 * A chain in the making. chain.c walks from task to task; roots.c adds what a
 * task waits for, verdict.c what all of it comes to.
 */
#ifndef CN_DIAGNOSE_LINKS_H
#define CN_DIAGNOSE_LINKS_H

#include "diagnose/chain.h"
#include "model/model.h"

struct cn_builder {
	const struct cn_model *model;
	struct cn_chain *chain;
	uint32_t capacity;
	uint32_t hops;
	bool guessed; /* a guess lies on the path from the first task to here */
	int rc;
};

/* What comes next hangs here. */
struct cn_spot {
	uint32_t parent;
	uint16_t depth; /* branches above */
	enum cn_relation relation;
	bool either;
	bool last;
};

struct cn_spot cn_spot_under(uint32_t parent, const struct cn_builder *b, enum cn_relation relation);
/* The new link's index, UINT32_MAX when there is no room. */
uint32_t cn_link_add(struct cn_builder *b, struct cn_spot spot, enum cn_link_kind kind, uint64_t id, uint8_t runtime);
/* Adds to what the link says. */
void cn_link_say(struct cn_builder *b, uint32_t link, const char *format, ...) __attribute__((format(printf, 3, 4)));
#define CN_ROOT(B, PARENT, RUNTIME, ...)                                                                               \
	cn_link_say((B),                                                                                               \
		cn_link_add((B), cn_spot_under((PARENT), (B), CN_RELATION_ENDS_IN), CN_LINK_ROOT, 0, (RUNTIME)),       \
		__VA_ARGS__)

/* When the look began, 0 = not known. */
uint64_t cn_builder_now(const struct cn_builder *b, uint8_t runtime);

void cn_add_task(struct cn_builder *b, struct cn_spot spot, uint64_t id);
/* One more task; `guess`: it only used the thing last. */
void cn_add_user(struct cn_builder *b, uint32_t parent, enum cn_relation relation, uint64_t id, bool guess);
/* What the leaf waits for, and on from there. */
void cn_add_wait(struct cn_builder *b, uint32_t link, const struct cn_task *task, const struct cn_await *await);
/* A task that waits with nothing we can see: all there is to say is who holds its wakers. */
void cn_add_wakers(struct cn_builder *b, uint32_t link, const struct cn_task *task);

void cn_chain_judge(const struct cn_model *model, const struct cn_findings *findings, struct cn_chain *chain);

#endif
