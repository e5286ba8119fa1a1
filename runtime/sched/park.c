/* SPDX-License-Identifier: MIT */
/*
 * A worker without work: it searches (steals from a random victim on), spins a
 * little if that has paid lately, and sleeps: in the reactor if nobody is
 * there, else on a futex until its own wheel's next deadline.
 *
 * No wake-up is lost: sched/idle.h has the argument; `rs_anything()` is its E4.
 *
 * Spinning (base/spin.h) keeps the workers of a ping-pong between threads
 * awake, and lets an idle program sleep. It begins with a look at the reactor:
 * an answer that is there already is not waited for (an echo on one connection:
 * 4.0 us for 6.4).
 */
#include "base/futex.h"
#include "sched/runtime.h"

enum { SPINS_PER_DRIVER_LOOK = 4 };

/* ------------------------------------------------------------- stealing */

static uint64_t next_random(struct rs_worker *w)
{
	/* xorshift64: Marsaglia 2003 */
	w->random ^= w->random << 13;
	w->random ^= w->random >> 7;
	w->random ^= w->random << 17;
	return w->random;
}

/* What a worker stuck in a long poll cannot do itself. */
static struct rouse_task *rescue(struct rs_worker *w, struct rs_worker *victim)
{
	if (!(rs_load(&victim->record->flags, RS_RELAXED) & RS_WORKER_LONG_POLL))
		return NULL;
	if (rs_wheel_next(victim->wheel) <= rs_mono_ns()) {
		w->in_driver = true;
		rs_wheel_fire(victim->wheel, rs_mono_ns());
		w->in_driver = false;
	}
	return rs_queue_take_lifo(&victim->queue);
}

static struct rouse_task *steal_from(struct rs_worker *w, struct rs_worker *victim)
{
	struct rouse_counters *c = &w->record->counters;
	uint32_t n = 0;

	rs_bump(&c->steal_attempts, 1u);
	RS_PUT(&w->record->in_transit, UINT64_MAX);
	struct rouse_task *task = rs_queue_depth(&victim->queue) ? rs_queue_steal(&victim->queue, &w->queue, &n) : NULL;

	RS_PUT(&w->record->in_transit, task ? task->id : 0);
	if (!task && (task = rescue(w, victim)))
		n = 1;
	if (!task)
		return NULL;
	rs_bump(&c->steals, 1u);
	rs_bump(&c->stolen, (uint64_t)n);
	if (w->level > 1)
		rs_emit_owner(w, ROUSE_EVENT_STEAL, rs_ticks(), 0, victim->index, n);
	return task;
}

static struct rouse_task *steal(struct rs_worker *w)
{
	struct rouse_runtime *runtime = w->runtime;
	uint32_t n = runtime->n_workers, start = (uint32_t)(next_random(w) % n);

	for (uint32_t i = 0; i < n; i++) {
		struct rs_worker *victim = &runtime->workers[(start + i) % n];
		struct rouse_task *task = victim == w ? NULL : steal_from(w, victim);

		if (task)
			return task;
	}
	struct rouse_task *own = rs_queue_pop_owner(&w->queue); /* a rescued wheel may have filled it */

	return own ? own : rs_worker_pull(w);
}

bool rs_anything(struct rouse_runtime *runtime)
{
	if (rs_inject_maybe_any(&runtime->inject) || rs_load(&runtime->state, RS_ACQUIRE) >= ROUSE_RUNTIME_STOPPING)
		return true;
	for (uint32_t i = 0; i < runtime->n_workers; i++)
		if (rs_queue_depth(&runtime->workers[i].queue))
			return true;
	return false;
}

/* ------------------------------------------------------------- spinning */

static void look_at_driver(struct rs_worker *w)
{
	if (rs_reactor_count(w->runtime->reactor) && rs_load(&w->runtime->driver_lock.word, RS_RELAXED) == 0)
		rs_worker_maintain(w);
}

static struct rouse_task *watch(struct rs_worker *w, uint64_t until)
{
	for (uint32_t round = 0; rs_mono_ns() < until; round++) {
		if (round % SPINS_PER_DRIVER_LOOK == 0)
			look_at_driver(w);
		struct rouse_task *task = rs_anything(w->runtime) ? steal(w) : NULL;

		if (task)
			return task;
		for (int i = 0; i < RS_SPIN_PAUSES; i++)
			rs_pause();
	}
	return NULL;
}

static struct rouse_task *spin(struct rs_worker *w)
{
	uint32_t span = rs_spin_begin(&w->spin, RS_SPIN_MIN_NS);

	if (!span)
		return NULL;
	rs_bump(&w->record->counters.spins, 1u);
	struct rouse_task *task = watch(w, rs_mono_ns() + span);

	rs_spin_end(&w->spin, task);
	return task;
}

/* ------------------------------------------------------------- sleeping */

void rs_worker_unpark(struct rs_worker *w)
{
	switch (rs_exchange(&w->parker, (uint32_t)RS_PARKER_NOTIFIED, RS_ACQ_REL)) {
	case RS_PARKER_PARKED:
		rs_futex_wake(&w->parker, 1);
		break;
	case RS_PARKER_DRIVER:
		rs_reactor_poke(w->runtime->reactor);
		break;
	default:
		break;
	}
}

static bool lie_down(struct rs_worker *w, enum rs_parker how)
{
	uint32_t empty = RS_PARKER_EMPTY;

	return rs_cas(&w->parker, &empty, (uint32_t)how, RS_ACQ_REL, RS_ACQUIRE);
}

/*
 * When to wake for a deadline. The first one after a pause is met exactly; those
 * that follow it closely end together, for each wake-up costs some 20 us of CPU.
 */
