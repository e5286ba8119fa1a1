/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "tables.h"

enum { ROWS_MAX = 80 };

#define COLUMN(TYPE, NAME) TYPE NAME[ROWS_MAX];
#define FILL(TYPE, NAME)                                                                                               \
	for (size_t i = 0; i < n; i++)                                                                                 \
		columns.NAME[i] = rows_of_one_frame[i].NAME;                                                           \
	table.NAME = columns.NAME;                                                                                     \
	table.n_##NAME = n;
#define X(name, rows, message, init, body, member)                                                                     \
	void look_##name##s(struct look *look, const struct name##_row *rows_of_one_frame, size_t n)                   \
	{                                                                                                              \
		message table = init;                                                                                  \
		Rouse__V1__Frame frame = ROUSE__V1__FRAME__INIT;                                                       \
		struct {                                                                                               \
			rows(COLUMN)                                                                                   \
		} columns;                                                                                             \
		assert_true(n <= ROWS_MAX);                                                                            \
		rows(FILL) frame.body_case = ROUSE__V1__FRAME__BODY_##body;                                            \
		frame.member = &table;                                                                                 \
		assert_int_equal(look_apply(look->model, &frame), CN_APPLIED);                                         \
	}
TABLES(X)
#undef X
