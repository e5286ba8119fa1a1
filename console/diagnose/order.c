/* SPDX-License-Identifier: MIT */
/*
 * Locks taken in opposite orders, before they meet.
 *
 * Each look shows who owns which mutex since when, and who waits for one while
 * owning another: "held before taken". Orders are remembered; when two tasks
 * have shown both, they can one day wait for each other. Only what a look
 * happens to see is known: no cost to the program, no claim to be complete.
 *
 * A record that was read while its lock changed hands may show the new owner
 * with the old time. So two locks that are held count if both were the same in
 * two looks; one that is waited for, if the wait began before the look.
 *
 * Not told: two locks with equal stamps (taken in one poll: the order is not
 * known), a task alone in both orders, orders that were always kept apart by a
 * third lock held around both.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "diagnose/memory.h"
#include "diagnose/report.h"
#include "export/text.h"

/* A lock that a task has, or waits for. */
struct lock {
	uint64_t task;
	uint64_t since;
	uint64_t serial;
	bool waits;
	bool settled; /* it has had it for two looks */
};

struct locks {
	struct lock *list;
	size_t n, capacity;
};

static int note(struct locks *locks, struct lock lock)
{
	if (locks->n == locks->capacity) {
		size_t capacity = locks->capacity ? 2 * locks->capacity : 64;
		struct lock *list = realloc(locks->list, capacity * sizeof *list);

		if (!list)
			return -ENOMEM;
		locks->list = list;
		locks->capacity = capacity;
	}
	locks->list[locks->n++] = lock;
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct lock *x = a, *y = b;

	if (x->task != y->task)
		return x->task < y->task ? -1 : 1;
	return x->since < y->since ? -1 : x->since > y->since;
}

/* ------------------------------------------------------------------ orders */

static uint64_t key_of(uint64_t held, uint64_t taken)
{
	return (held * 0x9e3779b97f4a7c15ull) ^ (taken * 0xc2b2ae3d27d4eb4full) ^ 1;
}

static struct cn_order *order_of(struct cn_memory *memory, uint64_t held, uint64_t taken)
{
	struct cn_order *order = cn_slots_find(&memory->orders, key_of(held, taken));

	return order && order->held == held && order->taken == taken ? order : NULL;
}

/* What else the task held before both. */
static void gate(struct cn_order *order, const struct lock *first, const struct lock *held, bool is_new)
{
	uint64_t now[CN_GATES_MAX] = { 0 };
	uint8_t n = 0, kept = 0;

	for (const struct lock *lock = first; lock < held && n < CN_GATES_MAX; lock++)
		now[n++] = lock->serial;
	for (uint8_t i = 0; i < n; i++) {
		bool before = is_new;

		for (uint8_t k = 0; k < order->n_gates; k++)
			before = before || order->gates[k] == now[i];
		if (before)
			now[kept++] = now[i];
	}
	memcpy(order->gates, now, kept * sizeof now[0]);
	order->n_gates = kept;
}

static int remember(
	struct cn_diagnosis *diagnosis, const struct lock *first, const struct lock *held, const struct lock *taken)
{
	const struct cn_model *model = diagnosis->model;
	const struct cn_task *task = cn_model_task(model, held->task);
	const struct cn_runtime *runtime = task ? cn_model_runtime(model, task->runtime) : NULL;
	struct cn_order *order;
	void *row;
	int rc;

	if (!runtime)
		return 0;
	rc = cn_slots_put(&diagnosis->memory->orders, key_of(held->serial, taken->serial), &row);
	if (rc)
		return rc == -E2BIG ? 0 : rc;
	order = row;
	if (order->held && (order->held != held->serial || order->taken != taken->serial))
		return 0; /* two pairs with one key: the first stays */
	gate(order, first, held, order->held == 0);
	if (order->task && order->task != task->id)
		order->other_task = order->task;
	order->held = held->serial;
	order->taken = taken->serial;
	order->task = task->id;
	order->seen_ns = runtime->now_ns;
	order->waits_ns = taken->waits ? runtime->now_ns : 0;
	order->runtime = task->runtime;
	order->site = cn_task_await_site(model, task);
	return 0;
}

/* ------------------------------------------------------------------ a look */

static int gather(const struct cn_model *model, struct locks *locks)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < cn_model_resource_slots(model); i++) {
		const struct cn_resource *r = cn_model_resource_at(model, i);

		if (r && r->kind == ROUSE_RESOURCE_MUTEX && !r->value && cn_is_task_id(r->owner) && r->owner_since_ns &&
			cn_model_task(model, r->owner))
			rc = note(locks, (struct lock){ r->owner, r->owner_since_ns, r->serial, false,
						 cn_model_runtime(model, r->runtime)->looks > r->changed_look });
	}
	return rc;
}

/* Those of `locks` that have one wait for another as well. Sorted before and after. */
static int gather_waits(const struct cn_model *model, struct locks *locks)
{
	size_t n = locks->n;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < n; i++) {
		const struct cn_task *task = cn_model_task(model, locks->list[i].task);

		if (i && locks->list[i - 1].task == locks->list[i].task)
			continue;
		for (uint16_t k = 0; rc == 0 && task->valid && k < task->n_awaits; k++) {
			const struct cn_await *await = &task->awaits[k];

			if (await->wait_state == ROUSE_WAIT_WAITING && await->op == ROUSE_OP_LOCK && await->since_ns &&
				await->since_ns < cn_model_runtime(model, task->runtime)->now_ns)
				rc = note(locks,
					(struct lock){ task->id, await->since_ns, await->resource, true, false });
		}
	}
	if (locks->n > n)
		qsort(locks->list, locks->n, sizeof locks->list[0], compare);
	return rc;
}