static uint64_t wake_at(const struct rs_worker *w, uint64_t deadline)
{
	uint64_t soonest = w->timed_out_ns + w->runtime->timer_slack_ns;

	return deadline < soonest ? soonest : deadline;
}

static void sleep_on_futex(struct rs_worker *w)
{
	uint64_t deadline = wake_at(w, rs_wheel_next(w->wheel));

	w->sleeps_until_ns = deadline;
	rs_worker_set_state(w, ROUSE_WORKER_PARKED);
	/* From here until rs_idle_cancel() it may be lent: all but the parker is another's. */
	if (lie_down(w, RS_PARKER_PARKED))
		while (rs_load(&w->parker, RS_ACQUIRE) == RS_PARKER_PARKED && rs_mono_ns() < deadline)
			(void)rs_futex_wait(&w->parker, RS_PARKER_PARKED, deadline);
	rs_exchange(&w->parker, (uint32_t)RS_PARKER_EMPTY, RS_ACQ_REL);
}

/* Holds the driver lock. Wakes go to this worker's ring, unannounced; rs_worker_find announces them. Events delivered. */
static int sleep_in_driver(struct rs_worker *w)
{
	struct rouse_runtime *runtime = w->runtime;
	uint64_t own = rs_wheel_next(w->wheel), foreign = rs_wheel_next(runtime->foreign_wheel);
	int n = 0;

	rs_worker_set_state(w, ROUSE_WORKER_DRIVER);
	RS_PUT(&runtime->page->driver_worker, w->index + 1);
	w->in_driver = true;
	if (lie_down(w, RS_PARKER_DRIVER))
		n = rs_reactor_turn(runtime->reactor, wake_at(w, own < foreign ? own : foreign),
			RS_REACTOR_EVENTS);
	rs_exchange(&w->parker, (uint32_t)RS_PARKER_EMPTY, RS_ACQ_REL);
	RS_PUT(&runtime->page->driver_worker, 0);
	rs_lock_drop(&runtime->driver_lock);
	rs_bump(&w->record->counters.driver_turns, 1u);
	if (n > 0)
		rs_bump(&w->record->counters.io_events, (uint64_t)n);
	w->in_driver = false;
	return n;
}

void rs_worker_end_sleep(struct rs_worker *w, bool in_driver)
{
	uint64_t since = w->slept_since;

	w->slept_since = 0;
	if (!w->level || !since)
		return;
	rs_bump(&w->record->counters.park_ticks, w->edge - since);
	if (w->level > 1)
		rs_emit_owner(w, ROUSE_EVENT_PARK, since, 0, in_driver, w->edge - since);
}

static void account(struct rs_worker *w, bool in_driver)
{
	rs_bump(&w->record->counters.parks, 1u);
	if (w->level)
		w->edge = rs_ticks();
	rs_worker_end_sleep(w, in_driver);
}

/* It goes to sleep again, and has polled nothing since it woke. */
static void account_wake(struct rs_worker *w)
{
	if (w->woken_in_vain && rs_load(&w->record->counters.polls, RS_RELAXED) == w->woken_at_poll)
		rs_bump(&w->record->counters.empty_wakes, 1u);
}

static void park(struct rs_worker *w)
{
	struct rouse_runtime *runtime = w->runtime;
	int events = 0;

	w->slept_since = w->level ? rs_ticks() : 0;
	rs_idle_sleep(&runtime->idle, w->index, w->searching);
	w->searching = false;
	if (rs_anything(runtime)) { /* E4 */
		if (rs_idle_cancel(&runtime->idle, w->index))
			rs_fetch_add(&runtime->idle.searching, 1u, RS_SEQ_CST);
		w->searching = true;
		return;
	}
	w->edge = w->slept_since;
	account_wake(w);
	bool in_driver = rs_lock_try(&runtime->driver_lock);

	if (in_driver)
		events = sleep_in_driver(w);
	else
		sleep_on_futex(w);
	if (!rs_idle_cancel(&runtime->idle, w->index))
		w->searching = true; /* chosen: it counts already */
	account(w, in_driver);
	rs_worker_set_state(w, ROUSE_WORKER_POLLING);
	w->woken_at_poll = rs_load(&w->record->counters.polls, RS_RELAXED);
	w->woken_in_vain = events <= 0 && !w->renewed;
	w->renewed = false;
	if (rs_worker_fire_timers(w, events <= 0)) {
		w->timed_out_ns = rs_mono_ns();
		w->woken_in_vain = false;
	}
}

void rs_worker_end_search(struct rs_worker *w)
{
	w->searching = false;
	if (rs_idle_end_search(&w->runtime->idle) && rs_anything(w->runtime))
		rs_notify(w->runtime);
}

struct rouse_task *rs_worker_find(struct rs_worker *w)
{
	struct rouse_task *task = NULL;

	if (!w->searching)
		w->searching = rs_idle_try_search(&w->runtime->idle);
	if (w->searching) {
		rs_worker_set_state(w, ROUSE_WORKER_SEARCHING);
		task = steal(w);
		if (!task)
			task = spin(w);
		if (w->level)
			w->edge = rs_ticks();
		rs_worker_set_state(w, ROUSE_WORKER_POLLING);
	}
	if (!task) {
		park(w);
		task = rs_queue_pop_owner(&w->queue);
		if (!task)
			return NULL; /* as a searcher, if it was woken: the loop comes back here */
	}
	if (w->searching)
		rs_worker_end_search(w);
	RS_PUT(&w->record->in_transit, 0);
	return task;
}
