/* SPDX-License-Identifier: MIT */
/*
 * The window is that of the kernel's rounds: it begins when the programs are
 * attached (Kernel.since_ns), and ends with the first round that is so long after.
 */
#include "cli/probe_kernel.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>

#include "export/text.h"

enum { LOOK_MS = 5000, BEGIN_MS = 15000, TURN_MS = 100, LATE_MS = 2000, ROUND_MS = 250 };

const struct cn_model *cn_probed_model(const struct cn_probed *probed)
{
	return cn_session_model(probed->session);
}

static const struct cn_kernel *kernel_of(const struct cn_probed *probed)
{
	return cn_model_kernel(cn_probed_model(probed));
}

double cn_probed_seconds(const struct cn_probed *probed)
{
	const struct cn_kernel *kernel = kernel_of(probed);

	return kernel && kernel->now_ns > kernel->since_ns ? (double)(kernel->now_ns - kernel->since_ns) / 1e9 : 0.0;
}

/* -------------------------------------------------------------- following */

static bool fails(const struct cn_probed *probed, enum cn_kernel_group group)
{
	const struct cn_kernel *kernel = kernel_of(probed);

	return kernel && kernel->groups[group].wanted && kernel->groups[group].status < 0;
}

static const char *why_not(const struct cn_probed *probed, enum cn_kernel_group group)
{
	const struct cn_kernel_group_state *state = &kernel_of(probed)->groups[group];

	return *state->why ? state->why : strerror(-state->status);
}

static int not_measured(const struct cn_probed *probed)
{
	const int status = kernel_of(probed)->groups[probed->wanted].status;
	char text[512];

	snprintf(text, sizeof text, "%s cannot be followed: %s", probed->group->follows,
		why_not(probed, probed->wanted));
	return cn_group_fail(status == -EPERM || status == -EACCES || status == -EOPNOTSUPP ? CN_EXIT_NOT_PERMITTED
											    : CN_EXIT_FINDINGS,
		text);
}

static int begin(struct cn_probed *probed)
{
	const struct cn_session_opts look = { .interval_ms = CN_PROBED_LOOK_MS,
		.kernel = { .groups = probed->groups,
			.round_ms = ROUND_MS,
			.profile_hz = probed->opts.hz,
			.block_ns = probed->opts.threshold_ns } };
	struct cn_why why = { 0 };
	char text[16];
	int pid, rc = cn_group_aim(probed->group, &probed->opts, &pid);

	if (rc != CN_EXIT_OK)
		return rc;
	snprintf(text, sizeof text, "%d", pid);
	rc = cn_session_open(text, &look, &probed->session, &why);
	if (rc == 0)
		rc = cn_session_wait(probed->session, LOOK_MS, &why);
	return rc ? cn_group_fail(cn_exit_of(rc), why.text) : CN_EXIT_OK;
}

static bool has_begun(const struct cn_probed *probed)
{
	return kernel_of(probed) && kernel_of(probed)->rounds;
}

static bool is_late(uint64_t since_ns, uint64_t ms)
{
	return since_ns && cn_session_clock_ns() - since_ns > ms * 1000000;
}

/* It is ended by a round that is so long after the beginning, or later than the signal. */
static bool is_over(const struct cn_probed *probed, uint64_t *signal_ns)
{
	const struct cn_kernel *kernel = kernel_of(probed);

	if (cn_group_interrupted() && !*signal_ns)
		*signal_ns = cn_session_clock_ns();
	if (!has_begun(probed))
		return *signal_ns || fails(probed, probed->wanted);
	if (kernel->ended || fails(probed, probed->wanted) || is_late(*signal_ns, LATE_MS))
		return true;
	if (*signal_ns)
		return kernel->now_ns > *signal_ns;
	return probed->opts.for_ns && kernel->now_ns - kernel->since_ns >= probed->opts.for_ns;
}

/* A target that has gone is not waited for long: the kernel says so itself. */
static void turn(struct cn_probed *probed, uint64_t *gone_ns)
{
	struct pollfd ready = { .fd = cn_session_fd(probed->session), .events = POLLIN };
	struct cn_why why = { 0 };

	(void)poll(&ready, *gone_ns ? 0 : 1, TURN_MS);
	if (cn_session_pump(probed->session, &why) < 0 && !*gone_ns)
		*gone_ns = cn_session_clock_ns();
	if (probed->seen)
		probed->seen(probed);
}

