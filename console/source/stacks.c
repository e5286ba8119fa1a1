/* SPDX-License-Identifier: MIT */
#include "source/stacks.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#ifdef HAVE_STACKS
#include <stack.h>
#endif

#include "model/model.h"

enum {
	NATIVES_MAX = 4096,
	RUNTIMES_MAX = 64,
	TAKEN_MAX = 64, /* as many as the model keeps */
	NAMES_MAX = 4096
};

struct cn_stacker {
	int pid;    /* 0 = a core file */
	char *core; /* its path */
	struct rn_target *target;
	bool renew;     /* files have changed: names that are known may be wrong */
	uint32_t names; /* that may still be looked up with this look */
	uint64_t end_ms; /* when those that are left are left out */
	uint32_t looks[RUNTIMES_MAX];
	struct cn_native natives[NATIVES_MAX];
};

static struct cn_stacker *make(int pid, const char *core)
{
	struct cn_stacker *stacker = calloc(1, sizeof *stacker);

	if (!stacker)
		return NULL;
	stacker->pid = pid;
	stacker->core = core ? strdup(core) : NULL;
	if (core && !stacker->core) {
		free(stacker);
		return NULL;
	}
	return stacker;
}

struct cn_stacker *cn_stacker_of_process(int pid)
{
	return make(pid, NULL);
}

struct cn_stacker *cn_stacker_of_core(const char *path)
{
	return make(0, path);
}

#ifdef HAVE_STACKS

_Static_assert((int)RN_FRAMES_MAX == (int)CN_STACK_MAX, "a stack fits as it is");

void cn_stacker_free(struct cn_stacker *stacker)
{
	if (!stacker)
		return;
	rn_close(stacker->target);
	free(stacker->core);
	free(stacker);
}

/* 0, or why no stack can be taken. */
static int aim(struct cn_stacker *stacker)
{
	int rc = 1;

	if (stacker->target)
		rc = rn_refresh(stacker->target);
	else if (stacker->core)
		rc = rn_open_core(stacker->core, &stacker->target);
	else if (stacker->pid)
		rc = rn_open_pid(stacker->pid, &stacker->target);
	else
		rc = -ESRCH;
	stacker->renew = rc == 1;
	return rc < 0 ? -rc : 0;
}

static int name(struct cn_stacker *stacker, struct cn_model *model, uint64_t pc, bool returns)
{
	struct cn_symbol symbol = { .pc = pc };
	struct rn_name found;

	if (!pc || !stacker->names || (!stacker->renew && cn_model_symbol(model, pc)))
		return 0;
	stacker->names--;
	if (rn_name(stacker->target, pc, returns, &found) == 0) {
		symbol.offset = found.offset;
		symbol.line = found.line;
		symbol.refused = found.refused;
		memcpy(symbol.function, found.function, sizeof symbol.function);
		memcpy(symbol.within, found.within, sizeof symbol.within);
		memcpy(symbol.file, found.file, sizeof symbol.file);
		memcpy(symbol.module, found.module, sizeof symbol.module);
	}
	return cn_model_put_symbol(model, &symbol);
}

static int take_stack(
	struct cn_stacker *stacker, struct cn_model *model, size_t runtime, const struct cn_native *native)
{
	struct cn_stack stack = { .tid = native->tid, .ns = cn_model_runtime(model, runtime)->now_ns };
	struct rn_stack taken;
	int rc = 0;

	rn_stack_take(stacker->target, native->tid, &taken);
	stack.why = taken.why;
	stack.n = taken.n;
	stack.sure = taken.sure;
	memcpy(stack.pc, taken.pc, taken.n * sizeof taken.pc[0]);
	cn_model_put_stack(model, runtime, &stack);
	for (uint32_t i = 0; i < taken.n && rc == 0; i++)
		rc = name(stacker, model, taken.pc[i], i > 0);
	return rc;
}

int cn_stacker_unwind(struct cn_stacker *stacker, const uint64_t registers[CN_REGISTERS], const uint8_t *copy,
	size_t bytes, struct cn_model *model, struct cn_stack *stack)
{
	const uint32_t before = stack->n;
	struct rn_stack taken;
	int rc = 0;

	rn_stack_of_sample(stacker->target, registers, copy, bytes, &taken);
	if (taken.n > CN_STACK_MAX - before) {
		taken.n = CN_STACK_MAX - before;
		taken.why = E2BIG;
	}
	stack->why = taken.why;
	stack->n += taken.n;
	stack->sure = before + (taken.sure < taken.n ? taken.sure : taken.n);
	memcpy(stack->pc + before, taken.pc, taken.n * sizeof taken.pc[0]);
	for (uint32_t i = 0; i < taken.n && rc == 0; i++)
		rc = name(stacker, model, taken.pc[i], i > 0);
	return rc;
}

