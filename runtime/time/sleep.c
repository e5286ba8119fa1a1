/* SPDX-License-Identifier: MIT */
/*
 * Sleeping: a leaf future that lies in the wheel of the thread which first
 * polled it. Once armed it stays in that wheel, wherever it is polled later.
 */
#include <rouse/time.h>

#include "base/clock.h"
#include "time/wheel.h"

static void advance_interval(struct rouse_interval *interval, uint64_t now);

static uint64_t add_saturating(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static struct rouse_poll end(struct rouse_sleep *self, int64_t result)
{
	rs_store(&self->wait.state, (uint8_t)ROUSE_WAIT_IDLE, RS_RELAXED);
	self->wheel = NULL;
	self->result = result;
	if (self->interval && !result)
		advance_interval(self->interval, rs_mono_ns());
	self->interval = NULL;
	return rouse_ready();
}

static struct rouse_poll sleep_poll(struct rouse_future *f, struct rouse_context *cx)
{
	struct rouse_sleep *self = (struct rouse_sleep *)f;
	bool earlier;

	if (rs_wait_state(&self->wait) == ROUSE_WAIT_IDLE) {
		uint64_t now = rs_mono_ns();

		self->wheel = rs_wheel_current(cx);
		if (!self->wheel)
			return end(self, -ROUSE_ENORUNTIME);
		if (self->relative) {
			self->relative = 0;
			self->wait.arg = add_saturating(now, self->wait.arg);
		}
		if (self->wait.arg <= now)
			return rs_coop_spend(cx) ? end(self, 0) : rouse_pending();
	}
	if (rs_wait_state(&self->wait) == ROUSE_WAIT_GRANTED || !rs_wheel_arm(self->wheel, self, cx, &earlier))
		return end(self, self->result);
	if (earlier)
		rs_wheel_earlier(self->wheel, cx);
	return rouse_pending();
}

static void sleep_drop(struct rouse_future *f)
{
	struct rouse_sleep *self = (struct rouse_sleep *)f;

	if (rs_wait_state(&self->wait) == ROUSE_WAIT_WAITING)
		rs_wheel_disarm(self->wheel, self);
}

ROUSE_TYPE_(rouse_sleep, ROUSE_SITE_LEAF, sleep_poll, sleep_drop, offsetof(struct rouse_sleep, wait), ROUSE_OP_SLEEP);

uint64_t rouse_now_ns(void)
{
	return rs_mono_ns();
}

static struct rouse_sleep *init(struct rouse_sleep *storage, uint64_t arg, bool relative, void *interval)
{
	storage->future = (struct rouse_future)ROUSE_FUTURE_INIT(rouse_sleep);
	rs_wait_init(&storage->wait, ROUSE_OP_SLEEP);
	storage->wait.arg = arg;
	storage->relative = relative;
	storage->result = 0;
	storage->wheel = NULL;
	storage->interval = interval;
	storage->slot = 0;
	return storage;
}

struct rouse_sleep *rouse_sleep(struct rouse_sleep *storage, uint64_t ns)
{
	return init(storage, ns, true, NULL);
}

struct rouse_sleep *rouse_sleep_until(struct rouse_sleep *storage, uint64_t deadline_ns)
{
	return init(storage, deadline_ns, false, NULL);
}

void rouse_interval_init(struct rouse_interval *interval, uint64_t period_ns, enum rouse_missed missed)
{
	*interval = (struct rouse_interval){
		.next_ns = rs_mono_ns(), .period_ns = period_ns ? period_ns : 1, .missed = missed };
}

/* Only a tick that was delivered moves the interval on: one that is dropped in a select is not lost. */
struct rouse_sleep *rouse_interval_tick(struct rouse_sleep *storage, struct rouse_interval *interval)
{
	return init(storage, interval->next_ns, false, interval);
}

static void advance_interval(struct rouse_interval *interval, uint64_t now)
{
	uint64_t due = interval->next_ns, period = interval->period_ns;
	uint64_t next = add_saturating(due, period);

	if (next <= now) { /* missed at least one */
		switch (interval->missed) {
		case ROUSE_MISSED_BURST:
			break;
		case ROUSE_MISSED_DELAY:
			next = add_saturating(now, period);
			break;
		case ROUSE_MISSED_SKIP:
			next = add_saturating(now, period - (now - due) % period);
			break;
		}
	}
	interval->next_ns = next;
}
