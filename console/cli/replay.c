/* SPDX-License-Identifier: MIT */
/* Recordings as targets: which moment of them, and what is said of it. */
#include <errno.h>

#include "cli/cli.h"
#include "export/text.h"
#include "source/source.h"
#include "widget/format.h"

int cn_place(const struct cn_cli *cli, struct cn_session *session, struct cn_why *why)
{
	struct cn_playback playback;
	const bool has_at = cli->given & CN_TAKES(AT);
	uint64_t ns, span;
	int rc = 0;

	if (!cn_session_playback(session, &playback))
		return has_at ? cn_why_set(why, -EINVAL, "--at is for recordings, and %s is none",
					cn_safe(cn_session_target(session)))
			      : 0;
	if (*playback.note)
		fprintf(stderr, "rouse: %s: %s\n", cn_safe(playback.file), playback.note);
	span = playback.last_ns - playback.first_ns;
	if (cli->at_ns >= 0)
		ns = playback.first_ns + (uint64_t)cli->at_ns;
	else
		ns = (uint64_t)-(cli->at_ns + 1) < span ? playback.last_ns - (uint64_t)-(cli->at_ns + 1)
							: playback.first_ns;
	if (has_at)
		rc = cn_session_seek_time(session, ns, why);
	else if (!cli->plays)
		rc = cn_session_seek(session, playback.looks, why);
	if (rc == 0 && !cli->plays)
		cn_session_stand_still(session);
	return rc;
}

bool cn_at_end(const struct cn_session *session)
{
	struct cn_playback playback;

	return cn_session_playback(session, &playback) && playback.look == playback.looks;
}

void cn_recording_json(struct cn_json *json, const struct cn_session *session)
{
	struct cn_playback playback;

	if (!cn_session_playback(session, &playback))
		return;
	cn_json_object(json, "recording");
	cn_json_string(json, "file", playback.file);
	cn_json_number(json, "look", playback.look);
	cn_json_number(json, "looks", playback.looks);
	cn_json_number(json, "from", playback.from);
	cn_json_number(json, "at_ns", playback.now_ns - playback.first_ns);
	cn_json_number(json, "of_ns", playback.last_ns - playback.first_ns);
	cn_json_string(json, "note", playback.note);
	cn_json_end(json);
}

void cn_recording_print(const struct cn_paint *paint, const struct cn_session *session)
{
	char at[CN_FORMAT_BYTES], of[CN_FORMAT_BYTES];
	struct cn_playback playback;

	if (!cn_session_playback(session, &playback))
		return;
	cn_paint(paint, CN_STYLE_DIM, "  recording %s: look %llu of %llu, at %s of %s", cn_safe(playback.file),
		(unsigned long long)playback.look, (unsigned long long)playback.looks,
		cn_format_ns(at, playback.now_ns - playback.first_ns),
		cn_format_ns(of, playback.last_ns - playback.first_ns));
	if (playback.from > 1)
		cn_paint(paint, CN_STYLE_LIKELY, "; what came before look %llu was not taken in",
			(unsigned long long)playback.from);
	fputc('\n', paint->out);
	if (playback.ended) {
		fputs("  ", paint->out);
		cn_paint_words(paint, CN_STYLE_LIKELY, 2, 2, cn_safe(playback.ended));
	}
}

int cn_verb_replay(struct cn_cli *cli)
{
	cli->source = CN_SOURCE_RECORDING;
	return cn_verb_top(cli);
}
