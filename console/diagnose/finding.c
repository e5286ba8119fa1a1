/* SPDX-License-Identifier: MIT */
/*
 * What was found, kept from look to look.
 *
 * A finding is known by its code and what it is about. Rules report what holds
 * now; what they do not report again ages, and is dropped when it was not seen
 * for a while. A verdict that was PROVEN stays PROVEN while nothing has moved:
 * a later look in which a thread carried tasks does not make it less so.
 */
#include "diagnose/finding.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "diagnose/graph.h"
#include "diagnose/memory.h"
#include "diagnose/report.h"
#include "diagnose/sift.h"

enum { KEPT_MAX = 1000 };

struct kept {
	uint64_t key; /* first: a row of cn_slots */
	struct cn_finding finding;
	uint64_t still;
	uint32_t look; /* of its runtime, in which it was last reported */
};

struct named {
	uint64_t id; /* a task, or a resource */
	const struct cn_finding *finding;
};

struct cn_findings {
	struct cn_slots kept;
	const struct cn_finding **order; /* strongest first */
	size_t n, capacity;
	struct named *tasks; /* by id, strongest first */
	size_t n_tasks, tasks_capacity;
	size_t more;
	uint64_t wants[CN_WANTS_MAX];
	size_t n_wants;
	struct cn_memory memory;
	struct cn_load *load;
	struct cn_sift sift;
	struct cn_history active;
};

struct cn_findings *cn_findings_new(void)
{
	struct cn_findings *findings = calloc(1, sizeof *findings);

	if (!findings)
		return NULL;
	cn_slots_init(&findings->kept, sizeof(struct kept), KEPT_MAX);
	cn_memory_init(&findings->memory);
	findings->load = cn_load_new();
	if (!findings->load) {
		cn_findings_free(findings);
		return NULL;
	}
	return findings;
}

void cn_findings_free(struct cn_findings *findings)
{
	if (!findings)
		return;
	cn_slots_fini(&findings->kept);
	cn_memory_fini(&findings->memory);
	cn_load_free(findings->load);
	free(findings->sift.marks);
	free(findings->order);
	free(findings->tasks);
	free(findings);
}

/* --------------------------------------------------------------- reporting */

static uint64_t key_of(enum cn_finding_code code, uint64_t about)
{
	return (about * CN_FINDING_CODE_MAX + (uint64_t)code) + 1;
}

struct cn_report cn_report_about(enum cn_finding_code code, enum cn_class class, const struct cn_task *task)
{
	struct cn_report report = { 0 };

	report.finding.code = (uint8_t)code;
	report.finding.class = (uint8_t) class;
	report.finding.worker = CN_NO_WORKER;
	if (!task)
		return report;
	report.finding.runtime = task->runtime;
	report.finding.n_tasks = 1;
	report.finding.tasks[0] = task->id;
	report.about = task->id;
	report.still = (uint64_t)task->stamp << 32 | task->polls;
	report.at = task;
	return report;
}

void cn_evidence(struct cn_report *report, const char *format, ...)
{
	char *at = report->finding.evidence;
	size_t used = strlen(at), room = sizeof report->finding.evidence - used;
	va_list args;

	va_start(args, format);
	vsnprintf(at + used, room, format, args);
	va_end(args);
}

