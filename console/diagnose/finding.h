/* SPDX-License-Identifier: MIT */
/*
 * Findings: what is wrong, with which task, at which line, how sure, and what
 * to do. One table; code, text, help, JSON and documents come from it.
 *
 * How sure. PROVEN follows from ownership and counts alone: nothing inside the
 * process but a cancel, or a thread outside of the runtime, can make the task
 * run. It needs two equal looks, no hand-off on its way, no loss. INCOMPLETE
 * would be PROVEN, had the look been whole. LIKELY rests on a strong sign,
 * SUSPECT on a threshold.
 *
 * Diagnosis reads a model and what it said last time; no clock, no I/O. What
 * was found stays for CN_FINDING_STAYS_NS after it was last seen, so that a
 * trouble that comes and goes can be read; `active` tells.
 */
#ifndef CN_DIAGNOSE_FINDING_H
#define CN_DIAGNOSE_FINDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cn_model;

/* From weak to strong: can be compared. */
#define CN_CLASSES(X)                                                                                                  \
	X(SUSPECT, "suspect")                                                                                          \
	X(LIKELY, "likely")                                                                                            \
	X(INCOMPLETE, "incomplete")                                                                                    \
	X(PROVEN, "proven")
enum cn_class {
#define X(name, text) CN_##name,
	CN_CLASSES(X)
#undef X
	CN_CLASS_MAX
};

/* code, short code, title, strongest class, needed tracing level, what it means, what to do */
#define CN_FINDINGS(X)                                                                                                 \
	X(WAIT_CYCLE, "wait-cycle", "wait cycle", PROVEN, 0,                                                           \
		"Tasks wait for each other in a ring, over locks they hold and tasks they join.",                      \
		"Take these locks in one order everywhere, or release one before taking the next. Aborting one of "    \
		"the tasks frees the others.")                                                                         \
	X(NEVER_REGISTERED, "never-registered", "waker never registered", PROVEN, 0,                                   \
		"The task answered PENDING, but nobody holds a waker of it: nothing can make it run again.",           \
		"A future that answers PENDING must store a clone of cx's waker first, on every path, and somebody "   \
		"must call it.")                                                                                       \
	X(DROPPED_WAKER, "dropped-waker", "waker dropped", PROVEN, 0,                                                  \
		"The last waker of a pending task was dropped without being called: nothing can make it run again.",   \
		"Find who was given the waker and dropped it: a waker that goes must be called, or the wait must end " \
		"with an error.")                                                                                      \
	X(HELD_BY_ITSELF, "held-by-itself", "waker held only by itself", LIKELY, 0,                                    \
		"Every waker of this task lies in its own frame: only the task could wake itself, and it does not "    \
		"run.",                                                                                                \
		"Give the waker to whoever will cause the event (a list, a thread, a timer), not only to the waiting " \
		"future.")                                                                                             \
	X(STALE_WAKER, "stale-waker", "registered for an older poller", PROVEN, 0,                                     \
		"What this task waits with would wake another task: the future was polled elsewhere before, and kept " \
		"that waker.",                                                                                         \
		"On every poll compare with rouse_waker_will_wake() and store the new waker if it differs.")           \
	X(DEAD_OWNER, "dead-owner", "lock held by a task that has ended", PROVEN, 0,                                   \
		"The task that owns the lock has ended without unlocking it: nobody will.",                            \
		"Unlock in FINALLY, which runs however the task ends, cancel and panic included.")                     \
	X(BLOCKED_WORKER, "blocked-worker", "blocked worker", LIKELY, 1,                                               \
		"One poll keeps a worker for so long that nothing else runs there: it blocks or computes.",            \
		"Move the blocking call into rouse_blocking(), or split the computation and yield between the parts.") \
	X(LONG_POLLS, "long-polls", "long polls", LIKELY, 1,                                                           \
		"Polls of this task now and then take so long that they delay all others of its worker.",              \
		"Move the blocking call into rouse_blocking(), or split the computation and yield between the parts.") \
	X(WAKE_STORM, "wake-storm", "self-wake storm", LIKELY, 0,                                                      \
		"The task wakes itself again and again: it polls for something instead of waiting for it.",            \
		"Await the event itself (a channel, a notify, a timer) instead of yielding until it is there.")        \
	X(GROWING_CHANNEL, "growing-channel", "growing channel", LIKELY, 0,                                            \
		"A queue has grown look after look: it is filled faster than it is emptied.",                          \
		"Bound the channel, so that senders wait; or find out why its receiver is slow.")                      \
	X(PENDING_LONG, "pending-long", "pending for long", SUSPECT, 1,                                                \
		"The task has waited for the same thing for a long time, and somebody inside the program should have " \
		"served it.",                                                                                          \
		"Look at its chain with `rouse why`; if it is meant to wait, spawn it as a daemon "                    \
		"(rouse_spawn_daemon).")

