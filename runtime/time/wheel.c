/* SPDX-License-Identifier: MIT */
/*
 * The timer wheel: G. Varghese, T. Lauck, "Hashed and Hierarchical Timing
 * Wheels" (1987), scheme 7, with exact deadlines kept beside the slots.
 *
 * A tick is 2^16 ns (65.5 us), so 48 bits of a 64-bit time are the tick number:
 * eight digits of six bits. A sleep lies at the level of the highest digit in
 * which its tick differs from `elapsed` (the tick the wheel has reached), in
 * the slot which that digit names:
 *
 *     tick      d7 d6 d5 d4 d3 d2 d1 d0
 *     elapsed   == == == == == != .. ..        -> level 2, slot d2
 *
 * Hence every slot of a level lies in the future of the same turn, nothing ever
 * wraps, and everything at a lower level comes before everything at a higher
 * one: the first bit of the first non-zero bitmap is the earliest slot. When
 * `elapsed` reaches a slot above level 0, its sleeps move down (each at most
 * seven times in its life). Eight levels span all of 64 bits: no overflow list.
 *
 * Ticks only sort. A sleep fires when its deadline, to the nanosecond, has
 * come: the slot of the current tick is filtered. Each slot keeps `earliest`,
 * a lower bound of its deadlines that an insertion lowers and a removal leaves
 * alone; that of the earliest slot is what is published, so that a driver sleeps
 * exactly until the first deadline, without stops on the way down the levels. A
 * bound gone stale by a removal costs one look in vain, in which it is renewed.
 *
 * What is due moves to a list of its own and leaves it in batches that are woken
 * without the lock; a sleep may be taken out all the while.
 *
 * Why not a heap: timeouts are mostly removed before they fire, and a heap pays
 * log n with cache misses for what is here a few stores.
 */
#include "time/wheel.h"

#include <errno.h>
#include <inttypes.h>
#include <rouse/runtime.h>
#include <stdlib.h>

enum { TICK_SHIFT = 16, DIGIT_BITS = 6, SLOTS = 1 << DIGIT_BITS, LEVELS = 8, DUE = LEVELS * SLOTS };
_Static_assert(TICK_SHIFT + DIGIT_BITS * LEVELS == 64, "the levels span every time there is");

struct slot {
	struct rs_waitlist list;
	uint64_t earliest; /* no deadline in it is before */
};

struct rs_wheel {
	uint64_t next; /* atomic; written under the lock */
	struct rs_resource *resource; /* its lock guards all from here on */
	struct rouse_worker_record *record;
	uint64_t elapsed; /* tick */
	uint64_t armed;
	uint64_t fired;
	struct rs_waitlist due; /* sleeps here have slot DUE */
	uint64_t occupied[LEVELS];
	struct slot slots[LEVELS][SLOTS];
};

static struct rouse_sleep *sleep_of(struct rouse_wait *wait)
{
	return (struct rouse_sleep *)(void *)((char *)wait - offsetof(struct rouse_sleep, wait));
}

static void append(struct rs_waitlist *list, struct rouse_wait *wait)
{
	wait->next = NULL;
	wait->prev = list->tail;
	if (list->tail)
		list->tail->next = wait;
	else
		list->head = wait;
	list->tail = wait;
}

static unsigned int level_of(uint64_t elapsed, uint64_t tick)
{
	uint64_t differs = elapsed ^ tick;

	return differs ? (63u - (unsigned int)__builtin_clzll(differs)) / DIGIT_BITS : 0;
}

/* The first tick of a slot. Level 7's mask is all of the 48 bits. */
static uint64_t slot_start(const struct rs_wheel *wheel, unsigned int level, unsigned int slot)
{
	uint64_t below = (1ull << (DIGIT_BITS * (level + 1))) - 1;

	return (wheel->elapsed & ~below) | (uint64_t)slot << (DIGIT_BITS * level);
}

/* Chooses the slot for a deadline and counts it in; the caller appends the sleep to its list. */
static struct slot *enter_slot(struct rs_wheel *wheel, struct rouse_sleep *sleep)
{
	uint64_t deadline = sleep->wait.arg, tick = deadline >> TICK_SHIFT;

	if (tick < wheel->elapsed)
		tick = wheel->elapsed;
	unsigned int level = level_of(wheel->elapsed, tick);
	unsigned int digit = tick >> (DIGIT_BITS * level) & (SLOTS - 1);
	struct slot *slot = &wheel->slots[level][digit];

	if (!slot->list.head || deadline < slot->earliest)
		slot->earliest = deadline;
	wheel->occupied[level] |= 1ull << digit;
	sleep->slot = level * SLOTS + digit;
	return slot;
}

static bool earliest_slot(const struct rs_wheel *wheel, unsigned int *ret_level, unsigned int *ret_slot)
{
	for (unsigned int level = 0; level < LEVELS; level++) {
		if (wheel->occupied[level]) {
			*ret_level = level;
			*ret_slot = (unsigned int)__builtin_ctzll(wheel->occupied[level]);
			return true;
		}
	}
	return false;
}