static void fill_site(const struct cn_model *model, const struct cn_report *report, struct cn_finding *finding)
{
	const struct cn_task *first =
		report->at ? report->at : finding->n_tasks ? cn_model_task(model, finding->tasks[0]) : NULL;
	uint8_t runtime = finding->runtime;
	uint32_t index = report->at ? cn_task_await_site(model, report->at) : report->site;
	const struct cn_site *site = cn_model_site(model, runtime, index), *leaf;

	if (!index && report->at && report->at->n_awaits) /* not awaiting yet: the function itself */
		site = cn_model_site(model, runtime, report->at->awaits[0].type);
	snprintf(finding->function, sizeof finding->function, "%s", cn_model_string(model, runtime, site->name));
	snprintf(finding->file, sizeof finding->file, "%s", cn_model_string(model, runtime, site->file));
	finding->line = site->line;
	if (first)
		snprintf(finding->task_name, sizeof finding->task_name, "%s", cn_task_name(model, first));
	if (!report->at || !report->at->n_awaits)
		return;
	leaf = cn_model_site(model, runtime, cn_task_leaf(report->at)->type);
	if (leaf->kind == ROUSE_SITE_FUNCTION)
		return; /* it runs, or has not begun to wait */
	snprintf(finding->leaf, sizeof finding->leaf, "%s", cn_model_string(model, runtime, leaf->name));
	snprintf(finding->leaf_file, sizeof finding->leaf_file, "%s", cn_model_string(model, runtime, leaf->file));
	finding->leaf_line = leaf->line;
}

void cn_report(struct cn_diagnosis *diagnosis, const struct cn_report *report)
{
	const struct cn_runtime *runtime = cn_model_runtime(diagnosis->model, report->finding.runtime);
	struct cn_finding finding = report->finding;
	struct cn_finding before;
	struct kept *kept;
	void *row;
	int rc = cn_slots_put(&diagnosis->findings->kept, key_of(finding.code, report->about), &row);

	if (rc == -E2BIG)
		diagnosis->findings->more++;
	else if (rc)
		diagnosis->rc = rc;
	if (rc || !runtime)
		return;
	kept = row;
	before = kept->finding;
	fill_site(diagnosis->model, report, &finding);
	finding.key = kept->key;
	finding.active = true;
	finding.first_seen_ns = before.first_seen_ns ? before.first_seen_ns : runtime->now_ns;
	finding.last_seen_ns = runtime->now_ns;
	finding.seen = before.seen + (kept->look != runtime->looks);
	if (report->proven_after && kept->still != report->still)
		finding.seen = 1;
	if (!finding.since_ns)
		finding.since_ns = finding.first_seen_ns;
	if (kept->still == report->still && before.class == CN_PROVEN && finding.class == CN_INCOMPLETE)
		finding.class = CN_PROVEN;
	if (report->proven_after && kept->still == report->still && finding.class == CN_INCOMPLETE &&
		finding.seen >= report->proven_after)
		finding.class = CN_PROVEN;
	if (report->likely_after && finding.class == CN_SUSPECT && finding.seen >= report->likely_after)
		finding.class = CN_LIKELY;
	kept->finding = finding;
	kept->still = report->still;
	kept->look = runtime->looks;
}

bool cn_report_fits(struct cn_diagnosis *diagnosis, enum cn_finding_code code, uint64_t about)
{
	struct cn_findings *findings = diagnosis->findings;

	if (findings->kept.live < KEPT_MAX || cn_slots_find(&findings->kept, key_of(code, about)))
		return true;
	findings->more++;
	return false;
}

bool cn_reported(const struct cn_diagnosis *diagnosis, enum cn_finding_code code, uint64_t about)
{
	const struct kept *kept = cn_slots_find(&diagnosis->findings->kept, key_of(code, about));
	const struct cn_runtime *runtime = kept ? cn_model_runtime(diagnosis->model, kept->finding.runtime) : NULL;

	return runtime && kept->look == runtime->looks;
}

static void name(struct cn_diagnosis *diagnosis, uint64_t id)
{
	void *row;

	if (id && cn_slots_put(&diagnosis->named, id, &row) == -ENOMEM)
		diagnosis->rc = -ENOMEM;
}

bool cn_named(struct cn_diagnosis *diagnosis, uint64_t id)
{
	const struct cn_findings *findings = diagnosis->findings;

	for (size_t i = 0; !diagnosis->all_named && i < findings->kept.used; i++) {
		const struct kept *kept = cn_slots_at(&findings->kept, i);
		const struct cn_runtime *runtime =
			kept ? cn_model_runtime(diagnosis->model, kept->finding.runtime) : NULL;

		if (!runtime || kept->look != runtime->looks || kept->finding.class == CN_SUSPECT)
			continue;
		if (kept->finding.code != CN_FINDING_WAIT_CYCLE) /* who waits behind a ring is not in it */
			name(diagnosis, kept->finding.resource);
		for (uint32_t k = 0; k < kept->finding.n_tasks && k < CN_FINDING_TASKS; k++)
			name(diagnosis, kept->finding.tasks[k]);
	}
	diagnosis->all_named = true;
	return cn_slots_find(&diagnosis->named, id) != NULL;
}

