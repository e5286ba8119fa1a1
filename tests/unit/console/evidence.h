/* SPDX-License-Identifier: MIT */
/* Evidence for looks made by hand: what comes beside the rows of looks.h. */
#ifndef EVIDENCE_H
#define EVIDENCE_H

#include "looks.h"

struct holder_row {
	uint64_t task, permits, since_ns;
};
/* Who has taken permits of the semaphore; none: nobody. */
void look_holders(struct look *look, uint64_t serial, const struct holder_row *rows, size_t n);

struct place_row {
	uint64_t task; /* 0 = elsewhere */
	uint64_t count;
};
/* What a search for `id` has found; none: nothing anywhere. */
void look_references(struct look *look, uint64_t id, const struct place_row *rows, size_t n, bool complete);

/* The queues hold these tasks, and no others. */
void look_queues(struct look *look, const uint64_t *tasks, size_t n);

void look_drop(struct look *look, uint64_t task, uint64_t ns, uint64_t by);

#endif
