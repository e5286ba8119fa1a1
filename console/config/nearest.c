/* SPDX-License-Identifier: MIT */
#include "config/nearest.h"

#include <string.h>

enum { LETTERS_MAX = 48 };

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Letters to change, as Damerau and Levenshtein count them; a swap of two neighbours is one. */
static size_t distance(const char *a, const char *b)
{
	size_t rows[3][LETTERS_MAX + 1];
	const size_t na = strlen(a), nb = strlen(b);

	if (na > LETTERS_MAX || nb > LETTERS_MAX)
		return LETTERS_MAX;
	for (size_t j = 0; j <= nb; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= na; i++) {
		size_t *row = rows[i % 3];
		const size_t *above = rows[(i - 1) % 3], *before = rows[(i + 1) % 3];

		row[0] = i;
		for (size_t j = 1; j <= nb; j++) {
			row[j] = least(least(above[j], row[j - 1]) + 1, above[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[j] = least(row[j], before[j - 2] + 1);
		}
	}
	return rows[na % 3][nb];
}

const char *cn_nearest(const char *word, const char *const *names, size_t n)
{
	const char *best = NULL;
	size_t nearest = (strlen(word) + 2) / 3 + 1; /* more than a third is another word */

	for (size_t i = 0; i < n; i++) {
		const size_t far = names[i] ? distance(word, names[i]) : nearest;

		if (far < nearest) {
			nearest = far;
			best = names[i];
		}
	}
	return best;
}