/* ------------------------------------------------------------------ a look */

static int compare(const void *a, const void *b)
{
	const struct cn_finding *x = *(const struct cn_finding *const *)a, *y = *(const struct cn_finding *const *)b;

	if (x->class != y->class)
		return x->class > y->class ? -1 : 1;
	if (x->first_seen_ns != y->first_seen_ns)
		return x->first_seen_ns < y->first_seen_ns ? -1 : 1;
	if (x->code != y->code)
		return x->code < y->code ? -1 : 1;
	return x->tasks[0] < y->tasks[0] ? -1 : x->tasks[0] > y->tasks[0];
}

static int compare_named(const void *a, const void *b)
{
	const struct named *x = a, *y = b;

	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	return compare(&x->finding, &y->finding);
}

/* What was not reported now is only remembered, and after a while not even that. */
static void age(struct cn_findings *findings, const struct cn_model *model, uint64_t stays_ns)
{
	for (size_t i = 0; i < findings->kept.used; i++) {
		struct kept *kept = cn_slots_at(&findings->kept, i);
		const struct cn_runtime *runtime = kept ? cn_model_runtime(model, kept->finding.runtime) : NULL;

		if (!kept)
			continue;
		kept->finding.active = runtime && kept->look == runtime->looks;
		if (!runtime || runtime->now_ns > kept->finding.last_seen_ns + stays_ns)
			cn_slots_remove(&findings->kept, kept->key);
	}
}

static int room_for(struct cn_findings *findings, size_t n)
{
	const struct cn_finding **order;
	struct named *tasks;

	if (n <= findings->capacity)
		return 0;
	order = realloc(findings->order, n * sizeof *order);
	if (!order)
		return -ENOMEM;
	findings->order = order;
	tasks = realloc(findings->tasks, n * (CN_FINDING_TASKS + 1) * sizeof *tasks);
	if (!tasks)
		return -ENOMEM;
	findings->tasks = tasks;
	findings->capacity = n;
	return 0;
}

static void name_all(struct cn_findings *findings, const struct cn_finding *finding)
{
	for (uint32_t i = 0; i < finding->n_tasks && i < CN_FINDING_TASKS; i++)
		findings->tasks[findings->n_tasks++] = (struct named){ finding->tasks[i], finding };
	if (finding->resource)
		findings->tasks[findings->n_tasks++] = (struct named){ finding->resource, finding };
}

static int put_in_order(struct cn_findings *findings)
{
	int rc = room_for(findings, findings->kept.live);

	findings->n = findings->n_tasks = 0;
	if (rc)
		return rc;
	for (size_t i = 0; i < findings->kept.used; i++) {
		const struct kept *kept = cn_slots_at(&findings->kept, i);

		if (!kept)
			continue;
		findings->order[findings->n++] = &kept->finding;
		name_all(findings, &kept->finding);
	}
	if (findings->n)
		qsort(findings->order, findings->n, sizeof findings->order[0], compare);
	if (findings->n_tasks)
		qsort(findings->tasks, findings->n_tasks, sizeof findings->tasks[0], compare_named);
	return 0;
}

static void about_dead(struct cn_diagnosis *diagnosis, const struct cn_task *task)
{
	cn_rule_own(diagnosis, task);
	if (!cn_is_explained(diagnosis, task->id))
		cn_rule_peers(diagnosis, task);
	cn_explained(diagnosis, task->id);
}

