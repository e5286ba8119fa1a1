/* SPDX-License-Identifier: MIT */
/*
 * What the kernel has counted lately, by spawn site and by runtime: what the
 * rules about it share.
 *
 * Judged is a window of the last rounds of the kernel's stream, not all that
 * was counted since somebody began to look: what is over is over. A row for
 * each spawn site that the kernel has a sum of, and one for each runtime,
 * keeps what was counted at the end of each round. Nothing is said of what has
 * grown in one round only.
 *
 * How long polls took in all is known by spawn site only from the histogram of
 * its polls, as tasks come and go: a power of two for each, of which the
 * middle is taken. A share so made is "about" that.
 */
#ifndef CN_DIAGNOSE_WINDOWS_H
#define CN_DIAGNOSE_WINDOWS_H

#include "diagnose/load.h"

enum { CN_WINDOW_GROWN_LEAST = 2 /* rounds of the window in which it grew */ };

/* Of a row; site 0 is the whole runtime. */
uint64_t cn_window_key(size_t runtime, uint32_t site);
size_t cn_window_runtime(uint64_t key);

/* Once for each round that came. */
void cn_windows_mark(struct cn_diagnosis *diagnosis);
/* The newest mark (0), or one of those before it. */
const struct cn_window_mark *cn_window_mark_of(const struct cn_window *window, uint32_t before);
uint32_t cn_window_rounds(const struct cn_window *window);
/* What has been counted in the window. */
struct cn_window_mark cn_window_sum(const struct cn_window *window);
uint64_t cn_waited_at(const struct cn_window_mark *mark);
uint64_t cn_blocked_at(const struct cn_window_mark *mark);
uint64_t cn_faulted_at(const struct cn_window_mark *mark);
/* In how many of its rounds that grew. */
uint32_t cn_window_grown(const struct cn_window *window, uint64_t (*at)(const struct cn_window_mark *));
bool cn_is_share(uint64_t part, uint64_t whole, unsigned int percent);

/* Of living tasks of the site (0 = all sites) the one with most of it; NULL: none, or enough have been searched for. */
const struct cn_task *cn_worst_task(
	struct cn_diagnosis *diagnosis, uint64_t key, uint64_t (*of)(const struct cn_kernel_sum *));
/* What its main task does is nobody's trouble. */
bool cn_is_main_site(const struct cn_diagnosis *diagnosis, uint64_t key);
/* At the line that spawns them: where a task stands when it is looked at has nothing to do with it. */
struct cn_report cn_report_of_site(
	enum cn_finding_code code, enum cn_class class, uint64_t key, const struct cn_task *task);
void cn_evidence_of_share(struct cn_report *report, const struct cn_window_mark *sum, uint64_t part);

/* blocking.c: A19 of the kernel. */
void cn_rule_blocking_calls(struct cn_diagnosis *diagnosis);

#endif
