/* SPDX-License-Identifier: MIT */
/*
 * A chain in the making. chain.c walks from task to task; roots.c adds what a
 * task waits for, ends.c who would end that where several may, thread.c what
 * threads do; verdict.c says what all of it comes to.
 */
#ifndef CN_DIAGNOSE_LINKS_H
#define CN_DIAGNOSE_LINKS_H

#include "diagnose/chain.h"
#include "model/model.h"

struct cn_builder {
	const struct cn_model *model;
	const struct cn_findings *findings; /* may be NULL */
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

/* A thread of the program and what it does; where nothing is known of it, its number. UINT32_MAX: no room. */
uint32_t cn_add_thread(struct cn_builder *b, struct cn_spot spot, uint8_t runtime, uint32_t tid);
/* The worker's thread, if more than its number is known. */
void cn_add_thread_of(struct cn_builder *b, uint32_t link, uint8_t runtime, uint32_t worker);
/* A worker and what it does, its thread included. */
void cn_add_worker(
	struct cn_builder *b, struct cn_spot spot, const struct cn_runtime *runtime, const struct cn_worker *worker);
/* When the look began, 0 = not known. */
uint64_t cn_builder_now(const struct cn_builder *b, uint8_t runtime);

void cn_add_task(struct cn_builder *b, struct cn_spot spot, uint64_t id);
/* One more task; `guess`: it only used the thing last. */
void cn_add_user(struct cn_builder *b, uint32_t parent, enum cn_relation relation, uint64_t id, bool guess);
/*
 * The same, as one of several: `n` of them hang on the parent, this is number `i`.
 */
void cn_add_branch(struct cn_builder *b, uint32_t parent, enum cn_relation relation, uint64_t id, bool guess,
	uint32_t i, uint32_t n);
/* What the leaf waits for, and on from there. */
void cn_add_wait(struct cn_builder *b, uint32_t link, const struct cn_task *task, const struct cn_await *await);
/* A task that waits with nothing we can see: all there is to say is who holds its wakers. */
void cn_add_wakers(struct cn_builder *b, uint32_t link, const struct cn_task *task);

/* Who has permits of a semaphore; `permits` are wanted. */
void cn_add_holders(struct cn_builder *b, uint32_t link, const struct cn_resource *r, uint64_t permits);
/* Who would send to a channel, or take from it. */
void cn_add_other_end(struct cn_builder *b, uint32_t link, const struct cn_resource *r, const struct cn_task *task,
	const struct cn_await *await);
/* "peer 127.0.0.1:6379 = process 4711 (redis-server)", as much of it as is known. Safe to print. */
const char *cn_peer_text(char *out, size_t bytes, const struct cn_socket *socket);
/* The kernel's view of a socket, and what that means for the wait. */
void cn_add_socket(struct cn_builder *b, uint32_t link, const struct cn_resource *r, const struct cn_await *await);

void cn_chain_judge(const struct cn_model *model, const struct cn_findings *findings, struct cn_chain *chain);

#endif
