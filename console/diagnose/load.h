/* SPDX-License-Identifier: MIT */
/*
 * Amounts and time: what the rules about load share. One pass over tasks and
 * one over resources count what every rule needs (tally.c); the rules then
 * judge the counts, per runtime, site or worker, so that a look costs as much
 * as there are rows, whatever there is to say.
 *
 * Time is the program's, not the wall's. It ends with the last sign of life of
 * the watchdog, and begins anew after a stop: a process that SIGSTOP, a busy
 * machine or a frozen container kept from running is not late for anything.
 *
 * One cause, one LIKELY. Where several findings tell of one stuck poll, the one
 * that tells most of it is LIKELY, and the others SUSPECT.
 */
#ifndef CN_DIAGNOSE_LOAD_H
#define CN_DIAGNOSE_LOAD_H

#include "diagnose/report.h"
#include "model/kernel.h"

enum { CN_POLLS_MAX = 1024, CN_LOOKS_KEPT = 64, CN_WAITS_KEPT = 8 };

/* The few of many tasks that have waited longest. */
struct cn_longest {
	uint32_t n; /* of all */
	const struct cn_task *tasks[CN_FINDING_TASKS];
	uint64_t since_ns[CN_FINDING_TASKS];
};
void cn_longest_add(struct cn_longest *longest, const struct cn_task *task, uint64_t since_ns);
/* Names them in the finding, after those that it names already. */
void cn_longest_name(const struct cn_longest *longest, struct cn_finding *finding);

/* A poll in progress that lasts, and what its thread does. */
enum cn_poll_kind {
	CN_POLL_UNKNOWN,
	CN_POLL_COMPUTES,
	CN_POLL_BLOCKS,
	CN_POLL_PREEMPTED /* it would run, but has to wait for a CPU */
};
struct cn_poll {
	const struct cn_task *task;
	const struct cn_worker *worker; /* NULL: not on a worker */
	const struct cn_thread *thread; /* NULL: not known */
	uint64_t age_ns;
	uint64_t cpu_ns, run_queue_ns, span_ns; /* of its thread in the last look; span 0 = not known */
	enum cn_poll_kind kind;
	const struct cn_block *wait; /* what it is blocked in, if the kernel says so */
	bool told; /* another finding names it: at most SUSPECT */
};

/* By spawn site. */
struct cn_site_tally {
	/* this look */
	uint32_t live, aged, resting, reading, survivors, large;
	uint64_t large_bytes;
	uint64_t running_ns; /* of polls in progress */
	const struct cn_task *oldest, *largest, *slowest;
	double slowest_mean;
	/* long polls, see polls.c */
	uint64_t long_polls;     /* as of the last look */
	uint64_t own_long_polls; /* that happened while no worker waited for a CPU for long */
	uint64_t polls; /* as of the last look, see churn.c */
	/* since its tasks began to pile up, see leak.c */
	uint32_t before, start, checkpoint;
	uint32_t looks, grown, flat;
	uint64_t start_ns, checkpoint_ns, step_ns;
};

struct cn_jobs {
	uint32_t running, old; /* `old`: for longer than the threshold "pool" */
	uint32_t queued;
	uint64_t oldest_queued_ns;
	uint64_t newest_ns; /* when the one that began last did so */
	uint32_t n;         /* of those below: the oldest that run, oldest first */
	const struct cn_resource *oldest[CN_FINDING_TASKS];
};

struct cn_past_look {
	uint64_t ns, polls, scheduled;
};

struct cn_runtime_tally {
	/* this look */
	bool overloaded; /* its threads had to wait for a CPU most of the time */
	bool advanced;   /* there was a look at it since the last diagnosis */
	uint32_t n_scheduled;
	struct cn_longest scheduled; /* that stood still */
	struct cn_longest starved;
	struct cn_longest cancelled;
	struct cn_longest running;
	struct cn_longest overdue;
	uint32_t stuck_workers; /* in polls that last longer than the threshold "poll-surely" */
	uint32_t slow_workers;  /* ... "poll" */
	struct cn_jobs jobs;
	/* looks before */
	uint32_t looks;
	struct {
		uint64_t ns, queue_ns;
	} waits[CN_WAITS_KEPT]; /* a ring: how long the worker that waited most waited for a CPU */
	uint32_t n_waits;
	bool was_unfair;
	uint64_t fair_since_ns;
	struct cn_past_look past[CN_LOOKS_KEPT]; /* a ring */
	uint32_t n_past;
	uint32_t before_running_jobs;
	uint64_t before_watchdog_ns, before_lost, before_emitted;
	uint32_t incomplete_looks, losing_looks, silent_looks;
	uint16_t busy_worker, idle_worker;
	uint32_t imbalance_looks;
	uint64_t imbalance_ns;
	uint32_t churn_looks; /* in a row */
	struct {
		uint64_t busy_ns,
			busy_before_ns; /* of the worker that was in polls most, in this look and the one before */
		uint64_t waited_ns, waited_before_ns; /* of the one that waited most for a CPU */
	} late;
	struct cn_site_tally *sites;
	size_t n_sites;
};

