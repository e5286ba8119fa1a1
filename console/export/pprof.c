/* SPDX-License-Identifier: MIT */
/*
 * Messages that follow each other in a file are merged by whoever reads them.
 * So the profile is written as many small ones, each with one sample, location,
 * function, mapping or text, and no more than one is ever in memory.
 */
#include "export/pprof.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "export/names.h"
#include "export/text.h"
#include "model/model.h"
#include "pprof.pb-c.h"

/* Bytes of the largest message: 64 frames of 10 each, or a text. */
enum { MESSAGE_BYTES = 4096, LABELS = 3, VALUES = 2 };
/* A location has at most two functions, one mapping, and four texts: those bounds are never met before its own. */
enum { FUNCTIONS_MAX = 2 * CN_PROFILE_NODES_MAX, TEXTS_MAX = 8 * CN_PROFILE_NODES_MAX };

/* Ids go from 1 on. */
struct id_row {
	uint64_t key;
	uint32_t id;
};

struct pprof {
	const struct cn_model *model;
	FILE *out;
	struct cn_names texts;
	size_t texts_written;
	struct cn_slots locations; /* by address */
	struct cn_slots functions; /* by name << 32 | file, of texts */
	struct cn_slots mappings;  /* by 1 + name */
	uint64_t period_ns;
};

static int emit(struct pprof *pprof, const Perftools__Profiles__Profile *profile)
{
	uint8_t bytes[MESSAGE_BYTES];
	size_t n = perftools__profiles__profile__get_packed_size(profile);

	if (n > sizeof bytes)
		return -E2BIG;
	perftools__profiles__profile__pack(profile, bytes);
	errno = 0;
	return fwrite(bytes, 1, n, pprof->out) == n ? 0 : -(errno ? errno : EIO);
}

/* Numbers of texts in use are written before what uses them, in their order. */
static int text(struct pprof *pprof, const char *words, int64_t *ret_number)
{
	char safe[CN_PROFILE_TEXT], *at = safe;
	Perftools__Profiles__Profile profile = PERFTOOLS__PROFILES__PROFILE__INIT;
	uint32_t number;
	int rc;

	cn_text_safe(safe, sizeof safe, words, false);
	rc = cn_names_add(&pprof->texts, safe, &number);
	if (rc)
		return rc;
	*ret_number = number;
	if (number < pprof->texts_written)
		return 0;
	profile.n_string_table = 1;
	profile.string_table = &at;
	pprof->texts_written++;
	return emit(pprof, &profile);
}

/* 0 it is known; 1 it is new. */
static int id_of(struct cn_slots *slots, uint64_t key, uint64_t *ret_id)
{
	struct id_row *row;
	void *at;
	int rc = cn_slots_put(slots, key, &at);

	if (rc)
		return rc;
	row = at;
	rc = row->id == 0;
	if (rc)
		row->id = (uint32_t)slots->used;
	*ret_id = row->id;
	return rc;
}

/* ------------------------------------------------------------------ tables */

static int mapping(struct pprof *pprof, const char *module, uint64_t *ret_id)
{
	Perftools__Profiles__Profile profile = PERFTOOLS__PROFILES__PROFILE__INIT;
	Perftools__Profiles__Mapping row = PERFTOOLS__PROFILES__MAPPING__INIT, *rows = &row;
	int rc = text(pprof, module, &row.filename);

	if (rc == 0)
		rc = id_of(&pprof->mappings, 1 + (uint64_t)row.filename, &row.id);
	if (rc < 0)
		return rc;
	*ret_id = row.id;
	if (rc == 0)
		return 0;
	row.has_functions = true;
	profile.n_mapping = 1;
	profile.mapping = &rows;
	return emit(pprof, &profile);
}

