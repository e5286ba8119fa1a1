/* SPDX-License-Identifier: MIT */
/* What options may be told, and which words a choice is between. */
#ifndef CN_CLI_VALUES_H
#define CN_CLI_VALUES_H

#include "cli/cli.h"

/* What is settled only when the whole line is known. */
struct cn_wanted {
	enum cn_depth color;
	bool ascii;
};

/* Into *cli, which borrows the text (NULL where an option takes nothing), or *wanted. False: it cannot be that. */
bool cn_option_take(enum cn_option option, const char *text, struct cn_cli *cli, struct cn_wanted *wanted);

#endif
