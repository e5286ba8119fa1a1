/* SPDX-License-Identifier: MIT */
/* --where: which tasks are printed, or shown at first. */
#include <string.h>

#include "cli/cli.h"
#include "export/text.h"
#include "view/sheet.h"

int cn_where(const struct cn_cli *cli, struct cn_query *ret_query)
{
	struct cn_query_error error;
	int caret;

	*ret_query = (struct cn_query){ 0 };
	if (!cli->where || cn_query_parse(cli->where, cn_sheet_fields(&cn_tasks_sheet), ret_query, &error) == 0)
		return CN_EXIT_OK;
	cn_fail(CN_EXIT_USAGE, "--where: %s", error.text);
	if (strlen(cli->where) >= CN_QUERY_BYTES)
		return CN_EXIT_USAGE;
	fprintf(stderr, "    %s\n    %*s", cn_safe(cli->where), (int)error.at, "");
	for (caret = 0; caret == 0 || (size_t)caret < error.bytes; caret++)
		fputc('^', stderr);
	fputs("\n`rouse ps --help` names the fields.\n", stderr);
	return CN_EXIT_USAGE;
}

void cn_where_help(FILE *out)
{
	const uint64_t fields = cn_sheet_fields(&cn_tasks_sheet);

	fputs("\nQueries (--where): all words hold. Words without a key stand anywhere in a row; others ask\n"
	      "a field, by : or ~ (text has it), = != < <= > >=, as in 'state:pending age>10s -name~conn'.\n"
	      "a | b, or `or`, for one of two; - or `not` for the opposite; parentheses; \"quotes\"; * and ?\n"
	      "in a text; units ns us ms s m h d, k M G T, %.\n",
		out);
	for (int field = 0; field < CN_FIELD_COUNT; field++)
		if (fields >> field & 1)
			fprintf(out, "  %-9s %s\n", cn_field_text((enum cn_field)field),
				cn_field_help((enum cn_field)field));
}
