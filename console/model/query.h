/* SPDX-License-Identifier: MIT */
/*
 * A question to a table: which rows? One line of text becomes a small tree that
 * answers for one row at a time, without an allocation.
 *
 *     state:pending age>10s name~conn       all of them hold
 *     p99>5ms | finding:proven              one of them does
 *     -name~idle   not (busy>50% | self)    the opposite
 *     deadlock "long polls" #17             words without a key stand anywhere in the row
 *
 *     :  ~    of text, has it, whatever its case; of numbers, is it
 *     =  !=   is just this, is not
 *     < <= > >=   of numbers
 *     * ?     in a text, any characters, any one
 *     ns us ms s m h d   k M G T   %     units: "1m30s", "2.5k"; of times that have a share, "50%"
 *
 * What stands before an operator, and is no field, is text like the rest of its
 * word: names have colons. Quotes keep blanks, and keep a word a word.
 *
 * Pure: it knows rows by the three functions that tell it of one. What is
 * cheap to ask is asked first.
 */
#ifndef CN_MODEL_QUERY_H
#define CN_MODEL_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* name, on the line, kind, what it is. Parser, completion, help and the README's words come from here. */
#define CN_FIELDS(X)                                                                                                   \
	X(STATE, "state", TEXT, "pending, running, scheduled, ...; of resources locked, free, ...")                    \
	X(NAME, "name", TEXT, "what it is called")                                                                     \
	X(KIND, "kind", TEXT, "sort of resource, or of task: mutex, mpsc, socket; daemon, main")                       \
	X(FINDING, "finding", TEXT, "how sure, and what: proven, likely, \"wait cycle\"")                              \
	X(WAITS, "waits", TEXT, "what it waits for: mutex, sleep, recv, #12")                                          \
	X(SITE, "site", TEXT, "file:line where it stands, or was spawned or made")                                     \
	X(AT, "at", TEXT, "file:line where it stands")                                                                 \
	X(SPAWN, "spawn", TEXT, "file:line where it was spawned or made")                                              \
	X(HOLDER, "holder", TEXT, "task that holds it, or used it last")                                               \
	X(RUNS, "runs", TEXT, "task in a worker's poll")                                                               \
	X(THREAD, "thread", TEXT, "what the system says of a worker's thread")                                         \
	X(WHAT, "what", TEXT, "what it was blocked in, or the evidence")                                               \
	X(ENDED, "ended", TEXT, "who ended a block")                                                                   \
	X(WAKER, "waker", TEXT, "who woke it last")                                                                    \
	X(ID, "id", NUMBER, "its number")                                                                              \
	X(PARENT, "parent", NUMBER, "number of the task that spawned it")                                              \
	X(WORKER, "worker", NUMBER, "that polled it last; index of a worker")                                          \
	X(TID, "tid", NUMBER, "thread")                                                                                \
	X(AGE, "age", TIME, "since it was spawned, made, found; of blocks, since it ended")                            \
	X(FOR, "for", TIME, "since it is in its state")                                                                \
	X(HELD, "held", TIME, "since its holder has it")                                                               \
	X(BUSY, "busy", TIME_OR_SHARE, "in polls; %: of the time that rates are over")                                 \
	X(SCHED, "sched", TIME_OR_SHARE, "woken, and not yet polled; %: of its age")                                   \
	X(IDLE, "idle", TIME_OR_SHARE, "neither; %: of its age")                                                       \
	X(P50, "p50", TIME, "half of the polls take at most this (by spawn site)")                                     \
	X(P90, "p90", TIME, "nine of ten polls")                                                                       \
	X(P99, "p99", TIME, "99 of 100 polls")                                                                         \
	X(D50, "d50", TIME, "half of the delays from wake to poll are at most this")                                   \
	X(D90, "d90", TIME, "nine of ten delays")                                                                      \
	X(D99, "d99", TIME, "99 of 100 delays")                                                                        \
	X(POLLS, "polls", COUNT, "polls so far")                                                                       \
	X(WAKES, "wakes", COUNT, "wakes so far")                                                                       \
	X(SELF, "self", COUNT, "wakes by itself")                                                                      \
	X(POLL_RATE, "polls/s", COUNT, "polls a second")                                                               \
	X(WAKE_RATE, "wakes/s", COUNT, "wakes a second")                                                               \
	X(WAKERS, "wakers", COUNT, "wakers of it that are out")                                                        \
	X(HANDLES, "handles", COUNT, "handles of it that are held")                                                    \
	X(FRAME, "frame", COUNT, "bytes of its future")                                                                \
	X(WAITERS, "waiters", COUNT, "tasks that wait for it")                                                         \
	X(VALUE, "value", COUNT, "messages queued, permits free, descriptor")                                          \
	X(CAPACITY, "capacity", COUNT, "of a channel or semaphore")                                                    \
	X(TASKS, "tasks", COUNT, "tasks in a group")                                                                   \
	X(DEPTH, "depth", COUNT, "tasks in a worker's queue")                                                          \
	X(CPU, "cpu", SHARE, "of the time in polls: on the CPU (--kernel)")                                            \
	X(BLOCKED, "blocked", TIME_OR_SHARE, "of the time in polls: blocked; of a block: how long")                    \
	X(RUNQ, "runq", TIME_OR_SHARE, "of the time in polls: in the run queue; of a block: after it")                 \
	X(PREEMPT, "preempt", SHARE, "of the time in polls: preempted")                                                \
	X(FAULT, "fault", SHARE, "of the time in polls: at a page that was not there")                                 \
	X(SYSCALLS, "syscalls", COUNT, "system calls in polls")                                                        \
	X(FAULTS, "faults", COUNT, "page faults in polls")                                                             \
	X(MARKED, "marked", FLAG, "you marked it (alone, without an operator)")
