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
 * was found stays for a while (threshold "stays") after it was last seen, so that a
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
	X(LEAKED_WAKER, "leaked-waker", "waker leaked", LIKELY, 0,                                                     \
		"Wakers of this task are counted, but they stand nowhere in the program's memory: whoever had them "   \
		"lost them.",                                                                                          \
		"Drop a waker before the memory that holds it is freed or overwritten; better, call it.")              \
	X(LOST_WAKE, "lost-wake", "ready, and its waiter asleep", PROVEN, 0,                                           \
		"What the task waits for is there (a free lock, permits, a message, room, a value), but the task was " \
		"not woken.",                                                                                          \
		"A wake was lost on the way: whoever made it ready must wake after it is visible. If the object is "   \
		"rouse's own, please report it.")                                                                      \
	X(LOST_TASK, "lost-task", "scheduled, but in no queue", PROVEN, 0,                                             \
		"The task was woken and is marked scheduled, but no queue holds it and no thread carries it: nobody "  \
		"will run it.",                                                                                        \
		"Its state word or a queue was overwritten: look for memory errors (valgrind, -fsanitize=address). "   \
		"If there are none, please report it.")                                                                \
	X(MISSED_UNPARK, "missed-unpark", "work queued, all workers parked", PROVEN, 0,                                \
		"Tasks stand in queues, every worker sleeps, and none has been woken for them.",                       \
		"A wake-up of a worker was lost: look for memory errors, or for a thread that was killed while it "    \
		"pushed. If there is nothing, please report it.")                                                      \
	X(DRIVER_UNOWNED, "driver-unowned", "nobody watches sockets and timers", PROVEN, 0,                            \
		"Tasks wait for sockets, and no worker is in the driver: readiness would not be noticed.",             \
		"Find what keeps the workers (`rouse check` names it), or why the one in the driver left it.")         \
	X(FUTURELOCK, "futurelock", "lock given to a future nobody polls", PROVEN, 0,                                  \
		"A lock was handed to a future of this task which the task has not polled since, while it was polled " \
		"for other things: the lock is held by nobody who would unlock it.",                                   \
		"Do not keep a lock future around without awaiting it: drop it, or await it before anything else. "    \
		"Lock inside one function that is selected as a whole.")                                               \
	X(CANCEL_PENDING, "cancel-pending", "cancelled, but not ended", LIKELY, 1,                                     \
		"The task was aborted some time ago, and has not ended: nobody has run its end.",                      \
		"It ends when a worker takes it, or its poll returns: see what keeps it with `rouse why`.")            \
	X(PERMIT_LEAK, "permit-leak", "permits of tasks that have ended", PROVEN, 0,                                   \
		"Permits of the semaphore were taken by tasks that have ended without giving them back.",              \
		"Release in FINALLY, which runs however the task ends, cancel and panic included.")                    \
	X(SELF_DEADLOCK, "self-deadlock", "waits for what it holds itself", PROVEN, 0,                                 \
		"The task waits for permits that it has taken itself, or for more than there are.",                    \
		"Do not acquire a second time while holding; take all permits in one acquire.")                        \
	X(PEERLESS, "peerless", "nobody left at the other end", LIKELY, 0,                                             \
		"The channel is open, but its other end stands nowhere in memory but in tasks that cannot run.",       \
		"Drop the sender (or receiver) that is not used any more: the wait then ends with -ROUSE_ECLOSED. "    \
		"A receiver often keeps a sender of its own alive.")                                                   \
	X(LOCK_ORDER, "lock-order", "locks taken in opposite orders", LIKELY, 0,                                       \
		"Tasks were seen to hold one of these locks while taking the other, in both orders: one day they "     \
		"will wait for each other.",                                                                           \
		"Take these locks in one order everywhere.")                                                           \
	X(SHUTDOWN_HANG, "shutdown-hang", "shutdown does not end", LIKELY, 0,                                          \
		"The runtime is being shut down, and something keeps it: a poll that does not return, a blocking "     \
		"job, a thread.",                                                                                      \
		"Make it return: a job should look at a flag; a poll should not block. rouse_runtime_shutdown() "      \
		"takes a time-out.")                                                                                   \
	X(BUSY_WORKER, "busy-worker", "computing poll", LIKELY, 1,                                                     \
		"One poll computes for so long that nothing else runs on its worker.",                                 \
		"Split the computation and yield between the parts, or move it into rouse_blocking().")                \
	X(POOL_EXHAUSTED, "pool-exhausted", "blocking pool exhausted", LIKELY, 0,                                      \
		"Jobs wait for a thread of the blocking pool, all of which are taken by jobs that do not end.",        \
		"Find why those jobs take so long (`rouse dump` shows their stacks), or allow more threads.")          \
	X(NESTED_BLOCK, "nested-block", "worker blocked on its own queue", LIKELY, 1,                                  \
		"A poll blocks its thread on a lock or condition, and what would release it may be one of the tasks "  \
		"queued behind it, which no other worker is there to run.",                                            \
		"Do not wait for tasks with pthread or semaphore calls on a worker: await them.")                      \
	X(STARVED, "starved", "runnable, but passed over", LIKELY, 1,                                                  \
		"The task has been in a queue for long, while workers ran other tasks all the time.",                  \
		"Something keeps coming first: see which tasks the workers poll, and let them wait for events "        \
		"instead of waking each other at once.")                                                               \
	X(STUCK_QUEUE, "stuck-queue", "queued behind a worker that does not come", LIKELY, 1,                          \
		"Tasks are queued, and every worker that could run them is in a poll that does not end.",              \
		"End the long poll: move it into rouse_blocking(). More workers only hide it.")                        \
	X(IMBALANCE, "imbalance", "work that is not shared", LIKELY, 1,                                                \
		"One worker is busy all the time with a full queue while another sleeps.",                             \
		"Spawn from several tasks, or split the work into more tasks: what one task does cannot be stolen.")   \
	X(THUNDERING, "thundering", "many woken for one", LIKELY, 1,                                                   \
		"Many tasks are woken together again and again, and nearly all go back to wait for the same thing.",   \
		"Wake one (rouse_notify_one), or hand the thing over (a channel, a semaphore).")                       \
	X(BACK_PRESSURE, "back-pressure", "back-pressure from one consumer", LIKELY, 1,                                \
		"Senders wait for room in full channels; the chain of full channels ends at one consumer.",            \
		"Make that consumer faster, or let several share its work. Larger channels only delay it.")            \
	X(TASK_LEAK, "task-leak", "tasks that pile up", LIKELY, 0,                                                     \
		"More and more tasks of one spawn site are alive, look after look.",                                   \
		"Find what those tasks wait for (`rouse dump`), and bound them by a time-out or a semaphore.")         \
	X(LATE_TIMERS, "late-timers", "timers that do not fire", LIKELY, 0,                                            \
		"Timers are overdue, and nobody has fired them.",                                                      \
		"Timers are fired by workers between polls: find the poll that does not end.")                         \
	X(LARGE_FRAME, "large-frame", "large frame", SUSPECT, 0, "Tasks of this function take much memory each.",      \
		"Keep large buffers outside of the frame, or only while they are needed.")                             \
	X(INCOMPLETE_LOOK, "incomplete-look", "not all could be seen", SUSPECT, 0,                                     \
		"Memory could not be read, events were lost, or the watchdog does not look any more: what is not "     \
		"shown may still be there, and nothing is PROVEN.",                                                    \
		"Look again; if it stays, `rouse doctor` says what is missing.")                                       \
	X(LOST_READINESS, "lost-readiness", "data there, and its reader asleep", LIKELY, 0,                            \
		"The kernel has something to read for this descriptor, and the task that waits for it was not told: "  \
		"its readiness was lost.",                                                                             \
		"Clear readiness (rouse_fd_clear_readable()) only after read() has answered EAGAIN, and do not close " \
		"a descriptor, or use its number anew, while the runtime has it.")                                     \
	X(BLOCKING_CALL, "blocking-call", "blocking calls in polls", LIKELY, 1,                                        \
		"Polls of tasks of this spawn site were blocked in the kernel, in a system call, and their workers "   \
		"with them.",                                                                                          \
		"Move the call into rouse_blocking(), or await what it waits for (a socket, a timer, a rouse_mutex).") \
	X(PAGE_FAULTS, "page-faults", "page faults in polls", LIKELY, 1,                                               \
		"Polls of tasks of this spawn site touch memory that is not there: the kernel has to read or make it " \
		"first.",                                                                                              \
		"Read the file in rouse_blocking() instead of mapping it, keep memory instead of giving it back, or "  \
		"lock it (mlock).")                                                                                    \
	X(CPU_WAIT, "cpu-wait", "polls that wait for a CPU", LIKELY, 1,                                                \
		"Workers want to run, and have no CPU: the machine has more to do than it can, or a limit holds them " \
		"back.",                                                                                               \
		"It is not the program's doing: look for other processes on these CPUs (`top`), for CPU limits of "    \
		"its control group (cpu.max, cpu.stat), and for more workers than CPUs.")                              \
	X(SLOW_WAKEUP, "slow-wakeup", "woken, and polled late", LIKELY, 1,                                             \
		"Tasks of this spawn site wait long for their polls after they were woken, while workers have little " \
		"to do.",                                                                                              \
		"Workers come late: see with `rouse sched` where the time goes, and whether a limit of the control "   \
		"group, or a policy of their threads, holds them back. If there is none, please report it.")           \
	X(PARK_CHURN, "park-churn", "workers woken for nothing", SUSPECT, 1,                                           \
		"Tasks are made ready one by one, each too short to be worth it that a worker is woken for it: it "    \
		"finds little, or nothing at all.",                                                                    \
		"Do such work in the task that has it, or in larger portions; or let the runtime have fewer workers.") \
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

