/* SPDX-License-Identifier: MIT */
/*
 * What the objects of this room share.
 *
 * Every leaf future here starts alike, so that whoever grants a wait can leave
 * the result with it: written before the node turns GRANTED, it is seen by the
 * poll that finds it so. A granted future is not looked at again by the granter,
 * which may still be about to drop the object's lock; so an object is freed only
 * through rs_resource_retire(), which lets the granter leave first.
 */
#ifndef RS_SYNC_LEAF_H
#define RS_SYNC_LEAF_H

#include <rouse/sync.h>

#include "task/wait.h"

struct rs_leaf {
	struct rouse_future future;
	int64_t result;
	struct rouse_wait wait;
};

#define RS_LEAF_CHECK(NAME)                                                                        \
	_Static_assert(offsetof(struct NAME, result) == offsetof(struct rs_leaf, result) &&        \
			offsetof(struct NAME, wait) == offsetof(struct rs_leaf, wait), #NAME)
#define RS_LEAF(NAME, POLL, DROP, OP)                                                              \
	RS_LEAF_CHECK(NAME);                                                                       \
	ROUSE_TYPE_(NAME, ROUSE_SITE_LEAF, POLL, DROP, offsetof(struct NAME, wait), OP)

static inline struct rs_leaf *rs_leaf_of(struct rouse_wait *wait)
{
	return (struct rs_leaf *)(void *)((char *)wait - offsetof(struct rs_leaf, wait));
}

static inline void rs_leaf_init(void *storage, const struct rouse_future_type *type)
{
	struct rs_leaf *leaf = storage;

	leaf->future = (struct rouse_future){ .type = type };
	leaf->result = 0;
	rs_wait_init(&leaf->wait, (enum rouse_op)type->op);
}

/* READY with a result. The node is IDLE from now on: dropping the future has nothing to give back. */
static inline struct rouse_poll rs_leaf_end(void *future, int64_t result)
{
	struct rs_leaf *leaf = future;

	rs_store(&leaf->wait.state, (uint8_t)ROUSE_WAIT_IDLE, RS_RELAXED);
	leaf->result = result;
	return rouse_ready();
}

/* Ends all waits of a list with a result, in order. Nothing is added to the list any more (closed). No lock held. */
void rs_leaf_end_all(struct rs_resource *resource, struct rs_waitlist *list, int64_t result);

/* Marks the resource closed. The flags belong to the lock: its runtime's end writes them too. */
static inline void rs_resource_close_locked(struct rs_resource *resource)
{
	rs_record(&resource->flags, (uint8_t)(resource->flags | ROUSE_RESOURCE_CLOSED));
}

/* What a resource is from the start. It can be seen already: its runtime may be ending. */
static inline void rs_resource_mark(struct rs_resource *resource, uint8_t flags)
{
	rs_lock_take(&resource->lock);
	rs_record(&resource->flags, (uint8_t)(resource->flags | flags));
	rs_lock_drop(&resource->lock);
}

static inline bool rs_resource_closed(const struct rs_resource *resource)
{
	return rs_load(&resource->flags, RS_RELAXED) & ROUSE_RESOURCE_CLOSED;
}

/* In a forked child the slots are not there: nothing of a resource may be touched then. */
static inline bool rs_resource_there(const struct rs_resource *resource)
{
	return rs_resource_check(resource) != -ROUSE_EFORKED;
}

/* Frees a resource that nobody has a reference to any more, once the last one inside has left. */
void rs_resource_retire(struct rs_resource *resource);

#endif