enum cn_field {
#define X(name, text, kind, help) CN_FIELD_##name,
	CN_FIELDS(X)
#undef X
		CN_FIELD_COUNT
};
enum cn_field_kind {
	CN_FIELD_IS_TEXT,
	CN_FIELD_IS_NUMBER,
	CN_FIELD_IS_TIME,
	CN_FIELD_IS_SHARE,
	CN_FIELD_IS_TIME_OR_SHARE,
	CN_FIELD_IS_COUNT,
	CN_FIELD_IS_FLAG
};
#define CN_FIELD_BIT(name) (1ull << CN_FIELD_##name)

const char *cn_field_text(enum cn_field field);
const char *cn_field_help(enum cn_field field);
enum cn_field_kind cn_field_kind(enum cn_field field);
/* By its name on the line; CN_FIELD_COUNT = none. */
enum cn_field cn_field_find(const char *text, size_t bytes);

enum { CN_QUERY_BYTES = 256, CN_QUERY_NODES = 64, CN_QUERY_ROOM = 512, CN_QUERY_WHOLE = 1000000 /* a share of 100 % */ };

struct cn_query_node {
	uint8_t kind, field, op;
	uint8_t cost;
	bool share;
	uint8_t a, b; /* nodes below */
	uint16_t text; /* where in `texts` */
	uint64_t value;
};

/* Plain data: may be copied. */
struct cn_query {
	uint8_t n;    /* nodes; 0 = every row matches */
	uint8_t root;
	uint64_t fields; /* bits of those it asks for */
	struct cn_query_node nodes[CN_QUERY_NODES];
	uint16_t texts_used;
	char texts[CN_QUERY_BYTES + CN_QUERY_NODES];
};

/* Where a line makes no sense, and why. */
struct cn_query_error {
	size_t at, bytes; /* of the line */
	size_t term;      /* where the word that it is in begins: what stands before is fine */
	char text[96];
};

/*
 * `fields`: bits of those that the rows have; others are an error. 0, or
 * -EINVAL (then *ret_query stays as it was).
 */
int cn_query_parse(const char *line, uint64_t fields, struct cn_query *ret_query, struct cn_query_error *ret_error);

/* One row. What is returned may lie in `room`; NULL and false: this row has no such thing, so no test of it holds. */
struct cn_query_row {
	const void *arg;
	const char *(*text)(const void *arg, enum cn_field field, char room[CN_QUERY_ROOM]);
	/* `share`: in parts of CN_QUERY_WHOLE. Flags: 0 or 1. */
	bool (*number)(const void *arg, enum cn_field field, bool share, uint64_t *ret_value);
	const char *(*words)(const void *arg, char room[CN_QUERY_ROOM]);
};
bool cn_query_match(const struct cn_query *query, const struct cn_query_row *row);

/* Does `text` have the pattern somewhere, or (whole) is it that? Whatever their case; * and ? stand for others. */
bool cn_query_like(const char *text, const char *pattern, bool whole);

#endif
