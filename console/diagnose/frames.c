/* SPDX-License-Identifier: MIT */
/* Large frames: said once for each spawn site, at the function that has the frame. */
#include "diagnose/load.h"
#include "export/text.h"

void cn_rule_frames(struct cn_diagnosis *diagnosis, size_t index)
{
	const struct cn_model *model = diagnosis->model;
	const struct cn_runtime_tally *tally = cn_tally(diagnosis, index);

	for (size_t i = 1; i < tally->n_sites; i++) {
		const struct cn_site_tally *site = &tally->sites[i];
		struct cn_report report;

		if (!site->large)
			continue;
		report = cn_report_about(CN_FINDING_LARGE_FRAME, CN_SUSPECT, site->largest);
		report.about = (uint64_t)index << 32 | i;
		report.at = NULL;
		report.site = site->largest->n_awaits ? site->largest->awaits[0].type : (uint32_t)i;
		cn_evidence(&report, "%u task%s of %s, with a frame of %u bytes, together %llu KiB", site->large,
			site->large == 1 ? "" : "s", cn_safe(cn_task_name(model, site->largest)),
			site->largest->frame_bytes, (unsigned long long)(site->large_bytes >> 10));
		cn_report(diagnosis, &report);
	}
}
