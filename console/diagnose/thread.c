/* SPDX-License-Identifier: MIT */
/*
 * What a thread does, as far as the operating system told: it computes, waits
 * for a CPU, or is blocked in a system call, on which descriptor; and whose
 * code that is.
 */
#include <stdio.h>
#include <string.h>

#include "diagnose/links.h"
#include "export/text.h"
#include "widget/format.h"

/* -------------------------------------------------------------------- code */

const char *cn_code_text(char *out, size_t bytes, const struct cn_model *model, uint64_t pc)
{
	cn_symbol_format(model, pc, out, bytes);
	return out;
}

static bool is_system(const char *module)
{
	static const char *const beginnings[] = { "libc.", "libc-", "libpthread", "ld-linux", "[vdso]", "librouse",
		"[kernel]" };

	for (size_t i = 0; i < sizeof beginnings / sizeof beginnings[0]; i++)
		if (strncmp(module, beginnings[i], strlen(beginnings[i])) == 0)
			return true;
	return false;
}

uint32_t cn_stack_own(const struct cn_model *model, const struct cn_stack *stack)
{
	for (uint32_t i = 0; i < stack->n; i++) {
		const struct cn_symbol *symbol = cn_model_symbol(model, stack->pc[i]);

		if (symbol && *symbol->module && !is_system(cn_path_base(symbol->module)))
			return i;
	}
	return 0;
}

/* ------------------------------------------------------------------- state */

/* Which of the runtime's resources has that descriptor: " = socket web, peer 10.0.0.1:555". */
static const char *descriptor_text(char *out, size_t bytes, const struct cn_model *model, size_t runtime, uint64_t fd)
{
	*out = 0;
	for (size_t i = 0; i < cn_model_resource_slots(model); i++) {
		const struct cn_resource *r = cn_model_resource_at(model, i);
		const struct cn_socket *socket;
		char peer[240] = "";

		if (!r || r->runtime != runtime || r->value != fd ||
			(r->kind != ROUSE_RESOURCE_SOCKET && r->kind != ROUSE_RESOURCE_LISTENER &&
				r->kind != ROUSE_RESOURCE_FD))
			continue;
		socket = cn_model_socket(model, r->serial);
		if (socket)
			cn_peer_text(peer, sizeof peer, socket);
		snprintf(out, bytes, " = %s%s%s%s%s", cn_resource_kind_name(r->kind),
			*cn_resource_name(model, r) ? " " : "", cn_safe(cn_resource_name(model, r)), *peer ? ", " : "",
			peer);
		break;
	}
	return out;
}

static void put_call(
	char *out, size_t bytes, const struct cn_model *model, size_t runtime, const struct cn_thread *thread)
{
	const char *name = cn_syscall_name(thread->syscall);
	char what[256];

	if (!name)
		snprintf(out, bytes, "blocked in system call %d", thread->syscall);
	else if (cn_thread_on_descriptor(thread))
		snprintf(out, bytes, "blocked in %s(fd %llu%s)", name, (unsigned long long)thread->argument,
			descriptor_text(what, sizeof what, model, runtime, thread->argument));
	else
		snprintf(out, bytes, "blocked in %s()", name);
}

const char *cn_thread_text(
	char *out, size_t bytes, const struct cn_model *model, size_t runtime, const struct cn_thread *thread)
{
	uint64_t cpu_ns = 0, queue_ns = 0, span_ns = 0;
	bool timed = cn_thread_delta(model, runtime, thread, &cpu_ns, &queue_ns, &span_ns);
	char share[CN_FORMAT_BYTES];

	*out = 0;
	if (thread->state == 'Z' || thread->state == 'X')
		snprintf(out, bytes, "has ended");
	else if (thread->state == 'T' || thread->state == 't')
		snprintf(out, bytes, "stopped by a signal or a debugger");
	else if (thread->state == 'R' && timed && queue_ns > cpu_ns && queue_ns > span_ns / 4)
		snprintf(out, bytes, "waits for a CPU (%s of the time)", cn_format_share(share, queue_ns, span_ns));
	else if (thread->state == 'R' && timed && cpu_ns < span_ns / 2)
		snprintf(out, bytes, "would run (had a CPU %s of the time)", cn_format_share(share, cpu_ns, span_ns));
	else if (thread->state == 'R' && timed)
		snprintf(out, bytes, "computes (%s of a CPU)", cn_format_share(share, cpu_ns, span_ns));
	else if (thread->state == 'R')
		snprintf(out, bytes, "on a CPU, or waiting for one");
	else if (thread->syscall >= 0)
		put_call(out, bytes, model, runtime, thread);
	else if (thread->state == 'D')
		snprintf(out, bytes, "blocked in the kernel, where no signal reaches it");
	else if (thread->state == 'S')
		snprintf(out, bytes, "blocked in the kernel");
	return out;
}

/* ------------------------------------------------------------------- links */

uint32_t cn_add_thread(struct cn_builder *b, struct cn_spot spot, uint8_t runtime, uint32_t tid)
{
	const struct cn_thread *thread = cn_model_thread(b->model, runtime, tid);
	uint32_t link = cn_link_add(b, spot, CN_LINK_THREAD, tid, runtime);
	char text[sizeof b->chain->links->text];

	if (spot.relation == CN_RELATION_HELD_BY && (!thread || thread->role == ROUSE_THREAD_OTHER))
		cn_link_say(b, link, "not one of the runtime's");
	if (link == UINT32_MAX || !thread)
		return link;
	if (*b->chain->links[link].text)
		cn_link_say(b, link, ", ");
	if (thread->role == ROUSE_THREAD_BLOCKING)
		cn_link_say(b, link, "of the blocking pool, ");
	cn_link_say(b, link, "%s", cn_thread_text(text, sizeof text, b->model, runtime, thread));
	return link;
}

void cn_add_thread_of(struct cn_builder *b, uint32_t link, uint8_t runtime, uint32_t worker)
{
	const struct cn_runtime *of = cn_model_runtime(b->model, runtime);

	for (uint32_t i = 0; of && i < of->n_workers; i++) {
		uint32_t tid = of->workers[i].tid;

		if (of->workers[i].index != worker || of->workers[i].foreign || !tid)
			continue;
		if (cn_model_thread(b->model, runtime, tid) || cn_model_stack(b->model, runtime, tid))
			cn_add_thread(b, cn_spot_under(link, b, CN_RELATION_ON_THREAD), runtime, tid);
		return;
	}
}

void cn_add_worker(
	struct cn_builder *b, struct cn_spot spot, const struct cn_runtime *runtime, const struct cn_worker *w)
{
	const struct cn_task *task = cn_model_task(b->model, w->current_task);
	uint32_t link = cn_link_add(b, spot, CN_LINK_WORKER, w->index, (uint8_t)runtime->index);
	char time[CN_FORMAT_BYTES];
	uint32_t site;

	if (link == UINT32_MAX)
		return;
	if (!task || task->state != ROUSE_TASK_RUNNING) {
		cn_link_say(b, link, "%s", cn_worker_state_name(w->state));
		return;
	}
	site = cn_task_await_site(b->model, task);
	b->chain->links[link].at = site;
	cn_link_say(b, link, "%s in %s (%llu) for %s%s", cn_worker_state_name(w->state),
		cn_safe(cn_task_name(b->model, task)), (unsigned long long)task->id,
		cn_format_ns(time, cn_task_in_state_ns(b->model, task)), site ? ", resumed from" : "");
	cn_add_thread_of(b, link, (uint8_t)runtime->index, w->index);
}
