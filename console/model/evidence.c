/* SPDX-License-Identifier: MIT */
/* Tables of evidence into the model. Bounded like rows; what does not fit makes the look incomplete. */
#include "model/evidence.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/private.h"

/* ----------------------------------------------------------------- threads */

static struct cn_thread *thread_of(const struct cn_runtime_state *runtime, uint32_t tid)
{
	for (uint32_t i = 0; i < runtime->n_threads; i++)
		if (runtime->threads[i].tid == tid)
			return &runtime->threads[i];
	return NULL;
}

static void take_thread(struct cn_thread *thread, const Rouse__V1__Threads *rows, size_t i)
{
	thread->role = (uint8_t)CN_COLUMN(rows, role, i, ROUSE_THREAD_OTHER);
	thread->worker = CN_COLUMN(rows, worker, i, 0);
	thread->os_tid = CN_COLUMN(rows, os_tid, i, 0);
	thread->state = (char)CN_COLUMN(rows, state, i, 0);
	thread->cpu_ns = CN_COLUMN(rows, cpu_ns, i, 0);
	thread->run_queue_ns = CN_COLUMN(rows, run_queue_ns, i, 0);
	thread->syscall = (int)CN_COLUMN(rows, syscall, i, 0) - 1;
	thread->argument = CN_COLUMN(rows, argument, i, 0);
	thread->pc = CN_COLUMN(rows, pc, i, 0);
}

static uint32_t threads_of_look(const struct cn_runtime_state *runtime, uint32_t look)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < runtime->n_threads; i++)
		n += runtime->threads[i].seen_look == look;
	return n;
}

/*
 * The table comes whole, in as many frames as it takes: what is in none of them
 * has ended, and is known at the end of the look. So there may be twice as many
 * rows until then.
 */
static int apply_threads(struct cn_runtime_state *runtime, const Rouse__V1__Threads *rows)
{
	uint32_t look = cn_look_in_progress(runtime);
	struct cn_thread *threads;

	if (rows->n_tid > CN_THREADS_MAX - threads_of_look(runtime, look)) {
		runtime->cut = true;
		return 0;
	}
	threads = reallocarray(runtime->threads, runtime->n_threads + rows->n_tid + 1, sizeof *threads);
	if (!threads)
		return -ENOMEM;
	runtime->threads = threads;
	runtime->threads_look = look;
	for (size_t i = 0; i < rows->n_tid; i++) {
		struct cn_thread *thread = thread_of(runtime, rows->tid[i]);
		bool is_new = !thread;

		if (is_new) {
			thread = &threads[runtime->n_threads++];
			*thread = (struct cn_thread){ .tid = rows->tid[i], .first_look = look };
		} else if (thread->seen_look != look) {
			thread->prev_cpu_ns = thread->cpu_ns;
			thread->prev_run_queue_ns = thread->run_queue_ns;
		}
		take_thread(thread, rows, i);
		if (is_new) {
			thread->prev_cpu_ns = thread->cpu_ns;
			thread->prev_run_queue_ns = thread->run_queue_ns;
		}
		thread->seen_look = look;
	}
	return 0;
}

void cn_settle_threads(struct cn_runtime_state *runtime, uint32_t look)
{
	uint32_t n = 0;

	if (runtime->threads_look != look)
		return;
	for (uint32_t i = 0; i < runtime->n_threads; i++)
		if (runtime->threads[i].seen_look == look)
			runtime->threads[n++] = runtime->threads[i];
	runtime->n_threads = n;
}

/* ------------------------------------------------------- queues and drops */

static void apply_queues(struct cn_model *model, struct cn_runtime_state *runtime, const Rouse__V1__Queues *rows)
{
	uint32_t look = cn_look_in_progress(runtime);

	runtime->queues_look = look;
	for (size_t i = 0; i < rows->n_task; i++) {
		struct cn_task *task = cn_slots_find(&model->tasks, rows->task[i]);

		if (!task || task->runtime != runtime->shown.index)
			continue;
		task->queued_look = look;
		task->queued_by = (uint16_t)CN_COLUMN(rows, worker, i, 0);
	}
}

static int apply_drops(struct cn_runtime_state *runtime, const Rouse__V1__Drops *rows)
{
	struct cn_drop *drops;

	if (rows->n_task > CN_DROPS_MAX) {
		runtime->cut = true;
		return 0;
	}
	drops = calloc(rows->n_task + 1, sizeof *drops);
	if (!drops)
		return -ENOMEM;
	for (size_t i = 0; i < rows->n_task; i++)
		drops[i] = (struct cn_drop){ .task = rows->task[i],
			.ns = CN_COLUMN(rows, ns, i, 0),
			.by = CN_COLUMN(rows, by, i, 0),
			.pc = CN_COLUMN(rows, pc, i, 0) };
	free(runtime->drops);
	runtime->drops = drops;
	runtime->n_drops = (uint32_t)rows->n_task;
	return 0;
}

