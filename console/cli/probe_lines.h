/* SPDX-License-Identifier: MIT */
#ifndef CN_CLI_PROBE_LINES_H
#define CN_CLI_PROBE_LINES_H

#include <stdbool.h>
#include <stdint.h>

#include "frame.h"

struct cn_probe_lines {
	bool print; /* false: only count */
	bool json;
	uint64_t started_ns; /* text: times are relative to it */
	uint64_t limit;      /* lines, 0 = no end */
	uint64_t printed;    /* events and long polls */
};

/* Prints the events, verdicts and losses of a frame, up to the limit. */
void cn_probe_lines_frame(struct cn_probe_lines *lines, const Rouse__V1__Frame *frame);

#endif
