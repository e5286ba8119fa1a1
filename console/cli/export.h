/* SPDX-License-Identifier: MIT */
/* The formats of `rouse export` that have a file of their own. */
#ifndef CN_CLI_EXPORT_H
#define CN_CLI_EXPORT_H

struct cn_cli;

int cn_export_trace(struct cn_cli *cli);

#endif
