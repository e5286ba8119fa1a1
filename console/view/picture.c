/* SPDX-License-Identifier: MIT */
#include "view/picture.h"
#include "view/times.h"

bool cn_is_picture(enum cn_view view)
{
	return view == CN_VIEW_FLAME || view == CN_VIEW_TIMELINE || view == CN_VIEW_DASHBOARD || view == CN_VIEW_HEAT ||
	       view == CN_VIEW_SHARES;
}

bool cn_ui_on_picture(const struct cn_ui *ui)
{
	return cn_is_picture(ui->view) && ui->page_kind == CN_PAGE_NONE;
}

int cn_picture_draw(struct cn_ui *ui, const struct cn_scene *scene, struct cn_canvas *canvas, struct cn_box box)
{
	switch (ui->view) {
	case CN_VIEW_FLAME:
		return cn_flame_draw(&ui->flame, scene, canvas, box);
	case CN_VIEW_TIMELINE:
		cn_timeline_draw(&ui->timeline, scene, canvas, box);
		return 0;
	case CN_VIEW_DASHBOARD:
		cn_dashboard_draw(scene, canvas, box);
		return 0;
	case CN_VIEW_HEAT:
		cn_heat_draw(scene, canvas, box);
		return 0;
	case CN_VIEW_SHARES:
		cn_shares_draw(scene, canvas, box, ui->shares_top);
		return 0;
	default:
		return 0;
	}
}

static bool scroll_shares(struct cn_ui *ui, const struct cn_scene *scene, enum cn_action action)
{
	const struct cn_runtime *runtime = cn_scene_runtime(scene);

	if (action == CN_ACTION_UP && ui->shares_top)
		ui->shares_top--;
	else if (action == CN_ACTION_DOWN && runtime && ui->shares_top + 1 < runtime->n_workers)
		ui->shares_top++;
	return action == CN_ACTION_UP || action == CN_ACTION_DOWN;
}

bool cn_picture_act(struct cn_ui *ui, const struct cn_scene *scene, enum cn_action action)
{
	switch (ui->view) {
	case CN_VIEW_FLAME:
		return cn_flame_act(&ui->flame, action);
	case CN_VIEW_TIMELINE:
		return cn_timeline_act(&ui->timeline, scene, action);
	case CN_VIEW_SHARES:
		return scroll_shares(ui, scene, action);
	default:
		return false;
	}
}

bool cn_picture_has_task(enum cn_view view)
{
	return view == CN_VIEW_TIMELINE;
}

uint64_t cn_picture_task(const struct cn_ui *ui)
{
	return ui->view == CN_VIEW_TIMELINE ? ui->timeline.task : 0;
}