static int name_drops(struct cn_stacker *stacker, struct cn_model *model, size_t runtime)
{
	const struct cn_drop *drops;
	size_t n = cn_model_drops(model, runtime, &drops);
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++)
		rc = name(stacker, model, drops[i].pc, true);
	return rc;
}

/* What is known by address only, beside stacks. */
static int name_others(struct cn_stacker *stacker, struct cn_model *model, size_t runtime)
{
	int rc = name_drops(stacker, model, runtime);

	for (size_t i = 0; i < cn_model_threads(model, runtime) && rc == 0; i++)
		rc = name(stacker, model, cn_model_thread_at(model, runtime, i)->pc, false);
	for (size_t i = 0; i < cn_model_resource_slots(model) && rc == 0; i++) {
		const struct cn_resource *job = cn_model_resource_at(model, i);

		if (job && job->kind == ROUSE_RESOURCE_BLOCKING_JOB && job->runtime == runtime)
			rc = name(stacker, model, job->side_a, false);
	}
	return rc;
}

#else

void cn_stacker_free(struct cn_stacker *stacker)
{
	if (!stacker)
		return;
	free(stacker->core);
	free(stacker);
}

static int aim(struct cn_stacker *stacker)
{
	(void)stacker;
	return ENOSYS;
}

static int take_stack(
	struct cn_stacker *stacker, struct cn_model *model, size_t runtime, const struct cn_native *native)
{
	(void)stacker;
	(void)model;
	(void)runtime;
	(void)native;
	return 0;
}

int cn_stacker_unwind(struct cn_stacker *stacker, const uint64_t registers[CN_REGISTERS], const uint8_t *copy,
	size_t bytes, struct cn_model *model, struct cn_stack *stack)
{
	(void)stacker;
	(void)registers;
	(void)copy;
	(void)bytes;
	(void)model;
	stack->why = ENOSYS;
	return 0;
}

static int name_drops(struct cn_stacker *stacker, struct cn_model *model, size_t runtime)
{
	(void)stacker;
	(void)model;
	(void)runtime;
	return 0;
}

static int name_others(struct cn_stacker *stacker, struct cn_model *model, size_t runtime)
{
	(void)stacker;
	(void)model;
	(void)runtime;
	return 0;
}

#endif

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* One that runs takes as long as it is kept from a CPU; with many, the screen would stand still. */
static int take(struct cn_stacker *stacker, enum cn_stacks which, struct cn_model *model, size_t runtime, int why)
{
	const size_t n = cn_model_natives(model, runtime, stacker->natives, NATIVES_MAX);
	size_t taken = 0;
	bool can_name = !why;
	int rc = 0;

	for (size_t i = 0; i < n && taken < TAKEN_MAX && rc == 0; i++) {
		const struct cn_native *native = &stacker->natives[i];
		struct cn_stack none = {
			.tid = native->tid, .why = why, .ns = cn_model_runtime(model, runtime)->now_ns
		};

		if (which == CN_STACKS_BUSY && !cn_native_busy(native))
			continue;
		taken++;
		if (!why && now_ms() >= stacker->end_ms)
			none.why = why = ETIMEDOUT;
		if (why)
			cn_model_put_stack(model, runtime, &none);
		else
			rc = take_stack(stacker, model, runtime, native);
	}
	return rc || !can_name ? rc : name_others(stacker, model, runtime);
}

int cn_stacker_take(struct cn_stacker *stacker, enum cn_stacks which, uint32_t patience_ms, struct cn_model *model)
{
	int why = -1, rc = 0; /* -1: it has not been tried */

	stacker->end_ms = now_ms() + patience_ms;
	for (size_t i = 0; i < RUNTIMES_MAX && i < cn_model_runtimes(model) && rc == 0; i++) {
		const struct cn_runtime *runtime = cn_model_runtime(model, i);

		if (!runtime || runtime->looks == stacker->looks[i])
			continue;
		stacker->looks[i] = runtime->looks;
		if (why < 0) {
			why = aim(stacker);
			stacker->names = NAMES_MAX;
		}
		rc = take(stacker, which, model, i, why);
	}
	return rc;
}

int cn_stacker_begin(struct cn_stacker *stacker)
{
	stacker->names = NAMES_MAX;
	return aim(stacker);
}

bool cn_stacker_has_unnamed_drops(const struct cn_model *model)
{
	const struct cn_drop *drops;

	for (size_t i = 0; i < cn_model_runtimes(model); i++) {
		size_t n = cn_model_drops(model, i, &drops);

		for (size_t k = 0; k < n; k++)
			if (drops[k].pc && !cn_model_symbol(model, drops[k].pc))
				return true;
	}
	return false;
}

int cn_stacker_name_drops(struct cn_stacker *stacker, struct cn_model *model)
{
	int rc = 0;

	if (aim(stacker))
		return 0; /* then the address has to do */
	stacker->names = NAMES_MAX;
	for (size_t i = 0; i < cn_model_runtimes(model) && rc == 0; i++)
		rc = name_drops(stacker, model, i);
	return rc;
}
