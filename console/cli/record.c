/* SPDX-License-Identifier: MIT */
/*
 * Records, and tells on standard error what became of it. Whatever ends it, the
 * file is whole afterwards; of a flight recorder it is written only then, or
 * when SIGUSR2 asks for it.
 */
#include "record/recorder.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/signals.h"
#include "export/text.h"
#include "widget/format.h"

enum { POLL_MS = 1000, STACKS_MS = 100 };

struct record {
	const struct cn_cli *cli;
	struct cn_session *session;
	struct cn_recorder *recorder;
	int signals;
	uint64_t end_ns; /* 0 = never */
	char reason[512]; /* why it has ended */
	int code;
};

static void end(struct record *record, int code, const char *reason)
{
	record->code = code;
	snprintf(record->reason, sizeof record->reason, "%s", reason);
}

const char *cn_bytes_text(char out[16], uint64_t bytes)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	double value = (double)bytes;
	size_t unit = 0;

	for (; value >= 1024 && unit + 1 < sizeof units / sizeof units[0]; unit++)
		value /= 1024;
	snprintf(out, 16, unit ? "%.1f %s" : "%.0f %s", value, units[unit]);
	return out;
}

static int write_now(const struct record *record)
{
	struct cn_recorder_stats stats;
	struct cn_why why = { 0 };
	char bytes[16], time[CN_FORMAT_BYTES];

	if (cn_recorder_write(record->recorder, &why))
		return cn_fail_why(&why);
	cn_recorder_stats(record->recorder, &stats);
	fprintf(stderr, "rouse: wrote the last %s, %llu looks, into %s: %s\n",
		cn_format_ns(time, stats.last_ns - stats.first_ns), (unsigned long long)stats.kept_moments,
		cn_safe(record->cli->output), cn_bytes_text(bytes, stats.bytes));
	return CN_EXIT_OK;
}

/* The finding that is waited for, NULL = it is not there. */
static const struct cn_finding *reason_of(const struct record *record)
{
	const struct cn_findings *findings = cn_session_findings(record->session);
	const char *code = record->cli->until ? strchr(record->cli->until, '=') : NULL;

	for (size_t i = 0; record->cli->until && i < cn_findings_count(findings); i++) {
		const struct cn_finding *finding = cn_findings_at(findings, i);

		if (finding->active && finding->class >= record->cli->fail_on &&
			(!code || strcmp(code + 1, cn_finding_text(finding->code)) == 0))
			return finding;
	}
	return NULL;
}

/* True: it is over. */
static bool take_signals(struct record *record)
{
	struct signalfd_siginfo info;

	while (read(record->signals, &info, sizeof info) == sizeof info) {
		if (info.ssi_signo != SIGUSR2) {
			end(record, CN_EXIT_OK, "it was asked to end");
			return true;
		}
		if (!record->cli->last_ns)
			fprintf(stderr, "rouse: all is in the file already: SIGUSR2 is for --last\n");
		else if (write_now(record))
			fprintf(stderr, "rouse: the recording goes on\n");
	}
	return false;
}

static bool take_looks(struct record *record)
{
	const struct cn_finding *finding;
	struct cn_why why = { 0 };
	int rc = cn_session_pump(record->session, &why);

	if (rc < 0) {
		end(record, rc == -EPIPE ? CN_EXIT_OK : (int)cn_exit_of(rc), why.text);
		return true;
	}
	if (cn_recorder_error(record->recorder)) {
		end(record, CN_EXIT_INCOMPLETE, "nothing more can be written");
		return true;
	}
	finding = rc > 0 ? reason_of(record) : NULL;
	if (!finding)
		return false;
	end(record, CN_EXIT_OK, cn_finding_title(finding->code));
	return true;
}

static int patience_ms(const struct record *record, uint64_t now_ns)
{
	const uint64_t left = record->end_ns > now_ns ? (record->end_ns - now_ns) / 1000000 + 1 : 0;

	return record->end_ns && left < POLL_MS ? (int)left : POLL_MS;
}

