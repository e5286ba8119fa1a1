/* SPDX-License-Identifier: MIT */
/*
 * Who has taken permits and not given them back: the semaphore's own books, in
 * its slot, for readers outside (struct rouse_holder_record). All under the
 * resource's lock.
 *
 * While UNTRACKED is not set (INV-11):
 *
 *     capacity - value = sum of the entries' permits
 *
 * A permit belongs to whoever took it, or was granted it, until the same one
 * gives it back. Books kept so can end up wrong in two ways: somebody gives back
 * more than he is known to have (he does it for another, or brings permits that
 * never were), or there is no entry left for one more holder. Then the resource
 * is UNTRACKED, and in the first case SHARED from then on: it is no lock. What is
 * written may still help a reader, and proves nothing. UNTRACKED ends when as many
 * permits are free as there are: then nobody has any, and the books begin anew.
 * Permits brought to a semaphore that has all at home are not in the way: there is
 * nobody they could have been given back for.
 *
 * An owned semaphore has an entry for each permit, and refuses whoever gives back
 * what he has not: it is never UNTRACKED.
 *
 * Entries stay where they are for as long as they are held, so that a reader who
 * comes in between sees no holder twice.
 */
#ifndef RS_SYNC_HOLDERS_H
#define RS_SYNC_HOLDERS_H

#include <stdio.h>

#include "task/resource.h"

enum { RS_HOLDERS = 16 };

struct rs_holders {
	struct rouse_holder_record *entries;
	uint32_t capacity;
	uint32_t used; /* no entry from here on is in use */
};

/* Announces the books, `entries` zeroed, in the record. Before anybody else has the resource. */
void rs_holders_init(struct rs_resource *resource, struct rs_holders *holders, struct rouse_holder_record *entries,
	uint32_t capacity);
/* How many permits are written to be the task's. */
uint64_t rs_holders_of_locked(const struct rs_holders *holders, uint64_t task);
/* `task` has got permits; `since` counts if it had none. */
void rs_holders_add_locked(
	struct rs_resource *resource, struct rs_holders *holders, uint64_t task, uint64_t permits, uint64_t since);
/* `task` gives permits back, which are in `value` by now. */
void rs_holders_remove_locked(
	struct rs_resource *resource, struct rs_holders *holders, uint64_t task, uint64_t permits);
/* What was granted to `from` turns out to be `to`'s: as much of it as is still written. */
void rs_holders_move_locked(struct rs_resource *resource, struct rs_holders *holders, uint64_t from, uint64_t to,
	uint64_t permits, uint64_t since);

/* NULL, or what is wrong. */
const char *rs_holders_validate_locked(const struct rs_resource *resource, const struct rs_holders *holders);
void rs_holders_dump_locked(const struct rs_resource *resource, const struct rs_holders *holders, FILE *out);

#endif
