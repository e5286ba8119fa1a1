/* SPDX-License-Identifier: MIT */
/* Who has the permits of a semaphore: a table in the semaphore's own slot, if it is where it should be. */
#ifndef RI_HOLDERS_H
#define RI_HOLDERS_H

#include "inspect/publish.h"

/* Borrowed from the copy of the slot. */
struct ri_holders {
	const struct rouse_holder_record *entries; /* NULL: there is no table */
	uint32_t n;
};

/*
 * The table of the slot that was at `address` and is copied to `slot`. False: the
 * record names a place that is none of the slot's, or too much of it.
 */
bool ri_holders_find(const struct rouse_resource_record *record, uint64_t address, const uint8_t *slot, uint32_t stride,
	struct ri_holders *ret_holders);
/* A digest that changes as well when the holders do. */
uint64_t ri_holders_digest(const struct ri_holders *holders, uint64_t digest);
/* The rows of one semaphore, whose own row has been sent. */
int ri_holders_send(
	struct rouse_inspect *inspect, struct ri_runtime *runtime, uint64_t serial, const struct ri_holders *holders);

#endif