/* Who waits for whom, and for what that is there. */
static void waiting(struct cn_diagnosis *diagnosis)
{
	const struct cn_task *task;

	cn_rule_cycles(diagnosis);
	cn_rule_ready(diagnosis);
	for (size_t i = 0; (task = cn_graph_next_dead(diagnosis->likely, &i));)
		about_dead(diagnosis, task);
	cn_rule_pressure(diagnosis);
}

static void all_rules(struct cn_diagnosis *diagnosis)
{
	const struct cn_model *model = diagnosis->model;
	const struct cn_task *task;

	waiting(diagnosis);
	for (size_t i = 0; (task = cn_marked(diagnosis, CN_MARK_WAKERS, &i));) {
		cn_rule_wakers(diagnosis, task);
		cn_rule_leaked(diagnosis, task);
	}
	cn_rule_queues(diagnosis);
	cn_rule_driver(diagnosis);
	cn_rule_readiness(diagnosis);
	cn_rule_order(diagnosis);
	for (size_t i = 0; i < cn_model_resource_slots(model); i++) {
		const struct cn_resource *resource = cn_model_resource_at(model, i);

		if (resource)
			cn_rule_resource(diagnosis, resource);
	}
	cn_rules_of_load(diagnosis);
}

static void judge(struct cn_diagnosis *diagnosis)
{
	struct cn_graph exact, likely;
	int rc;

	cn_load_begin(diagnosis);
	if (diagnosis->rc == 0)
		cn_sift(diagnosis);
	if (diagnosis->rc)
		return;
	rc = cn_graph_init(&likely, diagnosis, CN_TRUST_LIKELY, NULL);
	diagnosis->rc = cn_graph_init(&exact, diagnosis, CN_TRUST_EXACT, &likely);
	if (rc)
		diagnosis->rc = rc;
	diagnosis->exact = &exact;
	diagnosis->likely = &likely;
	if (diagnosis->rc == 0)
		all_rules(diagnosis);
	diagnosis->exact = diagnosis->likely = NULL;
	cn_graph_fini(&exact);
	cn_graph_fini(&likely);
}

static size_t count_active(const struct cn_findings *findings)
{
	size_t n = 0;

	for (size_t i = 0; i < findings->n; i++)
		n += findings->order[i]->active;
	return n;
}

int cn_diagnose(const struct cn_model *model, const struct cn_diagnose_opts *opts, struct cn_findings *findings)
{
	struct cn_diagnosis diagnosis = { .model = model, .findings = findings };

	if (opts)
		diagnosis.opts = *opts;
#define X(name, text, unit, standard, help)                                                                            \
	if (!diagnosis.opts.name)                                                                                      \
		diagnosis.opts.name = (standard);
	CN_THRESHOLDS(X)
#undef X
	findings->more = findings->n_wants = 0;
	cn_slots_init(&diagnosis.explained, sizeof(uint64_t), SIZE_MAX);
	cn_slots_init(&diagnosis.named, sizeof(uint64_t), SIZE_MAX);
	diagnosis.load = findings->load;
	diagnosis.sift = &findings->sift;
	diagnosis.memory = &findings->memory;
	findings->memory.clock++;
	judge(&diagnosis);
	cn_slots_fini(&diagnosis.named);
	cn_slots_fini(&diagnosis.explained);
	age(findings, model, diagnosis.opts.stays);
	if (put_in_order(findings))
		return -ENOMEM;
	cn_history_add(&findings->active, count_active(findings));
	return diagnosis.rc;
}

/* --------------------------------------------------------------- accessors */

const struct cn_history *cn_findings_history(const struct cn_findings *findings)
{
	return &findings->active;
}

size_t cn_findings_count(const struct cn_findings *findings)
{
	return findings->n;
}

const struct cn_finding *cn_findings_at(const struct cn_findings *findings, size_t index)
{
	return index < findings->n ? findings->order[index] : NULL;
}

