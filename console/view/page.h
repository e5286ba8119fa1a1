/* SPDX-License-Identifier: MIT */
/*
 * Pages: text longer than the box it is seen through. A page is drawn whole on
 * paper of its own, and scrolled there.
 */
#ifndef CN_VIEW_PAGE_H
#define CN_VIEW_PAGE_H

#include "view/scene.h"

enum { CN_PAGE_ROWS = 400 };

struct cn_page {
	struct cn_canvas paper;
	int row;    /* where the next line goes */
	int scroll; /* first row in sight */
};

/* Clears the paper, `cols` wide. 0 or -ENOMEM. */
int cn_page_start(struct cn_page *page, int cols, enum cn_charset charset);
/* Shows the part in sight, and says whether there is more. */
void cn_page_show(struct cn_page *page, struct cn_canvas *canvas, struct cn_box box);
void cn_page_fini(struct cn_page *page);

/* A rule with a title in it. */
void cn_page_heading(struct cn_page *page, const char *title);
void cn_page_text(struct cn_page *page, int indent, enum cn_style style, const char *text);

/* The chain of a task, with its verdict: what `rouse why` prints. */
void cn_page_chain(struct cn_page *page, const struct cn_scene *scene, uint64_t task);

/* What the kernel says of a task's polls; nothing if it was not asked. */
void cn_page_spent(struct cn_page *page, const struct cn_scene *scene, const struct cn_task *task);

/* The pages. */
void cn_task_page(struct cn_page *page, const struct cn_scene *scene, uint64_t task);
void cn_why_page(struct cn_page *page, const struct cn_scene *scene, uint64_t task);
void cn_help_page(struct cn_page *page, const struct cn_scene *scene);
/* What was found, where, and what that means. */
void cn_page_finding(struct cn_page *page, const struct cn_scene *scene, const struct cn_finding *finding);
/* The same with evidence and advice, which otherwise the chain of its task gives. */
void cn_finding_page(struct cn_page *page, const struct cn_scene *scene, const struct cn_finding *finding);

#endif