/* Stacks that came with the last round may wait for being unwound. */
static void drain(struct cn_probed *probed, uint64_t *gone_ns)
{
	const uint64_t began_ns = cn_session_clock_ns();
	struct pollfd ready = { .fd = cn_session_fd(probed->session), .events = POLLIN };

	while (poll(&ready, 1, 0) > 0 && !*gone_ns && !is_late(began_ns, LATE_MS))
		turn(probed, gone_ns);
}

/* The names of tasks that are new. */
static void look_once_more(const struct cn_probed *probed)
{
	struct cn_why why = { 0 };

	if (!cn_group_last_look(probed->session, &why))
		fprintf(stderr, "rouse probe: the names of new tasks are not known: %s\n", why.text);
}

/* Until the first round, or it will not come. */
static int wait_for_begin(struct cn_probed *probed, uint64_t *gone_ns, uint64_t *signal_ns)
{
	const uint64_t began_ns = cn_session_clock_ns();

	while (!has_begun(probed) && !is_over(probed, signal_ns) && !is_late(*gone_ns, LATE_MS)) {
		turn(probed, gone_ns);
		if (!has_begun(probed) && is_late(began_ns, BEGIN_MS))
			return cn_group_fail(CN_EXIT_TIMEOUT, "the kernel's side did not begin in 15 s");
	}
	if (has_begun(probed) && !fails(probed, probed->wanted))
		fprintf(stderr, "rouse probe: following process %u; %s\n",
			cn_model_target(cn_probed_model(probed))->pid,
			probed->opts.for_ns ? "wait, or Ctrl-C" : "Ctrl-C ends it");
	return CN_EXIT_OK;
}

int cn_probed_follow(struct cn_probed *probed)
{
	uint64_t gone_ns = 0, signal_ns = 0;
	int rc;

	cn_group_heed_signals();
	rc = begin(probed);
	if (rc == CN_EXIT_OK)
		rc = wait_for_begin(probed, &gone_ns, &signal_ns);
	if (rc != CN_EXIT_OK)
		return rc;
	while (!is_over(probed, &signal_ns) && !is_late(gone_ns, LATE_MS))
		turn(probed, &gone_ns);
	if (fails(probed, probed->wanted))
		return not_measured(probed);
	if (!has_begun(probed))
		return cn_group_fail(CN_EXIT_INCOMPLETE, "it ended before the kernel had told anything");
	if (!kernel_of(probed)->ended && !gone_ns) {
		drain(probed, &gone_ns);
		look_once_more(probed);
	}
	return CN_EXIT_OK;
}

/* ----------------------------------------------------------------- losses */

/* What each is called in JSON, how many, and in words. */
struct loss {
	const char *key;
	uint64_t n;
	const char *text;
};
enum { LOSSES_MAX = 8 };

static size_t losses_of(const struct cn_probed *probed, struct loss losses[LOSSES_MAX])
{
	const struct cn_kernel *kernel = kernel_of(probed);
	uint64_t uncounted = 0;
	size_t n = 0;

	for (unsigned int i = CN_KERNEL_NONE + 1; i < CN_KERNEL_GROUP_MAX; i++)
		if (probed->groups & 1u << i)
			uncounted += kernel->groups[i].uncounted;
	losses[n++] = (struct loss){ "uncounted", uncounted, "times something happened that stands in no row" };
	if (probed->wanted == CN_KERNEL_SCHED)
		losses[n++] = (struct loss){ "blocks_lost", kernel->blocks_lost, "blocks were lost on the way" };
	if (probed->wanted == CN_KERNEL_PROFILE)
		losses[n++] = (struct loss){ "samples_lost", kernel->samples_lost, "samples were lost on the way" };
	if (probed->wanted != CN_KERNEL_FAULTS)
		losses[n++] = (struct loss){ "stacks_lost", kernel->stacks_lost, "stacks found no room here" };
	losses[n++] = (struct loss){ "workers_followed_late", kernel->late_workers,
		"worker threads began meanwhile, and what they did at first is missing" };
	losses[n++] = (struct loss){ "workers_not_followed", kernel->unfollowed_workers, "workers were not followed" };
	return n;
}

