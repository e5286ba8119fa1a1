/* SPDX-License-Identifier: MIT */
/* The table of settings: what comes of it, and that it leaves no option out. */
#include "test.h"

#include "cli/settings.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct cn_setting *find(const char *name)
{
	char full[CN_TOML_PATH_BYTES];

	for (size_t i = 0; i < cn_setting_count(); i++)
		if (strcmp(cn_setting_name(full, cn_setting_at(i)), name) == 0)
			return cn_setting_at(i);
	return NULL;
}

static void each_option_is_a_setting_or_of_one_call(void **state)
{
	(void)state;
	for (int option = 0; option < CN_OPTION_MAX; option++) {
		size_t settings = 0;

		for (size_t i = 0; i < cn_setting_count(); i++)
			settings += cn_setting_at(i)->option == option;
		assert_int_equal(settings, !(CN_OF_ONE_CALL >> option & 1));
	}
	assert_null(find("exec")); /* a file of settings runs nothing */
}

static void all_thresholds_styles_and_tables_can_be_set(void **state)
{
	char name[CN_TOML_PATH_BYTES];

	(void)state;
	for (unsigned int i = 0; i < CN_THRESHOLD_MAX; i++) {
		snprintf(name, sizeof name, "thresholds.%s", cn_threshold_text(i));
		assert_non_null(find(name));
	}
	for (unsigned int i = 0; i < CN_VIEW_COUNT; i++) {
		snprintf(name, sizeof name, "sort.%s", cn_view_word(i));
		assert_int_equal(find(name) != NULL, cn_view_sheet(i) != NULL);
		snprintf(name, sizeof name, "columns.%s", cn_view_word(i));
		assert_int_equal(find(name) != NULL, cn_view_sheet(i) != NULL);
	}
	assert_non_null(find("colors.tab-here"));
	assert_non_null(find("colors.proven"));
}

static char *file_of(const char *text)
{
	static char path[] = "/tmp/rouse-settings-XXXXXX";
	int fd;

	strcpy(path + sizeof path - 7, "XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	return path;
}

/* Without the # before each assignment. */
static char *default_file(void)
{
	char *text = NULL, *out;
	size_t n = 0, used = 0;
	FILE *memory = open_memstream(&text, &n);

	cn_config_print_default(memory);
	fclose(memory);
	out = calloc(1, n + 1);
	for (char *line = text, *end; *line; line = end + 1) {
		end = strchr(line, '\n');
		if (strncmp(line, "# ", 2) == 0 && memmem(line, (size_t)(end - line), " = ", 3) == strpbrk(line + 2, " "))
			line += 2;
		memcpy(out + used, line, (size_t)(end - line) + 1);
		used += (size_t)(end - line) + 1;
	}
	free(text);
	return out;
}

static void the_default_file_sets_all_to_what_it_is(void **state)
{
	char *text = default_file();
	struct cn_config config;

	(void)state;
	assert_int_equal(cn_config_read(file_of(text), &config), CN_EXIT_OK);
	unlink(config.path);
	for (size_t i = 0; i < cn_setting_count(); i++) {
		const struct cn_setting *setting = cn_setting_at(i);

		if (!config.values[i].text)
			print_error("%s is not in the file\n", setting->key);
		assert_non_null(config.values[i].text);
		assert_string_equal(
			config.values[i].text, *setting->standard ? setting->standard : setting->example);
	}
	cn_config_free(&config);
	free(text);
}

static void what_is_set_is_what_the_screen_gets(void **state)
{
	struct cn_diagnose_opts diagnose = { 0 };
	struct cn_theme theme = { 0 };
	struct cn_preferences preferences = { 0 };
	struct cn_config config;

	(void)state;
	assert_int_equal(cn_config_read(file_of("view = 'groups'\nended = \"hide\"\n[sort]\ntasks = '-busy'\n"
						"[thresholds]\npoll = '250ms'\nherd = 3\n[colors]\nproven = 'bold 208 on 17'\n"),
				 &config), CN_EXIT_OK);
	unlink(config.path);
	assert_int_equal(cn_config_set(&config, "sort.groups=name"), CN_EXIT_OK);
	assert_int_equal(cn_config_set(&config, "thresholds.herd=5"), CN_EXIT_OK);
	assert_int_equal(cn_config_set(&config, "columns.tasks=-state,+p99"), CN_EXIT_OK);
	assert_int_equal(cn_config_set(&config, "columns.tasks=-state,+p98"), CN_EXIT_USAGE);
	cn_config_apply(&config, &diagnose, &theme, &preferences);
	assert_int_equal(preferences.view, CN_VIEW_GROUPS);
	assert_true(preferences.hide_ended);
	assert_true(preferences.sort[CN_VIEW_TASKS].descending);
	assert_string_equal(
		cn_view_sheet(CN_VIEW_TASKS)->columns[preferences.sort[CN_VIEW_TASKS].column - 1].title, "BUSY");
	assert_false(preferences.sort[CN_VIEW_GROUPS].descending);
	assert_int_not_equal(preferences.sort[CN_VIEW_GROUPS].column, 0);
	assert_int_equal(preferences.sort[CN_VIEW_FINDINGS].column, 0);
	assert_int_equal(preferences.columns[CN_VIEW_TASKS].shown[0], CN_SHOWN_NEVER);
	assert_int_equal(preferences.columns[CN_VIEW_GROUPS].n, 0);
	assert_int_equal(diagnose.poll, 250000000);
	assert_int_equal(diagnose.herd, 5);
	assert_int_equal(cn_theme_look(&theme, CN_STYLE_PROVEN, false, CN_DEPTH_256).foreground, 208);
	assert_int_equal(cn_theme_look(&theme, CN_STYLE_PROVEN, false, CN_DEPTH_256).background, 17);
	assert_false(theme.set[CN_STYLE_LIKELY]);
	cn_config_free(&config);
}

static void the_environment_beats_the_file_and_set_beats_both(void **state)
{
	const struct cn_setting *theme = find("theme");
	struct cn_config config;
	size_t at = 0;

	(void)state;
	while (cn_setting_at(at) != theme)
		at++;
	setenv("ROUSE_THEME", "light", 1);
	assert_int_equal(cn_config_read(file_of("\n\ntheme = 'tokio'\n"), &config), CN_EXIT_OK);
	unlink(config.path);
	unsetenv("ROUSE_THEME");
	assert_string_equal(config.values[at].text, "light");
	assert_int_equal(config.values[at].origin, CN_ORIGIN_ENVIRONMENT);
	assert_int_equal(config.values[at].line, 3);
	assert_int_equal(cn_config_set(&config, "theme=mono"), CN_EXIT_OK);
	assert_string_equal(config.values[at].text, "mono");
	assert_int_equal(config.values[at].origin, CN_ORIGIN_SET);
	cn_config_free(&config);
}

TEST_MAIN(cmocka_unit_test(each_option_is_a_setting_or_of_one_call),
	cmocka_unit_test(all_thresholds_styles_and_tables_can_be_set),
	cmocka_unit_test(the_default_file_sets_all_to_what_it_is), cmocka_unit_test(what_is_set_is_what_the_screen_gets),
	cmocka_unit_test(the_environment_beats_the_file_and_set_beats_both));
