/* SPDX-License-Identifier: MIT */
/*
 * A screen to test: the recorded stream trouble.frames (mini_redis --trouble,
 * two workers, a look every half second; redis-benchmark with five connections
 * joins after two seconds), a size, a charset.
 */
#ifndef STAGE_H
#define STAGE_H

#include "test.h"
#include "view/driver.h"

struct stage {
	struct cn_session *session;
	struct cn_screen_opts opts;
	struct cn_driver driver;
};

enum { STAGE_GENERATIONS_ALL = 1000 };

void stage_open(struct stage *stage, int rows, int cols, bool ascii);
/* Of another file of frames. */
void stage_open_file(struct stage *stage, const char *path, int rows, int cols, bool ascii);
void stage_close(struct stage *stage);
/* Takes in up to n generations and draws; answers how many there were. */
int stage_wait(struct stage *stage, int n);
/* Names of keys as in scripts; 'text' in quotes is typed. Draws after each. */
void stage_keys(struct stage *stage, const char *keys);
/* Any key or click, now and then another size; draws. No cell then holds what a terminal would obey. */
void stage_any_key(struct stage *stage, uint64_t *random);
/* Text of the screen, to be freed; styles: one letter a cell beside it. */
char *stage_text(const struct stage *stage, bool styles);
/* The row of the screen, to be freed. */
char *stage_row(const struct stage *stage, int row);
/* The first row that has the text; fails when there is none. */
int stage_find(const struct stage *stage, const char *text);
bool stage_has(const struct stage *stage, const char *text);
/* The row under the cursor, to be freed. */
char *stage_selected(const struct stage *stage);
/* Fails unless that row has the text. */
void stage_assert_selected(const struct stage *stage, const char *text);

/* A set-up of cmocka's: wide characters are what a terminal of UTF-8 takes them for. */
int stage_utf8(void **state);

const char *stage_path(char out[512], const char *name);

#endif
