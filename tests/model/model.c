/* SPDX-License-Identifier: MIT */
#include "model.h"

#include "base/futex.h"

#include "model_hooks.h"

#include <rouse/future.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

enum { STACK_BYTES = 64 * 1024, STEPS_MAX = 4096, PLACES = 256, BUFFER = 16, MAIN = MODEL_THREADS, ACTORS };

typedef uint32_t clocks[ACTORS];

/* An atomic word or a piece of plain data, found by address. */
struct place {
	const volatile void *address;
	clocks released;  /* atomics: what an acquire of the current value brings */
	uint32_t writer;  /* plain: who wrote last, and when */
	uint32_t written;
	clocks reads;
};

/* A store that its thread has made and nobody else sees yet. */
struct pending {
	volatile void *address;
	size_t bytes;
	uint64_t value;
	int releases;
	clocks released;
};

struct thread {
	ucontext_t context;
	char *stack;
	int started, ended;
	const uint32_t *waits; /* blocked while *waits == value */
	uint32_t value;
	clocks now;
	struct pending buffer[BUFFER]; /* oldest first */
	int stores;
};

/* One decision: which thread goes next (i), or whose oldest store becomes visible (MODEL_THREADS + i). */
struct choice {
	uint8_t chosen, alternatives; /* a bit for each not yet tried here */
};

static struct {
	const struct model *model;
	struct thread threads[MODEL_THREADS], main_thread;
	int n, current; /* MAIN while no thread runs */
	ucontext_t scheduler;
	struct choice path[STEPS_MAX];
	int depth, replay;
	unsigned preemptions;
	clocks main_now, fence;
	struct place places[PLACES];
	int failed;
	char why[256];
} m;

/* The headers' constructors call it; there is no runtime here to know sites. */
void rouse_sites_register_(const struct rouse_future_type *const *types, const struct rouse_future_type *const *types_end,
	const struct rouse_site *const *sites, const struct rouse_site *const *sites_end)
{
	(void)types, (void)types_end, (void)sites, (void)sites_end;
}

/* ----------------------------------------------------------- happens before */

static uint32_t *clock_here(void)
{
	return m.current == MAIN ? m.main_now : m.threads[m.current].now;
}

static void merge(clocks into, const clocks from)
{
	for (int i = 0; i < ACTORS; i++)
		if (from[i] > into[i])
			into[i] = from[i];
}

static struct place *place(const volatile void *address)
{
	for (size_t i = ((uintptr_t)address >> 2) % PLACES, n = 0; n < PLACES; n++, i = (i + 1) % PLACES) {
		if (!m.places[i].address)
			m.places[i].address = address;
		if (m.places[i].address == address)
			return &m.places[i];
	}
	fprintf(stderr, "model: too many places\n");
	abort();
}

static int acquires(int order)
{
	return order == __ATOMIC_ACQUIRE || order == __ATOMIC_ACQ_REL || order == __ATOMIC_SEQ_CST;
}

static int releases(int order)
{
	return order == __ATOMIC_RELEASE || order == __ATOMIC_ACQ_REL || order == __ATOMIC_SEQ_CST;
}

void rs_model_loaded(const volatile void *address, int order)
{
	if (acquires(order))
		merge(clock_here(), place(address)->released);
}

void rs_model_load(const volatile void *address, void *value, size_t bytes, int order)
{
	memcpy(value, (const void *)(uintptr_t)address, bytes);
	if (m.current != MAIN) {
		const struct thread *t = &m.threads[m.current];

		for (int i = 0; i < t->stores; i++)
			if (t->buffer[i].address == address)
				memcpy(value, &t->buffer[i].value, bytes);
	}
	rs_model_loaded(address, order);
}

/* A store ends the release sequence that was there; a read-modify-write continues it. */
static void make_visible(struct thread *t)
{
	struct pending *oldest = &t->buffer[0];
	struct place *p = place(oldest->address);

	memcpy((void *)(uintptr_t)oldest->address, &oldest->value, oldest->bytes);
	memset(p->released, 0, sizeof p->released);
	if (oldest->releases)
		merge(p->released, oldest->released);
	t->stores--;
	memmove(oldest, oldest + 1, (size_t)t->stores * sizeof *oldest);
}