/* The first of those with the id. Tasks and resources share their ids' space. */
static const struct cn_finding *find_named(const struct cn_findings *findings, uint64_t id)
{
	size_t low = 0, high = findings->n_tasks;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (findings->tasks[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < findings->n_tasks && findings->tasks[low].id == id ? findings->tasks[low].finding : NULL;
}

const struct cn_finding *cn_findings_of_task(const struct cn_findings *findings, uint64_t id)
{
	return find_named(findings, id);
}

const struct cn_finding *cn_findings_of_resource(const struct cn_findings *findings, uint64_t serial)
{
	return find_named(findings, serial);
}

size_t cn_findings_at_least(const struct cn_findings *findings, enum cn_class class, bool active_only)
{
	size_t n = 0;

	for (size_t i = 0; i < findings->n; i++)
		n += findings->order[i]->class >= class && (findings->order[i]->active || !active_only);
	return n;
}

void cn_want(struct cn_diagnosis *diagnosis, uint64_t id)
{
	struct cn_findings *findings = diagnosis->findings;

	for (size_t i = 0; i < findings->n_wants; i++)
		if (findings->wants[i] == id)
			return;
	if (findings->n_wants < CN_WANTS_MAX)
		findings->wants[findings->n_wants++] = id;
}

static bool waits_for(const struct cn_task *task, uint64_t serial)
{
	for (uint16_t i = 0; task->waiting && i < task->n_awaits; i++)
		if (task->awaits[i].wait_state == ROUSE_WAIT_WAITING && task->awaits[i].op != ROUSE_OP_JOIN &&
			task->awaits[i].resource == serial)
			return true;
	return false;
}

void cn_name_waiters(const struct cn_diagnosis *diagnosis, struct cn_report *report, const struct cn_resource *resource)
{
	const struct cn_model *model = diagnosis->model;
	struct cn_finding *finding = &report->finding;

	for (size_t i = 0; resource->waiters && i < cn_model_task_slots(model); i++) {
		const struct cn_task *task = cn_model_task_at(model, i);

		if (!task || task->runtime != resource->runtime || !waits_for(task, resource->serial))
			continue;
		if (finding->n_tasks < CN_FINDING_TASKS)
			finding->tasks[finding->n_tasks] = task->id;
		finding->n_tasks++;
	}
}

void cn_explained(struct cn_diagnosis *diagnosis, uint64_t task)
{
	void *row;
	int rc = cn_slots_put(&diagnosis->explained, task, &row);

	if (rc)
		diagnosis->rc = rc;
}

bool cn_is_explained(const struct cn_diagnosis *diagnosis, uint64_t task)
{
	return cn_slots_find(&diagnosis->explained, task) != NULL;
}

size_t cn_findings_wants(const struct cn_findings *findings, const uint64_t **ret_ids)
{
	*ret_ids = findings->wants;
	return findings->n_wants;
}

size_t cn_findings_more(const struct cn_findings *findings)
{
	return findings->more;
}

/* -------------------------------------------------------------------- text */

static const struct {
	const char *text, *title, *help, *advice;
	unsigned int level;
	enum cn_class strongest;
} findings_table[] = {
#define X(code, text, title, class, level, help, advice) { text, title, help, advice, level, CN_##class },
	CN_FINDINGS(X)
#undef X
};

#define FROM_TABLE(FUNCTION, TYPE, MEMBER, NONE)                                                                       \
	TYPE FUNCTION(unsigned int code)                                                                               \
	{                                                                                                              \
		return code < CN_FINDING_CODE_MAX ? findings_table[code].MEMBER : (NONE);                              \
	}
FROM_TABLE(cn_finding_text, const char *, text, "unknown")
FROM_TABLE(cn_finding_title, const char *, title, "unknown")
FROM_TABLE(cn_finding_help, const char *, help, "")
FROM_TABLE(cn_finding_advice, const char *, advice, "")
FROM_TABLE(cn_finding_level, unsigned int, level, 0)
FROM_TABLE(cn_finding_strongest, enum cn_class, strongest, CN_SUSPECT)

const char *cn_class_name(unsigned int class)
{
	static const char *const texts[] = {
#define X(name, text) text,
		CN_CLASSES(X)
#undef X
	};

	return class < CN_CLASS_MAX ? texts[class] : "unknown";
}
