/* SPDX-License-Identifier: MIT */
/* What a query may ask of a task, and columns show of it: see CN_FIELDS. */
#ifndef CN_VIEW_TASK_FIELDS_H
#define CN_VIEW_TASK_FIELDS_H

#include "model/query.h"
#include "view/scene.h"

/* Bits of the fields that the two answer for. */
#define CN_TASK_FIELDS                                                                                                 \
	(CN_FIELD_BIT(STATE) | CN_FIELD_BIT(NAME) | CN_FIELD_BIT(KIND) | CN_FIELD_BIT(FINDING) |                       \
	 CN_FIELD_BIT(WAITS) | CN_FIELD_BIT(SITE) | CN_FIELD_BIT(AT) | CN_FIELD_BIT(SPAWN) |                           \
	 CN_FIELD_BIT(WAKER) | CN_FIELD_BIT(ID) | CN_FIELD_BIT(PARENT) | CN_FIELD_BIT(WORKER) |                        \
	 CN_FIELD_BIT(AGE) | CN_FIELD_BIT(FOR) | CN_FIELD_BIT(BUSY) | CN_FIELD_BIT(SCHED) |                            \
	 CN_FIELD_BIT(IDLE) | CN_FIELD_BIT(P50) | CN_FIELD_BIT(P90) | CN_FIELD_BIT(P99) | CN_FIELD_BIT(D50) |          \
	 CN_FIELD_BIT(D90) | CN_FIELD_BIT(D99) | CN_FIELD_BIT(POLLS) | CN_FIELD_BIT(WAKES) |                           \
	 CN_FIELD_BIT(SELF) | CN_FIELD_BIT(POLL_RATE) | CN_FIELD_BIT(WAKE_RATE) | CN_FIELD_BIT(WAKERS) |               \
	 CN_FIELD_BIT(HANDLES) | CN_FIELD_BIT(FRAME) | CN_FIELD_BIT(CPU) | CN_FIELD_BIT(BLOCKED) |                     \
	 CN_FIELD_BIT(RUNQ) | CN_FIELD_BIT(PREEMPT) | CN_FIELD_BIT(FAULT) | CN_FIELD_BIT(SYSCALLS) |                   \
	 CN_FIELD_BIT(FAULTS))

/* NULL: a task has no such text, or not now. */
const char *cn_task_field_text(
	const struct cn_scene *scene, const struct cn_task *task, enum cn_field field, char room[CN_QUERY_ROOM]);
/* False: it has no such number, or it is not known. */
bool cn_task_field_number(const struct cn_scene *scene, const struct cn_task *task, enum cn_field field, bool share,
	uint64_t *ret_value);

/* The same of the task in a slot of the model: for tables whose rows are tasks. */
const char *cn_slot_field_text(
	const struct cn_scene *scene, size_t index, enum cn_field field, char room[CN_QUERY_ROOM]);
bool cn_slot_field_number(
	const struct cn_scene *scene, size_t index, enum cn_field field, bool share, uint64_t *ret_value);

#endif