void rs_model_store(volatile void *address, const void *value, size_t bytes, int order)
{
	struct thread *t = m.current == MAIN ? &m.main_thread : &m.threads[m.current];
	struct pending *p;

	if (t->stores == BUFFER)
		make_visible(t);
	p = &t->buffer[t->stores++];
	*p = (struct pending){ .address = address, .bytes = bytes, .releases = releases(order) };
	memcpy(&p->value, value, bytes);
	memcpy(p->released, clock_here(), sizeof p->released);
	clock_here()[m.current]++;
	if (m.current == MAIN || order == __ATOMIC_SEQ_CST)
		rs_model_drain();
}

void rs_model_drain(void)
{
	struct thread *t = m.current == MAIN ? &m.main_thread : &m.threads[m.current];

	while (t->stores)
		make_visible(t);
}

void rs_model_modified(const volatile void *address, int order)
{
	struct place *p = place(address);

	if (acquires(order))
		merge(clock_here(), p->released);
	if (releases(order))
		merge(p->released, clock_here());
	clock_here()[m.current]++;
}

void rs_model_fence(void)
{
	rs_model_step();
	rs_model_drain();
	merge(clock_here(), m.fence);
	merge(m.fence, clock_here());
	clock_here()[m.current]++;
}

void rs_model_fence_all(void)
{
	rs_model_fence();
	for (int i = 0; i < m.n; i++)
		while (m.threads[i].stores)
			make_visible(&m.threads[i]);
}

static void check_after_write(const struct place *p, const char *what)
{
	if (p->written > clock_here()[p->writer])
		model_fail(what, "a write", (int)p->writer);
}

void model_write(const void *address)
{
	struct place *p = place(address);

	check_after_write(p, "data race: this write does not happen after");
	for (int i = 0; i < ACTORS; i++)
		if (p->reads[i] > clock_here()[i])
			model_fail("data race: this write does not happen after", "a read", i);
	p->writer = (uint32_t)m.current;
	p->written = ++clock_here()[m.current];
}

void model_read(const void *address)
{
	struct place *p = place(address);

	check_after_write(p, "data race: this read does not happen after");
	p->reads[m.current] = ++clock_here()[m.current];
}

/* ---------------------------------------------------------------- schedule */

static int runnable(int i)
{
	const struct thread *t = &m.threads[i];

	return !t->ended && !(t->waits && *t->waits == t->value);
}

/* What happens if nothing special does: a store becomes visible at once, a thread goes on. -1: neither. */
static int by_default(int last)
{
	if (last == MAIN)
		return -1;
	if (m.threads[last].stores)
		return MODEL_THREADS + last;
	return runnable(last) ? last : -1;
}

static uint8_t everything(void)
{
	uint8_t set = 0;

	for (int i = 0; i < m.n; i++) {
		if (runnable(i))
			set |= (uint8_t)(1 << i);
		if (m.threads[i].stores)
			set |= (uint8_t)(1 << (MODEL_THREADS + i));
	}
	return set;
}

/* Anything but the default costs one of the preemptions. */
static int decide(int last)
{
	int usual = by_default(last);
	uint8_t set = usual < 0 || m.preemptions > 0 ? everything() : (uint8_t)(1 << usual);
	struct choice *c = &m.path[m.depth];

	if (!set)
		return -1;
	if (m.depth >= m.replay) {
		c->chosen = (uint8_t)(usual >= 0 ? usual : __builtin_ctz(set));
		c->alternatives = (uint8_t)(set & ~(1 << c->chosen));
	}
	if (++m.depth == STEPS_MAX) {
		model_fail("a run without end", "the schedule", STEPS_MAX);
		return -1;
	}
	if (usual >= 0 && c->chosen != usual)
		m.preemptions--;
	return c->chosen;
}

void rs_model_step(void)
{
	int self = m.current;

	if (self != MAIN && !m.failed)
		swapcontext(&m.threads[self].context, &m.scheduler);
}

void rs_model_wait(const uint32_t *word, uint32_t value)
{
	struct thread *t = &m.threads[m.current];

	t->waits = word;
	t->value = value;
	rs_model_step();
	t->waits = NULL;
}