enum { CN_FINDING_TASKS = 8, CN_WANTS_MAX = 16 };

struct cn_finding {
	uint64_t key;  /* the same finding has the same in each look; never 0 */
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
	char evidence[640]; /* a sentence or two, with numbers; names in it are safe */
};

struct cn_findings;
struct cn_findings *cn_findings_new(void);
void cn_findings_free(struct cn_findings *findings);

/*
 * What may be set: name, text, unit (ns or a number), default, help. Chosen so
 * that a healthy program under load, on a machine that is busy with other
 * things too, stays silent.
 */
#define CN_THRESHOLDS(X)                                                                                               \
	X(pending_long, "pending-long", NS, 60 * CN_S, "pending for long: waits that others of the program owe")       \
	X(poll, "poll", NS, CN_S / 10, "a poll in progress that keeps its worker, after long ones before")             \
	X(poll_surely, "poll-surely", NS, CN_S, "the same, if it is the first")                                        \
	X(leaked, "leaked", NS, 2 * CN_S, "calm before memory is searched for wakers and channels")                    \
	X(handed_polls, "handed-polls", COUNT, 2, "futurelock: polls of the task without one of its lock future")      \
	X(cancel, "cancel", NS, CN_S, "from abort to the end")                                                         \
	X(shutdown, "shutdown", NS, 2 * CN_S, "from the begin of a shutdown to its end")                               \
	X(pool, "pool", NS, CN_S, "jobs that no thread takes")                                                         \
	X(starved, "starved", NS, 2 * CN_S, "in a queue while others run")                                             \
	X(driver, "driver", NS, CN_S, "nobody in the driver")                                                          \
	X(timer, "timer", NS, CN_S, "a timer overdue")                                                                 \
	X(back_pressure, "back-pressure", NS, 2 * CN_S, "waiting for room in a channel")                               \
	X(leak_tasks, "leak-tasks", COUNT, 100, "tasks of one spawn site, above what it began with")                   \
	X(herd, "herd", COUNT, 16, "tasks woken together")                                                             \
	X(block, "block", NS, CN_S / 100, "one block of a poll in a system call")                                      \
	X(blocked, "blocked", NS, CN_S / 10, "polls of one spawn site blocked, in all, over a few looks")              \
	X(fault_wait, "fault-wait", NS, CN_S / 20, "the same, waiting for pages")                                      \
	X(cpu_wait, "cpu-wait", NS, CN_S / 5, "polls of one runtime waiting for a CPU, in all, over a few looks")      \
	X(readiness, "readiness", NS, CN_S, "something to read, and its reader asleep")                                \
	X(wake, "wake", NS, CN_S / 20, "from a wake to the poll, with nothing before it")                              \
	X(churn, "churn", COUNT, 1000, "wake-ups of one worker a second, for next to nothing")                         \
	X(frame_bytes, "frame-bytes", COUNT, 65536, "memory of one task's frame")                                      \
	X(stays, "stays", NS, 10 * CN_S, "how long a finding is remembered")