/* What the kernel had counted at the end of a round, for a spawn site or a whole runtime: see windows.h. */
enum { CN_WINDOW_MARKS = 6 };
struct cn_window_mark {
	uint64_t ns;
	uint64_t busy_ns; /* in polls */
	uint64_t off_ns[CN_OFF_KIND_MAX], times[CN_OFF_KIND_MAX];
	uint64_t faults;
	bool is_timed; /* busy_ns is known */
};
struct cn_window {
	uint64_t key; /* first: a row of cn_slots */
	uint32_t n;
	struct cn_window_mark marks[CN_WINDOW_MARKS]; /* a ring */
};

/* From wake to poll, of tasks of one spawn site: see wakeups.c. */
struct cn_delays {
	uint64_t key; /* first: a row of cn_slots */
	uint64_t before_all, before_late;
	uint64_t all, late; /* in the looks below */
	uint32_t looks;     /* in a row, in which some were late and nothing explained it */
	bool is_known;      /* what was before */
};

struct cn_load {
	struct cn_runtime_tally **runtimes;
	size_t n_runtimes;
	struct cn_poll polls[CN_POLLS_MAX];
	uint32_t n_polls;
	struct cn_slots herds; /* struct cn_herd by resource, see wakes.c */
	uint32_t descriptor_searches;
	struct cn_slots delays;
	struct cn_slots windows;
	uint64_t kernel_rounds; /* the last that was taken in */
	uint32_t kernel_searches;
};

/* The tally of a runtime of which there was a look, else NULL. */
struct cn_runtime_tally *cn_tally(const struct cn_diagnosis *diagnosis, size_t runtime);
/* How long it has lasted since then, in the program's time; 0 for an unknown begin. */
uint64_t cn_lasted(const struct cn_diagnosis *diagnosis, size_t runtime, uint64_t since_ns);
/* How long a task at rest has been so: since its last poll, or, at level 0, since that is known. */
uint64_t cn_calm_ns(const struct cn_diagnosis *diagnosis, const struct cn_task *task);
/* Was it the same in two looks? Nothing moves in a core file: there one look tells. */
bool cn_stood_still(const struct cn_diagnosis *diagnosis, size_t runtime, uint32_t changed_look);
/* Since when it is in a queue; at level 0, since when that is known. */
uint64_t cn_scheduled_since(const struct cn_task *task);
/* A finding about the runtime as a whole; `at` is the task whose line is told, or NULL. */
struct cn_report cn_report_of_runtime(
	enum cn_finding_code code, enum cn_class class, size_t runtime, const struct cn_task *at);

void cn_tally_finish(struct cn_diagnosis *diagnosis);
void cn_tally_end(struct cn_diagnosis *diagnosis);

/* polls.c */
void cn_judge_poll(struct cn_diagnosis *diagnosis, struct cn_poll *poll);
bool cn_poll_in_futex(const struct cn_poll *poll);
/* "computes: 98 % of the time on a CPU", "sleeps in read(7)": behind what was said before. */
void cn_evidence_of_poll(struct cn_report *report, const struct cn_model *model, const struct cn_poll *poll);
void cn_rule_polls(struct cn_diagnosis *diagnosis);
void cn_rule_long_polls(struct cn_diagnosis *diagnosis);

/* blocking.c */
/* " in read on app.log for 2 s; thread 7 (flusher) has the lock": likewise. */
void cn_evidence_of_wait(struct cn_report *report, const struct cn_model *model, const struct cn_block *wait);

/* windows.c */
void cn_kernel_windows_init(struct cn_load *load);

/* kernel.c */
void cn_rules_of_kernel(struct cn_diagnosis *diagnosis);

/* wakes.c */
void cn_rule_storm(struct cn_diagnosis *diagnosis, const struct cn_task *task);
void cn_tally_herd(struct cn_diagnosis *diagnosis, const struct cn_task *task);
void cn_rule_thundering(struct cn_diagnosis *diagnosis);
void cn_herds_init(struct cn_load *load);

/* wakeups.c */
void cn_delays_init(struct cn_load *load);

/* Each judges one runtime. */
void cn_rule_wakeups(struct cn_diagnosis *diagnosis, size_t runtime);
void cn_rule_shutdown(struct cn_diagnosis *diagnosis, size_t runtime);
void cn_rule_cancelled(struct cn_diagnosis *diagnosis, size_t runtime);
void cn_rule_stuck(struct cn_diagnosis *diagnosis, size_t runtime);
void cn_rule_starved(struct cn_diagnosis *diagnosis, size_t runtime);
void cn_rule_imbalance(struct cn_diagnosis *diagnosis, size_t runtime);
void cn_rule_churn(struct cn_diagnosis *diagnosis, size_t runtime);
void cn_rule_pool(struct cn_diagnosis *diagnosis, size_t runtime);
void cn_rule_timers(struct cn_diagnosis *diagnosis, size_t runtime);
void cn_rule_leaks(struct cn_diagnosis *diagnosis, size_t runtime);
void cn_rule_frames(struct cn_diagnosis *diagnosis, size_t runtime);
void cn_rule_blind(struct cn_diagnosis *diagnosis, size_t runtime);

#endif
