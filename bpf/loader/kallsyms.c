/* SPDX-License-Identifier: MIT */
#include "loader/kallsyms.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_BYTES_MAX (64u << 20)
#define SLOTS_MIN 1024u

struct bl_symbol {
	uint64_t address;
	const char *name;
};

static int by_address(const void *a, const void *b)
{
	const struct bl_symbol *one = a, *other = b;

	return (one->address > other->address) - (one->address < other->address);
}

/* "ffffffff81000000 T _stext", of a module with "\t[name]" behind it. Cuts the line up. */
static bool parse_line(char *line, struct bl_symbol *ret_symbol)
{
	char *rest, *name;
	uint64_t address = strtoull(line, &rest, 16);

	if (rest == line || *rest != ' ' || !strchr("tTwW", rest[1]) || !rest[1] || rest[2] != ' ')
		return false;
	name = rest + 3;
	name[strcspn(name, " \t\n")] = '\0';
	if (strlen(name) >= BL_SYMBOL_BYTES)
		name[BL_SYMBOL_BYTES - 1] = '\0';
	*ret_symbol = (struct bl_symbol){ address, name };
	return address && *name;
}

int bl_kallsyms_parse(struct bl_kallsyms *kallsyms, const char *text, size_t bytes)
{
	size_t lines = 1;
	char *rest = NULL;

	kallsyms->loaded = true;
	for (size_t i = 0; i < bytes; i++)
		lines += text[i] == '\n';
	kallsyms->text = malloc(bytes + 1);
	kallsyms->symbols = calloc(lines, sizeof(*kallsyms->symbols));
	if (!kallsyms->text || !kallsyms->symbols)
		return -ENOMEM;
	memcpy(kallsyms->text, text, bytes);
	kallsyms->text[bytes] = '\0';
	for (char *line = strtok_r(kallsyms->text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		if (parse_line(line, &kallsyms->symbols[kallsyms->n]))
			kallsyms->n++;
	qsort(kallsyms->symbols, kallsyms->n, sizeof(*kallsyms->symbols), by_address);
	return 0;
}

static void load(struct bl_kallsyms *kallsyms)
{
	FILE *file = fopen("/proc/kallsyms", "re");
	size_t used = 0, room = 0, n = 1;
	char *text = NULL;

	kallsyms->loaded = true;
	while (file && n > 0 && used < TEXT_BYTES_MAX) {
		if (used == room) {
			char *more = realloc(text, room = room ? 2 * room : 1u << 20);

			if (!more)
				break;
			text = more;
		}
		n = fread(text + used, 1, room - used, file);
		used += n;
	}
	if (file)
		fclose(file);
	/* Without memory for them there are no names: the addresses are there. */
	if (text && bl_kallsyms_parse(kallsyms, text, used) < 0)
		kallsyms->n = 0;
	free(text);
}

const char *bl_kallsyms_name(struct bl_kallsyms *kallsyms, uint64_t pc)
{
	size_t low = 0, high;

	if (!kallsyms->loaded)
		load(kallsyms);
	for (high = kallsyms->n; low < high;) {
		size_t middle = low + (high - low) / 2;

		if (kallsyms->symbols[middle].address <= pc)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? kallsyms->symbols[low - 1].name : NULL;
}

static uint64_t *slot_of(uint64_t *told, size_t slots, uint64_t pc)
{
	size_t i = (size_t)(pc * 0x9e3779b97f4a7c15ull >> 20) & (slots - 1);

	while (told[i] && told[i] != pc)
		i = (i + 1) & (slots - 1);
	return &told[i];
}

/* At least a quarter stays free. */
static int make_room(struct bl_kallsyms *kallsyms)
{
	size_t slots = kallsyms->slots ? 2 * kallsyms->slots : SLOTS_MIN;
	uint64_t *told;

	if (4 * (kallsyms->n_told + 1) <= 3 * kallsyms->slots)
		return 0;
	told = calloc(slots, sizeof(*told));
	if (!told)
		return -ENOMEM;
	for (size_t i = 0; i < kallsyms->slots; i++)
		if (kallsyms->told[i])
			*slot_of(told, slots, kallsyms->told[i]) = kallsyms->told[i];
	free(kallsyms->told);
	kallsyms->told = told;
	kallsyms->slots = slots;
	return 0;
}

const char *bl_kallsyms_news(struct bl_kallsyms *kallsyms, uint64_t pc)
{
	uint64_t *slot;

	if (make_room(kallsyms) < 0)
		return bl_kallsyms_name(kallsyms, pc); /* told twice does no harm */
	slot = slot_of(kallsyms->told, kallsyms->slots, pc);
	if (*slot)
		return NULL;
	*slot = pc;
	kallsyms->n_told++;
	return bl_kallsyms_name(kallsyms, pc);
}

void bl_kallsyms_fini(struct bl_kallsyms *kallsyms)
{
	free(kallsyms->symbols);
	free(kallsyms->text);
	free(kallsyms->told);
	*kallsyms = (struct bl_kallsyms){ 0 };
}
