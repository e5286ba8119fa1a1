/* SPDX-License-Identifier: MIT */
/* Below the table, on tall screens: what the row under the cursor has no room for. */
#include "view/block.h"
#include "view/ui.h"

/* Of a block, its stack is what its row has no room for. */
static int draw_block_preview(
	struct cn_ui *ui, const struct cn_scene *scene, struct cn_canvas *canvas, struct cn_box box)
{
	const int rc = cn_page_start(&ui->preview, box.cols, canvas->charset);
	struct cn_entry entry;

	if (rc < 0)
		return rc;
	if (cn_list_current(&ui->sheets[CN_VIEW_BLOCKS].list, &entry))
		cn_block_page(&ui->preview, scene, entry.id);
	cn_page_show(&ui->preview, canvas, box);
	return 0;
}

/* The row under the cursor, in more words. */
static int draw_preview(struct cn_ui *ui, const struct cn_scene *scene, struct cn_canvas *canvas, struct cn_box box)
{
	struct cn_sheet *sheet = &ui->sheets[ui->view];
	const uint64_t task = cn_sheet_task(sheet, scene);
	const int rc = cn_page_start(&ui->preview, box.cols, canvas->charset);
	const struct cn_finding *finding = NULL;
	struct cn_entry entry;
	char who[256];

	if (rc < 0)
		return rc;
	if (ui->view == CN_VIEW_FINDINGS && cn_list_current(&sheet->list, &entry))
		finding = cn_findings_at(scene->findings, entry.index);
	cn_page_heading(&ui->preview, task ? cn_who_text(who, sizeof who, scene, task) : "");
	if (finding && !task)
		cn_finding_page(&ui->preview, scene, finding);
	else if (finding)
		cn_page_finding(&ui->preview, scene, finding);
	ui->preview.row += finding && task;
	if (task)
		cn_page_chain(&ui->preview, scene, task);
	cn_page_show(&ui->preview, canvas, box);
	return 0;
}

int cn_preview_draw(struct cn_ui *ui, const struct cn_scene *scene, struct cn_canvas *canvas, struct cn_box box)
{
	return ui->view == CN_VIEW_BLOCKS ? draw_block_preview(ui, scene, canvas, box)
					  : draw_preview(ui, scene, canvas, box);
}
