/* SPDX-License-Identifier: MIT */
#include "cli/settings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/nearest.h"
#include "export/text.h"

/* --------------------------------------------------------------- the table */

enum table { PLAIN, SCREEN, THRESHOLDS, SORT, COLUMNS, COLORS };

enum {
#define X(option, kind, standard, example) OPTION_##option,
	CN_OPTION_SETTINGS(X)
#undef X
	OPTIONS,
	SCREENS_BEFORE = OPTIONS - 1,
#define X(name, key, kind, standard, example, help) SCREEN_##name,
	CN_SCREEN_SETTINGS(X)
#undef X
	FIXED,
	SETTINGS_MAX = FIXED + CN_THRESHOLD_MAX + 2 * CN_VIEW_COUNT + CN_STYLE_COUNT
};

static const struct cn_setting fixed[FIXED] = {
#define X(option, kind, standard, example)                                                                             \
	[OPTION_##option] = { "", NULL, CN_TOML_##kind, standard, example, NULL, CN_OPTION_##option },
	CN_OPTION_SETTINGS(X)
#undef X
#define X(name, key, kind, standard, example, help)                                                                    \
	[SCREEN_##name] = { "", key, CN_TOML_##kind, standard, example, help, -1 },
	CN_SCREEN_SETTINGS(X)
#undef X
};

#define X(option, kind, standard, example) | CN_TAKES(option)
_Static_assert(((CN_OF_ONE_CALL) ^ (0 CN_OPTION_SETTINGS(X))) == (1ull << CN_OPTION_MAX) - 1,
	"each option is either in CN_OPTION_SETTINGS, or in CN_OF_ONE_CALL");
#undef X

static const char *const styles[CN_STYLE_COUNT] = {
#define X(name, letter) #name,
	CN_STYLES(X)
#undef X
};

struct entry {
	struct cn_setting setting;
	enum table table;
	unsigned int index; /* in what the table is made of */
	char key[32], standard[40], example[48], help[400];
};

static struct entry entries[SETTINGS_MAX];
static size_t n_entries;

static struct entry *add(enum table table, unsigned int index, const char *key)
{
	struct entry *entry = &entries[n_entries++];
	size_t n = 0;

	entry->table = table;
	entry->index = index;
	for (; key[n] && n + 1 < sizeof entry->key; n++)
		entry->key[n] = (char)(key[n] == '_' ? '-' : key[n] >= 'A' && key[n] <= 'Z' ? key[n] - 'A' + 'a' : key[n]);
	entry->setting = (struct cn_setting){ .table = "", .key = entry->key, .standard = entry->standard,
		.example = entry->standard, .help = entry->help, .option = -1, .kind = CN_TOML_STRING };
	return entry;
}

static void add_fixed(unsigned int i)
{
	const bool option = fixed[i].option >= 0;
	struct entry *entry = add(
		option ? PLAIN : SCREEN, i, option ? cn_option_text((unsigned int)fixed[i].option) : fixed[i].key);

	entry->setting = fixed[i];
	entry->setting.key = entry->key;
	if (option)
		entry->setting.help = cn_option_help((unsigned int)fixed[i].option);
}

static void add_threshold(unsigned int i)
{
	const bool time = cn_threshold_unit(i) == CN_UNIT_NS;
	struct entry *entry = add(THRESHOLDS, i, cn_threshold_text(i));

	entry->setting.table = "thresholds";
	entry->setting.kind = CN_TOML_NUMBER;
	snprintf(entry->standard, sizeof entry->standard, "%g", (double)cn_threshold_standard(i) / (time ? 1e9 : 1));
	snprintf(entry->help, sizeof entry->help, "%s%s", cn_threshold_help(i), time ? " (in seconds, or as \"250ms\")" : "");
}

static void name_columns(struct entry *entry, const struct cn_sheet_kind *kind)
{
	size_t used = 0;
	char word[32];

	for (size_t i = 0; i < kind->n_columns && used < sizeof entry->help - 1; i++)
		used += (size_t)snprintf(entry->help + used, sizeof entry->help - used, "%s%s", i ? " " : "",
			cn_column_word(word, &kind->columns[i]));
}

static void add_sort(unsigned int view)
{
	const struct cn_sheet_kind *kind = cn_view_sheet(view);
	struct entry *entry;
	char word[32];

	if (!kind)
		return;
	entry = add(SORT, view, cn_view_word(view));
	entry->setting.table = "sort";
	snprintf(entry->standard, sizeof entry->standard, "%s%s", kind->descending ? "-" : "",
		cn_column_word(word, &kind->columns[kind->sorted]));
	name_columns(entry, kind);
}

static void add_columns(unsigned int view)
{
	const struct cn_sheet_kind *kind = cn_view_sheet(view);
	struct entry *entry;
	char a[32], b[32];

	if (!kind)
		return;
	entry = add(COLUMNS, view, cn_view_word(view));
	entry->setting.table = "columns";
	entry->setting.example = entry->example;
	snprintf(entry->example, sizeof entry->example, "-%.20s,+%.20s", cn_column_word(a, &kind->columns[0]),
		cn_column_word(b, &kind->columns[1]));
	name_columns(entry, kind);
}

static void add_colour(unsigned int style)
{
	struct entry *entry = add(COLORS, style, styles[style]);

	entry->setting.table = "colors";
	entry->setting.example = "bold bright-red on 17";
}

static void fill(void)
{
	for (unsigned int i = 0; i < FIXED; i++)
		add_fixed(i);
	for (unsigned int i = 0; i < CN_THRESHOLD_MAX; i++)
		add_threshold(i);
	for (unsigned int i = 0; i < CN_VIEW_COUNT; i++)
		add_sort(i);
	for (unsigned int i = 0; i < CN_VIEW_COUNT; i++)
		add_columns(i);
	for (unsigned int i = 0; i < CN_STYLE_COUNT; i++)
		add_colour(i);
}

size_t cn_setting_count(void)
{
	if (!n_entries)
		fill();
	return n_entries;
}

const struct cn_setting *cn_setting_at(size_t index)
{
	return index < cn_setting_count() ? &entries[index].setting : NULL;
}

const char *cn_setting_name(char out[CN_TOML_PATH_BYTES], const struct cn_setting *setting)
{
	snprintf(out, CN_TOML_PATH_BYTES, "%s%s%s", setting->table, *setting->table ? "." : "", setting->key);
	return out;
}

static const struct entry *entry_of(const struct cn_setting *setting)
{
	return (const struct entry *)((const char *)setting - offsetof(struct entry, setting));
}

const char *cn_setting_word(const struct cn_setting *setting, unsigned int i)
{
	static const char *const ended[] = { "show", "hide" };
	const struct entry *entry = entry_of(setting);

	if (setting->kind == CN_TOML_BOOL)
		return i < 2 ? (const char *const[]){ "true", "false" }[i] : NULL;
	if (setting->option >= 0)
		return cn_option_word((unsigned int)setting->option, i);
	if (entry->table == SCREEN && entry->index == SCREEN_VIEW)
		return cn_view_word(i);
	if (entry->table == SCREEN && entry->index == SCREEN_ENDED)
		return i < 2 ? ended[i] : NULL;
	return NULL;
}

/* ------------------------------------------------------------------ values */

/* Takes what is set for real, or, to see whether it can be, into something that is thrown away. */
struct taker {
	struct cn_diagnose_opts *diagnose;
	struct cn_theme *theme;
	struct cn_preferences *preferences;
};

static int take_screen(const struct entry *entry, const char *text, struct cn_preferences *preferences)
{
	if (entry->index == SCREEN_VIEW)
		return cn_view_parse(text, &preferences->view);
	if (entry->index == SCREEN_REATTACH) {
		preferences->reattach = strcmp(text, "true") == 0;
		return 0;
	}
	if (entry->index == SCREEN_MOUSE) {
		preferences->no_mouse = strcmp(text, "true") != 0;
		return 0;
	}
	preferences->hide_ended = strcmp(text, "hide") == 0;
	return preferences->hide_ended || strcmp(text, "show") == 0 ? 0 : -EINVAL;
}

static int take(const struct entry *entry, const char *text, const struct taker *taker)
{
	char threshold[CN_TOML_PATH_BYTES + CN_TOML_VALUE_BYTES];

	switch (entry->table) {
	case SCREEN:
		return take_screen(entry, text, taker->preferences);
	case THRESHOLDS:
		snprintf(threshold, sizeof threshold, "%s=%s", entry->key, text);
		return cn_threshold_set(taker->diagnose, threshold);
	case SORT:
		return cn_sort_parse(text, entry->index, &taker->preferences->sort[entry->index]);
	case COLUMNS:
		return cn_columns_parse(text, entry->index, &taker->preferences->columns[entry->index]);
	case COLORS:
		taker->theme->set[entry->index] = true;
		return cn_look_parse(text, &taker->theme->own[entry->index]);
	default:
		return 0;
	}
}

static bool is_possible(const struct entry *entry, const char *text)
{
	struct cn_diagnose_opts diagnose = { 0 };
	struct cn_theme theme = { 0 };
	struct cn_preferences preferences = { 0 };
	const struct taker taker = { &diagnose, &theme, &preferences };

	if (entry->setting.kind == CN_TOML_BOOL)
		return strcmp(text, "true") == 0 || strcmp(text, "false") == 0;
	if (entry->table == PLAIN)
		return cn_option_check((enum cn_option)entry->setting.option, text);
	return take(entry, text, &taker) == 0;
}

void cn_config_apply(const struct cn_config *config, struct cn_diagnose_opts *diagnose, struct cn_theme *theme,
	struct cn_preferences *preferences)
{
	const struct taker taker = { diagnose, theme, preferences };

	for (size_t i = 0; i < cn_setting_count(); i++)
		if (config->values[i].text)
			take(&entries[i], config->values[i].text, &taker); /* it was found to be possible */
}

/* "it is one of dark, light, ...", "" for what is no choice. */
static const char *choices(char *out, size_t bytes, const struct cn_setting *setting)
{
	size_t used = 0;
	const char *word;

	out[0] = 0;
	for (unsigned int i = 0; (word = cn_setting_word(setting, i)) && used < bytes; i++)
		used += (size_t)snprintf(out + used, bytes - used, "%s%s", i ? ", " : ": it is one of ", word);
	if (!used && entry_of(setting)->table == SORT)
		snprintf(out, bytes, ": it is one of these, - before it turns the order round: %s", setting->help);
	if (!used && entry_of(setting)->table == COLUMNS)
		snprintf(out, bytes, ": it is a list of these, all that is shown, or what is more (+) and less (-): %s",
			setting->help);
	if (!used && entry_of(setting)->table == COLORS)
		snprintf(out, bytes, ": it is like \"bold 208\", \"bright-red on 17\", \"underline\"");
	return out;
}

static int put(struct cn_config *config, const struct entry *entry, const char *text, enum cn_origin origin)
{
	struct cn_setting_value *value = &config->values[entry - entries];

	free(value->text);
	value->text = strdup(text);
	value->origin = origin;
	return value->text ? 0 : -ENOMEM;
}

/* -------------------------------------------------------------------- keys */

static const struct entry *find(const char *table, const char *key)
{
	for (size_t i = 0; i < cn_setting_count(); i++)
		if (strcmp(entries[i].setting.table, table) == 0 && strcmp(entries[i].key, key) == 0)
			return &entries[i];
	return NULL;
}

/* "a" in table "b" is "b.a" before the first table. */
static const struct entry *find_name(const char *name)
{
	char full[CN_TOML_PATH_BYTES];

	for (size_t i = 0; i < cn_setting_count(); i++)
		if (strcmp(cn_setting_name(full, &entries[i].setting), name) == 0)
			return &entries[i];
	return NULL;
}

/* Of all that can be set, whatever the table: it may be in a wrong one. "" = nothing is like it. */
static const char *suggestion(char out[CN_TOML_PATH_BYTES + 24], const char *name)
{
	static char names[SETTINGS_MAX][CN_TOML_PATH_BYTES];
	const char *pointers[SETTINGS_MAX], *last = strrchr(name, '.'), *meant;
	const size_t n = cn_setting_count();

	for (size_t i = 0; i < n; i++)
		pointers[i] = cn_setting_name(names[i], &entries[i].setting);
	meant = cn_nearest(name, pointers, n);
	for (size_t i = 0; i < n; i++)
		if (strcmp(entries[i].key, last ? last + 1 : name) == 0)
			meant = names[i];
	snprintf(out, CN_TOML_PATH_BYTES + 24, meant ? "; did you mean %s?" : "%s", meant ? meant : "");
	return out;
}

/* -------------------------------------------------------------------- file */

static const char *const tables[] = { "thresholds", "sort", "columns", "colors" };
enum { TABLES = sizeof tables / sizeof tables[0] };

struct reading {
	struct cn_config *config;
	bool seen[SETTINGS_MAX], opened[TABLES];
};

static int refuse(struct cn_toml_error *error, struct cn_toml_at at, const char *text, const char *what, const char *more)
{
	error->at = at;
	snprintf(error->text, sizeof error->text, text, cn_safe(what), more);
	return -EINVAL;
}

static int on_table(void *arg, const char *name, struct cn_toml_error *error)
{
	struct reading *reading = arg;
	const char *meant;

	for (size_t i = 0; i < TABLES; i++) {
		if (strcmp(name, tables[i]) != 0)
			continue;
		if (reading->opened[i])
			return refuse(error, error->at, "[%s] is there already%s", name, "");
		reading->opened[i] = true;
		return 0;
	}
	meant = cn_nearest(name, tables, TABLES);
	if (meant)
		return refuse(error, error->at, "there is no table [%s]; did you mean [%s]?", name, meant);
	return refuse(error, error->at, "there is no table [%s]%s; `rouse config --print-default` shows all", name, "");
}

/* Items of lists with commas between them, as options take them. */
static const char *joined(char *out, size_t bytes, const struct cn_toml_item *item)
{
	const char *text = item->text;
	size_t used = 0;

	out[0] = 0;
	for (size_t i = 0; i < item->n && used < bytes; i++) {
		used += (size_t)snprintf(out + used, bytes - used, "%s%s", i ? "," : "", text);
		text += strlen(text) + 1;
	}
	return out;
}

static bool is_of_kind(const struct cn_setting *setting, enum cn_toml_kind kind)
{
	if (kind == setting->kind)
		return true;
	return kind == CN_TOML_STRING && (setting->kind == CN_TOML_LIST || setting->kind == CN_TOML_NUMBER);
}

static int take_item(struct reading *reading, const struct entry *entry, const struct cn_toml_item *item,
	struct cn_toml_error *error)
{
	static const char *const kinds[] = { [CN_TOML_STRING] = "text in quotes", [CN_TOML_NUMBER] = "a number",
		[CN_TOML_BOOL] = "true or false", [CN_TOML_LIST] = "a list, [\"...\", ...]" };
	struct cn_config *config = reading->config;
	char text[CN_TOML_VALUE_BYTES + 64], more[256];
	int rc;

	if (reading->seen[entry - entries])
		return refuse(error, item->key_at, "%s is set twice%s", item->key, "");
	reading->seen[entry - entries] = true;
	if (!is_of_kind(&entry->setting, item->kind))
		return refuse(error, item->value_at, "%s takes %s", item->key, kinds[entry->setting.kind]);
	joined(text, sizeof text, item);
	if (!is_possible(entry, text)) {
		snprintf(more, sizeof more, " cannot be \"%s\"%s", cn_safe(text),
			choices((char[192]){ 0 }, 192, &entry->setting));
		return refuse(error, item->value_at, "%s%s", item->key, more);
	}
	rc = put(config, entry, text, CN_ORIGIN_FILE);
	config->values[entry - entries].line = item->key_at.line;
	return rc;
}

static int on_item(void *arg, const struct cn_toml_item *item, struct cn_toml_error *error)
{
	char name[2 * CN_TOML_PATH_BYTES], meant[CN_TOML_PATH_BYTES + 24];
	struct reading *reading = arg;
	const struct entry *entry;

	snprintf(name, sizeof name, "%s%s%s", item->table, *item->table ? "." : "", item->key);
	entry = find(item->table, item->key);
	if (!entry && !*item->table) {
		entry = find_name(item->key);
		for (size_t i = 0; entry && i < TABLES; i++)
			if (strcmp(entry->setting.table, tables[i]) == 0)
				reading->opened[i] = true;
	}
	if (!entry)
		return refuse(error, item->key_at, "there is no setting %s%s", name, suggestion(meant, name));
	return take_item(reading, entry, item, error);
}

enum { FILE_BYTES_MAX = 1 << 18 };

/* To be freed; NULL with errno set. */
static char *read_whole(const char *path, size_t *ret_n)
{
	FILE *in = fopen(path, "re");
	char *text = in ? malloc(FILE_BYTES_MAX + 1) : NULL;
	int error = errno;

	*ret_n = text ? fread(text, 1, FILE_BYTES_MAX + 1, in) : 0;
	if (text && (ferror(in) || *ret_n > FILE_BYTES_MAX)) {
		error = ferror(in) ? errno : EFBIG;
		free(text);
		text = NULL;
	}
	if (in)
		fclose(in);
	errno = error;
	return text;
}

static int read_file(struct cn_config *config)
{
	static const struct cn_toml_sink sink = { on_table, on_item };
	struct reading reading = { .config = config };
	struct cn_toml_error error = { 0 };
	size_t n;
	char *text = read_whole(config->path, &n);
	int rc;

	if (!text)
		return -errno;
	rc = cn_toml_read(text, n, &sink, &reading, &error);
	free(text);
	config->there = true;
	if (rc == -EINVAL)
		cn_fail(CN_EXIT_USAGE, "%s:%u:%u: %s", cn_safe(config->path), error.at.line, error.at.column, error.text);
	return rc;
}

/* ------------------------------------------------------------------- where */

/* True: it was asked for, and must be there. */
static bool find_path(const char *path, struct cn_config *config)
{
	const char *named = path ? path : getenv("ROUSE_CONFIG"), *xdg = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");

	if (named)
		snprintf(config->path, sizeof config->path, "%s", named);
	else if (xdg && *xdg == '/') /* others are to be ignored, says the specification */
		snprintf(config->path, sizeof config->path, "%s/rouse/config.toml", xdg);
	else if (home && *home)
		snprintf(config->path, sizeof config->path, "%s/.config/rouse/config.toml", home);
	return named;
}

static int from_environment(struct cn_config *config)
{
	const char *no_color = getenv("NO_COLOR"), *theme = getenv("ROUSE_THEME");
	const struct entry *entry = find("", "theme");
	int rc = 0;

	if (theme && *theme) {
		if (!is_possible(entry, theme))
			return cn_fail(CN_EXIT_USAGE, "ROUSE_THEME cannot be %s%s", cn_safe(theme),
				choices((char[192]){ 0 }, 192, &entry->setting));
		rc = put(config, entry, theme, CN_ORIGIN_ENVIRONMENT);
		config->values[entry - entries].variable = "ROUSE_THEME";
	}
	if (rc == 0 && no_color && *no_color) {
		entry = find("", "color");
		rc = put(config, entry, "never", CN_ORIGIN_ENVIRONMENT);
		config->values[entry - entries].variable = "NO_COLOR";
	}
	return rc ? cn_fail(CN_EXIT_INCOMPLETE, "no memory for the settings") : CN_EXIT_OK;
}

int cn_config_read(const char *path, struct cn_config *config)
{
	bool must;
	int rc = 0;

	*config = (struct cn_config){ .values = calloc(cn_setting_count(), sizeof *config->values) };
	if (!config->values)
		return cn_fail(CN_EXIT_INCOMPLETE, "no memory for the settings");
	must = find_path(path, config);
	if (*config->path)
		rc = read_file(config);
	if (rc == -EINVAL)
		return CN_EXIT_USAGE;
	/* Nobody has asked for it. In another user's HOME (sudo, su and setpriv keep it) there may be none at all. */
	if (rc == -EACCES && !must) {
		if (access(config->path, F_OK) == 0)
			fprintf(stderr, "rouse: going on without the settings in %s: %s\n", cn_safe(config->path),
				strerror(EACCES));
	} else if (rc && (must || (rc != -ENOENT && rc != -ENOTDIR))) {
		return cn_fail(CN_EXIT_USAGE, "cannot read the settings in %s: %s; `rouse config --help` tells of them",
			cn_safe(config->path), strerror(-rc));
	}
	return from_environment(config);
}

int cn_config_set(struct cn_config *config, const char *assignment)
{
	const char *equals = strchr(assignment, '=');
	char name[CN_TOML_PATH_BYTES] = "", meant[CN_TOML_PATH_BYTES + 24];
	const struct entry *entry;

	if (!equals || (size_t)(equals - assignment) >= sizeof name)
		return cn_fail(CN_EXIT_USAGE, "--set takes KEY=VALUE, not %s; see `rouse config --help`", cn_safe(assignment));
	memcpy(name, assignment, (size_t)(equals - assignment));
	entry = find_name(name);
	if (!entry)
		return cn_fail(CN_EXIT_USAGE, "there is no setting %s%s; see `rouse config --help`", cn_safe(name),
			suggestion(meant, name));
	if (!is_possible(entry, equals + 1))
		return cn_fail(CN_EXIT_USAGE, "%s cannot be \"%s\"%s; see `rouse config --help`", name, cn_safe(equals + 1),
			choices((char[192]){ 0 }, 192, &entry->setting));
	if (put(config, entry, equals + 1, CN_ORIGIN_SET))
		return cn_fail(CN_EXIT_INCOMPLETE, "no memory for the settings");
	return CN_EXIT_OK;
}

void cn_config_free(struct cn_config *config)
{
	for (size_t i = 0; config && config->values && i < cn_setting_count(); i++)
		free(config->values[i].text);
	if (config)
		free(config->values);
}
