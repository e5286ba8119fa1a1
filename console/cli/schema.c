/* SPDX-License-Identifier: MIT */
/*
 * A JSON schema (2020-12) of what --json prints: one definition a document, by
 * the words of its member "schema". Names that come from tables of the code
 * (states, codes of findings, counters...) are printed from those tables;
 * members are listed here, and a test holds every verb's documents to them, in
 * both directions: none is missing, none is new.
 *
 * A list of members is "key: type, key: type". A key that ends in ? may be
 * missing. Types: s string, n whole number, r any number, b boolean, i an id (a
 * string of digits, for a number of 64 bits is none in most readers), or the
 * name of a definition; with * before it an array of such, with ? behind it null
 * is allowed.
 */
#include <string.h>

#include "cli/cli.h"
#include "cli/doctor.h"
#include "cli/run.h"
#include "diagnose/edge.h"
#include "model/kernel.h"

static const struct {
	const char *name, *members;
} objects[] = {
	{ "target", "pid: n, program: s, version: s" },
	{ "lost", "events: n, generations: n" },
	{ "recording", "file: s, look: n, looks: n, from: n, at_ns: n, of_ns: n, note: s" },
	{ "site", "function: s, file: s, line: n" },
	{ "await", "parent: n, future: s, at: site?, op?: op, wait?: wait, task?: i, resource?: i, since_ns?: n, wakes?: s" },
	{ "task",
		"id: i, name: s, state: task_state, kind: task_kind, runtime: n, worker: n?, parent: i, age_ns: n, busy_ns: n, "
		"scheduled_ns: n, idle_ns: n, in_state_ns: n, polls: n, wakes: n, self_wakes: n, wakers: n, handles: n, "
		"last_waker: s, frame_bytes: n, valid: b, spawned: site?, site: site?, finding?: finding_code, awaits?: *await" },
	{ "finding_task", "id: i, name?: s, site?: site?" },
	{ "finding_resource", "serial: i, kind?: resource_kind, name?: s" },
	{ "finding",
		"code: finding_code, title: s, class: class, active: b, runtime: n, tasks: *finding_task, site: site?, "
		"leaf: site?, resource?: finding_resource, owner?: i, worker?: n, age_ns: n, last_seen_ns: n, evidence: s, "
		"advice: s" },
	{ "thread",
		"tid: n, os_tid: n?, role: thread_role, worker: n?, state: s?, cpu_ns: n?, run_queue_ns: n?, cpu_share: r?, "
		"run_queue_share: r?, syscall: s?, pc: s?" },
	{ "blocking", "queued: n, threads: n, idle: n, limit: n" },
	{ "events", "emitted: n, delivered: n, lost: n" },
	{ "worker",
		"index: n, foreign: b, tid: n, state: worker_state, current_task: i, local_depth: n, lifo_task: i, timers: n, "
		"counters: counters" },
	{ "runtime",
		"index: n, name: s, state: runtime_state, flavor: flavor, level: n, live: n, stopped: b, complete: b, torn: n, "
		"states: states, totals: counters, inject_depth: n, blocking: blocking, events: events, workers: *worker, "
		"threads: *thread" },
	{ "frame", "pc: i, sure: b, function?: s, inlined_in?: s, file?: s, line?: n, module?: s, offset?: i, refused?: b" },
	{ "stack", "whole: b, why?: s, frames: *frame" },
	{ "link",
		"parent: n, kind: link_kind, relation: relation, id?: i, name?: s, resource?: resource_kind, future?: s, "
		"op?: op, local?: s, peer?: s, peer_pid?: n, peer_program?: s, peer_is_rouse?: b, peer_others?: n, "
		"rx_bytes?: n, tx_bytes?: n, permits?: n, due_ns?: n, stack?: stack?, at: site?, since_ns?: n, age_ns?: n, "
		"either: b, exact: b, cycle: b, evidence: s" },
	{ "shape_wait", "op: op, task?: i, resource?: i, text: s" },
	{ "shape",
		"count: n, name: s, state: task_state, in_state_ns: n, samples: *i, waits: *shape_wait, more_waits: b, "
		"finding?: finding_code, class?: class, oldest?: task" },
	{ "resource",
		"serial: i, kind: resource_kind, name: s, owner: i, value: n, capacity: n, granted: n, side_a: n, side_b: n, "
		"waiters: n" },
	{ "busy_thread", "runtime: n, tid: n, worker?: n, task?: i, does: s, stack: stack?" },
	{ "cost", "tasks: n, ns: n, bytes: n" },
	{ "kernel_group", "group: kernel_group_word, status: s, why: s" },
	{ "kernel", "span_ns: n, groups: *kernel_group" },
	{ "histogram", "count: n, p50: n, p90: n, p99: n, p99.9: n, max: n, log2_ns: *n" },
	{ "sched_site", "function: s, file: s, line: n, delay_ns: histogram, poll_ns: histogram" },
	{ "sched_worker",
		"index: n, foreign: b, state: worker_state, busy_share: r, polls_per_s: r, polls: n, lifo_polls: n, "
		"inject_polls: n, steal_attempts: n, steals: n, stolen: n, migrations: n, overflows: n, parks: n, "
		"parks_per_s: r, empty_wakes: n, empty_wakes_per_s: r, spins: n, "
		"forced_yields: n, long_polls: n" },
	{ "sched_runtime", "name: s, level: n, workers: *sched_worker, threads: *thread, spawn_sites: *sched_site" },
	{ "named_task", "id: i, name: s" },
	{ "job", "serial: i, name: s, function: s" },
	{ "native",
		"tid: n, runtime: n, role: thread_role, worker?: n, state?: worker_state, task?: named_task, job?: job, "
		"kernel_state?: s, syscall?: n, syscall_name?: s, stack: stack?" },
	{ "listed", "pid: n, program: s, readable: b, agent: b, socket?: s, runtime?: s, runtimes?: n, tasks?: n" },
	{ "doctor_check", "name: s, works: health, text: s, advice: s" },
	{ "diff_side", "program: s, pid: n, source: s, mono_ns: n, tasks: n, complete: b" },
	{ "change", "what: s, a: n, b: n" },
	{ "run_longest", "at_least_ns: n, task: s, spawned_at: s, budget_ns: n, exceeded: b" },
	{ "setting", "name: s, value?: s, from: s" },
};