enum cn_finding_code {
#define X(code, text, title, class, level, help, advice) CN_FINDING_##code,
	CN_FINDINGS(X)
#undef X
	CN_FINDING_CODE_MAX
};

enum { CN_FINDING_TASKS = 8 };
#define CN_FINDING_STAYS_NS 10000000000ull

struct cn_finding {
	uint8_t code;  /* enum cn_finding_code */
	uint8_t class; /* enum cn_class */
	uint8_t runtime;
	bool active;                      /* holds in the newest look */
	uint32_t n_tasks;                 /* may be more than are listed: a long cycle */
	uint64_t tasks[CN_FINDING_TASKS]; /* the task it is about first; a cycle in the order of waiting */
	uint64_t resource;                /* serial, 0 = none */
	uint64_t owner;                   /* task id, 0 = none */
	uint32_t worker;                  /* index, CN_NO_WORKER = none */
	uint32_t line;                    /* of the await at fault; 0 = not known */
	uint32_t leaf_line;
	uint64_t since_ns; /* as far as is known: when it began */
	uint64_t first_seen_ns;
	uint64_t last_seen_ns; /* the look that last showed it */
	uint32_t seen;         /* looks that showed it */
	/* Copies, raw as they came from the target: the task may be gone by now. */
	char task_name[48];
	char function[48]; /* the async function that awaits; for a resource, the one that made it */
	char file[96];
	char leaf[48]; /* the type of the future it awaits, and where that was declared */
	char leaf_file[96];
	char evidence[384]; /* a sentence or two, with numbers; names in it are safe */
};

struct cn_findings;
struct cn_findings *cn_findings_new(void);
void cn_findings_free(struct cn_findings *findings);

struct cn_diagnose_opts {
	uint64_t pending_long_ns; /* 0 = 60 s */
	uint64_t stays_ns;        /* 0 = CN_FINDING_STAYS_NS */
};
/*
 * Brings the findings up to date; to be called once after each generation
 * (opts NULL = defaults). 0 or -ENOMEM. Strongest class first, then oldest.
 */
int cn_diagnose(const struct cn_model *model, const struct cn_diagnose_opts *opts, struct cn_findings *findings);

size_t cn_findings_count(const struct cn_findings *findings);
const struct cn_finding *cn_findings_at(const struct cn_findings *findings, size_t index);
/* The strongest that names the task, or NULL. */
const struct cn_finding *cn_findings_of_task(const struct cn_findings *findings, uint64_t id);
const struct cn_finding *cn_findings_of_resource(const struct cn_findings *findings, uint64_t serial);
/* Number with at least this class; `active_only` leaves out those that are only remembered. */
size_t cn_findings_at_least(const struct cn_findings *findings, enum cn_class class, bool active_only);
/* Findings that were left out, because there are too many to keep. */
size_t cn_findings_more(const struct cn_findings *findings);

const char *cn_class_name(unsigned int class);
const char *cn_finding_text(unsigned int code); /* "wait-cycle" */
const char *cn_finding_title(unsigned int code);
const char *cn_finding_help(unsigned int code);
const char *cn_finding_advice(unsigned int code);
unsigned int cn_finding_level(unsigned int code);
enum cn_class cn_finding_strongest(unsigned int code);

#endif
