/* SPDX-License-Identifier: MIT */
#include "view/scene.h"
#include "export/text.h"

#include <inttypes.h>
#include <string.h>

enum cn_style cn_state_style(unsigned int state)
{
	static const uint8_t styles[ROUSE_TASK_STATE_MAX] = {
		[ROUSE_TASK_CREATED] = CN_STYLE_DIM,
		[ROUSE_TASK_SCHEDULED] = CN_STYLE_SCHEDULED,
		[ROUSE_TASK_RUNNING] = CN_STYLE_RUNNING,
		[ROUSE_TASK_PENDING] = CN_STYLE_PENDING,
		[ROUSE_TASK_COMPLETE] = CN_STYLE_DONE,
		[ROUSE_TASK_PANICKED] = CN_STYLE_PROVEN,
		[ROUSE_TASK_CANCELLED] = CN_STYLE_DONE,
	};

	return state < ROUSE_TASK_STATE_MAX ? styles[state] : CN_STYLE_PLAIN;
}

enum cn_glyph cn_state_glyph(unsigned int state)
{
	static const uint8_t glyphs[ROUSE_TASK_STATE_MAX] = {
#define X(name, text) [ROUSE_TASK_##name] = CN_GLYPH_##name,
		ROUSE_TASK_STATES(X)
#undef X
	};

	return state < ROUSE_TASK_STATE_MAX ? (enum cn_glyph)glyphs[state] : CN_GLYPH_REPLACEMENT;
}

enum cn_style cn_class_style(unsigned int class)
{
	return class == CN_PROVEN ? CN_STYLE_PROVEN : class == CN_SUSPECT ? CN_STYLE_SUSPECT : CN_STYLE_LIKELY;
}

enum cn_glyph cn_class_glyph(unsigned int class)
{
	return class == CN_PROVEN ? CN_GLYPH_PROVEN : class == CN_SUSPECT ? CN_GLYPH_SUSPECT : CN_GLYPH_LIKELY;
}

const char *cn_class_word(unsigned int class)
{
	static const char *const words[CN_CLASS_MAX] = {
#define X(name, text) [CN_##name] = #name,
		CN_CLASSES(X)
#undef X
	};

	return class < CN_CLASS_MAX ? words[class] : "";
}

const char *cn_base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static void file_and_line(char *out, size_t bytes, const char *file, uint32_t line, bool ascii)
{
	size_t n;

	cn_text_safe(out, bytes, cn_base_name(file), ascii);
	n = strlen(out);
	snprintf(out + n, bytes - n, ":%" PRIu32, line);
}

const char *cn_site_text(char *out, size_t bytes, const struct cn_scene *scene, size_t runtime, uint32_t index)
{
	const struct cn_site *site = cn_model_site(scene->model, runtime, index);

	*out = 0;
	if (index && site->line)
		file_and_line(out, bytes, cn_model_string(scene->model, runtime, site->file), site->line, scene->ascii);
	return out;
}

const char *cn_finding_site(char *out, size_t bytes, const struct cn_scene *scene, const struct cn_finding *finding)
{
	*out = 0;
	if (finding->line)
		file_and_line(out, bytes, finding->file, finding->line, scene->ascii);
	else if (finding->leaf_line)
		file_and_line(out, bytes, finding->leaf_file, finding->leaf_line, scene->ascii);
	return out;
}

const char *cn_who_text(char *out, size_t bytes, const struct cn_scene *scene, uint64_t id)
{
	const struct cn_task *task = cn_model_task(scene->model, id);
	size_t n;

	*out = 0;
	if (task) {
		cn_text_safe(out, bytes, cn_task_name(scene->model, task), scene->ascii);
		n = strlen(out);
		snprintf(out + n, bytes - n, " ");
	}
	n = strlen(out);
	snprintf(out + n, bytes - n, "#%" PRIu64, id);
	return out;
}

const char *cn_waker_text(char *out, size_t bytes, const struct cn_scene *scene, uint64_t waker)
{
	const char *source = cn_wake_source_name(waker);

	if (!source)
		return cn_who_text(out, bytes, scene, waker);
	snprintf(out, bytes, "%s", source);
	return out;
}

const char *cn_resource_text(char *out, size_t bytes, const struct cn_scene *scene, uint64_t serial)
{
	const struct cn_resource *resource = cn_model_resource(scene->model, serial);
	int n;

	if (!resource) {
		snprintf(out, bytes, "#%" PRIu64, serial);
		return out;
	}
	n = snprintf(out, bytes, "%s #%" PRIu64 " ", cn_resource_kind_name(resource->kind), serial);
	if (n > 0 && (size_t)n < bytes)
		cn_text_safe(out + n, bytes - (size_t)n, cn_resource_name(scene->model, resource), scene->ascii);
	return out;
}

const struct cn_runtime *cn_scene_runtime(const struct cn_scene *scene)
{
	for (size_t i = 0; i < cn_model_runtimes(scene->model); i++) {
		const struct cn_runtime *runtime = cn_model_runtime(scene->model, i);

		if (runtime && runtime->state != ROUSE_RUNTIME_STOPPED)
			return runtime;
	}
	return cn_model_runtimes(scene->model) ? cn_model_runtime(scene->model, 0) : NULL;
}

bool cn_scene_is_judged(const struct cn_scene *scene)
{
	const bool is_core = cn_target_is_core(cn_model_target(scene->model));

	for (size_t i = 0; i < cn_model_runtimes(scene->model); i++) {
		const struct cn_runtime *runtime = cn_model_runtime(scene->model, i);

		if (runtime && runtime->looks < 2 && !is_core)
			return false;
	}
	return true;
}