/* What `probe` sums of polls, in three tables; and whose they are. */
#define SPLIT                                                                                                          \
	"polls: n, blocked: probe_off, run_queue: probe_off, preempted: probe_off, fault: probe_off, "                 \
	"longest: probe_longest?"
#define CALLS "calls: n, ns: n, not_ended: n, longest: probe_call?"
#define FAULTS "faults: n, blocked: n, blocked_ns: n"
#define SAMPLES "samples: n, function?: s, function_self?: n"
#define WHOSE "task: i, name: s?, spawned_at: site?, "

static const struct {
	const char *name, *members;
} probe_objects[] = {
	{ "probe_off", "ns: n, times: n" },
	{ "probe_longest", "kind: s, ns: n" },
	{ "probe_syscall", "number: n, name: s?" },
	{ "probe_call", "syscall: probe_syscall, ns: n, ended: b, fd: n?, file: s?" },
	{ "probe_in_call", "task: i, syscall: probe_syscall, fd: n?, file: s?, began_before: b, ns: n?" },
	{ "probe_blocking_call", "number: n, name: s?, arguments: *i, file: s?" },
	{ "probe_person", "tid: n, name: s" },
	{ "probe_window", "begin_ns: n, end_ns: n, clock_error_ns?: n, ended: s" },
	{ "probe_cost", "program: s, runs: n, ns: n" },
	{ "probe_not_measured", "group: kernel_group_word, why: s" },
	{ "probe_loss",
		"uncounted?: n, blocks_lost?: n, samples_lost?: n, stacks_lost?: n, unreadable?: n, end_missed?: n, "
		"evicted_tasks?: n, no_room_by_task?: n, no_room_by_site?: n, missed_runs?: n, workers_not_followed: n, "
		"workers_followed_late: n" },
	{ "probe_sched_task", WHOSE "ended: b, cpu_ns: n?, " SPLIT },
	{ "probe_sched_site", "spawned_at: site?, cpu_ns: n?, cpu_of_live_tasks_ns: n, " SPLIT },
	{ "probe_sched_worker", "runtime: n, worker: n, tid: n, off_cpu_in_task: i?, cpu_ns: n?, " SPLIT },
	{ "probe_calls_task", WHOSE "ended: b, " CALLS },
	{ "probe_calls_site", "spawned_at: site?, syscall: probe_syscall, " CALLS },
	{ "probe_calls_worker", "runtime: n, worker: n, tid: n, outside_polls: n, in_call: probe_in_call?, " CALLS },
	{ "probe_faults_task", WHOSE "runtime: n, " FAULTS },
	{ "probe_faults_site", "runtime: n, spawned_at: site?, " FAULTS },
	{ "probe_faults_worker", "runtime: n, tid: n, " FAULTS },
	{ "probe_profile_task", WHOSE "runtime: n, " SAMPLES },
	{ "probe_profile_site", "runtime: n, spawned_at: site?, " SAMPLES },
	{ "probe_function", "function: s, kernel: b, self: n, total: n" },
};

