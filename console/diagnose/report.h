/* SPDX-License-Identifier: MIT */
/* What the rules of diagnosis share: the look they judge, and how they say what they found. */
#ifndef CN_DIAGNOSE_REPORT_H
#define CN_DIAGNOSE_REPORT_H

#include "diagnose/finding.h"
#include "model/model.h"
#include "model/slots.h"

struct cn_graph;

struct cn_diagnosis {
	const struct cn_model *model;
	struct cn_diagnose_opts opts; /* no zeros */
	struct cn_findings *findings;
	struct cn_slots explained;             /* ids of tasks that wait behind something that is told */
	const struct cn_graph *exact, *likely; /* graph.h */
	struct cn_memory *memory;              /* memory.h */
	struct cn_load *load;                  /* load.h */
	struct cn_sift *sift;                  /* sift.h */
	struct cn_slots named;                 /* see cn_named() */
	bool all_named;
	int rc; /* -ENOMEM once memory has run out */
};

/* What a rule has found. The strings of `finding` are filled in by cn_report(). */
struct cn_report {
	struct cn_finding finding;
	uint64_t about;   /* what makes it the same finding in the next look: a task, resource, site */
	uint64_t still;   /* equal as long as nothing moves: what was PROVEN then stays so */
	uint32_t likely_after; /* looks after which SUSPECT becomes LIKELY; 0 = never */
	uint32_t proven_after; /* looks of the same `still` after which INCOMPLETE becomes PROVEN; 0 = never */
	const struct cn_task *at; /* whose await site is at fault; NULL = take `site` */
	uint32_t site;
};

/* Fills in code, class, runtime and the first task. */
struct cn_report cn_report_about(enum cn_finding_code code, enum cn_class class, const struct cn_task *task);
void cn_evidence(struct cn_report *report, const char *format, ...) __attribute__((format(printf, 2, 3)));
void cn_report(struct cn_diagnosis *diagnosis, const struct cn_report *report);
/*
 * Is there room for this finding? If not it counts as left out, and need not be
 * worded: a million tasks may have waited for long.
 */
bool cn_report_fits(struct cn_diagnosis *diagnosis, enum cn_finding_code code, uint64_t about);
bool cn_reported(const struct cn_diagnosis *diagnosis, enum cn_finding_code code, uint64_t about);
/* Does a finding of this look, more than SUSPECT, name the task or resource? For rules that come behind all others. */
bool cn_named(struct cn_diagnosis *diagnosis, uint64_t id);
/* A task or resource of which cn_model_detail() is to tell more with the next look; for as long as it is asked for. */
void cn_want(struct cn_diagnosis *diagnosis, uint64_t id);
/*
 * Where the handles of a resource, or the wakers of a task, stand, by two whole
 * searches of memory while `still` was the same. NULL: not yet (it is asked
 * for), or it cannot be told, or one search has found it where `elsewhere` says
 * that it may well be used. Few searches at a time, none twice.
 */
const struct cn_detail *cn_searched(struct cn_diagnosis *diagnosis, uint64_t id, uint64_t still);

/* The task waits behind something that is told: nobody need say that it waits. */
void cn_explained(struct cn_diagnosis *diagnosis, uint64_t task);
bool cn_is_explained(const struct cn_diagnosis *diagnosis, uint64_t task);

/*
 * May a verdict about this task be PROVEN? It stood still for two looks, its
 * chain is valid, the look was whole, and nobody has it in hand: a thread that
 * carries one task says which. One that carries several may well have this
 * one; that can be believed of a moment, not of a third look in a row, unless
 * the process is stopped.
 */
bool cn_stands(const struct cn_model *model, const struct cn_task *task);
/* The same of a task in a queue: it has no chain to be valid. */
bool cn_stands_scheduled(const struct cn_model *model, const struct cn_task *task);

/* Is there a way out beside this await: is it below a select or a timeout? */
bool cn_either(const struct cn_model *model, const struct cn_task *task, uint16_t await);
/* Has the task ended, or never been seen? For ids that a look would show if they lived. */
bool cn_ended(const struct cn_model *model, uint64_t id);
/*
 * A semaphore that anybody may release, whose permits are used as a lock's: they
 * have come home from who had taken them, never from others, and there were
 * never more of them. Else it may count events, or free places of a buffer.
 */
bool cn_is_lock_like(const struct cn_resource *semaphore);
/* A task id, not a wake source, a thread or nothing. */
bool cn_is_task_id(uint64_t id);
/* Of enum rouse_op: waits for somebody of this program, as far as can be seen: not for a time, a socket, a notification. */
bool cn_waits_for_tasks(unsigned int op);
/* Has the resource what this await waits for? In words, or NULL. */
const char *cn_is_there(const struct cn_resource *resource, const struct cn_await *await);

/* Names the tasks that wait for the resource, after those that are named already. */
void cn_name_waiters(const struct cn_diagnosis *diagnosis, struct cn_report *report, const struct cn_resource *resource);

/* The rules. */
void cn_rule_cycles(struct cn_diagnosis *diagnosis);
void cn_rule_ready(struct cn_diagnosis *diagnosis);
void cn_rule_queues(struct cn_diagnosis *diagnosis);
void cn_rule_driver(struct cn_diagnosis *diagnosis);
void cn_rule_readiness(struct cn_diagnosis *diagnosis);
void cn_rule_order(struct cn_diagnosis *diagnosis);
void cn_rule_permits(struct cn_diagnosis *diagnosis, const struct cn_resource *semaphore);
void cn_rule_own(struct cn_diagnosis *diagnosis, const struct cn_task *task);
void cn_rule_handed(struct cn_diagnosis *diagnosis, const struct cn_resource *mutex);
void cn_rule_peers(struct cn_diagnosis *diagnosis, const struct cn_task *task);
void cn_rule_leaked(struct cn_diagnosis *diagnosis, const struct cn_task *task);
void cn_rule_pressure(struct cn_diagnosis *diagnosis);
void cn_rule_wakers(struct cn_diagnosis *diagnosis, const struct cn_task *task);
void cn_rule_pending(struct cn_diagnosis *diagnosis, const struct cn_task *task);
void cn_rule_resource(struct cn_diagnosis *diagnosis, const struct cn_resource *resource);

/* Those about amounts and time, see load.h: in this order, each task between the first and the last, which ends all. */
struct cn_load *cn_load_new(void);
void cn_load_free(struct cn_load *load);
void cn_load_begin(struct cn_diagnosis *diagnosis);
void cn_rules_of_task_load(struct cn_diagnosis *diagnosis, const struct cn_task *task);
void cn_rules_of_load(struct cn_diagnosis *diagnosis);

#endif
