/* SPDX-License-Identifier: MIT */
/* Native stacks and names of code: the newest of each thread, as many addresses as there is room for. */
#include "model/evidence.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "export/text.h"
#include "model/found.h"
#include "model/private.h"

/* ------------------------------------------------------------------ stacks */

static struct cn_stack *stack_row(struct cn_runtime_state *runtime, uint32_t tid)
{
	struct cn_stack *oldest = &runtime->stacks[0];

	for (size_t i = 0; i < CN_STACKS_MAX; i++) {
		if (runtime->stacks[i].tid == tid)
			return &runtime->stacks[i];
		if (runtime->stacks[i].ns < oldest->ns)
			oldest = &runtime->stacks[i];
	}
	return oldest;
}

void cn_apply_stacks(struct cn_runtime_state *runtime, const Rouse__V1__Stacks *rows)
{
	for (size_t i = 0; i < rows->n_tid; i++) {
		struct cn_stack *stack = stack_row(runtime, rows->tid[i]);
		uint64_t pc = CN_COLUMN(rows, pc, i, 0);

		if (stack->tid != rows->tid[i] || i == 0 || rows->tid[i - 1] != rows->tid[i]) {
			stack->tid = rows->tid[i];
			stack->ns = runtime->next.now_ns;
			stack->why = (int)CN_COLUMN(rows, why, i, 0);
			stack->n = 0;
		}
		if (pc && stack->n < CN_STACK_MAX)
			stack->pc[stack->n++] = pc;
		stack->sure = stack->n;
	}
}

void cn_model_put_stack(struct cn_model *model, size_t runtime, const struct cn_stack *stack)
{
	if (!cn_model_runtime(model, runtime) || !stack->tid)
		return;
	struct cn_stack *row = stack_row(model->runtimes[runtime], stack->tid);

	*row = *stack;
	if (row->n > CN_STACK_MAX)
		row->n = CN_STACK_MAX;
	if (row->sure > row->n)
		row->sure = row->n;
	cn_found_stack(model, runtime, row);
}

const struct cn_stack *cn_model_stack(const struct cn_model *model, size_t runtime, uint32_t tid)
{
	const struct cn_runtime_state *state = cn_model_runtime(model, runtime) ? model->runtimes[runtime] : NULL;

	for (size_t i = 0; state && tid && i < CN_STACKS_MAX; i++)
		if (state->stacks[i].tid == tid)
			return &state->stacks[i];
	return NULL;
}

const char *cn_stack_why(int why)
{
	switch (why) {
	case EPERM:
		return "it runs: sampling it needs CAP_PERFMON, or perf_event_paranoid <= 2 and a process of yours";
	case EACCES:
		return "not permitted to read its registers: run rouse as its user or as root (see also "
		       "/proc/sys/kernel/yama/ptrace_scope)";
	case ESRCH:
		return "the thread has ended";
	case EAGAIN:
		return "it moved whenever it was looked at";
	case ENOSYS:
		return "this rouse was built without elfutils: build it with -Dstacks=enabled (needs libdw, x86-64)";
	case ENOEXEC:
		return "ends at code without unwind information";
	case EFAULT:
		return "ends where its memory, or a register, is not known";
	case E2BIG:
		return "goes on";
	case ETIMEDOUT:
		return "left out: those of other threads took too long";
	default:
		return strerror(why);
	}
}

/* ----------------------------------------------------------------- threads */

static struct cn_native *native_of(struct cn_native *natives, size_t n, uint32_t tid)
{
	for (size_t i = 0; i < n; i++)
		if (natives[i].tid == tid)
			return &natives[i];
	return NULL;
}

/* The row of a thread, a new one if there is room. NULL: there is not. */
static struct cn_native *native_row(struct cn_native *natives, size_t *n, size_t capacity, uint32_t tid)
{
	struct cn_native *row = native_of(natives, *n, tid);

	if (row || *n == capacity)
		return row;
	natives[*n] = (struct cn_native){ .tid = tid, .role = ROUSE_THREAD_OTHER };
	return &natives[(*n)++];
}