/* What every document about a target begins with. */
#define HEAD "source: s, note: s, target: target, age_ns: n, mono_ns: n, complete: b, lost: lost, recording?: recording, "

#define KERNEL "begin_ns: n, end_ns: n, not_counted: probe_loss, not_measured: *probe_not_measured, "

/* Their schema is "rouse/NAME/1". */
static const struct {
	const char *name, *members;
} documents[] = {
	{ "list", "targets: *listed" },
	{ "ps", HEAD "runtimes: *runtime, tasks: *task" },
	{ "dump",
		HEAD "shapes: *shape, tasks_left_out: n, running: *busy_thread, tasks?: *task, resources?: *resource, "
		     "findings: *finding, findings_left_out: n, cost: cost" },
	{ "why",
		HEAD "task: i, name: s, state: task_state, valid: b, cycle: b, truncated: b, chain: *link, verdict: s, "
		     "findings: *finding" },
	{ "check",
		HEAD "looks: n, interval_ms: n, fail_on: class, exit: n, kernel?: kernel, findings: *finding, "
		     "findings_left_out: n" },
	{ "sched", HEAD "runtimes: *sched_runtime" },
	{ "stacks", HEAD "threads: *native" },
	{ "watch", "time: s, edge: edge, suppressed?: n, pid?: n, program?: s, finding?: finding, why?: s" },
	{ "doctor", "version: s, layout: n, exit: n, machine: *doctor_check, target?: s, sources?: *doctor_check" },
	{ "config", "file: s, read: b, settings: *setting" },
	{ "diff",
		"a: diff_side, b: diff_side, span_ns: n, exit: n, groups: *change, resources: *change, findings: *change, "
		"counters: *change" },
	{ "run",
		"command: *s, pid: n, outcome: run_outcome, exit: n, signal?: n, status?: n, duration_ns: n, looks: n, core?: s, "
		"poll: run_longest, scheduled: run_longest, on: class, findings: *finding" },
	{ "version", "version: s, protocol: n, layout: n" },
	{ "probe-sched",
		HEAD "window: probe_window, switches: n, wakeups: n, not_counted: probe_loss, tasks_found: n, "
		     "tasks: *probe_sched_task, spawn_sites: *probe_sched_site, workers: *probe_sched_worker, "
		     "costs: *probe_cost" },
	{ "probe-syscalls",
		HEAD "window: probe_window, calls: n, outside_polls: n, began_before: n, not_counted: probe_loss, "
		     "tasks_found: n, tasks: *probe_calls_task, spawn_sites_found: n, spawn_sites: *probe_calls_site, "
		     "workers: *probe_calls_worker, costs: *probe_cost" },
	{ "probe-faults",
		HEAD KERNEL "spawn_sites_found: n, spawn_sites: *probe_faults_site, tasks_found: n, tasks: *probe_faults_task, "
			    "workers: *probe_faults_worker" },
	{ "probe-profile",
		HEAD KERNEL "hz: n, samples: n, outside_polls: n, functions_found: n, functions: *probe_function, "
			    "spawn_sites_found: n, spawn_sites: *probe_profile_site, tasks_found: n, "
			    "tasks: *probe_profile_task" },
	/* A line each: a block, and at the end a summary. */
	{ "probe-blocks",
		"event: probe_event, begin_ns: n, number?: n, blocked_ns?: n, run_queue_ns?: n, runtime?: n, tid?: n, "
		"task?: i, name?: s?, spawned_at?: site?, in?: s, syscall?: probe_blocking_call?, mutex_owner?: probe_person?, "
		"ended_by_kind?: s, ended_by?: probe_person?, stack?: stack?, end_ns?: n, threshold_ns?: n, blocks?: n, "
		"told?: n, not_told?: n, not_counted?: probe_loss, not_measured?: *probe_not_measured" },
};

