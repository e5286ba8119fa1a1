/* SPDX-License-Identifier: MIT */
/*
 * What stands at an address: from the file's symbols (a stripped one has those
 * it exports), and from its debug information, which also knows lines and what
 * was inlined. One address can stand for several functions then: the innermost
 * is named, and within which compiled one.
 */
#include <dwarf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stack/private.h"

static void set(char *out, size_t bytes, const char *text)
{
	snprintf(out, bytes, "%s", text ? text : "");
}

static const char *file_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* The compilation unit; clang writes no table of where each has its code, then they are asked one by one. */
static Dwarf_Die *unit_at(Dwfl_Module *module, uint64_t address, Dwarf_Addr *ret_bias)
{
	Dwarf_Die *unit = dwfl_module_addrdie(module, address, ret_bias);

	if (unit)
		return unit;
	while ((unit = dwfl_module_nextcu(module, unit, ret_bias)))
		if (dwarf_haspc(unit, address - *ret_bias) == 1)
			return unit;
	return NULL;
}

static void name_function(Dwarf_Die *unit, uint64_t address, const char *symbol, struct rn_name *name)
{
	const char *inlined = NULL, *function = NULL;
	Dwarf_Die *scopes = NULL;
	int n = unit ? dwarf_getscopes(unit, address, &scopes) : 0;

	for (int i = 0; i < n && !function; i++) {
		int tag = dwarf_tag(&scopes[i]);

		if (tag == DW_TAG_inlined_subroutine && !inlined)
			inlined = dwarf_diename(&scopes[i]);
		else if (tag == DW_TAG_subprogram)
			function = dwarf_diename(&scopes[i]);
	}
	if (!function)
		function = symbol;
	set(name->function, sizeof name->function, inlined ? inlined : function);
	set(name->within, sizeof name->within, inlined ? function : NULL);
	free(scopes);
}

static void name_line(Dwarf_Die *unit, uint64_t address, struct rn_name *name)
{
	Dwarf_Line *line = unit ? dwarf_getsrc_die(unit, address) : NULL;
	const char *file = line ? dwarf_linesrc(line, NULL, NULL) : NULL;
	int number = 0;

	if (!file || dwarf_lineno(line, &number) || number <= 0)
		return;
	set(name->file, sizeof name->file, strlen(file) < sizeof name->file ? file : file_name(file));
	name->line = (uint32_t)number;
}

int rn_name(struct rn_target *target, uint64_t pc, bool returns, struct rn_name *ret_name)
{
	const uint64_t address = returns ? pc - 1 : pc; /* a call may be the last thing of its line, or function */
	Dwfl_Module *module = dwfl_addrmodule(target->dwfl, address);
	Dwarf_Addr from, bias = 0, unit_bias = 0;
	const char *path;
	Dwarf_Die *unit;

	if (!module)
		return -ENOENT;
	*ret_name = (struct rn_name){ 0 };
	path = dwfl_module_info(module, NULL, &from, NULL, NULL, NULL, NULL, NULL);
	if (path)
		snprintf(ret_name->module, sizeof ret_name->module, "%.*s", (int)rn_mapped_name(file_name(path)),
			file_name(path));
	if (!dwfl_module_getelf(module, &bias)) {
		ret_name->offset = pc - from;
		ret_name->refused = rn_module_refused(target, module, from);
		return 0;
	}
	ret_name->offset = pc - bias;
	unit = unit_at(module, address, &unit_bias);
	name_function(unit, address - unit_bias, dwfl_module_addrname(module, address), ret_name);
	name_line(unit, address - unit_bias, ret_name);
	return 0;
}
