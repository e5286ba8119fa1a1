/* SPDX-License-Identifier: MIT */
/* Why does a task not run? */
#include <errno.h>
#include <string.h>

#include "cli/cli.h"
#include "export/text.h"

/* The first may have been on its way already when it was asked for; diagnosis believes two searches of memory. */
enum { CLOSER_LOOKS = 4 };

static void print_json(const struct cn_session *session, const struct cn_task *task, const struct cn_chain *chain)
{
	struct cn_json json;

	cn_json_init(&json, stdout);
	cn_json_object(&json, NULL);
	cn_head_json(&json, "rouse/why/1", session);
	cn_json_id(&json, "task", task->id);
	cn_json_string(&json, "name", cn_task_name(cn_session_model(session), task));
	cn_json_string(&json, "state", cn_task_state_name(task->state));
	cn_chain_json(&json, cn_session_model(session), chain);
	cn_json_array(&json, "findings");
	if (chain->finding)
		cn_finding_json(&json, session, chain->finding);
	cn_json_end(&json);
	cn_json_end(&json);
}

static int build(const struct cn_session *session, uint64_t task, struct cn_chain *ret_chain)
{
	int rc = cn_chain_build(cn_session_model(session), cn_session_findings(session), task, ret_chain);

	if (rc == -ENOENT)
		return cn_fail(CN_EXIT_NO_TARGET, "task %llu has ended meanwhile", (unsigned long long)task);
	if (rc)
		return cn_fail(CN_EXIT_INCOMPLETE, "cannot build the chain: %s", strerror(-rc));
	return CN_EXIT_OK;
}

struct closer {
	uint64_t wants[CN_WANTS_MAX];
	size_t n;
};

static bool is_wanted(const struct closer *closer, uint64_t id)
{
	for (size_t i = 0; i < closer->n; i++)
		if (closer->wants[i] == id)
			return true;
	return false;
}

/* Nothing on the chain is still to be seen, nor of what a finding about it would rest on. */
static bool is_close_enough(const struct cn_session *session, const struct closer *closer, uint64_t task)
{
	const uint64_t *wants;
	size_t n = cn_findings_wants(cn_session_findings(session), &wants);

	for (size_t i = 0; i < closer->n; i++)
		if (!cn_model_detail(cn_session_model(session), closer->wants[i]) &&
			!cn_model_socket(cn_session_model(session), closer->wants[i]))
			return false;
	for (size_t i = 0; i < n; i++)
		if (wants[i] == task || is_wanted(closer, wants[i]))
			return false;
	return true;
}

/*
 * A few looks more, at what stands on the chain: where its channels stand in
 * memory, how its sockets look to the kernel, what stacks its threads have. A
 * target that goes meanwhile is shown as it was.
 */
static int look_closer(const struct cn_cli *cli, struct cn_session *session, uint64_t task, struct cn_chain *chain)
{
	struct closer what;
	struct cn_chain closer;
	struct cn_why why = { 0 };
	int rc;

	what.n = cn_chain_wants(chain, what.wants, CN_WANTS_MAX);
	cn_session_detail(session, what.wants, what.n);
	if (cn_chain_has_threads(chain))
		cn_session_stacks(session, CN_STACKS_ALL);
	for (int i = 0; i < CLOSER_LOOKS && (i == 0 || !is_close_enough(session, &what, task)); i++) {
		if (cn_session_wait(session, (int)(cli->timeout_ms + cli->interval_ms), &why)) {
			(void)cn_fail(CN_EXIT_INCOMPLETE, "no closer look could be taken: %s", why.text);
			break;
		}
	}
	rc = build(session, task, &closer);
	if (rc)
		return rc;
	cn_chain_free(chain);
	*chain = closer;
	return CN_EXIT_OK;
}

int cn_verb_why(struct cn_cli *cli)
{
	struct cn_session *session;
	const struct cn_task *task;
	struct cn_chain chain = { 0 };
	uint32_t looks = 2;
	uint64_t id = 0;
	int rc = cn_open(cli, looks, &session);

	if (rc)
		return rc;
	rc = cn_await_kernel(cli, session, &looks);
	if (rc == CN_EXIT_OK)
		rc = cn_find_task(cn_session_model(session), cli->task, &task);
	if (rc == CN_EXIT_OK) {
		id = task->id;
		rc = build(session, id, &chain);
	}
	if (rc == CN_EXIT_OK)
		rc = look_closer(cli, session, id, &chain);
	task = cn_model_task(cn_session_model(session), id);
	if (rc == CN_EXIT_OK && cli->json)
		print_json(session, task, &chain);
	if (rc == CN_EXIT_OK && !cli->json) {
		cn_head_text(&cli->paint, session);
		fputc('\n', stdout);
		cn_chain_print(&cli->paint, cn_session_model(session), &chain);
	}
	cn_chain_free(&chain);
	cn_session_close(session);
	return rc;
}