static int function(struct pprof *pprof, const char *name, const char *file, uint64_t *ret_id)
{
	Perftools__Profiles__Profile profile = PERFTOOLS__PROFILES__PROFILE__INIT;
	Perftools__Profiles__Function row = PERFTOOLS__PROFILES__FUNCTION__INIT, *rows = &row;
	int rc = text(pprof, name, &row.name);

	if (rc == 0)
		rc = text(pprof, file, &row.filename);
	if (rc == 0)
		rc = id_of(&pprof->functions, (uint64_t)row.name << 32 | (uint64_t)row.filename, &row.id);
	if (rc < 0)
		return rc;
	*ret_id = row.id;
	if (rc == 0)
		return 0;
	row.system_name = row.name;
	profile.n_function = 1;
	profile.function = &rows;
	return emit(pprof, &profile);
}

/* An address without a name has no line; readers show it as a number. */
static int write_location(struct pprof *pprof, uint64_t id, uint64_t pc)
{
	const struct cn_symbol *symbol = cn_model_symbol(pprof->model, pc);
	const char *module = cn_profile_is_kernel(pc) ? "[kernel.kallsyms]" : symbol ? symbol->module : "";
	Perftools__Profiles__Profile profile = PERFTOOLS__PROFILES__PROFILE__INIT;
	Perftools__Profiles__Location row = PERFTOOLS__PROFILES__LOCATION__INIT, *rows = &row;
	Perftools__Profiles__Line inner = PERFTOOLS__PROFILES__LINE__INIT, outer = PERFTOOLS__PROFILES__LINE__INIT;
	Perftools__Profiles__Line *lines[] = { &inner, &outer };
	int rc = *module ? mapping(pprof, module, &row.mapping_id) : 0;

	row.id = id;
	row.address = pc;
	row.line = lines;
	if (rc == 0 && symbol && *symbol->function) {
		rc = function(pprof, symbol->function, symbol->file, &inner.function_id);
		inner.line = symbol->line;
		row.n_line = 1;
	}
	if (rc == 0 && row.n_line && *symbol->within) {
		rc = function(pprof, symbol->within, "", &outer.function_id);
		row.n_line = 2;
	}
	profile.n_location = 1;
	profile.location = &rows;
	return rc ? rc : emit(pprof, &profile);
}

/* ----------------------------------------------------------------- samples */

static int locations(struct pprof *pprof, const struct cn_profile_row *row, uint64_t *ids, size_t *ret_n)
{
	size_t n = 0;

	for (uint32_t i = 0; i < row->n; i++) {
		int rc = row->pc[i] ? id_of(&pprof->locations, row->pc[i], &ids[n]) : -E2BIG;

		if (rc == -E2BIG)
			continue;
		if (rc == 1)
			rc = write_location(pprof, ids[n], row->pc[i]);
		if (rc < 0)
			return rc;
		n++;
	}
	*ret_n = n;
	return 0;
}

static int labels(struct pprof *pprof, const struct cn_profile_row *row, Perftools__Profiles__Label label[LABELS])
{
	char words[CN_PROFILE_TEXT];
	int rc = text(pprof, "spawn_site", &label[0].key);

	if (rc == 0)
		rc = text(pprof, cn_profile_site(pprof->model, row, words), &label[0].str);
	if (rc == 0)
		rc = text(pprof, "task", &label[1].key);
	if (rc == 0)
		rc = text(pprof, cn_profile_task(pprof->model, row), &label[1].str);
	if (rc == 0)
		rc = text(pprof, "task_id", &label[2].key);
	label[2].num = (int64_t)row->task;
	return rc;
}

