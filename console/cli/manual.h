/* SPDX-License-Identifier: MIT */
#ifndef CN_CLI_MANUAL_H
#define CN_CLI_MANUAL_H

/* The i-th page's name, NULL = there are no more. */
const char *cn_manual_page(unsigned int i);

#endif
