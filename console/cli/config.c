/* SPDX-License-Identifier: MIT */
/* What is set, by whom, and a file to begin with. */
#include <string.h>

#include "cli/settings.h"
#include "export/text.h"

static void print_string(FILE *out, const char *text, size_t n)
{
	fputc('"', out);
	for (size_t i = 0; i < n; i++) {
		const unsigned char byte = (unsigned char)text[i];

		if (byte == '"' || byte == '\\')
			fprintf(out, "\\%c", byte);
		else if (byte < ' ' || byte == 0x7f)
			fprintf(out, "\\u%04x", byte);
		else
			fputc(byte, out);
	}
	fputc('"', out);
}

/* What may be a number or text: is it the first? */
static bool is_number(const char *text)
{
	return *text && strspn(text, "0123456789.") == strlen(text) && *text != '.' && text[strlen(text) - 1] != '.';
}

void cn_config_print_value(FILE *out, const struct cn_setting *setting, const char *text)
{
	if (setting->kind == CN_TOML_BOOL || (setting->kind == CN_TOML_NUMBER && is_number(text))) {
		fputs(text, out);
		return;
	}
	if (setting->kind != CN_TOML_LIST) {
		print_string(out, text, strlen(text));
		return;
	}
	fputc('[', out);
	for (const char *item = text; *item;) {
		const size_t n = strcspn(item, ",");

		print_string(out, item, n);
		item += n;
		if (*item)
			fputs(", ", out), item++;
	}
	fputc(']', out);
}

static void print_table(FILE *out, const char *table)
{
	fprintf(out, "\n[%s]\n", table);
}

/* In lines that are not too long. */
static void print_comment(FILE *out, const char *text)
{
	size_t column = 1;

	fputc('#', out);
	while (*text) {
		const size_t n = strcspn(text, " ");

		if (column + n + 1 > 100) {
			fputs("\n#", out);
			column = 1;
		}
		fprintf(out, " %.*s", (int)n, text);
		column += n + 1;
		text += n + (text[n] == ' ');
	}
	fputc('\n', out);
}

static void print_words(FILE *out, const struct cn_setting *setting)
{
	char text[256] = "one of:";
	size_t used = strlen(text);
	const char *word;

	if (setting->kind == CN_TOML_BOOL || !cn_setting_word(setting, 0))
		return;
	for (unsigned int i = 0; (word = cn_setting_word(setting, i)) && used < sizeof text; i++)
		used += (size_t)snprintf(text + used, sizeof text - used, " %s", word);
	print_comment(out, text);
}

static void print_assignment(FILE *out, const struct cn_setting *setting)
{
	fprintf(out, "# %s = ", setting->key);
	cn_config_print_value(out, setting, *setting->standard ? setting->standard : setting->example);
	fputc('\n', out);
}

static void print_table_head(FILE *out, const char *table)
{
	print_table(out, table);
	if (strcmp(table, "thresholds") == 0)
		print_comment(out, "When diagnosis speaks; `rouse check --help` tells of the findings.");
	if (strcmp(table, "sort") == 0)
		print_comment(out, "The column that orders each view to begin with; - before it turns the order round.");
	if (strcmp(table, "colors") == 0) {
		print_comment(out,
			"How meanings look, in place of what the theme says: bold, dim, underline, reverse, a colour and "
			"`on` a colour. Colours are 0 to 255, default, or black red green yellow blue magenta cyan white, "
			"also with bright- before them.");
	}
}

void cn_config_print_default(FILE *out)
{
	const char *table = "";

	print_comment(out, "Settings of rouse. All are as they come: take the # away before one to change it. "
			   "`rouse config` prints what is in force.");
	for (size_t i = 0; i < cn_setting_count(); i++) {
		const struct cn_setting *setting = cn_setting_at(i);

		if (strcmp(table, setting->table) != 0)
			print_table_head(out, setting->table);
		else if (!*setting->table)
			fputc('\n', out);
		if (*setting->help && strcmp(setting->table, "sort") != 0)
			print_comment(out, setting->help);
		if (strcmp(setting->table, "sort") == 0)
			fprintf(out, "# columns: %s\n", setting->help);
		if (!*setting->table)
			print_words(out, setting);
		table = setting->table;
		print_assignment(out, setting);
	}
}

/* -------------------------------------------------------------- in force */

static const char *origin(char *out, size_t bytes, const struct cn_setting_value *value)
{
	switch (value->text ? value->origin : CN_ORIGIN_DEFAULT) {
	case CN_ORIGIN_FILE:
		snprintf(out, bytes, "line %u", value->line);
		break;
	case CN_ORIGIN_ENVIRONMENT:
		snprintf(out, bytes, "%s", value->variable);
		break;
	case CN_ORIGIN_SET:
		snprintf(out, bytes, "--set");
		break;
	default:
		snprintf(out, bytes, "default");
		break;
	}
	return out;
}

static void print_in_force(const struct cn_config *config)
{
	const char *table = "";
	char from[64];

	if (*config->path)
		printf("# %s%s\n", cn_safe(config->path), config->there ? "" : " is not there");
	else
		puts("# no file is read");
	for (size_t i = 0; i < cn_setting_count(); i++) {
		const struct cn_setting *setting = cn_setting_at(i);
		const struct cn_setting_value *value = &config->values[i];
		const char *text = value->text ? value->text : setting->standard;

		if (strcmp(table, setting->table) != 0)
			print_table(stdout, setting->table);
		table = setting->table;
		if (!*text) {
			printf("# %s is not set\n", setting->key);
			continue;
		}
		printf("%s = ", setting->key);
		cn_config_print_value(stdout, setting, text);
		printf("  # %s\n", origin(from, sizeof from, value));
	}
}

static void print_json(const struct cn_config *config)
{
	char name[CN_TOML_PATH_BYTES], from[64];
	struct cn_json json;

	cn_json_init(&json, stdout);
	cn_json_object(&json, NULL);
	cn_json_string(&json, "schema", "rouse/config/1");
	cn_json_string(&json, "file", config->path);
	cn_json_bool(&json, "read", config->there);
	cn_json_array(&json, "settings");
	for (size_t i = 0; i < cn_setting_count(); i++) {
		const struct cn_setting *setting = cn_setting_at(i);
		const char *text = config->values[i].text ? config->values[i].text : setting->standard;

		cn_json_object(&json, NULL);
		cn_json_string(&json, "name", cn_setting_name(name, setting));
		if (*text)
			cn_json_string(&json, "value", text);
		cn_json_string(&json, "from", origin(from, sizeof from, &config->values[i]));
		cn_json_end(&json);
	}
	cn_json_end(&json);
	cn_json_end(&json);
}

int cn_verb_config(struct cn_cli *cli)
{
	if (cli->print_default)
		cn_config_print_default(stdout);
	else if (cli->json)
		print_json(cli->config);
	else
		print_in_force(cli->config);
	return CN_EXIT_OK;
}