static bool all_measure(const struct cn_probed *probed)
{
	for (unsigned int i = CN_KERNEL_NONE + 1; i < CN_KERNEL_GROUP_MAX; i++)
		if (probed->groups & 1u << i && fails(probed, (enum cn_kernel_group)i))
			return false;
	return true;
}

bool cn_probed_lossy(const struct cn_probed *probed)
{
	struct loss losses[LOSSES_MAX];
	const size_t n = losses_of(probed, losses);

	for (size_t i = 0; i < n; i++)
		if (losses[i].n)
			return true;
	return !all_measure(probed);
}

void cn_probed_losses_json(struct cn_json *json, const struct cn_probed *probed)
{
	struct loss losses[LOSSES_MAX];
	const size_t n = losses_of(probed, losses);

	cn_json_object(json, "not_counted");
	for (size_t i = 0; i < n; i++)
		cn_json_number(json, losses[i].key, losses[i].n);
	cn_json_end(json);
	cn_json_array(json, "not_measured");
	for (unsigned int i = CN_KERNEL_NONE + 1; i < CN_KERNEL_GROUP_MAX; i++) {
		if (!(probed->groups & 1u << i) || !fails(probed, (enum cn_kernel_group)i))
			continue;
		cn_json_object(json, NULL);
		cn_json_string(json, "group", cn_kernel_group_word((enum cn_kernel_group)i));
		cn_json_string(json, "why", why_not(probed, (enum cn_kernel_group)i));
		cn_json_end(json);
	}
	cn_json_end(json);
}

void cn_probed_losses_print(const struct cn_paint *paint, const struct cn_probed *probed)
{
	struct loss losses[LOSSES_MAX];
	const size_t n = losses_of(probed, losses);

	if (!cn_probed_lossy(probed)) {
		cn_paint(paint, CN_STYLE_DIM, "  Nothing was lost.\n");
		return;
	}
	cn_paint(paint, CN_STYLE_LIKELY, "  NOT COMPLETE:\n");
	for (size_t i = 0; i < n; i++)
		if (losses[i].n)
			fprintf(paint->out, "  %" PRIu64 " %s\n", losses[i].n, losses[i].text);
	for (unsigned int i = CN_KERNEL_NONE + 1; i < CN_KERNEL_GROUP_MAX; i++)
		if (probed->groups & 1u << i && fails(probed, (enum cn_kernel_group)i))
			fprintf(paint->out, "  not measured: %s: %s\n", cn_kernel_group_word((enum cn_kernel_group)i),
				why_not(probed, (enum cn_kernel_group)i));
}

/* ----------------------------------------------------------------- output */

void cn_probed_title(const struct cn_paint *paint, const struct cn_probed *probed, const char *what)
{
	const struct cn_target *target = cn_model_target(cn_probed_model(probed));
	const uint32_t ended = kernel_of(probed)->ended;

	cn_paint(paint, CN_STYLE_TITLE, "%s", cn_safe(target->program));
	cn_paint(paint, CN_STYLE_DIM, " (%u)  %s in %.3f s of its polls", target->pid, what, cn_probed_seconds(probed));
	if (ended)
		cn_paint(paint, CN_STYLE_BADGE, "; then it %s", ended == 1 ? "ended" : "executed another program");
	fputc('\n', paint->out);
}

int cn_probed_finish(const struct cn_probed *probed)
{
	if (fflush(stdout) || ferror(stdout))
		return cn_group_fail(CN_EXIT_INCOMPLETE, "cannot write the answer");
	return cn_probed_lossy(probed) ? CN_EXIT_INCOMPLETE : CN_EXIT_OK;
}

const char *cn_probed_task(const struct cn_model *model, uint64_t task)
{
	const struct cn_task *known = cn_model_task(model, task);

	return known ? cn_task_name(model, known) : "(ended)";
}

void cn_probed_task_json(
	struct cn_json *json, const struct cn_model *model, uint64_t task, size_t runtime, uint32_t site)
{
	const struct cn_task *known = cn_model_task(model, task);

	cn_json_id(json, "task", task);
	if (known)
		cn_json_string(json, "name", cn_task_name(model, known));
	else
		cn_json_null(json, "name");
	cn_site_json(json, "spawned_at", model, runtime, site);
}