static int loop(struct record *record)
{
	for (;;) {
		struct pollfd ready[] = { { .fd = cn_session_fd(record->session), .events = POLLIN },
			{ .fd = record->signals, .events = POLLIN } };
		const uint64_t now_ns = cn_session_clock_ns();

		if (record->end_ns && now_ns >= record->end_ns) {
			end(record, record->cli->until ? CN_EXIT_TIMEOUT : CN_EXIT_OK, "its time is over");
			return record->code;
		}
		if (poll(ready, 2, patience_ms(record, now_ns)) < 0 && errno != EINTR)
			return cn_fail(CN_EXIT_INCOMPLETE, "cannot wait: %s", strerror(errno));
		if (take_signals(record) || take_looks(record))
			return record->code;
	}
}

static void tell(const struct record *record, const struct cn_recorder_stats *stats)
{
	char bytes[16], raw[16], time[CN_FORMAT_BYTES];

	fprintf(stderr, "rouse: %s: %llu looks, %s, in %s: %s (%s of frames)\n", record->reason,
		(unsigned long long)stats->kept_moments, cn_format_ns(time, stats->last_ns - stats->first_ns),
		cn_safe(record->cli->output), cn_bytes_text(bytes, stats->bytes), cn_bytes_text(raw, stats->raw_bytes));
	if (stats->kept_moments < stats->moments)
		fprintf(stderr, "rouse: %llu earlier looks gave way\n",
			(unsigned long long)(stats->moments - stats->kept_moments));
	if (stats->lost_moments || stats->lost_generations || stats->lost_events)
		fprintf(stderr, "rouse: lost: %llu looks that found no room, %llu that were due and not made, %llu events\n",
			(unsigned long long)stats->lost_moments, (unsigned long long)stats->lost_generations,
			(unsigned long long)stats->lost_events);
}

/* Ends the recording: what was going on is in the file, or it is said why not. */
static int finish(struct record *record, int code)
{
	struct cn_recorder_stats stats;
	struct cn_why why = { 0 };
	int rc;

	cn_session_record(record->session, NULL);
	cn_recorder_stats(record->recorder, &stats);
	rc = record->cli->last_ns ? cn_recorder_write(record->recorder, &why) : 0;
	if (rc == 0)
		rc = cn_recorder_close(record->recorder, &why);
	else
		(void)cn_recorder_close(record->recorder, &(struct cn_why){ 0 });
	if (*record->reason)
		tell(record, &stats);
	return rc ? cn_fail_why(&why) : code;
}

static int run(struct record *record)
{
	const struct cn_cli *cli = record->cli;
	const struct cn_recorder_opts opts = {
		.size = sizeof opts, .ring_bytes = cli->ring_bytes, .last_ns = cli->last_ns
	};
	struct cn_why why = { 0 };
	int rc = cn_open(cli, 0, &record->session);

	if (rc)
		return rc;
	if (cn_recorder_open(cli->output, &opts, &record->recorder, &why)) {
		cn_session_close(record->session);
		return cn_fail_why(&why);
	}
	if (cn_session_record(record->session, record->recorder)) {
		rc = cn_fail(CN_EXIT_USAGE, "what is in a file already cannot be recorded");
	} else {
		record->end_ns = cli->for_ms ? cn_session_clock_ns() + cli->for_ms * 1000000ull : 0;
		rc = loop(record);
	}
	rc = finish(record, rc);
	cn_session_close(record->session);
	return rc;
}

int cn_verb_record(struct cn_cli *cli)
{
	const int signals[] = { SIGINT, SIGTERM, SIGUSR2 };
	struct record record = { .cli = cli };
	int rc;

	if (!cli->output)
		return cn_fail(CN_EXIT_USAGE, "record: it needs -o FILE; see `rouse record --help`");
	cli->stacks = CN_STACKS_BUSY;
	cli->stacks_ms = STACKS_MS;
	record.signals = cn_signals_open(signals, 3);
	if (record.signals < 0)
		return cn_fail(CN_EXIT_INCOMPLETE, "there is no descriptor to wait with");
	rc = run(&record);
	close(record.signals);
	return rc;
}
