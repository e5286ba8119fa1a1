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

static void name_function(Dwfl_Module *module, uint64_t address, struct rn_name *name)
{
	Dwarf_Addr bias;
	Dwarf_Die *unit = dwfl_module_addrdie(module, address, &bias), *scopes = NULL;
	const char *inlined = NULL, *function = NULL;
	int n = unit ? dwarf_getscopes(unit, address - bias, &scopes) : 0;

	for (int i = 0; i < n && !function; i++) {
		int tag = dwarf_tag(&scopes[i]);

		if (tag == DW_TAG_inlined_subroutine && !inlined)
			inlined = dwarf_diename(&scopes[i]);
		else if (tag == DW_TAG_subprogram)
			function = dwarf_diename(&scopes[i]);
	}
	if (!function)
		function = dwfl_module_addrname(module, address);
	set(name->function, sizeof name->function, inlined ? inlined : function);
	set(name->within, sizeof name->within, inlined ? function : NULL);
	free(scopes);
}

static void name_line(Dwfl_Module *module, uint64_t address, struct rn_name *name)
{
	Dwfl_Line *line = dwfl_module_getsrc(module, address);
	int number = 0;
	const char *file = line ? dwfl_lineinfo(line, NULL, &number, NULL, NULL, NULL) : NULL;

	if (!file || number <= 0)
		return;
	set(name->file, sizeof name->file, strlen(file) < sizeof name->file ? file : file_name(file));
	name->line = (uint32_t)number;
}

int rn_name(struct rn_target *target, uint64_t pc, bool returns, struct rn_name *ret_name)
{
	const uint64_t address = returns ? pc - 1 : pc; /* a call may be the last thing of its line, or function */
	Dwfl_Module *module = dwfl_addrmodule(target->dwfl, address);
	Dwarf_Addr from, bias = 0;
	const char *path;

	if (!module)
		return -ENOENT;
	*ret_name = (struct rn_name){ 0 };
	path = dwfl_module_info(module, NULL, &from, NULL, NULL, NULL, NULL, NULL);
	if (path)
		set(ret_name->module, sizeof ret_name->module, file_name(path));
	if (!dwfl_module_getelf(module, &bias)) {
		ret_name->offset = pc - from;
		return 0;
	}
	ret_name->offset = pc - bias;
	name_function(module, address, ret_name);
	name_line(module, address, ret_name);
	return 0;
}