static uint64_t next_locked(const struct rs_wheel *wheel)
{
	unsigned int level, slot;

	if (wheel->due.head)
		return 0;
	return earliest_slot(wheel, &level, &slot) ? wheel->slots[level][slot].earliest : UINT64_MAX;
}

/* Release: who loads this (W1) also sees what was armed before. */
static void publish_locked(struct rs_wheel *wheel)
{
	uint64_t next = next_locked(wheel);

	rs_record(&wheel->resource->value, wheel->armed);
	if (next == wheel->next)
		return;
	rs_store(&wheel->next, next, RS_RELEASE);
	rs_store(&wheel->record->next_deadline, next, RS_RELEASE);
}

/*
 * Moves on what a slot held: from level 0 to the due list, or back if its time
 * within this tick is still to come; from above, down. Nothing is fired from
 * above, so that even after a long stop sleeps end in the order of their ticks.
 */
static void empty_slot_locked(struct rs_wheel *wheel, unsigned int level, unsigned int digit, uint64_t now_ns)
{
	struct slot *slot = &wheel->slots[level][digit];
	struct rouse_wait *wait = slot->list.head, *next;

	slot->list = (struct rs_waitlist){ 0 };
	wheel->occupied[level] &= ~(1ull << digit);
	for (; wait; wait = next) {
		struct rouse_sleep *sleep = sleep_of(wait);

		next = wait->next;
		if (level == 0 && wait->arg <= now_ns) {
			sleep->slot = DUE;
			append(&wheel->due, wait);
		} else {
			append(&enter_slot(wheel, sleep)->list, wait);
		}
	}
}

static void advance_locked(struct rs_wheel *wheel, uint64_t now_ns)
{
	uint64_t now = now_ns >> TICK_SHIFT;
	unsigned int level, digit;

	if (now < wheel->elapsed)
		now = wheel->elapsed; /* another thread read its clock later and came first */
	while (earliest_slot(wheel, &level, &digit)) {
		uint64_t start = slot_start(wheel, level, digit);

		if (start > now)
			break;
		wheel->elapsed = start;
		empty_slot_locked(wheel, level, digit, now_ns);
		if (level == 0 && start == now)
			break; /* what it holds now is for later */
	}
	wheel->elapsed = now;
}

int rs_wheel_new(struct rouse_worker_record *record, struct rs_resource *resource, uint64_t now_ns,
	struct rs_wheel **ret_wheel)
{
	struct rs_wheel *wheel = calloc(1, sizeof *wheel);

	if (!wheel)
		return -ENOMEM;
	wheel->record = record;
	wheel->resource = resource;
	wheel->elapsed = now_ns >> TICK_SHIFT;
	rs_store(&wheel->next, UINT64_MAX, RS_RELEASE);
	rs_store(&record->next_deadline, UINT64_MAX, RS_RELEASE);
	rs_record(&record->timers, resource->serial);
	rs_record(&resource->owner, record->index);
	*ret_wheel = wheel;
	return 0;
}

/* Grants what is due, a batch at a time. Called with the lock, which is dropped for the wakes, and in the end. */
static uint32_t grant_due_locked(struct rs_wheel *wheel, int64_t result)
{
	struct rs_wake_batch batch; /* its room need not be cleared */
	uint32_t granted = 0;
	struct rouse_wait *wait;

	batch.n = 0;
	while ((wait = wheel->due.head)) {
		sleep_of(wait)->result = result;
		rs_wake_batch_add(&batch, rs_wait_grant_locked(&wheel->due, wait));
		wheel->armed--;
		granted++;
		if (rs_wake_batch_full(&batch)) {
			rs_lock_drop(&wheel->resource->lock);
			rs_wake_batch_flush(&batch, ROUSE_WAKE_TIMER);
			rs_lock_take(&wheel->resource->lock);
		}
	}
	if (!result) {
		wheel->fired += granted;
		rs_record(&wheel->resource->side_a, wheel->fired);
		rs_bump(&wheel->record->counters.timers_fired, (uint64_t)granted);
	}
	publish_locked(wheel);
	rs_lock_drop(&wheel->resource->lock);
	rs_wake_batch_flush(&batch, ROUSE_WAKE_TIMER);
	return granted;
}

void rs_wheel_free(struct rs_wheel *wheel)
{
	if (!wheel)
		return;
	rs_lock_take(&wheel->resource->lock);
	advance_locked(wheel, UINT64_MAX);
	(void)grant_due_locked(wheel, -ROUSE_ESHUTDOWN);
	free(wheel);
}

uint64_t rs_wheel_next(const struct rs_wheel *wheel)
{
	return rs_load(&wheel->next, RS_ACQUIRE); /* W1: pairs with publish_locked */
}