/* ----------------------------------------------------------------- holders */

/* Rows [first, first + n) are one semaphore's. */
static int take_holders(struct cn_resource *resource, const Rouse__V1__Holders *rows, size_t first, size_t n)
{
	struct cn_holder *holders = calloc(n, sizeof *holders);
	uint32_t used = 0;

	if (!holders)
		return -ENOMEM;
	for (size_t i = first; i < first + n; i++)
		if (CN_COLUMN(rows, task, i, 0))
			holders[used++] = (struct cn_holder){ .task = rows->task[i],
				.permits = CN_COLUMN(rows, permits, i, 0),
				.since_ns = CN_COLUMN(rows, since_ns, i, 0) };
	free(resource->holders);
	resource->holders = holders;
	resource->n_holders = used;
	return 0;
}

static int apply_holders(struct cn_model *model, struct cn_runtime_state *runtime, const Rouse__V1__Holders *rows)
{
	for (size_t i = 0, n; i < rows->n_serial; i += n) {
		struct cn_resource *resource = cn_slots_find(&model->resources, rows->serial[i]);
		int rc;

		for (n = 1; i + n < rows->n_serial && rows->serial[i + n] == rows->serial[i]; n++)
			continue;
		if (!resource || resource->runtime != runtime->shown.index)
			continue;
		if (n > CN_HOLDERS_MAX) {
			runtime->cut = true;
			continue;
		}
		rc = take_holders(resource, rows, i, n);
		if (rc)
			return rc;
		resource->holders_look = cn_look_in_progress(runtime);
	}
	return 0;
}

/* ----------------------------------------------------- what was asked for */

static struct cn_detail *detail_row(struct cn_model *model, uint64_t id)
{
	struct cn_detail *oldest = &model->details[0];

	for (size_t i = 0; i < CN_DETAILS_MAX; i++) {
		if (model->details[i].id == id)
			return &model->details[i];
		if (model->details[i].ns < oldest->ns)
			oldest = &model->details[i];
	}
	return oldest;
}

static void apply_references(
	struct cn_model *model, const struct cn_runtime_state *runtime, const Rouse__V1__References *rows)
{
	for (size_t i = 0; i < rows->n_id; i++) {
		struct cn_detail *detail = detail_row(model, rows->id[i]);
		uint64_t count = CN_COLUMN(rows, count, i, 0);

		if (detail->id != rows->id[i] || detail->look != cn_look_in_progress(runtime))
			*detail = (struct cn_detail){ .id = rows->id[i],
				.ns = runtime->next.now_ns,
				.look = cn_look_in_progress(runtime),
				.complete = true };
		if (!CN_COLUMN(rows, complete, i, 0) || (count && detail->n_places == CN_PLACES_MAX))
			detail->complete = false;
		if (count && detail->n_places < CN_PLACES_MAX)
			detail->places[detail->n_places++] =
				(struct cn_place){ .task = CN_COLUMN(rows, task, i, 0), .count = count };
	}
}

static void apply_sockets(
	struct cn_model *model, const struct cn_runtime_state *runtime, const Rouse__V1__Sockets *rows)
{
	for (size_t i = 0; i < rows->n_serial; i++) {
		struct cn_socket *socket = &model->sockets[0];

		for (size_t k = 0; k < CN_DETAILS_MAX; k++) {
			if (model->sockets[k].serial == rows->serial[i]) {
				socket = &model->sockets[k];
				break;
			}
			if (model->sockets[k].ns < socket->ns)
				socket = &model->sockets[k];
		}
		*socket = (struct cn_socket){ .serial = rows->serial[i],
			.ns = runtime->next.now_ns,
			.tcp_state = CN_COLUMN(rows, tcp_state, i, 0),
			.rx_bytes = CN_COLUMN(rows, rx_bytes, i, 0),
			.tx_bytes = CN_COLUMN(rows, tx_bytes, i, 0),
			.peer_pid = CN_COLUMN(rows, peer_pid, i, 0),
			.peer_others = CN_COLUMN(rows, peer_others, i, 0),
			.peer_is_rouse = CN_COLUMN(rows, peer_is_rouse, i, 0) != 0 };
		snprintf(socket->local, sizeof socket->local, "%s",
			cn_strings_get(&runtime->strings, CN_COLUMN(rows, local, i, 0)));
		snprintf(socket->peer, sizeof socket->peer, "%s",
			cn_strings_get(&runtime->strings, CN_COLUMN(rows, peer, i, 0)));
		snprintf(socket->peer_program, sizeof socket->peer_program, "%s",
			cn_strings_get(&runtime->strings, CN_COLUMN(rows, peer_program, i, 0)));
	}
}

