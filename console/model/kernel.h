/* SPDX-License-Identifier: MIT */
/*
 * The kernel's side of polls: where their time went that the runtime cannot
 * tell apart. Comes as a stream of its own beside that of the runtime (source
 * "kernel"), if that was asked for and is permitted; and is joined here with
 * what the runtime has stamped. Part of the model: read through it, written by
 * cn_kernel_apply() and cn_kernel_put_*().
 *
 * Sums grow from `since_ns` on, that is: what stands here is since the console
 * began to look. A group that does not measure leaves its members 0, so ask
 * cn_kernel_measures() first.
 */
#ifndef CN_MODEL_KERNEL_H
#define CN_MODEL_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/evidence.h"

struct cn_model;
struct cn_task;
struct Rouse__V1__Frame;
struct Rouse__V1__KernelBlocks;

/* Number on the wire, word, what it measures. */
#define CN_KERNEL_GROUPS(X)                                                                                            \
	X(SCHED, "sched", "time off the CPU within polls")                                                             \
	X(SYSCALLS, "syscalls", "system calls of polls")                                                               \
	X(FAULTS, "faults", "page faults of polls")                                                                    \
	X(PROFILE, "profile", "where polls are on the CPU")
enum cn_kernel_group {
	CN_KERNEL_NONE,
#define X(name, word, text) CN_KERNEL_##name,
	CN_KERNEL_GROUPS(X)
#undef X
		CN_KERNEL_GROUP_MAX
};

/* How a thread can be off its CPU within a poll: member, word. In the order of KernelSums.longest_kind. */
#define CN_OFF_KINDS(X)                                                                                                \
	X(blocked, "blocked")                                                                                          \
	X(run_queue, "run queue")                                                                                      \
	X(preempted, "preempted")                                                                                      \
	X(fault, "page fault")
enum cn_off_kind {
#define X(member, word) CN_OFF_##member,
	CN_OFF_KINDS(X)
#undef X
		CN_OFF_KIND_MAX
};

struct cn_kernel_group_state {
	bool wanted;
	int status; /* 0 it measures, else a negative errno */
	uint64_t uncounted;
	char why[256]; /* safe to print */
};

struct cn_kernel {
	uint64_t rounds; /* 0: nothing has come yet */
	uint64_t since_ns, now_ns;
	struct cn_kernel_group_state groups[CN_KERNEL_GROUP_MAX];
	uint64_t block_ns; /* absences so long are told one by one */
	uint32_t profile_hz;
	uint64_t blocks, blocks_lost;
	uint64_t samples, samples_lost;
	uint64_t stacks_lost; /* samples and blocks that found no room here, or on the way */
	uint32_t late_workers, unfollowed_workers;
	uint32_t ended; /* 0, 1 the process has ended, 2 it executed another program */
};

/* Of a task, spawn site or worker. */
struct cn_kernel_sum {
	uint64_t key;
	uint64_t ns[CN_OFF_KIND_MAX];
	uint64_t times[CN_OFF_KIND_MAX];
	uint64_t longest_ns; /* of one stretch */
	uint64_t calls, calls_ns;
	uint64_t faults;
	uint64_t samples;
	uint32_t site; /* of a task: where it was spawned */
	uint8_t runtime;
	uint8_t longest_kind; /* enum cn_off_kind */
};

struct cn_kernel_call {
	uint64_t key;
	uint64_t calls, ns, longest_ns, longest_argument;
	uint32_t site, number;
	uint8_t runtime;
	char longest_file[112]; /* "" = not known; hostile */
};

enum cn_block_kind { CN_BLOCK_NONE, CN_BLOCK_CALL, CN_BLOCK_FAULT, CN_BLOCK_OTHER };
enum cn_waker_kind { CN_WAKER_UNKNOWN, CN_WAKER_OWN, CN_WAKER_FOREIGN, CN_WAKER_INTERRUPT };

/* A worker was off its CPU, in a poll, and not because others had it. Text is hostile. */
struct cn_block {
	uint64_t number; /* 1, 2, ... as they came */
	uint64_t begin_ns, blocked_ns;
	uint64_t run_queue_ns; /* after that, until it had a CPU */
	uint64_t task;
	uint64_t arguments[3];
	uint32_t site;
	uint32_t tid; /* of the worker */
	uint32_t call; /* number of the system call, of CN_BLOCK_CALL */
	uint32_t owner; /* thread that had the pthread mutex, 0 = none, or not known */
	uint32_t waker; /* thread that ended it, 0 = not known, or an interrupt */
	uint8_t runtime;
	uint8_t kind;       /* enum cn_block_kind */
	uint8_t waker_kind; /* enum cn_waker_kind */
	char owner_name[16], waker_name[16];
	char file[112]; /* what its first argument is, if that is a descriptor */
	struct cn_stack stack; /* the kernel's frames first; names by cn_symbol_format() */
};

