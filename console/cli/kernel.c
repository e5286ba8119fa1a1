/* SPDX-License-Identifier: MIT */
/* What verbs that judge do about --kernel: give it time, and say what it does not measure. */
#include <errno.h>
#include <string.h>

#include "cli/cli.h"
#include "model/kernel.h"

enum { ROUNDS = 2, ROUND_MS = 1000, FOR_MS = 5000 };

static bool fails_like(const struct cn_kernel_group_state *a, const struct cn_kernel_group_state *b)
{
	return b->wanted && b->status == a->status && strcmp(a->why, b->why) == 0;
}

/* Those that share a reason, "sched, syscalls", if this group is the first of them; else "". */
static const char *words_like(const struct cn_kernel *kernel, unsigned int first, char words[64])
{
	size_t used = 0;

	*words = '\0';
	for (unsigned int i = CN_KERNEL_NONE + 1; i < CN_KERNEL_GROUP_MAX; i++) {
		if (!fails_like(&kernel->groups[first], &kernel->groups[i]))
			continue;
		if (i < first)
			return "";
		used += (size_t)snprintf(words + used, 64 - used, "%s%s", used ? ", " : "",
			cn_kernel_group_word((enum cn_kernel_group)i));
	}
	return words;
}

static void tell(const struct cn_kernel *kernel)
{
	for (unsigned int i = CN_KERNEL_NONE + 1; kernel && i < CN_KERNEL_GROUP_MAX; i++) {
		const struct cn_kernel_group_state *group = &kernel->groups[i];
		char words[64];

		if (group->wanted && group->status && *words_like(kernel, i, words))
			(void)cn_fail(CN_EXIT_OK, "the kernel does not tell of %s: %s", words,
				*group->why ? group->why : strerror(-group->status));
	}
}

uint64_t cn_kernel_span_ns(const struct cn_model *model)
{
	const struct cn_kernel *kernel = cn_model_kernel(model);

	return kernel && kernel->rounds && kernel->now_ns > kernel->since_ns ? kernel->now_ns - kernel->since_ns : 0;
}

/* So many looks of one who counts them, two rounds of the kernel; else for so long. */
static bool is_enough(const struct cn_cli *cli, const struct cn_model *model)
{
	const struct cn_kernel *kernel = cn_model_kernel(model);
	uint64_t for_ms = cli->for_ms ? cli->for_ms : FOR_MS;

	if (!kernel || kernel->rounds < ROUNDS)
		return false;
	if (kernel->ended || cli->verb->run != cn_verb_check || (cli->looks && !cli->for_ms))
		return true;
	return cn_kernel_span_ns(model) >= for_ms * 1000000;
}

int cn_await_kernel(const struct cn_cli *cli, struct cn_session *session, uint32_t *looks)
{
	const uint64_t round_ms = cli->given & CN_TAKES(INTERVAL) ? cli->interval_ms : ROUND_MS;
	const uint64_t for_ms = cli->for_ms ? cli->for_ms : FOR_MS;
	const uint64_t end_ns =
		cn_session_clock_ns() + (cli->timeout_ms + for_ms + (ROUNDS + 1) * round_ms) * (uint64_t)1000000;
	struct cn_why why = { 0 };

	if (!cli->kernel.groups)
		return CN_EXIT_OK;
	while (cn_session_asks_kernel(session) && !is_enough(cli, cn_session_model(session)) &&
	       cn_session_clock_ns() < end_ns) {
		if (cn_session_wait(session, (int)(cli->timeout_ms + cli->interval_ms), &why))
			return cn_fail_why(&why);
		(*looks)++;
	}
	tell(cn_model_kernel(cn_session_model(session)));
	return CN_EXIT_OK;
}

/* "ok", or as in errno.h. */
static const char *status_name(int status)
{
	const char *name = strerrorname_np(-status);

	return !status ? "ok" : name ? name : "error";
}

void cn_kernel_json(struct cn_json *json, const struct cn_model *model)
{
	const struct cn_kernel *kernel = cn_model_kernel(model);

	if (!kernel)
		return;
	cn_json_object(json, "kernel");
	cn_json_number(json, "span_ns", cn_kernel_span_ns(model));
	cn_json_array(json, "groups");
	for (unsigned int i = CN_KERNEL_NONE + 1; i < CN_KERNEL_GROUP_MAX; i++) {
		const struct cn_kernel_group_state *group = &kernel->groups[i];

		if (!group->wanted)
			continue;
		cn_json_object(json, NULL);
		cn_json_string(json, "group", cn_kernel_group_word((enum cn_kernel_group)i));
		cn_json_string(json, "status", status_name(group->status));
		cn_json_string(json, "why", group->why);
		cn_json_end(json);
	}
	cn_json_end(json);
	cn_json_end(json);
}