static bool comes_before(const struct lock *held, const struct lock *taken)
{
	return !held->waits && held->since < taken->since && (taken->waits || (held->settled && taken->settled));
}

static int remember_all(struct cn_diagnosis *diagnosis, const struct locks *locks)
{
	size_t first = 0;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < locks->n; i++) {
		if (locks->list[i].task != locks->list[first].task)
			first = i;
		for (size_t k = first; rc == 0 && k < i; k++)
			if (comes_before(&locks->list[k], &locks->list[i]))
				rc = remember(diagnosis, &locks->list[first], &locks->list[k], &locks->list[i]);
	}
	return rc;
}

/* ---------------------------------------------------------------- verdicts */

static bool kept_apart(const struct cn_order *a, const struct cn_order *b)
{
	for (uint8_t i = 0; i < a->n_gates; i++)
		for (uint8_t k = 0; k < b->n_gates; k++)
			if (a->gates[i] == b->gates[k])
				return true;
	return false;
}

/* Two tasks that took them in different orders; one alone waits for nobody. */
static bool by_two(const struct cn_order *a, const struct cn_order *b)
{
	return a->task != b->task || (a->other_task && a->other_task != b->task) ||
	       (b->other_task && b->other_task != a->task);
}

/*
 * Both wait for each other at this moment: no danger any more, but the thing
 * itself, and told as such. When it is over, whoever was seen to wait last does
 * not make a danger of what was told.
 */
static bool have_met(const struct cn_diagnosis *diagnosis, struct cn_order *a, struct cn_order *b)
{
	bool now = a->waits_ns && a->waits_ns == b->waits_ns;

	/* A ring is about its oldest task. */
	if (now && cn_reported(diagnosis, CN_FINDING_WAIT_CYCLE, a->task < b->task ? a->task : b->task))
		a->told = b->told = true;
	return now || (a->told && b->told);
}

static const char *name_of(const struct cn_model *model, uint64_t task)
{
	const struct cn_task *of = cn_model_task(model, task);

	return of ? cn_safe(cn_task_name(model, of)) : "ended";
}

static void report_pair(struct cn_diagnosis *diagnosis, const struct cn_order *a, const struct cn_order *b)
{
	const struct cn_model *model = diagnosis->model;
	const struct cn_resource *x = cn_model_resource(model, a->held), *y = cn_model_resource(model, a->taken);
	const struct cn_site *here = cn_model_site(model, a->runtime, a->site);
	const struct cn_site *there = cn_model_site(model, b->runtime, b->site);
	struct cn_report report = cn_report_about(CN_FINDING_LOCK_ORDER, CN_LIKELY, NULL);

	report.finding.runtime = a->runtime;
	report.finding.resource = a->held;
	report.about = a->key;
	report.still = a->key;
	report.site = a->site;
	report.finding.since_ns = a->seen_ns > b->seen_ns ? a->seen_ns : b->seen_ns;
	if (cn_model_task(model, a->task))
		report.finding.tasks[report.finding.n_tasks++] = a->task;
	if (cn_model_task(model, b->task) && b->task != a->task)
		report.finding.tasks[report.finding.n_tasks++] = b->task;
	cn_evidence(&report, "%s (%llu) held mutex %s when it came for %s (%s:%u); ", name_of(model, a->task),
		(unsigned long long)a->task, cn_safe(cn_resource_name(model, x)), cn_safe(cn_resource_name(model, y)),
		cn_safe(cn_path_base(cn_model_string(model, a->runtime, here->file))), here->line);
	cn_evidence(&report, "%s (%llu) held %s when it came for %s (%s:%u)", name_of(model, b->task),
		(unsigned long long)b->task, cn_safe(cn_resource_name(model, y)), cn_safe(cn_resource_name(model, x)),
		cn_safe(cn_path_base(cn_model_string(model, b->runtime, there->file))), there->line);
	cn_report(diagnosis, &report);
}

/* Orders of locks that are gone are forgotten. */
static void judge(struct cn_diagnosis *diagnosis)
{
	struct cn_memory *memory = diagnosis->memory;

	for (size_t i = 0; i < memory->orders.used; i++) {
		struct cn_order *a = cn_slots_at(&memory->orders, i), *b;

		if (!a)
			continue;
		if (!cn_model_resource(diagnosis->model, a->held) || !cn_model_resource(diagnosis->model, a->taken)) {
			cn_slots_remove(&memory->orders, a->key);
			continue;
		}
		b = a->held < a->taken ? order_of(memory, a->taken, a->held) : NULL;
		if (b && by_two(a, b) && !kept_apart(a, b) && !have_met(diagnosis, a, b))
			report_pair(diagnosis, a, b);
	}
}

void cn_rule_order(struct cn_diagnosis *diagnosis)
{
	struct locks locks = { 0 };

	if (diagnosis->rc)
		return;
	diagnosis->rc = gather(diagnosis->model, &locks);
	if (locks.n)
		qsort(locks.list, locks.n, sizeof locks.list[0], compare);
	if (diagnosis->rc == 0)
		diagnosis->rc = gather_waits(diagnosis->model, &locks);
	if (diagnosis->rc == 0)
		diagnosis->rc = remember_all(diagnosis, &locks);
	if (diagnosis->rc == 0)
		judge(diagnosis);
	free(locks.list);
}
