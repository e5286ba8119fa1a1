/* SPDX-License-Identifier: MIT */
#include "export/names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Other texts with the same hash take the next keys; so many of them are no accident. */
enum { CHAIN_MAX = 64 };

/* None is ever removed, so the number is that of the slot. */
struct name_row {
	uint64_t key;
	char *text;
	uint32_t number;
};

/* FNV-1a, begun with the secret of the table: texts come from a target that may choose them badly on purpose. */
static uint64_t hash(const struct cn_names *names, const char *text)
{
	uint64_t h = 0xcbf29ce484222325ull ^ names->rows.secret;

	for (; *text; text++)
		h = (h ^ (unsigned char)*text) * 0x100000001b3ull;
	return h;
}

void cn_names_init(struct cn_names *names, size_t limit)
{
	cn_slots_init(&names->rows, sizeof(struct name_row), limit);
}

void cn_names_fini(struct cn_names *names)
{
	for (size_t i = 0; i < names->rows.used; i++) {
		struct name_row *row = cn_slots_at(&names->rows, i);

		if (row)
			free(row->text);
	}
	cn_slots_fini(&names->rows);
}

int cn_names_add(struct cn_names *names, const char *text, uint32_t *ret_number)
{
	uint64_t key = hash(names, text);

	for (int i = 0; i < CHAIN_MAX; i++, key++) {
		struct name_row *row;
		void *at;
		int rc = cn_slots_put(&names->rows, key ? key : ++key, &at);

		if (rc)
			return rc;
		row = at;
		if (!row->text) {
			row->number = (uint32_t)names->rows.used - 1;
			row->text = strdup(text);
			if (!row->text)
				return -ENOMEM;
		} else if (strcmp(row->text, text) != 0) {
			continue;
		}
		*ret_number = row->number;
		return 0;
	}
	return -E2BIG;
}

const char *cn_names_text(const struct cn_names *names, uint32_t number)
{
	const struct name_row *row = cn_slots_at(&names->rows, number);

	return row && row->text ? row->text : "";
}

size_t cn_names_count(const struct cn_names *names)
{
	return names->rows.used;
}