/* Futexes of the code under test: a sleep is a wait for the word; whoever changes that wakes. Weak: a test may know better. */
__attribute__((weak)) int rs_futex_wait(const uint32_t *word, uint32_t value, uint64_t deadline_ns)
{
	(void)deadline_ns;
	rs_model_wait(word, value);
	return 0;
}

__attribute__((weak)) int rs_futex_wake(const uint32_t *word, int n)
{
	(void)word, (void)n;
	return 0;
}

void model_fail(const char *what, const char *file, int line)
{
	if (!m.failed)
		snprintf(m.why, sizeof m.why, "%s (%s:%d)", what, file, line);
	m.failed = 1;
	if (m.current != MAIN)
		swapcontext(&m.threads[m.current].context, &m.scheduler); /* never comes back */
}

static void thread_main(int i)
{
	m.model->threads[i]();
	m.threads[i].ended = 1;
	swapcontext(&m.threads[i].context, &m.scheduler);
}

static void start(int i)
{
	struct thread *t = &m.threads[i];
	char *stack = t->stack;

	memset(t, 0, sizeof *t);
	t->stack = stack ? stack : malloc(STACK_BYTES);
	merge(t->now, m.main_now);
	t->now[i]++;
	getcontext(&t->context);
	t->context.uc_stack.ss_sp = t->stack;
	t->context.uc_stack.ss_size = STACK_BYTES;
	makecontext(&t->context, (void (*)(void))thread_main, 1, i);
}

static void run_once(void)
{
	int last = MAIN, next, all = 1;

	memset(m.places, 0, sizeof m.places);
	memset(m.main_now, 0, sizeof m.main_now);
	memset(m.fence, 0, sizeof m.fence);
	m.main_now[MAIN] = 1;
	m.current = MAIN;
	m.depth = 0;
	m.preemptions = m.model->preemptions ? m.model->preemptions : 3;
	m.model->setup();
	m.main_now[MAIN]++;
	for (int i = 0; i < m.n; i++)
		start(i);
	while (!m.failed && (next = decide(last)) >= 0) {
		if (next >= MODEL_THREADS) {
			make_visible(&m.threads[next - MODEL_THREADS]);
			continue;
		}
		m.current = last = next;
		swapcontext(&m.scheduler, &m.threads[next].context);
		m.current = MAIN;
	}
	for (int i = 0; i < m.n; i++) {
		all &= m.threads[i].ended;
		merge(m.main_now, m.threads[i].now);
	}
	if (!m.failed && !all)
		model_fail("deadlock: nobody can go on", "the schedule", m.depth);
	if (!m.failed && m.model->check)
		m.model->check();
}

/* The deepest decision with an untried alternative takes it; what was behind it is forgotten. */
static int next_schedule(void)
{
	for (int i = m.depth - 1; i >= 0; i--) {
		struct choice *c = &m.path[i];

		if (!c->alternatives)
			continue;
		c->chosen = (uint8_t)__builtin_ctz(c->alternatives);
		c->alternatives &= (uint8_t)(c->alternatives - 1);
		m.replay = i + 1;
		return 1;
	}
	return 0;
}

static void print_failure(uint64_t runs)
{
	fprintf(stderr, "model %s: run %llu: %s\nschedule:", m.model->name, (unsigned long long)runs, m.why);
	for (int i = 0; i < m.depth; i++)
		fprintf(stderr, " %c", m.path[i].chosen < MODEL_THREADS ? 'A' + m.path[i].chosen :
			'a' + m.path[i].chosen - MODEL_THREADS);
	fprintf(stderr, "\n");
}

uint64_t model_run(const struct model *model)
{
	uint64_t runs = 0;

	m.model = model;
	m.failed = m.replay = 0;
	for (m.n = 0; m.n < MODEL_THREADS && model->threads[m.n]; m.n++)
		;
	do {
		runs++;
		run_once();
		if (m.failed)
			print_failure(runs);
	} while (!m.failed && next_schedule());
	for (int i = 0; i < MODEL_THREADS; i++) {
		free(m.threads[i].stack);
		m.threads[i].stack = NULL;
	}
	printf("model %s: %llu runs%s\n", model->name, (unsigned long long)runs, m.failed ? ", failed" : "");
	return m.failed ? 0 : runs;
}