#define CN_S 1000000000ull
enum cn_threshold_unit { CN_UNIT_NS, CN_UNIT_COUNT };
enum cn_threshold {
#define X(name, text, unit, standard, help) CN_THRESHOLD_##name,
	CN_THRESHOLDS(X)
#undef X
		CN_THRESHOLD_MAX
};

/* A member of 0 stands for the default. */
struct cn_diagnose_opts {
#define X(name, text, unit, standard, help) uint64_t name;
	CN_THRESHOLDS(X)
#undef X
};
/* "poll=250ms", "herd=32": 0 or -EINVAL (no such threshold, not a number, a wrong unit; *opts is as it was). */
int cn_threshold_set(struct cn_diagnose_opts *opts, const char *text);
/* As it was set, 0 = it was not. */
uint64_t cn_threshold_get(const struct cn_diagnose_opts *opts, unsigned int threshold);
/* "250ms", "2m"; a number without a unit is of seconds. 0 or -EINVAL. */
int cn_time_parse(const char *text, uint64_t *ret_ns);
const char *cn_threshold_text(unsigned int threshold);
const char *cn_threshold_help(unsigned int threshold);
enum cn_threshold_unit cn_threshold_unit(unsigned int threshold);
uint64_t cn_threshold_standard(unsigned int threshold);

/*
 * Brings the findings up to date; to be called once after each generation
 * (opts NULL = defaults). 0 or -ENOMEM. Strongest class first, then oldest.
 */
int cn_diagnose(const struct cn_model *model, const struct cn_diagnose_opts *opts, struct cn_findings *findings);

size_t cn_findings_count(const struct cn_findings *findings);
/* How many were active, look by look. */
const struct cn_history *cn_findings_history(const struct cn_findings *findings);
const struct cn_finding *cn_findings_at(const struct cn_findings *findings, size_t index);
/* The strongest that names the task, or NULL. */
const struct cn_finding *cn_findings_of_task(const struct cn_findings *findings, uint64_t id);
const struct cn_finding *cn_findings_of_resource(const struct cn_findings *findings, uint64_t serial);
/* Number with at least this class; `active_only` leaves out those that are only remembered. */
size_t cn_findings_at_least(const struct cn_findings *findings, enum cn_class class, bool active_only);
/*
 * Tasks and resources of which diagnosis would know more (cn_model_detail())
 * before it says anything: their number. Asked for with the next look.
 */
size_t cn_findings_wants(const struct cn_findings *findings, const uint64_t **ret_ids);
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