/* Samples that are alike: by task, where it was spawned, and stack. */
struct cn_profile_row {
	uint64_t task; /* 0 = in no poll */
	uint32_t site;
	uint32_t count;
	uint8_t runtime;
	uint8_t n;
	const uint64_t *pc; /* innermost first */
};

/* NULL: the kernel was not asked. */
const struct cn_kernel *cn_model_kernel(const struct cn_model *model);
bool cn_kernel_measures(const struct cn_model *model, enum cn_kernel_group group);
const char *cn_kernel_group_word(enum cn_kernel_group group);

/* NULL: nothing has been counted for it. */
const struct cn_kernel_sum *cn_kernel_of_task(const struct cn_model *model, uint64_t task);
const struct cn_kernel_sum *cn_kernel_of_site(const struct cn_model *model, size_t runtime, uint32_t site);
const struct cn_kernel_sum *cn_kernel_of_worker(const struct cn_model *model, size_t runtime, uint32_t tid);

/* To visit all calls: slots, some of which are empty (NULL). */
size_t cn_kernel_call_slots(const struct cn_model *model);
const struct cn_kernel_call *cn_kernel_call_at(const struct cn_model *model, size_t slot);

/* The newest ones, newest first (index 0, ...); then NULL. */
const struct cn_block *cn_kernel_block(const struct cn_model *model, size_t index);
/* The longest ones, longest first. */
const struct cn_block *cn_kernel_longest(const struct cn_model *model, size_t index);
/*
 * What the worker of that thread waits for in its poll, as of the last round:
 * that has not ended, so nobody has ended it, and it has no number and no
 * stack; blocked_ns is up to that round. begin_ns 0: it had begun before the
 * kernel was asked, from when on blocked_ns counts. NULL: it waits for nothing,
 * or only since a moment ago.
 */
const struct cn_block *cn_kernel_wait_of(const struct cn_model *model, size_t runtime, uint32_t tid);
const char *cn_block_kind_name(unsigned int kind);

size_t cn_profile_rows(const struct cn_model *model);
struct cn_profile_row cn_profile_row_at(const struct cn_model *model, size_t index);

/*
 * Time in polls since the kernel is asked, split: cpu + blocked + run queue +
 * preempted + fault = busy, but for the two clocks' reading at slightly
 * different moments; so cpu is what remains, at least 0. False: the kernel's
 * scheduler group does not measure, or the runtime does not stamp (level 0).
 */
struct cn_split {
	uint64_t busy_ns, cpu_ns;
	uint64_t off_ns[CN_OFF_KIND_MAX];
	bool at_least; /* of a spawn site: tasks have ended, whose time in polls is not known */
};
bool cn_task_split(const struct cn_model *model, const struct cn_task *task, struct cn_split *ret_split);
bool cn_site_split(const struct cn_model *model, size_t runtime, uint32_t site, struct cn_split *ret_split);
bool cn_worker_split(const struct cn_model *model, size_t runtime, uint32_t tid, struct cn_split *ret_split);

/*
 * Takes in one decoded frame of the kernel's stream (borrows it); blocks and
 * samples are passed over: they come by cn_kernel_put_*(), with their stacks
 * unwound. Rows of runtimes that are not known yet are left out. 1 a round is
 * whole, 0, or -ENOMEM; -EREMOTEIO the helper refuses, cn_model_error() says why.
 */
int cn_kernel_apply(struct cn_model *model, const struct Rouse__V1__Frame *frame);
/* These groups (1 << enum cn_kernel_group, of each) do not measure, or no more. `why` is made safe. 0 or -ENOMEM. */
int cn_kernel_refused(struct cn_model *model, uint32_t groups, int status, const char *why);
/* So many samples or blocks have come, or should have, and are not kept. 0 or -ENOMEM. */
int cn_kernel_lost(struct cn_model *model, uint64_t rows);
/* The runtime that has this worker: false if it is not known. */
bool cn_kernel_runtime_of(const struct cn_model *model, uint32_t tid, size_t *ret_runtime);
/* What row i says, all but its stack. False: it is not known whose worker it is. */
bool cn_block_of_row(const struct cn_model *model, const struct Rouse__V1__KernelBlocks *rows, size_t i,
	struct cn_block *ret_block);
/* Takes a copy and numbers it. 0 or -ENOMEM. */
int cn_kernel_put_block(struct cn_model *model, const struct cn_block *block);
/* One that goes on, of the round in progress. Takes a copy. 0 or -ENOMEM. */
int cn_kernel_put_wait(struct cn_model *model, const struct cn_block *wait);
/* One more sample of that task with that stack. 0 or -ENOMEM. */
int cn_kernel_put_sample(
	struct cn_model *model, size_t runtime, uint32_t site, uint64_t task, const uint64_t *pc, uint32_t n);

#endif
