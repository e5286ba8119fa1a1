/* SPDX-License-Identifier: MIT */
/*
 * Resources: what tasks wait for, with a record that readers outside can see.
 * A resource is one slot of a type-stable slab; the public handle points to
 * it. Its first 136 bytes are struct rouse_resource_record (layout.h), kept
 * up to date with relaxed stores by whoever holds the resource's lock; what moves
 * without it (who has a mutex, a notify's permit) is said in its file.
 */
#ifndef RS_TASK_RESOURCE_H
#define RS_TASK_RESOURCE_H

#include <rouse/future.h>

#include "base/lock.h"

struct rouse_runtime;

struct rs_resource {
	uint64_t serial;
	uint8_t kind;
	uint8_t flags;
	uint16_t reserved;
	uint32_t site;
	char name[24];
	uint64_t owner;
	uint64_t owner_since;
	uint64_t creator;
	uint64_t created_ticks;
	uint64_t value;
	uint64_t capacity;
	uint64_t side_a;
	uint64_t side_b;
	uint64_t last_user_a;
	uint64_t last_user_b;
	uint64_t holders;
	uint32_t holder_capacity;
	uint32_t granted;
	/* private from here on */
	struct rouse_runtime *runtime; /* borrowed; not to be touched once ORPHANED */
	struct rs_lock lock;
	uint32_t slot_class;
};

/* Readers look at any time: every store to the record goes through these. */
#define rs_record(P, V) rs_store((P), (V), RS_RELAXED)

/*
 * A zeroed slot of `bytes` (the resource struct at its head) on the current
 * runtime; NULL with errno ROUSE_ENORUNTIME, ROUSE_EFORKED, ROUSE_ESHUTDOWN or
 * ENOMEM. Any thread. Freed by rs_resource_free(), also when orphaned.
 */
void *rs_resource_new(size_t bytes, enum rouse_resource_kind kind, const char *name, const struct rouse_site *site);
void *rs_resource_new_on(struct rouse_runtime *runtime, size_t bytes, enum rouse_resource_kind kind, const char *name,
	const struct rouse_site *site);
void rs_resource_free(struct rs_resource *resource);

/* 0, -ROUSE_EFORKED, or -ROUSE_EORPHAN: the check at every public door. */
int rs_resource_check(const struct rs_resource *resource);

/* The id of the task this thread polls, 0 = none. */
uint64_t rs_current_task_id(void);
/* Ticks now at L1 and above, 0 at L0. */
uint64_t rs_stamp(void);

#endif
