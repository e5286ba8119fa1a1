/* SPDX-License-Identifier: MIT */
/* Why does a task not run? */
#include <errno.h>
#include <string.h>

#include "cli/cli.h"
#include "export/text.h"

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

int cn_verb_why(struct cn_cli *cli)
{
	struct cn_session *session;
	const struct cn_task *task;
	struct cn_chain chain;
	int rc = cn_open(cli, 2, &session);

	if (rc)
		return rc;
	rc = cn_find_task(cn_session_model(session), cli->task, &task);
	if (rc == CN_EXIT_OK) {
		int error = cn_chain_build(cn_session_model(session), cn_session_findings(session), task->id, &chain);

		if (error)
			rc = cn_fail(CN_EXIT_INCOMPLETE, "cannot build the chain: %s", strerror(-error));
	}
	if (rc == CN_EXIT_OK && cli->json)
		print_json(session, task, &chain);
	if (rc == CN_EXIT_OK && !cli->json) {
		cn_head_text(&cli->paint, session);
		fputc('\n', stdout);
		cn_chain_print(&cli->paint, cn_session_model(session), &chain);
	}
	if (rc == CN_EXIT_OK)
		cn_chain_free(&chain);
	cn_session_close(session);
	return rc;
}