static int write_sample(struct pprof *pprof, const struct cn_profile_row *row)
{
	Perftools__Profiles__Profile profile = PERFTOOLS__PROFILES__PROFILE__INIT;
	Perftools__Profiles__Sample sample = PERFTOOLS__PROFILES__SAMPLE__INIT, *samples = &sample;
	Perftools__Profiles__Label label[LABELS] = { PERFTOOLS__PROFILES__LABEL__INIT, PERFTOOLS__PROFILES__LABEL__INIT,
		PERFTOOLS__PROFILES__LABEL__INIT };
	Perftools__Profiles__Label *label_rows[LABELS] = { &label[0], &label[1], &label[2] };
	int64_t values[VALUES] = { row->count, (int64_t)(row->count * pprof->period_ns) };
	uint64_t ids[CN_STACK_MAX];
	int rc = locations(pprof, row, ids, &sample.n_location_id);

	if (rc == 0)
		rc = labels(pprof, row, label);
	sample.location_id = ids;
	sample.n_value = VALUES;
	sample.value = values;
	sample.n_label = row->task ? LABELS : LABELS - 1; /* there is no id */
	sample.label = label_rows;
	profile.n_sample = 1;
	profile.sample = &samples;
	return rc ? rc : emit(pprof, &profile);
}

/* ----------------------------------------------------------------- profile */

static int write_head(struct pprof *pprof, uint64_t time_ns)
{
	const struct cn_kernel *kernel = cn_model_kernel(pprof->model);
	Perftools__Profiles__Profile profile = PERFTOOLS__PROFILES__PROFILE__INIT;
	Perftools__Profiles__ValueType count = PERFTOOLS__PROFILES__VALUE_TYPE__INIT, cpu = count;
	Perftools__Profiles__ValueType *types[] = { &count, &cpu };
	uint64_t id;
	int64_t none;
	int rc = text(pprof, "", &none); /* number 0 */

	if (rc == 0)
		rc = text(pprof, "samples", &count.type);
	if (rc == 0)
		rc = text(pprof, "count", &count.unit);
	if (rc == 0)
		rc = text(pprof, "cpu", &cpu.type);
	if (rc == 0)
		rc = text(pprof, "nanoseconds", &cpu.unit);
	if (rc == 0) /* the first one is what readers call the program */
		rc = mapping(pprof, cn_model_target(pprof->model)->program, &id);
	if (rc)
		return rc;
	profile.n_sample_type = VALUES;
	profile.sample_type = types;
	profile.period_type = &cpu;
	profile.period = (int64_t)pprof->period_ns;
	profile.time_nanos = (int64_t)time_ns;
	if (kernel && kernel->now_ns > kernel->since_ns)
		profile.duration_nanos = (int64_t)(kernel->now_ns - kernel->since_ns);
	return emit(pprof, &profile);
}

int cn_pprof_write(const struct cn_model *model, const struct cn_profile_wish *wish, uint64_t time_ns, FILE *out)
{
	const struct cn_kernel *kernel = cn_model_kernel(model);
	struct pprof pprof = { .model = model, .out = out };
	int rc;

	pprof.period_ns = kernel && kernel->profile_hz ? 1000000000u / kernel->profile_hz : 0;
	cn_names_init(&pprof.texts, TEXTS_MAX);
	cn_slots_init(&pprof.locations, sizeof(struct id_row), CN_PROFILE_NODES_MAX);
	cn_slots_init(&pprof.functions, sizeof(struct id_row), FUNCTIONS_MAX);
	cn_slots_init(&pprof.mappings, sizeof(struct id_row), CN_PROFILE_NODES_MAX);
	rc = write_head(&pprof, time_ns);
	for (size_t i = 0; i < cn_profile_rows(model) && rc == 0; i++) {
		const struct cn_profile_row row = cn_profile_row_at(model, i);

		if (cn_profile_wants(wish, &row))
			rc = write_sample(&pprof, &row);
	}
	cn_names_fini(&pprof.texts);
	cn_slots_fini(&pprof.locations);
	cn_slots_fini(&pprof.functions);
	cn_slots_fini(&pprof.mappings);
	errno = 0;
	if (rc == 0 && (fflush(out) || ferror(out)))
		rc = -(errno ? errno : EIO);
	return rc;
}
