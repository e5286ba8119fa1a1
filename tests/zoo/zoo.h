/* SPDX-License-Identifier: MIT */
/*
 * What the programs of the zoo share. A row is one small program with one
 * pathology in it; compiled with -DTWIN it is its healthy twin. Around it live
 * as many healthy tasks as are asked for:
 *
 *     usage: ROW [--healthy N] [--seed S]
 *
 * It says "ready" once all is spawned, in an order that the seed decides, and
 * runs until its standard input ends or SIGTERM comes. A program that can be
 * shut down ends with 0.
 *
 * At its head a row says what is to be found; zoo.py reads that, and has the
 * list of its keys. The line a finding must name carries a comment "fault".
 */
#ifndef ZOO_ZOO_H
#define ZOO_ZOO_H

#include <rouse/rouse.h>

#ifdef TWIN
#define ZOO_TWIN 1
#else
#define ZOO_TWIN 0
#endif

typedef void (*zoo_part)(void);

/* Parts are called once each, in an order that the seed decides, by a thread that has entered `runtime`. */
struct zoo_row {
	const struct rouse_runtime_opts *runtime;
	zoo_part make; /* before all parts; NULL = nothing to make */
	const zoo_part *parts;
	unsigned int n_parts;
	zoo_part ready; /* on the main thread, after all is spawned; NULL = nothing to do */
	zoo_part line;  /* at each line of standard input, on a thread of its own; NULL = nothing to do */
	bool by_itself; /* no thread but the runtime's: a task waits for the end of the input */
};

int zoo_main(int argc, char **argv, const struct zoo_row *row);

/* ZOO(OPTS, MAKE, PART...): all of main(). ZOO_THEN: with something to do when all is spawned, and at each line. */
#define ZOO(OPTS, MAKE, ...) ZOO_THEN(OPTS, MAKE, NULL, NULL, __VA_ARGS__)
#define ZOO_THEN(OPTS, MAKE, READY, LINE, ...)                                                     \
	int main(int argc, char **argv)                                                            \
	{                                                                                          \
		static const zoo_part parts[] = { __VA_ARGS__ };                                   \
		return zoo_main(argc, argv, &(const struct zoo_row){ (OPTS), (MAKE), parts,        \
			sizeof parts / sizeof parts[0], (READY), (LINE), false });                 \
	}
/* For searches of memory, which a foreign thread could hide a pointer from, in its registers. */
#define ZOO_BY_ITSELF(OPTS, MAKE, ...)                                                             \
	int main(int argc, char **argv)                                                            \
	{                                                                                          \
		static const zoo_part parts[] = { __VA_ARGS__ };                                   \
		return zoo_main(argc, argv, &(const struct zoo_row){ (OPTS), (MAKE), parts,        \
			sizeof parts / sizeof parts[0], NULL, NULL, true });                       \
	}
#define ZOO_WORKERS(N) ROUSE_RUNTIME_OPTS(.workers = (N))
#define ZOO_CURRENT_THREAD ROUSE_RUNTIME_OPTS(.current_thread = true)

/* The row's runtime. */
extern struct rouse_runtime *zoo_runtime;

/* What must not fail: ends the program with the place. NULL, negative numbers and failed spawns are failures. */
#define ZOO_MUST(EXPRESSION) zoo_must((EXPRESSION) >= 0, #EXPRESSION, __FILE__, __LINE__)
#define ZOO_MADE(EXPRESSION) zoo_made((EXPRESSION), #EXPRESSION, __FILE__, __LINE__)
void zoo_must(bool is_well, const char *what, const char *file, int line);
void *zoo_made(void *made, const char *what, const char *file, int line);

/*
 * A thread outside of any runtime, as of a foreign library, that keeps wakers
 * in its own memory and calls each about 200 ms later. Takes the waker.
 */
void zoo_bell(struct rouse_waker waker);

/* For a row that has shut its runtime down: waits for the end of standard input, and ends the program with 0. */
void zoo_end(void) __attribute__((noreturn));

/* Waits, as a thread does, until the task is pending, and has been polled so often at least. Not on a worker. */
void zoo_until_pending(struct rouse_task *task, uint32_t polls);

/* Rests the thread until the program is to end; in a twin, where it may. */
void zoo_rest(void);

/* Rests the thread, or burns its time, as no async function should. */
void zoo_block_for(uint64_t ns);
void zoo_burn_for(uint64_t ns);

#endif