uint32_t rs_wheel_fire(struct rs_wheel *wheel, uint64_t now_ns)
{
	if (now_ns < rs_wheel_next(wheel))
		return 0;
	rs_lock_take(&wheel->resource->lock);
	advance_locked(wheel, now_ns);
	return grant_due_locked(wheel, 0);
}

bool rs_wheel_arm(struct rs_wheel *wheel, struct rouse_sleep *sleep, struct rouse_context *cx, bool *ret_earlier)
{
	struct rs_waitlist *list = NULL; /* not looked at when only the waker is renewed */
	uint64_t before;

	*ret_earlier = false;
	rs_lock_take(&wheel->resource->lock);
	if (rs_wait_state(&sleep->wait) == ROUSE_WAIT_GRANTED) {
		rs_lock_drop(&wheel->resource->lock);
		return false;
	}
	before = wheel->next;
	if (rs_wait_state(&sleep->wait) == ROUSE_WAIT_IDLE) {
		list = &enter_slot(wheel, sleep)->list;
		wheel->armed++;
		rs_bump(&wheel->record->counters.timers_armed, 1u);
	}
	rs_wait_register_locked(list, &sleep->wait, cx, wheel->resource->serial);
	publish_locked(wheel);
	*ret_earlier = wheel->next < before;
	rs_lock_drop(&wheel->resource->lock);
	return true;
}

void rs_wheel_disarm(struct rs_wheel *wheel, struct rouse_sleep *sleep)
{
	struct rouse_waker waker = { 0, 0 };

	rs_lock_take(&wheel->resource->lock);
	unsigned int level = sleep->slot / SLOTS, digit = sleep->slot % SLOTS;
	struct rs_waitlist *list = sleep->slot == DUE ? &wheel->due : &wheel->slots[level][digit].list;

	if (rs_wait_cancel_locked(list, &sleep->wait, &waker)) {
		if (sleep->slot != DUE && !list->head)
			wheel->occupied[level] &= ~(1ull << digit);
		wheel->armed--;
		publish_locked(wheel);
	}
	rs_lock_drop(&wheel->resource->lock);
	rouse_waker_drop(&waker);
}

/* Counts the sleeps of a slot; UINT64_MAX if one of them does not belong there. */
static uint64_t check_slot(const struct rs_wheel *wheel, unsigned int level, unsigned int digit)
{
	const struct slot *slot = &wheel->slots[level][digit];
	const struct rouse_wait *prev = NULL;
	uint64_t n = 0;

	if (!slot->list.head != !(wheel->occupied[level] >> digit & 1))
		return UINT64_MAX;
	for (const struct rouse_wait *wait = slot->list.head; wait; prev = wait, wait = wait->next, n++) {
		uint64_t tick = wait->arg >> TICK_SHIFT;

		if (tick < wheel->elapsed)
			tick = wheel->elapsed;
		if (wait->prev != prev || wait->state != ROUSE_WAIT_WAITING || wait->arg < slot->earliest ||
			level_of(wheel->elapsed, tick) != level ||
			(tick >> (DIGIT_BITS * level) & (SLOTS - 1)) != digit)
			return UINT64_MAX;
	}
	return slot->list.tail == prev ? n : UINT64_MAX;
}

int rs_wheel_validate(struct rs_wheel *wheel)
{
	uint64_t armed = 0, n = 0;

	rs_lock_take(&wheel->resource->lock);
	for (const struct rouse_wait *wait = wheel->due.head; wait; wait = wait->next)
		armed++;
	for (unsigned int i = 0; i < LEVELS * SLOTS && n != UINT64_MAX; i++) {
		n = check_slot(wheel, i / SLOTS, i % SLOTS);
		armed += n;
	}
	bool good = n != UINT64_MAX && armed == wheel->armed && wheel->next == next_locked(wheel) &&
		    wheel->resource->value == armed;

	rs_lock_drop(&wheel->resource->lock);
	return good ? 0 : -EINVAL;
}

void rs_wheel_dump(struct rs_wheel *wheel, FILE *out)
{
	rs_lock_take(&wheel->resource->lock);
	fprintf(out, "wheel: %" PRIu64 " armed, %" PRIu64 " fired, at tick %" PRIu64 ", next %" PRIu64 " ns\n",
		wheel->armed, wheel->fired, wheel->elapsed, wheel->next);
	for (const struct rouse_wait *wait = wheel->due.head; wait; wait = wait->next)
		fprintf(out, "  due  deadline %" PRIu64 "\n", wait->arg);
	for (unsigned int i = 0; i < LEVELS * SLOTS; i++) {
		const struct slot *slot = &wheel->slots[i / SLOTS][i % SLOTS];

		for (const struct rouse_wait *wait = slot->list.head; wait; wait = wait->next)
			fprintf(out, "  %u.%02u deadline %" PRIu64 "\n", i / SLOTS, i % SLOTS, wait->arg);
	}
	rs_lock_drop(&wheel->resource->lock);
}