int cn_apply_evidence(struct cn_model *model, struct cn_runtime_state *runtime, const Rouse__V1__Frame *frame)
{
	switch (frame->body_case) {
	case ROUSE__V1__FRAME__BODY_THREADS:
		return apply_threads(runtime, frame->threads);
	case ROUSE__V1__FRAME__BODY_QUEUES:
		apply_queues(model, runtime, frame->queues);
		return 0;
	case ROUSE__V1__FRAME__BODY_DROPS:
		return apply_drops(runtime, frame->drops);
	case ROUSE__V1__FRAME__BODY_HOLDERS:
		return apply_holders(model, runtime, frame->holders);
	case ROUSE__V1__FRAME__BODY_REFERENCES:
		apply_references(model, runtime, frame->references);
		return 0;
	case ROUSE__V1__FRAME__BODY_SOCKETS:
		apply_sockets(model, runtime, frame->sockets);
		return 0;
	case ROUSE__V1__FRAME__BODY_STACKS:
		cn_apply_stacks(runtime, frame->stacks);
		return 0;
	case ROUSE__V1__FRAME__BODY_SYMBOLS:
		return cn_apply_symbols(model, runtime, frame->symbols);
	default:
		return 0;
	}
}

/* --------------------------------------------------------------- accessors */

static struct cn_runtime_state *state_of(const struct cn_model *model, size_t runtime)
{
	return cn_model_runtime(model, runtime) ? model->runtimes[runtime] : NULL;
}

size_t cn_model_threads(const struct cn_model *model, size_t runtime)
{
	const struct cn_runtime_state *state = state_of(model, runtime);

	return state ? state->n_threads : 0;
}

const struct cn_thread *cn_model_thread_at(const struct cn_model *model, size_t runtime, size_t index)
{
	const struct cn_runtime_state *state = state_of(model, runtime);

	return state && index < state->n_threads ? &state->threads[index] : NULL;
}

const struct cn_thread *cn_model_thread(const struct cn_model *model, size_t runtime, uint32_t tid)
{
	const struct cn_runtime_state *state = state_of(model, runtime);

	return state ? thread_of(state, tid) : NULL;
}

bool cn_thread_delta(const struct cn_model *model, size_t runtime, const struct cn_thread *thread, uint64_t *ret_cpu_ns,
	uint64_t *ret_run_queue_ns, uint64_t *ret_span_ns)
{
	const struct cn_runtime *shown = cn_model_runtime(model, runtime);

	if (!shown || !thread || !shown->prev_ns || shown->now_ns <= shown->prev_ns || !thread->cpu_ns ||
		thread->seen_look != shown->looks || thread->first_look == shown->looks)
		return false;
	*ret_cpu_ns = thread->cpu_ns > thread->prev_cpu_ns ? thread->cpu_ns - thread->prev_cpu_ns : 0;
	*ret_run_queue_ns =
		thread->run_queue_ns > thread->prev_run_queue_ns ? thread->run_queue_ns - thread->prev_run_queue_ns : 0;
	*ret_span_ns = shown->now_ns - shown->prev_ns;
	return true;
}

const struct cn_drop *cn_model_drop(const struct cn_model *model, size_t runtime, uint64_t task)
{
	const struct cn_runtime_state *state = state_of(model, runtime);
	const struct cn_drop *newest = NULL;

	for (uint32_t i = 0; state && i < state->n_drops; i++)
		if (state->drops[i].task == task && (!newest || state->drops[i].ns > newest->ns))
			newest = &state->drops[i];
	return newest;
}

size_t cn_model_drops(const struct cn_model *model, size_t runtime, const struct cn_drop **ret_drops)
{
	const struct cn_runtime_state *state = state_of(model, runtime);

	*ret_drops = state ? state->drops : NULL;
	return state ? state->n_drops : 0;
}

bool cn_model_queues_known(const struct cn_model *model, size_t runtime)
{
	const struct cn_runtime_state *state = state_of(model, runtime);

	return state && state->queues_look == state->shown.looks;
}

size_t cn_model_holders(const struct cn_model *model, uint64_t serial, const struct cn_holder **ret_holders)
{
	const struct cn_resource *resource = cn_model_resource(model, serial);

	*ret_holders = resource ? resource->holders : NULL;
	return resource ? resource->n_holders : 0;
}

const struct cn_detail *cn_model_detail(const struct cn_model *model, uint64_t id)
{
	for (size_t i = 0; id && i < CN_DETAILS_MAX; i++)
		if (model->details[i].id == id)
			return &model->details[i];
	return NULL;
}

const struct cn_socket *cn_model_socket(const struct cn_model *model, uint64_t serial)
{
	for (size_t i = 0; serial && i < CN_DETAILS_MAX; i++)
		if (model->sockets[i].serial == serial)
			return &model->sockets[i];
	return NULL;
}

const char *cn_thread_role_name(unsigned int role)
{
	static const char *const texts[] = {
#define X(name, text) text,
		ROUSE_THREAD_ROLES(X)
#undef X
	};

	return role < ROUSE_THREAD_ROLE_MAX ? texts[role] : "unknown";
}