/* ------------------------------------------------------------------- words */

#define X(name, text) text,
static const char *const task_states[] = { ROUSE_TASK_STATES(X) NULL };
static const char *const worker_states[] = { ROUSE_WORKER_STATES(X) NULL };
static const char *const resource_kinds[] = { ROUSE_RESOURCE_KINDS(X) NULL };
static const char *const ops[] = { ROUSE_OPS(X) NULL };
static const char *const thread_roles[] = { ROUSE_THREAD_ROLES(X) NULL };
static const char *const classes[] = { CN_CLASSES(X) NULL };
static const char *const link_kinds[] = { CN_LINKS(X) NULL };
static const char *const relations[] = { CN_RELATIONS(X) NULL };
static const char *const edges[] = { CN_EDGE_KINDS(X) "ended", NULL };
static const char *const healths[] = { CN_HEALTHS(X) NULL };
#undef X
#define X(name, word, text) word,
static const char *const run_outcomes[] = { CN_RUN_OUTCOMES(X) NULL };
#undef X
#define X(name, text, title, class, level, help, advice) text,
static const char *const finding_codes[] = { CN_FINDINGS(X) NULL };
#undef X
static const char *const runtime_states[] = { "starting", "active", "stopping", "stopped", "unknown", NULL };
static const char *const flavors[] = { "current-thread", "multi-thread", NULL };
static const char *const task_kinds[] = { "task", "main", "daemon", "unknown", NULL };
static const char *const probe_events[] = { "block", "summary", NULL };
static const char *const waits[] = { "idle", "waiting", "granted", NULL };

static const struct {
	const char *name;
	const char *const *words;
} enums[] = {
	{ "task_state", task_states },
	{ "worker_state", worker_states },
	{ "resource_kind", resource_kinds },
	{ "op", ops },
	{ "thread_role", thread_roles },
	{ "class", classes },
	{ "finding_code", finding_codes },
	{ "link_kind", link_kinds },
	{ "relation", relations },
	{ "edge", edges },
	{ "health", healths },
	{ "runtime_state", runtime_states },
	{ "flavor", flavors },
	{ "task_kind", task_kinds },
	{ "wait", waits },
	{ "run_outcome", run_outcomes },
	{ "probe_event", probe_events },
};

/* ----------------------------------------------------------------- printing */

struct member {
	char key[32], type[32]; /* the type without its signs */
	bool optional, array, nullable;
};

/* The next of the list; false at its end. Moves *list on. */
static bool next_member(const char **list, struct member *ret)
{
	struct member m = { .optional = false };
	const char *at = *list + strspn(*list, ", ");
	size_t n = strcspn(at, ":");

	if (!*at)
		return false;
	m.optional = at[n - 1] == '?';
	snprintf(m.key, sizeof m.key, "%.*s", (int)(n - m.optional), at);
	at += n + 1;
	at += strspn(at, " ");
	m.array = *at == '*';
	at += m.array;
	n = strcspn(at, ",");
	m.nullable = at[n - 1] == '?';
	snprintf(m.type, sizeof m.type, "%.*s", (int)(n - m.nullable), at);
	*list = at + n;
	*ret = m;
	return true;
}

static void print_type(struct cn_json *json, const char *key, const char *type)
{
	static const char *const simple[] = { ['s'] = "string", ['n'] = "integer", ['r'] = "number", ['b'] = "boolean",
		['i'] = "string" };
	char text[64];

	cn_json_object(json, key);
	if (type[1]) {
		snprintf(text, sizeof text, "#/$defs/%s", type);
		cn_json_string(json, "$ref", text);
	} else {
		cn_json_string(json, "type", simple[(unsigned char)type[0]]);
	}
	if (strcmp(type, "n") == 0)
		cn_json_number(json, "minimum", 0);
	if (strcmp(type, "i") == 0)
		cn_json_string(json, "pattern", "^[0-9]{1,20}$");
	cn_json_end(json);
}

static void print_member(struct cn_json *json, const struct member *m)
{
	if (m->array) {
		cn_json_object(json, m->key);
		cn_json_string(json, "type", "array");
		print_type(json, "items", m->type);
		cn_json_end(json);
	} else if (m->nullable) {
		cn_json_object(json, m->key);
		cn_json_array(json, "anyOf");
		print_type(json, NULL, m->type);
		cn_json_object(json, NULL);
		cn_json_string(json, "type", "null");
		cn_json_end(json);
		cn_json_end(json);
		cn_json_end(json);
	} else {
		print_type(json, m->key, m->type);
	}
}

