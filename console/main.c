/* SPDX-License-Identifier: MIT */
#include <locale.h>

#include "cli/cli.h"

int main(int argc, char **argv)
{
	setlocale(LC_ALL, "");
	setlocale(LC_NUMERIC, "C"); /* JSON has points */
	return cn_cli_main(argc, argv);
}
