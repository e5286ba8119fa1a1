/* SPDX-License-Identifier: MIT */
/*
 * Names of the running kernel's code. Read when the first one is asked for: some
 * megabytes, which most who look need not have. Where the kernel hides its
 * addresses there are no names.
 */
#ifndef BL_KALLSYMS_H
#define BL_KALLSYMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BL_SYMBOL_BYTES 128 /* longer names are cut off */

struct bl_kallsyms {
	bool loaded;
	struct bl_symbol *symbols; /* by address */
	size_t n;
	char *text;
	uint64_t *told; /* a hash set of addresses, 0 = free */
	size_t n_told, slots;
};

/* From a text like that of /proc/kallsyms, of which it takes a copy. 0 or -ENOMEM. */
int bl_kallsyms_parse(struct bl_kallsyms *kallsyms, const char *text, size_t bytes);
/* Which function that is; NULL if there is no name. Lives as long as `kallsyms`. */
const char *bl_kallsyms_name(struct bl_kallsyms *kallsyms, uint64_t pc);
/* The same, once for each address; then NULL. */
const char *bl_kallsyms_news(struct bl_kallsyms *kallsyms, uint64_t pc);
void bl_kallsyms_fini(struct bl_kallsyms *kallsyms);

#endif