/* `schema` is what its member of that name says, NULL = it has none. */
static void print_object(struct cn_json *json, const char *name, const char *members, const char *schema)
{
	const char *at = members;
	struct member m;

	cn_json_object(json, name);
	cn_json_string(json, "type", "object");
	cn_json_object(json, "properties");
	if (schema) {
		cn_json_object(json, "schema");
		cn_json_string(json, "const", schema);
		cn_json_end(json);
	}
	while (next_member(&at, &m))
		print_member(json, &m);
	cn_json_end(json);
	cn_json_array(json, "required");
	if (schema)
		cn_json_string(json, NULL, "schema");
	for (at = members; next_member(&at, &m);)
		if (!m.optional)
			cn_json_string(json, NULL, m.key);
	cn_json_end(json);
	cn_json_bool(json, "additionalProperties", false);
	cn_json_end(json);
}

/* An object with a number for each word. */
static void print_counts(struct cn_json *json, const char *name, const char *const *words)
{
	cn_json_object(json, name);
	cn_json_string(json, "type", "object");
	cn_json_object(json, "properties");
	for (size_t i = 0; words[i]; i++)
		print_type(json, words[i], "n");
	cn_json_end(json);
	cn_json_array(json, "required");
	for (size_t i = 0; words[i]; i++)
		cn_json_string(json, NULL, words[i]);
	cn_json_end(json);
	cn_json_bool(json, "additionalProperties", false);
	cn_json_end(json);
}

static void print_words(struct cn_json *json, const char *name, const char *const *words)
{
	cn_json_object(json, name);
	cn_json_array(json, "enum");
	for (size_t i = 0; words[i]; i++)
		cn_json_string(json, NULL, words[i]);
	cn_json_end(json);
	cn_json_end(json);
}

static void print_definitions(struct cn_json *json)
{
	static const char *counters[] = {
#define X(name, text) #name,
		ROUSE_COUNTERS(X)
#undef X
		NULL
	};
	const char *kernel_groups[CN_KERNEL_GROUP_MAX] = { NULL };
	char schema[64];

	for (size_t i = 0; counters[i]; i++)
		counters[i] = cn_counter_name(counters[i]);
	for (unsigned int i = CN_KERNEL_NONE + 1; i < CN_KERNEL_GROUP_MAX; i++)
		kernel_groups[i - CN_KERNEL_NONE - 1] = cn_kernel_group_word((enum cn_kernel_group)i);
	cn_json_object(json, "$defs");
	for (size_t i = 0; i < sizeof enums / sizeof enums[0]; i++)
		print_words(json, enums[i].name, enums[i].words);
	print_words(json, "kernel_group_word", kernel_groups);
	print_counts(json, "states", task_states);
	print_counts(json, "counters", counters);
	for (size_t i = 0; i < sizeof objects / sizeof objects[0]; i++)
		print_object(json, objects[i].name, objects[i].members, NULL);
	for (size_t i = 0; i < sizeof probe_objects / sizeof probe_objects[0]; i++)
		print_object(json, probe_objects[i].name, probe_objects[i].members, NULL);
	for (size_t i = 0; i < sizeof documents / sizeof documents[0]; i++) {
		snprintf(schema, sizeof schema, "rouse/%s/1", documents[i].name);
		print_object(json, schema, documents[i].members, schema);
	}
	cn_json_end(json);
}

int cn_verb_schema(struct cn_cli *cli)
{
	struct cn_json json;
	char text[64];

	(void)cli;
	cn_json_init(&json, stdout);
	cn_json_object(&json, NULL);
	cn_json_string(&json, "$schema", "https://json-schema.org/draft/2020-12/schema");
	cn_json_string(&json, "title", "What rouse prints with --json");
	cn_json_array(&json, "oneOf");
	for (size_t i = 0; i < sizeof documents / sizeof documents[0]; i++) {
		/* A "/" in a pointer is "~1". */
		snprintf(text, sizeof text, "#/$defs/rouse~1%s~11", documents[i].name);
		cn_json_object(&json, NULL);
		cn_json_string(&json, "$ref", text);
		cn_json_end(&json);
	}
	cn_json_end(&json);
	print_definitions(&json);
	cn_json_end(&json);
	return CN_EXIT_OK;
}