size_t cn_model_natives(const struct cn_model *model, size_t runtime, struct cn_native *natives, size_t capacity)
{
	const struct cn_runtime *shown = cn_model_runtime(model, runtime);
	struct cn_native *row;
	size_t n = 0;

	for (uint32_t i = 0; shown && i < shown->n_workers; i++) {
		const struct cn_worker *worker = &shown->workers[i];

		row = worker->foreign || !worker->tid ? NULL : native_row(natives, &n, capacity, worker->tid);
		if (row) {
			row->role = ROUSE_THREAD_WORKER;
			row->worker = worker;
		}
	}
	for (size_t i = 0; shown && i < cn_model_resource_slots(model); i++) {
		const struct cn_resource *job = cn_model_resource_at(model, i);

		if (!job || job->runtime != runtime || job->kind != ROUSE_RESOURCE_BLOCKING_JOB || job->value != 1)
			continue;
		row = job->owner && job->owner <= UINT32_MAX ? native_row(natives, &n, capacity, (uint32_t)job->owner)
							     : NULL;
		if (row) {
			row->role = ROUSE_THREAD_BLOCKING;
			row->job = job;
		}
	}
	for (size_t i = 0; i < cn_model_threads(model, runtime); i++) {
		const struct cn_thread *thread = cn_model_thread_at(model, runtime, i);

		row = native_row(natives, &n, capacity, thread->tid);
		if (row)
			row->thread = thread;
		if (row && row->role == ROUSE_THREAD_OTHER)
			row->role = thread->role;
	}
	return n;
}

bool cn_native_busy(const struct cn_native *native)
{
	return native->job || (native->worker && native->worker->current_task);
}

/* ----------------------------------------------------------------- symbols */

void cn_symbols_init(struct cn_slots *symbols)
{
	cn_slots_init(symbols, sizeof(struct cn_symbol), CN_SYMBOLS_LIMIT);
}

void cn_symbols_fini(struct cn_slots *symbols)
{
	cn_slots_fini(symbols);
}

int cn_model_put_symbol(struct cn_model *model, const struct cn_symbol *symbol)
{
	void *row;
	int rc = symbol->pc ? cn_slots_put(&model->symbols, symbol->pc, &row) : -E2BIG;

	if (rc)
		return rc == -ENOMEM ? rc : 0; /* an address without a name does */
	*(struct cn_symbol *)row = *symbol;
	cn_found_symbol(model, row);
	return 0;
}

static void take_text(char *out, size_t bytes, const struct cn_runtime_state *runtime, uint32_t index)
{
	snprintf(out, bytes, "%s", cn_strings_get(&runtime->strings, index));
}

int cn_apply_symbols(struct cn_model *model, const struct cn_runtime_state *runtime, const Rouse__V1__Symbols *rows)
{
	for (size_t i = 0; i < rows->n_pc; i++) {
		struct cn_symbol symbol = { .pc = rows->pc[i], .line = CN_COLUMN(rows, line, i, 0) };
		int rc;

		take_text(symbol.function, sizeof symbol.function, runtime, CN_COLUMN(rows, function, i, 0));
		take_text(symbol.file, sizeof symbol.file, runtime, CN_COLUMN(rows, file, i, 0));
		take_text(symbol.module, sizeof symbol.module, runtime, CN_COLUMN(rows, module, i, 0));
		rc = cn_model_put_symbol(model, &symbol);
		if (rc)
			return rc;
	}
	return 0;
}

const struct cn_symbol *cn_model_symbol(const struct cn_model *model, uint64_t pc)
{
	return pc ? cn_slots_find(&model->symbols, pc) : NULL;
}

static void format_symbol(const struct cn_symbol *symbol, char *out, size_t bytes)
{
	char place[sizeof symbol->file + 16] = "", within[sizeof symbol->within + 16] = "";

	if (!*symbol->function && *symbol->module) {
		snprintf(out, bytes, "%s+0x%" PRIx64 "%s", symbol->module, symbol->offset,
			symbol->refused ? " (its file is another build now, or gone)" : "");
		return;
	}
	if (symbol->line && *symbol->file)
		snprintf(place, sizeof place, " (%s:%u)", cn_path_base(symbol->file), symbol->line);
	else if (*symbol->module)
		snprintf(place, sizeof place, " (%s)", symbol->module);
	if (*symbol->within)
		snprintf(within, sizeof within, ", inlined in %s", symbol->within);
	snprintf(out, bytes, "%s%s%s", symbol->function, place, within);
}

size_t cn_symbol_format(const struct cn_model *model, uint64_t pc, char *out, size_t bytes)
{
	const struct cn_symbol *symbol = cn_model_symbol(model, pc);
	char text[sizeof *symbol];

	snprintf(text, sizeof text, "0x%" PRIx64, pc);
	if (symbol && (*symbol->function || *symbol->module))
		format_symbol(symbol, text, sizeof text);
	cn_text_safe(out, bytes, text, cn_text_charset() == CN_CHARSET_ASCII);
	return strlen(out);
}
