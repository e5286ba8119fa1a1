/* SPDX-License-Identifier: MIT */
/*
 * What there is to draw: state, and nothing that does anything. With the ui's
 * own state (where the cursor is) and a size it determines every cell.
 */
#ifndef CN_VIEW_SCENE_H
#define CN_VIEW_SCENE_H

#include "diagnose/finding.h"
#include "diagnose/shape.h"
#include "model/model.h"
#include "model/pace.h"
#include "widget/table.h"

struct cn_spent;
struct cn_tree;
struct cn_wakes;

/* The programs that are open in one screen. */
enum { CN_SEATS_MAX = 16 };
struct cn_tabs {
	size_t n, here;
	char names[CN_SEATS_MAX][64]; /* safe */
	bool proven[CN_SEATS_MAX], ended[CN_SEATS_MAX];
};

struct cn_scene {
	const struct cn_model *model;
	const struct cn_findings *findings;
	const struct cn_shapes *shapes; /* NULL while no view shows them */
	const struct cn_spent *spent;   /* of each shape's spawn site; NULL = not known */
	const struct cn_tree *tree;     /* both are the ui's own; NULL while no view shows them */
	const struct cn_wakes *wakes;
	const struct cn_tabs *tabs; /* NULL = there is but one */
	const char *target;  /* as a shell names it */
	const char *ended;   /* why no more will come, NULL while it does */
	uint64_t now_ns;     /* of the target's clock */
	uint64_t interval_ns; /* between looks */
	bool paused;
	enum cn_rates rates; /* what rates are over */
	bool hide_ended; /* tasks that have ended are no rows */
	bool printed; /* no keys will come: no cursor, no bar */
	bool hurried; /* a key waits for its frame: which rows there are, and their order, may be those of the look before */
	bool ascii;
};

/* The words and signs that all views share. Texts are safe to print, and end up in `out`. */
enum cn_style cn_state_style(unsigned int state);
enum cn_glyph cn_state_glyph(unsigned int state);
enum cn_style cn_class_style(unsigned int class);
enum cn_glyph cn_class_glyph(unsigned int class);
/* In capitals: "PROVEN". */
const char *cn_class_word(unsigned int class);
/* "redis.c:120", "" for none. */
const char *cn_site_text(char *out, size_t bytes, const struct cn_scene *scene, size_t runtime, uint32_t site);
/* "name #17", "#17" when it has gone. */
const char *cn_who_text(char *out, size_t bytes, const struct cn_scene *scene, uint64_t task);
/* Who woke: a task, or a source's name. */
const char *cn_waker_text(char *out, size_t bytes, const struct cn_scene *scene, uint64_t waker);
/* "mutex #12 left" */
const char *cn_resource_text(char *out, size_t bytes, const struct cn_scene *scene, uint64_t serial);
/* The last part of a path. */
const char *cn_base_name(const char *path);
/* A finding's place: "redis.c:120". */
const char *cn_finding_site(char *out, size_t bytes, const struct cn_scene *scene, const struct cn_finding *finding);
/* The one runtime that the header and the gauges speak of: the first looked at. NULL before the first look. */
const struct cn_runtime *cn_scene_runtime(const struct cn_scene *scene);
/* Is finding nothing worth a word? One look at what moves proves nothing; of what stands still it is all there is. */
bool cn_scene_is_judged(const struct cn_scene *scene);

#endif
